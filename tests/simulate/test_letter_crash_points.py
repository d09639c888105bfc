"""Death at every step of the mail room: no letter is lost, and none is another one's double."""

from collections import Counter
from dataclasses import replace
from email import message_from_bytes
from uuid import UUID

from gosellr.core.db import Record
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
    twice = 0

    async def make_scene() -> Scene:
        order = await buy(stage.market, (stage.shop, 1))
        await tell(stage.market)

        async def check(market: Resources) -> None:
            nonlocal twice
            # Whatever wasn't noted as sent is given to the post once more, and nothing else.
            expected = {
                row["effect_key"]: post.given[row["effect_key"]] + (row["status"] != "sent")
                for row in await written(market, order.id)
            }
            stage.clock.advance(HELD_FOR)
            for _ in range(2):
                await work(market)
            rows = await written(market, order.id)
            assert [(row["kind"], row["status"]) for row in rows] == [
                ("order_confirmed", "sent"),
                ("order_to_ship", "sent"),
            ]
            given = {row["effect_key"]: post.given[row["effect_key"]] for row in rows}
            assert given == (expected or dict.fromkeys(given, 1))
            assert set(given.values()) <= {1, 2}
            twice += sum(given.values()) - len(given)

        return Scene(work, check)

    assert await die_everywhere(stage, make_scene) > 20
    assert twice > 0
    found = [message_from_bytes(one.read_bytes()) for one in post.folder.glob("*.eml")]
    assert len({mail["Message-ID"] for mail in found}) == len(found) == len(post.given)


async def written(market: Resources, order_id: UUID) -> list[Record]:
    async with market.db.connection() as connection:
        rows: list[Record] = await connection.fetch(OF_ORDER, order_id)
    return rows
