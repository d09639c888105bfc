"""Every movement of the market's balance at PayPal, for reconciliation.

PayPal answers for a month at a time, and tells of a movement some hours after it. It is read from
the oldest on; what isn't settled yet is left out, and told once it is.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from gosellr.integrations.payments.journal_port import JournalUnread
from gosellr.integrations.payments.paypal_amounts import NotExpressible, from_paypal
from gosellr.integrations.payments.paypal_api import PayPalApi, Refused, Unanswered
from gosellr.integrations.payments.port import GatewayMovement
from gosellr.utils.money import EXPONENTS
from gosellr.utils.paypal_movements import figures_of, our_name, related_to

_log = logging.getLogger("gosellr.paypal")

# PayPal answers for no longer at once, and knows nothing that is older than three years.
_WINDOW: Final = timedelta(days=31)
_MEMORY: Final = timedelta(days=3 * 365)
_PAGE_SIZE = 500
_PAGES_MAX = 200
_SETTLED = "S"


class _Clocked(Protocol):
    def now(self) -> datetime: ...


class PayPalReports:
    """What a gateway over PayPal tells of all that was: its movements, by time."""

    _api: PayPalApi
    _clock: _Clocked

    async def movements(self, *, after: str = "", limit: int = 1000) -> Sequence[GatewayMovement]:
        """See `TellsMovements.movements`."""
        return await read_movements(self._api, after=after, limit=limit, now=self._clock.now())

    def place_at(self, moment: datetime) -> str:
        """See `ListsByTime.place_at`."""
        return f"{moment.isoformat()}/"


async def read_movements(
    api: PayPalApi, *, after: str, limit: int, now: datetime
) -> list[GatewayMovement]:
    """Movements behind a cursor, oldest first; none behind the last. Raises `JournalUnread`."""
    since, name = _place(after, now=now)
    begin = since
    try:
        while begin < now:
            end = min(begin + _WINDOW, now)
            told = [read_movement(row) for row in await _window(api, begin=begin, end=end)]
            rows = sorted(
                (one for one in told if one is not None),
                key=lambda one: (one.occurred_at, one.reference),
            )
            behind = [one for one in rows if (one.occurred_at, one.reference) > (since, name)]
            if behind:
                return behind[:limit]
            begin = end
    except (Unanswered, Refused, KeyError, TypeError, AttributeError, ValueError) as error:
        raise JournalUnread("PayPal's movements can't be read") from error
    return []


def _place(cursor: str, *, now: datetime) -> tuple[datetime, str]:
    if not cursor:
        return now - _MEMORY, ""
    moment, _, name = cursor.partition("/")
    try:
        since = datetime.fromisoformat(moment)
    except ValueError:
        raise JournalUnread("this cursor isn't one of ours") from None
    if since.tzinfo is None:
        raise JournalUnread("this cursor isn't one of ours")
    return max(since, now - _MEMORY), name


async def _window(api: PayPalApi, *, begin: datetime, end: datetime) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for page in range(1, _PAGES_MAX + 1):
        asked = {
            "start_date": _written(begin),
            "end_date": _written(end),
            "fields": "transaction_info",
            "page_size": _PAGE_SIZE,
            "page": page,
        }
        document = await api.call(
            "movements", "GET", f"/v1/reporting/transactions?{urlencode(asked)}"
        )
        rows += [one["transaction_info"] for one in document.get("transaction_details") or ()]
        if page >= int(document.get("total_pages") or 0):
            return rows
    raise Unanswered("list of movements")


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_movement(row: Mapping[str, Any]) -> GatewayMovement | None:
    """A movement; None for one that isn't settled, moved nothing, or no money that the books could
    hold. Raises KeyError, TypeError or
    ValueError.
    """
    if row.get("transaction_status") != _SETTLED:
        return None
    held_in = row["transaction_amount"]["currency_code"]
    if held_in not in EXPONENTS:
        # PayPal holds a coin of its own, too, which no ledger here has.
        _log.error("%s moved %s, which isn't read", row["transaction_id"], held_in)
        return None
    change_minor, currency = _signed(row["transaction_amount"])
    fee = row.get("fee_amount")
    fee_change_minor = 0
    if fee is not None:
        fee_change_minor, fee_currency = _signed(fee)
        if fee_currency != currency:
            raise NotExpressible("a fee in another currency than its movement")
    kind, amount_minor, fee_minor = figures_of(
        row["transaction_event_code"],
        change_minor=change_minor,
        fee_change_minor=fee_change_minor,
    )
    if not amount_minor and not fee_minor:
        return None
    name = row["transaction_id"]
    occurred_at = datetime.fromisoformat(row["transaction_initiation_date"])
    return GatewayMovement(
        reference=name,
        kind=kind,
        movement_id=our_name(kind, row.get("custom_field")),
        gateway_reference=related_to(kind, name=name, reference=row.get("paypal_reference_id")),
        amount_minor=amount_minor,
        fee_minor=fee_minor,
        currency=currency,
        occurred_at=occurred_at,
        cursor=f"{occurred_at.isoformat()}/{name}",
    )


def _signed(money: Mapping[str, Any]) -> tuple[int, str]:
    currency, value = money["currency_code"], money["value"]
    if not isinstance(value, str):
        raise NotExpressible(f"{value!r} is no amount")
    amount_minor = from_paypal(value.removeprefix("-"), currency)
    return (-amount_minor if value.startswith("-") else amount_minor), currency
