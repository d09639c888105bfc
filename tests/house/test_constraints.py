"""The database itself refuses rows that contradict themselves, whoever writes them.

Of each table here stands one row that is whole; beside it what breaks just one constraint of it.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from gosellr.core.db import Connection
from gosellr.utils.letterhead import ADDRESS_LENGTHS

Values = dict[str, str]

ONE, OTHER, THIRD = (f"'00000000-0000-7000-8000-00000000000{number}'::uuid" for number in (1, 2, 3))
EARLY, LATE = "'2026-03-02 09:00Z'::timestamptz", "'2026-03-03 09:00Z'::timestamptz"

WHOLE: dict[str, Values] = {
    "chargeback": {
        "payment_id": ONE, "order_id": ONE, "gateway": "'sandbox'", "gateway_reference": "'sdp_1'",
        "currency": "'EUR'", "amount_minor": "2", "fee_minor": "0", "reason": "'fraudulent'",
        "status": "'lost'", "opened_at": EARLY, "closed_at": LATE, "reinstated_minor": "2",
        "reinstated_count": "1", "reinstated_at": LATE,
    },
    "dispute": {
        "kind": "'chargeback'", "order_id": ONE, "chargeback_id": ONE, "reason": "'other'",
        "status": "'awaiting_seller'", "currency": "'EUR'", "amount_minor": "1",
        "opened_at": EARLY, "seller_order_id": ONE, "seller_id": OTHER,
    },
    "gift_card": {
        "last_four": "'ABCD'", "amount_minor": "1", "currency": "'EUR'", "created_at": EARLY,
        "replaces_id": OTHER,
    },
    "gift_card_offer": {
        "currency": "'XTS'", "amounts_minor": "'{1}'", "on_sale": "true", "updated_at": EARLY,
        "released_after_days": "0",
    },
    "gift_card_purchase": {
        "order_id": "gen_random_uuid()", "amount_minor": "1", "currency": "'EUR'",
        "created_at": EARLY, "recipient_email": "'ada@example.com'", "deliver_at": EARLY,
        "claim_id": ONE, "sent_count": "1", "sent_at": EARLY,
    },
    "gift_card_release": {
        "card_id": ONE, "amount_minor": "1", "currency": "'EUR'", "is_issued": "true",
        "expired_at": EARLY, "released_at": EARLY, "restored_at": LATE, "restored_by": ONE,
    },
    "letter": {
        "effect_key": "'a key of this test'", "kind": "'order_placed'", "audience": "'recipient'",
        "recipient": "'ada@example.com'", "context": "'{}'", "attempt_limit": "1",
        "next_try_at": EARLY, "created_at": EARLY,
    },
    "payout_destination": {
        "seller_id": ONE, "method": "'sandbox'", "account_encrypted": "'x'",
        "last_four": "'1234'", "created_at": EARLY, "usable_from": LATE, "replaced_at": LATE,
        "withdrawn_at": LATE,
    },
    "proposal": {
        "kind": "'receipt'", "status": "'approved'", "subject": "'receipt:IN-1'", "wish": "'{}'",
        "prepared_by": ONE, "prepared_at": EARLY, "decided_by": OTHER, "decided_at": LATE,
    },
    "provider_movement": {
        "statement_id": ONE, "gateway": "'sandbox'", "reference": "'IN-1'", "kind": "'refund'",
        "currency": "'EUR'", "amount_minor": "-1", "fee_minor": "-1", "occurred_at": EARLY,
        "imported_at": EARLY,
    },
    "seller_letterhead": {
        "seller_id": ONE, "line1": "'Lane 1'", "city": "'Berlin'", "created_at": EARLY,
        "updated_at": EARLY,
    },
    "sole_word": {
        "user_id": ONE, "currency": "'EUR'", "subjects": "'{receipt:IN-1}'",
        "amounts_minor": "'{1}'", "said_at": f"ARRAY[{EARLY}]",
    },
    "store_credit_grant": {
        "user_id": ONE, "amount_minor": "1", "currency": "'EUR'", "reason": "'sorry'",
        "created_at": EARLY, "seller_id": OTHER, "seller_order_id": THIRD,
    },
    "stored_value_move": {
        "order_id": ONE, "from_card_id": ONE, "to_card_id": OTHER, "amount_minor": "1",
        "currency": "'EUR'", "created_at": EARLY,
    },
    "tax_identity_request": {
        "seller_id": "gen_random_uuid()", "asked_at": EARLY, "reminded_at": EARLY,
        "reminded_again_at": LATE, "withheld_at": LATE,
    },
    "tax_rate": {
        "country": "'DE'", "class": "'standard'", "rate_bps": "1900", "included": "true",
        "remitted_by": "'seller'", "valid_from": EARLY,
    },
}  # fmt: skip
# Every constraint of these tables stands below; of the others those that came with them.
ALL_OF = ("gift_card_release", "proposal", "seller_letterhead", "sole_word", "stored_value_move")

CHECKS: tuple[tuple[str, str, Values], ...] = (
    ("chargeback", "reinstated_minor_not_negative", {"reinstated_minor": "-1"}),
    ("chargeback", "reinstated_minor_not_negative", {"reinstated_count": "-1"}),
    ("chargeback", "reinstated_was_lost", {"status": "'won'"}),
    ("chargeback", "reinstated_was_lost", {"reinstated_minor": "3"}),
    ("dispute", "came_back_within_amount", {"came_back_minor": "-1"}),
    ("dispute", "came_back_within_amount", {"came_back_minor": "2"}),
    ("dispute", "of_a_part_or_a_card", {"seller_id": "NULL"}),
    ("dispute", "of_a_part_or_a_card", {"seller_order_id": "NULL"}),
    ("dispute", "of_a_part_or_a_card", {
        "seller_order_id": "NULL", "seller_id": "NULL", "kind": "'buyer'", "chargeback_id": "NULL",
        "order_line_id": ONE, "quantity": "1",
    }),
    ("gift_card_offer", "released_after_days_not_negative", {"released_after_days": "-1"}),
    ("gift_card_purchase", "delivered_to_somebody", {"recipient_email": "NULL"}),
    ("gift_card_purchase", "delivered_to_somebody", {"deliver_at": "NULL"}),
    ("gift_card_purchase", "delivered_to_somebody", {"claim_id": "NULL"}),
    ("gift_card_purchase", "sent_count_not_negative", {"sent_count": "-1"}),
    ("gift_card_purchase", "sent_has_time", {"sent_at": "NULL"}),
    ("gift_card_purchase", "sent_has_time", {"sent_count": "0"}),
    ("gift_card_release", "amount_positive", {"amount_minor": "0"}),
    ("gift_card_release", "expired_before", {"expired_at": LATE}),
    ("gift_card_release", "restored_by_somebody", {"restored_at": "NULL"}),
    ("store_credit_grant", "of_a_sale", {"seller_id": "NULL"}),
    ("store_credit_grant", "of_a_sale", {"seller_order_id": "NULL"}),
    ("letter", "audience_known", {"audience": "'somebody'"}),
    ("payout_destination", "withdrawn_is_replaced", {"replaced_at": "NULL"}),
    ("proposal", "decided_by_another", {"decided_by": ONE}),
    ("proposal", "decided_by_somebody", {"decided_by": "NULL"}),
    ("proposal", "decided_by_somebody", {"decided_at": "NULL"}),
    ("proposal", "decided_by_somebody", {"status": "'prepared'"}),
    ("proposal", "kind_known", {"kind": "'gift_card'"}),
    ("proposal", "secret_while_it_waits", {"secret_encrypted": "'x'"}),
    ("proposal", "status_known", {"status": "'withdrawn'"}),
    ("provider_movement", "fee_given_back_with_refund", {"kind": "'charge'"}),
    *(
        ("seller_letterhead", "address_length", {name: f"repeat('x', {length + 1})"})
        for name, length in ADDRESS_LENGTHS.items()
    ),
    ("seller_letterhead", "address_length", {"line1": "''"}),
    ("seller_letterhead", "address_length", {"city": "''"}),
    ("seller_letterhead", "numbers_length", {"tax_id": "repeat('1', 41)"}),
    ("seller_letterhead", "numbers_length", {"registration_number": "repeat('1', 81)"}),
    ("seller_letterhead", "numbers_length", {"email": "repeat('x', 255)"}),
    ("sole_word", "each_word_whole", {"subjects": "'{}'"}),
    ("sole_word", "each_word_whole", {"amounts_minor": "'{1,2}'"}),
    ("sole_word", "each_word_whole", {"said_at": "'{}'"}),
    ("stored_value_move", "amount_positive", {"amount_minor": "0"}),
    ("stored_value_move", "one_way", {"to_card_id": "NULL"}),
    ("stored_value_move", "one_way", {"to_user_id": ONE}),
    ("stored_value_move", "to_another", {"to_card_id": ONE}),
    ("tax_identity_request", "reminded_once_first", {"reminded_at": "NULL"}),
    ("tax_identity_request", "withheld_after_reminders", {"reminded_again_at": "NULL"}),
    ("tax_identity_request", "lifted_by_somebody", {"withheld_at": "NULL", "lifted_at": LATE}),
    ("tax_identity_request", "lifted_by_somebody", {
        "withheld_at": "NULL", "lifted_at": LATE, "lifted_by": ONE,
    }),
    ("tax_identity_request", "lifted_isnt_withheld", {
        "lifted_at": LATE, "lifted_by": ONE, "lift_reason": "'seen'",
    }),
    ("tax_rate", "remitted_by_known", {"remitted_by": "'nobody'"}),
)  # fmt: skip

# What two rows can't both have, and what of the second one makes it another.
SAME: tuple[tuple[str, str, Values, Values], ...] = (
    ("gift_card_purchase", "uq_gift_card_purchase_claim_id", {}, {"claim_id": OTHER}),
    ("gift_card_release", "pk_gift_card_release", {"id": ONE}, {"id": OTHER}),
    ("gift_card_release", "uq_gift_card_release_standing",
     {"restored_at": "NULL", "restored_by": "NULL"}, {"card_id": OTHER}),
    ("gift_card_release", "uq_gift_card_release_standing",
     {"restored_at": "NULL", "restored_by": "NULL"}, {"restored_at": LATE}),
    ("proposal", "pk_proposal", {"id": ONE}, {"id": OTHER}),
    ("proposal", "uq_proposal_waiting",
     {"status": "'prepared'", "decided_by": "NULL", "decided_at": "NULL"},
     {"subject": "'receipt:IN-2'"}),
    ("proposal", "uq_proposal_waiting",
     {"status": "'prepared'", "decided_by": "NULL", "decided_at": "NULL"},
     {"status": "'rejected'", "decided_by": OTHER, "decided_at": LATE}),
    ("seller_letterhead", "pk_seller_letterhead", {}, {"seller_id": OTHER}),
    ("sole_word", "pk_sole_word", {}, {"user_id": OTHER}),
    ("sole_word", "pk_sole_word", {}, {"currency": "'USD'"}),
    ("stored_value_move", "pk_stored_value_move", {"id": ONE}, {"id": OTHER}),
)  # fmt: skip

# What has to be there, of which nothing is.
MISSING: tuple[tuple[str, str, Values], ...] = (
    ("gift_card", "replaces_id", {}),
    ("gift_card_release", "card_id", {}),
    ("gift_card_release", "restored_by", {}),
    ("seller_letterhead", "seller_id", {}),
    ("stored_value_move", "from_card_id", {}),
    ("stored_value_move", "order_id", {}),
    ("stored_value_move", "to_card_id", {}),
    ("stored_value_move", "to_user_id", {"to_card_id": "NULL", "to_user_id": ONE}),
)
# Their keys are other columns.
WITHOUT_ID = ("gift_card_purchase", "seller_letterhead", "sole_word", "tax_identity_request")


@pytest.fixture
async def owner(owner_connection: Connection) -> AsyncIterator[Connection]:
    """The tables' owner, in a transaction that leaves nothing behind."""
    transaction = owner_connection.transaction()
    await transaction.start()
    yield owner_connection
    await transaction.rollback()


async def add(owner: Connection, table: str, *others: Values) -> None:
    """Write the whole row of a table, changed by `others`."""
    row = {} if table in WITHOUT_ID else {"id": "gen_random_uuid()"}
    for values in (WHOLE[table], *others):
        row |= values
    async with owner.transaction():
        await owner.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"
        )


async def refused(owner: Connection, table: str, *others: Values) -> str | None:
    """The constraint by which such a row is refused."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refusal:
        await add(owner, table, *others)
    name: str | None = refusal.value.constraint_name
    return name


async def without_references(owner: Connection) -> None:
    """Let a row name others that aren't there, until the end of the transaction."""
    await owner.execute("SET LOCAL session_replication_role = replica")


@pytest.mark.parametrize(("table", "name", "broken"), CHECKS)
async def test_a_row_that_contradicts_itself_is_refused(
    owner: Connection, table: str, name: str, broken: Values
) -> None:
    await without_references(owner)
    await add(owner, table)
    await owner.execute(f"DELETE FROM {table}")
    assert await refused(owner, table, broken) == f"ck_{table}_{name}"


@pytest.mark.parametrize(("table", "name", "shared", "apart"), SAME)
async def test_what_is_there_once_is_refused_a_second_time(
    owner: Connection, table: str, name: str, shared: Values, apart: Values
) -> None:
    await without_references(owner)
    await add(owner, table, shared)
    assert await refused(owner, table, shared) == name
    await add(owner, table, shared, apart)


@pytest.mark.parametrize(("table", "column", "named"), MISSING)
async def test_a_row_names_what_is_there(
    owner: Connection, table: str, column: str, named: Values
) -> None:
    name = f"fk_{table}_{column}"
    others = await owner.fetch(
        "SELECT conname FROM pg_constraint"
        " WHERE conrelid = $1::regclass AND contype = 'f' AND conname <> $2",
        table,
        name,
    )
    for other in others:
        await owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {other['conname']}")
    assert await refused(owner, table, named) == name


@pytest.mark.parametrize("table", ALL_OF)
async def test_no_constraint_of_these_tables_goes_untold(owner: Connection, table: str) -> None:
    rows = await owner.fetch(
        "SELECT conname AS name FROM pg_constraint"
        " WHERE conrelid = $1::regclass AND contype IN ('c', 'f')"
        " UNION SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE indrelid = $1::regclass AND indisunique",
        table,
    )
    told = {f"ck_{table}_{name}" for of, name, _ in CHECKS if of == table}
    told |= {name for of, name, *_ in SAME if of == table}
    told |= {f"fk_{table}_{column}" for of, column, _ in MISSING if of == table}
    assert {row["name"] for row in rows} == told
