"""What comes back to a gift card that can't be spent any more goes on to where it can be."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows import gift_sales
from gosellr.queries import ledger
from gosellr.queries.histories import EVERYTHING
from gosellr.resources import Resources
from gosellr.services import (
    expiry_service,
    history_service,
    replacement_card_service,
    stored_value_service,
)
from gosellr.services.gift_sale_service import CodeToldAlready
from gosellr.utils.explanations import explain
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.captures import at_shipment
from tests.factories.disputes import decide, delivered, open_case, pass_deadline
from tests.factories.gift_sales import (
    buy_card,
    code_of,
    holder_of,
    offer_cards,
    purchase_of,
    take_back,
)
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    buyer_of,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    ship,
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    credit_of,
    left_on,
    make_card,
    operator,
)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """10.00 a piece, 10 % commission and its VAT."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=1000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def stop(resources: Resources, card_id: UUID) -> None:
    await transact(
        resources.db,
        stored_value_service.deactivate,
        viewer=await operator(resources),
        card_id=card_id,
        now=resources.clock.now(),
    )


async def moves(connection: Connection) -> list[dict[str, Any]]:
    rows = await connection.fetch("SELECT * FROM stored_value_move ORDER BY id")
    return [dict(row) for row in rows]


async def test_a_refund_to_a_stopped_card_is_the_buyers_credit(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 2500)
    order = await buy(resources, (shop, 2), buyer=buyer, tenders=(by_card(code),))
    await ship(resources, order, shop)
    await stop(resources, card_id)
    given_back = await refund(resources, order, shop, units=1)
    assert given_back.status == "succeeded"
    assert await credit_of(resources, buyer) == {"EUR": 1000}
    # What was left on the card when it was stopped stays there.
    assert await left_on(resources, card_id) == 500
    assert await balances(connection) == {
        "promotion_cost": 2500,
        "gift_card": -500,
        "store_credit": -1000,
        "seller_pending": -880,
        "commission": -100,
        "tax_payable": -20,
    }
    [move] = await moves(connection)
    assert (move["from_card_id"], move["to_user_id"], move["to_card_id"]) == (
        card_id,
        buyer.id,
        None,
    )
    assert await wrong_with(connection, resources) == []


async def test_the_books_and_the_histories_say_it(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 1000)
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_card(code),))
    await stop(resources, card_id)
    await refund(resources, order, shop, units=1)
    booked = await ledger.find_of_order(connection, order_id=order.id, limit=100)
    moved = [one for one in booked if one.kind == "stored_value_moved"]
    assert [explain(one.kind, one.entries) for one in moved] == [
        "10.00 EUR came back to a gift card that can't be spent, and went on as store credit."
    ]
    credit = await ask(
        resources.db, history_service.credit_movements, viewer=buyer.viewer, currency="EUR",
        cursor=None, limit=10,
    )  # fmt: skip
    assert [(one.kind, one.change_minor) for one in credit.items] == [("stored_value_moved", 1000)]
    paid = await ask(
        resources.db, history_service.buyer_movements, viewer=buyer.viewer, currency="EUR",
        wanted=EVERYTHING, cursor=None, limit=10,
    )  # fmt: skip
    # Paid with the card, and back: what moved on is neither paid nor given back once more.
    assert [(one.kind, one.change_minor, one.balance_minor) for one in paid.items] == [
        ("refund_confirmed", -1000, 0),
        ("sale", 1000, 1000),
    ]


async def test_a_guest_gets_one_new_card_for_all_that_comes_back(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    one, first = await make_card(resources, 1000)
    other, second = await make_card(resources, 2000)
    order = await buy(resources, (shop, 3), tenders=(by_card(first), by_card(second)))
    await ship(resources, order, shop)
    await stop(resources, one)
    await stop(resources, other)
    await refund(resources, order, shop, units=1)
    await refund(resources, order, shop, units=2)
    made = {move["to_card_id"] for move in await moves(connection)}
    # The last to pay gets its money back first.
    assert [(move["from_card_id"], move["amount_minor"]) for move in await moves(connection)] == [
        (other, 1000),
        *sorted([(one, 1000), (other, 1000)]),
    ]
    [card_id] = made
    card = await ask(resources.db, stored_value_service.find, card_id=card_id)
    assert (card.amount_minor, card.balance_minor, card.expires_at) == (3000, 3000, None)
    assert card.code_hash is None
    assert await wrong_with(connection, resources) == []
    told = await gift_sales.tell_replacement_code(
        resources.stored_value,
        viewer=buyer_of(resources, order),
        order_id=order.id,
        card_id=card_id,
    )
    again = await buy(resources, (shop, 3), tenders=(by_card(told.code),))
    assert again.status == "paid"
    assert await left_on(resources, card_id) == 0
    assert await wrong_with(connection, resources) == []


async def test_a_new_card_s_code_is_told_once_and_to_who_bought(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 1000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code),))
    other = await buy(resources, (shop, 1))
    await stop(resources, card_id)
    await refund(resources, order, shop, units=1)
    [move] = await moves(connection)

    async def asked(viewer: Viewer, order_id: UUID, new_card_id: UUID) -> Any:
        return await gift_sales.tell_replacement_code(
            resources.stored_value, viewer=viewer, order_id=order_id, card_id=new_card_id
        )

    with pytest.raises(NotFound):
        await asked(buyer_of(resources, other), order.id, move["to_card_id"])
    with pytest.raises(NotFound):
        await asked(buyer_of(resources, other), other.id, move["to_card_id"])
    with pytest.raises(NotFound):
        await asked(buyer_of(resources, order), order.id, card_id)
    with pytest.raises(NotAllowed):
        await asked(await operator(resources), order.id, move["to_card_id"])
    with pytest.raises(NotFound):
        await asked(shop.viewer, order.id, move["to_card_id"])
    told = await asked(buyer_of(resources, order), order.id, move["to_card_id"])
    with pytest.raises(CodeToldAlready):
        await asked(buyer_of(resources, order), order.id, move["to_card_id"])
    kept = await connection.fetchrow(
        "SELECT last_four, length(code_hash) FROM gift_card WHERE id = $1", move["to_card_id"]
    )
    assert tuple(kept or ()) == (told.code[-4:], 32)
    shown = await ask(
        resources.db,
        replacement_card_service.moves_of_order,
        viewer=buyer_of(resources, order),
        order_id=order.id,
    )
    assert [(one.amount_minor, one.last_four, one.code_told) for one in shown] == [
        (1000, told.code[-4:], True)
    ]


async def test_a_new_card_that_was_stopped_too_is_replaced_again(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 2), tenders=(by_card(code),))
    await ship(resources, order, shop)
    await stop(resources, card_id)
    await refund(resources, order, shop, units=1)
    [first] = await moves(connection)
    await stop(resources, first["to_card_id"])
    await refund(resources, order, shop, units=1)
    _, second = await moves(connection)
    assert second["to_card_id"] != first["to_card_id"]
    assert await left_on(resources, second["to_card_id"]) == 1000
    assert await left_on(resources, first["to_card_id"]) == 1000
    assert await wrong_with(connection, resources) == []


async def test_an_award_to_a_stopped_card_is_credit_too(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 1000)
    order = await delivered(resources, (shop, 1), buyer=buyer, tenders=(by_card(code),))
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await stop(resources, card_id)
    await decide(resources, case, amount_minor=600)
    # Nobody appeals.
    await pass_deadline(resources, case)
    assert await credit_of(resources, buyer) == {"EUR": 600}
    assert await left_on(resources, card_id) == 0
    assert await wrong_with(connection, resources) == []


async def test_what_a_cancelled_order_had_set_aside_is_no_dead_money(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 600)
    order = await buy(
        resources, (shop, 1), buyer=buyer, tenders=(by_card(code), by_bank("tok_declined"))
    )
    assert order.status == "pending_payment"
    await stop(resources, card_id)
    clock.advance(timedelta(days=1))
    assert await transact(resources.db, expiry_service.expire, order_id=order.id, now=clock.now())
    assert await credit_of(resources, buyer) == {"EUR": 600}
    assert await balances(connection) == {"promotion_cost": 600, "store_credit": -600}
    assert await wrong_with(connection, resources) == []


async def test_a_part_that_is_cancelled_before_its_capture_gives_its_card_s_share_on(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    market = at_shipment(resources)
    other = await make_shop(connection, price_minor=1000)
    card_id, code = await make_card(resources, 2000)
    order = await buy(market, (shop, 1), (other, 1), buyer=buyer, tenders=(by_card(code),))
    await stop(resources, card_id)
    await cancel(market, order, viewer=buyer.viewer, shop=other)
    await ship(market, order, shop)
    assert await credit_of(resources, buyer) == {"EUR": 1000}
    assert await left_on(resources, card_id) == 0
    assert await wrong_with(connection, resources) == []


async def test_value_that_comes_back_to_a_card_that_ran_out_meanwhile_can_be_spent(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    over = clock.now() + timedelta(minutes=1)
    card_id, code = await make_card(resources, 600, expires_at=over)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_declined")))
    clock.advance(timedelta(days=1))
    await transact(resources.db, expiry_service.expire, order_id=order.id, now=clock.now())
    card = await ask(resources.db, stored_value_service.find, card_id=card_id)
    assert card.status_at(clock.now()) == "active"
    assert card.expires_at == clock.now() + timedelta(days=90)
    assert await moves(connection) == []


async def test_an_unpaid_order_makes_no_card_good_for_longer(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    over = clock.now() + timedelta(days=2)
    card_id, code = await make_card(resources, 600, expires_at=over)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_declined")))
    clock.advance(timedelta(days=1))
    await transact(resources.db, expiry_service.expire, order_id=order.id, now=clock.now())
    card = await ask(resources.db, stored_value_service.find, card_id=card_id)
    assert (card.balance_minor, card.expires_at) == (600, over)


async def test_goods_bought_with_a_card_that_was_taken_back_are_refunded_to_their_buyer(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    """Who was given the card spent some of it; the rest went back to who had paid for it."""
    await offer_cards(resources)
    bought = await buy_card(resources, 5000)
    code = await code_of(resources, bought, viewer=holder_of(resources, bought.id))
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_card(code),))
    await take_back(resources, bought)
    card_id = (await purchase_of(resources, bought)).card_id
    assert card_id is not None
    await refund(resources, order, shop, units=1)
    assert await credit_of(resources, buyer) == {"EUR": 1000}
    assert await left_on(resources, card_id) == 0
    assert (await read(resources, order)).payment_status == "refunded"
    assert await balances(connection) == {"gateway_clearing": 1000, "store_credit": -1000}
    assert await wrong_with(connection, resources) == []
