"""Tax that the marketplace owes on a page and through the API: a period by rate, and as a file."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User, bearer, make_operator, make_support
from tests.factories.balances import approve, prepare
from tests.factories.sales import NOW, Shop, buy
from tests.factories.tax_returns import taxed
from tests.web.people import enter, open_page, statuses
from tests.web.visitor import HTML, Visitor

PAGE = "/operator/tax-returns"
API = "/api/v1/tax-returns/2026-Q1"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def lamps(connection: Connection) -> Shop:
    return await taxed(connection)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def test_a_quarter_is_looked_at_and_kept_as_a_table(
    visitor: Visitor, resources: Resources, lamps: Shop, olu: User
) -> None:
    await enter(visitor, resources, olu)
    assert "Nothing is owed" in await open_page(visitor, PAGE)
    await buy(resources, (lamps, 3))
    text = await open_page(visitor, PAGE)
    assert '<option value="2026-Q1" selected>' in text
    assert "This period isn't over" in text
    for said in ("€300.00", "€60.00", "€5.00", "€0.50", "€60.50", "€30.00", "€6.00", "20\u202f%"):
        assert said.replace("\u202f", "") in text.replace("\u202f", "").replace("\xa0", "")
    assert "/operator/transactions?of=tax_payable%3ADE&amp;currency=EUR" in text
    # Whoever hands in by the month finds it in the list, as far back as the quarters.
    assert '<option value="2026-03">2026-03</option>' in text
    assert '<option value="2024-04">2024-04</option>' in text
    assert "2024-03" not in text
    month = await open_page(visitor, f"{PAGE}?period=2026-03")
    assert '<option value="2026-03" selected>' in month
    answer = await visitor.client.get(f"{PAGE}?period=2026-Q1&format=csv", headers=HTML)
    assert answer.headers["content-disposition"] == 'attachment; filename="tax-2026-Q1.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["due"] for row in rows if row["source"] == "total"] == ["60.50", "6.00"]
    book = await visitor.client.get(f"{PAGE}?period=2026-Q1&format=xlsx", headers=HTML)
    assert zipfile.ZipFile(io.BytesIO(book.content)).testzip() is None


async def test_a_period_that_there_isnt_says_so(
    visitor: Visitor, resources: Resources, olu: User
) -> None:
    await enter(visitor, resources, olu)
    for query in ("period=2026-Q7", "period=nonsense&format=csv"):
        answer = await visitor.client.get(f"{PAGE}?{query}", headers=HTML)
        assert answer.status_code == 422
        assert "Choose a quarter or a month from the list" in answer.text
    assert (await visitor.client.get(f"{PAGE}?format=pdf", headers=HTML)).status_code == 422


async def test_only_who_may_read_the_ledger_sees_it(
    visitor: Visitor, resources: Resources, connection: Connection, lamps: Shop
) -> None:
    await enter(visitor, resources, lamps.seller.owner)
    assert await statuses(visitor, [PAGE]) == {403}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    assert await statuses(visitor, [PAGE]) == {403}


async def test_the_api_says_the_same(
    client: httpx2.AsyncClient, resources: Resources, lamps: Shop, olu: User
) -> None:
    await buy(resources, (lamps, 1))
    headers = await bearer(resources, olu)
    found = (await client.get(API, headers=headers)).json()
    assert (found["since"], found["until"]) == ("2026-01-01", "2026-04-01")
    assert found["is_over"] is False
    first = found["jurisdictions"][0]

    def eur(amount: int) -> dict[str, object]:
        return {"amount": amount, "currency": "EUR"}

    assert first == {
        "jurisdiction": "DE", "currency": "EUR",
        "rates": [
            {"source": "sales", "tax_rate_bps": 2000, "base": eur(10_000), "tax": eur(2_000)},
            {"source": "sales", "tax_rate_bps": 1000, "base": eur(500), "tax": eur(50)},
        ],
        "by_hand": eur(0), "due": eur(2_050), "opening": eur(0), "paid": eur(0),
        "closing": eur(2_050), "filed": [],
    }  # fmt: skip
    table = await client.get(API, headers={**headers, "Accept": "text/csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[0].startswith("period,jurisdiction,currency,source")
    # A paper isn't offered: whoever asks for one alone is answered as usual.
    assert (await client.get(API, headers={**headers, "Accept": "application/pdf"})).json() == found
    assert (await client.get(f"{API}?format=pdf", headers=headers)).status_code == 422
    assert (await client.get("/api/v1/tax-returns/2026-Q9", headers=headers)).status_code == 422


async def test_a_period_is_handed_in_and_its_payment_prepared(
    visitor: Visitor, resources: Resources, clock: ManualClock, lamps: Shop, olu: User
) -> None:
    await buy(resources, (lamps, 1))
    await enter(visitor, resources, olu)
    page = f"{PAGE}?period=2026-Q1"
    assert "It was handed in" not in await open_page(visitor, page)
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    await enter(visitor, resources, olu)
    text = await open_page(visitor, page)
    assert text.count("It was handed in") == 2
    # Two people have the page open.
    other = Visitor(visitor.client, visitor.page)
    await visitor.send(f"{PAGE}/2026-Q1/file", reference="E-2026-7")
    assert "its figures are kept as they are" in visitor.text
    assert "Handed in 2 Apr 2026, E-2026-7" in visitor.text
    assert visitor.text.count("It was handed in") == 1
    await other.send(f"{PAGE}/2026-Q1/file", reference="E-2026-8")
    assert (other.page.status_code, "This was handed in already" in other.text) == (409, True)
    [path] = re.findall(rf'action="({PAGE}/[0-9a-f-]+/pay)"', visitor.text)
    other = Visitor(visitor.client, visitor.page)
    await visitor.send(path)
    adjustment = visitor.path
    assert adjustment.startswith("/operator/adjustments/")
    assert "Tax return DE 2026-Q1, E-2026-7" in visitor.text
    text = await open_page(visitor, page)
    assert "Payment waits for a second person" in text
    assert f'href="{adjustment}"' in text
    await approve(resources, UUID(adjustment.rpartition("/")[2]))
    assert "Paid" in await open_page(visitor, page)
    await other.send(path)
    assert (other.page.status_code, "The payment is prepared already" in other.text) == (409, True)


async def test_the_api_hands_in_and_prepares_the_payment(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamps: Shop,
    olu: User,
) -> None:
    await buy(resources, (lamps, 1))
    headers = await bearer(resources, olu)
    body = {"jurisdiction": "DE", "currency": "EUR"}
    refused = await client.post(f"{API}/file", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "tax_period_not_over")
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    operator = await make_operator(connection, now=clock.now())
    headers = await bearer(resources, operator)
    made = await client.post(f"{API}/file", json=body, headers=headers)
    assert made.status_code == 201, made.text
    filed = made.json()
    assert (filed["status"], filed["due"]["amount"], filed["adjustment_id"]) == (
        "filed", 2_050, None,
    )  # fmt: skip
    again = await client.post(f"{API}/file", json=body, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "tax_return_filed")
    pay = f"/api/v1/tax-returns/{filed['id']}/pay"
    prepared = (await client.post(pay, headers=headers)).json()
    assert prepared["status"] == "payment_prepared"
    assert (await client.post(pay, headers=headers)).json() == prepared
    found = (await client.get(API, headers=headers)).json()
    assert found["jurisdictions"][0]["filed"] == [prepared]


async def test_what_was_paid_by_hand_is_told_and_not_offered_to_be_paid(
    visitor: Visitor, resources: Resources, clock: ManualClock, lamps: Shop, olu: User
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    await enter(visitor, resources, olu)
    await open_page(visitor, f"{PAGE}?period=2026-Q1")
    await visitor.send(f"{PAGE}/2026-Q1/file", reference="E-2026-7")
    assert "Prepare the payment" in visitor.text
    booked = [("tax_payable:DE", "debit", 2_050), ("bank", "credit", 2_050)]
    await approve(resources, (await prepare(resources, *booked)).id)
    other = Visitor(visitor.client, visitor.page)
    text = await open_page(visitor, f"{PAGE}?period=2026-Q1")
    assert ("Paid by hand" in text, "Prepare the payment" in text) == (True, False)
    [path] = re.findall(rf'action="({PAGE}/[0-9a-f-]+/pay)"', other.text)
    await other.send(path)
    assert (other.page.status_code, "An ordinary adjustment has paid this" in other.text) == (
        409, True,
    )  # fmt: skip
