"""No card's value moves to itself, and nobody gives a proposal another name.

Revision ID: 0036
Revises: 0035
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# Once decided, a proposal stays as it was decided; and until then nobody rewrites what another
# one is about to agree to.
GUARD = """
CREATE OR REPLACE FUNCTION guard_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'prepared'
       OR (NEW.status = 'prepared' AND NEW.secret_encrypted IS DISTINCT FROM OLD.secret_encrypted)
       OR ({new} NEW.kind, NEW.subject, NEW.reason, NEW.wish, NEW.seller_ids, NEW.prepared_by,
           NEW.prepared_at)
          IS DISTINCT FROM
          ({old} OLD.kind, OLD.subject, OLD.reason, OLD.wish, OLD.seller_ids, OLD.prepared_by,
           OLD.prepared_at)
    THEN
        RAISE EXCEPTION 'proposal % is only ever decided, once', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.create_check_constraint(
        op.f("ck_stored_value_move_to_another"), "stored_value_move", "to_card_id <> from_card_id"
    )
    op.execute(GUARD.format(new="NEW.id,", old="OLD.id,"))


def downgrade() -> None:
    op.execute(GUARD.format(new="", old=""))
    op.drop_constraint(op.f("ck_stored_value_move_to_another"), "stored_value_move")
