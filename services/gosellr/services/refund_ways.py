"""By which payments a refund goes back: the last to pay first, unless that was overridden."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gosellr.core.errors import Conflict, FieldError, InvalidInput
from gosellr.models.order_values import Order, Payment, SellerOrder
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import store_credit
from gosellr.utils.refunds import InvalidRefund
from gosellr.utils.stored_value import STORE_CREDIT, STORED_METHODS
from gosellr.utils.tender_ways import (
    NamedTender,
    TendersDontSum,
    TenderTooSmall,
    spread_as_named,
    spread_over_tenders,
)


class UnderChargeback(Conflict):
    """The buyer's bank took the money back, for now or for good: nothing else may give it back."""

    code = "under_chargeback"
    title = "The buyer's bank has taken this money back"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPayment:
    """A payment that a refund is to go back through: exactly this amount, in minor units of
    `currency`, which has to be the order's; or without one as much as is left of both."""

    payment_id: UUID
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """In which other way than the last to pay first a refund goes back: the first to pay first, or
    by the `named` payments and no other, in that order."""

    first_paid_first: bool = False
    named: tuple[NamedPayment, ...] = ()


LAST_PAID_FIRST: Final = Override()


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """A payment that an amount goes back through. `credited` is the account of stored value that
    it goes to at once; without one its gateway is asked."""

    payment_id: UUID
    method: str
    amount_minor: int
    credited: str | None

    @property
    def goes_to(self) -> str:
        """The instrument that gets it: what paid, or credit in place of what a gateway took."""
        is_instead = self.credited is not None and self.method not in STORED_METHODS
        return STORE_CREDIT if is_instead else self.method


def payments_of(order: Order, part: SellerOrder) -> list[Payment]:
    """The payments that a refund of a part may go back through, in order of payment: stored value
    pays before any gateway."""
    return sorted(
        (
            one
            for one in order.payments
            if one.captured_minor
            and not one.returned
            # Cash goes back by whom it was collected.
            and one.seller_order_id in {None, part.id}
        ),
        key=lambda one: one.account is None,
    )


def left_of(payment: Payment) -> int:
    """What can still go back through a payment, in minor units: what a bank took back can't go back
    once more."""
    return max(0, payment.captured_minor - payment.refunded_minor - payment.disputed_minor)


def _taken_of(payment: Payment) -> int:
    """What would be left of a payment beside that, had no bank taken anything back."""
    return payment.captured_minor - payment.refunded_minor - left_of(payment)


def through_payments(
    order: Order,
    *,
    part: SellerOrder,
    amount_minor: int,
    to_store_credit: bool = False,
    override: Override = LAST_PAID_FIRST,
) -> list[WayBack]:
    """Which payments an amount of a part goes back through, the last to pay first unless that is
    overridden.

    Stored value gets its money back where it came from; what a gateway took may go to the buyer's
    credit instead.

    Raises:
        UnderChargeback: a bank has taken the money back.
        InvalidInput: the override doesn't fit, or names what no refund of the part can go back
            through; it names the field, and `left` says what is left there.
    """
    if not amount_minor and not override.named:
        return []
    paying = payments_of(order, part)
    left = [left_of(one) for one in paying]
    if amount_minor > sum(left):
        raise UnderChargeback("A bank took back what was to be refunded")
    if override.named:
        given = _as_named(order, paying, amount_minor=amount_minor, override=override)
    else:
        given = spread_over_tenders(amount_minor, left, first_paid_first=override.first_paid_first)
    instead = store_credit(order.user_id) if to_store_credit and order.user_id is not None else None
    return [
        WayBack(
            payment_id=payment.id,
            method=payment.method,
            amount_minor=part_minor,
            credited=payment.account or instead,
        )
        for payment, part_minor in zip(paying, given, strict=True)
        if part_minor
    ]


def _as_named(
    order: Order, paying: Sequence[Payment], *, amount_minor: int, override: Override
) -> list[int]:
    places = {one.id: index for index, one in enumerate(paying)}
    for place, one in enumerate(override.named):
        if one.payment_id not in places:
            raise InvalidInput.at(
                f"ways.{place}.payment_id", "no_such_payment", "Nothing of it was paid by this"
            )
        if one.currency not in {None, order.currency}:
            raise InvalidInput.at(
                f"ways.{place}.amount.currency",
                "other_currency",
                f"The order was paid in {order.currency}",
            )
    try:
        return spread_as_named(
            amount_minor,
            [left_of(one) for one in paying],
            [NamedTender(places[one.payment_id], one.amount_minor) for one in override.named],
        )
    except InvalidRefund as error:
        raise InvalidInput.at("ways", "invalid_ways", str(error)) from error
    except TenderTooSmall as error:
        payment = paying[places[override.named[error.place].payment_id]]
        if (override.named[error.place].amount_minor or 0) <= (
            payment.captured_minor - payment.refunded_minor
        ):
            raise UnderChargeback("A bank took back what was to be refunded") from error
        raise _refused(
            order,
            FieldError(
                f"ways.{error.place}.amount", "exceeds_left", "Less is left of this payment"
            ),
            left=error.left_minor,
        ) from error
    except TendersDontSum as error:
        rest = [paying[places[one.payment_id]] for one in override.named if not one.amount_minor]
        if 0 < amount_minor - error.named_minor <= sum(_taken_of(one) for one in rest):
            raise UnderChargeback("A bank took back what was to be refunded") from error
        raise _refused(
            order,
            FieldError("ways", "amounts_dont_sum", "The payments don't come to what goes back"),
            refund=amount_minor,
            named=error.named_minor,
        ) from error


def _refused(order: Order, error: FieldError, **amounts: int) -> InvalidInput:
    extras = {
        name: {"amount": minor, "currency": order.currency} for name, minor in amounts.items()
    }
    return InvalidInput(error.message, errors=[error], extras=extras)
