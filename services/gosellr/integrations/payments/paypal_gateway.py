"""PayPal behind the port: the buyer says yes on PayPal's page, and the market takes the money.

An order at PayPal takes nothing by itself: once its buyer has said yes, only this market can
capture it. So an order whose link nobody was given can never be paid, and one that isn't wanted
any more is simply never captured; a mark on it says so to every other process.
"""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import httpx2
from cryptography.x509 import Certificate

from gosellr.core.clock import Clock
from gosellr.integrations.payments import paypal_requests as requests
from gosellr.integrations.payments import paypal_webhooks as webhooks
from gosellr.integrations.payments.paypal_amounts import STEPS_MINOR, NotExpressible
from gosellr.integrations.payments.paypal_answers import (
    AUTHORIZE,
    CAPTURE,
    TERM,
    Order,
    Unreadable,
    read_order,
)
from gosellr.integrations.payments.paypal_api import NeverSent, PayPalApi, Refused, Unanswered
from gosellr.integrations.payments.paypal_certificates import CertificateShelf
from gosellr.integrations.payments.paypal_disputes import PayPalDisputes
from gosellr.integrations.payments.paypal_moves import NOT_EXPRESSIBLE, KeyReused, PayPalMoves
from gosellr.integrations.payments.paypal_orders import PayPalOrders
from gosellr.integrations.payments.paypal_reports import PayPalReports
from gosellr.integrations.payments.paypal_results import charge_result
from gosellr.integrations.payments.port import (
    ChargeRequest,
    ChargeResult,
    GatewayEvent,
    Outcome,
)
from gosellr.integrations.payments.results import (
    without_charge,
)
from gosellr.integrations.payments.rules_port import GatewayRules, InParts
from gosellr.utils.states import GATEWAY_UNREACHABLE

_log = logging.getLogger("gosellr.paypal")

# So many attempts of which this process may have heard nothing at the same time.
_UNANSWERED_MAX = 1_000


class PayPalGateway(PayPalMoves, PayPalReports, PayPalDisputes):
    """A `PaymentGateway` over one account at PayPal, that of `merchant_id`.

    `return_url` is where a buyer comes back to, with the attempt's id behind it. `roots` are the
    authorities that may vouch for PayPal's certificates; None: those of the web.
    """

    name = "paypal"

    def __init__(
        self,
        api: PayPalApi,
        *,
        merchant_id: str,
        webhook_id: str,
        return_url: str,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
        roots: Sequence[Certificate] | None = None,
    ) -> None:
        self._api = api
        super().__init__(PayPalOrders(api, merchant_id=merchant_id))
        self._clock = clock
        self._merchant_id = merchant_id
        self._webhook_id = webhook_id
        self._return_url = return_url
        self._certificates = CertificateShelf(clock, transport=transport, roots=roots)
        self._unanswered: deque[str] = deque(maxlen=_UNANSWERED_MAX)

    @property
    def account(self) -> str:
        """See `HasAccount.account`."""
        return self._merchant_id

    @property
    def is_silent(self) -> bool:
        """See `MayBeSilent.is_silent`."""
        return self._api.is_silent

    @property
    def rules(self) -> GatewayRules:
        """See `HasRules.rules`."""
        return GatewayRules(
            takes_later=True,
            in_parts=InParts.ALWAYS,
            holds_for=TERM,
            currencies=frozenset(STEPS_MINOR),
        )

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway.charge`: an order that waits for its buyer. What never left the
        house is `NOT_FOUND`: it may be given up at once."""
        attempt_id = request.attempt_id
        outcome, code = Outcome.UNKNOWN, None
        try:
            return charge_result(attempt_id, await self._opened(request))
        except Refused as refusal:
            outcome, code = Outcome.DECLINED, refusal.code.lower()
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
        """See `PaymentGateway.lookup`.

        Of an order whose name nobody has heard, nobody has its link either: it can't be paid, and
        counts as never made. Where the buyer has said yes to money being set aside, it is set
        aside now; it is never taken here.
        """
        try:
            order = await self._orders.find(attempt_id, gateway_reference)
            if order is not None and order.waits_for_us and order.intent == AUTHORIZE:
                order = await self._orders.authorized(order)
        except (Unanswered, Refused, Unreadable):
            return without_charge(Outcome.UNKNOWN, attempt_id)
        if order is None:
            return without_charge(Outcome.NOT_FOUND, attempt_id)
        return charge_result(attempt_id, order, code=self._orders.code_of(attempt_id))

    async def prepare_webhook(self, headers: Mapping[str, str]) -> None:
        """See `PaymentGateway.prepare_webhook`: the certificate that the headers name."""
        await self._certificates.fetch(headers)

    def parse_webhook(
        self, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> GatewayEvent | None:
        """See `PaymentGateway.parse_webhook`."""
        webhooks.verify(
            headers, body, webhook_id=self._webhook_id, keys=self._certificates.keys, now=now
        )
        event = webhooks.read_event(body)
        if event is not None and event.attempt_id and event.gateway_reference:
            self._orders.remember(event.attempt_id, event.gateway_reference)
        return event

    def read_again(self, body: bytes) -> GatewayEvent | None:
        """See `TellsRefunds.read_again`."""
        return webhooks.read_event(body)

    async def aclose(self) -> None:
        """End the connections."""
        await self._certificates.close()
        await self._api.close()

    async def _opened(self, request: ChargeRequest) -> Order:
        if request.token:
            # Neither written down nor sent on: it may be the number of a card.
            raise Refused("invalid_token")
        back = request.return_url or self._return_url + quote(request.attempt_id, safe="")
        try:
            deed = requests.open_order(request, back=back, payee=self._merchant_id)
        except NotExpressible:
            raise Refused(NOT_EXPRESSIBLE) from None
        order = self._orders.checked(read_order(await self._orders.do(deed)))
        self._orders.remember(request.attempt_id, order.id)
        asked = (
            request.attempt_id, request.amount_minor, request.currency,
            CAPTURE if request.capture else AUTHORIZE,
        )  # fmt: skip
        if (order.attempt_id, order.amount_minor, order.currency, order.intent) != asked:
            raise KeyReused(request.attempt_id)
        return order
