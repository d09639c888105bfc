"""The post that is slow, was away, or never comes back: what becomes of what it had in hand."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import letters as flow
from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.integrations.messages.port import Email, SendOutcome, SendResult
from gosellr.jobs import letters as jobs
from gosellr.models.letter_values import SentLetter
from gosellr.resources import Resources
from gosellr.services import letter_post
from gosellr.services.letter_post import HELD_FOR
from gosellr.utils.letters import TRIES_MAX
from tests.factories.letters import mails, open_room, post_of, send, write, written
from tests.factories.payouts import an_operator
from tests.factories.sales import Shop, buy, make_shop

LONG = timedelta(hours=13)


@pytest.fixture
async def shop(resources: Resources, connection: Connection) -> Shop:
    """One order was bought here, and its two letters wait."""
    shop = await make_shop(connection)
    await open_room(resources, connection)
    await buy(resources, (shop, 1))
    await write(resources, connection)
    return shop


@pytest.mark.usefixtures("shop")
async def test_what_a_slow_post_has_no_time_for_goes_back_before_it_is_lost(
    resources: Resources, connection: Connection
) -> None:
    assert await flow.send_due(resources.mail, seconds=5, hand_seconds_max=-1) == 0
    rows = await written(connection)
    assert {(row["status"], row["last_error"]) for row in rows} == {
        ("queued", "away: the post is slow")
    }
    assert {row["attempt_limit"] - row["attempt_count"] for row in rows} == {TRIES_MAX}
    await send(resources, after=timedelta(minutes=1))
    assert {row["status"] for row in await written(connection)} == {"sent"}
    assert len(mails(resources)) == 2


@pytest.mark.usefixtures("shop")
async def test_a_long_absence_makes_no_later_pause_longer(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await connection.execute("UPDATE letter SET recipient = 'ada+later@example.com'")
    post_of(resources).is_away = True
    for _ in range(30):
        await send(resources, after=LONG)
    post_of(resources).is_away = False
    await send(resources, after=LONG)
    for row in await written(connection):
        assert row["status"] == "failed"
        pause = row["next_try_at"] - clock.now()
        assert timedelta(seconds=30) <= pause <= timedelta(minutes=1)


class FatalPost(ConsoleMessages):
    """Whoever hands something to it dies of it."""

    async def send_email(self, email: Email) -> SendResult:
        raise ConnectionResetError(email.message_id)


@pytest.mark.usefixtures("shop")
async def test_what_costs_its_sender_the_life_every_time_waits_for_a_person(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await connection.execute("DELETE FROM letter WHERE kind <> 'order_confirmed'")
    fatal = replace(resources, post=FatalPost(resources.settings.home, clock=clock))
    for _ in range(TRIES_MAX):
        with pytest.raises(ConnectionResetError):
            await send(fatal, after=HELD_FOR)
    await jobs.sweep_letters(resources)
    [row] = await written(connection)
    assert (row["status"], row["attempt_count"]) == ("queued", TRIES_MAX)
    # Nobody is made to die of it again.
    await send(fatal, after=HELD_FOR)
    await jobs.sweep_letters(resources)
    [row] = await written(connection)
    assert (row["status"], row["next_try_at"]) == ("dead", None)
    assert row["last_error"] == "lost: whoever had it in hand never told what became of it"
    await transact(
        resources.db,
        letter_post.resend,
        viewer=an_operator(),
        letter_id=row["id"],
        now=clock.now(),
    )
    await send(resources)
    assert [row["status"] for row in await written(connection)] == ["sent"]


class HalfPost(ConsoleMessages):
    """Is fatal to one lane, while another one is still at it."""

    async def send_email(self, email: Email) -> SendResult:
        if "order-confirmed" in email.message_id:
            raise ConnectionResetError
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().send_email(email)


@pytest.mark.usefixtures("shop")
async def test_what_goes_wrong_in_one_lane_lets_the_others_note_what_went(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    half = replace(resources, post=HalfPost(resources.settings.home, clock=clock))
    with pytest.raises(ConnectionResetError):
        await send(half)
    assert [(row["kind"], row["status"]) for row in await written(connection)] == [
        ("order_confirmed", "queued"),
        ("order_to_ship", "sent"),
    ]


@pytest.mark.usefixtures("shop")
async def test_whoever_was_too_slow_may_still_say_that_it_went_and_nothing_else(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await connection.execute("DELETE FROM letter WHERE kind <> 'order_confirmed'")
    db, now = resources.db, clock.now()
    [slow] = await transact(db, letter_post.claim, limit=10, now=now)
    assert await transact(db, letter_post.claim, limit=10, now=now) == []
    clock.advance(HELD_FOR)
    now = clock.now()
    [quick] = await transact(db, letter_post.claim, limit=10, now=now)
    rows = await written(connection)
    failed = {"error": "later", "for_good": True, "next_try_at": now}
    assert await transact(db, letter_post.note_failed, letter=slow, **failed) is None
    await transact(db, letter_post.put_back, taken=[slow], error="away", next_try_at=now)
    assert await written(connection) == rows
    went = SentLetter(letter_id=slow.id, reference="it went", at=now)
    await transact(db, letter_post.note_sent, [went])
    [row] = await written(connection)
    assert (row["status"], row["post_reference"]) == ("sent", "it went")
    assert await transact(db, letter_post.note_failed, letter=quick, **failed) is None
    await transact(db, letter_post.put_back, taken=[quick], error="away", next_try_at=now)
    assert await written(connection) == [row]


class PunctualPost(ConsoleMessages):
    """Takes two letters in one moment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.both = asyncio.Barrier(2)

    async def send_email(self, email: Email) -> SendResult:
        await self.both.wait()
        return SendResult(outcome=SendOutcome.ACCEPTED, reference=email.message_id)


@pytest.mark.usefixtures("shop")
async def test_what_went_at_the_same_time_is_written_down_by_one_statement(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    query_count: Callable[[], int],
) -> None:
    punctual = replace(resources, post=PunctualPost(resources.settings.home, clock=clock))
    await asyncio.sleep(0)  # The driver tells of a statement a turn later.
    query_count()
    await send(punctual)
    await asyncio.sleep(0)
    # They are taken in hand by one as well, which has a transaction around it.
    assert query_count() == 3 + 1
    rows = await written(connection)
    assert [(row["status"], row["post_reference"]) for row in rows] == [
        ("sent", row["effect_key"]) for row in rows
    ]
    assert len(rows) == 2
