"""Random lives of a small market end with sound books, whatever happened in them.

`GOSELLR_LIVES=500` lives so many, `GOSELLR_FIRST_LIFE=1000` from that seed on.
"""

import os
from typing import Final

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.payouts import wrong_with
from tests.factories.sales import balances, read
from tests.simulate.life_acts import live
from tests.simulate.life_ends import rest
from tests.simulate.lives import Life, begin

FIRST: Final = int(os.environ.get("GOSELLR_FIRST_LIFE", "0"))
LIVES: Final = int(os.environ.get("GOSELLR_LIVES", "12"))

# While jobs and people still have work to do: what the gateway hasn't told yet, what ran out, what
# a bank refused, what is unknown, and what is on its way.
UNFINISHED: Final = {7, 15, 18, 20, 24}
UNMATCHED: Final = "SELECT kind, mismatch FROM provider_movement WHERE status = 'unmatched'"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LIVES))
async def test_a_life_ends_with_sound_books(
    resources: Resources, connection: Connection, clock: ManualClock, seed: int
) -> None:
    life = await begin(resources, connection, clock, seed=seed)
    try:
        await live(life, life.chance.randint(20, 60))
        found = await wrong_with(connection, life.market)
        assert [one for one in found if one.number not in UNFINISHED] == []
        await rest(life)
        await check_the_end(life)
    except BaseException as error:
        error.add_note("\n".join(life.diary))
        raise


async def check_the_end(life: Life) -> None:
    assert await wrong_with(life.connection, life.market) == []
    held = await balances(life.connection)
    assert {"suspense", "refund_in_transit"}.isdisjoint(held)
    # Nobody gains by what the market gives away, and no commission is paid out.
    assert held.get("goodwill_cost", 0) >= 0
    assert held.get("promotion_cost", 0) >= 0
    assert held.get("commission", 0) <= 0
    assert [tuple(row) for row in await life.connection.fetch(UNMATCHED)] == []
    for one in life.bought:
        order = await read(life.market, one.order)
        waits = any(payment.method == "bank_transfer" for payment in order.payments)
        assert order.status != "pending_payment" or waits
