"""A seller's month and a platform's year: statement, commission invoice, report, all as booked."""

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.flows import documents
from gosellr.models.document_values import IssuedDocument
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import document_questions, period_figures, release_service
from gosellr.services.document_questions import DocumentFilters
from gosellr.services.payout_terms import NothingToPayOut
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import MemberRole
from gosellr.utils.viewer import Viewer
from tests.conftest import START
from tests.factories.accounts import add_member, make_seller
from tests.factories.balances import approve, prepare
from tests.factories.payouts import an_operator, earn, pay, set_account, set_schedule, wrong_with
from tests.factories.sales import (
    Shop,
    buy,
    make_commission,
    make_shop,
    refund,
    ship,
    step,
)

OWN = ("seller_pending", "seller_available", "seller_reserve", "seller_receivable",
       "payout_in_transit")  # fmt: skip


async def issued(resources: Resources, shop: Shop) -> list[IssuedDocument]:
    page = await ask(
        resources.db,
        document_questions.of_seller,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        filters=DocumentFilters(),
        cursor=None,
        limit=100,
    )
    return page.items


async def held(connection: Connection, shop: Shop, until: datetime) -> int:
    """What the marketplace owed a seller at a moment, as the journal has it."""
    minor: int = await connection.fetchval(
        "SELECT COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor"
        " ELSE -amount_minor END), 0)::bigint FROM ledger_entry AS entry"
        " JOIN ledger_transaction AS head ON head.id = entry.transaction_id"
        " WHERE account = ANY($1) AND head.booked_at < $2",
        [f"{kind}:{shop.seller.id}" for kind in OWN],
        until,
    )
    return minor


async def kept(connection: Connection, shop: Shop, account: str) -> int:
    """Commission or its VAT of a seller's sales, as the journal has it."""
    minor: int = await connection.fetchval(
        "SELECT COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor"
        " ELSE -amount_minor END), 0)::bigint FROM ledger_entry AS entry"
        " JOIN seller_order AS part ON part.id = entry.seller_order_id"
        " WHERE part.seller_id = $1 AND entry.account = $2",
        shop.seller.id,
        account,
    )
    return minor


async def a_shop(connection: Connection, resources: Resources, **more: int) -> Shop:
    shop = await make_shop(connection, **more)
    await set_account(resources, shop)
    await set_schedule(resources, shop, "manual")
    return shop


async def test_a_month_is_told_to_the_cent(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_commission(connection, rate_bps=1000, vat_bps=2000)
    shop = await a_shop(connection, resources, price_minor=10_000)
    await earn(resources, shop, 2)
    await pay(resources, shop)
    order = await buy(resources, (shop, 1))
    await refund(resources, order, shop, units=1)
    clock.advance(timedelta(days=40))
    await documents.close_months(resources.documents)
    statement, commission = sorted(await issued(resources, shop), key=lambda one: one.kind.value)[
        ::-1
    ]
    assert (statement.number, statement.period) == ("ST-2026-00001", "2026-03")
    lines = {group["key"]: group["amount_minor"] for group in statement.content["groups"]}
    assert lines == {
        "sales": 30_000,
        "commission": -3_000,
        "commission_vat": -600,
        "refunds": -10_000,
        "commission_returned": 1_000,
        "commission_vat_returned": 200,
        "payouts": -17_600,
    }
    assert statement.content["opening_minor"] == 0
    assert statement.total_minor == 0
    assert [payout["amount_minor"] for payout in statement.content["payouts"]] == [17_600]
    assert commission.number == "COM-2026-00001"
    assert commission.content["lines"] == [
        {"key": "commission", "amount_minor": 3_000},
        {"key": "commission_returned", "amount_minor": -1_000},
    ]
    assert commission.content["taxes"] == [
        {"tax_rate_bps": 2000, "net_minor": 2_000, "tax_minor": 400, "gross_minor": 2_400}
    ]
    assert await wrong_with(connection, resources) == []


async def test_closing_twice_does_nothing(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_commission(connection)
    shop = await a_shop(connection, resources)
    await earn(resources, shop)
    clock.advance(timedelta(days=40))
    await documents.close_months(resources.documents)
    before = await connection.fetch("SELECT * FROM document ORDER BY id")
    await documents.close_months(resources.documents)
    # Also where the note that the month is closed was lost.
    await connection.execute("DELETE FROM document_month WHERE period = '2026-03'")
    await documents.close_months(resources.documents)
    assert await connection.fetch("SELECT * FROM document ORDER BY id") == before
    assert len(before) == 2


async def test_a_month_that_can_t_be_closed_for_one_is_closed_for_the_others(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_commission(connection)
    shops = [await a_shop(connection, resources) for _ in range(2)]
    for shop in shops:
        await earn(resources, shop)
    clock.advance(timedelta(days=40))
    write = (
        "UPDATE order_line AS line SET commission = jsonb_set(commission, '{vat_bps}', $2)"
        " FROM seller_order AS part WHERE part.id = line.seller_order_id AND part.seller_id = $1"
    )
    await connection.execute(write, shops[0].seller.id, "unreadable")
    for _ in range(2):
        await documents.close_months(resources.documents)
        assert [len(await issued(resources, shop)) for shop in shops] == [0, 2]
        assert await connection.fetchval("SELECT count(*) FROM document_month") == 0
    await connection.execute(write, shops[0].seller.id, 2000)
    await documents.close_months(resources.documents)
    assert [len(await issued(resources, shop)) for shop in shops] == [2, 2]
    assert await wrong_with(connection, resources) == []


async def test_a_month_closes_only_when_it_is_surely_over(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    shop = await a_shop(connection, resources)
    await buy(resources, (shop, 1))
    clock.advance(datetime(2026, 4, 1, 0, 59, tzinfo=UTC) - clock.now())
    await documents.close_months(resources.documents)
    assert await issued(resources, shop) == []
    clock.advance(timedelta(minutes=1))
    await documents.close_months(resources.documents)
    assert len(await issued(resources, shop)) == 1


@pytest.mark.parametrize("seed", range(4))
async def test_months_of_chance_chain_and_equal_the_journal(
    connection: Connection, resources: Resources, clock: ManualClock, seed: int
) -> None:
    """Whatever sellers, buyers and time do: each month begins where the last one ended."""
    chance = Random(seed)
    await make_commission(connection, rate_bps=chance.randrange(0, 3000), vat_bps=1900)
    shops = [
        await a_shop(connection, resources, price_minor=chance.randrange(101, 9_999), stock=10_000)
        for _ in range(2)
    ]
    sold: list[tuple[Shop, Order]] = []
    for _ in range(30):
        await _something(chance, resources, clock, shops, sold)
    # Two months at once: as after a long standstill.
    clock.advance(timedelta(days=70))
    await documents.close_months(resources.documents)
    assert await connection.fetchval("SELECT count(*) FROM document_month") >= 3
    for shop in shops:
        await _equals_the_journal(connection, resources, shop)
    assert await wrong_with(connection, resources) == []


async def _something(
    chance: Random,
    resources: Resources,
    clock: ManualClock,
    shops: list[Shop],
    sold: list[tuple[Shop, Order]],
) -> None:
    shop, what = chance.choice(shops), chance.randrange(10)
    if what < 4 or not sold:
        sold.append((shop, await buy(resources, (shop, chance.randrange(1, 4)))))
    elif what < 6:
        clock.advance(timedelta(days=chance.randrange(1, 15)))
        await documents.close_months(resources.documents)
        await transact(resources.db, release_service.release_due, now=clock.now())
    elif what < 8:
        owner, order = sold.pop(chance.randrange(len(sold)))
        await ship(resources, order, owner)
        await step(resources, order, OrderStatus.DELIVERED, viewer=owner.viewer)
        if chance.random() < 0.5:
            await refund(resources, order, owner, units=1)
    elif what == 8:
        owner, order = sold.pop(chance.randrange(len(sold)))
        await refund(resources, order, owner, units=1)
    else:
        with suppress(NothingToPayOut):
            await pay(resources, shop)


async def _equals_the_journal(connection: Connection, resources: Resources, shop: Shop) -> None:
    by_period: defaultdict[str, dict[str, IssuedDocument]] = defaultdict(dict)
    for one in await issued(resources, shop):
        by_period[one.period or ""][one.kind.value] = one
    before = 0
    commission = vat = 0
    for period, papers in sorted(by_period.items()):
        statement = papers["statement"]
        content = statement.content
        year, month = map(int, period.split("-"))
        end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        assert content["opening_minor"] == before
        before = content["closing_minor"]
        assert before == statement.total_minor == await held(connection, shop, end)
        assert before == content["opening_minor"] + sum(
            group["amount_minor"] for group in content["groups"]
        )
        assert before == sum(pot["closing_minor"] for pot in content["pots"])
        if "commission_invoice" in papers:
            totals = papers["commission_invoice"].content["totals"]
            commission += totals["net_minor"]
            vat += totals["tax_minor"]
    assert commission == await kept(connection, shop, "commission")
    assert vat == await kept(connection, shop, "tax_payable:marketplace")


async def test_the_running_month_is_preliminary(
    connection: Connection, resources: Resources
) -> None:
    shop = await a_shop(connection, resources, price_minor=5_000)
    await buy(resources, (shop, 1))
    found = await _statement(resources, shop, "2026-03")
    assert isinstance(found, dict)
    assert found["closing_minor"] == 5_000
    assert "number" not in found
    assert await connection.fetchval("SELECT count(*) FROM document") == 0
    for period in ("2026-02", "2026-04"):
        with pytest.raises(NotFound):
            await _statement(resources, shop, period)
    with pytest.raises(NotFound):
        await _statement(resources, shop, "2026-03", currency="USD")
    with pytest.raises(InvalidInput):
        await _statement(resources, shop, "2026-13")


async def test_a_month_names_every_payout(connection: Connection, resources: Resources) -> None:
    shop = await a_shop(connection, resources, price_minor=5_000)
    await earn(resources, shop)
    await pay(resources, shop)
    # As many as a page of them and more, some of the same moment.
    await connection.execute(
        "INSERT INTO payout (id, seller_id, currency, amount_minor, status, provider,"
        " destination_id, origin, created_at, failure_reason, finished_at)"
        " SELECT gen_random_uuid(), seller_id, currency, number, 'failed', provider,"
        " destination_id, origin, created_at + number / 2 * interval '1 second', 'refused',"
        " created_at"
        " FROM payout, generate_series(1, 1205) AS number"
    )
    found = await _statement(resources, shop, "2026-03")
    assert isinstance(found, dict)
    told = [one["amount_minor"] for one in found["payouts"]]
    assert sorted(told) == sorted([5_000, *range(1, 1_206)])
    moments = [one["created_at"] for one in found["payouts"]]
    assert moments == sorted(moments)


async def _statement(
    resources: Resources,
    shop: Shop,
    period: str,
    *,
    currency: str | None = None,
    viewer: Viewer | None = None,
) -> IssuedDocument | dict[str, Any]:
    return await documents.statement(
        resources.documents,
        viewer=viewer or shop.viewer,
        seller_id=shop.seller.id,
        period=period,
        currency=currency,
    )


async def test_statements_are_for_the_seller_s_bookkeepers(
    connection: Connection, resources: Resources
) -> None:
    shop = await a_shop(connection, resources)
    await buy(resources, (shop, 1))
    packer = await add_member(connection, now=START, seller=shop.seller, role=MemberRole.FULFILMENT)
    stranger = await make_seller(connection, now=START, name="Stranger")
    with pytest.raises(NotFound):
        await _statement(resources, shop, "2026-03", viewer=stranger.viewer)
    with pytest.raises(NotAllowed):
        await _statement(
            resources,
            shop,
            "2026-03",
            viewer=replace(packer.viewer, memberships={shop.seller.id: MemberRole.FULFILMENT}),
        )
    assert await _statement(resources, shop, "2026-03", viewer=an_operator())


async def test_the_report_of_a_year_equals_the_journal(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_commission(connection, rate_bps=1000, vat_bps=2000)
    shop = await a_shop(connection, resources, price_minor=10_000)
    await earn(resources, shop, 2)
    await pay(resources, shop)
    clock.advance(timedelta(days=40))
    order = await buy(resources, (shop, 1))
    await refund(resources, order, shop, units=1)
    await buy(resources, (shop, 3))
    content = await documents.tax_report(resources.documents, year=2026)
    [seller] = content["sellers"]
    assert seller["seller_id"] == str(shop.seller.id)
    assert [
        (one["consideration_minor"], one["activity_count"], one["fees_minor"])
        for one in seller["quarters"]
    ] == [(17_600, 1, 2_400), (26_400, 2, 3_600), (0, 0, 0), (0, 0, 0)]
    assert (
        seller["total"]["consideration_minor"]
        == await held(connection, shop, datetime(2027, 1, 1, tzinfo=UTC)) + 17_600
    )
    assert seller["total"]["fees_minor"] == (
        await kept(connection, shop, "commission")
        + await kept(connection, shop, "tax_payable:marketplace")
    )
    assert content["missing"] == ["tax_identity"]
    assert (await documents.tax_report(resources.documents, year=2025))["sellers"] == []


async def test_what_moves_no_account_of_a_seller_is_in_its_month_all_the_same(
    connection: Connection, resources: Resources
) -> None:
    """A sale that the commission takes whole, its refund, and one too small to reach a seller."""
    await make_commission(connection, rate_bps=10_000, vat_bps=0)
    shop = await a_shop(connection, resources, price_minor=10_000)
    order = await buy(resources, (shop, 2))
    await refund(resources, order, shop, units=1)
    assert await _groups(connection, shop) == [
        ("sales", 20_000), ("commission", -20_000),
        ("refunds", -10_000), ("commission_returned", 10_000),
    ]  # fmt: skip
    await connection.execute("UPDATE commission_rule SET rate_bps = 9000")
    other = await a_shop(connection, resources, price_minor=10_000)
    order = await buy(resources, (other, 1))
    # Of the smallest amount there is, the commission has the greater share.
    await refund(resources, order, other, amount_minor=1)
    assert await _groups(connection, other) == [
        ("sales", 10_000), ("commission", -9_000), ("refunds", -1), ("commission_returned", 1),
    ]  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def _groups(connection: Connection, shop: Shop) -> list[tuple[str, int]]:
    [month] = await period_figures.read(
        connection,
        seller_id=shop.seller.id,
        since=START - timedelta(days=1),
        until=START + timedelta(days=1),
        vat_jurisdiction="marketplace",
    )
    return [(one.key, one.amount_minor) for one in month.figures.groups]


async def test_what_is_charged_by_hand_stands_on_the_commission_invoice(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_commission(connection, rate_bps=1000, vat_bps=2000)
    shop, other = [await a_shop(connection, resources, price_minor=10_000) for _ in range(2)]
    await earn(resources, shop)
    await earn(resources, other)
    own, vat = f"seller_available:{shop.seller.id}", "tax_payable:marketplace"
    for entries in (
        ((own, "debit", 1200), ("commission", "credit", 1000), (vat, "credit", 200)),
        # A third of a cent more than a whole percent would tell, and a fee without VAT.
        ((own, "debit", 401), ("fee_income", "credit", 333), (vat, "credit", 68)),
        ((own, "credit", 50), ("commission", "debit", 50)),
        # Of two shops, of another country's tax, and of no income: none of these is a fee of one.
        (
            (own, "debit", 30), (f"seller_available:{other.seller.id}", "debit", 30),
            ("commission", "credit", 60),
        ),
        ((own, "debit", 7), ("tax_payable:DE", "credit", 7)),
        ((own, "credit", 900), ("goodwill_cost", "debit", 900)),
    ):  # fmt: skip
        prepared = await prepare(resources, *entries)
        await approve(resources, prepared.id)
    clock.advance(timedelta(days=45))
    await documents.close_months(resources.documents)
    papers = {one.kind.value: one for one in await issued(resources, shop)}
    invoice = papers["commission_invoice"]
    assert invoice.content["lines"] == [
        {"key": "commission", "amount_minor": 1_000},
        {"key": "adjusted", "amount_minor": 1_000 + 333 - 50},
    ]
    assert invoice.content["taxes"] == [
        {"tax_rate_bps": 2042, "net_minor": 333, "tax_minor": 68, "gross_minor": 401},
        {"tax_rate_bps": 2000, "net_minor": 2000, "tax_minor": 400, "gross_minor": 2400},
        {"tax_rate_bps": 0, "net_minor": -50, "tax_minor": 0, "gross_minor": -50},
    ]
    totals = invoice.content["totals"]
    assert (totals["net_minor"], totals["tax_minor"], invoice.total_minor) == (2283, 468, 2751)
    groups = {one["key"]: one["amount_minor"] for one in papers["statement"].content["groups"]}
    assert groups["adjusted"] == -1200 - 401 + 50 - 30 - 7 + 900
    [unconcerned] = [
        one for one in await issued(resources, other) if one.kind.value == "commission_invoice"
    ]
    assert unconcerned.total_minor == 1_200


async def test_a_month_with_nothing_but_a_charge_by_hand_has_its_invoice(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    shop = await a_shop(connection, resources, price_minor=10_000)
    await earn(resources, shop)
    clock.advance(timedelta(days=31))
    prepared = await prepare(
        resources, (f"seller_available:{shop.seller.id}", "debit", 595),
        ("commission", "credit", 500), ("tax_payable:marketplace", "credit", 95),
    )  # fmt: skip
    await approve(resources, prepared.id)
    clock.advance(timedelta(days=31))
    await documents.close_months(resources.documents)
    [invoice] = [
        one for one in await issued(resources, shop) if one.kind.value == "commission_invoice"
    ]
    assert (invoice.period, invoice.total_minor) == ("2026-04", 595)
    assert invoice.content["lines"] == [{"key": "adjusted", "amount_minor": 500}]
    assert [one["tax_rate_bps"] for one in invoice.content["taxes"]] == [1900]
