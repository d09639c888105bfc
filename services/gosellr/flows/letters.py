"""Letters: written from the facts, handed to the post, shown to whoever runs the market.

The post is asked while no transaction is open. What became of a letter is written down before its
lane takes the next, so that a crash leaves few of them unclear; those are handed over again, under
the same name, which the post or the reader's program knows them by.
"""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from jinja2 import TemplateError

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.identity import derived_token
from gosellr.core.transact import ask, transact, write_together
from gosellr.flows.checkout import ORDER_TOKEN_PURPOSE
from gosellr.flows.gift_deliveries import CLAIM_TOKEN_PURPOSE
from gosellr.flows.payout_withdrawals import WITHDRAWAL_TOKEN_PURPOSE
from gosellr.integrations.letters.renderer import LetterText, renderer_for
from gosellr.integrations.messages.port import (
    Email,
    EmailSender,
    MessageRefused,
    SendOutcome,
    SendResult,
)
from gosellr.models.letter_values import ClaimedLetter, Letter, SentLetter, Tray
from gosellr.services import letter_post, letter_service
from gosellr.services.letter_service import Written
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letters import Audience, pause_after

# The post is asked after so many letters at once.
LANES = 4

# Of what one look at the feed may bring: most facts are told by two letters.
_FACTS_LEAST = 25
_URGENT_FACTS_MAX = 2_000
_LOOKS_MAX = 10

# Taken in hand together; a post that is so slow that not all of them are done in time gets the
# rest later, long before any of them is taken for lost.
_HAND = 100
_HAND_SECONDS_MAX = 10
_SECONDS_MAX = 10

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


async def write_letters(powers: MailPowers, *, seconds: int) -> list[Written]:
    """Write the letters of what has happened since the last time.

    What somebody waits for is written whenever it is found. Of the rest so much as the post is
    given in so many seconds and about as much again: a crowd of orders isn't held up by letters
    that would only wait elsewhere.
    """
    looks = await _look(powers, Tray.URGENT, facts_max=_URGENT_FACTS_MAX)
    facts_max = max(powers.per_second * seconds, _FACTS_LEAST)
    return looks + await _look(powers, Tray.OTHER, facts_max=facts_max)


async def _look(powers: MailPowers, tray: Tray, *, facts_max: int) -> list[Written]:
    looks: list[Written] = []
    left = facts_max
    while left > 0 and len(looks) < _LOOKS_MAX:
        look = await transact(
            powers.db,
            letter_service.write_letters,
            tray=tray,
            facts_max=left,
            now=powers.clock.now(),
        )
        looks.append(look)
        if not look.has_more:
            break
        left -= look.facts
    return looks


async def remind_of_deadlines(powers: MailPowers) -> None:
    """Tell sellers whose time to answer is nearly over, batch by batch."""
    now = powers.clock.now()
    after = await transact(powers.db, letter_service.remind_of_deadlines, now=now)
    while after is not None:
        after = await transact(powers.db, letter_service.remind_of_deadlines, after=after, now=now)


async def send_due(
    powers: MailPowers, *, seconds: int, hand_seconds_max: float = _HAND_SECONDS_MAX
) -> int:
    """Hand the letters that are due to the post: so many as it is given in so many seconds.

    Gives how many it took.
    """
    time = asyncio.get_running_loop().time
    begun, sent, left = time(), 0, powers.per_second * seconds
    while left > 0 and time() - begun < _SECONDS_MAX:
        hand = min(left, _HAND)
        now = powers.clock.now()
        taken = await transact(powers.db, letter_post.claim, limit=hand, now=now)
        lanes = await _hand_over_all(powers, taken, hand_seconds_max)
        sent += sum(lane.sent for lane in lanes)
        if len(taken) < hand or any(lane.reason or lane.is_slow for lane in lanes):
            break
        left -= hand
    return sent


async def tidy_up(powers: MailPowers) -> None:
    """Give up what was lost time and again, and delete what was over long ago, batch by batch."""
    now = powers.clock.now()
    await transact(powers.db, letter_post.give_up_lost, now=now)
    while await transact(powers.db, letter_post.forget_old, now=now):
        pass
    await powers.post.tidy_up()


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
    """What came of one of those who hand over; `reason` where nobody was there to take anything,
    `is_slow` where the time was over first."""

    sent: int = 0
    reason: str | None = None
    is_slow: bool = False


async def _hand_over_all(
    powers: MailPowers, taken: Sequence[ClaimedLetter], seconds_max: float
) -> list[_Lane]:
    """Whatever goes wrong in one lane, the mails under way in the others are noted first."""
    waiting = deque(taken)
    ends_at = asyncio.get_running_loop().time() + seconds_max
    ended = await asyncio.gather(
        *(_lane(powers, waiting, ends_at) for _ in range(min(LANES, len(taken)))),
        return_exceptions=True,
    )
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    lanes = [one for one in ended if isinstance(one, _Lane)]
    if waiting:
        reasons = [lane.reason for lane in lanes if lane.reason]
        await _put_back(powers, tuple(waiting), reasons[0] if reasons else "the post is slow")
    return lanes


async def _lane(powers: MailPowers, waiting: deque[ClaimedLetter], ends_at: float) -> _Lane:
    """Hand over one letter after the other, until none waits, nobody is there, or time is up."""
    lane = _Lane()
    time = asyncio.get_running_loop().time
    while waiting:
        if time() > ends_at:
            lane.is_slow = True
            return lane
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
            context={**letter.context, **_withdrawal(powers, letter)},
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
    if letter.audience is Audience.RECIPIENT:
        claim_id = UUID(str(letter.context["claim_id"]))
        token = derived_token(powers.secret_key, purpose=CLAIM_TOKEN_PURPOSE, subject=claim_id)
        return f"{url}?token={token}"
    is_guest = letter.audience is Audience.BUYER and letter.context.get("is_guest") is True
    if not is_guest or letter.order_id is None:
        return url
    path = f"/orders/{letter.context['number']}"
    token = derived_token(powers.secret_key, purpose=ORDER_TOKEN_PURPOSE, subject=letter.order_id)
    # The order's own page takes the key along into the browser; what is below it is one step on.
    return f"{powers.base_url}{path}?token={token}"


def _withdrawal(powers: MailPowers, letter: ClaimedLetter) -> dict[str, str]:
    """Where what the letter tells of is withdrawn, if it can be."""
    told = letter.context.get("withdrawal_id")
    if told is None:
        return {}
    token = derived_token(
        powers.secret_key, purpose=WITHDRAWAL_TOKEN_PURPOSE, subject=UUID(str(told))
    )
    path = str(letter.context["withdrawal_path"])
    return {"withdrawal_link": f"{powers.base_url}{path}?token={token}"}


async def _note(powers: MailPowers, letter: ClaimedLetter, result: SendResult) -> None:
    now = powers.clock.now()
    if result.outcome is SendOutcome.ACCEPTED:
        # With what the other lanes have to say at this moment: a lane waits for its own word.
        sent = SentLetter(letter_id=letter.id, reference=result.reference, at=now)
        await write_together(powers.db, letter_post.note_sent, sent)
        return
    share = random.uniform(0.5, 1)  # noqa: S311 - it only spreads a crowd
    await transact(
        powers.db,
        letter_post.note_failed,
        letter=letter,
        error=f"{result.outcome.value}: {result.reason or 'no reason given'}",
        for_good=result.outcome is SendOutcome.DECLINED,
        next_try_at=now + pause_after(letter.tries, share=share),
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
