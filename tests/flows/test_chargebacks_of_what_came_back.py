"""Another chargeback of money that had come back after it was lost: who gives it, and gets it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import commission_simulation, explanation_service, marketplace_service
from gosellr.services.audit_service import audit
from gosellr.services.commission_simulation import SimulationRequest
from gosellr.utils.explanations import explain
from gosellr.utils.refunds import CommissionReversal
from tests.factories.accounts import User
from tests.factories.disputes import (
    asked_in,
    bank_decides,
    cases_of,
    delivered,
    hear,
    network,
    take_back,
    told_as,
)
from tests.factories.payouts import pay, set_account, wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    make_buyer,
    make_commission,
    make_shop,
    refund,
    seller_owes,
)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    await make_commission(connection)
    return await make_buyer(connection)


@pytest.fixture
async def shops(connection: Connection, buyer: User) -> list[Shop]:
    """Two shops whose orders come to 120.00, of which the market earns a tenth."""
    return [await make_shop(connection, price_minor=minor) for minor in (7_001, 4_999)]


async def lost_and_back(resources: Resources, order: Order) -> str:
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    await network(resources).disputes.reinstate(reference=reference)
    await hear(resources, order)
    return reference


async def owed(connection: Connection, shops: list[Shop]) -> list[dict[str, int]]:
    return [await seller_owes(connection, shop) for shop in shops]


async def test_each_seller_is_asked_for_its_share_and_gives_it(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    await lost_and_back(resources, order)
    had = await owed(connection, shops)
    assert had == [{"available": 6_161}, {"available": 4_399}]
    second = await take_back(resources, order)
    # What each had got is out of reach until the bank decides.
    assert await owed(connection, shops) == [{"reserve": 6_161}, {"reserve": 4_399}]
    asked = asked_in(await cases_of(resources, order), second)
    assert asked == {
        shops[0].seller.id: (7_001, 7_001, 6_161), shops[1].seller.id: (4_999, 4_999, 4_399),
    }  # fmt: skip
    assert await wrong_with(connection, resources) == []
    await bank_decides(resources, order, second, won=False)
    assert await owed(connection, shops) == [{}, {}]
    assert await balances(connection) == {}
    assert await hear(resources, order) == 0
    assert await wrong_with(connection, resources) == []


async def test_one_that_is_won_leaves_it_with_those_who_had_got_it(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    await lost_and_back(resources, order)
    before = await balances(connection)
    second = await take_back(resources, order)
    await bank_decides(resources, order, second, won=True)
    assert await owed(connection, shops) == [{"available": 6_161}, {"available": 4_399}]
    assert await balances(connection) == before
    assert await wrong_with(connection, resources) == []


async def test_parts_of_it_are_taken_one_after_the_other_to_the_cent(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    await lost_and_back(resources, order)
    for amount_minor in (1, 3_333, 4_444):
        one = await take_back(resources, order, amount_minor=amount_minor)
        await bank_decides(resources, order, one, won=False)
        assert await wrong_with(connection, resources) == []
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 12_000 - 7_778
    assert {"chargeback_loss", "dispute_receivable"}.isdisjoint(kept)
    rest = await take_back(resources, order)
    await bank_decides(resources, order, rest, won=False)
    assert await owed(connection, shops) == [{}, {}]
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_what_comes_back_of_the_second_is_theirs_and_a_third_takes_it(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    await lost_and_back(resources, order)
    before = await balances(connection)
    await lost_and_back(resources, order)
    assert await owed(connection, shops) == [{"available": 6_161}, {"available": 4_399}]
    assert await balances(connection) == before
    assert await wrong_with(connection, resources) == []
    third = await take_back(resources, order)
    await bank_decides(resources, order, third, won=False)
    assert await owed(connection, shops) == [{}, {}]
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_what_was_paid_out_since_is_owed(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    [shop, _] = shops
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await lost_and_back(resources, order)
    await set_account(resources, shop)
    await pay(resources, shop)
    assert await seller_owes(connection, shop) == {}
    second = await take_back(resources, order, amount_minor=2_000)
    await bank_decides(resources, order, second, won=False)
    # A tenth and its VAT is the market's: 20.00 less 2.00 and 0.40.
    assert await seller_owes(connection, shop) == {"receivable": 1_760}
    third = await take_back(resources, order)
    await bank_decides(resources, order, third, won=False)
    assert await balances(connection) == {"gateway_clearing": -6_161, "seller_receivable": 6_161}
    assert await wrong_with(connection, resources) == []


async def test_it_takes_what_is_left_of_the_sale_first(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    first = await take_back(resources, order, amount_minor=5_000)
    await bank_decides(resources, order, first, won=False)
    await network(resources).disputes.reinstate(reference=first)
    await hear(resources, order)
    second = await take_back(resources, order, amount_minor=9_000)
    asked = asked_in(await cases_of(resources, order), second)
    assert sum(amount for amount, _, _ in asked.values()) == 9_000
    assert sum(came_back for _, came_back, _ in asked.values()) == 2_000
    await bank_decides(resources, order, second, won=False)
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 3_000
    assert "chargeback_loss" not in kept
    assert await wrong_with(connection, resources) == []
    rest = await take_back(resources, order)
    await bank_decides(resources, order, rest, won=False)
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]


async def test_the_market_bears_again_what_it_had_borne_before(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    [shop, other] = shops
    order = await delivered(resources, (shop, 1), (other, 1), buyer=buyer)
    # The smaller shop's part went back before the bank took all of it.
    await refund(resources, order, other, units=1)
    first = await take_back(resources, order)
    await bank_decides(resources, order, first, won=False)
    lost = await balances(connection)
    assert (lost["chargeback_loss"], lost["gateway_clearing"]) == (4_999, -4_999)
    await network(resources).disputes.reinstate(reference=first)
    await hear(resources, order)
    assert "chargeback_loss" not in await balances(connection)
    second = await take_back(resources, order)
    assert asked_in(await cases_of(resources, order), second) == {
        shop.seller.id: (7_001, 7_001, 6_161)
    }
    await bank_decides(resources, order, second, won=False)
    assert await balances(connection) == lost
    assert await owed(connection, shops) == [{}, {}]
    assert await wrong_with(connection, resources) == []


async def test_what_went_back_twice_comes_back_first(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    [shop, other] = shops
    order = await delivered(resources, (shop, 1), (other, 1), buyer=buyer)
    await refund(resources, order, other, units=1)
    first = await take_back(resources, order)
    await bank_decides(resources, order, first, won=False)
    assert (await balances(connection))["chargeback_loss"] == 4_999
    # As if the bank had taken 60.00 of the sale, of which 70.01 was left.
    assert await told_as(resources, order, first, "won", kept_minor=6_000)
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 1_001
    assert "chargeback_loss" not in kept
    assert await told_as(resources, order, first, "won", kept_minor=9_000)
    kept = await balances(connection)
    assert (kept["chargeback_loss"], kept["gateway_clearing"]) == (1_999, -1_999)
    assert await owed(connection, shops) == [{"available": 881, "receivable": 881}, {}]
    assert await told_as(resources, order, first, "won")
    assert await owed(connection, shops) == [{"available": 6_161}, {}]
    assert "chargeback_loss" not in await balances(connection)
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []


async def test_a_bank_that_turns_round_leaves_what_another_holds(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    [shop, other] = shops
    order = await delivered(resources, (shop, 1), (other, 1), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=3_000)
    held = await owed(connection, shops)
    await refund(resources, order, shop, units=1)
    left = await owed(connection, shops)
    # Of the sale there is the smaller shop's rest alone.
    rest_minor = (await balances(connection))["gateway_clearing"]
    assert await told_as(resources, order, "sdp_two", "lost", amount_minor=rest_minor)
    assert await balances(connection) == {}
    assert await told_as(resources, order, "sdp_two", "won", amount_minor=rest_minor)
    assert [sum(one.values()) for one in await owed(connection, shops)] == [
        sum(one.values()) for one in left
    ]  # fmt: skip
    assert await told_as(
        resources, order, "sdp_two", "won", amount_minor=rest_minor, kept_minor=1_000
    )
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=3_000)
    first, second = await owed(connection, shops)
    assert sum(first.values()) == 6_161 - sum(held[0].values())
    assert sum(second.values()) == 4_399 - 880
    assert await told_as(resources, order, "sdp_two", "lost", amount_minor=rest_minor)
    [first_again, _] = await owed(connection, shops)
    # What it takes again is of the shop that it had given to.
    assert first_again == first
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []


async def test_cases_of_two_that_are_open_come_to_what_each_of_them_took(
    resources: Resources, connection: Connection, buyer: User
) -> None:
    # Of 94.96 the first one's share rounds up, and of 94.97 it doesn't.
    three = [await make_shop(connection, price_minor=minor) for minor in (5_862, 11_288, 7_730)]
    order = await delivered(resources, *((shop, 1) for shop in three), buyer=buyer)
    await lost_and_back(resources, order)
    assert await told_as(resources, order, "sdp_large", "open", amount_minor=9_496)
    assert await told_as(resources, order, "sdp_small", "open", amount_minor=1)
    cases = await cases_of(resources, order)
    for reference, minor in (("sdp_large", 9_496), ("sdp_small", 1)):
        asked = asked_in(cases, reference)
        assert sum(amount for amount, _, _ in asked.values()) == minor
    # What the small one asks for is what it takes once the large one has taken its own.
    asked = asked_in(cases, "sdp_small")
    assert await told_as(resources, order, "sdp_large", "lost", amount_minor=9_496)
    assert asked_in(await cases_of(resources, order), "sdp_small") == asked


async def test_one_that_was_opened_before_it_came_back_is_about_it_then(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    first = await take_back(resources, order)
    await bank_decides(resources, order, first, won=False)
    assert await told_as(resources, order, "sdp_other", "open")
    asked = asked_in(await cases_of(resources, order), "sdp_other")
    assert [amount for amount, _, _ in asked.values()] == [0]
    assert await told_as(resources, order, first, "won")
    asked = asked_in(await cases_of(resources, order), "sdp_other")
    assert asked == {
        shops[0].seller.id: (7_001, 7_001, 6_161), shops[1].seller.id: (4_999, 4_999, 4_399),
    }  # fmt: skip
    assert await told_as(resources, order, "sdp_other", "lost")
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]


async def test_what_comes_back_makes_one_good_that_was_lost_before_that(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    first = await take_back(resources, order)
    await bank_decides(resources, order, first, won=False)
    # Nothing of the sale is left: by now the market bears the second one.
    assert await told_as(resources, order, "sdp_other", "lost")
    assert await balances(connection) == {"chargeback_loss": 12_000, "gateway_clearing": -12_000}
    assert await told_as(resources, order, first, "won", kept_minor=9_000)
    assert await balances(connection) == {"chargeback_loss": 9_000, "gateway_clearing": -9_000}
    assert await told_as(resources, order, first, "won")
    assert not await told_as(resources, order, first, "won")
    # As if the first had come back before the second.
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]
    [one, _] = [
        one
        for one in (
            await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
        ).transactions
        if one.kind == "chargeback_lost_again"
    ]
    assert explain(one.kind, one.entries).startswith(
        "30.00 EUR that came back of a lost chargeback makes another one good, which the"
        " marketplace had borne: sellers give 26.40 EUR of what could be paid out,"
    )
    # The second comes back as well, and is theirs again.
    assert await told_as(resources, order, "sdp_other", "won")
    assert await owed(connection, shops) == [{"available": 6_161}, {"available": 4_399}]
    assert "chargeback_loss" not in await balances(connection)


async def test_what_two_took_of_it_no_seller_gives_twice(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    first = await lost_and_back(resources, order)
    assert await told_as(resources, order, "sdp_other", "lost")
    assert await balances(connection) == {}
    # The first bank takes what it had given once more, and a part of it comes back for good.
    assert await told_as(resources, order, first, "lost")
    assert await balances(connection) == {"chargeback_loss": 12_000, "gateway_clearing": -12_000}
    assert await owed(connection, shops) == [{}, {}]
    assert await told_as(resources, order, first, "won", kept_minor=4_000)
    assert await balances(connection) == {"chargeback_loss": 4_000, "gateway_clearing": -4_000}
    assert await told_as(resources, order, first, "won")
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]


async def test_two_at_once_freeze_it_once(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    await lost_and_back(resources, order)
    assert await told_as(resources, order, "sdp_one", "open", amount_minor=9_000)
    assert await told_as(resources, order, "sdp_two", "open")
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert sum(came_back for _, came_back, _ in asked.values()) == 3_000
    # All that there is of each, and no debt.
    assert await owed(connection, shops) == [{"reserve": 6_161}, {"reserve": 4_399}]
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=9_000)
    assert await told_as(resources, order, "sdp_two", "lost")
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]


async def test_what_another_gave_back_makes_good_what_is_taken_again(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    first = await lost_and_back(resources, order)
    second = await lost_and_back(resources, order)
    # The second one took what had come back of the first, and gave it to the sellers again.
    assert await told_as(resources, order, first, "lost")
    # What is taken again is a debt, whatever can be paid out beside it.
    assert await balances(connection) == {"seller_available": -10_560, "seller_receivable": 10_560}
    assert await owed(connection, shops) == [
        {"available": 6_161, "receivable": 6_161}, {"available": 4_399, "receivable": 4_399},
    ]  # fmt: skip
    assert await told_as(resources, order, first, "won", kept_minor=4_000)
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 8_000
    assert "chargeback_loss" not in kept
    assert await told_as(resources, order, second, "lost")
    assert await told_as(resources, order, first, "lost")
    assert await balances(connection) == {
        "chargeback_loss": 12_000, "gateway_clearing": -12_000,
        "seller_available": -10_560, "seller_receivable": 10_560,
    }  # fmt: skip
    assert await told_as(resources, order, first, "won")
    assert await told_as(resources, order, second, "won")
    assert await owed(connection, shops) == [{"available": 6_161}, {"available": 4_399}]
    assert "chargeback_loss" not in await balances(connection)


async def test_what_sellers_made_good_comes_back_to_them(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    first = await lost_and_back(resources, order)
    assert await told_as(resources, order, "sdp_other", "lost")
    assert await told_as(resources, order, first, "lost")
    # The market bears the first, until the second comes back.
    assert await told_as(resources, order, "sdp_other", "won", kept_minor=3_000)
    assert await balances(connection) == {"chargeback_loss": 3_000, "gateway_clearing": -3_000}
    assert await told_as(resources, order, first, "won", kept_minor=5_000)
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 4_000
    assert "chargeback_loss" not in kept
    assert await told_as(resources, order, first, "won")
    assert await told_as(resources, order, "sdp_other", "won")
    assert await owed(connection, shops) == [{"available": 6_161}, {"available": 4_399}]
    assert "chargeback_loss" not in await balances(connection)


async def test_what_the_market_bore_of_two_is_made_good_once(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    assert await told_as(resources, order, "sdp_small", "lost", amount_minor=4_000)
    # 80.00 of the sale was left.
    assert await told_as(resources, order, "sdp_large", "lost", amount_minor=9_000)
    assert (await balances(connection))["chargeback_loss"] == 1_000
    assert await told_as(resources, order, "sdp_large", "won", amount_minor=9_000)
    assert await told_as(resources, order, "sdp_other", "lost", amount_minor=9_000)
    assert (await balances(connection))["chargeback_loss"] == 1_000
    assert await told_as(resources, order, "sdp_small", "won", amount_minor=4_000)
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 3_000
    assert "chargeback_loss" not in kept


async def test_its_fee_is_the_sellers_where_they_bear_fees(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    settings = resources.settings.model_copy(update={"chargeback_fee_borne_by": "seller"})
    resources = replace(resources, settings=settings)
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    await lost_and_back(resources, order)
    second = await take_back(resources, order, fee_minor=1_500)
    await bank_decides(resources, order, second, won=False)
    assert await owed(connection, shops) == [{"receivable": 875}, {"receivable": 625}]


async def test_all_who_count_it_count_it_once(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    since = resources.clock.now() - timedelta(days=1)
    [shop, _] = shops
    order = await delivered(resources, (shop, 1), buyer=buyer)
    await lost_and_back(resources, order)
    second = await take_back(resources, order)
    await bank_decides(resources, order, second, won=False)
    told = await ask(
        resources.db,
        commission_simulation.simulate,
        request=SimulationRequest(since=since, until=since + timedelta(days=2)),
        reversal=CommissionReversal.FULL,
    )
    assert told.totals[0].booked.commission_minor == 0
    stats = await ask(resources.db, marketplace_service.read_figures)
    [money] = stats.money
    assert (money.gmv_minor, money.refunded_minor, money.commission_minor) == (7_001, 7_001, 0)
    words = await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
    [one] = [one for one in words.transactions if one.kind == "chargeback_lost_again"]
    assert explain(one.kind, one.entries) == (
        "The bank takes 70.01 EUR that came back of a lost chargeback by another one: sellers give"
        " 61.61 EUR of what could be paid out, the marketplace returns 7.00 EUR of commission,"
        " 1.40 EUR less tax is passed on."
    )


async def test_a_loss_is_made_good_by_others_and_not_by_the_market_itself(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    sold = await owed(connection, shops)
    assert await told_as(resources, order, "sdp_two", "lost")
    # Nothing is left of the sale: all of this one is the market's loss.
    assert await told_as(resources, order, "sdp_three", "lost")
    assert await told_as(resources, order, "sdp_two", "won", kept_minor=6_471)
    assert await told_as(resources, order, "sdp_two", "lost")
    assert (await balances(connection))["chargeback_loss"] == 12_000
    assert await told_as(resources, order, "sdp_three", "won")
    # One bank has all of the sale, once: nobody bears or has anything beside that.
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]
    assert await told_as(resources, order, "sdp_two", "won")
    assert [sum(one.values()) for one in await owed(connection, shops)] == [
        sum(one.values()) for one in sold
    ]  # fmt: skip
    assert "chargeback_loss" not in await balances(connection)
