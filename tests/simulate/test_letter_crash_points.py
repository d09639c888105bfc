"""Death at every step of the mail room: no letter is lost, and none is another one's double."""

from collections import Counter
from dataclasses import replace
from email import message_from_bytes
from uuid import UUID

from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.integrations.messages.port import Email, SendResult
from gosellr.jobs import letters
from gosellr.resources import Resources
from gosellr.services.letter_post import HELD_FOR
from tests.factories.letters import TELL
from tests.factories.sales import buy
from tests.simulate.stage import Scene, Stage, die_everywhere

OF_ORDER = "SELECT effect_key, kind, status FROM letter WHERE order_id = $1 ORDER BY kind"


class CountingPost(ConsoleMessages):
    """Counts how often it was handed what."""

    given: Counter[str]

    async def send_email(self, email: Email) -> SendResult:
        self.given[email.message_id] += 1
        return await super().send_email(email)


async def work(market: Resources) -> None:
    """What the clock starts."""
    await letters.write_letters(market)
    await letters.send_letters(market)


async def tell(market: Resources) -> None:
    async with market.db.connection() as connection:
        await connection.execute(TELL)


async def test_a_mail_room_cut_off_anywhere_writes_each_letter_once_and_sends_it(
    stage: Stage,
) -> None:
    post = CountingPost(stage.market.settings.home, clock=stage.clock)
    post.given = Counter()
    stage.market = replace(stage.market, post=post)
    await tell(stage.market)
    await letters.write_letters(stage.market)
    twice: list[str] = []

    async def make_scene() -> Scene:
        order = await buy(stage.market, (stage.shop, 1))
        await tell(stage.market)

        async def check(market: Resources) -> None:
            stage.clock.advance(HELD_FOR)
            for _ in range(2):
                await work(market)
            await check_sent(market, post, order.id, twice)

        return Scene(work, check)

    points = await die_everywhere(stage, make_scene)
    assert points > 20
    # Only where the post had it and nobody lived to write that down: up to two letters, at the
    # three steps of each note and after each mail.
    assert 0 < len(twice) <= 2 * 2 * 4
    found = [message_from_bytes(one.read_bytes()) for one in post.folder.glob("*.eml")]
    assert len({mail["Message-ID"] for mail in found}) == len(found) == len(post.given)


async def check_sent(
    market: Resources, post: CountingPost, order_id: UUID, twice: list[str]
) -> None:
    async with market.db.connection() as connection:
        rows = await connection.fetch(OF_ORDER, order_id)
    assert [(row["kind"], row["status"]) for row in rows] == [
        ("order_confirmed", "sent"),
        ("order_to_ship", "sent"),
    ]
    given = [post.given[row["effect_key"]] for row in rows]
    assert set(given) <= {1, 2}
    twice += [row["effect_key"] for row, times in zip(rows, given, strict=True) if times == 2]
