"""The newest migrations can be taken back and made again; what can't be kept is refused."""

from collections.abc import Callable

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from gosellr.core.embedded_postgres import Cluster
from gosellr.migrations.alembic_run import alembic_config
from gosellr.migrations.revisions import head_revision

# As far as a release that went wrong is taken back; further is a restored dump.
OLDEST = "0034"

SHAPE = """
SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'gosellr'::regnamespace AND contype <> 't'
UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'gosellr'
UNION ALL SELECT oid::regprocedure::text, prosrc FROM pg_proc
          WHERE pronamespace = 'gosellr'::regnamespace AND probin IS NULL
UNION ALL SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger
          WHERE NOT tgisinternal
UNION ALL SELECT attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod)
          || attnotnull || coalesce(pg_get_expr(adbin, adrelid), '')
          FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
          WHERE attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r'
                             AND relnamespace = 'gosellr'::regnamespace)
            AND attnum > 0 AND NOT attisdropped
ORDER BY 1, 2
"""
# One payment whose capture came short and went back. Its order needn't be there.
PIECE = """
SET session_replication_role = replica;
INSERT INTO gosellr.payment_return
       (id, payment_id, capture_id, amount_minor, reason, status, created_at)
VALUES (gen_random_uuid(), gen_random_uuid(), {capture}, 675, 'short_payment', 'succeeded', now());
RESET session_replication_role
"""


def _shape(dsn: str) -> list[tuple[str, str]]:
    with psycopg.connect(dsn, options="-c search_path=gosellr,public") as connection:
        return [(str(name), str(text)) for name, text in connection.execute(SHAPE)]


def _go(dsn: str, move: Callable[..., None], revision: str) -> None:
    engine = create_engine(
        dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        connect_args={"options": "-c search_path=gosellr,public"},
        poolclass=NullPool,
    )
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        move(config, revision)


def _kept(dsn: str) -> tuple[str, list[int]]:
    with psycopg.connect(dsn) as connection:
        [(revision,)] = connection.execute("SELECT version_num FROM gosellr.alembic_version")
        rows = connection.execute("SELECT amount_minor FROM gosellr.payment_return")
        return revision, [row[0] for row in rows]


def test_the_newest_migrations_are_taken_back_and_made_again(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    dsn = cluster.dsn(database=fresh_database("round trip"))
    with psycopg.connect(dsn) as connection:
        connection.execute(PIECE.format(capture="NULL"))
    before = _shape(dsn)
    assert len(before) > 500
    _go(dsn, command.downgrade, OLDEST)
    assert _kept(dsn) == (OLDEST, [675])
    assert _shape(dsn) != before
    _go(dsn, command.upgrade, "head")
    assert _kept(dsn) == (head_revision(), [675])
    assert _shape(dsn) == before


def test_a_piece_of_a_charge_that_went_back_is_not_made_into_all_of_it(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    dsn = cluster.dsn(database=fresh_database("no way back"))
    with psycopg.connect(dsn) as connection:
        connection.execute(PIECE.format(capture="gen_random_uuid()"))
    with pytest.raises(RuntimeError, match="1 capture went back alone"):
        _go(dsn, command.downgrade, OLDEST)
    assert _kept(dsn) == (head_revision(), [675])
