"""The operator's pages of debts, adjustments and reserve rules: prepared by one, decided by two."""

from datetime import timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.balances import prepare
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    balances,
    make_commission,
    make_shop,
    refund,
    seller_owes,
)
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor

DEBTS, ADJUSTMENTS, RULES = (
    f"/operator/{name}" for name in ("balances", "adjustments", "reserve-rules")
)


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def operators(connection: Connection) -> tuple[User, User]:
    return await make_operator(connection, now=NOW), await make_operator(connection, now=NOW)


async def post(visitor: Visitor, path: str, **fields: str) -> httpx2.Response:
    """A form that the page doesn't offer, with a good token."""
    token = visitor.form("/theme").values["csrf_token"]
    return await visitor.client.post(path, data={"csrf_token": token, **fields}, headers=HTML)


async def owe(resources: Resources, connection: Connection, shop: Shop) -> int:
    """The shop was paid, and its sale is refunded then; gives what it owes."""
    await set_account(resources, shop)
    order = await earn(resources, shop)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    return sum((await seller_owes(connection, shop)).values())


async def test_a_debt_is_paid_by_a_plan_and_given_up_by_two(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop,
    clock: ManualClock, operators: tuple[User, User],
) -> None:  # fmt: skip
    owed = await owe(resources, connection, shop)
    assert owed == 4_400
    clock.advance(timedelta(days=40))
    first, second = operators
    await enter(visitor, resources, first)
    address = f"{DEBTS}/{shop.seller.id}"
    text = await open_page(visitor, DEBTS)
    assert address in text
    assert "€44.00" in text
    assert "All goes to it first" in text
    await open_page(visitor, address)
    await visitor.send(f"{address}/plan", kind="share", share="lots", plan_note="by phone")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="by phone"' in visitor.text
    assert 'id="share-error"' in visitor.text
    await visitor.send(f"{address}/plan", kind="instalments", share="", every_days="0")
    assert {"instalment-error", "every_days-error"} <= set(visitor.text.split('"'))
    await visitor.send(f"{address}/plan", kind="share", share="12.5", starts_on="2020-01-01")
    assert 'id="starts_on-error"' in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM recovery_plan") == 0
    await visitor.send(f"{address}/plan", starts_on="")
    assert "in force, in place" in visitor.text
    assert "12.50 % of what becomes available" in visitor.text
    await visitor.send(f"{address}/plan", kind="instalments", instalment="10", every_days="7")
    assert "€10.00 every 7 days" in visitor.text
    await visitor.send(f"{address}/plan/end")
    assert "The plan is over" in visitor.text
    await visitor.send(f"{address}/write-offs", amount="100", reason="gone")
    assert visitor.page.status_code == 409
    assert "more than the seller owes" in visitor.text
    assert 'value="100"' in visitor.text
    await visitor.send(f"{address}/write-offs", amount="", reason="gone")
    assert visitor.page.status_code == 422
    form = visitor.form(f"{address}/write-offs")
    await visitor.send(f"{address}/write-offs", amount="8.00")
    assert "Nothing is booked before a second person" in visitor.text
    page = visitor.path
    assert "You prepared it" in visitor.text
    again = {**form.values, "amount": "8.00"}
    answer = await visitor.client.post(f"{address}/write-offs", data=again, headers=HTML)
    assert answer.headers["location"] == page
    assert await connection.fetchval("SELECT count(*) FROM adjustment") == 1
    assert f'action="{page}/approve"' not in visitor.text
    own = await post(visitor, f"{page}/approve")
    assert own.status_code == 403
    assert "Somebody else has to decide" in own.text
    await enter(visitor, resources, second)
    assert "Adjustments to decide" in await open_page(visitor, "/operator")
    assert page in await open_page(visitor, ADJUSTMENTS)
    await open_page(visitor, page)
    await visitor.send(f"{page}/approve")
    assert "It is booked." in visitor.text
    assert (await post(visitor, f"{page}/approve")).status_code == 303
    refused = await post(visitor, f"{page}/reject", reason="late")
    assert refused.status_code == 409
    assert sum((await seller_owes(connection, shop)).values()) == owed - 800
    assert await wrong_with(connection, resources) == []


async def test_an_adjustment_is_turned_down_with_a_reason(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop,
    operators: tuple[User, User],
) -> None:  # fmt: skip
    first, second = operators
    await enter(visitor, resources, first)
    assert f'href="{ADJUSTMENTS}/new"' in await open_page(visitor, ADJUSTMENTS)
    await open_page(visitor, f"{ADJUSTMENTS}/new")
    typed = {"account-0": "seller_available", "amount-0": "5", "amount-1": "5"}
    await visitor.send(ADJUSTMENTS, changes=typed)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    for field in ("owner-0", "account-1", "reason"):
        assert f'id="{field}-error"' in visitor.text, field
    assert 'value="5"' in visitor.text
    typed = {"account-1": "seller_available", "owner-1": str(shop.seller.id), "reason": "gift"}
    await visitor.send(ADJUSTMENTS, changes={**typed, "account-0": "goodwill_cost"})
    page = visitor.path
    assert f"seller_available:{shop.seller.id}" in visitor.text
    await enter(visitor, resources, second)
    await open_page(visitor, page)
    await visitor.send(f"{page}/reject", reason="")
    assert visitor.page.status_code == 422
    await visitor.send(f"{page}/reject", reason="Not agreed")
    assert "nothing was booked" in visitor.text
    assert "Not agreed" in visitor.text
    assert page in await open_page(visitor, f"{ADJUSTMENTS}?status=rejected")
    assert await balances(connection) == {}


async def test_an_adjustment_takes_as_many_entries_as_may_be_booked_and_says_their_sums(
    visitor: Visitor, resources: Resources, connection: Connection, operators: tuple[User, User],
) -> None:  # fmt: skip
    rows = f"{ADJUSTMENTS}/rows"
    await enter(visitor, resources, operators[0])
    await open_page(visitor, f"{ADJUSTMENTS}/new")
    first = visitor.form(ADJUSTMENTS).values["key"]
    typed = {
        "account-0": "goodwill_cost", "amount-0": "5.00", "account-1": "fee_income",
        "amount-1": "3", "reason": "a fee that was too much",
    }  # fmt: skip
    await visitor.send(ADJUSTMENTS, to=rows, changes={**typed, "add": "1"})
    assert visitor.page.status_code == 200
    assert_sound(visitor.text)
    form = visitor.form(ADJUSTMENTS).values
    assert (form["rows"], form["key"], form["side-2"]) == ("3", first, "debit")
    for words in ("€2.00 more in debit than in credit", 'value="a fee that was too much"'):
        assert words in visitor.text, words
    await visitor.send(ADJUSTMENTS)
    assert visitor.page.status_code == 422
    assert "They don&#39;t balance: €2.00 more in debit than in credit" in visitor.text
    assert 'value="5.00"' in visitor.text
    third = {"account-2": "tax_payable", "owner-2": "de", "side-2": "credit"}
    await visitor.send(ADJUSTMENTS, to=rows, changes={**third, "amount-2": "much", "sum": "1"})
    assert 'id="amount-2-error"' in visitor.text
    await visitor.send(ADJUSTMENTS, to=rows, changes={"amount-2": "2", "sum": "1"})
    assert "They balance" in visitor.text
    await visitor.send(ADJUSTMENTS, to=rows, changes={"remove": "1"})
    assert "€3.00 more in debit than in credit" in visitor.text
    form = visitor.form(ADJUSTMENTS).values
    assert (form["rows"], form["account-1"], form["amount-1"]) == ("2", "tax_payable", "2")
    for _ in range(20):
        await visitor.send(ADJUSTMENTS, to=rows, changes={"add": "1"})
    assert visitor.form(ADJUSTMENTS).values["rows"] == "20"
    assert "One more entry" not in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM adjustment") == 0
    last = {f"{name}-19": value for name, value in (
        ("account", "fee_income"), ("side", "credit"), ("amount", "3"), ("currency", "EUR"),
    )}  # fmt: skip
    await visitor.send(ADJUSTMENTS, changes=last)
    assert "It is prepared." in visitor.text
    [entries] = await connection.fetch("SELECT entries FROM adjustment")
    assert [(one["account"], one["direction"], one["amount_minor"])
            for one in entries["entries"]] == [
        ("goodwill_cost", "debit", 500), ("tax_payable:DE", "credit", 200),
        ("fee_income", "credit", 300),
    ]  # fmt: skip


async def test_an_adjustment_moves_no_more_than_the_largest_amount(
    visitor: Visitor, resources: Resources, connection: Connection, operators: tuple[User, User],
) -> None:  # fmt: skip
    await enter(visitor, resources, operators[0])
    await open_page(visitor, f"{ADJUSTMENTS}/new")
    most = "9999999999999.99"
    typed = {
        "account-0": "bank", "amount-0": most, "account-1": "fee_income", "amount-1": most,
        "reason": "typed twice",
    }  # fmt: skip
    twice = {"side-1": "debit"}
    await visitor.send(ADJUSTMENTS, to=f"{ADJUSTMENTS}/rows", changes=typed | twice | {"sum": "1"})
    assert visitor.page.status_code == 200
    assert "€19,999,999,999,999.98 more in debit than in credit" in visitor.text
    for _ in range(2):
        await visitor.send(ADJUSTMENTS, to=f"{ADJUSTMENTS}/rows", changes={"add": "1"})
    back = {f"{name}-{row}": value for row in (2, 3) for name, value in (
        ("account", "fee_income"), ("side", "credit"), ("amount", most), ("currency", "EUR"),
    )}  # fmt: skip
    await visitor.send(ADJUSTMENTS, changes=back)
    assert visitor.page.status_code == 422
    assert "Together they move more than one adjustment may" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM adjustment") == 0


async def test_reserve_rules_are_added_and_ended(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop,
    operators: tuple[User, User],
) -> None:  # fmt: skip
    await enter(visitor, resources, operators[0])
    text = await open_page(visitor, f"{RULES}?seller={shop.seller.id}")
    slug = await connection.fetchval("SELECT slug FROM seller WHERE id = $1", shop.seller.id)
    assert visitor.form(RULES).values["seller_id"] == slug
    assert f'<option value="{slug}">' in text
    await visitor.send(RULES, rate="150", days="200", name="Young shops")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="Young shops"' in visitor.text
    assert {"rate-error", "days-error"} <= set(visitor.text.split('"'))
    await visitor.send(RULES, rate="10", days="30", scope="risk", above="x")
    assert {"measure-error", "above-error"} <= set(visitor.text.split('"'))
    await visitor.send(RULES, scope="seller", seller_id="")
    assert "Write the shop&#39;s name" in visitor.text
    unknown = {"seller_id": "0b4d9d6e-0000-4000-8000-000000000000"}
    await visitor.send(RULES, scope="seller", changes=unknown)
    assert 'id="seller_id-error"' in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM reserve_rule") == 0
    await visitor.send(RULES, scope="seller", seller_id=shop.seller.name.upper(), cap="50")
    assert "in force for releases to come" in visitor.text
    for words in ("Young shops", shop.seller.name, "10 %", "30 days", "at most €50.00"):
        assert words in visitor.text, words
    await visitor.send(f"{RULES}/")
    assert "out of force" in visitor.text
    assert "Young shops" not in await open_page(visitor, RULES)


async def test_who_may_look_and_who_may_not(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    await owe(resources, connection, shop)
    waiting = await prepare(resources, ("goodwill_cost", "debit", 5), ("fee_income", "credit", 5))
    debtor, booked = f"{DEBTS}/{shop.seller.id}", f"{ADJUSTMENTS}/{waiting.id}"
    paths = [DEBTS, debtor, ADJUSTMENTS, f"{ADJUSTMENTS}/new", booked, RULES]
    assert await leads_to_sign_in(visitor, paths)
    await enter(visitor, resources, shop.seller.owner)
    assert await statuses(visitor, paths) == {403}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    assert await statuses(visitor, [ADJUSTMENTS, f"{ADJUSTMENTS}/new", booked]) == {403}
    for path in (DEBTS, debtor, RULES):
        text = await open_page(visitor, path)
        assert '<form class="stack" method="post"' not in text
    for path in (f"{debtor}/plan", f"{debtor}/write-offs", RULES):
        assert (await post(visitor, path)).status_code == 403
        assert (await post_without_token(visitor, path)).status_code == 403
