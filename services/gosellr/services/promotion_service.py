"""Coupons: the uses an order takes of them, and what operators and sellers set up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.queries import coupons as queries
from gosellr.queries.market_terms import OfferedCoupon


class CouponUsedUp(Conflict):
    """Somebody else took the last use, or this customer has had theirs; `coupons` names codes."""

    code = "coupon_used_up"
    title = "This code has been used up"


def customer_key(*, user_id: UUID | None, email: str | None) -> str | None:
    """Who a use counts for: the account, or a guest's lower-cased e-mail address."""
    if user_id is not None:
        return str(user_id)
    return email.lower() if email else None


async def claim(
    connection: Connection,
    *,
    coupons: Sequence[OfferedCoupon],
    order_id: UUID,
    customer_key: str,
    discounts: Mapping[str, int],
    now: datetime,
) -> None:
    """Take one use of each coupon for an order whose row is written already, all or none.

    `discounts` says by code what each took off, in minor units. No commit happens without the
    row count of the statement that decides.

    Raises:
        CouponUsedUp: naming the codes. The transaction must end with it, which gives back what
            was taken of the others.
    """
    amounts = {code.lower(): amount_minor for code, amount_minor in discounts.items()}
    codes = {coupon.id: coupon.terms.code for coupon in coupons}
    taken = await queries.claim(
        connection,
        discounts={coupon_id: amounts.get(code.lower(), 0) for coupon_id, code in codes.items()},
        order_id=order_id,
        customer_key=customer_key,
        now=now,
    )
    missed = [code for coupon_id, code in codes.items() if coupon_id not in taken]
    if missed:
        raise CouponUsedUp(
            f"{', '.join(missed)} can't be used any more", extras={"coupons": missed}
        )


async def release(connection: Connection, *, order_id: UUID) -> int:
    """Give back the uses of an order that came to nothing, once; gives how many."""
    return await queries.release(connection, order_id=order_id)


async def redeem(connection: Connection, *, order_id: UUID) -> int:
    """Make the uses of a paid order final; gives how many."""
    return await queries.redeem(connection, order_id=order_id)
