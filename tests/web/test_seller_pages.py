"""A shop's money on its pages: balances, movements, payouts, settings, papers; to each member as
far as their role goes."""

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs.documents import close_months
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import add_member, make_operator, make_user
from tests.factories.disputes import delivered, open_case
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_commission, make_shop
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor

PAGES = ("money", "transactions", "payouts", "payout-settings", "papers", "cases")
PASSWORD = "a long pass phrase"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


async def test_money_stands_by_pot_with_its_dates_and_is_paid_out_once(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await earn(resources, shop, 2)
    await buy(resources, (shop, 1))
    await enter(visitor, resources, shop.seller.owner)
    await visitor.go("/seller")
    base = f"/seller/{shop.seller.id}"
    assert visitor.path == f"{base}/money"
    text = await open_page(visitor, f"{base}/money")
    # €100.00 and €50.00, less a tenth and a fifth of that as VAT.
    for words in ("Pay out €88.00", "€44.00", "Some days after delivery", "Once you have said"):
        assert words in text, words
    await visitor.send(f"{base}/payouts")
    assert visitor.page.status_code == 409
    assert_sound(visitor.text)
    assert "Say first which account to pay to" in visitor.text
    await set_account(resources, shop)
    await open_page(visitor, f"{base}/money")
    form = visitor.form(f"{base}/payouts")
    for _ in range(2):
        visitor.page = await visitor.client.post(
            form.action, data=form.values, headers={**HTML, "Origin": "http://market.test"},
            follow_redirects=True,
        )  # fmt: skip
        assert visitor.page.status_code == 200, visitor.text
    assert await connection.fetchval("SELECT count(*) FROM payout") == 1
    text = await open_page(visitor, f"{base}/payouts")
    assert "€88.00" in text
    payout_id = await connection.fetchval("SELECT id FROM payout")
    text = await open_page(visitor, f"{base}/payouts/{payout_id}")
    for words in ("Paid", "•• 3000", "Released, ready to be paid out", order_number(order.number)):
        assert words in text, words
    assert "Nothing" not in await open_page(visitor, f"{base}/payouts?status=paid")
    assert "No payouts here" in await open_page(visitor, f"{base}/payouts?status=failed")
    text = await open_page(visitor, f"{base}/transactions?kind=payout_intent&account=available")
    assert "−€88.00" in text
    assert text.count("<tr>") == 2  # The header and one row.
    file = await visitor.client.get(f"{base}/transactions?format=csv&kind=sale", headers=HTML)
    assert file.headers["content-disposition"] == 'attachment; filename="transactions.csv"'
    assert len(file.text.splitlines()) == 3
    typo = f"{base}/transactions?format=csv&to=2026-13-01"
    assert 'id="to-error"' in await open_page(visitor, typo, status=422)
    assert "on its way" not in (await open_page(visitor, f"{base}/money")).lower().split("<h3>")[-1]


async def test_what_failed_says_why(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(resources, shop)
    await set_account(resources, shop, Behaviour.DECLINE)
    payout = await pay(resources, shop)
    await enter(visitor, resources, shop.seller.owner)
    text = await open_page(visitor, f"/seller/{shop.seller.id}/payouts/{payout.id}")
    assert "It did not arrive" in text
    assert "Its movements are free for another payout." in text


async def test_when_and_where_a_shop_is_paid(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    owner = shop.seller.owner
    await enter(visitor, resources, owner)
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        owner.id,
        await resources.passwords.hash(PASSWORD),
    )
    page = f"/seller/{shop.seller.id}/payout-settings"
    assert "is paid to after 3 days." in await open_page(visitor, page)
    await visitor.send(
        page, changes={"schedule": "monthly", "day_of_month": "31", "minimum": "a lot"}
    )
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="a lot"' in visitor.text
    assert '<option value="monthly" selected>' in visitor.text
    await visitor.send(page, changes={"minimum": "25,50"})
    assert visitor.page.status_code == 200
    assert "When you are paid is saved." in visitor.text
    row = await connection.fetchrow("SELECT schedule, day_of_month FROM payout_settings")
    assert row is not None
    assert tuple(row) == ("monthly", 31)
    assert 'value="25.50"' in await open_page(visitor, page)
    # A page that was open while somebody else changed it.
    await visitor.send(page, changes={"version": "1", "schedule": "daily"})
    assert visitor.page.status_code == 409
    account = f"/seller/{shop.seller.id}/payout-account"
    typed = {"holder": "Blue Lamp", "iban": "DE89 3704 0044 0532 0130 00", "password": "guessed"}
    await open_page(visitor, page)
    await visitor.send(account, changes=typed)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert "This isn&#39;t your password" in visitor.text
    assert 'value="Blue Lamp"' in visitor.text
    assert "guessed" not in visitor.text
    await visitor.send(account, changes={**typed, "iban": "DE00 1", "password": PASSWORD})
    assert "Look at the number once more" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM payout_destination") == 0
    await visitor.send(account, changes={**typed, "password": PASSWORD})
    assert visitor.page.status_code == 200
    assert "•• 3000" in visitor.text
    # Longer than what the ids on the page could hold by chance.
    for told in ("DE89", "3704 0044", "37040044"):
        assert told not in visitor.text


async def test_settings_that_changed_elsewhere_are_shown_and_not_overwritten(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await set_account(resources, shop)
    await enter(visitor, resources, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/payout-settings"
    await open_page(visitor, page)
    shown = visitor.page
    await visitor.send(page, schedule="manual", minimum="100.00")
    visitor.page = shown
    await visitor.send(page, schedule="daily", minimum="ten")
    assert visitor.page.status_code == 422
    assert visitor.form(page).values["schedule"] == "daily"
    await visitor.send(page, minimum="")
    assert visitor.page.status_code == 409
    assert "Somebody else changed this first" in visitor.text
    now = visitor.form(page).values
    assert (now["schedule"], now["minimum"]) == ("manual", "100.00")
    await visitor.send(page, schedule="weekly", weekday="2")
    kept = await connection.fetchrow("SELECT schedule, weekday FROM payout_settings")
    assert tuple(kept) == ("weekly", 2)


async def test_papers_come_as_files(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await enter(visitor, resources, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/papers"
    text = await open_page(visitor, page)
    assert "No papers yet" in text
    # Nothing has moved, so there is no month to be had.
    assert "so far" not in text
    await earn(resources, shop)
    assert "2026-03 so far, EUR:" in await open_page(visitor, page)
    month = f"/seller/{shop.seller.id}/statements/2026-03?format=csv"
    so_far = await visitor.client.get(f"{month}&currency=EUR", headers=HTML)
    assert so_far.status_code == 200
    assert so_far.content.startswith(b"\xef\xbb\xbf")
    assert so_far.headers["content-disposition"].endswith('statement-2026-03-EUR.csv"')
    strange = await visitor.client.get(f"{month}&currency=USD", headers=HTML)
    assert strange.status_code == 404
    assert isinstance(resources.clock, ManualClock)
    resources.clock.set(NOW.replace(month=4, hour=12))
    await close_months(resources)
    await enter(visitor, resources, shop.seller.owner)
    text = await open_page(visitor, page)
    assert "Statement" in text
    assert "Commission invoice" in text
    assert text.count("?format=pdf") == 3  # Two papers, and the month so far.
    assert "Commission invoice</div>" not in await open_page(visitor, f"{page}?kind=statement")
    document_id = await connection.fetchval("SELECT id FROM document WHERE kind = 'statement'")
    for form, begins in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
        file = await visitor.client.get(f"{page}/{document_id}?format={form}", headers=HTML)
        assert file.content.startswith(begins)
        assert file.headers["content-disposition"].endswith(f'.{form}"')
    refused = await visitor.client.get(f"{page}/{document_id}?format=exe", headers=HTML)
    assert refused.status_code == 422


async def test_each_member_sees_what_the_role_allows(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(resources, shop)
    await set_account(resources, shop)
    base = f"/seller/{shop.seller.id}"
    packer = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.FULFILMENT)
    await enter(visitor, resources, packer)
    await visitor.go(base)
    assert visitor.path == f"{base}/orders"
    assert f'href="{base}/money"' not in visitor.text
    money_pages = [f"{base}/{name}" for name in PAGES if name != "cases"]
    assert await statuses(visitor, money_pages) == {403}
    viewer = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.VIEWER)
    await enter(visitor, resources, viewer)
    assert "Pay out €" not in await open_page(visitor, f"{base}/money")
    text = await open_page(visitor, f"{base}/payout-settings")
    assert "•• 3000" not in text
    assert f'action="{base}/payout-account"' not in text
    finance = await add_member(connection, now=NOW, seller=shop.seller, role=MemberRole.FINANCE)
    await enter(visitor, resources, finance)
    assert "Pay out €44.00" in await open_page(visitor, f"{base}/money")
    text = await open_page(visitor, f"{base}/payout-settings")
    assert "•• 3000" in text
    assert "Only an owner of the shop changes this." in text
    token = visitor.form("/theme").values["csrf_token"]
    answer = await visitor.client.post(
        f"{base}/payout-settings",
        data={"csrf_token": token, "schedule": "daily"},
        headers={**HTML, "Origin": "http://market.test"},
    )
    assert answer.status_code == 403
    assert await connection.fetchval("SELECT schedule FROM payout_settings") == "weekly"


async def test_a_shop_s_pages_are_its_members_only(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(resources, shop)
    await set_account(resources, shop)
    payout = await pay(resources, shop)
    base = f"/seller/{shop.seller.id}"
    paths = [f"{base}/{name}" for name in PAGES]
    paths += [base, f"{base}/payouts/{payout.id}", f"{base}/statements/2026-03"]
    assert await leads_to_sign_in(visitor, ["/seller", *paths])
    await enter(visitor, resources, await make_user(connection, now=NOW))
    assert await statuses(visitor, ["/seller", *paths]) <= {403, 404}
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    assert await statuses(visitor, ["/seller", *paths]) == {404}
    other = await make_shop(connection)
    await enter(visitor, resources, other.seller.owner)
    assert await statuses(visitor, paths) == {404}
    foreign = f"/seller/{other.seller.id}/payouts/{payout.id}"
    assert await statuses(visitor, [foreign]) == {404}
    for name in ("payouts", "payout-settings", "payout-account"):
        assert (await post_without_token(visitor, f"{base}/{name}")).status_code == 403
    await enter(visitor, resources, shop.seller.owner)
    for name in ("payouts", "payout-settings", "payout-account"):
        assert (await post_without_token(visitor, f"{base}/{name}")).status_code == 403


async def test_who_has_two_shops_goes_from_one_to_the_other(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    owner = await make_user(connection, now=NOW)
    second = await make_shop(connection)
    await earn(resources, shop)
    await set_account(resources, shop)
    paid = await pay(resources, shop)
    buyer = await make_buyer(connection)
    sold = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, sold, shop, viewer=buyer.viewer)
    for seller in (shop.seller, second.seller):
        await connection.execute(
            "INSERT INTO seller_member (seller_id, user_id, role, created_at)"
            " VALUES ($1, $2, 'owner', $3)", seller.id, owner.id, NOW,
        )  # fmt: skip
    await connection.execute(
        "UPDATE user_account SET roles = '{buyer,seller}' WHERE id = $1", owner.id
    )
    await enter(visitor, resources, owner)
    text = await open_page(visitor, f"/seller/{shop.seller.id}/money")
    assert text.count('class="btn quiet small" href="/seller/') == 1
    # What is one shop's isn't there under the other's address, though both are hers.
    payout = f"payouts/{paid.id}"
    assert await statuses(visitor, [f"/seller/{shop.seller.id}/{payout}"]) == {200}
    assert await statuses(visitor, [f"/seller/{second.seller.id}/{payout}"]) == {404}
    case_id = case.dispute.id
    assert await statuses(visitor, [f"/seller/{shop.seller.id}/cases/{case_id}"]) == {200}
    assert await statuses(visitor, [f"/seller/{second.seller.id}/cases/{case_id}"]) == {404}
    assert 'href="/seller"' in await open_page(visitor, "/orders")
