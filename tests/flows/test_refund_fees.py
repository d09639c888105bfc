"""Who bears the provider's fee of a sale that goes back: the marketplace, or its seller."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import documents
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.resources import Resources
from gosellr.services import document_questions, explanation_service
from gosellr.services.document_questions import DocumentFilters
from gosellr.services.refund_books import provider_fee_minor
from gosellr.utils.explanations import explain
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import User
from tests.factories.disputes import accept, bank_decides, cases_of, delivered, open_case, take_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    buyer_of,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    seller_owes,
)
from tests.factories.stored_value import by_bank, by_card, make_card
from tests.factories.terms import make_tax

# Two units of 120.00: 24.00 of commission and its VAT; the provider keeps 2.9 % and 0.25.
NET, FEE = 21_600, 721
OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


def bearing(market: Resources, bearer: str) -> Resources:
    settings = market.settings.model_copy(update={"refund_fee_borne_by": bearer})
    return replace(market, settings=settings)


@pytest.fixture
def market(resources: Resources, clock: ManualClock) -> Resources:
    """A market whose card payments cost something, and whose sellers bear that when they refund."""
    gateway = SandboxGateway(
        resources.settings.home, production=False, fee_bps=290, fee_fixed_minor=25, clock=clock
    )
    return bearing(
        replace(resources, gateways={**resources.gateways, "sandbox": gateway}), "seller"
    )


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def test_by_default_the_marketplace_bears_it(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    order = await buy(market, (shop, 2))
    given = await refund(bearing(market, "marketplace"), order, shop, units=2)
    assert "provider_fees" not in given.effects
    assert await balances(connection) == {"gateway_clearing": -FEE, "gateway_fee": FEE}
    assert await wrong_with(connection, market) == []


@pytest.mark.parametrize(
    "amounts", [(24_000,), (12_000, 12_000), (1, 23_999), (7_777, 7_777, 8_446), (100,) * 9]
)
async def test_its_seller_bears_exactly_the_whole_in_any_partition(
    connection: Connection, market: Resources, shop: Shop, amounts: tuple[int, ...]
) -> None:
    order = await buy(market, (shop, 2))
    taken = [
        provider_fee_minor((await refund(market, order, shop, amount_minor=one)).effects)
        for one in amounts
    ]
    due_minor = (2 * FEE * sum(amounts) + 24_000) // 48_000
    assert sum(taken) == due_minor
    assert (await balances(connection)).get("gateway_fee", 0) == FEE - due_minor
    assert await wrong_with(connection, market) == []


async def test_it_comes_out_of_the_pots_with_the_refund(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    order = await buy(market, (shop, 2))
    given = await refund(market, order, shop, units=1)
    [payment] = order.payments
    assert given.amount_minor == 12_000
    assert given.effects["seller"]["pending_minor"] == 10_800 + 361
    assert given.effects["provider_fees"] == {
        str(payment.id): {"amount_minor": 12_000, "fee_minor": 361}
    }
    assert await seller_owes(connection, shop) == {"pending": NET - 10_800 - 361}
    assert (await balances(connection))["gateway_fee"] == FEE - 361
    told = await ask(market.db, explanation_service.explain, subject=str(order.id), limit=50)
    [intent] = [one for one in told.transactions if one.kind == "refund_intent"]
    assert explain(intent.kind, intent.entries) == (
        "Refund of 120.00 EUR on its way: the seller gives 111.61 EUR, 10.00 EUR of commission is"
        " given back, 2.00 EUR less tax is passed on, 3.61 EUR makes good what the payment provider"
        " kept of the sale."
    )
    await refund(market, order, shop, units=1)
    assert await seller_owes(connection, shop) == {"receivable": FEE}
    assert await balances(connection) == {"gateway_clearing": -FEE, "seller_receivable": FEE}
    assert await wrong_with(connection, market) == []


async def test_a_cancelled_part_bears_its_own_share(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=6_000)
    order = await buy(market, (shop, 1), (other, 1))
    assert order.payments[0].fee_minor == 547
    await cancel(market, order, viewer=buyer_of(market, order), shop=other)
    # A third of 5.47; what the other sells isn't touched.
    assert await seller_owes(connection, other) == {"receivable": 182}
    assert await seller_owes(connection, shop) == {"pending": 10_800}
    await cancel(market, order, viewer=buyer_of(market, order))
    assert await seller_owes(connection, shop) == {"receivable": 365}
    assert "gateway_fee" not in await balances(connection)
    assert await wrong_with(connection, market) == []


async def test_a_refused_refund_gives_it_back(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    _, code = await make_card(market, 4_000)
    order = await buy(market, (shop, 2), tenders=(by_card(code), by_bank("tok_refund_declined")))
    fee_minor = order.payments[-1].fee_minor
    assert fee_minor == 605
    before = await balances(connection), await seller_owes(connection, shop)
    for _ in range(2):
        given = await refund(market, order, shop, amount_minor=5_000)
        assert given.status == "failed"
        assert (await balances(connection), await seller_owes(connection, shop)) == before
    # What the card gave costs nobody a fee; what the bank refused stays with its seller.
    partly = await refund(market, order, shop, units=2)
    assert (partly.status, partly.amount_minor) == ("succeeded", 4_000)
    assert provider_fee_minor(partly.effects) == 0
    assert (await balances(connection))["gateway_fee"] == fee_minor
    assert await wrong_with(connection, market) == []


async def test_an_award_comes_wholly_out_of_what_is_frozen(
    connection: Connection, market: Resources, shop: Shop, buyer: User
) -> None:
    order = await delivered(market, (shop, 2), buyer=buyer)
    case = await open_case(market, order, shop, viewer=buyer.viewer, units=1)
    assert case.dispute.frozen_minor == 10_800 + 361
    await accept(market, case, viewer=shop.viewer)
    [given] = (await read(market, order)).refunds
    assert given.effects["seller"]["case_reserve_minor"] == 10_800 + 361
    assert await seller_owes(connection, shop) == {"pending": NET - 10_800 - 361}
    assert (await balances(connection))["gateway_fee"] == FEE - 361
    assert await wrong_with(connection, market) == []


async def test_a_lost_chargeback_is_a_refund(
    connection: Connection, market: Resources, shop: Shop, buyer: User
) -> None:
    order = await delivered(market, (shop, 2), buyer=buyer)
    await refund(market, order, shop, amount_minor=6_000)
    reference = await take_back(market, order, amount_minor=18_000)
    [case] = await cases_of(market, order)
    # 5.41 of 7.21 are left: the quarter that went back bore 1.80.
    assert case.dispute.frozen_minor == 16_200 + 541
    await bank_decides(market, order, reference, won=False)
    assert await seller_owes(connection, shop) == {"receivable": FEE}
    assert "gateway_fee" not in await balances(connection)
    assert await wrong_with(connection, market) == []


async def test_goodwill_of_the_marketplace_keeps_its_share_with_it(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    order = await buy(market, (shop, 2))
    gift = await refund(
        market, order, shop, viewer=OPERATOR, amount_minor=6_000, by_marketplace=True
    )
    assert "provider_fees" not in gift.effects
    await refund(market, order, shop, units=2)
    assert (await balances(connection))["gateway_fee"] == 180
    assert await wrong_with(connection, market) == []


async def test_a_fee_that_is_told_later_stays_the_marketplaces(
    connection: Connection, market: Resources, shop: Shop
) -> None:
    order = await buy(market, (shop, 2))
    await connection.execute("UPDATE payment SET fee_minor = 0")
    first = await refund(market, order, shop, units=1)
    assert "provider_fees" not in first.effects
    await connection.execute("UPDATE payment SET fee_minor = $1", FEE)
    second = await refund(market, order, shop, units=1)
    assert provider_fee_minor(second.effects) == 361
    assert (await balances(connection))["gateway_fee"] == FEE - 361
    assert await wrong_with(connection, market) == []


async def test_the_statement_and_the_report_say_it(
    connection: Connection, market: Resources, shop: Shop, clock: ManualClock
) -> None:
    order = await buy(market, (shop, 2))
    await refund(market, order, shop, units=1)
    report = await documents.tax_report(market.documents, year=2026)
    [quarter] = [one for one in report["sellers"][0]["quarters"] if one["activity_count"]]
    assert quarter["consideration_minor"] == NET - 10_800 - 361
    assert quarter["fees_minor"] == 1_200 + 361
    clock.advance(timedelta(days=40))
    await documents.close_months(market.documents)
    page = await ask(
        market.db, document_questions.of_seller, viewer=shop.viewer, seller_id=shop.seller.id,
        filters=DocumentFilters(), cursor=None, limit=100,
    )  # fmt: skip
    [statement] = [one for one in page.items if one.kind.value == "statement"]
    assert {one["key"]: one["amount_minor"] for one in statement.content["groups"]} == {
        "sales": 24_000,
        "commission": -2_000,
        "commission_vat": -400,
        "refunds": -12_000,
        "commission_returned": 1_000,
        "commission_vat_returned": 200,
        "provider_fees": -361,
    }
    assert statement.total_minor == NET - 10_800 - 361
    [invoice] = [one for one in page.items if one.kind.value == "commission_invoice"]
    assert invoice.total_minor == 1_200
    assert await wrong_with(connection, market) == []
