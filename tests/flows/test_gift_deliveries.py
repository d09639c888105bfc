"""A gift card that is sent to somebody: at its time, by one letter, and its code told once."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound, TooManyRequests
from gosellr.core.transact import transact
from gosellr.flows import gift_deliveries, letters
from gosellr.flows.limits import CODE_PER_ADDRESS
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import gift_delivery_service, stored_value_service
from gosellr.services.gift_delivery_service import NobodyToSendTo, SentEnough
from gosellr.services.gift_sale_service import CodeNotReady, CodeToldAlready
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.disputes import bank_decides, take_back
from tests.factories.gift_sales import buy_card, code_of, holder_of, offer_cards, purchase_of
from tests.factories.letters import mails, open_room, send, text_of, to_whom, write, written
from tests.factories.payouts import wrong_with
from tests.factories.sales import buy, make_buyer, make_commission, make_shop
from tests.factories.stored_value import by_bank, by_card, operator, pay_again

GRACE = "grace@example.com"
LINK = re.compile(r"http://localhost:4004/gift-cards/claims/([0-9a-f-]{36})\?token=(\S+)")


@pytest.fixture
async def market(resources: Resources, connection: Connection) -> Resources:
    await offer_cards(resources, valid_days=365)
    await open_room(resources, connection)
    return resources


async def deliver(resources: Resources) -> int:
    return await gift_deliveries.deliver_due(db=resources.db, clock=resources.clock)


async def to_grace(resources: Resources, **more: Any) -> Order:
    told = {
        "recipient_name": "Grace",
        "recipient_email": GRACE,
        "message": "Happy birthday",
        **more,
    }
    return await buy_card(resources, 5000, **told)


async def claim_links(resources: Resources, connection: Connection) -> list[tuple[UUID, str]]:
    """What the letters that were sent to whoever gets the card lead to."""
    await write(resources, connection)
    await send(resources)
    found = [
        LINK.search(text_of(mail))
        for mail in mails(resources)
        if "gift-card-for-you" in str(mail["Message-ID"])
    ]
    return [(UUID(one[1]), one[2]) for one in found if one is not None]


async def again(resources: Resources, order: Order, email: str | None = None) -> None:
    await transact(
        resources.db,
        gift_delivery_service.send_again,
        viewer=holder_of(resources, order.id),
        order_id=order.id,
        recipient_email=email,
        now=resources.clock.now(),
    )


async def test_a_card_is_sent_once_and_claimed_once(
    market: Resources, connection: Connection
) -> None:
    buyer = await make_buyer(connection)
    order = await to_grace(market, buyer=buyer)
    assert await deliver(market) == 1
    assert await deliver(market) == 0
    [(claim_id, token)] = await claim_links(market, connection)
    assert sorted(await to_whom(connection)) == [
        ("gift_card_bought", "giver@example.com"),
        ("gift_card_for_you", GRACE),
        ("welcome", buyer.email),
    ]
    [mail] = [one for one in mails(market) if "for-you" in str(one["Message-ID"])]
    assert mail["To"] == GRACE
    text = text_of(mail)
    for words in ("Hello Grace,", "Happy birthday", "Worth: €50.00 EUR", "Good until"):
        assert words in text
    assert "giver@example.com" not in text
    seen = await gift_deliveries.look(
        market.stored_value, viewer=GUEST, claim_id=claim_id, token=token
    )
    assert (seen.recipient_name, seen.message) == ("Grace", "Happy birthday")
    told = await gift_deliveries.claim(
        market.stored_value, viewer=GUEST, claim_id=claim_id, token=token
    )
    with pytest.raises(CodeToldAlready):
        await gift_deliveries.claim(
            market.stored_value, viewer=GUEST, claim_id=claim_id, token=token
        )
    with pytest.raises(CodeToldAlready):
        await code_of(market, order, viewer=buyer.viewer)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=5000)
    assert (await buy(market, (shop, 1), tenders=(by_card(told.code),))).status == "paid"
    assert await wrong_with(connection, market) == []


async def test_neither_code_nor_key_stands_anywhere(
    market: Resources, connection: Connection
) -> None:
    await to_grace(market)
    await deliver(market)
    [(claim_id, token)] = await claim_links(market, connection)
    told = await gift_deliveries.claim(
        market.stored_value, viewer=GUEST, claim_id=claim_id, token=token
    )
    secrets = (told.code, told.code.replace("-", ""), token)
    for table in ("letter", "gift_card", "gift_card_purchase", "outbox_event", "orders"):
        rows = await connection.fetch(f"SELECT t::text FROM {table} AS t")
        text = " ".join(row[0] for row in rows)
        assert not [secret for secret in secrets if secret in text], table
    # Whom a card goes to isn't told to whoever reads the feed.
    feed = await connection.fetch("SELECT data::text FROM outbox_event")
    assert not [row for row in feed if GRACE in row[0]]
    [letter] = [one for one in await written(connection) if one["recipient"] == GRACE]
    shown = await letters.preview(market.mail, letter_id=letter["id"])
    assert token not in shown.words.text


async def test_it_waits_for_its_day_and_for_its_money(
    market: Resources, connection: Connection, clock: ManualClock
) -> None:
    day = clock.now() + timedelta(days=10)
    order = await to_grace(market, deliver_at=day, tender=by_bank("tok_declined"))
    clock.advance(timedelta(seconds=1))
    assert await deliver(market) == 0
    await pay_again(market, order, by_bank(), viewer=holder_of(market, order.id))
    clock.advance(timedelta(days=10) - timedelta(seconds=2))
    assert await deliver(market) == 0
    clock.advance(timedelta(seconds=1))
    assert await deliver(market) == 1
    purchase = await purchase_of(market, order)
    assert (purchase.sent_count, purchase.sent_at) == (1, day)


@pytest.mark.parametrize("days", [-1, 400])
async def test_a_day_that_was_or_is_far_away_is_refused(
    market: Resources, connection: Connection, clock: ManualClock, days: int
) -> None:
    with pytest.raises(InvalidInput):
        await to_grace(market, deliver_at=clock.now() + timedelta(days=days))
    with pytest.raises(InvalidInput):
        await buy_card(market, deliver_at=clock.now() + timedelta(days=1))  # type: ignore[arg-type]
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0


async def test_it_is_sent_again_three_times_in_all(
    market: Resources, connection: Connection
) -> None:
    order = await to_grace(market)
    await deliver(market)
    await again(market, order)
    await again(market, order)
    with pytest.raises(SentEnough):
        await again(market, order)
    links = await claim_links(market, connection)
    assert len(links) == 3
    # All lead to the same place.
    assert len(set(links)) == 1


async def test_another_address_closes_what_the_one_before_was_sent(
    market: Resources, connection: Connection
) -> None:
    order = await to_grace(market, recipient_email="typo@example.com")
    await deliver(market)
    [(wrong_id, wrong_token)] = await claim_links(market, connection)
    await again(market, order, GRACE)
    links = await claim_links(market, connection)
    [(claim_id, token)] = [one for one in links if one[0] != wrong_id]
    assert [row["recipient"] for row in await written(connection)][-1] == GRACE
    with pytest.raises(NotFound):
        await gift_deliveries.claim(
            market.stored_value, viewer=GUEST, claim_id=wrong_id, token=wrong_token
        )
    with pytest.raises(NotFound):
        await gift_deliveries.claim(
            market.stored_value, viewer=GUEST, claim_id=claim_id, token=wrong_token
        )
    await gift_deliveries.claim(market.stored_value, viewer=GUEST, claim_id=claim_id, token=token)


async def test_before_its_day_only_the_address_changes(
    market: Resources, connection: Connection, clock: ManualClock
) -> None:
    order = await to_grace(market, deliver_at=clock.now() + timedelta(days=3))
    await again(market, order, "other@example.com")
    purchase = await purchase_of(market, order)
    assert (purchase.recipient_email, purchase.sent_count) == ("other@example.com", 0)
    assert await claim_links(market, connection) == []
    clock.advance(timedelta(days=3))
    await deliver(market)
    await write(market, connection)
    assert ("gift_card_for_you", "other@example.com") in await to_whom(connection)


async def test_what_isnt_there_told_or_for_nobody_isnt_sent(
    market: Resources, connection: Connection
) -> None:
    unpaid = await to_grace(market, tender=by_bank("tok_declined"))
    with pytest.raises(CodeNotReady):
        await again(market, unpaid)
    own = await buy_card(market)
    with pytest.raises(NobodyToSendTo):
        await again(market, own, GRACE)
    told = await to_grace(market)
    await code_of(market, told)
    assert await deliver(market) == 0
    with pytest.raises(CodeToldAlready):
        await again(market, told)
    for viewer, refusal in ((await operator(market), NotAllowed), (Viewer(), NotFound)):
        with pytest.raises(refusal):
            await transact(
                market.db,
                gift_delivery_service.send_again,
                viewer=viewer,
                order_id=own.id,
                recipient_email=None,
                now=market.clock.now(),
            )


async def test_a_card_whose_price_a_bank_disputes_waits(
    market: Resources, connection: Connection, clock: ManualClock
) -> None:
    order = await to_grace(market, deliver_at=clock.now() + timedelta(days=1))
    reference = await take_back(market, order)
    clock.advance(timedelta(days=2))
    assert await deliver(market) == 0
    await bank_decides(market, order, reference, won=True)
    assert await deliver(market) == 1


async def test_a_card_that_was_stopped_is_sent_to_nobody(
    market: Resources, connection: Connection, clock: ManualClock
) -> None:
    order = await to_grace(market, deliver_at=clock.now() + timedelta(days=1))
    purchase = await purchase_of(market, order)
    assert purchase.card is not None
    await transact(
        market.db,
        stored_value_service.deactivate,
        viewer=await operator(market),
        card_id=purchase.card.id,
        now=clock.now(),
    )
    clock.advance(timedelta(days=2))
    assert await deliver(market) == 0
    assert (await purchase_of(market, order)).sent_count == 0


async def test_who_tries_the_keys_of_letters_is_sent_away(
    market: Resources, connection: Connection
) -> None:
    order = await to_grace(market)
    await deliver(market)
    [(claim_id, token)] = await claim_links(market, connection)
    counted = replace(market.stored_value, rate_limits=True)
    stranger = Viewer(ip_address="192.0.2.7")
    for number in range(CODE_PER_ADDRESS.amount + 1):
        refused = NotFound if number < CODE_PER_ADDRESS.amount else TooManyRequests
        with pytest.raises(refused):
            await gift_deliveries.claim(
                counted, viewer=stranger, claim_id=claim_id, token=f"{number:03}{token[3:]}"
            )
    with pytest.raises(TooManyRequests):
        await gift_deliveries.look(counted, viewer=stranger, claim_id=claim_id, token=token)
    assert (await purchase_of(market, order)).card is not None
