"""What PayPal tells of a dispute later: its stage, its fee, and that it came to nothing."""

from dataclasses import replace

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import chargebacks
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import dispute_questions, explanation_service
from gosellr.services.dispute_questions import DisputeFilters
from tests.factories.disputes import cases_of
from tests.factories.payouts import an_operator
from tests.factories.paypal import PayPalSale, sell
from tests.factories.sales import balances, read, seller_owes
from tests.integrations.paypal_api.account import Document, money
from tests.integrations.paypal_api.quarrels import decide, quarrel


def fee_of(way: str, minor: int) -> Document:
    """A movement of a dispute's fee, as PayPal tells it with the dispute."""
    return {
        "affected_party": "SELLER", "type": way, "reason": "DISPUTE_FEE",
        "amount": money(minor, "EUR"),
    }  # fmt: skip


@pytest.fixture
async def sale(resources: Resources, connection: Connection, clock: ManualClock) -> PayPalSale:
    return await sell(resources, connection, clock)


async def disputed(sale: PayPalSale) -> Document:
    """A dispute about all of it, without a fee so far, and heard of."""
    of_the_buyer = fee_of("DEBIT", 1) | {"affected_party": "BUYER"}
    dispute = quarrel(sale.server.account, sale.capture, money_movements=[of_the_buyer])
    await sale.report_all()
    return dispute


def news(sale: PayPalSale, dispute: Document, **more: object) -> None:
    """PayPal reports that it has changed."""
    dispute |= more
    sale.server.account.note_dispute("UPDATED", dispute)


async def test_a_fee_that_is_told_when_it_is_decided_is_booked_once(sale: PayPalSale) -> None:
    before = await balances(sale.connection)
    dispute = await disputed(sale)
    dispute["money_movements"] = [fee_of("DEBIT", 1_400)]
    decide(sale.server.account, dispute, "RESOLVED_SELLER_FAVOUR")
    await sale.report_all()
    await sale.report_all()
    assert await sale.booked("chargeback_fee") == [
        ("gateway_fee", "debit", 1_400), ("gateway_clearing", "credit", 1_400),
    ]  # fmt: skip
    after = await balances(sale.connection)
    assert after == before | {
        "gateway_fee": before["gateway_fee"] + 1_400,
        "gateway_clearing": before["gateway_clearing"] - 1_400,
    }
    [case] = await cases_of(sale.market, sale.order)
    assert case.chargeback is not None
    assert (case.chargeback.status, case.chargeback.fee_minor) == ("won", 1_400)


async def test_a_fee_after_the_decision_is_found_without_its_report(sale: PayPalSale) -> None:
    since = sale.market.clock.now()
    dispute = await disputed(sale)
    decide(sale.server.account, dispute, "RESOLVED_BUYER_FAVOUR")
    await sale.report_all()
    dispute["money_movements"] = [fee_of("DEBIT", 1_400)]
    assert await chargebacks.find_unheard(sale.market.refunds, since=since) == 1
    assert await chargebacks.find_unheard(sale.market.refunds, since=since) == 0
    assert await sale.booked("chargeback_fee") == [
        ("gateway_fee", "debit", 1_400), ("gateway_clearing", "credit", 1_400),
    ]  # fmt: skip


async def test_a_fee_that_sellers_bear_is_owed_and_given_back(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    settings = resources.settings.model_copy(update={"chargeback_fee_borne_by": "seller"})
    sale = await sell(replace(resources, settings=settings), connection, clock)
    before = await seller_owes(connection, sale.shop)
    dispute = await disputed(sale)
    news(sale, dispute, money_movements=[fee_of("DEBIT", 1_400)])
    await sale.report_all()
    assert await seller_owes(connection, sale.shop) == {"reserve": 10_000, "receivable": 1_400}
    dispute["money_movements"].append(fee_of("CREDIT", 1_400))
    decide(sale.server.account, dispute, "RESOLVED_SELLER_FAVOUR")
    await sale.report_all()
    await sale.report_all()
    assert await seller_owes(connection, sale.shop) == before
    assert await sale.booked("chargeback_fee") == [
        ("seller_receivable", "debit", 1_400), ("gateway_clearing", "credit", 1_400),
        ("gateway_clearing", "debit", 1_400), ("seller_receivable", "credit", 1_400),
    ]  # fmt: skip


async def test_its_stage_is_kept_and_listed(sale: PayPalSale) -> None:
    since = sale.market.clock.now()
    dispute = await disputed(sale)

    async def stages() -> tuple[str | None, str | None]:
        [case] = await cases_of(sale.market, sale.order)
        page = await ask(
            sale.market.db, dispute_questions.list_cases, viewer=an_operator(),
            filters=DisputeFilters(kind="chargeback"), cursor=None, limit=10,
        )  # fmt: skip
        [listed] = page.items
        assert case.chargeback is not None
        return case.chargeback.stage, listed.stage

    assert await stages() == ("chargeback", "chargeback")
    news(sale, dispute, dispute_life_cycle_stage="PRE_ARBITRATION")
    await sale.report_all()
    assert await stages() == ("pre_arbitration", "pre_arbitration")
    # The report of the next one was lost: the list tells it.
    dispute["dispute_life_cycle_stage"] = "ARBITRATION"
    assert await chargebacks.find_unheard(sale.market.refunds, since=since) == 1
    assert await stages() == ("arbitration", "arbitration")
    [case] = await cases_of(sale.market, sale.order)
    for subject in ("PP-D-1", str(case.dispute.id), str(case.dispute.chargeback_id)):
        told = await ask(sale.market.db, explanation_service.explain, subject=subject, limit=9)
        assert told.title == "Chargeback PP-D-1 at paypal: open, arbitration"
        assert [one.kind for one in told.transactions] == ["chargeback_opened"]


@pytest.mark.parametrize(
    ("outcome", "told"), [("CANCELED_BY_BUYER", "withdrawn"), ("NONE", "for_seller")]
)
async def test_one_that_came_to_nothing_is_lifted_in_one_go(
    sale: PayPalSale, outcome: str, told: str
) -> None:
    before = await balances(sale.connection), await seller_owes(sale.connection, sale.shop)
    dispute = await disputed(sale)
    assert await seller_owes(sale.connection, sale.shop) == {"reserve": 10_000}
    decide(sale.server.account, dispute, outcome)
    await sale.report_all()
    [case] = await cases_of(sale.market, sale.order)
    assert (case.dispute.status, case.dispute.outcome) == ("closed", told)
    after = await balances(sale.connection), await seller_owes(sale.connection, sale.shop)
    assert after == before
    assert (await read(sale.market, sale.order)).payment_status == "paid"
    # The bank's money and the seller's freeze are undone together, and once.
    rows = await sale.connection.fetch(
        "SELECT kind FROM ledger_transaction WHERE kind IN ('chargeback_won', 'dispute_released')"
    )
    assert sorted(row["kind"] for row in rows) == ["chargeback_won", "dispute_released"]
    count = "SELECT count(*) FROM ledger_transaction"
    known = await sale.connection.fetchval(count)
    await sale.report_all()
    await upkeep.read_movements(sale.market)
    assert await sale.connection.fetchval(count) == known


async def test_one_of_nothing_that_still_cost_the_market_is_lost_by_so_much(
    sale: PayPalSale,
) -> None:
    dispute = await disputed(sale)
    settled = fee_of("DEBIT", 3_000) | {"reason": "DISPUTE_SETTLEMENT"}
    dispute["money_movements"] = [settled]
    decide(sale.server.account, dispute, "NONE")
    await sale.report_all()
    assert sum((await seller_owes(sale.connection, sale.shop)).values()) == 7_000
