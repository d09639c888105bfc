"""Chargebacks at Stripe: read, asked after by the payment they are about, and listed.

What banks only inquire about takes no money and is none of ours; nor is a dispute that ended before
it took any.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe

from gosellr.integrations.payments.port import DisputeState, GatewayDispute
from gosellr.integrations.payments.report_port import DisputedCharge
from gosellr.integrations.payments.stripe_amounts import fee_from_stripe, from_stripe
from gosellr.integrations.payments.stripe_answers import ATTEMPT, Unreadable
from gosellr.integrations.payments.stripe_api import (
    KeyReused,
    NeverSent,
    Refused,
    StripeApi,
    Unanswered,
)
from gosellr.utils.disputes import ChargebackStage
from gosellr.utils.money import share

if TYPE_CHECKING:
    from stripe.params import DisputeListParams

# More than a charge can have: each takes what the ones before have left.
_PAGE_SIZE = 100
_PAGES_MAX = 50

STATES = {
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.OPEN,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}
"""Those in which money was taken; others are inquiries."""


def read_dispute(document: Mapping[str, Any], *, attempt_id: str = "") -> GatewayDispute | None:
    """A dispute; None for one that took no money. Raises `Unreadable`."""
    try:
        state = _state(document)
        currency = document["currency"].upper()
        due = (document.get("evidence_details") or {}).get("due_by")
        amount_minor = from_stripe(document["amount"], currency)
        dispute = GatewayDispute(
            reference=document["id"],
            attempt_id=attempt_id,
            state=state or DisputeState.OPEN,
            amount_minor=amount_minor,
            currency=currency,
            fee_minor=max(0, sum(_fees_minor(document, currency))),
            reason=document["reason"],
            evidence_due_at=None if due is None else datetime.fromtimestamp(due, UTC),
            opened_at=datetime.fromtimestamp(document["created"], UTC),
            stage=ChargebackStage.INQUIRY if state is None else ChargebackStage.CHARGEBACK,
            charges=_names(document),
            fee_returned=any(minor < 0 for minor in _fees_minor(document, currency)),
            kept_minor=_kept_minor(document, amount_minor),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise Unreadable("no dispute that we can read") from error
    return None if state is None else dispute


def _state(document: Mapping[str, Any]) -> DisputeState | None:
    """Where it stands; what was lost and came back is won, whatever it is called."""
    state = STATES.get(document["status"])
    moved = [one["amount"] for one in document.get("balance_transactions") or ()]
    if state is DisputeState.LOST and any(one > 0 for one in moved):
        return DisputeState.WON
    return state


def _kept_minor(document: Mapping[str, Any], amount_minor: int) -> int:
    """What stays with the buyer of one that was given back in part: in proportion, since Stripe
    counts that in the currency it settles in."""
    moved = [one["amount"] for one in document.get("balance_transactions") or ()]
    taken = -sum(one for one in moved if one < 0)
    back = sum(one for one in moved if one > 0)
    if not 0 < back < taken:
        return 0
    return amount_minor - share(amount_minor, back, taken)


def _names(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What Stripe calls the payment that it is about, and its charge."""
    named = (document.get("charge"), document.get("payment_intent"))
    return tuple(name for name in named if isinstance(name, str))


def _fees_minor(document: Mapping[str, Any], currency: str) -> list[int]:
    """What Stripe asked for it, each time, and below zero what it gave back of that."""

    def fee_minor(one: Mapping[str, Any]) -> int:
        minor = fee_from_stripe(
            abs(one["fee"]),
            currency,
            fee_currency=one["currency"].upper(),
            charged=document["amount"],
            settled=abs(one["amount"]),
        )
        return minor if one["fee"] >= 0 else -minor

    return [fee_minor(one) for one in document.get("balance_transactions") or ()]


async def disputes_of(
    api: StripeApi, *, attempt_id: str, intent_id: str | None, currency: str | None
) -> Sequence[GatewayDispute] | None:
    """Every dispute of a payment; None for no answer, also where its name was never heard, and
    for one about another payment or in another currency.

    It may be about a little more than was paid, where a bank counted in its own currency.
    """
    if intent_id is None or not intent_id.startswith("pi_"):
        return None
    try:
        answer = await api.call(
            "list of disputes",
            lambda client: client.v1.disputes.list_async(
                {"payment_intent": intent_id, "limit": _PAGE_SIZE}
            ),
        )
        documents = about_payment(answer.document["data"], intent_id=intent_id, currency=currency)
        found = [read_dispute(document, attempt_id=attempt_id) for document in documents]
    except (
        Unanswered, NeverSent, Refused, KeyReused, Unreadable, KeyError, TypeError, AttributeError,
    ):  # fmt: skip
        return None
    return sorted((one for one in found if one is not None), key=lambda one: one.opened_at)


def about_payment(
    documents: Sequence[dict[str, Any]], *, intent_id: str, currency: str | None
) -> Sequence[dict[str, Any]]:
    """Rows of a list, if all of them are about this payment, in its currency; else raises
    `Unreadable`."""
    for one in documents:
        if (one["payment_intent"], one["currency"].upper()) != (intent_id, currency):
            raise Unreadable("a dispute about something else")
    return documents


async def disputed_since(api: StripeApi, moment: datetime) -> Sequence[DisputedCharge] | None:
    """Every dispute that took money, opened since; None for no answer, or a list that is longer
    than we can read."""
    found: list[DisputedCharge] = []
    after: str | None = None
    for _ in range(_PAGES_MAX):
        try:
            rows, more = await _page(api, since=moment, after=after)
            for row in rows:
                state, intent_id = _state(row), row.get("payment_intent")
                if state is not None and isinstance(intent_id, str):
                    found.append(
                        DisputedCharge(reference=row["id"], charge_reference=intent_id, state=state)
                    )
        except (Unanswered, NeverSent, Refused, KeyReused, KeyError, TypeError, AttributeError):
            return None
        if not more or not rows:
            return found
        after = rows[-1]["id"]
    return None


async def _page(
    api: StripeApi, *, since: datetime, after: str | None
) -> tuple[list[dict[str, Any]], bool]:
    params: DisputeListParams = {
        "created": {"gte": int(since.timestamp())}, "limit": _PAGE_SIZE,
    }  # fmt: skip
    if after is not None:
        params["starting_after"] = after

    async def send(client: stripe.StripeClient) -> stripe.StripeObject:
        return await client.v1.disputes.list_async(params)

    document = (await api.call("list of disputes", send)).document
    return document["data"], bool(document.get("has_more"))


async def attempt_of(api: StripeApi, intent_id: str) -> str | None:
    """Which attempt of ours a payment is; empty for one of somebody else, None for no answer."""
    try:
        answer = await api.call(
            "payment intent", lambda client: client.v1.payment_intents.retrieve_async(intent_id)
        )
    except Refused:
        return ""
    except (Unanswered, NeverSent, KeyReused):
        return None
    metadata: Mapping[str, str] = answer.document.get("metadata") or {}
    return metadata.get(ATTEMPT, "")
