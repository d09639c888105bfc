"""No number of a card stands anywhere that people's and providers' words come to; as in `audit`.

Which columns those are is said here, since what serves never loads the tables' own description: a
test of the house holds both lists against it, so that a new column stands in one of them.
"""

from typing import Final

from gosellr.queries.audit import first
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Columns of a table that are looked at, and how its rows are named.

    `columns` are names, or `column->>'key'` where only that of a document is somebody's words.
    """

    table: str
    columns: tuple[str, ...]
    key: str = "id"
    row: str | None = None
    """What the audit calls a row, where that isn't the table's name."""
    where: str = "true"
    """Which rows have any words at all, where most have none."""


LOOKED_AT: Final = (
    Words("adjustment", ("reason", "decision_note")),
    Words("bank_file", ("reason", "told_failed")),
    Words("cart", ("shipping_address", "billing_address")),
    Words("chargeback", ("reason",)),
    Words("commission_rule", ("name",)),
    Words("connected_account", ("missing", "disabled_reason", "bank_failure")),
    Words("dispute", ("decision",)),
    Words("dispute_event", ("data",)),
    Words("dispute_file", ("name",)),
    Words("dispute_message", ("body",)),
    Words("gift_card", ("note",)),
    Words("gift_card_purchase", ("recipient_name", "message"), key="order_id"),
    Words("import_run", ("file_name", "failure_reason")),
    Words("job_failure", ("error",), key="job_id"),
    Words("letter", ("last_error",)),
    Words("order_event", ("data",), where="data <> '{}'"),
    Words("order_reduction", ("reason",)),
    Words("orders", ("shipping_address", "billing_address", "reference"), row="order"),
    Words("payment", ("token", "gateway_reference", "decline_code")),
    Words("payment_capture", ("gateway_reference", "decline_code")),
    Words("payment_return", ("reason", "gateway_reference", "case_note")),
    Words("payout", ("failure_reason",)),
    Words("payout_recall", ("reason", "refusal")),
    Words("payout_settings", ("hold_reason",), key="seller_id"),
    Words("product", ("status_reason",)),
    Words("proposal", ("reason", "decision_note", "wish->>'name'")),
    Words("provider_movement", ("note",)),
    Words("provider_refund", ("reason", "note")),
    # Why a plan ended is a word of a list, which has a constraint of its own.
    Words("recovery_plan", ("note",)),
    Words("refund", ("reason", "failure_reason")),
    Words("reserve_rule", ("name",)),
    Words("review", ("author_name", "title", "body")),
    Words("seller", ("name", "legal_name", "status_reason", "description", "policies")),
    Words(
        "seller_letterhead",
        ("line1", "line2", "postal_code", "city", "region", "tax_id", "registration_number"),
        key="seller_id",
    ),
    Words("seller_order", ("cancel_reason",)),
    Words("shipping_rate", ("name",)),
    Words("shipping_zone", ("name",)),
    Words("stock_location", ("name",)),
    Words("stock_movement", ("reason",)),
    Words("store_credit_grant", ("reason",)),
    Words("tax_identity_request", ("lift_reason",), key="seller_id"),
    Words("tax_return", ("reference",)),
    Words("user_account", ("name",)),
)

LEFT_OUT: Final[dict[str, str]] = {
    "the catalogue, which shops write for everybody to see: it is full of numbers of goods": """
        category.name category.plain_name category.summary category.slug category.path
        category.description category.picture category_attribute.key category_attribute.label
        category_attribute.options category_attribute.unit category_former_path.path
        import_error.field import_error.code import_error.message import_error.value
        product.title product.slug product.description product.description_html product.brand
        product.options product.attributes product.shipping_class product.tax_class
        product.source_key product_former_slug.slug product_media.alt variant.sku variant.gtin
        variant.options variant.option_key""",
    "repeats the catalogue, or is made from it": """
        order_line.sku order_line.title order_line.options order_line.picture order_line.tax_class
        product_card.brand product_card.attributes product_card.search_text product_card.card
        product_card.search_vector product_card.lead_vector search_lexeme.lexeme search_word.word
        """,
    "repeats words that are looked at where they were written": """
        document.content letter.context ledger_transaction.facts order_reduction.before
        outbox_event.data reserve_hold.rule seller_order.shipping_option""",
    "a name that a provider, a bank or a carrier gives, which may well look like a card's": """
        chargeback.gateway_reference chargeback.charges connected_account.reference
        letter.post_reference payout.provider_reference provider_movement.reference
        provider_movement.related provider_refund.gateway_reference refund_part.gateway_reference
        shipment.carrier shipment.label_service shipment.tracking_number shipment.tracking_url
        shipping_rate.carrier sole_word.subjects user_account.issuer user_account.subject""",
    "has a form of its own, which its door asks for: an address, a code, a place": """
        cart.coupon_codes cart.email coupon.code coupon_customer.customer_key
        coupon_redemption.customer_key former_contact.email gift_card_purchase.recipient_email
        orders.coupon_codes orders.email orders.ip_address payment.action_url seller.email
        seller.slug seller_letterhead.email shipping_zone.countries shipping_zone.postal_patterns
        shipping_zone.regions tax_rate.class tax_rate.region user_account.email
        user_session.ip_address""",
    "four digits of a number, or none: the rest is encrypted": """
        gift_card.last_four payout_destination.last_four refund_account.last_four""",
    "written by the application alone, from words of its own": """
        bank_file.content_sha256 bank_file.message_id connected_account.provider
        dispute.decided_by dispute_event.actor dispute_event.from_status dispute_event.kind
        dispute_event.to_status dispute_file.content_type dispute_file.storage_key
        document.cause_key document.issuer document.period document.series document_month.period
        document_series.issuer document_series.series import_run.settings import_run.storage_key
        letter.effect_key letter.kind letter.language letter.recipient media.content_type
        media.renditions order_event.actor order_event.from_status order_event.kind
        order_event.to_status order_line.tax_remitted_to order_reduction.actor
        outbox_cursor.consumer seller_order.shipping_tax_remitted_to
        outbox_event.aggregate_type outbox_event.type payment.account payment.method payout.provider
        payout_destination.method periodic_work.name proposal.subject provider_cursor.gateway
        provider_movement.gateway provider_movement.mismatch provider_refund.gateway
        provider_statement.gateway rate_window.key refund_part.credited_account setting.key
        setting.value signing_key.algorithm signing_key.kid signing_key.public_pem
        stock_movement.cause_type sweep_delay.item sweep_delay.sweep tax_return.figures
        tax_return.jurisdiction tax_return.period tax_return_month.jurisdiction
        user_account.password_hash user_account.roles user_session.revoked_reason
        chargeback.gateway webhook_event.gateway
        webhook_event.kind webhook_event.outcome ledger_transaction.kind
        ledger_transaction.cause_type ledger_transaction.idempotency_key ledger_transaction.actor
        ledger_activity.kind ledger_activity.account_kind ledger_balance.account
        ledger_entry.account ledger_rollup.account idempotency_key.scope
        idempotency_key.resource_id""",
    "amounts, options and rules in fields, of which none is a sentence": """
        adjustment.entries cart.shipping_choices order_line.commission payment_capture.stored
        payout_settings.minimums refund.effects reserve_rule.caps seller_order.shipping_commission
        shipping_rate.brackets""",
    "a header or a name that a program sends, and nobody writes": """
        idempotency_key.key user_session.user_agent webhook_event.event_id""",
}
"""Every other column of words, by the reason for which it isn't looked at."""

# As `utils.card_numbers` has it, which doors ask; a test holds both to the same texts.
_DIGITS = r"(?<![A-Za-z0-9_-])(?<![A-Z]{2}\d{2}[ -])\d(?:[ -]?\d){14,18}(?![A-Za-z0-9_-])"
_NETWORKS = r"^(?:3[47]\d{13}|4\d{15}(?:\d{3})?|(?:5[1-5]|2[2-7])\d{14}|35\d{14,17}|6\d{15,18})$"
# Most words have no run of so many digits, and this is the quicker way to know.
_RUN = r"\d([ -]?\d){14}"
# What a document writes for the end of a line and the like would stand before a number as a letter.
_ESCAPED = r"\\(?:[bfnrt/\\]|u[0-9A-Fa-f]{4}|[0-3][0-7]{2})"


def _said(words: Words) -> str:
    spoken = ", ".join(f"({column})::text" for column in words.columns)
    text = spoken if len(words.columns) == 1 else f"concat_ws(' | ', {spoken})"
    return (
        f"SELECT '{words.row or words.table} ' || {words.key}, {text} FROM {words.table}"
        f" WHERE {words.where} AND {text} ~ '{_RUN}'"
    )


_ALL_SAID = "\n    UNION ALL ".join(_said(words) for words in LOOKED_AT)

NO_CARD_NUMBERS = first(rf"""
WITH said (row, words) AS (
    {_ALL_SAID}
    UNION ALL SELECT 'webhook_event ' || event_id,
        replace(encode(payload, 'escape'), '\\', '\') FROM webhook_event
    WHERE encode(payload, 'escape') ~ '{_RUN}'
), candidate AS (
    SELECT said.row, regexp_replace(written.run[1], '[ -]', '', 'g') AS run
    FROM said CROSS JOIN LATERAL regexp_matches(
        regexp_replace(said.words, '{_ESCAPED}', ' ', 'g'), '{_DIGITS}', 'g') AS written (run)
)
SELECT candidate.row, 'holds what looks like a card number, ending in ' || right(run, 4)
FROM candidate
WHERE run ~ '{_NETWORKS}' AND (
    SELECT sum(CASE WHEN place % 2 = 0 THEN digit * 2 / 10 + digit * 2 % 10 ELSE digit END)
    FROM generate_series(1, length(run)) AS place
    CROSS JOIN LATERAL (SELECT substr(run, length(run) + 1 - place, 1)::int) AS one (digit)
) % 10 = 0
""")
