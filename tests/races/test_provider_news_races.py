"""What several hear of at once from a provider: booked by one of them, and once."""

from gosellr.core.transact import ask, transact
from gosellr.models.dispute_values import ReportedChargeback
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import (
    chargeback_fees,
    chargeback_service,
    provider_refund_service,
    reconciliation_service,
)
from gosellr.services.audit_service import audit
from gosellr.services.provider_refund_service import ToldRefund
from gosellr.utils.reconciliation import MovementKind
from tests.factories.disputes import delivered, take_back
from tests.factories.sales import balances, make_buyer, make_shop, read, refund
from tests.races.test_refund_races import outcomes

ROUNDS = 4


async def is_sound(live: Resources) -> None:
    # Of what went back at a provider without us, the sandbox's own journal knows nothing.
    assert await ask(live.db, audit, now=live.clock.now(), gateway_journals={}) == []


async def test_a_refund_made_elsewhere_that_is_heard_of_by_many(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    for turn in range(ROUNDS):
        shop = await transact(live.db, make_shop, price_minor=1_000)
        order = await delivered(live, (shop, 1), buyer=buyer)
        told = ToldRefund(
            payment_id=order.payments[0].id, gateway="sandbox", gateway_reference=f"R{turn}",
            amount_minor=600, currency="EUR",
        )  # fmt: skip

        async def hear(told: ToldRefund = told) -> bool:
            return await transact(
                live.db, provider_refund_service.record, told=told, policy=live.policy,
                now=live.clock.now(),
            )  # fmt: skip

        rivals = [*(hear() for _ in range(3)), refund(live, order, shop, amount_minor=600)]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        # Together they are more than was paid: one of the two has its way, and wholly.
        after = await read(live, order)
        assert (after.refunded_minor, after.payments[0].refunded_minor) == (600, 600)
        assert seen["done"] in (1, 3)
    await is_sound(live)


async def test_a_fee_that_a_report_and_a_movement_tell_at_once(live: Resources) -> None:
    buyer = await transact(live.db, make_buyer)
    for turn in range(ROUNDS):
        shop = await transact(live.db, make_shop, price_minor=1_000)
        order = await delivered(live, (shop, 1), buyer=buyer)
        reference = await take_back(live, order)
        now = live.clock.now()
        fee = NewMovement(
            reference=f"F{turn}", kind=MovementKind.CHARGEBACK, currency="EUR", amount_minor=0,
            fee_minor=150, related=reference, occurred_at=now,
        )  # fmt: skip
        await transact(
            live.db, reconciliation_service.import_movements, gateway="sandbox",
            source="document", movements=[fee], imported_by=None, now=now,
        )  # fmt: skip
        reported = ReportedChargeback(
            payment_id=order.payments[0].id, gateway="sandbox", gateway_reference=reference,
            amount_minor=1_000, currency="EUR", fee_minor=150, reason="fraudulent",
            status="open", evidence_due_at=None, opened_at=now,
        )  # fmt: skip
        [*_, chargeback_id] = await ask(live.db, chargeback_fees.told_apart, gateway="sandbox")
        before = (await ask(live.db, balances)).get("gateway_clearing", 0)
        rivals = [
            *(
                transact(live.db, chargeback_fees.book_told, chargeback_id=chargeback_id,
                         policy=live.policy, now=now)
                for _ in range(2)
            ),
            *(
                transact(live.db, chargeback_service.record, reported=reported,
                         policy=live.policy, now=now)
                for _ in range(2)
            ),
        ]  # fmt: skip
        if turn % 2:
            rivals.reverse()
        assert await outcomes(*rivals) == {"done": 4}
        assert (await ask(live.db, balances)).get("gateway_clearing", 0) == before - 150
        await transact(live.db, reconciliation_service.match_again, gateway="sandbox", now=now)
    await is_sound(live)
