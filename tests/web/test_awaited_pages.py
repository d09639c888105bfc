"""Money that is waited for, and credit that is given, on the operator's pages."""

from collections.abc import AsyncIterator

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import cash_terms_service
from gosellr.services.basket_service import Tender
from gosellr.utils.creditor_reference import in_groups
from tests.factories.accounts import User, make_operator, make_support, make_user
from tests.factories.payouts import wrong_with
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, read, refund, ship
from tests.factories.transfers import BY_TRANSFER, IBAN, arrive, doors, offline, transfer_of
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor

TRANSFERS, CASH, CREDIT = (f"/operator/{name}" for name in ("transfers", "cash", "credit"))


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def visitor(market: Resources) -> AsyncIterator[Visitor]:
    async with doors(market) as caller:
        yield Visitor(caller)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def test_a_transfer_is_expected_decided_and_sent_back(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference or ""
    await arrive(market, 1500, text=reference, name="IN-1")
    lost = await arrive(market, 5000, text="lamps", name="IN-2")
    await enter(visitor, market, olu)
    text = await open_page(visitor, TRANSFERS)
    for words in (reference, "€50.00", "€15.00 arrived"):
        assert words in text, words
    text = await open_page(visitor, f"{TRANSFERS}?view=suspense")
    for words in ("Too little", "Nobody&#39;s", "IN-2"):
        assert words in text, words
    page = f"{TRANSFERS}/receipts/{lost.id}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/assign", reference="RF00 NOT IT")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="RF00 NOT IT"' in visitor.text
    for day in ("", "0001-01-01"):
        await visitor.send(f"{page}/returned", transaction_id="OUT-9", sent_on=day)
        assert visitor.page.status_code == 422
        assert 'id="sent_on-error"' in visitor.text
    await visitor.send(f"{page}/assign", reference=in_groups(reference).lower())
    assert "belongs to this order now" in visitor.text
    assert (await read(market, order)).status == "paid"
    # 15.00 of both together is more than was asked for.
    assert "€15.00" in visitor.text
    form = {"transaction_id": "OUT-1", "sent_on": "2026-03-02"}
    await visitor.send(f"{page}/assign", reference=reference)
    assert visitor.page.status_code == 409
    await visitor.send(f"{page}/returned", changes=form)
    assert "marked as sent back" in visitor.text
    assert f'action="{page}/returned"' not in visitor.text
    token = visitor.form("/theme").values["csrf_token"]
    again = await visitor.client.post(
        f"{page}/returned", data={"csrf_token": token, **form}, headers=HTML
    )
    assert again.status_code == 409
    assert "No transfer waits" in await open_page(visitor, f"{TRANSFERS}?view=suspense")
    assert await wrong_with(connection, market) == []


async def test_a_refund_by_hand_is_sent_to_the_account_that_is_named(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    order = await buy(market, (shop, 2), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference or ""
    await arrive(market, 10_000, text=reference, payer_iban=None)
    for _ in range(2):
        await refund(market, order, shop, units=1)
    first, second = await connection.fetch("SELECT id FROM refund_part ORDER BY created_at, id")
    await enter(visitor, market, olu)
    text = await open_page(visitor, f"{TRANSFERS}?view=refunds")
    assert "Account unknown" in text
    page = f"{TRANSFERS}/refunds/{first['id']}"
    await open_page(visitor, page)
    sent = {"transaction_id": "OUT-1", "sent_on": "2026-03-02"}
    await visitor.send(f"{page}/sent", changes=sent)
    assert visitor.page.status_code == 409
    assert "Nobody knows yet to which account" in visitor.text
    await visitor.send(f"{page}/sent", iban=IBAN.replace("89", "98"), holder="Ada")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'id="iban-error"' in visitor.text
    assert 'value="OUT-1"' in visitor.text
    await visitor.send(f"{page}/sent", iban=IBAN)
    assert "marked as sent" in visitor.text
    token = visitor.form("/theme").values["csrf_token"]
    same = await visitor.client.post(
        f"{page}/sent", data={"csrf_token": token, **sent}, headers=HTML
    )
    assert same.status_code == 303
    other = f"{TRANSFERS}/refunds/{second['id']}"
    text = await open_page(visitor, other)
    assert IBAN in text
    await visitor.send(f"{other}/failed", reason="")
    assert visitor.page.status_code == 422
    await visitor.send(f"{other}/failed", reason="Account closed")
    assert "marked as failed" in visitor.text
    assert "Nothing has to be sent back" in await open_page(visitor, f"{TRANSFERS}?view=refunds")
    assert await wrong_with(connection, market) == []


async def test_cash_is_collected_or_refused_parcel_by_parcel(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 20_000},
        now=NOW,
    )
    in_cash = (Tender(method="cash_on_delivery"),)
    orders = [await buy(market, (shop, units), tenders=in_cash) for units in (1, 2)]
    pages = [f"{CASH}/{order.parts[0].id}" for order in orders]
    await enter(visitor, market, olu)
    text = await open_page(visitor, CASH)
    assert all(page in text for page in pages)
    assert "before it is on its way" in await open_page(visitor, pages[0])
    for order, units in zip(orders, (1, 2), strict=True):
        await ship(market, order, shop, units=units)
    await open_page(visitor, pages[0])
    await visitor.send(f"{pages[0]}/received", amount="49.99")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert "the amount that was due" in visitor.text
    assert 'value="49.99"' in visitor.text
    await visitor.send(f"{pages[0]}/received", amount="50,00")
    assert "handed over and paid" in visitor.text
    assert pages[0] not in visitor.text
    await open_page(visitor, pages[1])
    await visitor.send(f"{pages[1]}/refused", reason="")
    assert visitor.page.status_code == 422
    await visitor.send(f"{pages[1]}/refused", reason="Nobody was there")
    assert "called off" in visitor.text
    assert "No cash is awaited" in visitor.text
    token = visitor.form("/theme").values["csrf_token"]
    again = await visitor.client.post(
        f"{pages[1]}/refused", data={"csrf_token": token, "reason": "again"}, headers=HTML
    )
    assert again.status_code == 404
    found = await connection.fetch("SELECT captured_minor FROM orders ORDER BY number")
    assert [row["captured_minor"] for row in found] == [5000, 0]
    assert await wrong_with(connection, market) == []


async def test_credit_is_granted_once(
    visitor: Visitor, market: Resources, connection: Connection, olu: User
) -> None:
    ada = await make_user(connection, now=NOW)
    await enter(visitor, market, olu)
    await open_page(visitor, CREDIT)
    assert "Nobody has an account" in await open_page(
        visitor, f"{CREDIT}?email=nobody@example.com", status=404
    )
    address = await connection.fetchval("SELECT email FROM user_account WHERE id = $1", ada.id)
    await open_page(visitor, f"{CREDIT}?email={address}")
    page = f"{CREDIT}/{ada.id}"
    assert visitor.path == page
    await visitor.send(page, amount="a lot", reason="late parcel")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'value="late parcel"' in visitor.text
    form = visitor.form(page)
    await visitor.send(page, amount="7.50")
    assert "The credit is granted" in visitor.text
    assert "€7.50" in visitor.text
    same = {**form.values, "amount": "7.50"}
    assert (await visitor.client.post(page, data=same, headers=HTML)).status_code == 303
    other = await visitor.client.post(page, data={**same, "amount": "8"}, headers=HTML)
    assert other.status_code == 422
    assert await connection.fetchval("SELECT sum(amount_minor) FROM store_credit_grant") == 750
    await enter(visitor, market, await make_support(connection, now=NOW))
    assert f'action="{page}"' not in await open_page(visitor, page)


async def test_nobody_is_granted_more_credit_than_can_be_spent(
    visitor: Visitor, market: Resources, connection: Connection, olu: User
) -> None:
    ada = await make_user(connection, now=NOW)
    page = f"{CREDIT}/{ada.id}"
    await enter(visitor, market, olu)
    for amount, status in (("9999999999999.99", 200), ("0.02", 422), ("0.01", 200)):
        await open_page(visitor, page)
        await visitor.send(page, amount=amount, reason="late parcel")
        assert visitor.page.status_code == status, amount
        assert ('id="amount-error"' in visitor.text) is (status == 422)
    await enter(visitor, market, ada)
    assert "€10,000,000,000,000.00" in await open_page(visitor, "/account")


async def test_who_may_look_and_who_may_not(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    lost = await arrive(market, 5000, text="lamps")
    receipt = f"{TRANSFERS}/receipts/{lost.id}"
    paths = [TRANSFERS, receipt, CASH, CREDIT]
    assert await leads_to_sign_in(visitor, paths)
    await enter(visitor, market, shop.seller.owner)
    assert await statuses(visitor, paths) == {403}
    await enter(visitor, market, await make_support(connection, now=NOW))
    assert await statuses(visitor, [TRANSFERS, receipt]) == {403}
    assert await statuses(visitor, [CASH, CREDIT]) == {200}
    await enter(visitor, market, olu)
    for path in (f"{receipt}/assign", f"{receipt}/returned", f"{CREDIT}/{olu.id}"):
        assert (await post_without_token(visitor, path)).status_code == 403
