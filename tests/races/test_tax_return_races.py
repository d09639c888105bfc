"""Tax returns at once: each month handed in once, and one payment prepared."""

import asyncio
from datetime import UTC, datetime

from gosellr.core.clock import ManualClock
from gosellr.core.transact import transact
from gosellr.jobs.audit import audit_market
from gosellr.models.tax_return_values import FiledReturn
from gosellr.resources import Resources
from gosellr.services import adjustment_service, tax_filing_service
from gosellr.utils.tax_periods import parse_tax_period
from gosellr.utils.viewer import Viewer
from tests.factories.balances import approve, prepare
from tests.factories.sales import buy
from tests.factories.stored_value import operator
from tests.factories.tax_returns import taxed
from tests.races.test_payout_races import waits_or_ends
from tests.races.test_refund_races import outcomes


async def hand_in(live: Resources, viewer: Viewer, period: str) -> FiledReturn:
    return await transact(
        live.db,
        tax_filing_service.file,
        viewer=viewer,
        period=parse_tax_period(period),
        jurisdiction="DE",
        currency="EUR",
        reference="",
        vat_jurisdiction=live.policy.commission_vat_jurisdiction,
        now=live.clock.now(),
    )


async def pay(live: Resources, viewer: Viewer, filed: FiledReturn) -> FiledReturn:
    return await transact(
        live.db,
        tax_filing_service.pay,
        viewer=viewer,
        tax_return_id=filed.id,
        kept_for=live.policy.idempotency_kept_for,
        now=live.clock.now(),
    )


async def test_a_month_is_handed_in_once_and_its_payment_prepared_once(
    live: Resources, clock: ManualClock
) -> None:
    await buy(live, (await transact(live.db, taxed), 1))
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    people = [await operator(live) for _ in range(4)]
    asked = ("2026-Q1", "2026-03", "2026-Q1", "2026-03")
    seen = await outcomes(
        *(hand_in(live, one, period) for one, period in zip(people, asked, strict=True))
    )
    assert seen == {"done": 1, "tax_return_filed": 3}
    async with live.db.connection() as connection:
        [row] = await connection.fetch("SELECT id, due_minor FROM tax_return")
        assert row["due_minor"] == 2_050
        filed = await tax_filing_service.find(connection, tax_return_id=row["id"])
    seen = await outcomes(*(pay(live, one, filed) for one in people))
    assert seen == {"done": 1, "tax_payment_prepared": 3}
    async with live.db.connection() as connection:
        [prepared] = await connection.fetch("SELECT id, prepared_by FROM adjustment")
    seconds = [one for one in people if one.user_id != prepared["prepared_by"]]
    seen = await outcomes(*(approve(live, prepared["id"], viewer=one) for one in seconds))
    assert seen == {"done": 1, "adjustment_not_open": 2}
    async with live.db.connection() as connection:
        paid = await connection.fetch(
            "SELECT direction, amount_minor FROM ledger_entry WHERE account = 'bank'"
        )
    assert [tuple(one) for one in paid] == [("credit", 2_050)]
    assert await audit_market(live.db, gateways=live.gateways, now=clock.now()) == []


async def test_a_payment_waits_for_what_is_booked_by_hand_and_sees_it(
    live: Resources, clock: ManualClock
) -> None:
    await buy(live, (await transact(live.db, taxed), 1))
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    prepared = await pay(live, await operator(live), await _filed(live))
    by_hand = await prepare(live, ("tax_payable:DE", "debit", 2_050), ("bank", "credit", 2_050))
    second = await operator(live)
    assert prepared.adjustment_id is not None
    async with live.db.connection() as connection, connection.transaction():
        await adjustment_service.approve(
            connection, viewer=second, adjustment_id=by_hand.id, now=clock.now()
        )
        paying = asyncio.create_task(outcomes(approve(live, prepared.adjustment_id, viewer=second)))
        await waits_or_ends(live, paying)
    assert await paying == {"tax_paid_by_hand": 1}
    async with live.db.connection() as connection:
        paid = await connection.fetchval(
            "SELECT sum(amount_minor)::bigint FROM ledger_entry WHERE account = 'bank'"
        )
    assert paid == 2_050


async def _filed(live: Resources) -> FiledReturn:
    return await hand_in(live, await operator(live), "2026-Q1")
