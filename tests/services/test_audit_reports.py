"""What isn't a card's number is left alone, and what is one is seen in a provider's report."""

import json

import pytest

from gosellr.core.db import Connection
from gosellr.queries import audit_words
from gosellr.queries.audit import find_offences
from gosellr.utils.card_numbers import holds_card_number
from gosellr.utils.iban import parse_iban

ACCOUNTS = [
    "DE67 6005 0101 0002 0340 07", "DE45 4306 0967 0002 0340 01", "DE75 2505 0180 0002 0340 05",
]  # fmt: skip
ORDERS = ["402-1234561-7654321", "403-1234565-7654321"]


async def report(connection: Connection, payload: bytes) -> list[str]:
    await connection.execute(
        "INSERT INTO webhook_event (gateway, event_id, kind, payload, received_at)"
        " VALUES ('stripe', 'evt_1', 'charge', $1, now())",
        payload,
    )
    return [one.row for one in await find_offences(connection, audit_words.NO_CARD_NUMBERS)]


@pytest.mark.parametrize("text", [*ACCOUNTS, *ORDERS])
async def test_accounts_and_order_numbers_are_none(connection: Connection, text: str) -> None:
    if text in ACCOUNTS:
        parse_iban(text)
    assert await report(connection, json.dumps({"note": text}).encode()) == []
    assert not holds_card_number(text)


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("sign", ["\u00b0", "\n", "\t", '"'])
async def test_a_sign_that_is_written_by_its_number_hides_none(
    connection: Connection, is_ascii: bool, sign: str
) -> None:
    said = f"n{sign}4242424242424242"
    assert holds_card_number(said)
    payload = json.dumps({"note": said}, ensure_ascii=is_ascii).encode()
    assert await report(connection, payload) == ["webhook_event evt_1"]
