"""A case as one file: its story as a table, with all that was handed in, for each who reads it."""

import csv
import io
import zipfile

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.flows import disputes
from gosellr.models.dispute_values import DisputeFolder
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.audit_service import audit
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.disputes import (
    PDF,
    cases_of,
    decide,
    delivered,
    escalate,
    hand_in,
    open_case,
    say,
)
from tests.factories.sales import (
    NOW,
    Shop,
    buyer_of,
    make_buyer,
    make_commission,
    make_shop,
)
from tests.web.people import enter, open_page, statuses
from tests.web.visitor import HTML, Visitor


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection)


@pytest.fixture
async def order(resources: Resources, shop: Shop, buyer: User) -> Order:
    return await delivered(resources, (shop, 2), buyer=buyer)


@pytest.fixture
async def case(resources: Resources, order: Order, shop: Shop) -> DisputeFolder:
    """A case with words and a file of each side, decided in the middle."""
    buyer = buyer_of(resources, order)
    case = await open_case(resources, order, shop, viewer=buyer)
    await hand_in(resources, case, viewer=shop.viewer, name="../a bill.pdf")
    await disputes.say(
        resources.disputes, viewer=shop.viewer, dispute_id=case.dispute.id, body="=1+1",
        is_answer=False,
    )  # fmt: skip
    await say(resources, case, viewer=shop.viewer, answer=True)
    await escalate(resources, case, viewer=buyer)
    await decide(resources, case, amount_minor=1_250)
    [case] = await cases_of(resources, order)
    return case


async def folder(visitor: Visitor, page: str) -> zipfile.ZipFile:
    text = await open_page(visitor, page)
    assert f'href="{page}/export" download' in text
    answer = await visitor.client.get(f"{page}/export", headers=HTML)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "private, no-store"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def table(found: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(found.read("case.csv").decode("utf-8-sig"))))


async def test_the_operator_keeps_all_of_a_case(
    visitor: Visitor, resources: Resources, connection: Connection, case: DisputeFolder
) -> None:
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    found = await folder(visitor, f"/operator/cases/{case.dispute.id}")
    assert found.testzip() is None
    assert found.read("case.csv").startswith("\ufeff".encode())
    assert found.namelist() == ["files/01-a_bill.pdf", "case.csv"]
    assert found.read("files/01-a_bill.pdf") == PDF
    rows = table(found)
    heads = {row["what"]: row["text"] for row in rows if not row["at"]}
    assert heads["order"] == order_number(case.order_number)
    assert "€12.50" in heads["outcome"]
    assert heads["decision"] == case.dispute.decision
    said = [(row["by"], row["text"]) for row in rows if row["what"] == "message"]
    assert ("seller", "'=1+1") in said
    assert len(said) == len(case.messages)
    [file] = [row for row in rows if row["what"] == "file"]
    assert (file["by"], file["file"]) == ("seller", "files/01-a_bill.pdf")
    steps = [row for row in rows if row["what"] == "step"]
    assert len(steps) == len(case.events)
    moments = [row["at"] for row in rows if row["at"]]
    assert moments == sorted(moments)


async def test_both_sides_keep_what_they_see_and_nobody_else(
    visitor: Visitor, resources: Resources, connection: Connection, case: DisputeFolder,
    order: Order, shop: Shop, buyer: User,
) -> None:  # fmt: skip
    of_shop = f"/seller/{shop.seller.id}/cases/{case.dispute.id}"
    of_buyer = f"/orders/{order_number(order.number)}/problems/{case.dispute.id}"
    of_market = f"/operator/cases/{case.dispute.id}"
    for user, page in ((shop.seller.owner, of_shop), (buyer, of_buyer)):
        await enter(visitor, resources, user)
        found = await folder(visitor, page)
        assert len(found.namelist()) == 2
        assert await statuses(visitor, [f"{of_market}/export"]) <= {403, 404}
    await enter(visitor, resources, (await make_shop(connection)).seller.owner)
    assert await statuses(visitor, [f"{one}/export" for one in (of_shop, of_buyer)]) == {404}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    assert len((await folder(visitor, of_market)).namelist()) == 2


async def test_a_file_that_is_gone_is_said(
    visitor: Visitor, resources: Resources, connection: Connection, case: DisputeFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def nothing(_key: str) -> None:
        return None

    monkeypatch.setattr(resources.files, "open", nothing)
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    found = await folder(visitor, f"/operator/cases/{case.dispute.id}")
    assert found.namelist() == ["case.csv"]
    [file] = [row for row in table(found) if row["what"] == "file"]
    assert "not kept any more" in file["text"]
    assert file["file"] == ""


async def test_no_files_name_raises_an_alarm(
    resources: Resources, connection: Connection, order: Order, shop: Shop
) -> None:
    new = await open_case(resources, order, shop, viewer=buyer_of(resources, order))
    try:
        await hand_in(resources, new, viewer=shop.viewer, name="4111 1111 1111 1111.pdf")
    except InvalidInput:
        return
    found = await audit(connection, now=resources.clock.now(), gateway_journals={})
    assert [one.rows for one in found if one.number == 23] == []
