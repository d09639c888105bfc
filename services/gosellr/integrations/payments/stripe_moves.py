"""What Stripe does with money that it was asked for before: take, return, let go."""

from typing import TYPE_CHECKING

import stripe

from gosellr.integrations.payments import stripe_requests as requests
from gosellr.integrations.payments.port import (
    CaptureRequest,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.provider_moves import ProviderMoves, capture_objection
from gosellr.integrations.payments.results import declined_movement, moved, without_movement
from gosellr.integrations.payments.stripe_amounts import NotExpressible, to_stripe
from gosellr.integrations.payments.stripe_answers import (
    Found,
    Intent,
    Refund,
    Unreadable,
    read_fee,
    read_intent,
    read_refund,
)
from gosellr.integrations.payments.stripe_api import KeyReused, Refused, StripeApi, Unanswered
from gosellr.integrations.payments.stripe_finder import StripeFinder, found_by_page

if TYPE_CHECKING:
    from stripe.params import BalanceTransactionListParams

_NOT_EXPRESSIBLE = "amount_not_expressible"
_PAGE_SIZE = 100
_CAPTURE_CODES = {
    "payment_intent_unexpected_state": "not_authorized",
    "amount_too_large": "amount_exceeds_authorized",
}
_CANCELABLE = frozenset(
    {"requires_action", "requires_confirmation", "requires_capture", "processing"}
)
_REFUND_OUTCOMES = {
    "succeeded": Outcome.ACCEPTED,
    "failed": Outcome.DECLINED,
    "canceled": Outcome.DECLINED,
}


class StripeMoves(ProviderMoves):
    """Captures, refunds and voids of one account."""

    _silence = (Unanswered, Refused, Unreadable)
    _reused = KeyReused

    def __init__(self, api: StripeApi, *, finder: StripeFinder) -> None:
        self._api = api
        self._finder = finder

    async def _capture(self, request: CaptureRequest) -> MovementResult:
        """What isn't `final` has to be all, unless Stripe takes money piece by piece for this
        card."""
        found = await self._finder.find(request.attempt_id, reference=request.gateway_reference)
        if found is None:
            return without_movement(Outcome.NOT_FOUND, request.capture_id, request.currency)
        try:
            intent = await self._captured(request, found)
        except Refused as refusal:
            code = _CAPTURE_CODES.get(refusal.code, refusal.code)
            return declined_movement(request.capture_id, found, code=code)
        return await self._taken(request.capture_id, intent)

    async def _captured(self, request: CaptureRequest, found: Found) -> Intent:
        """The captured payment, captured now or before under the same key."""
        intent = found.intent
        before = None if intent is None else intent.captured_under(request.capture_id)
        if intent is not None and before is not None:
            if before != request.amount_minor:
                raise KeyReused(request.capture_id)
            return intent
        objection = _objection(request, found)
        if intent is None or objection is not None:
            raise Refused(objection or "not_authorized")
        send = requests.capture_intent(
            request,
            intent_id=intent.id,
            amount=expressed(request.amount_minor, request.currency),
            is_only=request.final and not intent.captured_minor,
        )
        return read_intent((await self._api.call("capture", send)).document)

    async def _taken(self, capture_id: str, intent: Intent) -> MovementResult:
        """What was taken under a key, with all that was kept of it."""
        amount_minor = intent.captured_under(capture_id) or 0
        found = Found(intent=intent)
        if amount_minor == intent.captured_minor:
            return moved(capture_id, found, amount_minor=amount_minor, fee_minor=intent.fee_minor)
        fee_total_minor = await fee_of_captures(self._api, intent)
        return moved(capture_id, found, amount_minor=amount_minor, fee_total_minor=fee_total_minor)

    async def _capture_made(
        self, capture_id: str, attempt_id: str, reference: str | None
    ) -> MovementResult:
        """Stripe keeps our key with the payment itself."""
        found = await self._finder.find(attempt_id, reference=reference)
        intent = None if found is None else found.intent
        if intent is None or intent.captured_under(capture_id) is None:
            return without_movement(Outcome.NOT_FOUND, capture_id)
        return await self._taken(capture_id, intent)

    async def _void(self, attempt_id: str, reference: str | None) -> MovementResult:
        """An open page is closed, so that nobody can pay there."""
        found = await self._finder.find(attempt_id, reference=reference)
        if found is None:
            return without_movement(Outcome.NOT_FOUND, attempt_id)
        session, intent = found.session, found.intent
        try:
            if session is not None and session.status == "open":
                answer = await self._api.call(
                    "end of a page", requests.expire_page(session.id, attempt_id=attempt_id)
                )
                found = found_by_page(answer.document)
            elif intent is not None and intent.status in _CANCELABLE:
                answer = await self._api.call(
                    "void",
                    requests.cancel_intent(intent.id, attempt_id=attempt_id, status=intent.status),
                )
                found = Found(intent=read_intent(answer.document))
        except Refused:
            # The buyer was quicker, or a capture: the charge itself says what it is now.
            found = await self._finder.find(attempt_id, reference=found.reference) or found
        gone = found.intent is not None and found.intent.status == "canceled"
        if not (gone or found.state is PaymentState.VOIDED):
            return declined_movement(attempt_id, found, code=f"already_{found.state}")
        self._finder.remember(attempt_id, found.reference)
        taken_minor = 0 if found.intent is None else found.intent.captured_minor
        return moved(attempt_id, found, amount_minor=found.amount_minor - taken_minor)

    async def _refund(self, request: RefundRequest) -> MovementResult:
        found = await self._finder.find(request.attempt_id, reference=request.gateway_reference)
        if found is None:
            return without_movement(Outcome.NOT_FOUND, request.refund_id, request.currency)
        try:
            made = await self._given_back(request, found)
        except Refused as refusal:
            return declined_movement(request.refund_id, found, code=refusal.code)
        return _refunded(request.refund_id, found, made)

    async def _given_back(self, request: RefundRequest, found: Found) -> Refund:
        """The refund, made now or before under the same key."""
        if found.currency != request.currency:
            raise Refused("currency_mismatch")
        intent = found.intent
        if intent is None or intent.captured_minor == 0:
            raise Refused("amount_exceeds_captured")
        # Stripe forgets keys after a day, and never a refund.
        made = await self._finder.refund(intent.id, request.refund_id)
        if made is None:
            made = await self._sent_back(request, intent)
        if made.amount_minor != request.amount_minor:
            raise KeyReused(request.refund_id)
        return made

    async def _sent_back(self, request: RefundRequest, intent: Intent) -> Refund:
        amount = expressed(request.amount_minor, request.currency)
        send = requests.refund_intent(request, intent_id=intent.id, amount=amount)
        try:
            return read_refund((await self._api.call("refund", send)).document)
        except Refused as refusal:
            if request.amount_minor > intent.captured_minor - intent.refunded_minor:
                raise Refused("amount_exceeds_captured") from refusal
            raise

    async def _refund_made(
        self, refund_id: str, attempt_id: str, reference: str | None
    ) -> MovementResult:
        found = await self._finder.find(attempt_id, reference=reference)
        if found is None or found.intent is None:
            return without_movement(Outcome.NOT_FOUND, refund_id)
        made = await self._finder.refund(found.intent.id, refund_id)
        if made is None:
            return without_movement(Outcome.NOT_FOUND, refund_id)
        return _refunded(refund_id, found, made)


async def fee_of_captures(api: StripeApi, intent: Intent) -> int:
    """What Stripe kept of all captures of a payment. Raises what `StripeApi.call` raises."""
    if intent.charge_id is None:
        return intent.fee_minor
    params: BalanceTransactionListParams = {"source": intent.charge_id, "limit": _PAGE_SIZE}

    async def send(client: stripe.StripeClient) -> stripe.StripeObject:
        return await client.v1.balance_transactions.list_async(params)

    answer = await api.call("list of fees", send)
    return read_fee(answer.document.get("data") or [], intent)


def _objection(request: CaptureRequest, found: Found) -> str | None:
    taken_minor = 0 if found.intent is None else found.intent.captured_minor
    objection = capture_objection(request, found, left_minor=found.amount_minor - taken_minor)
    many = found.intent is not None and found.intent.captures_many
    once = not (request.final or many)
    if objection is None and once and request.amount_minor < found.amount_minor:
        return "captured_once_only"
    return objection


def expressed(amount_minor: int, currency: str) -> int:
    """An amount as it stands on the wire. Raises `Refused`."""
    try:
        return to_stripe(amount_minor, currency)
    except NotExpressible:
        raise Refused(_NOT_EXPRESSIBLE) from None


def _refunded(refund_id: str, found: Found, made: Refund) -> MovementResult:
    outcome = _REFUND_OUTCOMES.get(made.status, Outcome.UNKNOWN)
    return MovementResult(
        outcome=outcome,
        state=found.state,
        movement_id=refund_id,
        gateway_reference=made.id,
        amount_minor=made.amount_minor if outcome is Outcome.ACCEPTED else 0,
        currency=made.currency,
        decline_code=(made.failure_reason or made.status) if outcome is Outcome.DECLINED else None,
    )
