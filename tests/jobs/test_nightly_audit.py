"""Each night the market audits itself; what is wrong is kept for operators and cried out."""

from structlog.testing import capture_logs

from gosellr.core.transact import ask, transact
from gosellr.jobs.audit import audit_nightly
from gosellr.resources import Resources
from gosellr.services.ledger_service import book
from gosellr.services.work_queue_service import last_audit
from tests.factories.ledger import BOOKED_AT, Sold


async def test_what_is_wrong_is_kept_and_cried_out(live: Resources) -> None:
    with capture_logs() as calm:
        await audit_nightly(live)
    assert calm == []
    said = await ask(live.db, last_audit)
    assert said is not None
    assert said.findings == {}
    # A sale whose order isn't in the market.
    await transact(live.db, book, bookings=[Sold().sale()], now=BOOKED_AT)
    with capture_logs() as logs:
        await audit_nightly(live)
    assert {entry["log_level"] for entry in logs} == {"error"}
    said = await ask(live.db, last_audit)
    assert said is not None
    assert {entry["must_hold"]: entry["rows"] for entry in logs} == dict(said.findings)
    assert all(entry["first"] for entry in logs)
