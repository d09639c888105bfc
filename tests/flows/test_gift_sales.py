"""Gift cards that are bought: no card before its price was captured, one for each, and back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import DomainError, NotAllowed, NotFound
from gosellr.core.transact import ask
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import explanation_service, gift_sale_service
from gosellr.services.gift_refund_service import GiftCardFrozen, NothingLeftOnCard
from gosellr.services.gift_sale_service import (
    CodeNotReady,
    CodeToldAlready,
    GiftCardNotOffered,
    NotPaidByValue,
)
from gosellr.services.order_steps import TransitionRefused
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.ids import order_number
from gosellr.utils.viewer import GUEST
from tests.factories.disputes import bank_decides
from tests.factories.disputes import take_back as bank_takes_back
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
    cancel,
    make_buyer,
    make_shop,
    read,
    refund,
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    by_credit,
    left_on,
    make_card,
    operator,
    pay_again,
)
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of


async def cards(connection: Connection) -> int:
    """How many gift cards there are."""
    count: int = await connection.fetchval("SELECT count(*) FROM gift_card")
    return count


@pytest.fixture
async def market(resources: Resources) -> Resources:
    """A market that sells cards over 25.00, 50.00, and anything from 10.00 to 200.00."""
    await offer_cards(resources)
    return resources


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece."""
    return await make_shop(connection)


async def test_what_was_captured_is_owed_to_whoever_holds_the_card(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy_card(market, 5000, recipient_name="Grace", message="Happy birthday")
    assert (order.status, order.payment_status, order.captured_minor) == ("paid", "paid", 5000)
    assert (order.total_minor, order.tax_minor, order.parts) == (5000, 0, ())
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    purchase = await purchase_of(market, order)
    assert (purchase.recipient_name, purchase.message) == ("Grace", "Happy birthday")
    assert purchase.card is not None
    assert (purchase.card.amount_minor, purchase.card.balance_minor) == (5000, 5000)
    assert (purchase.card.code_hash, purchase.card.expires_at) == (None, None)
    for subject in (order_number(order.number), f"gift_card:{purchase.card.id}"):
        told = await ask(market.db, explanation_service.explain, subject=subject, limit=10)
        assert [one.kind for one in (*told.transactions, *told.movements)] == ["gift_card_sold"]
    # Told to who bought it, once, and good from then on.
    code = await code_of(market, order)
    assert (await purchase_of(market, order)).card.last_four == code[-4:]  # type: ignore[union-attr]
    with pytest.raises(CodeToldAlready):
        await code_of(market, order)
    spent = await buy(market, (shop, 1), tenders=(by_card(code),))
    assert spent.status == "paid"
    assert await left_on(market, purchase.card.id) == 0
    assert await balances(connection) == {"gateway_clearing": 5000, "seller_pending": -5000}
    assert await wrong_with(connection, market) == []


async def test_the_operator_never_learns_a_code_and_nobody_anothers(
    market: Resources, connection: Connection
) -> None:
    buyer = await make_buyer(connection)
    order = await buy_card(market, buyer=buyer)
    for viewer, refusal in (
        (await operator(market), NotAllowed),
        (GUEST, NotFound),
        ((await make_buyer(connection)).viewer, NotFound),
    ):
        with pytest.raises(refusal):
            await code_of(market, order, viewer=viewer)
    assert len(await code_of(market, order, viewer=buyer.viewer)) == 19


@pytest.mark.parametrize(
    "token", ["tok_declined", "tok_requires_action", "tok_timeout_before", "tok_captures_half"]
)
async def test_no_card_is_made_before_its_price_was_captured(
    market: Resources, connection: Connection, clock: ManualClock, token: str
) -> None:
    order = await buy_card(market, tender=by_bank(token))
    assert order.status == "pending_payment"
    with pytest.raises(CodeNotReady):
        await code_of(market, order)
    assert await cards(connection) == 0
    assert "gift_card" not in await balances(connection)
    assert await wrong_with(connection, market) == []


async def test_what_is_never_paid_ends_without_a_card(
    market: Resources, connection: Connection, clock: ManualClock
) -> None:
    order = await buy_card(market, tender=by_bank("tok_declined"))
    clock.advance(timedelta(hours=2))
    await upkeep.expire_holds(market)
    assert (await read(market, order)).status == "cancelled"
    assert (await cards(connection), await balances(connection)) == (0, {})
    assert await wrong_with(connection, market) == []


async def test_another_way_to_pay_makes_the_card_and_value_is_none(
    market: Resources, connection: Connection
) -> None:
    _, code = await make_card(market, 9000)
    order = await buy_card(market, tender=by_bank("tok_declined"))
    for tender in (by_card(code), by_credit()):
        with pytest.raises(NotPaidByValue):
            await pay_again(market, order, tender)
    paid = await pay_again(market, order, by_bank())
    assert paid.status == "paid"
    assert (await purchase_of(market, order)).card is not None
    assert await cards(connection) == 2
    assert await wrong_with(connection, market) == []


@pytest.mark.parametrize(
    ("amount_minor", "currency", "refusal"),
    [
        (999, "EUR", GiftCardNotOffered),
        (20_001, "EUR", GiftCardNotOffered),
        (5000, "USD", GiftCardNotOffered),
    ],
)
async def test_only_what_is_offered_is_sold(
    market: Resources,
    connection: Connection,
    amount_minor: int,
    currency: str,
    refusal: type[DomainError],
) -> None:
    with pytest.raises(refusal):
        await buy_card(market, amount_minor, currency=currency)
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


async def test_fixed_amounts_alone_and_a_pause(market: Resources, connection: Connection) -> None:
    await offer_cards(market, amounts_minor=(3000,), limits_minor=None)
    assert (await buy_card(market, 3000)).status == "paid"
    with pytest.raises(GiftCardNotOffered):
        await buy_card(market, 2999)
    await offer_cards(market, on_sale=False)
    assert await ask(market.db, gift_sale_service.offers) == []
    with pytest.raises(GiftCardNotOffered):
        await buy_card(market, 5000)


async def test_value_buys_no_value(market: Resources, connection: Connection) -> None:
    _, code = await make_card(market, 9000)
    for tender in (by_card(code), by_credit(), replace(by_bank(), method="cash_on_delivery")):
        with pytest.raises(NotPaidByValue):
            await buy_card(market, tender=tender)
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


async def test_a_card_is_good_for_as_long_as_was_offered_when_it_was_bought(
    resources: Resources, clock: ManualClock, shop: Shop, connection: Connection
) -> None:
    await offer_cards(resources, valid_days=30)
    order = await buy_card(resources)
    await offer_cards(resources, valid_days=None)
    card = (await purchase_of(resources, order)).card
    assert card is not None
    assert card.expires_at == clock.now() + timedelta(days=30)
    code = await code_of(resources, order)
    clock.advance(timedelta(days=30))
    with pytest.raises(GiftCardRefused):
        await buy(resources, (shop, 1), tenders=(by_card(code),))
    assert await wrong_with(connection, resources) == []


async def test_an_unused_card_goes_back_for_all_that_was_paid(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy_card(market)
    code = await code_of(market, order)
    back = await take_back(market, order)
    assert (back.status, back.amount_minor, back.seller_order_id) == ("succeeded", 5000, None)
    after = await read(market, order)
    assert (after.payment_status, after.refunded_minor) == ("refunded", 5000)
    assert await balances(connection) == {}
    card = (await purchase_of(market, order)).card
    assert card is not None
    assert (card.balance_minor, card.deactivated_at is None) == (0, False)
    with pytest.raises(GiftCardRefused):
        await buy(market, (shop, 1), tenders=(by_card(code),))
    with pytest.raises(NothingLeftOnCard):
        await take_back(market, order)
    assert await wrong_with(connection, market) == []


async def test_of_a_card_that_was_used_only_the_rest_goes_back(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy_card(market, 8000)
    code = await code_of(market, order)
    spent = await buy(market, (shop, 1), tenders=(by_card(code),))
    back = await take_back(market, order)
    assert (back.status, back.amount_minor) == ("succeeded", 3000)
    assert (await read(market, order)).payment_status == "partially_refunded"
    assert await balances(connection) == {"gateway_clearing": 5000, "seller_pending": -5000}
    # What comes back to the card afterwards is whose who spent it, on a card of their own.
    await refund(market, spent, shop, units=1)
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    card_id = (await purchase_of(market, order)).card_id
    assert card_id is not None
    assert await left_on(market, card_id) == 0
    with pytest.raises(NothingLeftOnCard):
        await take_back(market, order)
    assert await wrong_with(connection, market) == []


async def test_a_gateway_that_refuses_leaves_the_card_as_it_was(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy_card(market, tender=by_bank("tok_refund_declined"))
    code = await code_of(market, order)
    back = await take_back(market, order)
    assert back.status == "failed"
    assert (await read(market, order)).refunded_minor == 0
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    assert (await buy(market, (shop, 1), tenders=(by_card(code),))).status == "paid"
    assert await wrong_with(connection, market) == []


async def test_a_bank_that_takes_the_price_back_freezes_the_rest_and_what_is_lost_comes_off(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy_card(market, 8000)
    code = await code_of(market, order)
    await buy(market, (shop, 1), tenders=(by_card(code),))
    reference = await bank_takes_back(market, order)
    card = (await purchase_of(market, order)).card
    assert card is not None
    assert (card.status_at(market.clock.now()), card.balance_minor) == ("frozen", 3000)
    with pytest.raises(GiftCardRefused):
        await buy(market, (shop, 1), tenders=(by_card(code, 100), by_bank()))
    with pytest.raises(GiftCardFrozen):
        await take_back(market, order)
    assert await wrong_with(connection, market) == []
    await bank_decides(market, order, reference, won=False)
    # 30.00 were left; what was spent is the market's loss.
    assert await balances(connection) == {
        "chargeback_loss": 5000,
        "seller_pending": -5000,
    }
    assert await wrong_with(connection, market) == []


async def test_a_chargeback_that_is_won_thaws_the_card(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy_card(market)
    code = await code_of(market, order)
    reference = await bank_takes_back(market, order)
    await bank_decides(market, order, reference, won=True)
    assert (await read(market, order)).payment_status == "paid"
    assert (await buy(market, (shop, 1), tenders=(by_card(code),))).status == "paid"
    assert await wrong_with(connection, market) == []


async def test_a_buyer_calls_off_what_isnt_paid_and_nothing_else(
    market: Resources, connection: Connection
) -> None:
    waiting = await buy_card(market, tender=by_bank("tok_declined"))
    cancelled = await cancel(market, waiting, viewer=holder_of(market, waiting.id))
    assert cancelled.status == "cancelled"
    paid = await buy_card(market)
    with pytest.raises(TransitionRefused):
        await cancel(market, paid, viewer=holder_of(market, paid.id))
    assert await wrong_with(connection, market) == []


async def test_only_the_market_takes_cards_back(market: Resources, connection: Connection) -> None:
    buyer = await make_buyer(connection)
    order = await buy_card(market, buyer=buyer)
    with pytest.raises(NotAllowed):
        await take_back(market, order, viewer=buyer.viewer)
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}


async def test_a_transfer_buys_a_card_when_all_of_it_has_come(
    resources: Resources, connection: Connection
) -> None:
    market = offline(resources)
    await offer_cards(market)
    order = await buy_card(market, tender=BY_TRANSFER[0])
    reference = transfer_of(order).gateway_reference or ""
    await arrive(market, 2000, text=reference, name="IN-1")
    assert await cards(connection) == 0
    await arrive(market, 3000, text=reference, name="IN-2")
    assert (await read(market, order)).status == "paid"
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    back = await take_back(market, order)
    # A person sends it.
    assert back.status == "pending"
    assert await balances(connection) == {"gateway_clearing": 5000, "refund_in_transit": -5000}
    assert await wrong_with(connection, market) == []
