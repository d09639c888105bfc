"""A form that is sent twice is one wish: the second sending gets what came of the first."""

from datetime import timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, make_operator
from tests.factories.disputes import delivered, open_case
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_commission, make_shop, refund
from tests.factories.stored_value import by_bank
from tests.web.people import assert_sound, enter, open_page
from tests.web.visitor import Visitor

COMMISSION, RESERVE, PROPOSALS = (
    f"/operator/{name}" for name in ("commission-rules", "reserve-rules", "proposals")
)
SENT_ALREADY = "You sent this form already. Send it again to do it a second time."
PASSWORD = "a lamp for every window"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


async def send_twice(visitor: Visitor, action: str, **changes: str) -> None:
    """Send a form, and once more as it stood; both lead to the same page, which says the same."""
    shown, answers = visitor.page, []
    for _ in range(2):
        visitor.page = shown
        await visitor.send(action, changes=changes)
        assert visitor.page.status_code == 200, visitor.text
        assert_sound(visitor.text)
        answers.append((visitor.path, 'role="status"' in visitor.text))
    assert answers[0] == answers[1]


async def fill_in_anew(visitor: Visitor, action: str, **changes: str) -> None:
    """What is sent after going back, filled in differently, is a second wish: asked for again."""
    await visitor.send(action, changes=changes)
    assert visitor.page.status_code == 422, visitor.text
    assert_sound(visitor.text)
    assert SENT_ALREADY in visitor.text
    await visitor.send(action)
    assert visitor.page.status_code == 200, visitor.text


async def test_a_commission_rule_is_made_once(
    visitor: Visitor, resources: Resources, connection: Connection, olu: User
) -> None:
    await enter(visitor, resources, olu)
    await open_page(visitor, COMMISSION)
    shown = visitor.page
    await send_twice(visitor, COMMISSION, name="Spring", rate="7.5")
    assert visitor.path == COMMISSION
    assert "The rule stands, for sales to come" in visitor.text
    count = "SELECT count(*) FROM commission_rule"
    assert await connection.fetchval(count) == 1
    visitor.page = shown
    await fill_in_anew(visitor, COMMISSION, name="Summer", rate="8")
    assert await connection.fetchval(count) == 2


async def test_a_commission_rule_is_proposed_once(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    olu: User,
) -> None:
    monkeypatch.setitem(resources.settings.__dict__, "commission_approval", True)
    await enter(visitor, resources, olu)
    await open_page(visitor, COMMISSION)
    await send_twice(visitor, COMMISSION, name="Spring", rate="7.5")
    proposal_id = await connection.fetchval("SELECT id FROM proposal")
    assert visitor.path == f"{PROPOSALS}/{proposal_id}"
    assert await connection.fetchval("SELECT count(*) FROM proposal") == 1


async def test_a_change_of_a_commission_rule_that_is_sent_twice_is_nobody_else_s(
    visitor: Visitor, resources: Resources, connection: Connection, olu: User
) -> None:
    await enter(visitor, resources, olu)
    await open_page(visitor, COMMISSION)
    await visitor.send(COMMISSION, name="Spring", rate="7.5")
    path = f"{COMMISSION}/{await connection.fetchval('SELECT id FROM commission_rule')}"
    await open_page(visitor, path)
    await send_twice(visitor, path, rate="8")
    assert visitor.path == COMMISSION
    row = await connection.fetchrow("SELECT rate_bps, version FROM commission_rule")
    assert tuple(row) == (800, 2)


async def test_a_reserve_rule_is_made_once(
    visitor: Visitor, resources: Resources, connection: Connection, olu: User
) -> None:
    await enter(visitor, resources, olu)
    await open_page(visitor, RESERVE)
    shown = visitor.page
    await send_twice(visitor, RESERVE, scope="market", rate="10", days="90")
    assert "in force for releases to come" in visitor.text
    count = "SELECT count(*) FROM reserve_rule"
    assert await connection.fetchval(count) == 1
    visitor.page = shown
    await fill_in_anew(visitor, RESERVE, scope="market", rate="5", days="30")
    assert await connection.fetchval(count) == 2


async def test_each_side_of_a_case_says_a_thing_once(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    case_id = case.dispute.id
    count = "SELECT count(*) FROM dispute_message"
    said: int = await connection.fetchval(count)
    for user, path in (
        (buyer, f"/orders/{order_number(order.number)}/problems/{case_id}"),
        (olu, f"/operator/cases/{case_id}"),
        (shop.seller.owner, f"/seller/{shop.seller.id}/cases/{case_id}"),
    ):
        await enter(visitor, resources, user)
        await open_page(visitor, path)
        shown = visitor.page
        await send_twice(visitor, f"{path}/messages", body="It is broken")
        assert "Your message is in the case" in visitor.text
        assert await connection.fetchval(count) == said + 1
        visitor.page = shown
        await fill_in_anew(visitor, f"{path}/messages", body="It is broken in two")
        said += 2
        assert await connection.fetchval(count) == said
    # The answer passes the question on, and the second sending finds it passed on.
    await send_twice(visitor, f"{path}/messages", body="It left us whole", answer="1")
    assert "Your answer is given" in visitor.text
    assert await connection.fetchval(count) == said + 1


async def test_a_step_in_a_case_is_taken_once_and_nothing_is_wrong_with_it(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    case_id = case.dispute.id
    path = f"/seller/{shop.seller.id}/cases/{case_id}"
    await enter(visitor, resources, shop.seller.owner)
    await open_page(visitor, path)
    await send_twice(visitor, f"{path}/escalate", reason="We don't agree")
    assert "An operator is asked" in visitor.text
    path = f"/operator/cases/{case_id}"
    await enter(visitor, resources, olu)
    await open_page(visitor, path)
    await visitor.send(f"{path}/decide", amount="20.00", decision="Both have a point")
    await send_twice(visitor, f"{path}/decide", sure="yes")
    assert "The decision is given" in visitor.text
    assert await connection.fetchval("SELECT award_minor FROM dispute") == 2000


async def test_giving_in_twice_is_giving_in(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    path = f"/seller/{shop.seller.id}/cases/{case.dispute.id}"
    await enter(visitor, resources, shop.seller.owner)
    await open_page(visitor, path)
    await send_twice(visitor, f"{path}/accept")
    assert "The money goes where it belongs now" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM refund") == 1


async def test_a_plan_is_agreed_on_once(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    olu: User,
    clock: ManualClock,
) -> None:
    await set_account(resources, shop)
    order = await earn(resources, shop)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    clock.advance(timedelta(days=1))
    await enter(visitor, resources, olu)
    path = f"/operator/balances/{shop.seller.id}"
    await open_page(visitor, path)
    await send_twice(visitor, f"{path}/plan", kind="share", share="12.5")
    assert await connection.fetchval("SELECT count(*) FROM recovery_plan") == 1
    await send_twice(visitor, f"{path}/plan/end")
    assert "The plan is over" in visitor.text


async def test_a_first_account_that_is_sent_twice_waits_for_nothing(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    owner = shop.seller.owner
    await enter(visitor, resources, owner)
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        owner.id,
        await resources.passwords.hash(PASSWORD),
    )
    path = f"/seller/{shop.seller.id}"
    await open_page(visitor, f"{path}/payout-settings")
    shown = visitor.page
    typed = {"holder": "Blue Lamp", "iban": "DE89 3704 0044 0532 0130 00", "password": PASSWORD}
    await send_twice(visitor, f"{path}/payout-account", **typed)
    row = await connection.fetchrow(
        "SELECT count(*), bool_and(usable_from = created_at) FROM payout_destination"
    )
    assert tuple(row) == (1, True)
    visitor.page = shown
    other = {**typed, "iban": "GB33 BUKB 2020 1555 5555 55"}
    await visitor.send(f"{path}/payout-account", changes=other)
    assert visitor.page.status_code == 422
    assert SENT_ALREADY in visitor.text
    await visitor.send(f"{path}/payout-account", changes={"password": PASSWORD})
    assert "•• 5555" in visitor.text


async def test_a_schedule_that_is_saved_twice_was_changed_by_nobody_else(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await enter(visitor, resources, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/payout-settings"
    await open_page(visitor, page)
    await send_twice(visitor, page, schedule="daily")
    assert "When you are paid is saved." in visitor.text


async def test_a_present_s_letter_is_sent_again_once(
    visitor: Visitor, resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await offer_cards(resources)
    await visitor.go("/gift-cards")
    told = {"chosen": "5000", "email": "giver@example.com", "recipient_email": "kim@example.com"}
    await visitor.send("/gift-cards", changes=told)
    page = f"{visitor.path}/gift-card"
    await connection.execute("UPDATE gift_card_purchase SET sent_count = 1, sent_at = $1", NOW)
    await visitor.go(page)
    shown = visitor.page
    await send_twice(visitor, f"{page}/send")
    assert "We have written down where the card goes" in visitor.text
    assert await connection.fetchval("SELECT sent_count FROM gift_card_purchase") == 2
    visitor.page = shown
    await fill_in_anew(visitor, f"{page}/send", recipient_email="lee@example.com")
    assert await connection.fetchval("SELECT sent_count FROM gift_card_purchase") == 3


async def test_a_rule_that_is_ended_twice_is_ended(
    visitor: Visitor, resources: Resources, connection: Connection, olu: User
) -> None:
    await enter(visitor, resources, olu)
    await open_page(visitor, COMMISSION)
    await visitor.send(COMMISSION, name="Spring", rate="7.5")
    rule_id = await connection.fetchval("SELECT id FROM commission_rule")
    await send_twice(visitor, f"{COMMISSION}/{rule_id}/end")
    assert "The rule is out of force." in visitor.text
    await open_page(visitor, RESERVE)
    await visitor.send(RESERVE, scope="market", rate="10", days="90")
    rule_id = await connection.fetchval("SELECT id FROM reserve_rule")
    await send_twice(visitor, f"{RESERVE}/{rule_id}/end")
    assert "The rule is out of force." in visitor.text


async def test_an_order_that_its_buyer_cancels_twice_is_cancelled(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 1), buyer=buyer)
    await enter(visitor, resources, buyer)
    page = f"/orders/{order_number(order.number)}"
    await open_page(visitor, page)
    await send_twice(visitor, f"{page}/cancel")
    assert "The order is cancelled. What was paid goes back the way it came." in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM refund") == 1


async def test_a_gift_card_that_is_taken_back_twice_is_taken_back(
    visitor: Visitor, resources: Resources, connection: Connection, olu: User
) -> None:
    await offer_cards(resources)
    card_id = (await purchase_of(resources, await buy_card(resources, 5000))).card_id
    await enter(visitor, resources, olu)
    page = f"/operator/gift-cards/{card_id}"
    await open_page(visitor, page)
    await send_twice(visitor, f"{page}/take-back", reason="not wanted")
    assert "The card is taken back. What was left on it is on its way." in visitor.text


async def test_a_refund_that_is_declined_is_never_told_as_made(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    declined = by_bank("tok_refund_declined")
    await offer_cards(resources)
    bought = await buy_card(resources, 5000, tender=declined)
    order = await buy(resources, (shop, 1), tenders=(declined,))
    await enter(visitor, resources, olu)
    page = f"/operator/gift-cards/{(await purchase_of(resources, bought)).card_id}"
    await open_page(visitor, page)
    await send_twice(visitor, f"{page}/take-back", reason="not wanted")
    assert "The provider declined the refund." in visitor.text
    part = order.parts[0]
    page = f"/operator/orders/{order_number(order.number)}/parts/{part.id}/refund"
    await open_page(visitor, page)
    units = {f"units-{part.lines[0].id}": "1", "reason": "broken"}
    await visitor.send(f"{page}/preview", changes=units)
    await send_twice(visitor, page)
    assert "The provider declined the refund." in visitor.text
