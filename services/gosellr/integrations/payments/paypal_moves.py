"""What PayPal does with money that it was asked for before: take, return, let go."""

import logging
from collections.abc import Sequence

from gosellr.integrations.payments import paypal_requests as requests
from gosellr.integrations.payments.paypal_amounts import NotExpressible
from gosellr.integrations.payments.paypal_answers import (
    AUTHORIZE,
    CAPTURE,
    VOIDED,
    Capture,
    Order,
    Refund,
    Unreadable,
    read_refund,
)
from gosellr.integrations.payments.paypal_api import Refused, Unanswered
from gosellr.integrations.payments.paypal_orders import PayPalOrders
from gosellr.integrations.payments.paypal_results import (
    charge_result,
    refunded,
    refunded_in_parts,
)
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.provider_moves import ProviderMoves, capture_objection
from gosellr.integrations.payments.report_port import GivenBack
from gosellr.integrations.payments.results import (
    declined_movement,
    moved,
    without_charge,
    without_movement,
)
from gosellr.utils.lazy_dataclasses import replace

_log = logging.getLogger("gosellr.paypal")

NOT_EXPRESSIBLE = "amount_not_expressible"
_REFUND_CODES = {
    "REFUND_AMOUNT_EXCEEDED": "amount_exceeds_captured",
    "CAPTURE_FULLY_REFUNDED": "amount_exceeds_captured",
}


class KeyReused(Exception):
    """Under this key PayPal has something else than what is asked for now."""


class PayPalMoves(ProviderMoves):
    """Captures, refunds and voids of one account."""

    _silence = (Unanswered, Refused, Unreadable)
    _reused = KeyReused

    def __init__(self, orders: PayPalOrders) -> None:
        self._orders = orders

    async def reauthorize(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> ChargeResult:
        """See `Reauthorizes.reauthorize`: from the fourth day on, for a month in all."""
        try:
            order = await self._orders.known(attempt_id, gateway_reference)
            return charge_result(attempt_id, await self._set_aside_anew(order))
        except (Unanswered, Refused, Unreadable):
            return without_charge(Outcome.UNKNOWN, attempt_id)

    async def given_back(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> Sequence[GivenBack] | None:
        """See `TellsRefunds.given_back`."""
        try:
            order = await self._orders.known(attempt_id, gateway_reference)
        except (Unanswered, Refused, Unreadable):
            return None
        captures = {one.id for one in order.captures}
        if order.refunded_minor > order.captured_minor or any(
            one.currency != order.currency or one.capture_id not in {None, *captures}
            for one in order.refunds
        ):
            _log.error("%s gave back something else than it took", order.id)
            return None
        return [_told(one, attempt_id) for one in order.refunds if one.amount_minor]

    async def _capture(self, request: CaptureRequest) -> MovementResult:
        """Under the attempt's own key all is taken at once; under another one a piece of what was
        set aside."""
        order = await self._orders.find(request.attempt_id, request.gateway_reference)
        if order is None:
            return without_movement(Outcome.NOT_FOUND, request.capture_id, request.currency)
        if request.capture_id != request.attempt_id:
            return await self._capture_piece(request, order)
        if order.capture is None:
            objection = _whole_objection(request, order)
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
            raise KeyReused(request.capture_id)
        return moved(
            request.capture_id, order, amount_minor=taken.amount_minor, fee_minor=taken.fee_minor
        )

    async def _capture_piece(self, request: CaptureRequest, order: Order) -> MovementResult:
        """Take a piece, once under its key. A no to it ends nothing: other pieces may still be
        taken."""
        code = "not_authorized"
        if order.captured_under(request.capture_id) is None:
            objection = _piece_objection(request, order)
            if objection is not None:
                return declined_movement(request.capture_id, order, code=objection)
            try:
                order = await self._captured(request, order)
            except Refused as refusal:
                code = refusal.code.lower()
                order = await self._orders.read(order.id)
        made = order.captured_under(request.capture_id)
        if made is None:
            return declined_movement(request.capture_id, order, code=code)
        if (made.amount_minor, made.currency) != (request.amount_minor, request.currency):
            raise KeyReused(request.capture_id)
        return _piece(request.capture_id, order, made)

    async def _capture_made(
        self, capture_id: str, attempt_id: str, reference: str | None
    ) -> MovementResult:
        """PayPal knows a capture by its order alone."""
        order = await self._orders.known(attempt_id, reference)
        made = order.captured_under(capture_id)
        if made is None:
            return without_movement(Outcome.NOT_FOUND, capture_id)
        return _piece(capture_id, order, made)

    async def _set_aside_anew(self, order: Order) -> Order:
        aside = order.authorization
        left_minor = order.amount_minor - order.captured_minor
        if aside is None or order.state is not PaymentState.AUTHORIZED or not left_minor:
            return order
        try:
            await self._orders.do(
                requests.reauthorize(aside.id, amount_minor=left_minor, currency=order.currency)
            )
        except Refused as refusal:
            _log.info("%s isn't set aside anew: %s", aside.id, refusal.code)
        renewed = await self._orders.read(order.id)
        anew = renewed.authorization
        if anew is not None and anew.id != aside.id and anew.amount_minor != left_minor:
            _log.error("%s sets %s aside, not %s", anew.id, anew.amount_minor, left_minor)
            raise Unreadable("another amount than what was left")
        return renewed

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
                raise Refused(NOT_EXPRESSIBLE) from None
        else:
            deed = requests.capture_order(order.id, request=request)
        await self._orders.do(deed)
        return await self._orders.read(order.id)

    async def _void(self, attempt_id: str, reference: str | None) -> MovementResult:
        """What only waits is marked and never captured."""
        order = await self._orders.find(attempt_id, reference)
        if order is None:
            return without_movement(Outcome.NOT_FOUND, attempt_id)
        if order.authorizations and order.state is PaymentState.AUTHORIZED:
            left_minor = order.amount_minor - order.captured_minor
            await self._orders.give_back(order.authorizations[-1])
            order = await self._orders.read(order.id)
            if order.captures and order.authorizations[-1].status == "VOIDED":
                return moved(attempt_id, order, amount_minor=left_minor)
        elif order.may_be_closed and order.state is not PaymentState.DECLINED:
            await self._orders.close(order, word=VOIDED, code=VOIDED)
            order = await self._orders.read(order.id)
        if order.state is not PaymentState.VOIDED:
            return declined_movement(attempt_id, order, code=f"already_{order.state}")
        return moved(attempt_id, order, amount_minor=order.amount_minor)

    async def _refund(self, request: RefundRequest) -> MovementResult:
        order = await self._orders.known(request.attempt_id, request.gateway_reference)
        several = sum(one.is_taken for one in order.captures) > 1
        try:
            if several:
                parts = await self._given_back_in_parts(request, order)
                return refunded_in_parts(request.refund_id, order, parts)
            made = await self._given_back(request, order)
        except Refused as refusal:
            code = _REFUND_CODES.get(refusal.code, refusal.code.lower())
            return declined_movement(request.refund_id, order, code=code)
        return refunded(request.refund_id, order, made)

    async def _given_back_in_parts(self, request: RefundRequest, order: Order) -> list[Refund]:
        """PayPal gives back of one capture at a time: the refund goes through as many as it needs,
        and goes on where it was cut off."""
        if order.currency != request.currency:
            raise Refused("currency_mismatch")
        made = [one for one in order.refunds if one.refund_id == request.refund_id and one.is_back]
        missing_minor = request.amount_minor - sum(one.amount_minor for one in made)
        if missing_minor < 0:
            raise KeyReused(request.refund_id)
        taken = [one for one in order.captures if one.is_taken]
        left = {one.id: one.amount_minor for one in taken}
        for back in order.refunds:
            if back.is_back and back.capture_id in left:
                left[back.capture_id] -= back.amount_minor
        if missing_minor > sum(left.values()):
            raise Refused("amount_exceeds_captured")
        for nth, capture in enumerate(taken):
            part_minor = min(left[capture.id], missing_minor)
            if part_minor > 0:
                piece = replace(request, amount_minor=part_minor)
                made.append(await self._sent_back(capture.id, piece, nth=nth))
                missing_minor -= part_minor
        return made

    async def _sent_back(self, capture_id: str, request: RefundRequest, *, nth: int = 0) -> Refund:
        try:
            deed = requests.refund_capture(capture_id, request=request, nth=nth)
        except NotExpressible:
            raise Refused(NOT_EXPRESSIBLE) from None
        return read_refund(await self._orders.do(deed))

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
            made = await self._sent_back(taken.id, request)
        if (made.amount_minor, made.currency) != (request.amount_minor, request.currency):
            raise KeyReused(request.refund_id)
        return made

    async def _refund_made(
        self, refund_id: str, attempt_id: str, reference: str | None
    ) -> MovementResult:
        order = await self._orders.known(attempt_id, reference)
        made = [one for one in order.refunds if one.refund_id == refund_id]
        if not made:
            return without_movement(Outcome.NOT_FOUND, refund_id)
        return refunded_in_parts(refund_id, order, made)


def _told(one: Refund, attempt_id: str) -> GivenBack:
    return GivenBack(
        reference=one.id,
        refund_id=one.refund_id if one.refund_id and one.attempt_id == attempt_id else None,
        amount_minor=one.amount_minor,
        currency=one.currency,
        is_done=one.status == "COMPLETED",
    )


def _piece(capture_id: str, order: Order, made: Capture) -> MovementResult:
    """Where a piece stands; one that takes its time is left open."""
    if made.is_taken:
        result = moved(capture_id, order, amount_minor=made.amount_minor, fee_minor=made.fee_minor)
        return replace(result, gateway_reference=made.id)
    if made.status in ("DECLINED", "FAILED"):
        return declined_movement(capture_id, order, code=made.status.lower())
    return without_movement(Outcome.UNKNOWN, capture_id, order.currency)


def _piece_objection(request: CaptureRequest, order: Order) -> str | None:
    if order.intent != AUTHORIZE:
        return "not_authorized"
    left_minor = order.amount_minor - order.captured_minor
    return capture_objection(request, order, left_minor=left_minor)


def _whole_objection(request: CaptureRequest, order: Order) -> str | None:
    objection = capture_objection(request, order, left_minor=order.amount_minor)
    whole = request.amount_minor == order.amount_minor
    if objection is None and not whole and (order.intent == CAPTURE or not request.final):
        return "captured_once_only"
    return objection


def _refund_of(order: Order, refund_id: str) -> Refund | None:
    return next((one for one in order.refunds if one.refund_id == refund_id), None)
