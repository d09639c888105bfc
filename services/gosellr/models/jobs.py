"""What the job worker remembers beside its queue, whose tables are the library's own."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

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
