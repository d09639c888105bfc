"""The operator's pages: what waits, payouts by two persons, movements explained, gift cards, and
the books in plain words."""

import re

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import past_service, reconciliation_service, work_queue_service
from gosellr.services.work_queue_service import AuditResult
from gosellr.utils.ids import order_number
from gosellr.utils.reconciliation import MovementKind
from tests.factories.accounts import User, make_operator, make_support, make_user
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop
from tests.factories.stored_value import by_bank, by_card
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import Visitor

OPERATOR = "/operator"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def tell(resources: Resources, reference: str, amount_minor: int) -> str:
    """The provider tells of something that the books don't know; gives its page."""
    await transact(
        resources.db,
        reconciliation_service.import_movements,
        gateway="sandbox",
        source="document",
        movements=[
            NewMovement(
                reference=reference, kind=MovementKind.OTHER, currency="EUR",
                amount_minor=amount_minor, occurred_at=resources.clock.now(),
            )
        ],
        imported_by=None,
        now=resources.clock.now(),
    )  # fmt: skip
    async with resources.db.connection() as connection:
        movement_id = await connection.fetchval(
            "SELECT id FROM provider_movement WHERE reference = $1", reference
        )
    return f"{OPERATOR}/reconciliation/{movement_id}"


async def remember(resources: Resources, findings: dict[str, int]) -> None:
    """What an audit said, as it is kept."""
    result = AuditResult(at=resources.clock.now(), findings=findings)
    await transact(resources.db, work_queue_service.remember_audit, result=result)


def waiting(text: str, label: str) -> int:
    """The number that stands above a queue's name."""
    found = re.search(rf"<b>(\d+)</b><span class=\"strong\">{label}<", text)
    assert found is not None, label
    return int(found[1])


async def test_a_second_person_lets_a_large_payout_go(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    resources.settings.payout_approval_over["EUR"] = 1_000
    await earn(resources, shop)
    await set_account(resources, shop)
    payout = await pay(resources, shop, viewer=olu.viewer)
    address = f"{OPERATOR}/payouts/{payout.id}"
    await enter(visitor, resources, olu)
    assert waiting(await open_page(visitor, OPERATOR), "Payouts to approve") == 1
    assert address in await open_page(visitor, f"{OPERATOR}/payouts?status=awaiting_approval")
    text = await open_page(visitor, address)
    assert "somebody else has to let it go" in text
    assert f'action="{address}/approve"' not in text
    token = visitor.form("/theme").values["csrf_token"]
    answer = await visitor.client.post(
        f"{address}/approve", data={"csrf_token": token}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 403
    assert "Somebody else has to approve what you asked for" in answer.text
    assert await connection.fetchval("SELECT status FROM payout") == "awaiting_approval"
    second = await make_operator(connection, now=NOW)
    await enter(visitor, resources, second)
    text = await open_page(visitor, address)
    assert shop.seller.name in text
    await visitor.send(f"{address}/approve")
    assert "The payout is let go." in visitor.text
    assert await connection.fetchval("SELECT status FROM payout") == "paid"
    text = await open_page(visitor, address)
    for words in ("What was booked of it", "Payout of 44.00 EUR on its way to the seller."):
        assert words in text, words


async def test_payouts_are_called_back_held_and_tried_again(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    resources.settings.payout_approval_over["EUR"] = 1_000
    await earn(resources, shop)
    await set_account(resources, shop, Behaviour.DECLINE)
    payout = await pay(resources, shop)
    address = f"{OPERATOR}/payouts/{payout.id}"
    await enter(visitor, resources, olu)
    await open_page(visitor, address)
    await visitor.send(f"{address}/cancel", reason="")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    await visitor.send(f"{address}/cancel", reason="Not this one")
    assert "called back; its money" in visitor.text
    assert "Not this one" in visitor.text
    resources.settings.payout_approval_over.clear()
    failed = await pay(resources, shop)
    assert waiting(await open_page(visitor, OPERATOR), "Failed payouts") == 1
    address = f"{OPERATOR}/payouts/{failed.id}"
    await open_page(visitor, address)
    await visitor.send(f"{address}/hold", reason="The account looks odd")
    assert "This seller is paid nothing" in visitor.text
    await visitor.send(f"{address}/retry")
    assert visitor.page.status_code == 409
    assert "On hold: The account looks odd" in visitor.text
    await enter(visitor, resources, shop.seller.owner)
    assert "The account looks odd" in await open_page(visitor, f"/seller/{shop.seller.id}/money")
    await enter(visitor, resources, olu)
    await open_page(visitor, address)
    await visitor.send(f"{address}/unhold")
    assert "payouts go on" in visitor.text
    await visitor.send(f"{address}/retry")
    assert visitor.page.status_code == 200
    assert visitor.path not in (address, f"{address}/retry")
    assert await connection.fetchval("SELECT count(*) FROM payout") == 3


async def test_an_unexplained_movement_is_explained_by_two(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await buy(resources, (shop, 1))
    resources.settings.reconciliation_tolerance["EUR"] = 1_000
    small, large = await tell(resources, "m-small", -900), await tell(resources, "m-large", -5000)
    await enter(visitor, resources, olu)
    text = await open_page(visitor, f"{OPERATOR}/reconciliation")
    assert small in text
    assert large in text
    await visitor.send(f"{OPERATOR}/reconciliation/pull")
    assert "matched where it fits" in visitor.text
    assert "1" in await open_page(visitor, f"{OPERATOR}/reconciliation?status=matched")
    text = await open_page(visitor, small)
    assert "The books know nothing of it" in text
    await visitor.send(f"{small}/resolve", changes={"note": "a statement fee"})
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="a statement fee"' in visitor.text
    await visitor.send(f"{small}/resolve", resolution="income", note="a statement fee")
    assert visitor.page.status_code == 422  # Money that left is no income.
    await visitor.send(f"{small}/resolve", resolution="fee", note="a statement fee")
    assert "explained and booked" in visitor.text
    await open_page(visitor, large)
    await visitor.send(f"{large}/resolve", resolution="suspense", note="who knows")
    assert "a second has to agree" in visitor.text
    assert "somebody else has to agree" in visitor.text
    assert waiting(await open_page(visitor, OPERATOR), "Explanations to confirm") == 1
    token = visitor.form("/theme").values["csrf_token"]
    own = await visitor.client.post(
        f"{large}/approve", data={"csrf_token": token}, headers={"Accept": "text/html"}
    )
    assert own.status_code == 403
    second = await make_operator(connection, now=NOW)
    await enter(visitor, resources, second)
    await open_page(visitor, large)
    await visitor.send(f"{large}/reject")
    assert "the movement waits again" in visitor.text
    await visitor.send(f"{large}/resolve", resolution="suspense", note="still unknown")
    await enter(visitor, resources, olu)
    await open_page(visitor, large)
    await visitor.send(f"{large}/approve")
    assert "In suspense" in visitor.text
    assert large in await open_page(visitor, f"{OPERATOR}/reconciliation?status=suspended")
    await open_page(visitor, large)
    await visitor.send(f"{large}/clear", resolution="loss")
    assert "Cleared as" in visitor.text
    await visitor.go(f"{OPERATOR}/reconciliation")
    await visitor.send(f"{OPERATOR}/reconciliation/pull", to=f"{OPERATOR}/reconciliation/match")
    assert "once more" in visitor.text


async def test_the_inbox_shows_sums_and_matches_for_whom_it_knows(
    visitor: Visitor, resources: Resources, olu: User
) -> None:
    for reference in ("m-1", "m-2"):
        await tell(resources, reference, 10**15)
    inbox = f"{OPERATOR}/reconciliation"
    await enter(visitor, resources, olu)
    assert "€20,000,000,000,000.00" in await open_page(visitor, inbox)
    await visitor.send(f"{inbox}/pull", to=f"{inbox}/match")
    assert "was held against the books once more" in visitor.text
    for nobody in ("", "nobody", "sand\0box"):
        await visitor.send(f"{inbox}/pull", to=f"{inbox}/match", gateway=nobody)
        assert visitor.page.status_code == 422
        assert_sound(visitor.text)
        assert "Nothing was matched" in visitor.text


async def test_a_gift_card_s_code_is_shown_once(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await enter(visitor, resources, olu)
    page = f"{OPERATOR}/gift-cards"
    await open_page(visitor, page)
    await visitor.send(page, amount="nothing", note="for a friend")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="for a friend"' in visitor.text
    await visitor.send(page, amount="25", expires_on="2020-01-01")
    assert visitor.page.status_code == 422
    assert 'id="expires_on-error"' in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 0
    form = visitor.form(page)
    await visitor.send(page, amount="25", expires_on="9999-12-31")
    assert visitor.page.status_code == 422
    assert 'id="expires_on-error"' in visitor.text
    await visitor.send(page, amount="25", expires_on="")
    shown = re.search(r"<code>([0-9A-Z-]{19})</code>", visitor.text)
    assert shown is not None
    assert_sound(visitor.text)
    again = {**form.values, "amount": "25", "expires_on": ""}
    answer = await visitor.client.post(
        page, data=again, headers={"Accept": "text/html", "Origin": "http://market.test"}
    )
    assert "Its code was shown then" in answer.text
    assert shown[1] not in answer.text
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 1
    order = await buy(resources, (shop, 1), tenders=(by_card(shown[1]), by_bank()))
    card_id = await connection.fetchval("SELECT id FROM gift_card")
    text = await open_page(visitor, f"{page}/{card_id}")
    for words in ("Issued", "−€25.00", order_number(order.number), "Good"):
        assert words in text, words
    await visitor.send(f"{page}/{card_id}/deactivate")
    assert "Stopped" in visitor.text
    assert shown[1] not in await open_page(visitor, page)
    support = await make_support(connection, now=NOW)
    await enter(visitor, resources, support)
    assert "Make a gift card" not in await open_page(visitor, page)


async def test_a_form_filled_in_anew_after_going_back_is_sent_by_sending_it_again(
    visitor: Visitor, resources: Resources, connection: Connection, olu: User
) -> None:
    buyer = await make_user(connection, now=NOW)
    await enter(visitor, resources, olu)
    for page, count in (
        (f"{OPERATOR}/credit/{buyer.id}", "SELECT count(*) FROM store_credit_grant"),
        (f"{OPERATOR}/gift-cards", "SELECT count(*) FROM gift_card"),
    ):
        await open_page(visitor, page)
        shown = visitor.page
        await visitor.send(page, amount="5.00", reason="Late parcel")
        assert visitor.page.status_code == 200, visitor.text
        visitor.page = shown
        await visitor.send(page, amount="7.00", reason="Broken parcel")
        assert visitor.page.status_code == 422
        assert_sound(visitor.text)
        assert "You sent this form already. Send it again to do it a second time." in visitor.text
        assert visitor.form(page).values["amount"] == "7.00"
        assert await connection.fetchval(count) == 1
        await visitor.send(page)
        assert visitor.page.status_code == 200
        assert await connection.fetchval(count) == 2


async def test_the_books_explain_themselves(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await set_account(resources, shop)
    order = await earn(resources, shop)
    payout = await pay(resources, shop)
    await enter(visitor, resources, olu)
    page = f"{OPERATOR}/explain"
    assert "Explain any cent" in await open_page(visitor, page)
    number = order_number(order.number)
    text = await open_page(visitor, f"{page}?subject={number}")
    for words in (f"Order {number}", "Sale: the buyer paid 50.00 EUR", "Where it is now"):
        assert words in text, words
    assert "Paid out" in await open_page(visitor, f"{page}?subject={shop.seller.id}")
    assert "on its way to the seller" in await open_page(visitor, f"{page}?subject={payout.id}")
    assert "commission" in await open_page(visitor, f"{page}?subject=commission")
    then = f"{page}?subject={shop.seller.id}&at={NOW:%Y-%m-%d}"
    text = await open_page(visitor, then)
    for words in ("Only what was booked by", "Held until release", "Sale, held until release"):
        assert words in text, words
    assert "Paid out" not in text
    text = await open_page(visitor, f"{page}?subject={payout.id}&at=2026-03-01")
    assert "Nothing was booked by then." in text
    text = await open_page(visitor, f"{page}?subject={number}&at=<i>noon", status=422)
    assert "Write it like 2026-03-02 09:00" in text
    assert "&lt;i&gt;noon" in text
    text = await open_page(visitor, f"{page}?subject=<b>nothing", status=404)
    assert "&lt;b&gt;nothing" in text


async def test_the_desk_says_that_the_history_is_still_being_written(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    said = "The history of this market is still being written"
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    assert said not in await open_page(visitor, OPERATOR)
    await transact(resources.db, past_service.begin)
    assert said in await open_page(visitor, OPERATOR)
    await transact(resources.db, past_service.end, now=NOW)
    assert said not in await open_page(visitor, OPERATOR)


async def test_the_desk_tells_what_the_last_audit_said(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await buy(resources, (shop, 1))
    await enter(visitor, resources, olu)
    assert "None was made here yet" in await open_page(visitor, OPERATOR)
    await remember(resources, {})
    assert "Books in order" in await open_page(visitor, OPERATOR)
    await remember(resources, {"refunds stay within what was captured": 2})
    text = await open_page(visitor, OPERATOR)
    assert "The audit found something" in text
    assert "2 rows" in text


async def test_the_market_s_pages_are_the_market_s(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await earn(resources, shop)
    await set_account(resources, shop)
    payout = await pay(resources, shop)
    moved = await tell(resources, "m-1", -100)
    paths = [
        OPERATOR, f"{OPERATOR}/payouts", f"{OPERATOR}/payouts/{payout.id}", f"{OPERATOR}/cases",
        f"{OPERATOR}/reconciliation", moved, f"{OPERATOR}/gift-cards", f"{OPERATOR}/explain",
    ]  # fmt: skip
    assert await leads_to_sign_in(visitor, paths)
    for user in (await make_user(connection, now=NOW), shop.seller.owner):
        await enter(visitor, resources, user)
        assert await statuses(visitor, paths) == {403}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    books = [f"{OPERATOR}/reconciliation", moved, f"{OPERATOR}/explain"]
    assert await statuses(visitor, books) == {403}
    text = await open_page(visitor, OPERATOR)
    assert "Unmatched movements" not in text
    text = await open_page(visitor, f"{OPERATOR}/payouts/{payout.id}")
    assert "What you can do" not in text
    assert "/operator/explain" not in text
    await enter(visitor, resources, olu)
    for path in (
        f"{OPERATOR}/payouts/{payout.id}/approve", f"{moved}/resolve", f"{OPERATOR}/gift-cards",
        f"{OPERATOR}/reconciliation/pull",
    ):  # fmt: skip
        assert (await post_without_token(visitor, path)).status_code == 403
    assert await connection.fetchval("SELECT count(*) FROM gift_card") == 0
