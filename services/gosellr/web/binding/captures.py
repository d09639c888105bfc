"""Money that is taken as goods leave, and of which nobody says whether it was, in words."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from gosellr.models.capture_values import PaymentCapture
from gosellr.models.order_values import Order, SellerOrder
from gosellr.utils.money import Money
from gosellr.web.binding import console_orders
from gosellr.web.console_order_views import CaptureOutcomeView, PaidView, TakenPartView
from gosellr.web.order_views import AmountRowView, BadgeView
from gosellr.web.views import FormView, LinkView

_MISSING: Final = BadgeView("Answer missing", "warn", "clock")


def outcome_path(path: str, part_id: UUID) -> str:
    """Where it is said whether the money for a part was taken, of an order at `path`."""
    return f"{path}/parts/{part_id}/capture"


def open_rows(
    found: Order, captures: Iterable[PaymentCapture], *, path: str
) -> tuple[PaidView, ...]:
    """What is being taken of an order, and where it is said what became of it."""
    return tuple(
        PaidView(
            label="Taken as it leaves",
            badge=_MISSING,
            amount=Money(one.amount_minor + one.stored_minor, found.currency),
            note=", ".join(part.seller_name for part in _parts(found, one)),
            href=outcome_path(path, one.seller_order_ids[0]),
        )
        for one in captures
    )


def outcome(
    found: Order, capture: PaymentCapture, *, path: str, back: LinkView, form: FormView
) -> CaptureOutcomeView:
    """What was asked for, by which way, and what would be booked of it."""
    methods: Mapping[UUID, str] = {one.id: one.method for one in found.payments}
    asked = []
    if capture.payment_id is not None:
        label = console_orders.method_name(methods[capture.payment_id])
        asked.append(AmountRowView(label, Money(capture.amount_minor, found.currency)))
    asked += [
        AmountRowView(
            f"{console_orders.method_name(methods[UUID(payment_id)])}, set aside",
            Money(minor, found.currency),
        )
        for payment_id, minor in capture.stored.items()
    ]
    return CaptureOutcomeView(
        path=path,
        back=back,
        form=form,
        capture_id=str(capture.id),
        asked=tuple(asked),
        parts=tuple(
            TakenPartView(
                title=part.seller_name,
                total=Money(part.total_minor, part.currency),
                earned=console_orders.earned(part, whole=True),
            )
            for part in _parts(found, capture)
        ),
        asked_at=capture.created_at,
    )


def _parts(found: Order, capture: PaymentCapture) -> list[SellerOrder]:
    return [one for one in found.parts if one.id in capture.seller_order_ids]
