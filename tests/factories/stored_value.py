"""Gift cards and store credit, and what of them is left."""

from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import checkout, stored_value
from gosellr.models.order_values import Order
from gosellr.models.proposal_values import Proposal
from gosellr.models.stored_value_values import StoreCreditGrant
from gosellr.resources import Resources
from gosellr.services import seller_credit_service, stored_value_service, value_requests
from gosellr.services.basket_service import Tender
from gosellr.services.stored_value_service import Made
from gosellr.utils.stored_value import GIFT_CARD, STORE_CREDIT
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User, make_operator
from tests.factories.sales import NOW, Shop, a_key, buyer_of, part_of


async def operator(resources: Resources) -> Viewer:
    """Somebody who may give value away."""
    async with resources.db.connection() as connection:
        return (await make_operator(connection, now=NOW)).viewer


async def make_card(
    resources: Resources, amount_minor: int, *, currency: str = "EUR", **more: object
) -> tuple[UUID, str]:
    """A gift card: its id and its code."""
    terms: dict[str, object] = {"expires_at": None, "note": None, **more}
    issued = await stored_value.issue_gift_card(
        resources.stored_value,
        viewer=await operator(resources),
        amount_minor=amount_minor,
        currency=currency,
        key=a_key(),
        **terms,  # type: ignore[arg-type]
    )
    assert not isinstance(issued, Proposal)
    assert issued.code is not None
    return issued.card.id, issued.code


async def grant_credit(
    resources: Resources, user: User, amount_minor: int, *, currency: str = "EUR"
) -> None:
    """Credit for a buyer."""
    await transact(
        resources.db,
        value_requests.grant,
        viewer=await operator(resources),
        user_id=user.id,
        amount_minor=amount_minor,
        currency=currency,
        reason="a late parcel",
        key=a_key(),
        policy=resources.policy,
        now=resources.clock.now(),
    )


async def ask_to_give(
    resources: Resources,
    order: Order,
    shop: Shop,
    amount_minor: int,
    *,
    viewer: Viewer | None = None,
    key: str | None = None,
    currency: str = "EUR",
) -> Made[StoreCreditGrant] | Proposal:
    """Credit for who bought a shop's part, at the cost of the shop; or a proposal to give it."""
    return await transact(
        resources.db,
        seller_credit_service.give,
        viewer=viewer or shop.viewer,
        order_id=order.id,
        seller_order_id=part_of(order, shop).id,
        amount_minor=amount_minor,
        currency=currency,
        reason="Sorry for the scratch",
        key=a_key(key),
        policy=resources.policy,
        now=resources.clock.now(),
    )


async def give_credit(
    resources: Resources, order: Order, shop: Shop, amount_minor: int, **more: Any
) -> StoreCreditGrant:
    """The same, which one person may give."""
    made = await ask_to_give(resources, order, shop, amount_minor, **more)
    assert not isinstance(made, Proposal)
    return made.value


def by_card(code: str, amount_minor: int | None = None) -> Tender:
    """A part that a gift card pays."""
    return Tender(method=GIFT_CARD, token=code, amount_minor=amount_minor)


def by_credit(amount_minor: int | None = None) -> Tender:
    """A part that the buyer's credit pays."""
    return Tender(method=STORE_CREDIT, amount_minor=amount_minor)


def by_bank(token: str = "tok_ok", amount_minor: int | None = None) -> Tender:
    """A part that goes through the sandbox."""
    return Tender(method="sandbox", token=token, amount_minor=amount_minor)


async def pay_again(
    resources: Resources, order: Order, *tenders: Tender, viewer: Viewer | None = None
) -> Order:
    """Another way to pay."""
    placed = await checkout.pay_again(
        resources.checkout,
        viewer=viewer or buyer_of(resources, order),
        order_id=order.id,
        tenders=tenders,
        key=a_key(),
    )
    assert placed.order is not None
    return placed.order


async def left_on(resources: Resources, card_id: UUID) -> int:
    """What is left on a card."""
    return (await ask(resources.db, stored_value_service.find, card_id=card_id)).balance_minor


async def credit_of(resources: Resources, user: User) -> dict[str, int]:
    """What is left of a buyer's credit."""
    credit = await ask(resources.db, stored_value_service.credit_of, user_id=user.id)
    return credit.balances


async def held_for_orders(connection: Connection) -> int:
    """What is set aside for all orders together."""
    held: int = await connection.fetchval(
        "SELECT COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor"
        " END), 0)::bigint FROM ledger_entry WHERE account LIKE 'stored_value_held:%'"
    )
    return held
