"""What Stripe reports of sellers' accounts and of what was sent there.

A report about a seller's account names it beside the event; one without that name is about the
market's own account, and none of ours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gosellr.integrations.payments.port import EventKind, GatewayEvent
from gosellr.integrations.payments.stripe_amounts import from_stripe

# Under these names our identifiers stand in the metadata of Stripe's objects.
PAYOUT: Final = "gosellr_payout"
ACCOUNT: Final = "gosellr_account"
RECALL: Final = "gosellr_recall"

DEAUTHORIZED: Final = "deauthorized"
"""Why an account is the market's no more: its owner took the permission back."""

_ABOUT_TRANSFERS: Final = frozenset({"transfer.created", "transfer.updated", "transfer.reversed"})
_ABOUT_ACCOUNTS: Final = frozenset({"account.updated", "account.application.deauthorized"})
_ABOUT_PAYOUTS: Final = frozenset({"payout.paid", "payout.failed"})

EVENTS_USED: Final = (
    *sorted(_ABOUT_TRANSFERS),
    *sorted(_ABOUT_ACCOUNTS),
    *sorted(_ABOUT_PAYOUTS),
)
"""What the endpoints have to be subscribed to besides: transfers of the market's own account, the
others of connected accounts."""


def is_about_connect(kind: object) -> bool:
    """Whether an event of this kind is read here."""
    return kind in EVENTS_USED


def read_event(
    event: Mapping[str, Any], subject: Mapping[str, Any], *, occurred_at: datetime
) -> GatewayEvent | None:
    """The event in a proven body; None where it is no business of ours.

    Raises ValueError, KeyError or TypeError where it can't be read.
    """
    kind = event["type"]
    if kind in _ABOUT_TRANSFERS:
        transfer_id = (subject.get("metadata") or {}).get(PAYOUT)
        if not transfer_id:
            return None
        return _told(
            event, EventKind.TRANSFER_CHANGED, subject["id"], occurred_at=occurred_at,
            attempt_id=transfer_id, movement_id=transfer_id, money=_money(subject),
        )  # fmt: skip
    account = event.get("account")
    if not isinstance(account, str):
        return None
    if kind in _ABOUT_ACCOUNTS:
        return _told(
            event, EventKind.ACCOUNT_CHANGED, account, occurred_at=occurred_at,
            movement_id=account, money=(0, ""),
            decline_code=None if kind == "account.updated" else DEAUTHORIZED,
        )  # fmt: skip
    failed = kind == "payout.failed"
    return _told(
        event, EventKind.ACCOUNT_PAYOUT, account, occurred_at=occurred_at,
        movement_id=subject["id"], money=_money(subject),
        decline_code=(subject.get("failure_code") or "failed") if failed else None,
    )  # fmt: skip


def _money(subject: Mapping[str, Any]) -> tuple[int, str]:
    currency = subject["currency"].upper()
    return from_stripe(subject["amount"], currency), currency


def _told(
    event: Mapping[str, Any],
    kind: EventKind,
    reference: str,
    *,
    occurred_at: datetime,
    movement_id: str,
    money: tuple[int, str],
    attempt_id: str = "",
    decline_code: str | None = None,
) -> GatewayEvent:
    return GatewayEvent(
        event_id=event["id"],
        kind=kind,
        attempt_id=attempt_id,
        movement_id=movement_id,
        gateway_reference=reference,
        amount_minor=money[0],
        currency=money[1],
        fee_minor=0,
        decline_code=decline_code,
        occurred_at=occurred_at,
    )
