"""Facts are booked once, whole, and never beyond what guarded accounts hold."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import asyncpg
import pytest

from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.transact import transact
from gosellr.queries import ledger
from gosellr.services.ledger_service import (
    InsufficientBalance,
    balances,
    book,
    locked_balances,
    receivable_of,
)
from gosellr.utils.ledger import (
    COMMISSION,
    gateway_clearing,
    seller_available,
    seller_pending,
    seller_receivable,
    seller_reserve,
    transaction_bytes,
    transaction_hash,
)
from gosellr.utils.postings import SellerSources
from tests.factories.ledger import BOOKED_AT, GATEWAY, Sold, booked


async def test_a_sale_is_read_back_as_it_was_booked(connection: Connection) -> None:
    sold = Sold()
    [answer] = await booked(connection, sold.sale())
    [read] = await ledger.find_of_order(connection, order_id=sold.order_id, limit=10)
    assert read.id == answer.transaction_id
    assert not answer.existed
    assert read.entries == sold.sale().draft.entries
    assert read.facts == {"note": "Größe", "rate_bps": 1000}
    assert read.booked_at == BOOKED_AT


async def test_the_hash_can_be_made_again_from_the_rows(connection: Connection) -> None:
    sold = Sold()
    await booked(connection, sold.sale())
    [read] = await ledger.find_of_order(connection, order_id=sold.order_id, limit=10)
    head = {
        name: getattr(read, name)
        for name in read.__dataclass_fields__
        if name not in {"id", "hash"}
    }
    assert read.hash == transaction_hash(transaction_bytes(transaction_id=read.id, **head))


async def test_a_sale_costs_one_statement_and_locks_no_balance(
    connection: Connection, query_count: Callable[[], int]
) -> None:
    sold, other = Sold(), Sold()
    await booked(connection, Sold().sale())  # The first time, the driver asks about types.
    query_count()
    await booked(connection, sold.sale(), other.sale(), sold.fee())
    assert query_count() == 1
    assert await connection.fetchval("SELECT count(*) FROM ledger_balance") == 0


async def test_a_replay_books_nothing_and_names_what_exists(connection: Connection) -> None:
    sold = Sold()
    first = await booked(connection, sold.sale(), sold.release())
    again = await booked(connection, sold.release(), sold.sale(), sold.fee())
    assert [answer.transaction_id for answer in again[:2]] == [
        first[1].transaction_id,
        first[0].transaction_id,
    ]
    assert [answer.existed for answer in again] == [True, True, False]
    assert await balances(connection, accounts=[seller_available(sold.seller_id)]) == {
        (seller_available(sold.seller_id), "EUR"): 10_800
    }
    held = await locked_balances(
        connection, accounts=[seller_available(sold.seller_id)], currency="EUR"
    )
    assert held == {seller_available(sold.seller_id): 10_800}


async def test_the_same_fact_twice_in_one_call_is_booked_once(connection: Connection) -> None:
    sold = Sold()
    one, two = await booked(connection, sold.sale(), sold.sale())
    assert one.transaction_id == two.transaction_id
    assert [one.existed, two.existed] == [False, True]
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == 1


async def test_no_booking_is_no_statement(
    connection: Connection, query_count: Callable[[], int]
) -> None:
    query_count()
    assert await book(connection, bookings=[], now=BOOKED_AT) == []
    assert query_count() == 0


async def test_guarded_balances_follow_their_entries(connection: Connection) -> None:
    sold, refund_id = Sold(), uuid4()
    await booked(connection, sold.sale())
    await booked(connection, sold.release(available_minor=9_800, reserved_minor=1_000))
    sources = SellerSources(available_minor=4_900, reserve_minor=500)
    await booked(connection, sold.refund(refund_id, sources))
    accounts = [seller_reserve(sold.seller_id), seller_available(sold.seller_id)]
    held = await locked_balances(connection, accounts=accounts, currency="EUR")
    assert held == {
        seller_available(sold.seller_id): 4_900,
        seller_reserve(sold.seller_id): 500,
    }
    told = await balances(connection, accounts=accounts)
    assert {account: minor for (account, _), minor in told.items()} == held


@pytest.mark.parametrize("has_row", [True, False])
async def test_what_isnt_there_cant_be_taken(connection: Connection, has_row: bool) -> None:
    sold = Sold()
    await booked(connection, sold.sale())
    if has_row:
        await booked(connection, sold.release(available_minor=5_000, reserved_minor=5_800))
    before = await connection.fetchval("SELECT count(*) FROM ledger_transaction")
    with pytest.raises(InsufficientBalance) as refused:
        async with connection.transaction():
            await booked(connection, sold.refund(uuid4(), SellerSources(available_minor=5_400)))
    assert refused.value.code == "insufficient_balance"
    assert await connection.fetchval("SELECT count(*) FROM ledger_transaction") == before
    held = await balances(connection, accounts=[seller_available(sold.seller_id)])
    assert held == ({(seller_available(sold.seller_id), "EUR"): 5_000} if has_row else {})


async def test_balances_speak_in_the_sense_of_their_account(connection: Connection) -> None:
    sold = Sold()
    await booked(connection, sold.sale(), sold.fee())
    told = await balances(
        connection,
        accounts=[gateway_clearing(GATEWAY), seller_pending(sold.seller_id), COMMISSION, "bank"],
    )
    assert told == {
        (gateway_clearing(GATEWAY), "EUR"): 10_700,
        (seller_pending(sold.seller_id), "EUR"): 10_800,
        (COMMISSION, "EUR"): 1_000,
    }


async def test_a_debt_is_told(connection: Connection) -> None:
    sold = Sold()
    await booked(connection, sold.sale())
    assert await receivable_of(connection, seller_id=sold.seller_id, currency="EUR") == 0
    sources = SellerSources(pending_minor=5_000, receivable_minor=400)
    await booked(connection, sold.refund(uuid4(), sources))
    assert await receivable_of(connection, seller_id=sold.seller_id, currency="EUR") == 400
    assert await receivable_of(connection, seller_id=sold.seller_id, currency="USD") == 0


async def test_only_guarded_accounts_can_be_locked(connection: Connection) -> None:
    with pytest.raises(ValueError, match="no guarded balance"):
        await locked_balances(connection, accounts=[seller_receivable(uuid4())], currency="EUR")


async def test_an_entry_that_claims_another_writer_is_refused(connection: Connection) -> None:
    sold = Sold()
    [answer] = await booked(connection, sold.sale())
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="is complete"):
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO ledger_entry (transaction_id, position, account, direction,"
                " amount_minor, currency, written_by)"
                " VALUES ($1, 9, 'bank', 'debit', 1, 'EUR', '5')",
                answer.transaction_id,
            )


async def test_rivals_for_one_balance_take_what_is_there_and_no_more(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    """Ten refunds of 54.00 at once against 216.00: four are booked, and the rows agree."""
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("ledger rivals"))
    db = await Database.connect(dsn, max_size=6)
    try:
        sold = Sold()
        await transact(db, book, bookings=[sold.sale()], now=BOOKED_AT)
        release = sold.release(available_minor=21_600)
        await transact(db, book, bookings=[release], now=BOOKED_AT)
        takers = [sold.refund(uuid4(), SellerSources(available_minor=5_400)) for _ in range(10)]
        answers = await asyncio.gather(
            *(transact(db, book, bookings=[taker], now=BOOKED_AT) for taker in takers),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, InsufficientBalance)]
        assert len(refused) == 6
        assert sum(isinstance(answer, list) for answer in answers) == 4
        async with db.connection() as connection:
            account = seller_available(sold.seller_id)
            assert await balances(connection, accounts=[account]) == {(account, "EUR"): 0}
            assert await connection.fetchval("SELECT balance_minor FROM ledger_balance") == 0
    finally:
        await db.close()


async def test_one_fact_booked_by_many_at_once_exists_once(
    cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("ledger replays"))
    db = await Database.connect(dsn, max_size=6)
    try:
        sold = Sold()
        answers = await asyncio.gather(
            *(transact(db, book, bookings=[sold.sale()], now=BOOKED_AT) for _ in range(12))
        )
        assert len({answer[0].transaction_id for answer in answers}) == 1
        assert sum(not answer[0].existed for answer in answers) == 1
    finally:
        await db.close()
