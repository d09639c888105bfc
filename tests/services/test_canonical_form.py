"""The canonical form is spelled in `utils.ledger` and, for plain rows, in SQL: never otherwise."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.queries.audit_journal import accounts_are_strange, doubtful
from gosellr.services.audit_journal import verify
from gosellr.services.ledger_service import Booking, book
from gosellr.utils.ledger import (
    ACCOUNT_KINDS,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
)
from tests.factories.ledger import BOOKED_AT, Sold

ODD_TEXTS = (
    'a "word"', "a\\b", "\\u00e9", "é", "ﬀ \U0001f9fe", "tab\tline\n", "\x01\x1f", "\x7f",
    "/slash/", "</script>", "a\u2028b", " blanks ", "'", "{}", '":', '","amount_minor":1',
)  # fmt: skip
ODD_FACTS: tuple[dict[str, Any], ...] = (
    {"a": 'x": y'}, {"a": 1, "b": 2}, {"a": None}, {"a": True}, {"a": []}, {"a": {}},
    {"a": {"b": 1}}, {"a": [1, 2]}, {"a": ["x"]}, {"a": ""}, {"é": "x"}, {'"': "x"}, {"a": 10**15},
    {"a": -1}, {"a": "\\"}, {"a": "\x7f"}, {"a: ": "b"},
)  # fmt: skip


@pytest.fixture
async def books(cluster: Cluster, fresh_database: Callable[[str], str]) -> AsyncIterator[Database]:
    """A database of the test's own, by a login that may break it."""
    db = await Database.connect(cluster.dsn(database=fresh_database("canonical form")), max_size=2)
    yield db
    await db.close()


def account(kind: str, owner: str | None = None) -> str:
    noun = ACCOUNT_KINDS[kind].owner
    return kind if noun is None else f"{kind}:{owner or uuid4()}"


def moved(name: str, currency: str = "EUR", amount_minor: int = 2**53 + 1, **ids: UUID) -> Booking:
    """An amount to and fro on one account, so that nothing is overdrawn."""
    entries = tuple(
        Entry(name, direction, amount_minor, currency, **ids)
        for direction in (Direction.CREDIT, Direction.DEBIT)
    )
    draft = TransactionDraft(TransactionKind.ADJUSTED, entries)
    key = uuid4().hex
    return replace(Sold().sale(), draft=draft, order_id=None, idempotency_key=key, facts={})


async def doubted(connection: Connection) -> set[UUID]:
    strange = await accounts_are_strange(connection)
    found = await doubtful(connection, after=UUID(int=0), until=None, accounts_are_strange=strange)
    return {one.transaction_id for one in found if one.is_changed}


async def test_every_kind_of_account_is_spelled_alike(books: Database) -> None:
    ids = ("seller_order_id", "order_line_id", "refund_id", "payout_id")
    bookings = [
        moved(account(kind), currency, **{name: uuid4() for name in ids[:several]})
        for several, kind in enumerate(ACCOUNT_KINDS)
        for currency in ("EUR", "JPY", "KWD")
    ]
    bookings += [
        replace(moved(account("bank")), effective_at=BOOKED_AT + timedelta(microseconds=odd))
        for odd in (0, 1, 999_999)
    ]
    bookings += [
        replace(moved(account("bank")), order_id=uuid4()),
        replace(Sold().sale(), facts={}),
    ]
    made = await transact(books, book, bookings=bookings, now=BOOKED_AT)
    async with books.connection() as connection:
        assert await doubted(connection) == set()
        assert (await verify(connection)).tampering == []
        # And a column more or less is seen at once.
        await connection.execute("SET session_replication_role = replica")
        for name in ids:
            await connection.execute(
                f"UPDATE ledger_entry SET {name} = gen_random_uuid() WHERE transaction_id = $1",
                made[-1].transaction_id,
            )
            assert await doubted(connection) == {made[-1].transaction_id}


async def test_odd_texts_are_spelled_alike_or_left_to_the_one_form(books: Database) -> None:
    bookings = [replace(moved(account("bank")), facts=facts) for facts in ODD_FACTS]
    for text in ODD_TEXTS:
        bookings += [
            moved(account("gateway_clearing", text)),
            replace(moved(account("bank")), actor=text),
            replace(moved(account("bank")), cause_type=text),
            replace(moved(account("bank")), idempotency_key=text),
        ]
    await transact(books, book, bookings=bookings, now=BOOKED_AT)
    async with books.connection() as connection:
        assert (await verify(connection)).tampering == []
        assert len(await doubted(connection)) < len(bookings) / 2


@pytest.mark.parametrize(
    ("booked", "written"),
    [
        ("é", "\\u00e9"),
        ('"', '\\"'),
        ("\t", "\\t"),
        ("a", 'a","booked_at":"'),
        ("/", "\\/"),
        ("x", "x "),
    ],
)
async def test_what_only_looks_like_what_was_booked_is_found(
    books: Database, booked: str, written: str
) -> None:
    """Somebody writes the spelling of a text in place of the text."""
    named = moved(account("gateway_clearing", booked))
    [made] = await transact(books, book, bookings=[replace(named, actor=booked)], now=BOOKED_AT)
    async with books.connection() as connection:
        await connection.execute("SET session_replication_role = replica")
        for change, back in (
            ("ledger_transaction SET actor = $2 WHERE id = $1", booked),
            (
                "ledger_entry SET account = 'gateway_clearing:' || $2 WHERE transaction_id = $1",
                booked,
            ),
        ):
            await connection.execute(f"UPDATE {change}", made.transaction_id, written)
            [found] = (await verify(connection)).tampering
            assert found.row == f"ledger_transaction {made.transaction_id}"
            await connection.execute(f"UPDATE {change}", made.transaction_id, back)
            assert (await verify(connection)).tampering == []


async def test_two_entries_that_are_written_as_one_are_found(books: Database) -> None:
    """The name of an account could say what the row that was taken away said."""
    bank = account("gateway_clearing")
    [made] = await transact(books, book, bookings=[moved(bank)], now=BOOKED_AT)
    both = f'{bank}","amount_minor":{2**53 + 1},"currency":"EUR","direction":"credit"}},'
    async with books.connection() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("DELETE FROM ledger_entry WHERE direction = 'credit'")
        await connection.execute(
            "UPDATE ledger_entry SET account = $1", both + f'{{"account":"{bank}'
        )
        [found] = (await verify(connection)).tampering
        assert found.row == f"ledger_transaction {made.transaction_id}"
        # Between plain quotation marks it would have looked as it was booked.
        [doubt] = await doubtful(
            connection, after=UUID(int=0), until=None, accounts_are_strange=False
        )
        assert not doubt.is_changed
