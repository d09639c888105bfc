"""Letters: written from the facts, handed to the post, shown to whoever runs the market.

The post is asked while no transaction is open. What became of a letter is written down letter by
letter, so that a crash leaves few of them unclear; those are handed over again, under the same
name, which the post or the reader's program knows them by.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from jinja2 import TemplateError

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.identity import derived_token
from gosellr.core.transact import ask, transact
from gosellr.flows.checkout import ORDER_TOKEN_PURPOSE
from gosellr.integrations.letters.renderer import LetterText, renderer_for
from gosellr.integrations.messages.port import (
    Email,
    EmailSender,
    MessageRefused,
    SendOutcome,
    SendResult,
)
from gosellr.models.letter_values import ClaimedLetter, Letter
from gosellr.services import letter_post, letter_service
from gosellr.services.letter_service import Written
from gosellr.utils.letters import Audience, pause_after

# The post is asked after so many letters at once.
LANES = 4

# Of what one look at the feed may bring; the rest comes with the next, so that a crowd of
# orders isn't held up by the letters about them.
BATCHES_AT_ONCE = 4

# Taken in hand together: few enough to be done long before they are taken for lost.
_HAND = 100
_SECONDS_MAX = 30

# What a letter that another release wrote, or a broken address, comes to grief by.
_UNREADABLE = (MessageRefused, TemplateError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPowers:
    """What letters need of their process. `per_second` is how many the post is given at most."""

    db: Database
    clock: Clock
    post: EmailSender
    market_name: str
    secret_key: str
    base_url: str
    per_second: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter with its words, as its reader sees them but for a guest's key."""

    letter: Letter
    words: LetterText


async def write_letters(powers: MailPowers) -> list[Written]:
    """Write the letters of what has happened since the last time."""
    looks = []
    for _ in range(BATCHES_AT_ONCE):
        now = powers.clock.now()
        looks.append(await transact(powers.db, letter_service.write_letters, now=now))
        if not looks[-1].has_more:
            break
    return looks


async def remind_of_deadlines(powers: MailPowers) -> None:
    """Tell sellers whose time to answer is nearly over."""
    now = powers.clock.now()
    await transact(powers.db, letter_service.remind_of_deadlines, now=now)


async def send_due(powers: MailPowers, *, seconds: int) -> int:
    """Hand the letters that are due to the post: so many as it is given in so many seconds.

    Gives how many it took.
    """
    time = asyncio.get_running_loop().time
    begun, sent, left = time(), 0, powers.per_second * seconds
    while left > 0 and time() - begun < _SECONDS_MAX:
        hand = min(left, _HAND)
        now = powers.clock.now()
        taken = await transact(powers.db, letter_post.claim, limit=hand, now=now)
        lanes = await _hand_over_all(powers, taken)
        sent += sum(lane.sent for lane in lanes)
        if len(taken) < hand or any(lane.reason for lane in lanes):
            break
        left -= hand
    return sent


async def forget_sent(powers: MailPowers) -> None:
    """Delete what was sent long ago, batch by batch."""
    while await transact(powers.db, letter_post.forget_sent, now=powers.clock.now()):
        pass


async def preview(powers: MailPowers, *, letter_id: UUID) -> Preview:
    """A letter as it reads. A guest's link is shown without what opens it.

    Raises:
        NotFound: there is none.
    """
    found = await ask(powers.db, letter_post.find, letter_id=letter_id)
    try:
        words = renderer_for(powers.market_name).render(
            found.kind,
            language=found.language,
            context=found.context,
            link=powers.base_url + str(found.context["path"]),
        )
    except _UNREADABLE as error:
        # It was given up for that, and somebody looks why.
        words = LetterText(subject=found.kind, text=f"It can't be read: {error}", html="")
    return Preview(found, words)


@dataclass(slots=True)
class _Lane:
    """What came of one of those who hand over; `reason` where nobody was there to take anything."""

    sent: int = 0
    reason: str | None = None


async def _hand_over_all(powers: MailPowers, taken: Sequence[ClaimedLetter]) -> list[_Lane]:
    """Whatever goes wrong in one lane, the mails under way in the others are noted first."""
    waiting = deque(taken)
    ended = await asyncio.gather(
        *(_lane(powers, waiting) for _ in range(min(LANES, len(taken)))), return_exceptions=True
    )
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    lanes = [one for one in ended if isinstance(one, _Lane)]
    if waiting:
        reason = next(lane.reason for lane in lanes if lane.reason)
        await _put_back(powers, tuple(waiting), reason)
    return lanes


async def _lane(powers: MailPowers, waiting: deque[ClaimedLetter]) -> _Lane:
    """Hand over one letter after the other, until none waits or nobody is there."""
    lane = _Lane()
    while waiting:
        letter = waiting.popleft()
        result = await _hand_over(powers, letter)
        if not result.reached:
            lane.reason = result.reason or "nobody is there"
            await _put_back(powers, [letter], lane.reason)
            return lane
        await _note(powers, letter, result)
        lane.sent += result.outcome is SendOutcome.ACCEPTED
    return lane


async def _hand_over(powers: MailPowers, letter: ClaimedLetter) -> SendResult:
    try:
        words = renderer_for(powers.market_name).render(
            letter.kind,
            language=letter.language,
            context=letter.context,
            link=_link(powers, letter),
        )
        email = Email(
            message_id=letter.effect_key,
            to=letter.recipient,
            subject=words.subject,
            text=words.text,
            html=words.html,
        )
    except _UNREADABLE as error:
        # It won't read any better next time: a person has to look.
        reason = f"{type(error).__name__}: {error}"
        return SendResult(outcome=SendOutcome.DECLINED, reason=reason)
    return await powers.post.send_email(email)


def _link(powers: MailPowers, letter: ClaimedLetter) -> str:
    """Where its reader can see more. A guest has nothing but the letter to get in with."""
    url = powers.base_url + str(letter.context["path"])
    is_guest = letter.audience is Audience.BUYER and letter.context.get("is_guest") is True
    if not is_guest or letter.order_id is None:
        return url
    path = f"/orders/{letter.context['number']}"
    token = derived_token(powers.secret_key, purpose=ORDER_TOKEN_PURPOSE, subject=letter.order_id)
    # The order's own page takes the key along into the browser; what is below it is one step on.
    return f"{powers.base_url}{path}?token={token}"


async def _note(powers: MailPowers, letter: ClaimedLetter, result: SendResult) -> None:
    now = powers.clock.now()
    if result.outcome is SendOutcome.ACCEPTED:
        await transact(
            powers.db,
            letter_post.note_sent,
            letter_id=letter.id,
            reference=result.reference,
            now=now,
        )
        return
    share = random.uniform(0.5, 1)  # noqa: S311 - it only spreads a crowd
    await transact(
        powers.db,
        letter_post.note_failed,
        letter=letter,
        error=f"{result.outcome.value}: {result.reason or 'no reason given'}",
        for_good=result.outcome is SendOutcome.DECLINED,
        next_try_at=now + pause_after(letter.attempt_count, share=share),
    )


async def _put_back(powers: MailPowers, letters: Sequence[ClaimedLetter], reason: str) -> None:
    share = random.uniform(0.5, 1)  # noqa: S311 - it only spreads a crowd
    await transact(
        powers.db,
        letter_post.put_back,
        taken=letters,
        error=f"away: {reason}",
        next_try_at=powers.clock.now() + pause_after(1, share=share),
    )
