"""The books: account names, balanced entries, and the hash that makes a change show.

A transaction is one business fact; its entries debit and credit accounts and sum to zero per
currency. Which entries a fact makes is decided in `postings`, what they mean in words in
`explanations`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from json.encoder import JSONEncoder, encode_basestring_ascii
from typing import Any, Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import exponent

_compact = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


class UnknownAccount(ValueError):
    """The name is no account of the books."""


class Unbalanced(ValueError):
    """Entries don't sum to zero in a currency, or the parts of a fact contradict its whole."""


class InvalidEntry(ValueError):
    """An entry's amount is no positive whole number of minor units."""


class Side(StrEnum):
    """Where an account stands: assets and expenses grow by debits, the others by credits."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"
    EITHER = "either"


class Direction(StrEnum):
    """The side of the entry."""

    DEBIT = "debit"
    CREDIT = "credit"

    @property
    def opposite(self) -> "Direction":
        """Debit for credit, credit for debit."""
        return Direction.CREDIT if self is Direction.DEBIT else Direction.DEBIT


@dataclass(frozen=True, slots=True)
class AccountKind:
    """One row of the chart of accounts.

    `owner` is the noun whose id follows the colon in the name, None for the marketplace's own.
    A guarded account carries a locked balance that may never fall below zero.
    """

    name: str
    side: Side
    owner: str | None = None
    guarded: bool = False


ACCOUNT_KINDS: Final[dict[str, AccountKind]] = {
    kind.name: kind
    for kind in (
        AccountKind("gateway_clearing", Side.ASSET, "gateway"),
        AccountKind("bank", Side.ASSET),
        AccountKind("dispute_receivable", Side.ASSET, "gateway"),
        AccountKind("seller_receivable", Side.ASSET, "seller"),
        AccountKind("seller_pending", Side.LIABILITY, "seller"),
        AccountKind("seller_available", Side.LIABILITY, "seller", guarded=True),
        AccountKind("seller_reserve", Side.LIABILITY, "seller", guarded=True),
        AccountKind("payout_in_transit", Side.LIABILITY, "seller"),
        AccountKind("tax_payable", Side.LIABILITY, "jurisdiction"),
        AccountKind("store_credit", Side.LIABILITY, "user", guarded=True),
        AccountKind("gift_card", Side.LIABILITY, "card", guarded=True),
        AccountKind("stored_value_held", Side.LIABILITY, "order"),
        AccountKind("refund_in_transit", Side.LIABILITY, "gateway"),
        AccountKind("commission", Side.INCOME),
        AccountKind("fee_income", Side.INCOME),
        AccountKind("breakage", Side.INCOME),
        AccountKind("gateway_fee", Side.EXPENSE),
        AccountKind("promotion_cost", Side.EXPENSE),
        AccountKind("goodwill_cost", Side.EXPENSE),
        AccountKind("chargeback_loss", Side.EXPENSE),
        AccountKind("bad_debt", Side.EXPENSE),
        AccountKind("suspense", Side.EITHER),
    )
}
GUARDED_KINDS: Final = frozenset(kind.name for kind in ACCOUNT_KINDS.values() if kind.guarded)

BANK: Final = "bank"
COMMISSION: Final = "commission"
FEE_INCOME: Final = "fee_income"
BREAKAGE: Final = "breakage"
GATEWAY_FEE: Final = "gateway_fee"
PROMOTION_COST: Final = "promotion_cost"
GOODWILL_COST: Final = "goodwill_cost"
CHARGEBACK_LOSS: Final = "chargeback_loss"
BAD_DEBT: Final = "bad_debt"
SUSPENSE: Final = "suspense"

FIRST_SEAL: Final = bytes(32)
"""What stands in for the last seal before there is one."""


def gateway_clearing(gateway: str) -> str:
    """Captured at the gateway, not yet in the bank."""
    return f"gateway_clearing:{gateway}"


def dispute_receivable(gateway: str) -> str:
    """Taken back by the card network while a chargeback is open."""
    return f"dispute_receivable:{gateway}"


def seller_receivable(seller_id: UUID) -> str:
    """What a seller owes the marketplace."""
    return f"seller_receivable:{seller_id}"


def seller_pending(seller_id: UUID) -> str:
    """Earned, still inside the hold."""
    return f"seller_pending:{seller_id}"


def seller_available(seller_id: UUID) -> str:
    """May be paid out."""
    return f"seller_available:{seller_id}"


def seller_reserve(seller_id: UUID) -> str:
    """Rolling reserve and dispute freezes."""
    return f"seller_reserve:{seller_id}"


def payout_in_transit(seller_id: UUID) -> str:
    """Sent, not yet confirmed."""
    return f"payout_in_transit:{seller_id}"


def tax_payable(jurisdiction: str) -> str:
    """Tax that the marketplace remits, VAT on commission included."""
    return f"tax_payable:{jurisdiction}"


def store_credit(user_id: UUID) -> str:
    """A buyer's store credit."""
    return f"store_credit:{user_id}"


def gift_card(card_id: UUID) -> str:
    """What is left on a gift card."""
    return f"gift_card:{card_id}"


def stored_value_held(order_id: UUID) -> str:
    """Stored value set aside for an order until it is paid or expires."""
    return f"stored_value_held:{order_id}"


def refund_in_transit(gateway: str) -> str:
    """Refund booked, the provider's answer awaited."""
    return f"refund_in_transit:{gateway}"


def account_kind(account: str) -> AccountKind:
    """The row of the chart that an account name belongs to. Raises `UnknownAccount`."""
    name, colon, owner = account.partition(":")
    kind = ACCOUNT_KINDS.get(name)
    if (
        kind is None
        or bool(colon) is not (kind.owner is not None)
        or bool(colon) is not bool(owner)
    ):
        raise UnknownAccount(f"{account!r} is not an account")
    return kind


def account_owner(account: str) -> str | None:
    """The id or name after the colon; None for the marketplace's own. Raises `UnknownAccount`."""
    return account.partition(":")[2] if account_kind(account).owner else None


def is_guarded(account: str) -> bool:
    """Whether the account carries a locked balance >= 0. Raises `UnknownAccount`."""
    return account_kind(account).guarded


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a fact: a positive amount in minor units on an account.

    Raises `UnknownAccount`, `UnknownCurrency`, `InvalidEntry`.
    """

    account: str
    direction: Direction
    amount_minor: int
    currency: str
    seller_order_id: UUID | None = None
    order_line_id: UUID | None = None
    refund_id: UUID | None = None
    payout_id: UUID | None = None

    def __post_init__(self) -> None:
        account_kind(self.account)
        exponent(self.currency)
        if type(self.amount_minor) is not int or self.amount_minor <= 0:
            raise InvalidEntry(f"an entry needs a positive amount, not {self.amount_minor!r}")

    @property
    def signed_minor(self) -> int:
        """The amount as the sum of a transaction sees it: debits positive, credits negative."""
        return self.amount_minor if self.direction is Direction.DEBIT else -self.amount_minor

    @property
    def balance_change_minor(self) -> int:
        """By how much the account's own balance grows: debits raise assets and expenses."""
        debit_side = account_kind(self.account).side in {Side.ASSET, Side.EXPENSE, Side.EITHER}
        return self.signed_minor if debit_side else -self.signed_minor


class TransactionKind(StrEnum):
    """The facts that are booked."""

    SALE = "sale"
    SALE_ON_DELIVERY = "sale_on_delivery"
    PROVIDER_FEE = "provider_fee"
    SETTLEMENT = "settlement"
    RELEASE = "release"
    REFUND_INTENT = "refund_intent"
    REFUND_CONFIRMED = "refund_confirmed"
    REFUND_FAILED = "refund_failed"
    STORED_VALUE_HELD = "stored_value_held"
    STORED_VALUE_RETURNED = "stored_value_returned"
    STORED_VALUE_MOVED = "stored_value_moved"
    GIFT_CARD_ISSUED = "gift_card_issued"
    GIFT_CARD_SOLD = "gift_card_sold"
    GIFT_CARD_RELEASED = "gift_card_released"
    GIFT_CARD_RESTORED = "gift_card_restored"
    STORE_CREDIT_GRANTED = "store_credit_granted"
    SELLER_CREDIT_GRANTED = "seller_credit_granted"
    STRAY_CAPTURE = "stray_capture"
    STRAY_RETURN = "stray_return"
    RESERVE_RELEASED = "reserve_released"
    DEBT_RECOVERED = "debt_recovered"
    DEBT_WRITTEN_OFF = "debt_written_off"
    WRITE_OFF_RECOVERED = "write_off_recovered"
    ADJUSTED = "adjusted"
    PAYOUT_CARRIED = "payout_carried"
    PAYOUT_INTENT = "payout_intent"
    PAYOUT_CONFIRMED = "payout_confirmed"
    PAYOUT_FAILED = "payout_failed"
    PAYOUT_RETURNED = "payout_returned"
    RECONCILED = "reconciled"
    SUSPENSE_CLEARED = "suspense_cleared"
    DISPUTE_FROZEN = "dispute_frozen"
    DISPUTE_RELEASED = "dispute_released"
    CHARGEBACK_OPENED = "chargeback_opened"
    CHARGEBACK_WON = "chargeback_won"
    CHARGEBACK_LOST = "chargeback_lost"
    CHARGEBACK_REINSTATED = "chargeback_reinstated"
    CHARGEBACK_LOST_AGAIN = "chargeback_lost_again"
    CHARGEBACK_FEE = "chargeback_fee"
    CHARGEBACK_MADE_GOOD = "chargeback_made_good"


@dataclass(frozen=True, slots=True)
class TransactionDraft:
    """A fact ready to be booked; balanced by construction. Raises `Unbalanced`."""

    kind: TransactionKind
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        assert_balanced(self.entries)


def imbalance(entries: Iterable[Entry]) -> dict[str, int]:
    """Debits less credits of each currency in which they differ; empty when balanced."""
    sums: defaultdict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.currency] += entry.signed_minor
    return {currency: total for currency, total in sums.items() if total}


def assert_balanced(entries: Iterable[Entry]) -> None:
    """Raises `Unbalanced` unless debits equal credits in every currency."""
    off = imbalance(entries)
    if off:
        raise Unbalanced(f"debits less credits: {off}")


def reversed_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The same entries with debit and credit exchanged."""
    return tuple(replace(entry, direction=entry.direction.opposite) for entry in entries)


def transaction_bytes(
    *,
    transaction_id: UUID,
    kind: str,
    cause_type: str,
    cause_id: UUID,
    idempotency_key: str,
    effective_at: datetime,
    booked_at: datetime,
    actor: str,
    entries: Iterable[Entry],
    order_id: UUID | None = None,
    corrects_id: UUID | None = None,
    facts: Mapping[str, Any] | None = None,
) -> bytes:
    """The canonical form of a booked transaction, from which its hash is made.

    ASCII JSON without blanks, keys sorted; times in UTC to the microsecond; objects without
    their empty fields, entries sorted by their own text, so that neither the order of reading
    nor a column added later changes the form. `facts` is a JSON document without floats.
    Raises ValueError for a time without a zone.
    """
    head = {
        "id": str(transaction_id),
        "kind": str(kind),
        "cause_type": cause_type,
        "cause_id": str(cause_id),
        "idempotency_key": idempotency_key,
        "effective_at": _instant(effective_at),
        "booked_at": _instant(booked_at),
        "actor": actor,
        **({} if order_id is None else {"order_id": str(order_id)}),
        **({} if corrects_id is None else {"corrects_id": str(corrects_id)}),
        **({"facts": facts} if facts else {}),
    }
    # Each entry is spelled once: to be sorted, and as it stands in the whole.
    listed = ",".join(sorted(map(_entry_text, entries)))
    return f'{{"entries":[{listed}],"transaction":{_compact(head)}}}'.encode("ascii")


def transaction_hash(canonical: bytes) -> bytes:
    """SHA-256 of the canonical form: the value of a transaction's hash column."""
    return sha256(canonical).digest()


def batch_root(transaction_hashes: Iterable[bytes]) -> bytes:
    """The root of a batch to be sealed: SHA-256 over its transactions' hashes in order.

    Raises ValueError for a hash that isn't 32 bytes long: only then can the concatenation be
    read in one way.
    """
    return _digest_of_digests(transaction_hashes)


def seal_hash(*, previous_hash: bytes, root_hash: bytes) -> bytes:
    """A seal chains its batch to the last seal; the first follows `FIRST_SEAL`."""
    return _digest_of_digests((previous_hash, root_hash))


def _digest_of_digests(hashes: Iterable[bytes]) -> bytes:
    digest = sha256()
    for part in hashes:
        if len(part) != digest.digest_size:
            raise ValueError("a seal is made of hashes of 32 bytes")
        digest.update(part)
    return digest.digest()


def _entry_text(entry: Entry) -> str:
    """Its fields as `_compact` writes them, by hand: an order books a dozen entries."""
    text = (
        f'{{"account":{encode_basestring_ascii(entry.account)},"amount_minor":{entry.amount_minor},'
        f'"currency":{encode_basestring_ascii(entry.currency)},"direction":"{entry.direction}"'
    )
    if entry.order_line_id is not None:
        text += f',"order_line_id":"{entry.order_line_id}"'
    if entry.payout_id is not None:
        text += f',"payout_id":"{entry.payout_id}"'
    if entry.refund_id is not None:
        text += f',"refund_id":"{entry.refund_id}"'
    if entry.seller_order_id is not None:
        text += f',"seller_order_id":"{entry.seller_order_id}"'
    return text + "}"


def _instant(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
