"""The sandbox under many hands: threads, processes, and processes that are killed."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.sandbox import FILE_NAME, SandboxGateway
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile

SERVICES = Path(__file__).resolve().parents[2] / "services"


def charge_of(attempt_id: str, *, capture: bool = True) -> ChargeRequest:
    return ChargeRequest(
        attempt_id=attempt_id,
        amount_minor=100,
        currency="EUR",
        token="tok_ok",
        reference="order-1",
        capture=capture,
    )


def refund_of(refund_id: str, amount_minor: int) -> RefundRequest:
    return RefundRequest(
        refund_id=refund_id, attempt_id="attempt-1", amount_minor=amount_minor, currency="EUR"
    )


def work_in_child(home: str, worker: int) -> None:
    """Charges the same attempts as its brothers and tries to refund 7 of 100, over and over."""

    async def work() -> None:
        gateway = SandboxGateway(Path(home), production=False)
        for number in range(40):
            await gateway.charge(charge_of(f"attempt-{number}"))
            await gateway.refund(refund_of(f"refund-{worker}-{number}", 7))
            await gateway.refund(refund_of(f"shared-{number}", 1))
        gateway.close()

    asyncio.run(work())


@pytest.mark.case(15)
def test_case_15_processes_share_one_truth(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    children = [
        context.Process(target=work_in_child, args=(str(tmp_path), worker)) for worker in range(4)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
    gateway = SandboxGateway(tmp_path, production=False)
    charges = {charge.attempt_id: charge for charge in asyncio.run(gateway.journal())}
    gateway.close()
    assert len(charges) == 40
    assert {charge.captured_minor for charge in charges.values()} == {100}
    with sqlite3.connect(tmp_path / FILE_NAME) as file:
        accepted = file.execute(
            "SELECT sum(amount_minor) FROM movement"
            " WHERE kind = 'refund' AND outcome = 'accepted' AND attempt_id = 'attempt-1'"
        ).fetchone()
        events = file.execute("SELECT count(*), count(DISTINCT event_id) FROM webhook").fetchone()
        refunds = file.execute("SELECT count(*) FROM movement WHERE kind = 'refund'").fetchone()
    file.close()
    assert accepted[0] == charges["attempt-1"].refunded_minor
    assert 94 <= charges["attempt-1"].refunded_minor <= 100
    assert events[0] == events[1] == 40 + refunds[0]


@pytest.mark.case(22)
async def test_case_22_twenty_threads_with_one_key_make_one_charge(tmp_path: Path) -> None:
    gateway = SandboxGateway(tmp_path, production=False)

    def in_thread() -> tuple[Outcome, Outcome]:
        async def both() -> tuple[Outcome, Outcome]:
            charged = await gateway.charge(charge_of("attempt-1"))
            refunded = await gateway.refund(refund_of("refund-1", 60))
            return charged.outcome, refunded.outcome

        return asyncio.run(both())

    answers = await asyncio.gather(*(asyncio.to_thread(in_thread) for _ in range(20)))
    assert set(answers) == {(Outcome.ACCEPTED, Outcome.ACCEPTED)}
    (charge,) = await gateway.journal()
    assert (charge.captured_minor, charge.refunded_minor) == (100, 60)
    assert len(await gateway.pending_webhooks()) == 2
    gateway.close()


CHARGE_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from gosellr.integrations.payments.port import ChargeRequest
from gosellr.integrations.payments.sandbox import SandboxGateway

async def work():
    gateway = SandboxGateway(Path(sys.argv[1]), production=False, fee_bps=140)
    number = 0
    while True:
        answer = await gateway.charge(ChargeRequest(
            attempt_id=f"{sys.argv[2]}-{number}", amount_minor=100, currency="EUR",
            token="tok_ok", reference="order"))
        assert answer.outcome == "accepted"
        sys.stdout.write(f"{sys.argv[2]}-{number}\\n")
        sys.stdout.flush()
        number += 1

asyncio.run(work())
"""


@pytest.mark.case(18)
def test_case_18_killed_in_the_middle_the_journal_holds_every_answer_whole(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for run in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", CHARGE_UNTIL_KILLED, str(tmp_path), f"run{run}"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SERVICES)},
            text=True,
        )
        assert child.stdout is not None
        for _ in range(30 + 61 * run):
            acknowledged.add(child.stdout.readline().strip())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read()
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        # The last line may be cut short by the kill; it acknowledged nothing then.
        acknowledged |= set(rest[: rest.rfind("\n") + 1].split())
    with sqlite3.connect(tmp_path / FILE_NAME) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        stored = {row[0] for row in file.execute("SELECT attempt_id FROM charge")}
        half_done = file.execute(
            "SELECT count(*) FROM charge LEFT JOIN movement ON movement_id = charge.attempt_id"
            " AND kind = 'capture' WHERE movement.fee_minor IS NOT charge.fee_minor"
        ).fetchone()
        unreported = file.execute(
            "SELECT (SELECT count(*) FROM charge) - (SELECT count(*) FROM webhook)"
        ).fetchone()
    file.close()
    assert len(acknowledged) >= 760
    assert acknowledged <= stored
    assert len(stored - acknowledged) <= 5
    assert (half_done, unreported) == ((0,), (0,))


async def test_a_file_that_stays_locked_is_an_unknown_and_writes_nothing(tmp_path: Path) -> None:
    gateway = SandboxGateway(tmp_path, production=False, timeout_seconds=0.02)
    blocker = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert (await gateway.charge(charge_of("attempt-1"))).outcome is Outcome.UNKNOWN
    assert (await gateway.refund(refund_of("refund-1", 1))).outcome is Outcome.UNKNOWN
    assert (await gateway.void(attempt_id="attempt-1")).outcome is Outcome.UNKNOWN
    with pytest.raises(FileBusy):
        await gateway.mark_delivered(sequence=1)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert (await gateway.lookup(attempt_id="attempt-1")).outcome is Outcome.NOT_FOUND
    assert (await gateway.charge(charge_of("attempt-1"))).outcome is Outcome.ACCEPTED
    gateway.close()


async def test_a_failed_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    file = SqliteFile(
        tmp_path / "a.sqlite",
        schema=("CREATE TABLE IF NOT EXISTS one (value INTEGER CHECK (value > 0))",),
        timeout_seconds=1,
    )

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO one VALUES (1)")
        connection.execute("INSERT INTO one VALUES (0)")

    with pytest.raises(sqlite3.IntegrityError):
        await file.write(half)
    count = await file.read(lambda connection: connection.execute("SELECT * FROM one").fetchall())
    assert count == []
    assert (tmp_path / "a.sqlite").stat().st_mode & 0o777 == 0o600
    file.close()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["capture", "part", "refund", "void"]),
        st.integers(min_value=0, max_value=5),
        st.integers(min_value=1, max_value=120),
    ),
    max_size=20,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS, capture=st.booleans())
def test_no_sequence_of_commands_breaks_the_sums(
    steps: list[tuple[str, int, int]], capture: bool
) -> None:
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(run_history(Path(home), steps, capture=capture))


async def run_history(home: Path, steps: list[tuple[str, int, int]], *, capture: bool) -> None:
    gateway = SandboxGateway(home, production=False, fee_bps=300)
    await gateway.charge(charge_of("attempt-1", capture=capture))
    accepted: dict[tuple[str, int], int] = {}
    for kind, key, amount_minor in steps:
        if kind == "void":
            await gateway.void(attempt_id="attempt-1")
            continue
        noun = "refund" if kind == "refund" else "capture"
        if noun == "refund":
            answer = await gateway.refund(refund_of(f"r{key}", amount_minor))
        else:
            answer = await gateway.capture(
                CaptureRequest(
                    capture_id=f"c{key}",
                    attempt_id="attempt-1",
                    amount_minor=amount_minor,
                    currency="EUR",
                    final=kind == "capture",
                )
            )
        if answer.outcome is Outcome.ACCEPTED:
            # A key moves one amount, once; hearing "accepted" again adds nothing.
            assert accepted.setdefault((noun, key), answer.amount_minor) == answer.amount_minor
    (charge,) = await gateway.journal()
    captured_minor = (100 if capture else 0) + sum(
        amount for (noun, _), amount in accepted.items() if noun == "capture"
    )
    refunded_minor = sum(amount for (noun, _), amount in accepted.items() if noun == "refund")
    assert (charge.captured_minor, charge.refunded_minor) == (captured_minor, refunded_minor)
    assert 0 <= refunded_minor <= captured_minor <= 100
    assert (charge.state is PaymentState.VOIDED) <= (captured_minor == 0)
    gateway.close()


COUNTING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
print(connection.execute("SELECT count(*) FROM entry").fetchone()[0])
connection.close()
"""


def counted_by_another_process(path: Path) -> int:
    command = [sys.executable, "-c", COUNTING, str(path)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_second_connection_of_a_process_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "twice.sqlite"
    schema = ("CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY)",)
    first, second = (SqliteFile(path, schema=schema, timeout_seconds=1) for _ in range(2))
    first.write_now(lambda connection: connection.execute("INSERT INTO entry DEFAULT VALUES"))
    asyncio.run(second.read(lambda connection: connection.execute("SELECT 1").fetchone()))
    # Who closes a file as the last one removes its -wal: another process must not think it is.
    assert counted_by_another_process(path) == 1
    first.write_now(lambda connection: connection.execute("INSERT INTO entry DEFAULT VALUES"))
    assert counted_by_another_process(path) == 2
    second.close()
    assert counted_by_another_process(path) == 2
    first.close()
    assert counted_by_another_process(path) == 2
    assert path.stat().st_mode & 0o777 == 0o600
