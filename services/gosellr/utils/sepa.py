"""A bank file: credit transfers in euros, ISO 20022 `pain.001.001.09`, as SEPA's rulebook has it.

The same payments make the same bytes: nothing in it is drawn by chance, and no moment is read.
Amounts are whole cents, written with their point set by hand.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from xml.etree import ElementTree as ET

from gosellr.utils.banking_days import banking_day_from
from gosellr.utils.iban import InvalidIban, parse_iban
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import to_decimal_string

CURRENCY: Final = "EUR"
NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
AMOUNT_MINOR_MAX: Final = 99_999_999_999
"""The rulebook's largest transfer, 999,999,999.99."""
PAYMENTS_MAX: Final = 1_000
NAME_LENGTH_MAX: Final = 70
ID_LENGTH_MAX: Final = 35
TEXT_LENGTH_MAX: Final = 140

# Where a bank can be reached: the countries and territories of the scheme, by their IBANs.
COUNTRIES: Final = frozenset(
    {
        "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB",
        "GI", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK",
        "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
    }
)  # fmt: skip

_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_LATIN: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_ID: Final = re.compile(r"[A-Za-z0-9\-]{1,35}")
# What taking the marks off a letter doesn't make plain.
_SPELT: Final = str.maketrans(
    {"ß": "ss", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Å": "A", "å": "a",
     "Đ": "D", "đ": "d", "Ł": "L", "ł": "l", "Þ": "Th", "þ": "th", "Ð": "D", "ð": "d", "ı": "i",
     "&": "+", "_": "-", "’": "'", "–": "-", "—": "-"}
)  # fmt: skip


class NotSepa(ValueError):
    """Something that no such file may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debtor:
    """Whose account is debited: the marketplace. Raises `NotSepa`."""

    name: str
    iban: str = field(repr=False)
    bic: str

    def __post_init__(self) -> None:
        sepa_iban(self.iban)
        sepa_bic(self.bic)
        sepa_text(self.name, length_max=NAME_LENGTH_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One payment, known to both banks by `end_to_end_id`. Raises `NotSepa`."""

    end_to_end_id: str
    amount_minor: int
    name: str = field(repr=False)
    iban: str = field(repr=False)
    text: str

    def __post_init__(self) -> None:
        _checked_id(self.end_to_end_id)
        sepa_iban(self.iban)
        if type(self.amount_minor) is not int or not 0 < self.amount_minor <= AMOUNT_MINOR_MAX:
            raise NotSepa(f"{self.amount_minor!r} cents can't be transferred")


def sepa_iban(text: str) -> str:
    """An account that euros can be sent to, without blanks. Raises `NotSepa`."""
    try:
        iban = parse_iban(text)
    except InvalidIban as error:
        raise NotSepa(f"an account is {error}") from None
    if iban[:2] not in COUNTRIES:
        raise NotSepa(f"no euros can be sent to {iban[:2]} this way")
    return iban


def sepa_bic(text: str) -> str:
    """A bank's code of 8 or 11 letters and digits (ISO 9362). Raises `NotSepa`."""
    plain = text.strip().upper()
    if not _BIC.fullmatch(plain):
        raise NotSepa("not the form of a BIC")
    return plain


def sepa_text(text: str, *, length_max: int) -> str:
    """The text in the letters that every bank takes, and no longer than it may be.

    Marks are taken off, other scripts become points. A slash neither begins nor ends it, nor
    stands twice. Raises `NotSepa` when nothing is left that could be read.
    """
    bare = unicodedata.normalize("NFKD", text.translate(_SPELT))
    plain = "".join(letter for letter in bare if not unicodedata.combining(letter))
    plain = _LATIN.sub(".", " ".join(plain.split()))
    plain = re.sub(r"/{2,}", "/", plain)[:length_max].strip("/ ")
    if not re.search(r"[A-Za-z0-9]", plain):
        raise NotSepa("nothing of it can be written in the letters of the scheme")
    return plain


def banking_day(moment: datetime) -> date:
    """The day itself, or the first after it that is no weekend and no bank holiday: on which a bank
    is asked to pay. It is the day of Frankfurt, by which the banks of SEPA go: a file made after
    midnight there asks for no day that is over."""
    return banking_day_from((moment.astimezone(UTC) + _ahead_of_utc(moment)).date())


def _ahead_of_utc(moment: datetime) -> timedelta:
    """By how much the clocks of Frankfurt are ahead: an hour, and from the last Sunday of March to
    that of October, each at one o'clock UTC, two."""
    summer, winter = (_last_sunday(moment.astimezone(UTC).year, month) for month in (3, 10))
    return timedelta(hours=2 if summer <= moment < winter else 1)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=last.isoweekday() % 7)


def pain_001(
    *,
    message_id: str,
    made_at: datetime,
    pay_on: date,
    debtor: Debtor,
    transfers: Sequence[Transfer],
) -> bytes:
    """The file: one debit of the marketplace's account, and a transfer for each payment.

    Raises:
        NotSepa: an id is too long or used twice, or there are none or too many payments.
    """
    _checked_id(message_id)
    if not 0 < len(transfers) <= PAYMENTS_MAX:
        raise NotSepa(f"between 1 and {PAYMENTS_MAX} payments, not {len(transfers)}")
    if len({one.end_to_end_id for one in transfers}) != len(transfers):
        raise NotSepa("two payments bear one id")
    document = ET.Element("Document", {"xmlns": NAMESPACE})
    initiation = _add(document, "CstmrCdtTrfInitn")
    name = sepa_text(debtor.name, length_max=NAME_LENGTH_MAX)
    header = _add(initiation, "GrpHdr")
    _add(header, "MsgId", message_id)
    _add(header, "CreDtTm", made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _add_sums(header, transfers)
    _add(_add(header, "InitgPty"), "Nm", name)
    payment = _add(initiation, "PmtInf")
    _add(payment, "PmtInfId", message_id)
    _add(payment, "PmtMtd", "TRF")
    _add(payment, "BtchBookg", "true")
    _add_sums(payment, transfers)
    _add(_add(_add(payment, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(payment, "ReqdExctnDt"), "Dt", pay_on.isoformat())
    _add(_add(payment, "Dbtr"), "Nm", name)
    _add(_add(_add(payment, "DbtrAcct"), "Id"), "IBAN", sepa_iban(debtor.iban))
    _add(_add(_add(payment, "DbtrAgt"), "FinInstnId"), "BICFI", sepa_bic(debtor.bic))
    _add(payment, "ChrgBr", "SLEV")
    for one in transfers:
        _add_transfer(payment, one)
    content: bytes = ET.tostring(document, encoding="UTF-8", xml_declaration=True)
    return content + b"\n"


def _add_transfer(payment: ET.Element, one: Transfer) -> None:
    transfer = _add(payment, "CdtTrfTxInf")
    _add(_add(transfer, "PmtId"), "EndToEndId", one.end_to_end_id)
    amount = _add(_add(transfer, "Amt"), "InstdAmt", _amount(one.amount_minor))
    amount.set("Ccy", CURRENCY)
    _add(_add(transfer, "Cdtr"), "Nm", sepa_text(one.name, length_max=NAME_LENGTH_MAX))
    _add(_add(_add(transfer, "CdtrAcct"), "Id"), "IBAN", sepa_iban(one.iban))
    _add(_add(transfer, "RmtInf"), "Ustrd", sepa_text(one.text, length_max=TEXT_LENGTH_MAX))


def _add_sums(parent: ET.Element, transfers: Sequence[Transfer]) -> None:
    _add(parent, "NbOfTxs", str(len(transfers)))
    _add(parent, "CtrlSum", _amount(sum(one.amount_minor for one in transfers)))


def _add(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    child = ET.SubElement(parent, tag)
    child.text = text
    return child


def _amount(minor: int) -> str:
    return to_decimal_string(minor, CURRENCY)


def _checked_id(text: str) -> None:
    if not _ID.fullmatch(text):
        raise NotSepa(f"an id has at most {ID_LENGTH_MAX} letters, digits and hyphens")
