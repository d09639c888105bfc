"""Papers of a sale whose lost chargeback came back: what was paid again is invoiced again."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gosellr.core import identity
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import documents as flow
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs.outbox import REACTIONS
from gosellr.models.document_values import IssuedDocument
from gosellr.models.events import FactType
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import document_questions, document_register
from gosellr.services.audit_service import audit
from gosellr.services.document_register import DocumentDraft
from gosellr.utils.document_tables import table_of
from gosellr.utils.document_views import sheet_of
from gosellr.utils.documents import DocumentKind
from tests.factories.accounts import User
from tests.factories.disputes import OPERATOR, delivered, told_as
from tests.factories.payouts import an_operator
from tests.factories.sales import (
    Shop,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
)
from tests.factories.terms import make_coupon, make_tax


@pytest.fixture
async def buyer(connection: Connection) -> User:
    await make_commission(connection)
    return await make_buyer(connection)


@pytest.fixture
async def shops(connection: Connection, buyer: User) -> list[Shop]:
    """Two shops whose orders come to 120.00, a fifth of it tax."""
    await make_tax(connection, rate_bps=2000)
    return [await make_shop(connection, price_minor=minor) for minor in (7_001, 4_999)]


async def follow(resources: Resources, order: Order) -> None:
    """What the queue does after facts of this order: twice, as it may."""
    for _ in range(2):
        await flow.issue_invoices(resources.documents, order_ids=[order.id])
        for given in (await read(resources, order)).refunds:
            await flow.issue_credit_note(resources.documents, refund_id=given.id)
        await flow.issue_paid_again(resources.documents, order_id=order.id)


async def papers(resources: Resources, order: Order, shop: Shop) -> list[IssuedDocument]:
    found = await ask(
        resources.db, document_questions.of_order, viewer=an_operator(), order_id=order.id
    )
    return [one for one in found if one.seller_id == shop.seller.id]


async def again(resources: Resources, order: Order, shop: Shop) -> list[tuple[str, int]]:
    """Kind and amount of the papers about what was paid again."""
    return [
        (one.kind.value, one.total_minor)
        for one in await papers(resources, order, shop)
        if "paid_again" in one.content
    ]


async def is_sound(resources: Resources, connection: Connection, order: Order) -> None:
    for part in order.parts:
        said = await connection.fetchval(
            "SELECT COALESCE(sum(CASE kind WHEN 'invoice' THEN total_minor ELSE -total_minor END),"
            " 0)::bigint FROM document WHERE seller_id = $1 AND cause_key LIKE '%/%'",
            part.seller_id,
        )
        booked = await connection.fetchval(
            "SELECT COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor"
            " ELSE -amount_minor END), 0)::bigint FROM ledger_entry AS entry"
            " JOIN ledger_transaction AS head ON head.id = entry.transaction_id"
            " WHERE entry.seller_order_id = $1 AND account <> 'goodwill_cost'"
            " AND head.kind IN ('chargeback_reinstated', 'chargeback_lost_again')",
            part.id,
        )
        assert said == booked
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []


def said(paper: IssuedDocument) -> Mapping[str, Any]:
    """What is taxed by it, and paid."""
    return {"taxes": paper.content["taxes"], "totals": paper.content["totals"]}


async def test_what_came_back_is_invoiced_again_as_it_was_sold(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 2) for shop in shops), buyer=buyer)
    minor = order.total_minor
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=minor)
    await follow(resources, order)
    assert await again(resources, order, shops[0]) == []
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=minor)
    await follow(resources, order)
    for shop, sold_minor in zip(shops, (14_002, 9_998), strict=True):
        first, note, new = await papers(resources, order, shop)
        assert [one.kind for one in (first, note, new)] == [
            DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE, DocumentKind.INVOICE,
        ]  # fmt: skip
        assert [one.number[-5:] for one in (first, new)] == ["00001", "00002"]
        assert new.total_minor == sold_minor
        assert said(new) == said(first) == said(note)
        assert [line["quantity"] for line in new.content["lines"]] == [2]
        assert new.content["supplied_at"] == first.content["supplied_at"]
        assert new.content["recipient"] == first.content["recipient"]
        sheet = sheet_of(new.content, language="en", today=new.issued_at.date())
        assert sheet.notes[0] == (
            f"Paid again, after the buyer's bank had taken it back, of invoice {first.number}"
        )
        assert len(table_of(new.content).rows) == 1
    await is_sound(resources, connection, order)


async def test_what_comes_and_goes_is_written_to_the_cent(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    minor = order.total_minor
    shop = shops[0]
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=minor)
    for kept_minor in (8_999, 3_333, 11_000, 0):
        assert await told_as(
            resources, order, "sdp_one", "won", amount_minor=minor, kept_minor=kept_minor
        )
        await follow(resources, order)
        await is_sound(resources, connection, order)
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=minor)
    await follow(resources, order)
    await is_sound(resources, connection, order)
    written = await again(resources, order, shop)
    assert [kind for kind, _ in written] == [
        "invoice", "invoice", "credit_note", "invoice", "credit_note",
    ]  # fmt: skip
    assert written[-1] == ("credit_note", 7_001)
    *_, note = await papers(resources, order, shop)
    assert note.content["corrects"].startswith("INV-")
    assert note.content["reason"] == "Chargeback"
    assert said(note) == said((await papers(resources, order, shop))[0])


async def test_what_another_chargeback_takes_of_it_is_credited(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    minor = order.total_minor
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=minor)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=minor)
    await follow(resources, order)
    assert await told_as(resources, order, "sdp_two", "lost", amount_minor=5_000)
    await follow(resources, order)
    assert await again(resources, order, shops[0]) == [("invoice", 7_001), ("credit_note", 2_917)]
    assert await again(resources, order, shops[1]) == [("invoice", 4_999), ("credit_note", 2_083)]
    await is_sound(resources, connection, order)
    for fact in (FactType.CHARGEBACK_LOST, FactType.CHARGEBACK_REINSTATED):
        assert [one.name for one in REACTIONS[fact]] == ["issue_paid_again"]


async def test_discounts_of_the_market_and_parts_that_went_back_before_are_no_part_of_it(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    coupon = await make_coupon(connection, code="MARKET", value_bps=1500)
    order = await delivered(
        resources, *((shop, 2) for shop in shops), buyer=buyer, coupons=(coupon,)
    )
    await refund(resources, order, shops[0], units=1)
    minor = (await read(resources, order)).total_minor
    left_minor = minor - (await read(resources, order)).refunded_minor
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=left_minor)
    assert await told_as(
        resources, order, "sdp_one", "won", amount_minor=left_minor, kept_minor=1_234
    )
    await follow(resources, order)
    await is_sound(resources, connection, order)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=left_minor)
    await follow(resources, order)
    await is_sound(resources, connection, order)
    paid = [sum(minor for _, minor in await again(resources, order, shop)) for shop in shops]
    assert sum(paid) == left_minor
    for shop in shops:
        notes = [one for one in await papers(resources, order, shop) if one.kind == "credit_note"]
        new = [one for one in await papers(resources, order, shop) if "paid_again" in one.content]
        sums = [
            (
                sum(one.content["totals"]["promotion_minor"] for one in some),
                sum(one.content["totals"]["tax_minor"] for one in some),
                sum(one.content["totals"]["payable_minor"] for one in some),
            )
            for some in (notes[-1:], new)
        ]
        assert sums[0] == sums[1]
        assert sums[0][0] > 0


async def test_fees_that_its_seller_bears_are_no_part_of_it(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User, clock: ManualClock
) -> None:
    gateway = SandboxGateway(
        resources.settings.home, production=False, fee_bps=290, fee_fixed_minor=25, clock=clock
    )
    settings = resources.settings.model_copy(update={"refund_fee_borne_by": "seller"})
    market = replace(
        resources, settings=settings, gateways={**resources.gateways, "sandbox": gateway}
    )
    order = await delivered(market, (shops[0], 1), buyer=buyer)
    assert await told_as(market, order, "sdp_one", "lost", amount_minor=7_001)
    assert await told_as(market, order, "sdp_one", "won", amount_minor=7_001)
    await follow(market, order)
    assert await again(market, order, shops[0]) == [("invoice", 7_001)]
    await is_sound(market, connection, order)


async def test_goodwill_of_the_market_is_no_part_of_what_stands(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, (shops[0], 1), buyer=buyer)
    await refund(
        resources, order, shops[0], viewer=OPERATOR, amount_minor=1_001, by_marketplace=True
    )
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=6_000)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=6_000, kept_minor=2_500)
    await follow(resources, order)
    await is_sound(resources, connection, order)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=6_000)
    await follow(resources, order)
    await is_sound(resources, connection, order)
    # The whole sale stands again, and the gift beside it.
    assert sum(minor for _, minor in await again(resources, order, shops[0])) == 7_001


async def test_papers_follow_whichever_process_booked_it(
    resources: Resources,
    connection: Connection,
    shops: list[Shop],
    buyer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = await delivered(resources, (shops[0], 1), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=7_001)
    # One whose clock is a minute ahead, and then one whose clock is not.
    ahead = identity._Sequence()
    ahead.next(unix_ms=time.time_ns() // 1_000_000 + 60_000)
    monkeypatch.setattr(identity, "_sequence", ahead)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=7_001, kept_minor=5_000)
    await follow(resources, order)
    await is_sound(resources, connection, order)
    monkeypatch.setattr(identity, "_sequence", identity._Sequence())
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=7_001)
    await follow(resources, order)
    written = await again(resources, order, shops[0])
    assert sorted(written) == [("invoice", 2_001), ("invoice", 5_000)]
    await is_sound(resources, connection, order)


async def test_the_audit_finds_papers_that_say_more_than_came_back(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, (shops[0], 1), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=7_001)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=7_001)
    await follow(resources, order)
    *_, new = await papers(resources, order, shops[0])
    draft = DocumentDraft(
        kind=DocumentKind.INVOICE, issuer=str(new.seller_id), seller_id=shops[0].seller.id,
        order_id=order.id, currency="EUR", total_minor=1, content=new.content,
        cause_key=f"{order.parts[0].id}/{new.content['paid_again']['booked_up_to']}/1",
    )  # fmt: skip
    await document_register.issue(connection, drafts=[draft], now=resources.clock.now())
    [found] = await audit(connection, now=resources.clock.now(), gateway_journals={})
    assert "has papers that say 7002 was paid again, booked were 7001" in str(found)


@pytest.mark.parametrize(("minor", "count"), [(7_001, 0), (7_000, 1)])
async def test_the_audit_knows_papers_that_name_a_transaction(
    resources: Resources,
    connection: Connection,
    shops: list[Shop],
    buyer: User,
    minor: int,
    count: int,
) -> None:
    order = await delivered(resources, (shops[0], 1), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=7_001)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=7_001)
    booked = await connection.fetchval(
        "SELECT id FROM ledger_transaction WHERE kind = 'chargeback_reinstated'"
    )
    draft = DocumentDraft(
        kind=DocumentKind.INVOICE, issuer=str(shops[0].seller.id), seller_id=shops[0].seller.id,
        order_id=order.id, currency="EUR", total_minor=minor, content={},
        cause_key=f"{order.parts[0].id}/{booked}",
    )  # fmt: skip
    await document_register.issue(connection, drafts=[draft], now=resources.clock.now())
    found = await audit(connection, now=resources.clock.now(), gateway_journals={})
    assert len(found) == count
