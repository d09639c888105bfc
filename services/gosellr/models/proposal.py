"""What one operator wants to change and another one has to agree to."""

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, Table, Uuid, text

from gosellr.models.base import document, identifier, metadata, moment, one_of, words

proposal = Table(
    "proposal",
    metadata,
    identifier(),
    words("kind"),
    words("status", default="prepared"),
    # What it is about, such as "commission_rule:<id>": one proposal waits for each.
    words("subject"),
    words("reason", default=""),
    # What approving does, in the words of its kind.
    document("wish"),
    # What of it nobody may read, encrypted for the row that it will be.
    Column("secret_encrypted", LargeBinary, nullable=True),
    # Whose own affair it is: who acts for one of them neither proposes nor decides.
    Column("seller_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'::uuid[]")),
    Column("prepared_by", Uuid, nullable=False),
    moment("prepared_at"),
    Column("decided_by", Uuid, nullable=True),
    moment("decided_at", nullable=True),
    words("decision_note", nullable=True),
    one_of(
        "kind",
        "commission_rule_new",
        "commission_rule_change",
        "commission_rule_end",
        "receipt",
        "receipt_assignment",
        "receipt_return",
        "suspense_clearing",
        "shop_owner",
        "hand_refund_sent",
        "payout_never_sent",
        "payout_was_paid",
        "refund",
        "refund_arrived",
        "refund_failed",
        "gift_card_refund",
        "store_credit_granted",
        "gift_card_issued",
        "seller_credit",
        "dispute_award",
    ),
    one_of("status", "prepared", "approved", "rejected"),
    # Whoever prepared it neither approves nor rejects it.
    CheckConstraint("decided_by <> prepared_by", name="decided_by_another"),
    CheckConstraint(
        "(status = 'prepared') = (decided_by IS NULL)"
        " AND (status = 'prepared') = (decided_at IS NULL)",
        name="decided_by_somebody",
    ),
    CheckConstraint(
        "status = 'prepared' OR secret_encrypted IS NULL", name="secret_while_it_waits"
    ),
    Index("ix_proposal_prepared_at", "prepared_at", "id"),
    Index(
        "uq_proposal_waiting",
        "subject",
        unique=True,
        postgresql_where=text("status = 'prepared'"),
    ),
)
