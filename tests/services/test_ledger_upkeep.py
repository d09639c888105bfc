"""Rolling up and sealing go exactly as far as nothing can be added any more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.transact import ask, transact
from gosellr.queries.audit_journal import doubtful
from gosellr.queries.marketplace_stats import read_figures
from gosellr.services.audit_journal import verify
from gosellr.services.ledger_service import balances, book
from gosellr.services.ledger_upkeep_service import roll_up, seal
from gosellr.utils.ledger import COMMISSION, FIRST_SEAL, gateway_clearing, seller_available
from gosellr.utils.postings import SellerSources
from tests.factories.ledger import BOOKED_AT, GATEWAY, Sold, until_settled

NOW = BOOKED_AT + timedelta(hours=1)

FROM_SCRATCH = """
SELECT currency,
       COALESCE(sum(amount_minor) FILTER (
           WHERE kind = 'sale' AND direction = 'debit'), 0)::bigint AS gmv_minor,
       COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)
           FILTER (WHERE account = 'commission'), 0)::bigint AS commission_minor,
       COALESCE(sum(amount_minor) FILTER (
           WHERE kind = 'refund_confirmed' AND direction = 'credit'
             AND account LIKE 'gateway_clearing%'), 0)::bigint AS refunded_minor
FROM ledger_transaction JOIN ledger_entry ON transaction_id = ledger_transaction.id
GROUP BY currency ORDER BY currency
"""


@pytest.fixture
async def books(cluster: Cluster, fresh_database: Callable[[str], str]) -> AsyncIterator[Database]:
    """A database of the test's own, in which transactions really end."""
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("ledger upkeep"))
    db = await Database.connect(dsn, max_size=4)
    yield db
    await db.close()


async def sell(
    books: Database, *, count: int, currency: str = "EUR", settled: bool = True
) -> list[Sold]:
    sales = [Sold(currency=currency) for _ in range(count)]
    for sold in sales:
        await transact(books, book, bookings=[sold.sale()], now=BOOKED_AT)
    if settled:
        await until_settled(books)
    return sales


async def scratch(connection: Connection) -> list[dict[str, object]]:
    return [dict(row) for row in await connection.fetch(FROM_SCRATCH)]


async def test_figures_equal_the_ledger_at_every_stage_of_rolling_up(books: Database) -> None:
    async def agree(orders: int) -> None:
        async with books.connection() as connection:
            figures = await read_figures(connection)
            assert [asdict(each) for each in figures.money] == await scratch(connection)
            assert figures.order_count == orders

    await agree(0)
    sales = await sell(books, count=3)
    await agree(3)
    assert await transact(books, roll_up) == 3
    await agree(3)
    refund_id = uuid4()
    sources = SellerSources(pending_minor=5_400)
    await transact(books, book, bookings=[sales[0].refund(refund_id, sources)], now=NOW)
    await transact(books, book, bookings=[sales[0].refund_confirmed(refund_id)], now=NOW)
    await sell(books, count=2, currency="JPY")
    await agree(5)
    assert await transact(books, roll_up) == 4
    await agree(5)
    async with books.connection() as connection:
        figures = {each.currency: each for each in (await read_figures(connection)).money}
    assert figures["EUR"].gmv_minor == 3 * 12_000
    assert figures["EUR"].commission_minor == 3 * 1_000 - 500
    assert figures["EUR"].refunded_minor == 5_400
    assert figures["JPY"].gmv_minor == 2 * 12_000


async def test_a_second_capture_of_an_order_is_no_second_order(books: Database) -> None:
    sold = Sold()
    await transact(books, book, bookings=[sold.sale()], now=BOOKED_AT)
    await transact(books, roll_up)
    again = sold.booking(sold.sale().draft, key="the rest of it")
    await transact(books, book, bookings=[again], now=BOOKED_AT)
    assert (await ask(books, read_figures)).order_count == 1
    await transact(books, roll_up)
    assert (await ask(books, read_figures)).order_count == 1


async def test_balances_are_the_same_before_and_after(books: Database) -> None:
    [sold, *_] = await sell(books, count=4)
    await transact(books, book, bookings=[sold.release()], now=NOW)
    await until_settled(books)
    accounts = [gateway_clearing(GATEWAY), COMMISSION, seller_available(sold.seller_id)]
    before = await ask(books, balances, accounts=accounts)
    assert before[COMMISSION, "EUR"] == 4_000
    assert await transact(books, roll_up, limit=2) == 2
    assert await ask(books, balances, accounts=accounts) == before
    assert await transact(books, roll_up) == 3
    assert await transact(books, roll_up) == 0
    assert await ask(books, balances, accounts=accounts) == before
    await sell(books, count=1)
    assert (await ask(books, balances, accounts=[COMMISSION]))[COMMISSION, "EUR"] == 5_000


async def test_what_commits_late_is_rolled_up_and_sealed_later_and_once(books: Database) -> None:
    """A transaction that began first and ends last has the lowest ids of all."""
    async with books.connection() as slow:
        late = slow.transaction()
        await late.start()
        await book(slow, bookings=[Sold().sale()], now=BOOKED_AT)
        await sell(books, count=3, settled=False)
        assert await transact(books, roll_up) == 0
        assert await transact(books, seal, now=NOW) == 0
        told = await ask(books, balances, accounts=[COMMISSION])
        assert told == {(COMMISSION, "EUR"): 3_000}
        await late.commit()
    await until_settled(books)
    assert await transact(books, roll_up) == 4
    assert await transact(books, seal, now=NOW) == 4
    told = await ask(books, balances, accounts=[COMMISSION])
    assert told == {(COMMISSION, "EUR"): 4_000}


async def test_two_that_roll_up_at_once_count_everything_once(books: Database) -> None:
    await sell(books, count=6)
    counts = await asyncio.gather(*(transact(books, roll_up) for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, 6]
    told = await ask(books, balances, accounts=[COMMISSION])
    assert told == {(COMMISSION, "EUR"): 6_000}


async def test_many_facts_of_one_transaction_are_never_parted(books: Database) -> None:
    await transact(books, book, bookings=[Sold().sale() for _ in range(5)], now=BOOKED_AT)
    await sell(books, count=1)
    assert await transact(books, roll_up, limit=2) == 5
    assert await transact(books, roll_up, limit=2) == 1


async def test_seals_chain_over_everything_in_one_order(books: Database) -> None:
    await sell(books, count=5)
    assert await transact(books, seal, now=NOW, limit=2) == 2
    assert await transact(books, seal, now=NOW, limit=2) == 2
    await sell(books, count=1)
    assert await transact(books, seal, now=NOW, limit=9) == 2
    assert await transact(books, seal, now=NOW) == 0
    async with books.connection() as connection:
        seals = await connection.fetch("SELECT * FROM ledger_seal ORDER BY id")
        assert [row["transaction_count"] for row in seals] == [2, 2, 2]
        assert seals[0]["previous_hash"] == FIRST_SEAL
        assert seals[1]["previous_hash"] == seals[0]["hash"]
        assert seals[2]["previous_hash"] == seals[1]["hash"]
        assert await connection.fetchval("SELECT count(*) FROM ledger_sealed") == 6
        assert (await verify(connection)).tampering == []


async def test_two_that_seal_at_once_make_one_chain(books: Database) -> None:
    await sell(books, count=6)
    counts = await asyncio.gather(*(transact(books, seal, now=NOW, limit=2) for _ in range(4)))
    assert sorted(counts) == [0, 2, 2, 2]
    async with books.connection() as connection:
        assert (await verify(connection)).tampering == []


async def test_the_database_vouches_for_plain_rows_and_the_rest_is_hashed_once_more(
    books: Database,
) -> None:
    """What it spells as it was booked is beyond doubt; anything else is no offence by itself."""
    plain = [{}, {"reason": 'torn "box", \\ \n'}, {"payments": [str(uuid4())]}, {"rate_bps": 1000}]
    doubted = [
        {"reason": "Größe"},
        {"one": 1, "two": 2},
        {"payments": [1, 2]},
        {"reason": 'says "so": yes'},
    ]
    bookings = [replace(Sold().sale(), facts=facts) for facts in (*plain, *doubted)]
    bookings[0] = replace(bookings[0], actor='o\'neil "x"', order_id=None)
    made = await transact(books, book, bookings=bookings, now=BOOKED_AT)
    async with books.connection() as connection:
        found = await doubtful(
            connection, after=UUID(int=0), until=None, accounts_are_strange=False
        )
        assert {one.transaction_id for one in found} == {
            one.transaction_id for one in made[len(plain) :]
        }
        assert not any(one.is_unbalanced or one.is_joined_later for one in found)
        assert (await verify(connection)).tampering == []


async def test_the_proof_reads_batch_by_batch(
    books: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes don't change what is found: a change in the last of many batches shows."""
    monkeypatch.setattr("gosellr.services.audit_journal._VERIFY_PAGE", 2)
    monkeypatch.setattr("gosellr.services.audit_journal._VERIFY_BATCH", 1)
    monkeypatch.setattr("gosellr.services.audit_journal._SEALS_AT_ONCE", 1)
    await sell(books, count=5)
    while await transact(books, seal, now=NOW, limit=2):
        pass
    async with books.connection() as connection:
        assert (await verify(connection)).tampering == []
