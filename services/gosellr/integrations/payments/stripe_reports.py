"""Every movement of the market's balance at Stripe, oldest first, for reconciliation.

Stripe lists them newest first, each in the currency that it settles in. Here they are read in
windows of time from the oldest on; what a buyer paid or got back is told in the buyer's own
currency, with its share of the fee, as it is booked.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import stripe

from gosellr.integrations.payments.journal_port import JournalCharge, JournalUnread
from gosellr.integrations.payments.port import GatewayMovement
from gosellr.integrations.payments.report_port import DisputedCharge
from gosellr.integrations.payments.stripe_amounts import (
    STEPS_MINOR,
    fee_from_stripe,
    from_stripe,
    whole_from_stripe,
)
from gosellr.integrations.payments.stripe_answers import ATTEMPT, REFUND, Unreadable
from gosellr.integrations.payments.stripe_api import KeyReused, Refused, StripeApi, Unanswered
from gosellr.integrations.payments.stripe_connect import PAYOUT
from gosellr.integrations.payments.stripe_disputes import disputed_since
from gosellr.integrations.payments.stripe_journal import read_journal
from gosellr.utils.lazy_dataclasses import dataclass

if TYPE_CHECKING:
    from stripe.params import BalanceTransactionListParams

_log = logging.getLogger("gosellr.stripe")

Kind = Literal["charge", "refund", "chargeback", "payout", "fee", "settlement", "other"]

_PAGE_SIZE = 100
# More than these in one window can't be read: then nothing is told of it.
_PAGES_MAX = 1_000
_WITH = ["data.source"]
# Before Stripe there was nothing.
_BEGINNING: Final = datetime(2011, 1, 1, tzinfo=UTC)
_WINDOW: Final = timedelta(days=1)
_WINDOW_MAX: Final = timedelta(days=256)

KINDS: Final[Mapping[str, Kind]] = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "dispute": "chargeback",
    "dispute_reversal": "chargeback",
    "transfer": "payout",
    "transfer_reversal": "payout",
    "transfer_refund": "payout",
    "payout": "settlement",
    "fee": "fee",
    "stripe_fee": "fee",
    "network_cost": "fee",
}
"""By reporting category, or where that is another by type. Everything else a person looks at."""

_OURS: Final[Mapping[Kind, str]] = {"charge": ATTEMPT, "refund": REFUND, "payout": PAYOUT}
# Where the amount stands that the buyer saw.
_OWN_AMOUNT: Final[Mapping[Kind, str]] = {
    "charge": "amount_captured", "refund": "amount", "chargeback": "amount",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """Behind which movement to go on; without a name, behind a moment."""

    created: int
    name: str

    @classmethod
    def of(cls, cursor: str) -> "_Place":
        """Raises `JournalUnread` for a cursor that isn't one of ours."""
        if not cursor:
            return cls(int(_BEGINNING.timestamp()), "")
        created, _, name = cursor.partition("/")
        if not created.isdigit() or len(created) > 12:
            raise JournalUnread("this cursor isn't one of ours")
        return cls(int(created), name)

    def behind(self, rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Those of rows, oldest first, that come after it."""
        names = [row["id"] for row in rows]
        return rows[names.index(self.name) + 1 :] if self.name in names else rows


class StripeReports:
    """What a gateway over Stripe tells of all that was: its payments, its movements by time, and
    its chargebacks."""

    _api: StripeApi

    async def journal(self, *, after_reference: str = "", limit: int = 1000) -> list[JournalCharge]:
        """See `KeepsJournal.journal`."""
        return await read_journal(self._api, after=after_reference, limit=limit)

    async def disputed_since(self, moment: datetime) -> Sequence[DisputedCharge] | None:
        """See `TellsDisputes.disputed_since`."""
        return await disputed_since(self._api, moment)

    async def movements(self, *, after: str = "", limit: int = 1000) -> Sequence[GatewayMovement]:
        """See `TellsMovements.movements`."""
        return await read_movements(self._api, after=after, limit=limit)

    def place_at(self, moment: datetime) -> str:
        """See `ListsByTime.place_at`."""
        return f"{int(moment.timestamp())}/"


async def read_movements(api: StripeApi, *, after: str, limit: int) -> list[GatewayMovement]:
    """Movements behind a cursor, oldest first; none behind the last. Raises `JournalUnread`."""
    place = _Place.of(after)
    try:
        newest = await _page(api, created=None, starting_after=None, limit=1)
        end = newest[0][0]["created"] if newest[0] else -1
        since, window = place.created, _WINDOW
        while since <= end:
            until = since + int(window.total_seconds())
            rows = place.behind(await _window(api, since=since, until=until))
            # What moves nothing is nothing to the books.
            rows = [row for row in rows if row["amount"] or row["fee"]]
            told = [read_movement(row) for row in rows if _is_in_our_money(row)]
            told = [one for one in told if one.amount_minor or one.fee_minor]
            if told:
                return told[:limit]
            since, window = until, min(window * 2, _WINDOW_MAX)
    except (
        Unanswered, Refused, KeyReused, Unreadable, KeyError, TypeError, AttributeError, ValueError,
    ) as error:  # fmt: skip
        raise JournalUnread("Stripe's movements can't be read") from error
    return []


async def _window(api: StripeApi, *, since: int, until: int) -> list[dict[str, Any]]:
    """All movements within a window, oldest first."""
    read: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(_PAGES_MAX):
        rows, more = await _page(
            api, created=(since, until), starting_after=after, limit=_PAGE_SIZE
        )
        read += rows
        if not more or not rows:
            return read[::-1]
        after = rows[-1]["id"]
    raise Unanswered("list of movements")


async def _page(
    api: StripeApi, *, created: tuple[int, int] | None, starting_after: str | None, limit: int
) -> tuple[list[dict[str, Any]], bool]:
    params: BalanceTransactionListParams = {"limit": limit}
    if created is not None:
        params["created"] = {"gte": created[0], "lt": created[1]}
        params["expand"] = _WITH
    if starting_after is not None:
        params["starting_after"] = starting_after

    async def send(client: stripe.StripeClient) -> stripe.StripeObject:
        return await client.v1.balance_transactions.list_async(params)

    document = (await api.call("movements", send)).document
    rows = document["data"]
    if not isinstance(rows, list) or not all(isinstance(row["id"], str) for row in rows):
        raise Unreadable("no list that we can read")
    return rows, bool(document.get("has_more"))


def _is_in_our_money(row: Mapping[str, Any]) -> bool:
    """Whether the books could hold it: Stripe settles in coins, too, which no ledger here has. It
    is logged, and those behind it are read."""
    currency = _told_in(row)
    is_ours = currency in STEPS_MINOR
    if not is_ours:
        _log.error("%s moved %s, which isn't read", row["id"], currency)
    return is_ours


def _told_in(row: Mapping[str, Any]) -> str:
    """In which currency a movement is told: the buyer's, where it is about a buyer's money."""
    source = row.get("source")
    told = source if isinstance(source, dict) and kind_of(row) in _OWN_AMOUNT else row
    currency: str = told["currency"]
    return currency.upper()


def kind_of(row: Mapping[str, Any]) -> Kind:
    """What a movement is."""
    by_category = KINDS.get(row.get("reporting_category") or "")
    return by_category or KINDS.get(row.get("type") or "", "other")


def read_movement(row: Mapping[str, Any]) -> GatewayMovement:
    """A movement with its source; raises KeyError, TypeError or ValueError.

    Where Stripe settles in parts of our smallest unit (a fee in ISK), what it kept is rounded half
    up, as it is when a charge is booked. A fee that Stripe gave back with a refund is below zero;
    any other is part of the amount: the net stays what it is.
    """
    kind, settled_in = kind_of(row), row["currency"].upper()
    source = row.get("source")
    about: Mapping[str, Any] = source if isinstance(source, dict) else {}
    name = about.get("id") if about else source
    currency = _told_in(row)
    if currency == settled_in:
        amount_minor = whole_from_stripe(row["amount"], settled_in)
        fee_minor = whole_from_stripe(row["fee"], settled_in)
    else:
        amount = about[_OWN_AMOUNT[kind]]
        fee_minor = fee_from_stripe(
            abs(row["fee"]), currency, fee_currency=settled_in, charged=amount,
            settled=abs(row["amount"]),
        ) * (-1 if row["fee"] < 0 else 1)  # fmt: skip
        amount_minor = from_stripe(amount, currency) * (-1 if row["amount"] < 0 else 1)
    if fee_minor < 0 and kind != "refund":
        amount_minor, fee_minor = amount_minor - fee_minor, 0
    return GatewayMovement(
        reference=row["id"],
        kind=kind,
        movement_id=_our_name(kind, about),
        gateway_reference=about.get("payment_intent") if kind == "charge" else name,
        amount_minor=amount_minor,
        fee_minor=fee_minor,
        currency=currency,
        occurred_at=datetime.fromtimestamp(row["created"], UTC),
        cursor=f"{row['created']}/{row['id']}",
    )


def _our_name(kind: Kind, about: Mapping[str, Any]) -> str | None:
    key = _OURS.get(kind)
    return None if key is None else (about.get("metadata") or {}).get(key)
