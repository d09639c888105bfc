"""The report of sellers (DAC7) on a page: a year, its sums, what isn't known, and as a file."""

import csv
import io
import zipfile
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.jobs import upkeep
from gosellr.jobs.demo import identities
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, refund
from tests.web.people import enter, leads_to_sign_in, open_page, statuses
from tests.web.visitor import HTML, Visitor

PAGE = "/operator/tax-report"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5_000)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def test_a_year_is_looked_at_and_kept_as_a_file(
    visitor: Visitor, resources: Resources, clock: ManualClock, shop: Shop, olu: User,
    connection: Connection,
) -> None:  # fmt: skip
    order = await buy(resources, (shop, 3))
    clock.advance(timedelta(days=100))
    await refund(resources, order, shop, units=1)
    await buy(resources, (await make_shop(connection, price_minor=2_000), 1))
    await enter(visitor, resources, olu)
    text = await open_page(visitor, PAGE)
    assert '<option value="2026" selected>' in text
    assert "This year isn't over" in text
    assert "2 sellers" in text
    # 88.00 of the first after its refund, 17.60 of the second; the quarters of the first.
    for amount in ("€105.60", "€88.00", "€17.60", "€132.00", "\u2212€44.00"):
        assert amount in text
    assert "Of 2 sellers something is missing" in text
    assert text.count("Who it is to the tax authorities") == 2
    assert f'href="/operator/transactions?of={shop.seller.id}&amp;currency=EUR"' in text
    assert f'href="{PAGE}"' in await open_page(visitor, "/operator")
    answer = await visitor.client.get(f"{PAGE}?year=2026&format=csv", headers=HTML)
    assert answer.headers["content-disposition"] == 'attachment; filename="dac7-2026.csv"'
    rows = [
        (row["quarter"], row["consideration"], row["activity_count"])
        for row in csv.DictReader(io.StringIO(answer.text))
        if row["seller_id"] == str(shop.seller.id)
    ]
    assert rows == [
        ("1", "132.00", "1"), ("2", "-44.00", "0"), ("3", "0.00", "0"), ("4", "0.00", "0"),
    ]  # fmt: skip
    book = await visitor.client.get(f"{PAGE}?year=2026&format=xlsx", headers=HTML)
    assert zipfile.is_zipfile(io.BytesIO(book.content))


async def test_a_year_without_sales_and_one_that_there_isn_t(
    visitor: Visitor, resources: Resources, olu: User, shop: Shop
) -> None:
    await buy(resources, (shop, 1))
    await enter(visitor, resources, olu)
    text = await open_page(visitor, f"{PAGE}?year=2024")
    assert "Nobody earned anything in this year" in text
    assert "This year isn't over" not in text
    for year in ("1999", "2100", "soon", "9" * 10):
        text = await open_page(visitor, f"{PAGE}?year={year}", status=422)
        assert 'id="year-error"' in text
        answer = await visitor.client.get(f"{PAGE}?year={year}&format=csv", headers=HTML)
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("text/html")
    for query in ("format=doc", "cursor=x", "cursor=-1"):
        assert await statuses(visitor, [f"{PAGE}?{query}"]) == {422}


async def test_many_sellers_are_paged_and_summed_as_one(
    visitor: Visitor, resources: Resources, olu: User, shop: Shop, connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("gosellr.web.binding.tax_reports.SHOWN", 1)
    for one in (shop, await make_shop(connection, price_minor=2_000)):
        await buy(resources, (one, 1))
    await enter(visitor, resources, olu)
    first = await open_page(visitor, PAGE)
    second = await open_page(visitor, f"{PAGE}?year=2026&cursor=1")
    assert 'rel="next" href="/operator/tax-report?year=2026&amp;cursor=1"' in first
    assert 'rel="next"' not in second
    assert {text.count("<details>") for text in (first, second)} == {1}
    assert all("€61.60" in text for text in (first, second))


async def test_only_who_reads_the_books_reads_the_report(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    paths = [PAGE, f"{PAGE}?format=csv"]
    assert await leads_to_sign_in(visitor, paths)
    for user in (shop.seller.owner, await make_support(connection, now=NOW)):
        await enter(visitor, resources, user)
        assert await statuses(visitor, paths) == {403}


async def test_who_is_complete_stands_in_a_list_of_its_own(
    visitor: Visitor, resources: Resources, olu: User, shop: Shop, connection: Connection
) -> None:
    other = await make_shop(connection, price_minor=2_000)
    for one in (shop, other):
        await buy(resources, (one, 1))
    await identities.say(resources, {"nordlys": (shop.seller.id, shop.seller.owner.id)})
    await set_account(resources, shop)
    await enter(visitor, resources, olu)
    text = await open_page(visitor, PAGE)
    assert "Of 1 seller something is missing" in text
    links = {
        name: f'href="/operator/transactions?of={one.seller.id}&amp;currency=EUR"'
        for name, one in (("complete", shop), ("incomplete", other))
    }
    for state, others in (("complete", "incomplete"), ("incomplete", "complete")):
        text = await open_page(visitor, f"{PAGE}?state={state}")
        assert links[state] in text
        assert links[others] not in text
        # The sums are of everybody.
        assert "€61.60" in text
    # Nothing of what was said stands on the page itself.
    assert "00000001" not in await open_page(visitor, PAGE)
    assert "There is no such list" in await open_page(visitor, f"{PAGE}?state=odd", status=422)


async def test_how_far_asking_has_come_stands_beside_each_seller_and_on_its_own_pages(
    visitor: Visitor, resources: Resources, clock: ManualClock, shop: Shop, olu: User
) -> None:
    strict = replace(
        resources,
        settings=resources.settings.model_copy(update={"tax_identity_requests": "withhold"}),
    )
    await buy(resources, (shop, 1))
    await enter(visitor, resources, olu)
    assert "Not asked yet" in await open_page(visitor, PAGE)
    for days in (0, 21, 21, 18):
        clock.advance(timedelta(days=days))
        await upkeep.ask_tax_identities(strict)
    await enter(visitor, resources, olu)
    text = await open_page(visitor, PAGE)
    assert "Not asked yet" not in text
    assert (
        "Asked 2 Mar 2026, reminded 23 Mar 2026, reminded again 13 Apr 2026, payouts withheld"
        " since 1 May 2026"
    ) in text
    await enter(visitor, resources, shop.seller.owner)
    for path in ("money", "tax-identity"):
        text = await open_page(visitor, f"/seller/{shop.seller.id}/{path}")
        assert "You were asked on 2 Mar 2026. Payouts wait for it since 1 May 2026." in text
    text = await open_page(visitor, f"/seller/{shop.seller.id}/payout-settings")
    assert "You were asked three times who you are to the tax authorities" in text


async def test_an_operator_lets_the_payouts_of_one_seller_go_on_and_takes_it_back(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    olu: User,
) -> None:
    resources = replace(
        resources,
        settings=resources.settings.model_copy(update={"tax_identity_requests": "withhold"}),
    )
    await earn(resources, shop)
    await set_account(resources, shop)
    payout = await pay(resources, shop)
    await enter(visitor, resources, olu)
    page, address = f"{PAGE}/sellers/{shop.seller.id}", f"/operator/payouts/{payout.id}"
    assert await statuses(visitor, [page]) == {404}
    await open_page(visitor, address)
    await visitor.send(f"{address}/hold", reason="The account looks odd")
    for days in (0, 21, 21, 18):
        clock.advance(timedelta(days=days))
        await upkeep.ask_tax_identities(resources)
    await enter(visitor, resources, olu)
    assert f'href="{page}"' in await open_page(visitor, PAGE)
    # The button of any other hold doesn't say that payouts go on where they don't.
    await open_page(visitor, address)
    other = Visitor(visitor.client, visitor.page)
    await visitor.send(f"{address}/unhold")
    assert visitor.path == address
    assert "payouts go on." not in visitor.text
    assert f'href="{page}"' in visitor.text
    assert f"{address}/unhold" not in visitor.text
    await other.send(f"{address}/unhold")
    assert (other.page.status_code, "Nothing was changed" in other.text) == (409, True)
    text = await open_page(visitor, page)
    assert "Payouts withheld since" in text
    assert "Take it back" not in text
    await visitor.send(f"{page}/unhold", reason="")
    assert (visitor.page.status_code, "the seller reads it" in visitor.text) == (422, True)
    await visitor.send(f"{page}/unhold", reason="We saw the certificate")
    assert "Nothing is withheld from this seller any more" in visitor.text
    for said in ("We saw the certificate", "By", "you", "Take it back"):
        assert said in visitor.text
    assert f"payouts let go {clock.now():%-d %b %Y}" in await open_page(visitor, PAGE)
    assert f'href="{page}"' not in await open_page(visitor, address)
    await enter(visitor, resources, shop.seller.owner)
    for path in ("money", "tax-identity"):
        text = await open_page(visitor, f"/seller/{shop.seller.id}/{path}")
        assert "wait for it: We saw the certificate" in text
    assert "are on hold" not in await open_page(visitor, f"/seller/{shop.seller.id}/money")
    assert await statuses(visitor, [page]) == {403}
    await enter(visitor, resources, olu)
    await open_page(visitor, page)
    await visitor.send(f"{page}/hold")
    # This market's pages only remind: what it withholds, its next run does.
    assert "It is taken back" in visitor.text
    assert "Payouts let go" not in visitor.text
    await upkeep.ask_tax_identities(resources)
    await enter(visitor, resources, shop.seller.owner)
    assert "are on hold" in await open_page(visitor, f"/seller/{shop.seller.id}/money")


async def test_nobody_lets_the_payouts_of_their_own_shop_go(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    await buy(resources, (shop, 1))
    await upkeep.ask_tax_identities(resources)
    await connection.execute(
        "INSERT INTO seller_member (seller_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
        shop.seller.id, olu.id, MemberRole.VIEWER.value, NOW,
    )  # fmt: skip
    await enter(visitor, resources, olu)
    page = f"{PAGE}/sellers/{shop.seller.id}"
    await open_page(visitor, page)
    await visitor.send(f"{page}/unhold", reason="It is mine")
    assert (visitor.page.status_code, "their own shop" in visitor.text) == (403, True)
