"""The job tables of procrastinate, polled instead of notified, and where the relay begins.

Revision ID: 0003
Revises: 0002
"""

from pathlib import Path
from typing import Any

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA_FILE = Path(__file__).with_name("procrastinate_3_10.sql")

# NOTIFY takes a lock that lets only one transaction of the whole cluster commit at a time.
QUIET = """
ALTER TABLE procrastinate_jobs
    DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1,
    DISABLE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1
"""

# The library asks for each candidate whether an older job holds its lock: by this, in one step.
WAITING_BY_LOCK = """
CREATE INDEX ix_procrastinate_jobs_waiting_lock ON procrastinate_jobs (lock, id)
WHERE status IN ('todo', 'doing')
"""

DEAD = """
CREATE INDEX ix_procrastinate_jobs_dead ON procrastinate_jobs (id) WHERE status = 'failed'
"""

RELAY = """
INSERT INTO outbox_cursor (consumer, written_by, written_before, sequence, position, updated_at)
VALUES ('relay', '0', '0', 0, 0, CURRENT_TIMESTAMP)
"""

DROP = """
DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs,
    procrastinate_workers CASCADE;
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'procrastinate%'
    LOOP
        EXECUTE 'DROP FUNCTION ' || routine || ' CASCADE';
    END LOOP;
END $$;
DROP TYPE procrastinate_job_to_defer_v1;
DROP TYPE procrastinate_job_status;
DROP TYPE procrastinate_job_event_type;
"""


def _run_script(script: str) -> None:
    """Run many statements at once, which a prepared statement can't, in this transaction."""
    connection: Any = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(script))


def upgrade() -> None:
    _run_script(SCHEMA_FILE.read_text())
    op.execute(QUIET)
    op.execute(WAITING_BY_LOCK)
    op.execute(DEAD)
    op.execute(RELAY)


def downgrade() -> None:
    op.execute("DELETE FROM outbox_cursor WHERE consumer = 'relay'")
    _run_script(DROP)
