"""Files in the inbox: a provider's report and the bank's statement, read whole or not at all."""

from collections.abc import AsyncIterator

import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.sales import NOW, buy, make_commission, make_shop
from tests.factories.transfers import BY_TRANSFER, doors, offline, transfer_of
from tests.web.people import assert_sound, enter, open_page, post_without_token
from tests.web.visitor import HTML, Visitor

INBOX = "/operator/reconciliation"
REPORTS, STATEMENTS = f"{INBOX}/reports", f"{INBOX}/statements"
HEADER = "reference,kind,amount,currency,occurred_at\n"
REPORT = HEADER + "fee-1,fee,-3.00,EUR,2026-03-02T09:00:00Z\n"


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def visitor(market: Resources) -> AsyncIterator[Visitor]:
    async with doors(market) as caller:
        yield Visitor(caller)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


def csv(name: str, text: str) -> dict[str, tuple[str, bytes, str]]:
    return {name: (f"{name}.csv", text.encode(), "text/csv")}


async def test_a_report_is_taken_once_and_whole_or_not_at_all(
    visitor: Visitor, market: Resources, connection: Connection, olu: User
) -> None:
    await enter(visitor, market, olu)
    await open_page(visitor, INBOX)
    await visitor.send(REPORTS, gateway="sandbox")
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert "Choose a file first" in visitor.text
    assert '<option value="sandbox" selected>' in visitor.text
    await visitor.send(REPORTS, gateway="nobody", files=csv("report", REPORT))
    assert visitor.page.status_code == 422
    assert 'id="gateway-error"' in visitor.text
    wrong = HEADER + "fee-1,fee,three,EUR,2026-03-02T09:00:00Z\n"
    await visitor.send(REPORTS, gateway="sandbox", files=csv("report", wrong))
    assert visitor.page.status_code == 422
    assert "Row 1, amount:" in visitor.text
    await visitor.send(REPORTS, gateway="sandbox", files=csv("report", HEADER))
    assert "movements at once" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM provider_movement") == 0
    await visitor.send(REPORTS, gateway="sandbox", files=csv("report", REPORT))
    assert visitor.page.status_code == 200, visitor.text
    assert "1 movement read, 1 of them new. 0 matched, 1 waits to be explained." in visitor.text
    assert_sound(visitor.text)
    await visitor.send(REPORTS, gateway="sandbox", files=csv("report", REPORT))
    assert "1 movement read, 0 of them new." in visitor.text
    other = REPORT.replace("-3.00", "-4.00")
    await visitor.send(REPORTS, gateway="sandbox", files=csv("report", other))
    assert visitor.page.status_code == 409
    assert ": fee-1" in visitor.text
    assert await connection.fetch("SELECT amount_minor FROM provider_movement") == [(-300,)]


@pytest.mark.parametrize(
    ("charset", "status"),
    [("UTF-8", 422), ("undefined", 415), ("punycode", 415), ("utf-7", 415), ("x\0y", 415)],
)
async def test_a_form_with_a_file_is_utf8_or_none(
    visitor: Visitor, market: Resources, olu: User, charset: str, status: int
) -> None:
    await enter(visitor, market, olu)
    await open_page(visitor, INBOX)
    fields = {**visitor.form(REPORTS).values, "gateway": "h\u00f6t"}
    parts = [
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
        if name != "report"
    ]
    kind = f"multipart/form-data; boundary=B; charset={charset}"
    answer = await visitor.client.post(
        REPORTS, content="".join([*parts, "--B--\r\n"]), headers={**HTML, "Content-Type": kind}
    )
    assert answer.status_code == status


async def test_a_statement_pays_what_it_completes_and_says_what_waits(
    visitor: Visitor, market: Resources, connection: Connection, olu: User
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=5000)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference
    text = (
        "transaction_id,amount,currency,value_date,text\n"
        f"b-1,50.00,EUR,2026-03-03,{reference}\n"
        "b-2,7.00,EUR,2026-03-03,hello\n"
        "b-3,-9.00,EUR,2026-03-03,rent\n"
    )
    await enter(visitor, market, olu)
    await open_page(visitor, INBOX)
    await visitor.send(STATEMENTS)
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    await visitor.send(STATEMENTS, files=csv("statement", text.replace("50.00", "fifty")))
    assert visitor.page.status_code == 422
    assert "Row 1, amount:" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM provider_movement") == 0
    await visitor.send(STATEMENTS, files=csv("statement", text))
    assert "2 transfers read, 2 of them new. 1 waits in suspense; 1 line of" in visitor.text
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    await visitor.send(STATEMENTS, files=csv("statement", text))
    assert "2 transfers read, 0 of them new. 0 wait in suspense" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM provider_movement") == 2


async def test_only_who_runs_reconciliation_uploads(
    visitor: Visitor, market: Resources, connection: Connection, olu: User
) -> None:
    for path in (REPORTS, STATEMENTS):
        await enter(visitor, market, await make_support(connection, now=NOW))
        assert (await post_without_token(visitor, path)).status_code == 403
        await enter(visitor, market, olu)
        assert (await post_without_token(visitor, path)).status_code == 403
    assert await connection.fetchval("SELECT count(*) FROM provider_statement") == 0
