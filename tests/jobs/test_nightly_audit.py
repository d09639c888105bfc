"""Each night the market audits itself; what is wrong is kept for operators and cried out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.transact import ask, transact
from gosellr.jobs.audit import audit_and_remember, audit_nightly
from gosellr.resources import Resources
from gosellr.services.audit_questions import USUAL_LIMITS
from gosellr.services.audit_service import NAMES
from gosellr.services.ledger_service import book
from gosellr.services.work_queue_service import AuditResult, last_audit
from gosellr.utils.ledger import (
    BANK,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    gateway_clearing,
)
from tests.factories.ledger import BOOKED_AT, Sold


async def test_what_is_wrong_is_kept_and_cried_out(live: Resources) -> None:
    clock = ManualClock(datetime(2026, 3, 3, 2, 59, tzinfo=UTC))
    market = replace(live, clock=clock)

    async def said() -> AuditResult | None:
        await audit_nightly(market)
        return await ask(market.db, last_audit)

    with capture_logs() as calm:
        assert await said() is None
        clock.advance(timedelta(minutes=1))
        assert await said() == AuditResult(at=clock.now(), findings={})
    assert calm == []
    # A sale whose order isn't in the market; in this night nobody looks again.
    await transact(market.db, book, bookings=[Sold().sale()], now=BOOKED_AT)
    clock.advance(timedelta(minutes=20))
    assert await said() == AuditResult(at=clock.now() - timedelta(minutes=20), findings={})
    clock.advance(timedelta(days=1))
    with capture_logs() as logs:
        found = await said()
    assert found is not None
    assert found.at == clock.now()
    assert {entry["log_level"] for entry in logs} == {"error"}
    assert {entry["must_hold"]: entry["rows"] for entry in logs} == dict(found.findings)
    assert all(entry["first"] for entry in logs)
    # Told once, for whoever is to be written to; a night without findings tells nothing.
    async with market.db.connection() as connection:
        facts = await connection.fetch("SELECT data FROM outbox_event WHERE type = 'audit.found'")
    assert [fact["data"]["findings"] for fact in facts] == [found.findings]


async def test_an_audit_by_day_replaces_no_night_and_a_missed_night_is_made_up_for(
    live: Resources,
) -> None:
    clock = ManualClock(datetime(2026, 3, 3, 14, 0, tzinfo=UTC))
    market = replace(live, clock=clock, settings=live.settings.model_copy(update={"audit_hour": 4}))

    async def at(day: int, hour: int, minute: int = 0) -> datetime | None:
        clock.set(datetime(2026, 3, day, hour, minute, tzinfo=UTC))
        await audit_nightly(market)
        last = await ask(market.db, last_audit)
        return None if last is None else last.at

    assert await at(3, 14) is None, "the first night hasn't come"
    by_day = clock.now()
    await audit_and_remember(market.db, gateways=market.gateways, now=by_day)
    assert await at(4, 3, 59) == by_day
    night = datetime(2026, 3, 4, 4, tzinfo=UTC)
    assert await at(4, 4) == night
    assert await at(4, 4, 20) == night
    assert await at(4, 23, 59) == night
    # The market stood still in the night of the 5th.
    assert await at(5, 9) == datetime(2026, 3, 5, 9, tzinfo=UTC)
    assert await at(6, 3, 59) == datetime(2026, 3, 5, 9, tzinfo=UTC)
    assert await at(6, 4) == datetime(2026, 3, 6, 4, tzinfo=UTC)


async def test_the_market_says_how_long_a_settlement_may_take(live: Resources) -> None:
    assert Settings.model_fields["settlement_days"].default == USUAL_LIMITS.settlement.days
    clock = ManualClock(datetime(2026, 3, 3, 3, 0, tzinfo=UTC))
    short = live.settings.model_copy(update={"settlement_days": 5})
    market = replace(live, clock=clock, settings=short)
    draft = TransactionDraft(
        kind=TransactionKind.SETTLEMENT,
        entries=(
            Entry(gateway_clearing("stripe"), Direction.DEBIT, 10_000, "EUR"),
            Entry(BANK, Direction.CREDIT, 10_000, "EUR"),
        ),
    )
    held = Sold().booking(draft, key="held")
    await transact(market.db, book, bookings=[held], now=clock.now())

    async def stuck() -> int:
        await audit_nightly(market)
        last = await ask(market.db, last_audit)
        assert last is not None
        assert last.at == clock.now()
        return dict(last.findings).get(NAMES[24], 0)

    assert await stuck() == 0
    clock.advance(timedelta(days=5))
    assert await stuck() == 0
    clock.advance(timedelta(days=1))
    assert await stuck() == 1
