"""Proposals: what takes effect by the word of a second person alone.

Revision ID: 0031
Revises: 0030
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Once decided, a proposal stays as it was decided; and until then nobody rewrites what another
# one is about to agree to.
GUARD = """
CREATE FUNCTION guard_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'prepared'
       OR (NEW.status = 'prepared' AND NEW.secret_encrypted IS DISTINCT FROM OLD.secret_encrypted)
       OR (NEW.kind, NEW.subject, NEW.reason, NEW.wish, NEW.seller_ids, NEW.prepared_by,
           NEW.prepared_at)
          IS DISTINCT FROM
          (OLD.kind, OLD.subject, OLD.reason, OLD.wish, OLD.seller_ids, OLD.prepared_by,
           OLD.prepared_at)
    THEN
        RAISE EXCEPTION 'proposal % is only ever decided, once', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    checks = {
        "kind_known": (
            "kind IN ('commission_rule_new', 'commission_rule_change', 'commission_rule_end',"
            " 'receipt', 'receipt_assignment', 'receipt_return', 'suspense_clearing',"
            " 'shop_owner')"
        ),
        "status_known": "status IN ('prepared', 'approved', 'rejected')",
        "decided_by_another": "decided_by <> prepared_by",
        "decided_by_somebody": (
            "(status = 'prepared') = (decided_by IS NULL)"
            " AND (status = 'prepared') = (decided_at IS NULL)"
        ),
        "secret_while_it_waits": "status = 'prepared' OR secret_encrypted IS NULL",
    }
    op.create_table(
        "proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'prepared'"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("wish", JSONB(), nullable=False),
        sa.Column("secret_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column(
            "seller_ids", ARRAY(sa.Uuid()), server_default=sa.text("'{}'::uuid[]"), nullable=False
        ),
        sa.Column("prepared_by", sa.Uuid(), nullable=False),
        _moment("prepared_at"),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        _moment("decided_at", nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        *(
            sa.CheckConstraint(text, name=op.f(f"ck_proposal_{name}"))
            for name, text in checks.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index("ix_proposal_prepared_at", "proposal", ["prepared_at", "id"])
    op.create_index(
        "uq_proposal_waiting",
        "proposal",
        ["subject"],
        unique=True,
        postgresql_where=sa.text("status = 'prepared'"),
    )
    op.execute(GUARD)
    op.execute(
        "CREATE TRIGGER proposal_guard BEFORE UPDATE OR DELETE ON proposal"
        " FOR EACH ROW EXECUTE FUNCTION guard_proposal()"
    )


def downgrade() -> None:
    """What waits is forgotten; what was decided is in force, or isn't."""
    op.drop_table("proposal")
    op.execute("DROP FUNCTION guard_proposal()")
