"""PayPal behind the port: the buyer says yes on PayPal's page, and the market takes the money.

An order at PayPal takes nothing by itself: once its buyer has said yes, only this market can
capture it. So an order whose link nobody was given can never be paid, and one that isn't wanted
any more is simply never captured; a mark on it says so to every other process.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import httpx2
from cryptography.x509 import Certificate

from gosellr.core.clock import Clock
from gosellr.integrations.payments import paypal_requests as requests
from gosellr.integrations.payments import paypal_webhooks as webhooks
from gosellr.integrations.payments.paypal_amounts import NotExpressible
from gosellr.integrations.payments.paypal_answers import (
    AUTHORIZE,
    CAPTURE,
    VOIDED,
    Order,
    Refund,
    Unreadable,
    read_order,
    read_refund,
)
from gosellr.integrations.payments.paypal_api import NeverSent, PayPalApi, Refused, Unanswered
from gosellr.integrations.payments.paypal_certificates import CertificateShelf
from gosellr.integrations.payments.paypal_orders import PayPalOrders
from gosellr.integrations.payments.paypal_reports import PayPalReports
from gosellr.integrations.payments.paypal_results import (
    charge_result,
    declined_movement,
    moved,
    refunded,
)
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    GatewayEvent,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.results import without_charge, without_movement

_log = logging.getLogger("gosellr.paypal")

# So many attempts of which this process may have heard nothing at the same time.
_UNANSWERED_MAX = 1_000
_NOT_EXPRESSIBLE = "amount_not_expressible"
_REFUND_CODES = {
    "REFUND_AMOUNT_EXCEEDED": "amount_exceeds_captured",
    "CAPTURE_FULLY_REFUNDED": "amount_exceeds_captured",
}


class _KeyReused(Exception):
    """Under this key PayPal has something else than what is asked for now."""


class PayPalGateway(PayPalReports):
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
        self._clock = clock
        self._orders = PayPalOrders(api, merchant_id=merchant_id)
        self._merchant_id = merchant_id
        self._webhook_id = webhook_id
        self._return_url = return_url
        self._certificates = CertificateShelf(clock, transport=transport, roots=roots)
        self._unanswered: deque[str] = deque(maxlen=_UNANSWERED_MAX)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See `PaymentGateway.charge`: an order that waits for its buyer. What never left the
        house is `NOT_FOUND`: it may be given up at once."""
        attempt_id = request.attempt_id
        outcome, code = Outcome.UNKNOWN, None
        try:
            return charge_result(attempt_id, await self._opened(request))
        except Refused as refusal:
            outcome, code = Outcome.DECLINED, refusal.code.lower()
        except _KeyReused:
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

    async def capture(self, request: CaptureRequest) -> MovementResult:
        """See `PaymentGateway.capture`. PayPal captures once here: what isn't `final` has to be
        all, and so does what was never set aside before."""
        return await self._answered(
            request.capture_id, self._capture(request), currency=request.currency
        )

    async def void(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> MovementResult:
        """See `PaymentGateway.void`. What only waits is marked and never captured."""
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
        """See `PaymentGateway.lookup_refund`. PayPal knows a refund by its order alone."""
        return await self._answered(
            refund_id, self._refund_made(refund_id, attempt_id, gateway_reference)
        )

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
        if event is not None and event.gateway_reference:
            self._orders.remember(event.attempt_id, event.gateway_reference)
        return event

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
            raise Refused(_NOT_EXPRESSIBLE) from None
        order = self._orders.checked(read_order(await self._orders.do(deed)))
        self._orders.remember(request.attempt_id, order.id)
        asked = (
            request.attempt_id, request.amount_minor, request.currency,
            CAPTURE if request.capture else AUTHORIZE,
        )  # fmt: skip
        if (order.attempt_id, order.amount_minor, order.currency, order.intent) != asked:
            raise _KeyReused(request.attempt_id)
        return order

    async def _capture(self, request: CaptureRequest) -> MovementResult:
        order = await self._orders.find(request.attempt_id, request.gateway_reference)
        if order is None:
            return without_movement(Outcome.NOT_FOUND, request.capture_id, request.currency)
        if order.capture is None:
            objection = _capture_objection(request, order)
            if objection is not None:
                return declined_movement(request.capture_id, order, code=objection)
            try:
                order = await self._captured(request, order)
            except Refused as refusal:
                order = await self._orders.after(refusal, order)
        taken = order.capture
        if taken is None:
            code = self._orders.code_of(request.attempt_id) or "not_authorized"
            return declined_movement(request.capture_id, order, code=code)
        if (taken.amount_minor, taken.currency) != (request.amount_minor, request.currency):
            raise _KeyReused(request.capture_id)
        return moved(
            request.capture_id, order, amount_minor=taken.amount_minor, fee_minor=taken.fee_minor
        )

    async def _captured(self, request: CaptureRequest, order: Order) -> Order:
        """The order after its money was taken; what PayPal answered, it is asked for once more,
        since that answer leaves out what the order was about."""
        if order.intent == AUTHORIZE:
            if order.authorization is None:
                order = await self._orders.authorized(order)
            aside = order.authorization
            if aside is None:
                return order
            try:
                deed = requests.capture_authorization(aside.id, request=request)
            except NotExpressible:
                raise Refused(_NOT_EXPRESSIBLE) from None
        else:
            deed = requests.capture_order(order.id, request=request)
        await self._orders.do(deed)
        return await self._orders.read(order.id)

    async def _void(self, attempt_id: str, reference: str | None) -> MovementResult:
        order = await self._orders.find(attempt_id, reference)
        if order is None:
            return without_movement(Outcome.NOT_FOUND, attempt_id)
        if order.authorizations and order.state is PaymentState.AUTHORIZED:
            await self._orders.give_back(order.authorizations[-1])
            order = await self._orders.read(order.id)
        elif order.may_be_closed and order.state is not PaymentState.DECLINED:
            await self._orders.close(order, word=VOIDED, code=VOIDED)
            order = await self._orders.read(order.id)
        if order.state is not PaymentState.VOIDED:
            return declined_movement(attempt_id, order, code=f"already_{order.state}")
        return moved(attempt_id, order, amount_minor=order.amount_minor)

    async def _refund(self, request: RefundRequest) -> MovementResult:
        order = await self._orders.known(request.attempt_id, request.gateway_reference)
        try:
            made = await self._given_back(request, order)
        except Refused as refusal:
            code = _REFUND_CODES.get(refusal.code, refusal.code.lower())
            return declined_movement(request.refund_id, order, code=code)
        return refunded(request.refund_id, order, made)

    async def _given_back(self, request: RefundRequest, order: Order) -> Refund:
        """The refund, made now or before under the same key."""
        if order.currency != request.currency:
            raise Refused("currency_mismatch")
        taken = order.capture
        if taken is None:
            raise Refused("amount_exceeds_captured")
        # PayPal forgets keys after weeks, and never a refund.
        made = _refund_of(order, request.refund_id)
        if made is None:
            try:
                deed = requests.refund_capture(taken.id, request=request)
            except NotExpressible:
                raise Refused(_NOT_EXPRESSIBLE) from None
            made = read_refund(await self._orders.do(deed))
        if (made.amount_minor, made.currency) != (request.amount_minor, request.currency):
            raise _KeyReused(request.refund_id)
        return made

    async def _refund_made(
        self, refund_id: str, attempt_id: str | None, reference: str | None
    ) -> MovementResult:
        if attempt_id is None:
            return without_movement(Outcome.UNKNOWN, refund_id)
        order = await self._orders.known(attempt_id, reference)
        made = _refund_of(order, refund_id)
        if made is None:
            return without_movement(Outcome.NOT_FOUND, refund_id)
        return refunded(refund_id, order, made)

    async def _answered(
        self, movement_id: str, work: Awaitable[MovementResult], *, currency: str | None = None
    ) -> MovementResult:
        """The answer, or the value that says why there is none. What was never sent may have
        been sent before: it stays open."""
        try:
            return await work
        except _KeyReused:
            return without_movement(Outcome.REFUSED, movement_id, currency)
        except (Unanswered, Refused, Unreadable):
            return without_movement(Outcome.UNKNOWN, movement_id, currency)


def _capture_objection(request: CaptureRequest, order: Order) -> str | None:
    if order.state is not PaymentState.AUTHORIZED:
        return "not_authorized"
    if order.currency != request.currency:
        return "currency_mismatch"
    if request.amount_minor > order.amount_minor:
        return "amount_exceeds_authorized"
    whole = request.amount_minor == order.amount_minor
    if not whole and (order.intent == CAPTURE or not request.final):
        return "captured_once_only"
    return None


def _refund_of(order: Order, refund_id: str) -> Refund | None:
    return next((one for one in order.refunds if one.refund_id == refund_id), None)
