"""Stripe behind the port: a hosted page by default, a card at once where its id is handed in.

Card numbers never come here: buyers write them on Stripe's page, or into Stripe's own fields,
which give a payment method's id. Whatever isn't such an id is refused unseen.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx2

from gosellr.core.clock import Clock
from gosellr.integrations.payments import stripe_disputes as disputes
from gosellr.integrations.payments import stripe_requests as requests
from gosellr.integrations.payments import stripe_webhooks as webhooks
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    DisputeEvidence,
    GatewayDispute,
    GatewayEvent,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.results import without_charge, without_movement
from gosellr.integrations.payments.stripe_amounts import NotExpressible, to_stripe
from gosellr.integrations.payments.stripe_answers import (
    CAPTURE,
    Found,
    Intent,
    Refund,
    Unreadable,
    read_intent,
    read_refund,
)
from gosellr.integrations.payments.stripe_api import (
    TIMEOUT_SECONDS,
    KeyReused,
    NeverSent,
    Refused,
    StripeApi,
    Unanswered,
)
from gosellr.integrations.payments.stripe_evidence import hand_in
from gosellr.integrations.payments.stripe_finder import StripeFinder, found_by_page
from gosellr.integrations.payments.stripe_reports import StripeReports
from gosellr.integrations.payments.stripe_results import charge_result, declined_movement, moved

_log = logging.getLogger("gosellr.stripe")

Answered = TypeVar("Answered")

# So many attempts of which this process may have heard nothing at the same time.
_UNANSWERED_MAX = 1_000
_NOT_EXPRESSIBLE = "amount_not_expressible"
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


class StripeGateway(StripeReports):
    """A `PaymentGateway` over one account at Stripe.

    `return_url` is where a buyer comes back to, with the attempt's id behind it. Of
    `payment_methods`, none leaves the choice to the account's own settings.
    """

    name = "stripe"

    def __init__(
        self,
        secret_key: str,
        *,
        webhook_secrets: tuple[str, ...],
        return_url: str,
        payment_methods: tuple[str, ...],
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._api = StripeApi(
            secret_key, clock=clock, transport=transport, timeout_seconds=timeout_seconds
        )
        self._finder = StripeFinder(self._api, clock=clock)
        self._webhook_secrets = webhook_secrets
        self._return_url = return_url
        self._payment_methods = payment_methods
        self._unanswered: deque[str] = deque(maxlen=_UNANSWERED_MAX)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway.charge`. What never left the house is `NOT_FOUND`: it may be
        given up at once."""
        attempt_id = request.attempt_id
        outcome, code = Outcome.UNKNOWN, None
        try:
            found = await self._charged(request)
            self._finder.remember(attempt_id, found.reference)
            if (found.amount_minor, found.currency) == (request.amount_minor, request.currency):
                return charge_result(attempt_id, found)
            _log.error("%s is of another amount than was asked for", found.reference)
        except Refused as refusal:
            outcome, code = Outcome.DECLINED, refusal.code
        except KeyReused:
            outcome = Outcome.REFUSED
        except NeverSent:
            # Unless it was sent before: then this says nothing of what became of that.
            if attempt_id not in self._unanswered:
                outcome, code = Outcome.NOT_FOUND, "gateway_unreachable"
        except (Unanswered, Unreadable):
            self._unanswered.append(attempt_id)
        return without_charge(outcome, attempt_id, request=request, code=code)

    async def lookup(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> ChargeResult:
        """See `PaymentGateway.lookup`."""
        try:
            found = await self._finder.find(attempt_id, reference=gateway_reference)
        except (Unanswered, Refused, Unreadable):
            return without_charge(Outcome.UNKNOWN, attempt_id)
        if found is None:
            return without_charge(Outcome.NOT_FOUND, attempt_id)
        return charge_result(attempt_id, found)

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """See `PaymentGateway.capture`. Stripe captures once: what isn't `final` has to be all."""
        return await self._answered(
            request.capture_id, self._capture(request), currency=request.currency
        )

    async def void(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> MovementResult:
        """See `PaymentGateway.void`. An open page is closed, so that nobody can pay there."""
        return await self._answered(attempt_id, self._void(attempt_id, gateway_reference))

    async def refund(self, request: RefundRequest) -> MovementResult:
        """See `PaymentGateway.refund`."""
        return await self._answered(
            request.refund_id, self._refund(request), currency=request.currency
        )

    async def lookup_refund(
        self,
        *,
        refund_id: str,
        attempt_id: str | None = None,
        gateway_reference: str | None = None,
    ) -> MovementResult:
        """See `PaymentGateway.lookup_refund`. Stripe knows a refund by its payment alone."""
        if attempt_id is None:
            return without_movement(Outcome.UNKNOWN, refund_id)
        return await self._answered(
            refund_id, self._refund_made(refund_id, attempt_id, gateway_reference)
        )

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """See `PaymentGateway.prepare_webhook`: all that proves a report is here already."""

    async def disputes_of(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> Sequence[GatewayDispute] | None:
        """See `DisputingGateway.disputes_of`."""
        found = await self.lookup(attempt_id=attempt_id, gateway_reference=gateway_reference)
        return await disputes.disputes_of(
            self._api, attempt_id=attempt_id, intent_id=found.gateway_reference
        )

    async def submit_evidence(self, evidence: DisputeEvidence) -> Outcome:
        """See `DisputingGateway.submit_evidence`."""
        return await hand_in(self._api, evidence)

    async def attempt_of(self, *, gateway_reference: str) -> str | None:
        """See `DisputingGateway.attempt_of`."""
        return await disputes.attempt_of(self._api, gateway_reference)

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> GatewayEvent | None:
        """See `PaymentGateway.parse_webhook`."""
        webhooks.verify(headers, body, secrets=self._webhook_secrets, now=now)
        event = webhooks.read_event(body)
        if event is not None:
            self._finder.remember(event.attempt_id, event.gateway_reference)
        return event

    async def aclose(self) -> None:
        """End the connections."""
        await self._api.close()

    async def _charged(self, request: ChargeRequest) -> Found:
        amount = _expressed(request.amount_minor, request.currency)
        back = request.return_url or self._return_url + quote(request.attempt_id, safe="")
        if request.token.startswith("pm_"):
            return await self._confirmed(request, amount, back=back)
        if request.token:
            # Neither written down nor sent on: it may be the number of a card.
            raise Refused("invalid_token")
        answer = await self._api.call(
            "new page",
            requests.open_page(
                request, amount=amount, back=back, payment_methods=self._payment_methods
            ),
        )
        found = found_by_page(answer.document)
        # A replayed answer tells of the moment when the page was new.
        if answer.is_replayed:
            return await _as_it_stands(self._finder.session(found.reference))
        return found

    async def _confirmed(self, request: ChargeRequest, amount: int, *, back: str) -> Found:
        send = requests.confirm_intent(
            request, amount=amount, back=back, payment_methods=self._payment_methods
        )
        try:
            answer = await self._api.call("charge", send)
        except Refused as refusal:
            if refusal.intent is None:
                raise
            intent = read_intent(refusal.intent)
            return Found(intent=replace(intent, decline_code=intent.decline_code or refusal.code))
        intent = read_intent(answer.document)
        if answer.is_replayed:
            intent = await _as_it_stands(self._finder.intent(intent.id))
        return Found(intent=intent)

    async def _capture(self, request: CaptureRequest) -> MovementResult:
        found = await self._finder.find(request.attempt_id, reference=request.gateway_reference)
        if found is None:
            return without_movement(Outcome.NOT_FOUND, request.capture_id, request.currency)
        try:
            intent = await self._captured(request, found)
        except Refused as refusal:
            code = _CAPTURE_CODES.get(refusal.code, refusal.code)
            return declined_movement(request.capture_id, found, code=code)
        return moved(
            request.capture_id,
            Found(intent=intent),
            amount_minor=intent.captured_minor,
            fee_minor=intent.fee_minor,
        )

    async def _captured(self, request: CaptureRequest, found: Found) -> Intent:
        """The captured payment, captured now or before under the same key."""
        intent = found.intent
        if intent is not None and intent.metadata.get(CAPTURE) == request.capture_id:
            if intent.captured_minor != request.amount_minor:
                raise KeyReused(request.capture_id)
            return intent
        objection = _capture_objection(request, found)
        if intent is None or objection is not None:
            raise Refused(objection or "not_authorized")
        send = requests.capture_intent(
            request, intent_id=intent.id, amount=_expressed(request.amount_minor, request.currency)
        )
        return read_intent((await self._api.call("capture", send)).document)

    async def _void(self, attempt_id: str, reference: str | None) -> MovementResult:
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
        if found.state is not PaymentState.VOIDED:
            return declined_movement(attempt_id, found, code=f"already_{found.state}")
        self._finder.remember(attempt_id, found.reference)
        return moved(attempt_id, found, amount_minor=found.amount_minor)

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
        amount = _expressed(request.amount_minor, request.currency)
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

    async def _answered(
        self, movement_id: str, work: Awaitable[MovementResult], *, currency: str | None = None
    ) -> MovementResult:
        """The answer, or the value that says why there is none. What was never sent may have
        been sent before: it stays open."""
        try:
            return await work
        except KeyReused:
            return without_movement(Outcome.REFUSED, movement_id, currency)
        except (Unanswered, Refused, Unreadable):
            return without_movement(Outcome.UNKNOWN, movement_id, currency)


def _capture_objection(request: CaptureRequest, found: Found) -> str | None:
    if found.state is not PaymentState.AUTHORIZED:
        return "not_authorized"
    if found.currency != request.currency:
        return "currency_mismatch"
    if request.amount_minor > found.amount_minor:
        return "amount_exceeds_authorized"
    if not request.final and request.amount_minor < found.amount_minor:
        return "captured_once_only"
    return None


async def _as_it_stands(question: Awaitable[Answered]) -> Answered:
    """The answer to a question about what is surely there: silence means no more than silence."""
    try:
        return await question
    except (NeverSent, Refused) as error:
        raise Unanswered("how it stands now") from error


def _expressed(amount_minor: int, currency: str) -> int:
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
