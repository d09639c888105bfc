"""What the audit says of stored value: nothing of sound value, and each way to break it by name."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import NAMES
from tests.conftest import START
from tests.factories.payouts import wrong_with
from tests.factories.sales import buy, make_buyer, make_shop, refund, ship
from tests.factories.stored_value import by_bank, by_card, by_credit, grant_credit, make_card


@pytest.fixture(scope="module")
async def opened(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A market of its own, reached as the owner of its tables, who can break anything.

    One order is paid by a card, credit and the bank, and refunded in part, some of it as credit;
    for another some value of the card is set aside.
    """
    settings = Settings(
        home=tmp_path_factory.mktemp("audit"),
        database_url=cluster.dsn(database=fresh_database("audit stored value")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(START)) as market:
        shop = await transact(market.db, make_shop, price_minor=1000)
        buyer = await transact(market.db, make_buyer)
        _, code = await make_card(market, 3000)
        await grant_credit(market, buyer, 500)
        order = await buy(
            market,
            (shop, 3),
            buyer=buyer,
            tenders=(by_card(code, 1500), by_credit(), by_bank()),
        )
        await ship(market, order, shop)
        await refund(market, order, shop, units=1, to_store_credit=True)
        await refund(market, order, shop, amount_minor=700)
        await buy(market, (shop, 1), tenders=(by_card(code, 400), by_bank("tok_declined")))
        yield market


@pytest.fixture
async def connection(opened: Resources) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing broken behind."""
    async with opened.db.connection() as owner:
        transaction = owner.transaction()
        await transaction.start()
        yield owner
        await transaction.rollback()


async def test_sound_value_is_no_finding(connection: Connection, opened: Resources) -> None:
    rows = await connection.fetch(
        "SELECT method, status, amount_minor, refunded_minor FROM payment ORDER BY created_at, id"
    )
    assert [tuple(row) for row in rows] == [
        ("gift_card", "captured", 1500, 200),
        ("store_credit", "captured", 500, 500),
        ("sandbox", "captured", 1000, 1000),
        ("gift_card", "authorized", 400, 0),
        ("sandbox", "declined", 600, 0),
    ]
    assert await wrong_with(connection, opened) == []


@dataclass(frozen=True)
class Break:
    """A statement that breaks an invariant, and how the broken row is named."""

    number: int
    row: str
    sql: str

    def __str__(self) -> str:
        return f"{self.number} {self.sql[:60]}"


def _entry(kind: str, account: str) -> str:
    return (
        "(SELECT entry.id FROM ledger_entry AS entry JOIN ledger_transaction AS head"
        f" ON head.id = entry.transaction_id WHERE head.kind = '{kind}'"
        f" AND entry.account LIKE '{account}:%' ORDER BY entry.id LIMIT 1)"
    )


def _payment(method: str, status: str) -> str:
    return f"(SELECT id FROM payment WHERE method = '{method}' AND status = '{status}')"


def _set(table: str, change: str, which: str) -> str:
    return f"UPDATE {table} SET {change} WHERE id = {which}"


_HELD = _payment("gift_card", "authorized")
_SPENT = _payment("gift_card", "captured")
_CREDIT = _payment("store_credit", "captured")
_CREDITED = (
    "(SELECT id FROM refund_part WHERE credited_account LIKE 'store_credit:%'"
    " ORDER BY amount_minor DESC LIMIT 1)"
)
_UNGUARDED = "ALTER TABLE payment DROP CONSTRAINT ck_payment_account_of_stored_value;"
_UNPAID = f"(SELECT order_id FROM payment WHERE id = {_HELD})"
_ISSUED = _entry("gift_card_issued", "gift_card")
_SET_ASIDE = _entry("stored_value_held", "stored_value_held")
_SOLD = _entry("sale", "stored_value_held")
_GRANTED = (
    "(SELECT entry.id FROM ledger_entry AS entry JOIN ledger_transaction AS head"
    " ON head.id = entry.transaction_id WHERE head.kind = 'store_credit_granted'"
    " AND entry.account = 'promotion_cost')"
)
_AT_A_SHOPS_COST = (
    "UPDATE store_credit_grant SET (seller_id, seller_order_id)"
    " = (SELECT seller_id, id FROM seller_order ORDER BY id LIMIT 1)"
)
_GONE = "status = 'voided', captured_minor = 0, refunded_minor = 0"
_ELSEWHERE = "account = 'store_credit:' || gen_random_uuid()"
_CACHED = "UPDATE ledger_balance SET balance_minor = balance_minor + 1"
BREAKS = [
    Break(*one)
    for one in (
        # What is set aside is what its orders wait with.
        (6, "order", _set("payment", "amount_minor = 401", _HELD)),
        (6, "order", _set("payment", "status = 'voided'", _HELD)),
        (6, "order", _set("ledger_entry", "amount_minor = 399", _SET_ASIDE)),
        (6, "payment", _set("orders", "status = 'cancelled'", _UNPAID)),
        (6, "payment", _UNGUARDED + _set("payment", "account = NULL", _HELD)),
        # What a sale took of it is what its payments gave.
        (8, "order", _set("payment", "captured_minor = 1499", _SPENT)),
        (8, "order", _set("payment", _GONE, _CREDIT)),
        (8, "order", _set("ledger_entry", "account = 'gateway_clearing:sandbox'", _SOLD)),
        (12, "order", _set("payment", "amount_minor = 1499", _SPENT)),
        # Nothing is spent that wasn't issued, and nothing issued is lost.
        (19, "account gift_card", "UPDATE gift_card SET amount_minor = 2999"),
        (19, "account store_credit", "UPDATE store_credit_grant SET amount_minor = 501"),
        (19, "account gift_card", "DELETE FROM gift_card"),
        (19, "account store_credit", "DELETE FROM store_credit_grant"),
        (19, "account gift_card", _set("payment", "amount_minor = 1501", _SPENT)),
        (19, "account store_credit", _set("payment", _ELSEWHERE, _CREDIT)),
        (19, "account gift_card", _set("ledger_entry", "amount_minor = 2999", _ISSUED)),
        (19, "account store_credit", _set("refund_part", "amount_minor = 1", _CREDITED)),
        # What came as credit is still at the gateway.
        (7, "order", _set("refund_part", "credited_account = NULL", _CREDITED)),
        # Guarded balances are their entries, and never below zero.
        (3, "ledger_balance", f"{_CACHED} WHERE account LIKE 'gift_card:%'"),
        (3, "ledger_balance", f"{_CACHED} WHERE account LIKE 'store_credit:%'"),
        (5, "account gift_card", _set("ledger_entry", "amount_minor = 1", _ISSUED)),
        (10, "payment", _set("payment", "refunded_minor = 201", _SPENT)),
        # Credit is granted at the cost of whom its grant names.
        (6, "store_credit_grant", "UPDATE store_credit_grant SET user_id = gen_random_uuid()"),
        (6, "store_credit_grant", "DELETE FROM store_credit_grant"),
        (6, "store_credit_grant", _set("ledger_entry", "account = 'bad_debt'", _GRANTED)),
        (6, "store_credit_grant", _AT_A_SHOPS_COST),
        (23, "payment", _set("payment", "token = 'a code'", _SPENT)),
        (23, "gift_card", "UPDATE gift_card SET note = 'paid with 4111111111111111'"),
        (23, "store_credit_grant", "UPDATE store_credit_grant SET reason = '4111111111111111'"),
        (23, "seller", "UPDATE seller SET legal_name = 'Lampo 4111111111111111 GmbH'"),
    )
]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
async def test_what_is_broken_behind_the_applications_back_is_reported(
    connection: Connection, opened: Resources, broken: Break
) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    for statement in broken.sql.split(";"):
        status = await connection.execute(statement)
        assert not status.endswith(" 0"), "the test broke nothing"
    found = {each.number: each for each in await wrong_with(connection, opened)}
    assert broken.number in found
    assert found[broken.number].name == NAMES[broken.number]
    named = [row.row for row in found[broken.number].rows]
    assert any(name.startswith(broken.row) for name in named), named
