"""Several writers and senders at once, with real commits: each letter is one, and sent once."""

import asyncio
from dataclasses import replace

from gosellr.integrations.messages.port import Email, SendOutcome, SendResult
from gosellr.jobs import letters
from gosellr.resources import Resources
from tests.factories.letters import TELL
from tests.factories.sales import buy, make_shop

ORDERS = 8


class SlowPost:
    """Counts what it is given, and takes its time."""

    def __init__(self) -> None:
        self.given: list[str] = []

    async def send_email(self, email: Email) -> SendResult:
        self.given.append(email.message_id)
        await asyncio.sleep(0)
        return SendResult(outcome=SendOutcome.ACCEPTED)

    async def tidy_up(self) -> None:
        """Nothing is kept."""

    async def aclose(self) -> None:
        """Nothing to let go of."""


async def test_each_fact_is_one_letter_and_each_letter_is_sent_once(live: Resources) -> None:
    post = SlowPost()
    market = replace(live, post=post)
    async with live.db.connection() as connection:
        shop = await make_shop(connection)
        await connection.execute(TELL)
    await letters.write_letters(market)
    for _ in range(ORDERS):
        await buy(live, (shop, 1))
    async with live.db.connection() as connection:
        await connection.execute(TELL)
    await asyncio.gather(*(letters.write_letters(market) for _ in range(4)))
    await asyncio.gather(*(letters.send_letters(market) for _ in range(4)))
    async with live.db.connection() as connection:
        rows = await connection.fetch("SELECT effect_key, status, attempt_count FROM letter")
    assert len(rows) == 2 * ORDERS
    assert {(row["status"], row["attempt_count"]) for row in rows} == {("sent", 1)}
    assert sorted(post.given) == sorted(row["effect_key"] for row in rows)
