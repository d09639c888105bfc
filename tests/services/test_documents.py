"""Invoices and credit notes: what stands on them is what was booked, and it stays."""

import csv
import io
from decimal import Decimal

import asyncpg
import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.transact import ask, attempt, transact
from gosellr.flows import documents as flow
from gosellr.jobs import documents as jobs
from gosellr.models.document_values import IssuedDocument
from gosellr.models.events import RecordedFact
from gosellr.models.order_values import Order
from gosellr.queries import documents
from gosellr.resources import Resources
from gosellr.services import document_questions, document_register, sales_documents
from gosellr.services.document_register import DocumentDraft
from gosellr.utils.documents import DocumentKind, document_hash
from tests.conftest import START
from tests.factories.accounts import make_operator, make_seller
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import (
    Shop,
    buy,
    make_commission,
    make_shop,
    part_of,
    refund,
    ship,
)
from tests.factories.stored_value import by_bank, by_card, make_card
from tests.factories.terms import make_coupon, make_tax


async def papers(resources: Resources, order: Order) -> list[IssuedDocument]:
    return await ask(
        resources.db, document_questions.of_order, viewer=an_operator(), order_id=order.id
    )


async def booked_for(connection: Connection, order: Order, shop: Shop) -> int:
    """What the buyer paid for a shop's part, as the journal has it."""
    minor: int = await connection.fetchval(
        "SELECT sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)::bigint"
        " FROM ledger_entry AS entry JOIN ledger_transaction AS head"
        " ON head.id = entry.transaction_id"
        " WHERE entry.seller_order_id = $1 AND head.kind = 'sale'",
        part_of(order, shop).id,
    )
    return minor


def a_draft(seller_id: object, cause: str) -> DocumentDraft:
    return DocumentDraft(
        kind=DocumentKind.STATEMENT,
        issuer="market",
        cause_key=cause,
        seller_id=seller_id,
        period="2026-03",
        currency="EUR",
        total_minor=1,
        content={"kind": "statement", "opening_minor": 1, "closing_minor": 1, "groups": []},
    )


async def test_each_seller_invoices_its_own_part_to_the_cent(
    connection: Connection, resources: Resources
) -> None:
    await make_tax(connection, rate_bps=1900)
    await make_commission(connection)
    one, two = await make_shop(connection, price_minor=4_999), await make_shop(connection)
    coupon = await make_coupon(connection, code="MARKET", value_bps=1500)
    order = await buy(resources, (one, 3), (two, 1), coupons=(coupon,))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    found = await papers(resources, order)
    assert [document.number for document in found] == ["INV-2026-00001"] * 2
    assert sum(document.total_minor for document in found) == order.captured_minor
    for document, shop in zip(found, (one, two), strict=True):
        assert document.seller_id == shop.seller.id
        assert document.total_minor == await booked_for(connection, order, shop)
        content = document.content
        totals = content["totals"]
        assert totals["promotion_minor"] > 0
        assert totals["net_minor"] + totals["tax_minor"] == totals["gross_minor"]
        assert totals["gross_minor"] - totals["promotion_minor"] == totals["payable_minor"]
        assert content["taxes"][0]["tax_rate_bps"] == 1900
        assert (
            sum(rate["tax_minor"] for rate in content["taxes"])
            == sum(line.tax_minor for line in part_of(order, shop).lines)
            + part_of(order, shop).shipping_tax_minor
        )
        assert content["recipient"]["name"] == "Ada Lovelace"
        assert content["language"] == "de"
    assert await wrong_with(connection, resources) == []


async def test_said_again_nothing_more_is_issued(
    connection: Connection, resources: Resources
) -> None:
    order = await buy(resources, (await make_shop(connection), 1))
    for _ in range(3):
        await flow.issue_invoices(resources.documents, order_ids=[order.id])
    assert len(await papers(resources, order)) == 1
    assert await connection.fetchval("SELECT last_number FROM document_series") == 1


async def test_an_order_that_cannot_be_invoiced_stops_no_other(
    connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection)
    bad, good = await buy(resources, (shop, 1)), await buy(resources, (shop, 2))
    await connection.execute(
        "UPDATE seller_order SET total_minor = total_minor + 1 WHERE order_id = $1", bad.id
    )
    with pytest.raises(ExceptionGroup) as raised:
        await flow.issue_invoices(resources.documents, order_ids=[bad.id, good.id])
    assert len(raised.value.exceptions) == 1
    assert await papers(resources, bad) == []
    assert [document.number for document in await papers(resources, good)] == ["INV-2026-00001"]


async def test_what_is_not_paid_has_no_invoice(
    connection: Connection, resources: Resources
) -> None:
    placed = await buy(resources, (await make_shop(connection), 1))
    await connection.execute("UPDATE orders SET paid_at = NULL WHERE id = $1", placed.id)
    await flow.issue_invoices(resources.documents, order_ids=[placed.id])
    assert await connection.fetchval("SELECT count(*) FROM document") == 0
    assert await connection.fetchval("SELECT count(*) FROM document_series") == 0


async def test_an_invoice_stays_whatever_becomes_of_the_shop(
    connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection)
    order = await buy(resources, (shop, 1))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    [before] = await papers(resources, order)
    await connection.execute("UPDATE seller SET legal_name = 'Somebody else'")
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    assert await papers(resources, order) == [before]
    row = await connection.fetchrow("SELECT * FROM document WHERE id = $1", before.id)
    assert row is not None
    assert row["hash"] == document_hash(
        document_id=before.id, kind="invoice", number=before.number, issuer=before.issuer,
        content=row["content"],
    )  # fmt: skip
    for statement in ("UPDATE document SET total_minor = 0", "DELETE FROM document"):
        with pytest.raises(asyncpg.PostgresError):
            async with connection.transaction():
                await connection.execute(statement)


async def test_a_refund_in_parts_is_credited_to_the_cent(
    connection: Connection, resources: Resources
) -> None:
    await make_tax(connection, rate_bps=1900)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=3_333)
    order = await buy(resources, (shop, 3))
    for units in (1, 2):
        given = await refund(resources, order, shop, units=units)
        for _ in range(2):
            await jobs.issue_credit_note(
                resources,
                RecordedFact(1, given.id, "refund.succeeded", "refund", given.id, {}, START),
            )
    found = await papers(resources, order)
    assert [document.number for document in found] == [
        "INV-2026-00001", "CN-2026-00001", "CN-2026-00002",
    ]  # fmt: skip
    invoice, *notes = found
    assert [note.total_minor for note in notes] == [3_333, 6_666]
    for note in notes:
        assert note.content["corrects"] == invoice.number
        assert note.content["reason"] == "broken"
    goods = [line for line in invoice.content["lines"] if line["kind"] == "goods"]
    for part in ("net_minor", "tax_minor", "gross_minor"):
        assert sum(note.content["totals"][part] for note in notes) == sum(
            line[part] for line in goods
        )


async def test_a_note_of_what_a_bank_refused_in_part_is_as_booked(
    connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection, price_minor=1000)
    _, code = await make_card(resources, 1200)
    order = await buy(resources, (shop, 2), tenders=(by_card(code), by_bank("tok_refund_declined")))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    given = await refund(resources, order, shop, units=2)
    assert (given.amount_minor, given.failure_reason) == (1200, "refund_declined")
    await transact(resources.db, sales_documents.issue_credit_note, refund_id=given.id, now=START)
    _, note = await papers(resources, order)
    assert note.content["totals"]["gross_minor"] == 1200
    assert await wrong_with(connection, resources) == []


async def test_goodwill_of_the_market_corrects_no_invoice(
    connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection)
    order = await buy(resources, (shop, 1))
    operator = await make_operator(connection, now=START)
    given = await refund(
        resources, order, shop, viewer=operator.viewer, amount_minor=500, by_marketplace=True
    )
    issued = await transact(
        resources.db,
        sales_documents.issue_credit_note,
        refund_id=given.id,
        now=START,
    )
    assert issued is None
    assert await papers(resources, order) == []


async def test_what_is_rolled_back_takes_its_number_with_it(connection: Connection) -> None:
    seller = await make_seller(connection, now=START)

    async def fails(inner: Connection) -> None:
        await document_register.issue(inner, drafts=[a_draft(seller.id, "lost")], now=START)
        raise LookupError

    await document_register.issue(connection, drafts=[a_draft(seller.id, "a")], now=START)
    with pytest.raises(LookupError):
        await attempt(connection, fails)
    await document_register.issue(
        connection, drafts=[a_draft(seller.id, "b"), a_draft(seller.id, "c")], now=START
    )
    rows = await connection.fetch("SELECT cause_key, number FROM document ORDER BY number")
    assert [tuple(row) for row in rows] == [("a", 1), ("b", 2), ("c", 3)]


async def test_a_seller_sees_its_own_papers_only(
    connection: Connection, resources: Resources
) -> None:
    one, two = await make_shop(connection), await make_shop(connection)
    order = await buy(resources, (one, 1), (two, 1))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    found = await ask(
        resources.db, document_questions.of_order, viewer=one.viewer, order_id=order.id
    )
    assert [document.seller_id for document in found] == [one.seller.id]
    [other] = [each for each in await papers(resources, order) if each.id != found[0].id]
    with pytest.raises(NotFound):
        await flow.order_document(
            resources.documents, viewer=one.viewer, order_id=order.id, document_id=other.id
        )
    stranger = await make_seller(connection, now=START, name="Stranger")
    with pytest.raises(NotFound):
        await ask(
            resources.db, document_questions.of_order, viewer=stranger.viewer, order_id=order.id
        )


async def test_a_packing_slip_tells_no_price(connection: Connection, resources: Resources) -> None:
    # A price of more digits than the random parts of names and SKUs could hold by chance.
    shop = await make_shop(connection, price_minor=7_777_777)
    order = await buy(resources, (shop, 2))
    shipment_id = await ship(resources, order, shop, units=1)
    slip = await ask(
        resources.db,
        sales_documents.packing_slip,
        viewer=shop.viewer,
        order_id=order.id,
        shipment_id=shipment_id,
    )
    assert [line["quantity"] for line in slip["lines"]] == [1]
    assert "minor" not in str(slip)
    assert "7777777" not in str(slip)
    other = await make_seller(connection, now=START, name="Other")
    with pytest.raises(NotFound):
        await ask(
            resources.db,
            sales_documents.packing_slip,
            viewer=other.viewer,
            order_id=order.id,
            shipment_id=shipment_id,
        )


async def test_a_packing_slip_bears_the_name_that_the_seller_had_at_the_sale(
    connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection)
    order = await buy(resources, (shop, 1))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    [invoice] = await papers(resources, order)
    shipment_id = await ship(resources, order, shop)
    await connection.execute("UPDATE seller SET name = 'New name', legal_name = 'New name Ltd'")
    slip = await ask(
        resources.db,
        sales_documents.packing_slip,
        viewer=shop.viewer,
        order_id=order.id,
        shipment_id=shipment_id,
    )
    assert slip["issuer"] == invoice.content["issuer"]
    assert "New name" not in str(slip)


async def test_documents_are_found_by_their_cause(
    connection: Connection, resources: Resources
) -> None:
    shop = await make_shop(connection)
    order = await buy(resources, (shop, 1))
    await flow.issue_invoices(resources.documents, order_ids=[order.id])
    found = await documents.find_by_cause(
        connection, kind=DocumentKind.INVOICE, cause_key=str(part_of(order, shop).id)
    )
    assert found is not None
    assert found.order_id == order.id


async def test_a_sale_as_a_table_comes_to_what_was_paid_and_what_was_credited(
    connection: Connection, resources: Resources
) -> None:
    await make_tax(connection, rate_bps=2000)
    shop = await make_shop(connection, price_minor=10_000)
    code = await make_coupon(connection)
    order = await buy(resources, (shop, 2), coupons=(code,))
    given = await refund(resources, order, shop, units=1)
    await transact(resources.db, sales_documents.issue_credit_note, refund_id=given.id, now=START)
    invoice, note = await papers(resources, order)
    for document, due_minor, borne in ((invoice, 18_000, "-20.00"), (note, 9_000, "-10.00")):
        made = await flow.make_file(resources.documents, document.content, form="csv", name="x")
        rows = list(csv.DictReader(io.StringIO(made.content.decode("utf-8-sig"))))
        assert sum(Decimal(row["gross"]) for row in rows) * 100 == document.total_minor == due_minor
        assert [row["kind"] for row in rows] == ["goods", "promotion"]
        *_, promotion = rows
        assert promotion["title"] == "Borne by the marketplace"
        assert [promotion[key] for key in ("quantity", "tax_percent", "net", "tax", "gross")] == [
            "", "", "", "", borne,
        ]  # fmt: skip
        assert {row["number"] for row in rows} == {document.number}
        corrected = invoice.number if document is note else ""
        assert {row["corrects"] for row in rows} == {corrected}
