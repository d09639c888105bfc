"""Death at every step of calling off before it is paid for: once, and what is left is sold."""

from uuid import uuid4

from gosellr.core.transact import transact
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.services import reduction_service
from tests.factories.captures import at_shipment, charge_of
from tests.factories.reductions import told, wanted
from tests.factories.sales import a_key, buy, part_of, read, ship
from tests.simulate.stage import PRICE, Scene, Stage, card, die_everywhere, sweep


async def test_calling_off_cut_off_anywhere_happens_once(stage: Stage) -> None:
    async def scene() -> Scene:
        order = await buy(at_shipment(stage.market), (stage.shop, 3), tenders=(card(),))
        key = uuid4().hex

        async def play(market: Resources) -> bytes:
            called_off = await transact(
                market.db,
                reduction_service.call_off,
                viewer=stage.shop.viewer,
                order_id=order.id,
                request=wanted(order, stage.shop, 1),
                key=a_key(key),
                tell=told,
                policy=market.policy,
                now=market.clock.now(),
            )
            return called_off.body

        async def check(market: Resources) -> None:
            # Whoever asks again is answered the same, whether it had happened or not.
            assert [await play(market) for _ in range(2)] == [str(PRICE).encode()] * 2
            after = await read(market, order)
            [line] = part_of(after, stage.shop).lines
            assert (line.quantity, line.called_off_quantity) == (2, 1)
            assert (after.total_minor, after.captured_minor) == (2 * PRICE, 0)
            async with market.db.connection() as connection:
                made = await connection.fetch(
                    "SELECT quantity, amount_minor FROM order_reduction WHERE order_id = $1",
                    order.id,
                )
            assert [tuple(row) for row in made] == [(1, PRICE)]
            await ship(market, after, stage.shop)
            await upkeep.resume_captures(market)
            await sweep(stage, market)
            after = await read(market, order)
            found = await market.gateways["sandbox"].lookup(attempt_id=str(charge_of(after).id))
            assert (after.captured_minor, found.captured_minor) == (2 * PRICE, 2 * PRICE)

        return Scene(play, check)

    assert await die_everywhere(stage, scene) >= 10
