"""When a job that failed is tried again."""

from datetime import UTC, datetime, timedelta

from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job

from gosellr.jobs.retries import ATTEMPTS_MAX, Backoff


def job(attempts: int) -> Job:
    return Job(
        id=1, queue="market", lock=None, queueing_lock=None, task_name="t", attempts=attempts
    )


def pause(attempts: int) -> timedelta | None:
    before = datetime.now(UTC)
    decision = Backoff().get_retry_decision(exception=ValueError(), job=job(attempts))
    return None if decision is None or decision.retry_at is None else decision.retry_at - before


def test_pauses_double_and_spread_by_half() -> None:
    for attempts in range(ATTEMPTS_MAX - 1):
        pauses = [pause(attempts) for _ in range(50)]
        full = timedelta(seconds=2**attempts)
        assert all(one is not None and one >= full / 2 for one in pauses)
        assert len(set(pauses)) > 1


def test_last_attempt_is_the_last() -> None:
    assert pause(ATTEMPTS_MAX - 2) is not None
    assert pause(ATTEMPTS_MAX - 1) is None


def test_shutdown_costs_no_attempt() -> None:
    decision = Backoff().get_retry_decision(exception=JobAborted(), job=job(ATTEMPTS_MAX))
    assert decision is not None
