"""Sending letters: taken in hand for a while, and what became of each; sent again by a person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.letter_values import ClaimedLetter, Letter, SentLetter
from gosellr.queries import letters
from gosellr.utils.letters import LetterKind, LetterStatus
from gosellr.utils.viewer import Viewer

# Longer than any sender takes for what it has in hand.
HELD_FOR = timedelta(minutes=10)

# What was sent or given up is kept for questions about it; nobody wants such old news sent again.
KEPT_FOR = timedelta(days=90)
FORGOTTEN_AT_ONCE = 1_000

_ERROR_LENGTH_MAX = 500
_LOST = "lost: whoever had it in hand never told what became of it"


class LetterNotDead(Conflict):
    """Only a letter that was given up can be sent again."""

    code = "letter_not_dead"
    title = "This letter wasn't given up"


async def claim(connection: Connection, *, limit: int, now: datetime) -> list[ClaimedLetter]:
    """Take letters that are due in hand. Whoever doesn't say what became of them loses them."""
    return await letters.claim(connection, now=now, until=now + HELD_FOR, limit=limit)


async def note_sent(connection: Connection, several: Sequence[SentLetter]) -> list[None]:
    """The post has taken these. For `write_together`."""
    await letters.sent(connection, letters=several)
    return [None] * len(several)


async def note_failed(
    connection: Connection,
    *,
    letter: ClaimedLetter,
    error: str,
    for_good: bool,
    next_try_at: datetime,
) -> LetterStatus | None:
    """The post didn't take it; `for_good` says that it never will. Gives where the letter stands;
    None where this try is somebody else's no more."""
    return await letters.failed(
        connection,
        letter_id=letter.id,
        attempt=letter.attempt_count,
        error=error[:_ERROR_LENGTH_MAX],
        for_good=for_good,
        next_try_at=next_try_at,
    )


async def put_back(
    connection: Connection,
    *,
    taken: Sequence[ClaimedLetter],
    error: str,
    next_try_at: datetime,
) -> None:
    """There is no post to be reached: these wait, and have lost no try by it."""
    await letters.put_back(
        connection, letters=taken, error=error[:_ERROR_LENGTH_MAX], next_try_at=next_try_at
    )


async def give_up_lost(connection: Connection, *, now: datetime) -> int:
    """Give up what has cost its sender the life every time; gives how many."""
    return await letters.give_up_lost(connection, error=_LOST, now=now)


async def forget_old(connection: Connection, *, now: datetime) -> bool:
    """Delete a batch of letters that were over long ago; whether there may be more."""
    gone = await letters.forget(connection, before=now - KEPT_FOR, limit=FORGOTTEN_AT_ONCE)
    return gone == FORGOTTEN_AT_ONCE


async def find(connection: Connection, *, letter_id: UUID) -> Letter:
    """A letter. For operators.

    Raises:
        NotFound: there is none.
    """
    found = await letters.find(connection, letter_id=letter_id)
    if found is None:
        raise NotFound
    return found


async def list_letters(
    connection: Connection,
    *,
    status: LetterStatus | None,
    kind: LetterKind | None,
    cursor: str | None,
    limit: int,
) -> Page[Letter]:
    """Letters, newest first. For operators.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await letters.list_letters(
        connection,
        status=status,
        kind=kind,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.created_at, one.id))


async def resend(
    connection: Connection, *, viewer: Viewer, letter_id: UUID, now: datetime
) -> Letter:
    """Let a letter that was given up be sent again, with all its tries.

    Raises:
        NotAllowed: the viewer runs no market.
        NotFound: there is none.
        LetterNotDead: it was sent, or will be tried by itself.
    """
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed
    user_id = viewer.user_id
    if not await letters.resend(connection, letter_id=letter_id, user_id=user_id, now=now):
        found = await find(connection, letter_id=letter_id)
        raise LetterNotDead(f"It is {found.status.value}")
    return await find(connection, letter_id=letter_id)
