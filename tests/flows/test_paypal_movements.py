"""PayPal's movements of disputes: matched by whatever name they bear, alone or together."""

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import chargebacks
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import reconciliation_questions, reconciliation_service
from gosellr.services.audit_service import audit
from gosellr.utils.reconciliation import Clearing, Resolution
from tests.factories.disputes import OPERATOR
from tests.factories.paypal import PayPalSale, sell
from tests.factories.sales import balances
from tests.integrations.paypal_api.account import Document, money
from tests.integrations.paypal_api.quarrels import decide, quarrel

MATCHED = ("matched", None, 0)


@pytest.fixture
async def sale(resources: Resources, connection: Connection, clock: ManualClock) -> PayPalSale:
    return await sell(resources, connection, clock)


def in_dispute(sale: PayPalSale, *, fee_minor: int = 0) -> Document:
    """All of it is disputed, for such a fee."""
    fee = {
        "affected_party": "SELLER" if fee_minor else "BUYER", "type": "DEBIT",
        "reason": "DISPUTE_FEE", "amount": money(fee_minor or 1, "EUR"),
    }  # fmt: skip
    return quarrel(sale.server.account, sale.capture, money_movements=[fee])


async def is_told_whole(sale: PayPalSale, *, charge_minor: int) -> None:
    """What PayPal told of the disputes is what the books have of them."""
    [standing] = await ask(
        sale.market.db, reconciliation_questions.standing, now=sale.market.clock.now()
    )
    assert standing.provider_minor + charge_minor == standing.clearing_minor
    assert (standing.waiting_count, standing.suspended_minor) == (0, 0)
    now = sale.market.clock.now()
    assert await audit(sale.connection, now=now, gateway_journals={}) == []


@pytest.mark.parametrize("named", ["dispute", "capture", "movement"])
async def test_taken_and_given_back_are_matched_by_any_name(sale: PayPalSale, named: str) -> None:
    clearing = (await balances(sale.connection))["gateway_clearing"]
    dispute = in_dispute(sale)
    await sale.report_all()
    about = dispute["dispute_id"] if named == "dispute" else sale.capture["id"]
    await sale.tell(("TAKEN", "T1201", -10_000, about))
    assert await sale.movements() == {"TAKEN": MATCHED}
    decide(sale.server.account, dispute, "RESOLVED_SELLER_FAVOUR")
    await sale.report_all()
    await sale.tell(("BACK", "T1202", 10_000, "TAKEN" if named == "movement" else about))
    assert await sale.movements() == {"TAKEN": MATCHED, "BACK": MATCHED}
    await is_told_whole(sale, charge_minor=clearing)


async def test_holds_and_their_ends_are_matched_with_what_was_taken(sale: PayPalSale) -> None:
    clearing = (await balances(sale.connection))["gateway_clearing"]
    dispute, capture = in_dispute(sale), sale.capture["id"]
    await sale.report_all()
    await sale.tell(("HOLD", "T1110", -10_000, capture))
    assert await sale.movements() == {"HOLD": MATCHED}
    decide(sale.server.account, dispute, "RESOLVED_BUYER_FAVOUR")
    await sale.report_all()
    # The end of the hold alone contradicts the books.
    await sale.tell(("END", "T1111", 10_000, capture))
    assert (await sale.movements())["END"] == ("unmatched", "unknown", 10_000)
    await sale.tell(("GONE", "T1106", -10_000, capture))
    assert await sale.movements() == {"HOLD": MATCHED, "END": MATCHED, "GONE": MATCHED}
    await is_told_whole(sale, charge_minor=clearing)


async def test_one_won_in_part_is_matched_by_what_came_back(sale: PayPalSale) -> None:
    clearing = (await balances(sale.connection))["gateway_clearing"]
    dispute, capture = in_dispute(sale), sale.capture["id"]
    await sale.report_all()
    await sale.tell(("TAKEN", "T1201", -10_000, capture))
    decide(sale.server.account, dispute, "RESOLVED_BUYER_FAVOUR", refunded=money(2_501, "EUR"))
    await sale.report_all()
    await sale.tell(("BACK", "T1202", 7_499, capture))
    assert await sale.movements() == {"TAKEN": MATCHED, "BACK": MATCHED}
    await is_told_whole(sale, charge_minor=clearing)


@pytest.mark.parametrize("first", ["report", "movement"])
async def test_a_fee_is_booked_once_whoever_tells_of_it_first(sale: PayPalSale, first: str) -> None:
    clearing = (await balances(sale.connection))["gateway_clearing"]
    dispute = in_dispute(sale)
    await sale.report_all()
    fee = {
        "affected_party": "SELLER", "type": "DEBIT", "reason": "CHARGEBACK_FEE",
        "amount": money(1_500, "EUR"),
    }  # fmt: skip

    async def by_report() -> None:
        dispute["money_movements"] = [fee]
        sale.server.account.note_dispute("UPDATED", dispute)
        await sale.report_all()

    async def by_movement() -> None:
        await sale.tell(
            ("TAKEN", "T1201", -10_000, sale.capture["id"]), ("FEE", "T0106", -1_500, "TAKEN")
        )
        await upkeep.read_movements(sale.market)

    steps = [by_report, by_movement]
    for step in steps if first == "report" else reversed(steps):
        await step()
        await step()
    assert await sale.booked("chargeback_fee") == [
        ("gateway_fee", "debit", 1_500), ("gateway_clearing", "credit", 1_500),
    ]  # fmt: skip
    assert await sale.movements() == {"TAKEN": MATCHED, "FEE": MATCHED}
    assert await chargebacks.book_fees_told(sale.market.refunds) == 0
    await is_told_whole(sale, charge_minor=clearing)


async def test_a_fee_of_two_disputes_that_names_neither_waits_for_a_person(
    sale: PayPalSale,
) -> None:
    half = money(5_000, "EUR")
    for _ in range(2):
        quarrel(sale.server.account, sale.capture, dispute_amount=half)
    await sale.report_all()
    before = await balances(sale.connection)
    await sale.tell(
        ("FEE", "T0106", -1_700, sale.capture["id"]), ("LESS", "T0106", -1_400, "PP-D-1")
    )
    await upkeep.read_movements(sale.market)
    assert await sale.movements() == {
        "FEE": ("unmatched", "unknown", -1_700), "LESS": ("unmatched", "unknown", -1_400),
    }  # fmt: skip
    assert await balances(sale.connection) == before
    await sale.tell(("MORE", "T0106", -1_600, "PP-D-2"))
    await upkeep.read_movements(sale.market)
    # That one says which is meant: its fee is known to be 15.00, and is 16.00 now.
    assert (await balances(sale.connection))["gateway_fee"] == before["gateway_fee"] + 100


@pytest.mark.parametrize("to_be_cleared", [True, False])
async def test_what_waited_in_suspense_leaves_it_once_the_dispute_is_heard_of(
    sale: PayPalSale, to_be_cleared: bool
) -> None:
    clearing = (await balances(sale.connection))["gateway_clearing"]
    amount_minor = -10_000 if to_be_cleared else -9_999
    await sale.tell(("TAKEN", "T1201", amount_minor, sale.capture["id"]))
    movement_id = await sale.connection.fetchval("SELECT id FROM provider_movement")
    await transact(
        sale.market.db, reconciliation_service.resolve, viewer=OPERATOR, movement_id=movement_id,
        resolution=Resolution.SUSPENSE, note="who knows", policy=sale.market.policy,
        now=sale.market.clock.now(),
    )  # fmt: skip
    assert (await balances(sale.connection))["suspense"] == -amount_minor
    in_dispute(sale)
    await sale.report_all()
    await transact(
        sale.market.db, reconciliation_service.match_again, gateway="paypal",
        now=sale.market.clock.now(),
    )  # fmt: skip
    found = await ask(
        sale.market.db, reconciliation_questions.find_movement, movement_id=movement_id
    )
    if not to_be_cleared:
        assert (await balances(sale.connection))["suspense"] == 9_999
        assert found.cleared_as is None
        return
    assert "suspense" not in await balances(sale.connection)
    assert (found.cleared_as, found.cleared_at) == (Clearing.CHARGEBACK, sale.market.clock.now())
    assert await sale.booked("suspense_cleared") == [
        ("gateway_clearing", "debit", 10_000), ("suspense", "credit", 10_000),
    ]  # fmt: skip
    await is_told_whole(sale, charge_minor=clearing)


async def test_what_was_read_as_a_fee_before_is_the_same_movement(sale: PayPalSale) -> None:
    dispute = in_dispute(sale)
    await sale.report_all()
    await sale.tell(
        ("FEE", "T0100", -1_500, dispute["dispute_id"]), ("OTHER", "T1100", -10_000, None)
    )
    assert {row[0] for row in (await sale.movements()).values()} == {"unmatched"}
    await sale.tell(
        ("FEE", "T0106", -1_500, dispute["dispute_id"]),
        ("OTHER", "T1110", -10_000, dispute["dispute_id"]),
    )
    await upkeep.read_movements(sale.market)
    assert await sale.movements() == {"FEE": MATCHED, "OTHER": MATCHED}
    for name in ("FEE", "NEW"):
        await sale.tell(("NEW", "T0100", -1_500, None))
        with pytest.raises(reconciliation_service.MovementContradicted):
            await sale.tell((name, "T0106", -1_501, dispute["dispute_id"]))
