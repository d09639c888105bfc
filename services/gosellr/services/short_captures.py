"""A capture that took another amount than it was to take: it waits in suspense, and goes back, and
until somebody has looked at it nothing more is asked for the same goods."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.models.capture_values import PaymentCapture
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import outbox, payment_returns
from gosellr.queries.payment_returns import NewReturn
from gosellr.services import ledger_service
from gosellr.services.sale_books import caused_by_capture
from gosellr.services.settlement_service import SHORT_PAYMENT
from gosellr.utils.postings import stray_capture


class ShortCaptureOpen(Conflict):
    """An earlier capture for the same goods came short, and isn't dealt with; nothing was asked
    for, and nothing was shipped. `return_status` says where the money is that it took."""

    code = "short_capture_open"
    title = "The payment provider took another amount for this parcel"


def refuse_open(order: Order, parts: Iterable[SellerOrder], *, is_over: bool) -> None:
    """Ask no bank again for parts of a locked order while what an earlier capture took isn't back,
    or nobody has said why it came short. `is_over` says that nothing is set aside any more.

    Raises:
        ShortCaptureOpen.
    """
    short = [back for part in parts for back in order.taken_in_vain(part)]
    still = [one for one in short if one.case_is_open or one.status in ("pending", "unknown")]
    if not still:
        return
    then = (
        "nothing more is set aside, so the part is cancelled by itself"
        if is_over
        else "it can be shipped once the marketplace has closed its case, or be cancelled"
    )
    raise ShortCaptureOpen(
        "The payment provider took another amount than was asked for. That pays for nothing and"
        f" goes back to the buyer; {then}",
        extras={"return_status": still[-1].status},
    )


def told_short(
    order: Order,
    *,
    asked_minor: int,
    taken_minor: int,
    seller_order_ids: Iterable[UUID] = (),
) -> Fact:
    """That another amount was taken for an order than was asked for; for these parts, where it was
    for some alone."""
    about = {
        "order_id": str(order.id),
        "seller_order_ids": [str(one) for one in seller_order_ids],
        "asked": {"amount": asked_minor, "currency": order.currency},
        "captured": {"amount": taken_minor, "currency": order.currency},
    }
    return Fact(FactType.ORDER_CAPTURED_SHORT, order.id, about)


async def send_back(
    connection: Connection,
    *,
    order: Order,
    capture: PaymentCapture,
    taken_minor: int,
    fee_minor: int,
    now: datetime,
) -> None:
    """Note what a capture of a locked order took in vain, as a case, and book where it waits; and
    what its gateway kept of it."""
    [payment] = [one for one in order.payments if one.id == capture.payment_id]
    back = NewReturn(
        payment_id=payment.id,
        capture_id=capture.id,
        amount_minor=taken_minor,
        reason=SHORT_PAYMENT,
        is_case=True,
    )
    await payment_returns.insert(connection, returns=[back], now=now)
    told = told_short(
        order,
        asked_minor=capture.amount_minor,
        taken_minor=taken_minor,
        seller_order_ids=capture.seller_order_ids,
    )
    await outbox.append(connection, [told], now=now)
    stray = stray_capture(gateway=payment.method, amount_minor=taken_minor, currency=order.currency)
    bookings = caused_by_capture(
        order, capture, draft=stray, facts={"reason": SHORT_PAYMENT}, fee_minor=fee_minor, now=now
    )
    await ledger_service.book(connection, bookings=bookings, now=now)
