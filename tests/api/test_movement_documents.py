"""Reports of providers that people bring: taken whole, and for a gateway of this market alone."""

from dataclasses import replace

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.api.test_reconciliation import AT, Desk, movement
from tests.factories.accounts import make_operator
from tests.factories.applications import caller_of
from tests.integrations.paypal_api.account import MERCHANT, Account
from tests.integrations.paypal_api.server import FakePayPal, make_gateway


@pytest.fixture
async def desk(client: httpx2.AsyncClient, connection: Connection, resources: Resources) -> Desk:
    now = resources.clock.now()
    first, second = [await make_operator(connection, now=now) for _ in range(2)]
    return Desk(client, resources, first, second)


async def test_a_gateway_that_was_mistyped_has_no_books_of_its_own(
    desk: Desk, connection: Connection
) -> None:
    body = {"gateway": "sandbx", "movements": [movement("txn_1", 12_000)]}
    table = "reference,kind,amount,currency,occurred_at\ntxn_1,charge,5.00,EUR,2026-03-02T09:00:00Z"
    for refused in (
        await desk.call("POST", "/imports", json=body),
        await desk.call(
            "POST", "/documents", data={"gateway": "sandbx"}, files={"file": table.encode()}
        ),
    ):
        assert refused.status_code == 422, refused.text
        [error] = refused.json()["errors"]
        assert (error["field"], error["code"]) == ("gateway", "gateway_unknown")
    assert await connection.fetchval("SELECT count(*) FROM provider_statement") == 0
    assert [one["gateway"] for one in (await desk.done("GET", ""))["items"]] == []


async def test_a_provider_that_was_let_go_may_tell_what_is_left(
    desk: Desk, resources: Resources
) -> None:
    await desk.tell(movement("txn_1", 500))
    market = replace(resources, gateways={})
    async with caller_of(market) as client:
        later = replace(desk, client=client, resources=market)
        told = await later.tell(movement("txn_2", 500))
        assert (told["movements"], told["known"]) == (1, 0)


async def test_a_report_is_read_row_by_row_or_not_at_all(desk: Desk) -> None:
    async def send(text: str) -> httpx2.Response:
        return await desk.call(
            "POST", "/documents", data={"gateway": "sandbox"},
            files={"file": ("report.csv", text.encode(), "text/csv")},
        )  # fmt: skip

    head = "reference,kind,amount,currency,occurred_at,fee\n"
    answer = await send(f"{head}T1,charge,12.34,EUR,{AT},0.59\nT2,settlement,-80,JPY,{AT},\n")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["movements"], answer.json()["matched"]) == (2, 1)
    [waiting] = await desk.inbox(gateway="sandbox")
    assert (waiting["amount"]["amount"], waiting["fee"]["amount"]) == (1_234, 59)
    for text, field in (
        (f"{head}T3,charge,12.345,EUR,{AT},\n", "file.1.amount"),
        (f"{head}T3,charge,12,EUR,{AT},\nT4,gift,12,EUR,{AT},\n", "file.2.kind"),
        (f"{head}T3,charge,12,EUR,yesterday,\n", "file.1.occurred_at"),
        (f"{head}T3,charge,12,EUR,{AT},-1\n", "file.1.fee"),
        (f"{head},charge,12,EUR,{AT},\n", "file.1.reference"),
        (f"{head}T3,charge,12,EUR,{AT},\nT3,charge,12,EUR,{AT},\n", "file.2.reference"),
        (f"{head}T3,charge,12,XXY,{AT},\n", "file.1.amount"),
        ("reference,kind,amount,currency\nT3,charge,12,EUR\n", "file.0.occurred_at"),
        (f"{head[:-1]},colour\nT3,charge,12,EUR,{AT},,red\n", "file.0.colour"),
    ):
        refused = await send(text)
        assert refused.status_code == 422, text
        assert [one["field"] for one in refused.json()["errors"]] == [field]
    assert len(await desk.inbox(gateway="sandbox")) == 1


async def test_paypal_s_report_is_taken_as_it_is_as_a_whole_and_for_paypal_alone(
    resources: Resources, clock: ManualClock, desk: Desk
) -> None:
    power = make_gateway(FakePayPal(Account(clock)), clock)
    market = replace(resources, gateways={**resources.gateways, "paypal": power})
    async with caller_of(market) as client:
        await _taken_as_it_is(replace(desk, client=client, resources=market))
    await power.aclose()


async def _taken_as_it_is(desk: Desk) -> None:
    async def send(text: str, *, gateway: str = "paypal") -> httpx2.Response:
        return await desk.call(
            "POST", "/documents", data={"gateway": gateway},
            files={"file": ("STL-20260302.01.009.CSV", text.encode(), "text/csv")},
        )  # fmt: skip

    at = "2026/03/02 01:00:00 -0800"
    rows = (
        f'"SB","T1","","","T0006",{at},"CR",1234,"EUR","DR",59,"EUR",""\n'
        f'"SB","T2","","","T0400",{at},"DR",8000,"EUR","",,"",""\n'
    )
    report = (
        f'"RH",2026/03/03 05:00:00 -0800,"A","{MERCHANT}",9\n"FH",01\n'
        f'"SH",{at},{at},"{MERCHANT}"\n'
        '"CH","Transaction ID","Invoice ID","PayPal Reference ID","Transaction Event Code",'
        '"Transaction Initiation Date","Transaction Debit or Credit","Gross Transaction Amount",'
        '"Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency",'
        f'"Custom Field"\n{rows}"SF","EUR",1234,8000,0,59\n'
    )
    for text, gateway, field in (
        (report, "stripe", "gateway"),
        (report[: report.index('"SF"')], "paypal", "file.0.SF"),
        (report.replace("1234,8000", "1234,8001"), "paypal", "file.0.SF"),
        (report.replace("T0400", ""), "paypal", "file.2.Transaction Event Code"),
    ):
        refused = await send(text, gateway=gateway)
        assert refused.status_code == 422, text
        assert [one["field"] for one in refused.json()["errors"]] == [field]
    assert not await desk.inbox(gateway="paypal")
    assert not await desk.inbox(gateway="stripe")
    taken = await send(report)
    assert taken.status_code == 201, taken.text
    assert (taken.json()["movements"], taken.json()["matched"]) == (2, 1)
    [waiting] = await desk.inbox(gateway="paypal")
    assert (waiting["reference"], waiting["kind"]) == ("T1", "charge")
    assert (waiting["amount"]["amount"], waiting["fee"]["amount"]) == (1_234, 59)
    again = await send(report)
    assert (again.json()["known"], len(await desk.inbox(gateway="paypal"))) == (2, 1)
