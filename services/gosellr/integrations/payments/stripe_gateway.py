"""Stripe behind the port: a hosted page by default, a card at once where its id is handed in.

Card numbers never come here: buyers write them on Stripe's page, or into Stripe's own fields,
which give a payment method's id. Whatever isn't such an id is refused unseen.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import httpx2

from gosellr.core.clock import Clock
from gosellr.integrations.payments import stripe_disputes as disputes
from gosellr.integrations.payments import stripe_requests as requests
from gosellr.integrations.payments import stripe_webhooks as webhooks
from gosellr.integrations.payments.port import (
    ChargeRequest,
    ChargeResult,
    DisputeEvidence,
    GatewayDispute,
    GatewayEvent,
    Outcome,
)
from gosellr.integrations.payments.results import without_charge
from gosellr.integrations.payments.rules_port import GatewayRules, InParts
from gosellr.integrations.payments.stripe_amounts import STEPS_MINOR
from gosellr.integrations.payments.stripe_answers import Found, Unreadable, read_intent
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
from gosellr.integrations.payments.stripe_moves import StripeMoves, expressed
from gosellr.integrations.payments.stripe_reports import StripeReports
from gosellr.integrations.payments.stripe_results import charge_result
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.states import GATEWAY_UNREACHABLE

_log = logging.getLogger("gosellr.stripe")

Answered = TypeVar("Answered")

# So many attempts of which this process may have heard nothing at the same time.
_UNANSWERED_MAX = 1_000


class StripeGateway(StripeMoves, StripeReports):
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
        api = StripeApi(
            secret_key, clock=clock, transport=transport, timeout_seconds=timeout_seconds
        )
        super().__init__(api, finder=StripeFinder(api, clock=clock))
        self._webhook_secrets = webhook_secrets
        self._return_url = return_url
        self._payment_methods = payment_methods
        self._unanswered: deque[str] = deque(maxlen=_UNANSWERED_MAX)

    @property
    def is_silent(self) -> bool:
        """See `MayBeSilent.is_silent`."""
        return self._api.is_silent

    @property
    def rules(self) -> GatewayRules:
        """See `HasRules.rules`. Until when money is set aside, and whether in parts, depends on
        the card."""
        return GatewayRules(
            takes_later=True, in_parts=InParts.IF_ALLOWED, currencies=frozenset(STEPS_MINOR)
        )

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
                outcome, code = Outcome.NOT_FOUND, GATEWAY_UNREACHABLE
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

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """See `PaymentGateway.prepare_webhook`: all that proves a report is here already."""

    async def disputes_of(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> Sequence[GatewayDispute] | None:
        """See `DisputingGateway.disputes_of`."""
        found = await self.lookup(attempt_id=attempt_id, gateway_reference=gateway_reference)
        return await disputes.disputes_of(
            self._api,
            attempt_id=attempt_id,
            intent_id=found.gateway_reference,
            currency=found.currency,
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
        if event is not None and event.attempt_id:
            self._finder.remember(event.attempt_id, event.gateway_reference)
        return event

    def read_again(self, body: bytes) -> GatewayEvent | None:
        """See `TellsRefunds.read_again`."""
        return webhooks.read_event(body)

    async def aclose(self) -> None:
        """End the connections."""
        await self._api.close()

    async def _charged(self, request: ChargeRequest) -> Found:
        amount = expressed(request.amount_minor, request.currency)
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


async def _as_it_stands(question: Awaitable[Answered]) -> Answered:
    """The answer to a question about what is surely there: silence means no more than silence."""
    try:
        return await question
    except (NeverSent, Refused) as error:
        raise Unanswered("how it stands now") from error
