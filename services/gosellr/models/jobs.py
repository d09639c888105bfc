"""What the job worker remembers beside its queue, whose tables are the library's own."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

from gosellr.models.base import metadata, moment, words

job_failure = Table(
    "job_failure",
    metadata,
    # No foreign key: the queue deletes its rows when a job succeeds, cleaning follows later.
    Column("job_id", BigInteger, primary_key=True),
    Column("attempt", Integer, nullable=False),
    words("error"),
    moment("failed_at"),
)

periodic_work = Table(
    "periodic_work",
    metadata,
    Column("name", Text, primary_key=True),
    # Whoever moves this forward puts the work into the queue: one worker of them all.
    moment("due_at"),
)

sweep_delay = Table(
    "sweep_delay",
    metadata,
    # What a sweep tried in vain, and until when it leaves it alone: whatever is due behind it has
    # its turn.
    Column("sweep", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    moment("until"),
    CheckConstraint("failures > 0", name="failures_positive"),
    Index("ix_sweep_delay_until", "until"),
)
