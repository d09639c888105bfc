"""The audit finds the number of a card wherever words come to, as the doors would have seen it."""

import json

import pytest

from gosellr.core.db import Connection
from gosellr.queries import audit_words
from gosellr.queries.audit import find_offences
from gosellr.resources import Resources
from tests.factories.payouts import set_account, wrong_with
from tests.factories.sales import Shop, buy, make_commission, make_shop, refund
from tests.utils.test_card_numbers import FOUND, LEFT_ALONE


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """A shop that sold something and gave some of it back."""
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    order = await buy(resources, (shop, 2))
    await refund(resources, order, shop, units=1)
    await set_account(resources, shop)
    return shop


async def offences(connection: Connection) -> list[tuple[str, str]]:
    found = await find_offences(connection, audit_words.NO_CARD_NUMBERS)
    return [(one.row.partition(" ")[0], one.problem) for one in found]


@pytest.mark.parametrize("text", FOUND)
async def test_a_number_that_doors_refuse_is_found(
    connection: Connection, shop: Shop, text: str
) -> None:
    assert await offences(connection) == []
    await connection.execute("UPDATE refund SET reason = $1", text)
    last = "".join(sign for sign in text if sign.isdigit())[-4:]
    told = f"holds what looks like a card number, ending in {last}"
    assert await offences(connection) == [("refund", told)]


@pytest.mark.parametrize("text", LEFT_ALONE)
async def test_what_doors_take_is_left_alone(connection: Connection, shop: Shop, text: str) -> None:
    await connection.execute("UPDATE refund SET reason = $1", f" {text} ")
    assert await offences(connection) == []


@pytest.mark.parametrize(
    ("row", "sql"),
    [
        ("order", "UPDATE orders SET shipping_address = shipping_address || $1::jsonb"),
        ("order", "UPDATE orders SET billing_address = $1::jsonb"),
        ("seller_order", "UPDATE seller_order SET cancel_reason = $1"),
        ("payout_settings", "UPDATE payout_settings SET held_at = now(), hold_reason = $1"),
        ("refund", "UPDATE refund SET failure_reason = $1"),
        ("seller", "UPDATE seller SET description = $1"),
        ("product", "UPDATE product SET status_reason = $1"),
        ("payment", "UPDATE payment SET decline_code = $1"),
    ],
    ids=lambda value: value if " " not in value else None,
)  # fmt: skip
async def test_it_is_found_in_whatever_people_write(
    connection: Connection, resources: Resources, shop: Shop, row: str, sql: str
) -> None:
    # An end of a line stands before it in the document, and no letter.
    said = {"line2": "it is\n4242 4242 4242 4242\nthanks"}
    is_document = "jsonb" in sql
    status = await connection.execute(sql, said if is_document else said["line2"])
    assert not status.endswith(" 0"), "the test changed nothing"
    assert row in {name for name, _ in await offences(connection)}
    assert [one.number for one in await wrong_with(connection, resources)] == [23]


async def test_numbers_that_stand_beside_each_other_are_two(
    connection: Connection, shop: Shop
) -> None:
    await connection.execute("UPDATE seller SET name = '42424242', legal_name = '42424242'")
    assert await offences(connection) == []


async def test_a_provider_s_report_is_looked_at(connection: Connection) -> None:
    payload = json.dumps({"note": "4242-4242-4242-4242", "id": "pi_4242424242424242"})
    await connection.execute(
        "INSERT INTO webhook_event (gateway, event_id, kind, payload, received_at)"
        " VALUES ('stripe', 'evt_1', 'charge', $1, now())",
        payload.encode(),
    )
    told = "holds what looks like a card number, ending in 4242"
    assert await offences(connection) == [("webhook_event", told)]
