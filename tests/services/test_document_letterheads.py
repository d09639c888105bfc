"""What a shop wants on its papers stands on those issued from then on, and on no others."""

from datetime import date, timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import documents as flow
from gosellr.models.document_values import IssuedDocument
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import document_questions, sales_documents
from gosellr.services.document_questions import DocumentFilters
from gosellr.utils.document_views import sheet_of
from gosellr.utils.documents import document_hash
from tests.conftest import START
from tests.factories.letterheads import LETTERHEAD, say_letterhead
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import Shop, buy, make_commission, make_shop, refund, ship


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, rate_bps=1000)
    return await make_shop(connection, price_minor=5_000)


async def papers(resources: Resources, order: Order) -> list[IssuedDocument]:
    return await ask(
        resources.db, document_questions.of_order, viewer=an_operator(), order_id=order.id
    )


async def monthly(resources: Resources, shop: Shop) -> list[IssuedDocument]:
    page = await ask(
        resources.db,
        document_questions.of_seller,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        filters=DocumentFilters(),
        cursor=None,
        limit=10,
    )
    return page.items


async def names_of(connection: Connection, shop: Shop) -> dict[str, str]:
    row = await connection.fetchrow(
        "SELECT legal_name AS name, name AS trade_name, country::text, email::text FROM seller"
        " WHERE id = $1",
        shop.seller.id,
    )
    assert row is not None
    return dict(row)


async def credit(resources: Resources, order: Order, shop: Shop, *, units: int) -> None:
    given = await refund(resources, order, shop, units=units)
    await transact(resources.db, sales_documents.issue_credit_note, refund_id=given.id, now=START)


def whole(names: dict[str, str]) -> dict[str, Any]:
    """The shop as its papers name it, once it has said all of it."""
    return {
        **names,
        "address_lines": ["Lindenallee 4", "Hof 2", "10115 Berlin"],
        "email": "papers@lampo.example",
        "tax_id": "DE123456789",
        "registration_number": "HRB 12345",
    }


def bare(names: dict[str, str]) -> dict[str, Any]:
    return {**names, "address_lines": [], "tax_id": "", "registration_number": ""}


async def test_each_paper_of_a_sale_bears_what_stood_when_it_was_issued(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    names = await names_of(connection, shop)
    order = await buy(resources, (shop, 3))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    [bare_invoice] = await papers(resources, order)
    # A shop that has said nothing has its papers all the same, without its own e-mail address.
    assert bare_invoice.content["issuer"] == bare({**names, "email": ""})
    await say_letterhead(resources, shop)
    await credit(resources, order, shop, units=1)
    later = await buy(resources, (shop, 1))
    await flow.issue_invoices(resources.documents, order_ids=[order.id, later.id])
    await say_letterhead(resources, shop, line1="Neue Gasse 9", line2="", email="")
    await credit(resources, order, shop, units=1)
    issued = [*await papers(resources, order), *await papers(resources, later)]
    assert [one.number for one in issued] == [
        "INV-2026-00001", "CN-2026-00001", "CN-2026-00002", "INV-2026-00002",
    ]  # fmt: skip
    assert issued[0] == bare_invoice
    moved = {**whole(names), "address_lines": ["Neue Gasse 9", "10115 Berlin"], "email": ""}
    assert [one.content["issuer"] for one in issued[1:]] == [whole(names), moved, whole(names)]
    # The buyer is nobody with a register or a tax number here.
    assert {one.content["recipient"]["registration_number"] for one in issued} == {""}
    for one in issued:
        kept = await connection.fetchrow("SELECT content, hash FROM document WHERE id = $1", one.id)
        assert kept is not None
        assert kept["hash"] == document_hash(
            document_id=one.id, kind=one.kind, number=one.number, issuer=one.issuer,
            content=kept["content"],
        )  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def test_the_papers_of_a_month_name_the_shop_that_gets_them(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    names = await names_of(connection, shop)
    await say_letterhead(resources, shop)
    await buy(resources, (shop, 2))
    so_far = await flow.statement(
        resources.documents,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        period="2026-03",
        currency=None,
    )
    assert isinstance(so_far, dict)
    assert so_far["recipient"] == whole(names)
    clock.advance(timedelta(days=40))
    await flow.close_months(resources.documents)
    before = await monthly(resources, shop)
    assert [(one.number, one.content["recipient"]) for one in before] == [
        ("COM-2026-00001", whole(names)), ("ST-2026-00001", whole(names)),
    ]  # fmt: skip
    assert {one.content["issuer"]["registration_number"] for one in before} == {""}
    # The next month bears what is said by then; between the two the shop's own address counts.
    await say_letterhead(resources, shop, email="", registration_number="", tax_id="1/23/4")
    clock.advance(timedelta(days=30))
    await flow.close_months(resources.documents)
    [newest, *rest] = await monthly(resources, shop)
    assert rest == before
    assert newest.content["recipient"] == {
        **whole(names), "email": names["email"], "registration_number": "", "tax_id": "1/23/4",
    }  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def test_a_month_of_a_shop_that_has_said_nothing_is_told_as_before(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    names = await names_of(connection, shop)
    await buy(resources, (shop, 1))
    clock.advance(timedelta(days=40))
    await flow.close_months(resources.documents)
    found = await monthly(resources, shop)
    assert [one.content["recipient"] for one in found] == [bare(names)] * 2


async def test_a_packing_slip_bears_what_the_invoice_does(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    names = await names_of(connection, shop)
    await say_letterhead(resources, shop)
    order = await buy(resources, (shop, 2))
    slips = []
    for _ in range(2):
        shipment_id = await ship(resources, order, shop, units=1)
        slip = await ask(
            resources.db,
            sales_documents.packing_slip,
            viewer=shop.viewer,
            order_id=order.id,
            shipment_id=shipment_id,
        )
        slips.append(slip["issuer"])
        await flow.issue_invoices(resources.documents, order_ids=[order.id])
        await say_letterhead(resources, shop, line1="Neue Gasse 9")
    assert slips == [whole(names)] * 2


async def test_a_sheet_says_address_and_numbers_in_its_language(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    names = await names_of(connection, shop)
    await say_letterhead(resources, shop)
    order = await buy(resources, (shop, 1))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    [invoice] = await papers(resources, order)
    place = ("Lindenallee 4", "Hof 2", "10115 Berlin")
    for language, expected in {
        "de": ("Deutschland", "papers@lampo.example", "USt-IdNr.: DE123456789",
               "Handelsregister: HRB 12345"),
        "en": ("Germany", "papers@lampo.example", "VAT number: DE123456789",
               "Company register: HRB 12345"),
    }.items():  # fmt: skip
        sheet = sheet_of(invoice.content, language=language, today=date(2026, 3, 2))
        seller, _ = sheet.parties
        assert (seller.name, seller.lines) == (
            names["name"], (names["trade_name"], *place, *expected)
        )  # fmt: skip
    made = await flow.make_file(resources.documents, invoice.content, form="pdf", name="x")
    assert made.content.startswith(b"%PDF-")
    # What isn't shaped like a VAT number is called a tax number.
    other = {**invoice.content["issuer"], "tax_id": "30/123/45678"}
    sheet = sheet_of({**invoice.content, "issuer": other}, language="de", today=date(2026, 3, 2))
    assert "Steuernummer: 30/123/45678" in sheet.parties[0].lines


async def test_what_a_shop_says_is_looked_at_for_card_numbers(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    await say_letterhead(resources, shop)
    assert await wrong_with(connection, resources) == []
    for name in LETTERHEAD.keys() - {"email", "postal_code"}:
        await connection.execute(f"UPDATE seller_letterhead SET {name} = '4111 1111 1111 1111'")
        [wrong] = await wrong_with(connection, resources)
        assert "card number" in str(wrong)
        assert str(shop.seller.id) in str(wrong)
        await say_letterhead(resources, shop)
