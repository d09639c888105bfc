"""Death at every step of hands on the books, and of files for the bank: each booked once."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.core.transact import ask, transact
from gosellr.flows import bank_files
from gosellr.models.payout_values import Payout
from gosellr.resources import Resources
from gosellr.services.bank_file_service import NothingToFile
from gosellr.utils.payouts import PayoutStatus
from tests.factories.balances import agree, approve, prepare, write_off
from tests.factories.payouts import an_operator, earn, pay, reread, set_account, set_schedule
from tests.factories.sales import Shop, a_key, make_shop, refund, seller_owes
from tests.flows.test_bank_files import set_bank, with_bank
from tests.simulate.stage import PRICE, Scene, Stage, die_everywhere, sweep
from tests.simulate.test_payout_crash_points import NET

MINOR = 700


async def a_shop(stage: Stage, set_way: Callable[..., Awaitable[object]] = set_account) -> Shop:
    """A shop of its own for each scene."""
    shop = await transact(stage.market.db, make_shop, price_minor=PRICE)
    await set_way(stage.market, shop)
    await set_schedule(stage.market, shop, "manual")
    return shop


def given_to(shop: Shop) -> tuple[tuple[str, str, int], tuple[str, str, int]]:
    """Entries by hand that make something available."""
    return (
        ("goodwill_cost", "debit", MINOR),
        (f"seller_available:{shop.seller.id}", "credit", MINOR),
    )


async def booked(connection: Connection, *, adjustment_id: UUID) -> int:
    """How often an adjustment was booked."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM ledger_transaction WHERE cause_id = $1", adjustment_id
    )
    return count


async def owes(market: Resources, shop: Shop) -> dict[str, int]:
    return await ask(market.db, seller_owes, shop=shop)


async def test_an_adjustment_cut_off_anywhere_is_booked_once(stage: Stage) -> None:
    first, second = an_operator(), an_operator()

    async def scene() -> Scene:
        shop, key = await a_shop(stage), uuid4().hex

        async def play(market: Resources) -> None:
            made = await prepare(market, *given_to(shop), viewer=first, key=key)
            await approve(market, made.id, viewer=second)

        async def check(market: Resources) -> None:
            await play(market)
            made = await prepare(market, *given_to(shop), viewer=first, key=key)
            assert (made.status, made.decided_by) == ("approved", second.user_id)
            assert await ask(market.db, booked, adjustment_id=made.id) == 1
            assert await owes(market, shop) == {"available": MINOR}

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 18


async def test_a_write_off_cut_off_anywhere_is_booked_once(stage: Stage) -> None:
    second = an_operator()

    async def scene() -> Scene:
        shop = await a_shop(stage)
        order = await earn(stage.market, shop)
        await pay(stage.market, shop)
        await refund(stage.market, order, shop, units=1)
        assert await owes(stage.market, shop) == {"receivable": NET}
        await agree(stage.market, shop, share_bps=5000)
        made = await write_off(stage.market, shop, NET)

        async def play(market: Resources) -> None:
            await approve(market, made.id, viewer=second)

        async def check(market: Resources) -> None:
            await play(market)
            assert await ask(market.db, booked, adjustment_id=made.id) == 1
            assert await owes(market, shop) == {}
            async with market.db.connection() as connection:
                plans = (
                    "SELECT count(*) FROM recovery_plan WHERE seller_id = $1 AND ended_at IS NULL"
                )
                assert await connection.fetchval(plans, shop.seller.id) == 0

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 12


async def filed(stage: Stage) -> list[tuple[Shop, Payout]]:
    """Two shops whose payouts wait for a file."""
    found = []
    for _ in range(2):
        shop = await a_shop(stage, set_bank)
        made = await prepare(stage.market, *given_to(shop))
        await approve(stage.market, made.id)
        found.append((shop, await pay(stage.market, shop)))
    return found


async def files_of(connection: Connection, *, payouts: list[UUID]) -> list[UUID | None]:
    rows = await connection.fetch(
        "SELECT DISTINCT bank_file_id FROM payout WHERE id = ANY($1::uuid[])", payouts
    )
    return [row["bank_file_id"] for row in rows]


async def test_a_bank_file_cut_off_anywhere_is_made_once(stage: Stage) -> None:
    stage.market, operator = with_bank(stage.market), an_operator()

    async def scene() -> Scene:
        waiting, key = await filed(stage), uuid4().hex

        async def make(market: Resources) -> UUID:
            made = await bank_files.make_file(market.payouts, viewer=operator, key=a_key(key))
            assert (made.value.payment_count, made.value.amount_minor) == (2, 2 * MINOR)
            return made.value.id

        async def check(market: Resources) -> None:
            file_id = await make(market)
            ids = [payout.id for _, payout in waiting]
            assert await ask(market.db, files_of, payouts=ids) == [file_id]
            assert b"<NbOfTxs>2<" in await bank_files.read_file(market.payouts, file_id=file_id)
            with pytest.raises(NothingToFile):
                await bank_files.make_file(market.payouts, viewer=operator, key=a_key())

        return Scene(make, check)

    assert await die_everywhere(stage, scene) >= 8


@pytest.mark.parametrize("word", ["executed", "rejected"])
async def test_a_banks_word_on_a_file_cut_off_anywhere(stage: Stage, word: str) -> None:
    stage.market, operator = with_bank(stage.market), an_operator()

    async def scene() -> Scene:
        (good, paid), (bad, failed) = await filed(stage)
        made = await bank_files.make_file(stage.market.payouts, viewer=operator, key=a_key())

        async def play(market: Resources) -> None:
            powers, file_id = market.payouts, made.value.id
            if word == "rejected":
                await bank_files.reject_file(
                    powers, viewer=operator, file_id=file_id, reason="not signed"
                )
                return
            # Said again, whoever failed is in the file no more.
            with suppress(Conflict):
                await bank_files.execute_file(
                    powers, viewer=operator, file_id=file_id, failed={failed.id: "closed"}
                )

        async def check(market: Resources) -> None:
            await play(market)
            await sweep(stage, market)
            first, second = await reread(market, paid), await reread(market, failed)
            assert second.status is PayoutStatus.FAILED
            assert await owes(market, bad) == {"available": MINOR}
            if word == "executed":
                assert first.status is PayoutStatus.PAID
                assert second.failure_reason == "closed"
                assert await owes(market, good) == {}
            else:
                assert first.status is PayoutStatus.FAILED
                assert first.failure_reason == second.failure_reason == "not signed"
                assert await owes(market, good) == {"available": MINOR}

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 20
