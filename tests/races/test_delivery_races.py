"""Cards that are sent, sent elsewhere and claimed at one moment: one letter, one code."""

import asyncio
from uuid import UUID

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.identity import derived_token
from gosellr.core.transact import transact
from gosellr.flows import gift_deliveries
from gosellr.flows.gift_deliveries import CLAIM_TOKEN_PURPOSE
from gosellr.models.gift_sale_values import GiftCardPurchase
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import gift_delivery_service, gift_sale_service
from gosellr.services.gift_delivery_service import SentEnough
from gosellr.utils.viewer import GUEST
from tests.factories.gift_sales import buy_card, holder_of, offer_cards, purchase_of
from tests.races.test_dead_card_races import half_done
from tests.races.test_payout_races import waits_or_ends
from tests.races.test_refund_races import outcomes

OTHER = "hopper@example.com"


async def to_grace(live: Resources) -> Order:
    await offer_cards(live)
    return await buy_card(live, 5000, recipient_name="Grace", recipient_email="grace@example.com")


async def deliver(live: Resources) -> int:
    return await gift_deliveries.deliver_due(db=live.db, clock=live.clock)


async def told(live: Resources) -> list[int]:
    """The letters that were asked for, by their numbers."""
    async with live.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT data FROM outbox_event WHERE type = 'gift_card.sent' ORDER BY sequence"
        )
    return [row["data"]["sent_count"] for row in rows]


async def claim_id_of(live: Resources, order: Order) -> UUID:
    claim_id = (await purchase_of(live, order)).claim_id
    assert claim_id is not None
    return claim_id


async def claim(live: Resources, claim_id: UUID) -> object:
    token = derived_token(live.secret_key, purpose=CLAIM_TOKEN_PURPOSE, subject=claim_id)
    return await gift_deliveries.claim(
        live.stored_value, viewer=GUEST, claim_id=claim_id, token=token
    )


async def again(connection: Connection, live: Resources, order: Order) -> GiftCardPurchase:
    return await gift_delivery_service.send_again(
        connection,
        viewer=holder_of(live, order.id),
        order_id=order.id,
        recipient_email=OTHER,
        now=live.clock.now(),
    )


async def test_a_letter_is_asked_for_once_however_many_deliver(live: Resources) -> None:
    order = await to_grace(live)
    done = await asyncio.gather(*(deliver(live) for _ in range(6)))
    assert (sum(done), await told(live)) == (1, [1])
    assert (await purchase_of(live, order)).sent_count == 1


async def test_sent_again_by_many_at_once_is_sent_once_more(
    live: Resources, clock: ManualClock
) -> None:
    order = await to_grace(live)
    await deliver(live)

    async def once_more(connection: Connection) -> GiftCardPurchase:
        return await again(connection, live, order)

    async with half_done(live, once_more):
        late = asyncio.create_task(outcomes(transact(live.db, once_more)))
        await waits_or_ends(live, late)
    # Whoever waited asks for one of its own, or finds that it has just been sent.
    assert set(await late) <= {"done", SentEnough.code}
    counts = await told(live)
    assert counts == list(range(1, len(counts) + 1))
    assert (await purchase_of(live, order)).sent_count == len(counts) <= 3


async def test_a_letter_that_many_open_tells_one_code(live: Resources) -> None:
    order = await to_grace(live)
    await deliver(live)
    claim_id = await claim_id_of(live, order)
    seen = await outcomes(*(claim(live, claim_id) for _ in range(6)))
    assert seen == {"done": 1, "gift_card_code_told": 5}


async def test_what_a_closed_letter_leads_to_is_told_to_nobody(live: Resources) -> None:
    order = await to_grace(live)
    await deliver(live)
    claim_id = await claim_id_of(live, order)

    async def elsewhere(connection: Connection) -> GiftCardPurchase:
        return await again(connection, live, order)

    async with half_done(live, elsewhere):
        late = asyncio.create_task(outcomes(claim(live, claim_id)))
        await waits_or_ends(live, late)
    assert await late == {NotFound.code: 1}
    assert (await outcomes(claim(live, await claim_id_of(live, order)))) == {"done": 1}


async def test_what_was_told_in_that_moment_is_sent_to_nobody_else(live: Resources) -> None:
    order = await to_grace(live)
    await deliver(live)
    claim_id = await claim_id_of(live, order)

    async def open_letter(connection: Connection) -> object:
        return await gift_delivery_service.give_claimed_code(
            connection, claim_id=claim_id, code_hash=b"x" * 32, last_four="GRAC"
        )

    async def elsewhere(connection: Connection) -> GiftCardPurchase:
        return await again(connection, live, order)

    async with half_done(live, open_letter):
        late = asyncio.create_task(outcomes(transact(live.db, elsewhere)))
        await waits_or_ends(live, late)
    assert await late == {"gift_card_code_told": 1}
    assert (await told(live), await claim_id_of(live, order)) == ([1], claim_id)


async def test_a_card_whose_buyer_has_just_been_told_its_code_is_sent_to_nobody(
    live: Resources,
) -> None:
    order = await to_grace(live)

    async def tell(connection: Connection) -> object:
        return await gift_sale_service.give_code(
            connection,
            viewer=holder_of(live, order.id),
            order_id=order.id,
            code_hash=b"x" * 32,
            last_four="ADAX",
        )

    async with half_done(live, tell):
        late = asyncio.create_task(deliver(live))
        await waits_or_ends(live, late)
    assert (await late, await told(live)) == (0, [])
