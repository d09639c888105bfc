"""A seller's long past is read by nobody who pays it out or tells its month.

Real commits, since what is over is told by what ran when it was written.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.flows import documents
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import upkeep
from gosellr.queries import payouts as queries
from gosellr.queries import period_figures as figure_queries
from gosellr.resources import Resources
from gosellr.services import ledger_service, period_figures
from gosellr.services.ledger_service import Booking
from gosellr.services.period_figures import PeriodFigures
from gosellr.utils.documents import month_bounds
from gosellr.utils.ledger import (
    GOODWILL_COST,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    seller_available,
)
from gosellr.utils.payouts import PayoutStatus
from gosellr.utils.statement_figures import POT_OF_ACCOUNT
from tests.factories.payouts import earn, pay, reread
from tests.factories.plans import rows_read
from tests.factories.sales import Shop, make_commission, refund
from tests.races.test_payout_races import a_shop, is_sound, owes

PAST = 2000


def gifts(live: Resources, shop: Shop, count: int) -> list[Booking]:
    """So many entries of a minor unit each."""
    entries = (
        Entry(GOODWILL_COST, Direction.DEBIT, 1, "EUR"),
        Entry(seller_available(shop.seller.id), Direction.CREDIT, 1, "EUR"),
    )
    return [
        Booking(
            draft=TransactionDraft(TransactionKind.RECONCILED, entries),
            cause_type="test",
            cause_id=new_id(),
            idempotency_key=uuid4().hex,
            actor="test",
            effective_at=live.clock.now(),
        )
        for _ in range(count)
    ]


async def given(live: Resources, shop: Shop, *, count: int) -> None:
    """Book them."""
    await transact(
        live.db, ledger_service.book, bookings=gifts(live, shop, count), now=live.clock.now()
    )


async def analyzed(connection: Connection) -> None:
    """Let the planner know what there is, as the database does by itself."""
    await connection.execute("ANALYZE ledger_entry, payout, payout_entry")


async def settled(live: Resources) -> None:
    """Wait until nothing runs any more, in this cluster, that began before now: what is read is
    reckoned from the oldest that runs, and other tests' transactions run beside this one."""
    async with live.db.connection() as connection:
        mark = await connection.fetchval("SELECT pg_current_xact_id()::text")
        while not await connection.fetchval(  # noqa: ASYNC110 - nobody tells us
            "SELECT pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8", mark
        ):
            await asyncio.sleep(0.05)


async def looked_at(live: Resources, shop: Shop) -> int:
    """How many entries the next payout of a shop reads."""

    async def explain(connection: Connection) -> int:
        last = await connection.fetchrow("SELECT * FROM payout ORDER BY created_at DESC LIMIT 1")
        assert last is not None
        made: dict[str, Any] = {
            **{name: last[name] for name in ("seller_id", "currency", "amount_minor", "status",
                                             "provider", "destination_id", "origin", "batch_id",
                                             "requested_by", "created_at", "check_at")},
            "id": new_id(),
        }  # fmt: skip
        account = seller_available(shop.seller.id)
        return await rows_read(
            connection, queries.OPEN, made, account, "EUR", None, of="ledger_entry"
        )

    return await ask(live.db, explain)


async def test_a_payout_reads_what_was_written_since_the_last(live: Resources) -> None:
    shop = await a_shop(live)
    await given(live, shop, count=PAST)
    await settled(live)
    assert (await pay(live, shop)).amount_minor == PAST
    await transact(live.db, analyzed)
    await earn(live, shop)
    # Each is read by the range, and once more by its id; the first payout read thousands.
    assert await looked_at(live, shop) < 40
    assert (await pay(live, shop)).amount_minor == 1000
    assert await owes(live, shop) == {}


async def test_what_a_payout_that_failed_late_had_claimed_is_found_by_the_next(
    live: Resources, clock: ManualClock
) -> None:
    """Sent back by its bank after another one was paid, and again after a third."""
    shop = await a_shop(live, Behaviour.RETURN)
    await given(live, shop, count=50)
    first = await pay(live, shop)
    clock.advance(timedelta(days=1, hours=1))
    await given(live, shop, count=60)
    second = await pay(live, shop)
    assert (first.amount_minor, second.amount_minor) == (50, 60)
    clock.advance(timedelta(days=1))
    await upkeep.resume_payouts(live)
    assert (await reread(live, first)).status is PayoutStatus.FAILED
    assert (await reread(live, second)).status is PayoutStatus.PAID
    third = await pay(live, shop)
    assert third.amount_minor == 50
    clock.advance(timedelta(days=1))
    await upkeep.resume_payouts(live)
    assert (await reread(live, second)).status is PayoutStatus.FAILED
    assert (await pay(live, shop)).amount_minor == 60
    await is_sound(live)


async def test_what_began_before_a_payout_and_ended_after_it_is_paid_by_the_next(
    live: Resources,
) -> None:
    """Its entries bear an older number than those that were claimed, and are no less free."""
    shop = await a_shop(live)
    async with live.db.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("SELECT pg_current_xact_id()")
        await given(live, shop, count=10)
        assert (await pay(live, shop)).amount_minor == 10
        await ledger_service.book(slow, bookings=gifts(live, shop, 7), now=live.clock.now())
        await transaction.commit()
    await given(live, shop, count=5)
    assert (await pay(live, shop)).amount_minor == 12
    await is_sound(live)


async def test_a_month_reads_what_was_booked_since_the_last_closed_one(
    live: Resources, clock: ManualClock
) -> None:
    await transact(live.db, make_commission)
    shop = await a_shop(live)
    await given(live, shop, count=PAST)
    await settled(live)
    # March, April and May are closed, each a day after its end.
    for month in (4, 5, 6):
        clock.advance(datetime(2026, month, 2, tzinfo=UTC) - clock.now())
        await documents.close_months(live.documents)
        sold = await earn(live, shop)
    await refund(live, sold, shop, units=1)
    await transact(live.db, analyzed)
    clock.advance(timedelta(days=1))
    own = [f"{kind}:{shop.seller.id}" for kind in POT_OF_ACCOUNT]
    since, until = month_bounds("2026-06")

    async def read(connection: Connection) -> tuple[int, int]:
        known = await period_figures.known_before(
            connection, seller_id=shop.seller.id, period="2026-06"
        )
        assert known is not None
        assert known.until == since
        # March's thousands, and what was earned in April and May until its end.
        assert sum(known.held.values()) == PAST + 2 * 880
        changes = await rows_read(
            connection,
            figure_queries.OWN_CHANGES,
            own,
            since,
            until,
            known.until,
            known.written_from,
            of="ledger_entry",
        )
        kept = await rows_read(
            connection,
            figure_queries.DEDUCTIONS,
            shop.seller.id,
            since,
            until,
            own,
            known.written_from,
            of="ledger_entry",
        )
        return changes, kept

    changes, kept = await ask(live.db, read)
    assert changes < 40
    assert kept < 80
    [month] = await ask(live.db, _june, shop=shop, vat=live.policy.commission_vat_jurisdiction)
    assert month.figures.opening_minor == month.figures.closing_minor == PAST + 2 * 880
    # What was kept of June's sale went back with it.
    assert [(one.key, one.amount_minor) for one in month.figures.groups] == [
        ("sales", 1000), ("commission", -100), ("commission_vat", -20),
        ("refunds", -1000), ("commission_returned", 100), ("commission_vat_returned", 20),
    ]  # fmt: skip
    await is_sound(live)


async def _june(connection: Connection, *, shop: Shop, vat: str) -> list[PeriodFigures]:
    """June as it stands, once from what is known and once from the first entry: they are one."""
    since, until = month_bounds("2026-06")
    known = await period_figures.known_before(
        connection, seller_id=shop.seller.id, period="2026-06"
    )
    short, whole = [
        await period_figures.read(
            connection,
            seller_id=shop.seller.id,
            since=since,
            until=until,
            vat_jurisdiction=vat,
            known=one,
        )
        for one in (known, None)
    ]
    assert short == whole
    return short
