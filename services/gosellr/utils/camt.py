"""Bank statements in ISO 20022's camt.053: booked entries of every version, as lines.

The document is read event by event. A document type, an entity or anything else that a parser
would have to fetch or expand has no place in such a statement and ends the reading at once.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from typing import Any, Final
from xml.parsers import expat

from gosellr.utils.bank_lines import BankLine, StatementFlaw, line_of
from gosellr.utils.iban import InvalidIban, parse_iban
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import parse_decimal, to_decimal_string

_DEPTH_MAX: Final = 40
_NODES_MAX: Final = 1_000_000
_BOOKED: Final = "BOOK"
_PARTED_BY: Final = "}"
_YES: Final = frozenset({"true", "1"})
_DAY_LENGTH: Final = len("2026-03-31")
_DAY_ZONE: Final = re.compile(r"Z|[+-]\d\d:\d\d")
# What banks write where a transaction has no name.
_NAMELESS: Final = frozenset({"NONREF", "NOREF", "NOTPROVIDED"})
# Sub-families of ISO 20022's bank transaction codes: returned, and called back.
_REVERSALS: Final = frozenset({"RRTN", "RPCR"})


@dataclass(slots=True)
class _Node:
    """An element: its children by name, in their order, and its own words."""

    attributes: dict[str, str]
    children: dict[str, list["_Node"]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def all(self, *path: str) -> list["_Node"]:
        """Every element at the end of a path."""
        found = [self]
        for name in path:
            found = [child for node in found for child in node.children.get(name, ())]
        return found

    def text(self, *paths: str) -> str | None:
        """The words of the first element that one of these paths leads to, tried in order."""
        for path in paths:
            for node in self.all(*path.split("/")):
                if words := "".join(node.words).strip():
                    return words
        return None


def read_camt(content: bytes) -> Iterator[BankLine]:
    """The booked movements of a statement; a collective entry gives each of its payments.

    Each bears the account that its statement is about. What the bank took back, or what came back
    to it, is a reversal. What stands at several entries is the name of none of them: those are
    known by their place in the statement.

    Raises:
        StatementFlaw: for the first entry that can't be read; row 0 is the document.
    """
    root = _Reader().read(content)
    statements = root.all("BkToCstmrStmt", "Stmt")
    if not statements:
        raise StatementFlaw(0, "document", "This is no camt.053 statement")
    told = Counter(
        name
        for entry in root.all("BkToCstmrStmt", "Stmt", "Ntry")
        if _is_booked(entry) and (name := _named(entry, "AcctSvcrRef"))
    )
    shared = frozenset(name for name, count in told.items() if count > 1)
    row = 0
    for statement in statements:
        account = _account(statement)
        for entry in statement.all("Ntry"):
            row += 1
            if _is_booked(entry):
                for line in _lines(row, entry, number=_number(statement, entry), shared=shared):
                    yield replace(line, account=account)


class _Reader:
    """Builds the tree, and nothing that isn't in the bytes themselves."""

    def __init__(self) -> None:
        self._stack = [_Node({})]
        self._count = 0

    def read(self, content: bytes) -> _Node:
        """The document element's children. Raises `StatementFlaw`."""
        parser = expat.ParserCreate(namespace_separator=_PARTED_BY)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._say
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise StatementFlaw(0, "document", f"This is no XML: {error}") from None
        except (LookupError, ValueError) as error:
            if isinstance(error, StatementFlaw):
                raise
            # The document says that it is written in letters that the parser doesn't know.
            raise StatementFlaw(0, "document", f"This can't be read: {error}") from None
        [document] = [one for listed in self._stack[0].children.values() for one in listed]
        return document

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _NODES_MAX or len(self._stack) > _DEPTH_MAX:
            raise StatementFlaw(0, "document", "No statement is as large or as deep as this")
        node = _Node(attributes)
        parent = self._stack[-1]
        parent.children.setdefault(name.rpartition(_PARTED_BY)[2], []).append(node)
        self._stack.append(node)

    def _end(self, _name: str) -> None:
        self._stack.pop()

    def _say(self, words: str) -> None:
        self._stack[-1].words.append(words)

    def _refuse(self, *_what: Any) -> int:
        raise StatementFlaw(0, "document", "A statement has no document type and no entities")


def _account(statement: _Node) -> str:
    """Whose statement it is: an IBAN as it is compared, else the bank's own words."""
    account = statement.text("Acct/Id/IBAN", "Acct/Id/Othr/Id")
    if account is None:
        raise StatementFlaw(0, "account", "This statement doesn't say which account it is about")
    try:
        return parse_iban(account)
    except InvalidIban:
        return account


def _is_reversal(entry: _Node, detail: _Node) -> bool:
    """Whether something earlier is undone, whichever of three ways the bank says so."""
    family = "BkTxCd/Domn/Fmly/SubFmlyCd"
    return (
        entry.text("RvslInd") in _YES
        or "RtrInf" in detail.children
        or (detail.text(family) or entry.text(family)) in _REVERSALS
    )


def _is_booked(entry: _Node) -> bool:
    return entry.text("Sts/Cd", "Sts") == _BOOKED


def _named(node: _Node, *paths: str) -> str | None:
    """The first name that is one, by paths tried in order."""
    names = (node.text(path) for path in paths)
    return next((name for name in names if name and name.upper() not in _NAMELESS), None)


def _number(statement: _Node, entry: _Node) -> str | None:
    """An entry by its place: unique within its statement, and so by both for ever."""
    number, statement_id = entry.text("NtryRef"), statement.text("Id")
    return number and statement_id and f"{statement_id}/{number}"


def _lines(
    row: int, entry: _Node, *, number: str | None, shared: frozenset[str]
) -> Iterator[BankLine]:
    details = entry.all("NtryDtls", "TxDtls")
    total = _signed(row, entry, entry.text("Amt"))
    currency = _currency(row, entry)
    own_id = _named(entry, "AcctSvcrRef")
    if own_id in shared:
        own_id = None
    if len(details) <= 1:
        # Banks tell so that they closed a year, for one.
        if not parse_decimal(total, currency):
            return
        detail = details[0] if details else _Node({})
        name = own_id or _named(detail, "Refs/AcctSvcrRef", "Refs/TxId")
        if name is None or name in shared:
            name = number
        yield _line(row, entry, detail, name=name, amount=total, currency=currency)
        return
    lines = []
    own_id = own_id or number
    for place, detail in enumerate(details, 1):
        amount = _signed(row, entry, detail.text("Amt", "AmtDtls/TxAmt/Amt"))
        name = _named(detail, "Refs/AcctSvcrRef")
        if name is None or name in shared:
            name = own_id and f"{own_id}/{place}"
        lines.append(_line(row, entry, detail, name=name, amount=amount, currency=currency))
    if sum(one.amount_minor for one in lines) != parse_decimal(total, currency):
        raise StatementFlaw(row, "amount", "The payments of this entry don't make up its amount")
    yield from lines


def _line(
    row: int, entry: _Node, detail: _Node, *, name: str | None, amount: str, currency: str
) -> BankLine:
    written = [
        "".join(node.words)
        for path in (("RmtInf", "Strd", "CdtrRefInf", "Ref"), ("RmtInf", "Ustrd"))
        for node in detail.all(*path)
    ]
    line = line_of(
        row,
        {
            "transaction_id": name,
            "amount": amount,
            "currency": currency,
            "value_date": _moment(entry),
            "text": " ".join([*written, detail.text("Refs/EndToEndId") or ""]),
            "payer_name": detail.text("RltdPties/Dbtr/Pty/Nm", "RltdPties/Dbtr/Nm"),
            "payer_iban": detail.text("RltdPties/DbtrAcct/Id/IBAN"),
        },
    )
    return replace(line, is_reversal=_is_reversal(entry, detail))


def _moment(entry: _Node) -> str | None:
    """The day of an entry, else its moment. XML Schema lets a day have a zone, which none needs."""
    for place in ("ValDt", "BookgDt"):
        if day := entry.text(f"{place}/Dt"):
            return day[:_DAY_LENGTH] if _DAY_ZONE.fullmatch(day[_DAY_LENGTH:]) else day
        if moment := entry.text(f"{place}/DtTm"):
            return moment
    return None


def _currency(row: int, entry: _Node) -> str:
    for amount in entry.all("Amt"):
        if currency := amount.attributes.get("Ccy"):
            return currency
    raise StatementFlaw(row, "currency", "This is missing")


def _signed(row: int, entry: _Node, amount: str | None) -> str:
    """The amount as a decimal of the account's own sense; banks pad it with zeros."""
    direction = entry.text("CdtDbtInd")
    if amount is None or direction not in {"CRDT", "DBIT"} or amount.startswith("-"):
        raise StatementFlaw(row, "amount", "This amount has no direction, or none is there")
    currency = _currency(row, entry)
    whole, point, part = amount.partition(".")
    plain = whole + point + part
    if point:
        kept = part.rstrip("0")
        plain = f"{whole}.{kept}" if kept else whole
    try:
        amount_minor = parse_decimal(plain, currency)
    except ValueError as error:
        raise StatementFlaw(row, "amount", str(error)) from None
    return to_decimal_string(amount_minor if direction == "CRDT" else -amount_minor, currency)
