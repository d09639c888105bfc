"""Tax that the marketplace remits: kept from the seller, and given back with every refund."""

from datetime import timedelta
from itertools import product

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import documents
from gosellr.models.document_values import IssuedDocument
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import cash_terms_service, door_service, refund_questions
from gosellr.services.basket_service import Tender
from gosellr.services.refund_plan import RefundRequest
from gosellr.utils.document_views import sheet_of
from gosellr.utils.order_states import OrderStatus
from tests.factories.accounts import User
from tests.factories.captures import at_shipment
from tests.factories.catalogue import make_product, variant_draft
from tests.factories.disputes import (
    bank_decides,
    decide,
    escalate,
    hear,
    network,
    open_case,
    pass_deadline,
    say,
    take_back,
)
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.reductions import call_off
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
    step,
)
from tests.factories.terms import make_coupon, make_delivery, make_tax
from tests.factories.transfers import offline

# A lamp for 120.00 with 20.00 tax that the marketplace remits, a book for 107.00 with 7.00 that its
# seller remits, delivery for 5.50 with 0.50 that the marketplace remits; 10 % commission of the
# goods without tax, and 20 % VAT on that.
LAMP, BOOK, DELIVERY = 12_000, 10_700, 550
TAX, KEPT = 2_000 + 50, 2 * (1_000 + 200)
NET = LAMP + BOOK + DELIVERY - TAX - KEPT


async def make_taxes(connection: Connection, *, included: bool = True) -> None:
    await make_tax(connection, rate_bps=2000, included=included, remitted_by="marketplace")
    await make_tax(connection, rate_bps=700, tax_class="books", included=included)
    await make_tax(
        connection, rate_bps=1000, tax_class="shipping", included=included,
        remitted_by="marketplace",
    )  # fmt: skip


@pytest.fixture
async def lamps(connection: Connection) -> Shop:
    await make_taxes(connection)
    await make_commission(connection)
    await make_delivery(connection, price_minor=DELIVERY)
    return await make_shop(connection, price_minor=LAMP)


@pytest.fixture
async def books(connection: Connection, lamps: Shop) -> Shop:
    """The same shop's other product."""
    made = await make_product(
        connection,
        seller=lamps.seller,
        variants=[variant_draft(price_minor=BOOK, stock=100)],
        tax_class="books",
    )
    return Shop(lamps.seller, made)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def taxes(connection: Connection) -> dict[str, int]:
    """What each jurisdiction is owed."""
    rows = await connection.fetch(
        "SELECT split_part(account, ':', 2) AS name, sum(CASE direction WHEN 'credit'"
        " THEN amount_minor ELSE -amount_minor END)::bigint AS minor FROM ledger_entry"
        " WHERE account LIKE 'tax\\_payable:%' GROUP BY 1"
    )
    return {row["name"]: row["minor"] for row in rows if row["minor"]}


async def both_delivered(resources: Resources, lamps: Shop, books: Shop, buyer: User) -> Order:
    order = await buy(resources, (lamps, 1), (books, 1), buyer=buyer)
    await ship(resources, order, lamps)
    await step(resources, order, OrderStatus.DELIVERED, viewer=lamps.viewer)
    return order


async def test_a_sale_of_both_kinds_keeps_what_the_marketplace_remits(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop
) -> None:
    order = await buy(resources, (lamps, 1), (books, 1))
    part = part_of(order, lamps)
    assert (part.net_minor, part.pending_minor, part.tax_minor) == (NET, NET, 2_750)
    assert [line.tax_remitted_to for line in part.lines] == ["DE", None]
    assert (part.shipping_tax_remitted_to, part.remitted_minor) == ("DE", TAX)
    assert await seller_owes(connection, lamps) == {"pending": NET}
    assert await taxes(connection) == {"DE": TAX, "marketplace": 400}
    assert await wrong_with(connection, resources) == []


async def test_tax_on_top_of_the_price_is_paid_and_passed_on(
    connection: Connection, resources: Resources
) -> None:
    await make_taxes(connection, included=False)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=10_000)
    coupon = await make_coupon(connection, value_bps=1000)
    order = await buy(resources, (shop, 1), coupons=(coupon,))
    assert order.total_minor == 12_000 - 1_000
    assert await seller_owes(connection, shop) == {"pending": 8_800}
    assert await taxes(connection) == {"DE": 2_000, "marketplace": 200}
    await refund(resources, order, shop, units=1)
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_what_was_sold_keeps_what_its_rate_said(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop
) -> None:
    order = await buy(resources, (lamps, 1), (books, 1))
    await connection.execute("UPDATE tax_rate SET remitted_by = 'seller'")
    await refund(resources, order, lamps, units=1)
    assert await taxes(connection) == {"DE": 50, "marketplace": 200}
    later = await buy(resources, (lamps, 1))
    assert part_of(later, lamps).remitted_minor == 0
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(42)
@pytest.mark.parametrize("first", ["lamp", "book", "amount"])
@pytest.mark.parametrize("amount_minor", [1, 3_333, 20_000])
async def test_case_42_refunds_in_any_partition_give_every_jurisdiction_its_own_back(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop,
    first: str, amount_minor: int,
) -> None:  # fmt: skip
    order = await buy(resources, (lamps, 2), (books, 1))
    lamp, book = part_of(order, lamps).lines
    if first == "lamp":
        await refund(resources, order, lamps, items=((lamp.id, 1),))
    elif first == "book":
        await refund(resources, order, lamps, items=((book.id, 1),), shipping=True)
    if amount_minor <= (await read(resources, order)).captured_minor - LAMP - BOOK:
        await refund(resources, order, lamps, amount_minor=amount_minor)
    assert await wrong_with(connection, resources) == []
    left = await read(resources, order)
    await refund(resources, order, lamps, amount_minor=left.captured_minor - left.refunded_minor)
    assert await balances(connection) == {}
    assert await taxes(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_refund_says_what_of_the_tax_the_marketplace_gives(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop
) -> None:
    order = await buy(resources, (lamps, 1), (books, 1))
    part = part_of(order, lamps)
    asked = await ask(
        resources.db, refund_questions.preview, viewer=lamps.viewer, order_id=order.id,
        request=RefundRequest(
            seller_order_id=part.id, reason="x", items=tuple((one.id, 1) for one in part.lines)
        ),
        policy=resources.policy,
    )  # fmt: skip
    assert asked.effects["tax_remitted_minor"] == 2_000
    assert asked.effects["seller"]["pending_minor"] == LAMP + BOOK - 2_000 - KEPT
    given = await refund(resources, order, lamps, items=tuple((one.id, 1) for one in part.lines))
    assert given.effects["tax_remitted_minor"] == 2_000


@pytest.mark.parametrize("token", ["tok_refund_declined", "tok_ok"])
async def test_a_cancelled_part_and_a_refused_refund(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop, token: str
) -> None:
    order = await buy(
        resources, (lamps, 1), (books, 1), tenders=(Tender(method="sandbox", token=token),)
    )
    await cancel(resources, order, viewer=lamps.viewer, shop=lamps)
    is_back = token == "tok_ok"
    assert await taxes(connection) == ({} if is_back else {"DE": TAX, "marketplace": 400})
    assert await seller_owes(connection, lamps) == ({} if is_back else {"pending": NET})


async def test_units_called_off_before_payment_lower_what_is_remitted(
    connection: Connection, resources: Resources, lamps: Shop
) -> None:
    market = at_shipment(resources)
    order = await buy(market, (lamps, 3))
    await call_off(market, order, lamps)
    part = part_of(await read(market, order), lamps)
    assert (part.net_minor, part.remitted_minor) == (2 * (LAMP - 3_200) + DELIVERY - 50, 4_050)
    await ship(market, order, lamps)
    assert await taxes(connection) == {"DE": 4_050, "marketplace": 400}
    assert await seller_owes(connection, lamps) == {"pending": part.net_minor}
    assert await wrong_with(connection, market) == []


async def test_a_case_of_60_to_40(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop, buyer: User
) -> None:
    order = await both_delivered(resources, lamps, books, buyer)
    case = await open_case(resources, order, lamps, viewer=buyer.viewer)
    assert case.dispute.frozen_minor == LAMP - 2_000 - 1_200
    await say(resources, case, viewer=lamps.viewer, answer=True)
    case = await escalate(resources, case, viewer=buyer.viewer)
    case = await decide(resources, case, share_bps=6_000)
    await pass_deadline(resources, case)
    assert await taxes(connection) == {"DE": TAX - 1_200, "marketplace": 400 - 120}
    assert (await seller_owes(connection, lamps)) == {"pending": NET - 5_280}
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("won", [True, False])
async def test_a_chargeback(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop, buyer: User, won: bool
) -> None:
    order = await both_delivered(resources, lamps, books, buyer)
    reference = await take_back(resources, order)
    assert await seller_owes(connection, lamps) == {"reserve": NET}
    await bank_decides(resources, order, reference, won=won)
    assert await taxes(connection) == ({"DE": TAX, "marketplace": 400} if won else {})
    assert await seller_owes(connection, lamps) == ({"pending": NET} if won else {})
    assert await wrong_with(connection, resources) == []


async def test_a_lost_chargeback_that_comes_back(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop, buyer: User
) -> None:
    order = await both_delivered(resources, lamps, books, buyer)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    await network(resources).disputes.reinstate(reference=reference)
    await hear(resources, order)
    # The sale stays undone in its papers, and its tax is owed again.
    assert await taxes(connection) == {"DE": TAX, "marketplace": 400}
    assert await seller_owes(connection, lamps) == {"available": NET}
    assert await wrong_with(connection, resources) == []


async def test_cash_on_delivery_leaves_the_seller_owing_the_tax(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop
) -> None:
    market = offline(resources)
    await transact(
        market.db, cash_terms_service.change_terms, viewer=lamps.viewer,
        seller_id=lamps.seller.id, limits_minor={"EUR": 40_000}, now=market.clock.now(),
    )  # fmt: skip
    order = await buy(market, (lamps, 1), (books, 1), tenders=(Tender(method="cash_on_delivery"),))
    await ship(market, order, lamps)
    await step(market, order, OrderStatus.DELIVERED, viewer=lamps.viewer)
    assert await seller_owes(connection, lamps) == {"receivable": KEPT + TAX}
    assert await taxes(connection) == {"DE": TAX, "marketplace": 400}
    [line, _] = part_of(order, lamps).lines
    given = await refund(market, order, lamps, items=((line.id, 1),))
    await transact(
        market.db, door_service.hand_back, viewer=lamps.viewer, order_id=order.id,
        refund_id=given.id, policy=market.policy, now=market.clock.now(),
    )  # fmt: skip
    assert await taxes(connection) == {"DE": 50, "marketplace": 200}
    owed = await seller_owes(connection, lamps)
    assert owed.get("available", 0) - owed.get("receivable", 0) == -(1_200 + 50)
    assert await wrong_with(connection, market) == []


async def test_papers_say_what_the_books_say(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop, books: Shop
) -> None:
    order = await buy(resources, (lamps, 1), (books, 1))
    await documents.issue_invoices(resources.documents, order_ids=[order.id])
    [line, _] = part_of(order, lamps).lines
    given = await refund(resources, order, lamps, items=((line.id, 1),))
    await documents.issue_credit_note(resources.documents, refund_id=given.id)
    rows = await connection.fetch("SELECT kind, content FROM document ORDER BY id")
    said = {row["kind"]: row["content"] for row in rows}
    assert said["invoice"]["taxes_remitted"] == [{"jurisdiction": "DE", "tax_minor": TAX}]
    assert said["credit_note"]["taxes_remitted"] == [{"jurisdiction": "DE", "tax_minor": 2_000}]
    for (kind, minor), language in product(
        [("invoice", "20.50"), ("credit_note", "20.00")], ["en"]
    ):
        sheet = sheet_of(said[kind], language=language, today=clock.now().date())
        assert any(
            note.startswith("Tax remitted by the marketplace: DE") and minor in note
            for note in sheet.notes
        )
    report = await documents.tax_report(resources.documents, year=2026)
    [seller] = report["sellers"]  # type: ignore[misc]
    assert seller["quarters"][0]["taxes_minor"] == TAX - 2_000  # type: ignore[index]
    assert seller["quarters"][0]["fees_minor"] == KEPT // 2  # type: ignore[index]
    clock.advance(timedelta(days=31))
    await documents.close_months(resources.documents)
    statement = await documents.statement(
        resources.documents, viewer=an_operator(), seller_id=lamps.seller.id, period="2026-03",
        currency=None,
    )  # fmt: skip
    assert isinstance(statement, IssuedDocument)
    groups = {one["key"]: one["amount_minor"] for one in statement.content["groups"]}
    assert (groups["tax_remitted"], groups["tax_remitted_returned"]) == (-TAX, 2_000)
    assert (groups["sales"], groups["refunds"]) == (LAMP + BOOK + DELIVERY, -LAMP)
    assert statement.total_minor == NET - (LAMP - 2_000 - 1_200)
    assert await wrong_with(connection, resources) == []


async def test_the_audit_names_a_line_whose_tax_isnt_where_it_belongs(
    connection: Connection, resources: Resources, lamps: Shop, books: Shop
) -> None:
    order = await buy(resources, (lamps, 1), (books, 1))
    line, other = part_of(order, lamps).lines
    await connection.execute(
        "UPDATE order_line SET tax_remitted_to = CASE id WHEN $1 THEN 'FR' ELSE 'DE' END"
        " WHERE order_id = $2",
        line.id, order.id,
    )  # fmt: skip
    found = await wrong_with(connection, resources)
    assert [one.number for one in found] == [6]
    assert sorted(row.problem for row in found[0].rows) == [
        "owes 0 to tax_payable:DE, booked are 2000",
        "owes 2000 to tax_payable:FR, booked are 0",
        "owes 700 to tax_payable:DE, booked are 0",
    ]
    assert {row.row for row in found[0].rows} == {
        f"order_line {line.id}", f"order_line {other.id}",
    }  # fmt: skip
