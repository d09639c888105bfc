"""What of its commission the marketplace gives back, under each policy, whatever takes from a
seller."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import documents
from gosellr.resources import Resources
from gosellr.services import document_questions, sales_documents
from gosellr.services.document_questions import DocumentFilters
from gosellr.utils.refunds import CommissionReversal
from tests.factories.accounts import User
from tests.factories.disputes import accept, bank_decides, cases_of, delivered, open_case, take_back
from tests.factories.payouts import an_operator, wrong_with
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
from tests.factories.terms import make_tax

# Two units of 120.00 with 20 % tax inside: 10 % and 1.00 of 200.00, and 20 % VAT on that.
COMMISSION, VAT, NET = 2_100, 420, 24_000 - 2_520


@dataclass(frozen=True, slots=True)
class Policy:
    """A market's choice, what it gives back with one of two units, and what it keeps for good."""

    market: Resources
    one_unit: tuple[int, int]
    kept: tuple[int, int]

    @property
    def is_full(self) -> bool:
        return self.kept == (0, 0)


@pytest.fixture(
    params=[
        ("full", (1_050, 210), (0, 0)),
        ("none", (0, 0), (COMMISSION, VAT)),
        ("full_less_fixed", (1_000, 200), (100, 20)),
    ],
    ids=lambda one: one[0],
)
def policy(request: pytest.FixtureRequest, resources: Resources) -> Policy:
    name, one_unit, kept = request.param
    settings = resources.settings.model_copy(update={"commission_on_refunds": name})
    return Policy(replace(resources, settings=settings), one_unit, kept)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection, fixed_minor=100, currency="EUR")
    return await make_shop(connection, price_minor=12_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def assert_kept(connection: Connection, shop: Shop, policy: Policy) -> None:
    """All went back to the buyer: what the marketplace kept is what the seller bears."""
    commission_minor, vat_minor = policy.kept
    kept = {"commission": -commission_minor, "tax_payable": -vat_minor}
    owed_minor = commission_minor + vat_minor
    held = {} if policy.is_full else {**kept, "seller_receivable": owed_minor}
    assert await balances(connection) == held
    assert await seller_owes(connection, shop) == ({} if policy.is_full else {
        "receivable": owed_minor
    })  # fmt: skip


def test_a_market_has_the_policy_that_is_set(policy: Policy) -> None:
    chosen = policy.market.settings.commission_on_refunds
    assert policy.market.policy.commission_reversal is CommissionReversal(chosen)


async def test_by_item(connection: Connection, policy: Policy, shop: Shop) -> None:
    market = policy.market
    order = await buy(market, (shop, 2))
    given = await refund(market, order, shop, units=1)
    assert given.amount_minor == 12_000
    effects = given.effects
    assert (effects["commission_minor"], effects["commission_vat_minor"]) == policy.one_unit
    assert effects["seller"]["pending_minor"] == 12_000 - sum(policy.one_unit)
    assert await seller_owes(connection, shop) == {"pending": NET - 12_000 + sum(policy.one_unit)}
    await refund(market, order, shop, units=1)
    await assert_kept(connection, shop, policy)
    assert (await read(market, order)).payment_status == "refunded"
    assert await wrong_with(connection, market) == []


async def test_a_part_that_was_cancelled(
    connection: Connection, policy: Policy, shop: Shop
) -> None:
    market = policy.market
    order = await buy(market, (shop, 2))
    await cancel(market, order, viewer=buyer_of(market, order))
    await assert_kept(connection, shop, policy)
    assert await wrong_with(connection, market) == []


async def test_an_award(connection: Connection, policy: Policy, shop: Shop, buyer: User) -> None:
    market = policy.market
    order = await delivered(market, (shop, 2), buyer=buyer)
    case = await open_case(market, order, shop, viewer=buyer.viewer, units=1)
    taken_minor = 12_000 - sum(policy.one_unit)
    assert case.dispute.frozen_minor == taken_minor
    await accept(market, case, viewer=shop.viewer)
    [given] = (await read(market, order)).refunds
    assert (given.status, given.amount_minor) == ("succeeded", 12_000)
    effects = given.effects
    assert (effects["commission_minor"], effects["commission_vat_minor"]) == policy.one_unit
    assert effects["seller"]["case_reserve_minor"] == taken_minor
    assert await seller_owes(connection, shop) == {"pending": NET - taken_minor}
    assert await wrong_with(connection, market) == []


async def test_a_lost_chargeback(
    connection: Connection, policy: Policy, shop: Shop, buyer: User
) -> None:
    market = policy.market
    order = await delivered(market, (shop, 2), buyer=buyer)
    reference = await take_back(market, order)
    [case] = await cases_of(market, order)
    assert case.dispute.frozen_minor == NET + sum(policy.kept)
    await bank_decides(market, order, reference, won=False)
    await assert_kept(connection, shop, policy)
    assert await wrong_with(connection, market) == []


async def test_a_credit_note_and_the_commission_invoice(
    connection: Connection, policy: Policy, shop: Shop, clock: ManualClock
) -> None:
    market = policy.market
    order = await buy(market, (shop, 2))
    await documents.issue_invoices(market.documents, order_ids=[order.id])
    given = await refund(market, order, shop, units=1)
    await transact(
        market.db, sales_documents.issue_credit_note, refund_id=given.id, now=clock.now()
    )
    papers = await ask(
        market.db, document_questions.of_order, viewer=an_operator(), order_id=order.id
    )
    # The buyer's papers are the same, whatever the marketplace keeps of its seller.
    assert [(one.kind.value, one.total_minor) for one in papers] == [
        ("invoice", 24_000),
        ("credit_note", 12_000),
    ]
    clock.advance(timedelta(days=40))
    await documents.close_months(market.documents)
    page = await ask(
        market.db, document_questions.of_seller, viewer=shop.viewer, seller_id=shop.seller.id,
        filters=DocumentFilters(), cursor=None, limit=100,
    )  # fmt: skip
    [invoice] = [one for one in page.items if one.kind.value == "commission_invoice"]
    commission_minor, vat_minor = policy.one_unit
    returned = [{"key": "commission_returned", "amount_minor": -commission_minor}]
    assert invoice.content["lines"] == [
        {"key": "commission", "amount_minor": COMMISSION},
        *(returned if commission_minor else []),
    ]
    assert invoice.total_minor == COMMISSION + VAT - commission_minor - vat_minor
    [statement] = [one for one in page.items if one.kind.value == "statement"]
    assert statement.total_minor == NET - 12_000 + commission_minor + vat_minor
    assert await wrong_with(connection, market) == []


async def test_a_change_between_two_refunds_turns_nothing_round(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    def under(name: str) -> Resources:
        changed = resources.settings.model_copy(update={"commission_on_refunds": name})
        return replace(resources, settings=changed)

    order = await buy(resources, (shop, 2))
    first = await refund(under("none"), order, shop, units=1)
    second = await refund(under("full"), order, shop, units=1)
    assert first.effects["commission_minor"] == 0
    assert second.effects["commission_minor"] == 1_050
    assert await seller_owes(connection, shop) == {"receivable": 1_260}
    assert await wrong_with(connection, resources) == []
