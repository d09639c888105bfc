"""Gift cards that are bought: what is offered, a purchase, and its card's code."""

from uuid import UUID

from gosellr.core.identity import fingerprint
from gosellr.core.transact import ask, transact
from gosellr.flows import checkout, gift_sales
from gosellr.models.gift_sale_values import GiftCardOffer, GiftCardPurchase
from gosellr.models.order_values import Order, Refund
from gosellr.resources import Resources
from gosellr.services import gift_sale_service
from gosellr.services.basket_service import Tender
from gosellr.services.gift_sale_service import GiftCardWish
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.sales import a_key
from tests.factories.stored_value import by_bank, operator

# The offer of most tests: 25.00 and 50.00, and any between 10.00 and 200.00.
AMOUNTS = (2500, 5000)
LIMITS = (1000, 20000)


async def offer_cards(
    resources: Resources,
    *,
    currency: str = "EUR",
    amounts_minor: tuple[int, ...] = AMOUNTS,
    limits_minor: tuple[int, int] | None = LIMITS,
    valid_days: int | None = None,
    on_sale: bool = True,
) -> GiftCardOffer:
    """Put cards on sale."""
    low, high = limits_minor or (None, None)
    viewer = await operator(resources)
    return await transact(
        resources.db,
        gift_sale_service.set_offer,
        viewer=viewer,
        offer=GiftCardOffer(
            currency=currency,
            amounts_minor=amounts_minor,
            minimum_minor=low,
            maximum_minor=high,
            valid_days=valid_days,
            on_sale=on_sale,
            updated_at=resources.clock.now(),
            updated_by=viewer.user_id,
        ),
    )


def a_wish(amount_minor: int = 5000, *, tender: Tender | None = None, **more: str) -> GiftCardWish:
    """A card that somebody wants."""
    told = {"currency": "EUR", "email": "giver@example.com", **more}
    return GiftCardWish(
        amount_minor=amount_minor,
        tender=tender or by_bank(),
        **told,  # type: ignore[arg-type]
    )


async def buy_card(
    resources: Resources,
    amount_minor: int = 5000,
    *,
    buyer: User | None = None,
    tender: Tender | None = None,
    **more: str,
) -> Order:
    """The order of a card, as far as it got."""
    placed = await gift_sales.buy_gift_card(
        resources.checkout,
        viewer=Viewer() if buyer is None else buyer.viewer,
        wish=a_wish(amount_minor, tender=tender, **more),
        key=a_key(),
    )
    assert placed.order is not None
    return placed.order


def holder_of(resources: Resources, order_id: UUID) -> Viewer:
    """The guest who bought it, with the token that their order answers to."""
    token = checkout.order_token(resources.checkout, order_id)
    return Viewer(order_token_hash=fingerprint(token))


async def code_of(resources: Resources, order: Order, *, viewer: Viewer | None = None) -> str:
    """Its code, which is told this once."""
    told = await gift_sales.tell_code(
        resources.stored_value,
        viewer=viewer or holder_of(resources, order.id),
        order_id=order.id,
    )
    return told.code


async def purchase_of(resources: Resources, order: Order) -> GiftCardPurchase:
    """What the order bought, as it stands."""
    return await ask(
        resources.db, gift_sale_service.find, viewer=await operator(resources), order_id=order.id
    )


async def take_back(resources: Resources, order: Order, *, viewer: Viewer | None = None) -> Refund:
    """What is left on the card goes back to who paid."""
    done = await gift_sales.take_back(
        resources.refunds,
        viewer=viewer or await operator(resources),
        order_id=order.id,
        reason="not wanted",
        key=a_key(),
    )
    assert done.refund is not None
    return done.refund
