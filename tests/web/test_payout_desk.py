"""Runs of payouts and files for the bank, as an operator makes them on pages."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.applications import caller_of
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.sales import NOW, Shop, make_commission, make_shop
from tests.flows.test_bank_files import set_bank, with_bank
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor

PAYOUTS, FILES = "/operator/payouts", "/operator/bank-files"


@pytest.fixture
def market(resources: Resources) -> Resources:
    return with_bank(resources)


@pytest.fixture
async def visitor(market: Resources) -> AsyncIterator[Visitor]:
    async with caller_of(market) as caller:
        yield Visitor(caller)


@pytest.fixture
async def shops(connection: Connection) -> tuple[Shop, Shop]:
    await make_commission(connection)
    return (
        await make_shop(connection, price_minor=5000),
        await make_shop(connection, price_minor=2000),
    )


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def test_a_run_pays_and_says_whom_it_passed_over(
    visitor: Visitor, market: Resources, connection: Connection, shops: tuple[Shop, Shop],
    olu: User,
) -> None:  # fmt: skip
    paid, homeless = shops
    for shop in shops:
        await earn(market, shop)
    await set_account(market, paid)
    await enter(visitor, market, olu)
    preview = f"{PAYOUTS}/run/preview"
    assert f'action="{preview}"' in await open_page(visitor, PAYOUTS)
    text = await open_page(visitor, preview)
    for words in (
        "Would be paid", "To be paid", "Stays: no account named", "Make 1 payout", "€44.00",
        "€17.60", "€61.60",
        "The seller hasn&#39;t said where to", paid.seller.name, homeless.seller.name,
    ):  # fmt: skip
        assert words in text, words
    assert "Nothing is available" in await open_page(visitor, f"{preview}?currency=USD")
    await open_page(visitor, f"{preview}?currency=EUR")
    assert await connection.fetchval("SELECT count(*) FROM payout") == 0
    form = visitor.form(f"{PAYOUTS}/run")
    assert form.method == "post"
    assert form.values["currency"] == "EUR"
    await visitor.send(f"{PAYOUTS}/run")
    assert visitor.page.status_code == 200, visitor.text
    assert_sound(visitor.text)
    for words in ("1 payout", "€44.00", homeless.seller.name):
        assert words in visitor.text, words
    answer = await visitor.client.post(f"{PAYOUTS}/run", data=form.values, headers=HTML)
    assert answer.headers["location"] == PAYOUTS
    assert "there is one, not two" in await open_page(visitor, PAYOUTS)
    assert await connection.fetchval("SELECT count(*) FROM payout") == 1
    text = await open_page(visitor, preview)
    assert "A run would pay nobody" in text
    assert f'action="{PAYOUTS}/run"' not in text
    wrong = await visitor.client.post(
        f"{PAYOUTS}/run", data={**form.values, "currency": "XXY"}, headers=HTML
    )
    assert wrong.status_code == 422
    await enter(visitor, market, await make_support(connection, now=NOW))
    assert f'action="{preview}"' not in await open_page(visitor, PAYOUTS)
    assert await statuses(visitor, [preview]) == {403}


async def test_a_file_is_made_fetched_and_answered(
    visitor: Visitor, market: Resources, connection: Connection, shops: tuple[Shop, Shop],
    olu: User,
) -> None:  # fmt: skip
    made = []
    for shop in shops:
        await set_bank(market, shop)
        await earn(market, shop)
        made.append(await pay(market, shop))
    await enter(visitor, market, olu)
    await open_page(visitor, FILES)
    form = visitor.form(FILES)
    await visitor.send(FILES)
    assert "Download it and give it to the bank" in visitor.text
    assert_sound(visitor.text)
    page = visitor.path
    again = await visitor.client.post(FILES, data=form.values, headers=HTML)
    assert again.headers["location"] == page
    documents = [await visitor.client.get(f"{page}/document") for _ in range(2)]
    assert documents[0].content == documents[1].content
    assert b"pain.001.001.09" in documents[0].content
    assert documents[0].headers["content-disposition"].startswith("attachment")
    assert page in await open_page(visitor, f"{FILES}?status=made")
    await visitor.send(FILES)
    assert visitor.page.status_code == 409
    assert "No file was made" in visitor.text
    await open_page(visitor, page)
    await visitor.send(f"{page}/reject", reason="")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    failed = f"failed-{made[1].id}"
    await visitor.send(f"{page}/execute", changes={failed: "x" * 501})
    assert visitor.page.status_code == 422
    assert f'id="{failed}-error"' in visitor.text
    await visitor.send(f"{page}/execute", changes={failed: "Account closed"})
    assert "its payments are paid" in visitor.text
    assert "Account closed" in visitor.text
    found = await connection.fetch("SELECT status FROM payout ORDER BY created_at, id")
    assert [row["status"] for row in found] == ["paid", "failed"]
    token = visitor.form("/theme").values
    late = await visitor.client.post(
        f"{page}/reject", data={**token, "reason": "late"}, headers=HTML
    )
    assert late.status_code == 409
    paid = f"{PAYOUTS}/{made[0].id}"
    await open_page(visitor, paid)
    await visitor.send(f"{paid}/fail", failure="")
    assert visitor.page.status_code == 422
    await visitor.send(f"{paid}/fail", failure="It came back")
    assert "It came back" in visitor.text
    assert await wrong_with(connection, market) == []


async def test_no_file_is_offered_where_there_is_no_account_to_pay_from(
    client: httpx2.AsyncClient, resources: Resources, olu: User
) -> None:
    visitor = Visitor(client)
    await enter(visitor, resources, olu)
    assert "no bank account of its own" in await open_page(visitor, FILES)
    assert f'action="{FILES}"' not in visitor.text
    assert_sound(visitor.text)


async def test_files_are_operators_alone(
    visitor: Visitor, market: Resources, connection: Connection, shops: tuple[Shop, Shop],
    olu: User,
) -> None:  # fmt: skip
    await set_bank(market, shops[0])
    await earn(market, shops[0])
    await pay(market, shops[0])
    await enter(visitor, market, olu)
    await open_page(visitor, FILES)
    await visitor.send(FILES)
    page = visitor.path
    assert (await post_without_token(visitor, f"{page}/execute")).status_code == 403
    await visitor.send(f"{page}/reject", reason="Wrong account")
    assert "Wrong account" in visitor.text
    paths = [FILES, page, f"{page}/document"]
    assert await leads_to_sign_in(visitor, paths)
    for user in (shops[0].seller.owner, await make_support(connection, now=NOW)):
        await enter(visitor, market, user)
        assert await statuses(visitor, paths) == {403}
