"""Which version of the market's terms a reader sees, told by the database itself.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("tax_rate", "shipping_zone", "shipping_rate", "commission_rule")

# A number that counts could come twice, for other terms: after a rollback, or where a standby or a
# backup takes over that hadn't heard of the last change. So it is a random one.
RENEW = """
CREATE FUNCTION renew_terms_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Its lock is held until the commit: changes become visible one after the other.
    UPDATE terms_version SET version = gen_random_uuid() WHERE id = 1;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "terms_version",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_terms_version_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms_version")),
    )
    op.execute("INSERT INTO terms_version (id, version) VALUES (1, gen_random_uuid())")
    op.execute(RENEW)
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} FOR EACH STATEMENT EXECUTE FUNCTION renew_terms_version()"
        )


def downgrade() -> None:
    op.execute("DROP FUNCTION renew_terms_version() CASCADE")
    op.drop_table("terms_version")
