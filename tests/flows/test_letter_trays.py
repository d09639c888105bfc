"""How fast letters are written: what somebody waits for at once, a crowd at the post's own pace."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.core.transact import transact
from gosellr.flows import letters as flow
from gosellr.jobs.letters import SENDING_SECONDS
from gosellr.models.letter_values import Tray
from gosellr.resources import Resources
from gosellr.services import letter_service
from gosellr.services.letter_facts import TRAYS
from gosellr.utils.letters import URGENT
from tests.factories.accounts import make_seller
from tests.factories.catalogue import make_product, variant_draft
from tests.factories.disputes import delivered, open_case, say
from tests.factories.letters import TELL, open_room, to_whom, write
from tests.factories.payouts import set_account
from tests.factories.sales import NOW, Shop, buy, make_buyer, make_commission


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    seller = await make_seller(connection, now=NOW, name="Lamp House")
    draft = variant_draft(price_minor=5000, stock=100)
    return Shop(seller, await make_product(connection, seller=seller, variants=[draft]))


async def orders_paid(connection: Connection, order_id: UUID, times: int) -> None:
    """So many facts about an order, as if it was paid for again and again."""
    await connection.execute(
        "INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)"
        " SELECT gen_random_uuid(), 'order.paid', 'order', $1, '{}', $2"
        " FROM generate_series(1, $3)",
        order_id,
        NOW,
        times,
    )


async def test_a_crowd_is_written_at_the_pace_of_the_post_and_what_is_urgent_passes_it(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    order = await buy(resources, (shop, 1))
    await orders_paid(connection, order.id, 129)
    await set_account(resources, shop)
    await connection.execute(TELL)
    powers = replace(resources.mail, per_second=10)
    looks = await flow.write_letters(powers, seconds=SENDING_SECONDS)
    kinds = [kind for kind, _ in await to_whom(connection)]
    assert kinds.count("payout_account_changed") > 0
    assert kinds.count("order_confirmed") == 50
    assert [look.has_more for look in looks] == [False, True]
    for expected in (100, 130, 130):
        await flow.write_letters(powers, seconds=SENDING_SECONDS)
        kinds = [kind for kind, _ in await to_whom(connection)]
        assert (kinds.count("order_confirmed"), kinds.count("order_to_ship")) == (expected,) * 2


async def test_a_fast_post_is_written_for_in_several_transactions(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await open_room(resources, connection)
    order = await buy(resources, (shop, 1))
    await orders_paid(connection, order.id, letter_service.FACTS_AT_ONCE + 9)
    await connection.execute(TELL)
    looks = await flow.write_letters(replace(resources.mail, per_second=500), seconds=5)
    assert [look.facts for look in looks] == [0, letter_service.FACTS_AT_ONCE, 10]
    assert looks[-1].has_more is False


def test_every_fact_waits_in_one_tray() -> None:
    assert not TRAYS[Tray.URGENT] & TRAYS[Tray.OTHER]
    assert TRAYS[Tray.URGENT] | TRAYS[Tray.OTHER] == set(letter_service.COMPOSERS)
    assert {kind.value for kind in URGENT} == {
        "transfer_instructions",
        "payout_account_changed",
        "payout_change_withdrawn",
        "password_changed",
        "shop_contact_changed",
        "chargeback_opened",
        "payout_found_sent",
        "audit_found",
    }


async def test_what_is_said_with_a_step_is_told_once_though_they_are_read_apart(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await open_room(resources, connection)
    clock.advance(timedelta(minutes=1))
    await say(resources, case, viewer=shop.viewer, answer=True)
    # The relay tells on no more than so many at once.
    said = await connection.fetch(
        "SELECT sequence, type FROM outbox_event"
        " WHERE sequence NOT IN (SELECT event_sequence FROM outbox_feed) ORDER BY sequence"
    )
    assert sorted(one["type"] for one in said) == [
        "dispute.message_added", "dispute.status_changed"
    ]  # fmt: skip
    for one in sorted(said, key=lambda fact: fact["type"]):
        await connection.execute(
            "INSERT INTO outbox_feed (position, event_sequence)"
            " SELECT max(position) + 1, $1 FROM outbox_feed",
            one["sequence"],
        )
        await write_told(resources)
    assert [kind for kind, _ in await to_whom(connection)] == ["case_answered"]


async def write_told(resources: Resources) -> None:
    await flow.write_letters(resources.mail, seconds=SENDING_SECONDS)


@pytest.mark.parametrize("told", ["x", "'; --", 7, None, ["a"]])
async def test_a_fact_that_names_nothing_holds_up_no_other(
    resources: Resources, connection: Connection, shop: Shop, told: object
) -> None:
    await open_room(resources, connection)
    for kind in ("seller.updated", "order.paid", "seller_order.reduced", "dispute.opened",
                 "payout_destination.changed", "seller_order.status_changed"):  # fmt: skip
        names = ("order_id", "seller_id", "user_id", "fields", "member", "items", "to")
        data = dict.fromkeys(names, told)
        await connection.execute(
            "INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)"
            " VALUES ($1, $2, 'any', $1, $3, $4)",
            new_id(),
            kind,
            data | {"member": "added"},
            NOW,
        )
    await buy(resources, (shop, 1))
    rows = await write(resources, connection)
    assert [row["kind"] for row in rows] == ["order_confirmed", "order_to_ship"]


async def test_deadlines_are_gone_through_in_batches(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    cases = []
    for _ in range(2):
        buyer = await make_buyer(connection)
        order = await delivered(resources, (shop, 1), buyer=buyer)
        cases.append((await open_case(resources, order, shop, viewer=buyer.viewer)).dispute)
    first, second = sorted(cases, key=lambda case: (case.due_at, case.id))
    assert first.due_at is not None
    clock.set(first.due_at - timedelta(hours=1))
    end = await transact(
        resources.db,
        letter_service.remind_of_deadlines,
        after=(first.due_at, first.id),
        now=clock.now(),
    )
    assert end is None
    rows = await connection.fetch("SELECT order_id FROM letter")
    assert [row["order_id"] for row in rows] == [second.order_id]
    await flow.remind_of_deadlines(resources.mail)
    rows = await connection.fetch("SELECT order_id FROM letter")
    assert {row["order_id"] for row in rows} == {first.order_id, second.order_id}
    assert len(rows) == 2
