"""Letters: written once for each fact, kind and recipient, and sent until they are taken.

Revision ID: 0029
Revises: 0028
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import CITEXT, JSONB

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _words(name: str, *, default: str | None = None, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(
        name,
        sa.Text(),
        server_default=None if default is None else sa.text(f"'{default}'"),
        nullable=nullable,
    )


def _letters() -> None:
    checks = {
        "status_known": "status IN ('queued', 'sent', 'failed', 'dead')",
        "audience_known": "audience IN ('buyer', 'seller', 'member', 'operator')",
        "attempt_count_not_negative": "attempt_count >= 0",
        "effect_key_length": "length(effect_key) BETWEEN 1 AND 100",
        "sent_has_time": "(status = 'sent') = (sent_at IS NOT NULL)",
        "open_is_due": "(status IN ('queued', 'failed')) = (next_try_at IS NOT NULL)",
        "resent_by_somebody": "(resent_by IS NULL) = (resent_at IS NULL)",
    }
    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        _words("effect_key"),
        _words("kind"),
        _words("audience"),
        _words("recipient"),
        _words("language", default="en"),
        sa.Column("context", JSONB(), nullable=False),
        sa.Column("is_urgent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        _words("status", default="queued"),
        sa.Column("attempt_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt_limit", sa.Integer(), nullable=False),
        _moment("next_try_at", nullable=True),
        _words("last_error", nullable=True),
        _words("post_reference", nullable=True),
        _moment("created_at"),
        _moment("sent_at", nullable=True),
        sa.Column("resent_by", sa.Uuid(), nullable=True),
        _moment("resent_at", nullable=True),
        *(
            sa.CheckConstraint(text, name=op.f(f"ck_letter_{name}"))
            for name, text in checks.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
    )
    op.create_index("uq_letter_effect_key", "letter", ["effect_key"], unique=True)
    op.create_index(
        "ix_letter_due",
        "letter",
        [sa.text("is_urgent DESC"), "next_try_at", "id"],
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index("ix_letter_created_at", "letter", ["created_at", "id"])
    op.create_index("ix_letter_kind", "letter", ["kind", "created_at", "id"])
    op.create_index(
        "ix_letter_not_sent",
        "letter",
        ["status", "created_at", "id"],
        postgresql_where=sa.text("status <> 'sent'"),
    )


def upgrade() -> None:
    """The mail room opens when its first worker starts; what happened before gets no letter."""
    _letters()
    op.create_table(
        "mail_room",
        _words("tray"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        _moment("opened_at", nullable=True),
        sa.CheckConstraint("tray IN ('urgent', 'other')", name=op.f("ck_mail_room_tray_known")),
        sa.PrimaryKeyConstraint("tray", name=op.f("pk_mail_room")),
    )
    op.execute("INSERT INTO mail_room (tray, position) VALUES ('urgent', 0), ('other', 0)")
    op.create_table(
        "former_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("email", CITEXT(), nullable=False),
        _moment("replaced_at"),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_former_contact_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_contact")),
    )
    op.create_index("ix_former_contact_seller_id", "former_contact", ["seller_id", "replaced_at"])


def downgrade() -> None:
    """What was sent was sent."""
    for table in ("former_contact", "mail_room", "letter"):
        op.drop_table(table)
