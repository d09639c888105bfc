"""Letters: written once each, taken in hand by one sender at a time, and what became of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.core.identity import new_id
from gosellr.models.events import RecordedFact
from gosellr.models.letter_values import (
    ClaimedLetter,
    Letter,
    MailRoom,
    NewLetter,
    SentLetter,
    Tray,
)
from gosellr.utils.letters import TRIES_MAX, Audience, LetterStatus

# Whoever finds it taken leaves the facts to the other writer.
TAKE_ROOM = "SELECT position, opened_at FROM mail_room WHERE tray = $1 FOR UPDATE SKIP LOCKED"
MOVE_ROOM = "UPDATE mail_room SET position = $2, opened_at = $3 WHERE tray = $1"
END_OF_FEED = "SELECT coalesce(max(position), 0) FROM outbox_feed"

# Of the steps that parts of orders take, the one that a letter tells.
FACTS = """
SELECT feed.position AS sequence, event.id, event.type, event.aggregate_type,
       event.aggregate_id, event.data, event.occurred_at
FROM outbox_feed AS feed JOIN outbox_event AS event ON event.sequence = feed.event_sequence
WHERE feed.position > $1 AND feed.position <= $2 AND event.type = ANY($3::text[])
  AND event.occurred_at >= $4
  AND (event.type <> 'seller_order.status_changed' OR event.data ->> 'to' = 'cancelled')
ORDER BY feed.position
LIMIT $5
"""

WRITE = """
INSERT INTO letter (id, effect_key, kind, audience, recipient, context, is_urgent, order_id,
                    seller_id, attempt_limit, next_try_at, created_at)
SELECT id, effect_key, kind, audience, recipient, context, is_urgent, order_id, seller_id,
       $10, $11, $11
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[],
            $7::boolean[], $8::uuid[], $9::uuid[])
     AS new (id, effect_key, kind, audience, recipient, context, is_urgent, order_id, seller_id)
ON CONFLICT (effect_key) DO NOTHING
"""

# Whoever takes one has it until `$2`; after that it is taken for lost, and is due again.
CLAIM = """
WITH due AS (
    SELECT id FROM letter
    WHERE next_try_at <= $1 AND attempt_count < attempt_limit
    ORDER BY is_urgent DESC, next_try_at, id
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE letter SET attempt_count = attempt_count + 1, next_try_at = $2
FROM due WHERE letter.id = due.id
RETURNING letter.id, effect_key, kind, audience, recipient, language, context, order_id,
          attempt_count, attempt_limit
"""
# Whoever had one in hand never came back, every time: it may be the letter itself.
GIVE_UP_LOST = """
UPDATE letter SET status = 'dead', next_try_at = NULL, last_error = $2
WHERE next_try_at <= $1 AND attempt_count >= attempt_limit
"""

# True however late it is said.
SENT = """
UPDATE letter
SET status = 'sent', sent_at = said.at, post_reference = said.reference, next_try_at = NULL,
    last_error = NULL
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS said (id, reference, at)
WHERE letter.id = said.id AND status <> 'sent'
"""
# True only of the try that it is said of.
FAILED = """
UPDATE letter
SET last_error = $3,
    status = CASE WHEN $4::boolean OR attempt_count >= attempt_limit THEN 'dead'
             ELSE 'failed' END,
    next_try_at = CASE WHEN $4 OR attempt_count >= attempt_limit THEN NULL
                  ELSE $5::timestamptz END
WHERE id = $1 AND attempt_count = $2 AND status IN ('queued', 'failed')
RETURNING status
"""
# Nobody was there to take them: that speaks against none of them.
PUT_BACK = """
UPDATE letter
SET attempt_limit = attempt_limit + 1, last_error = $3, next_try_at = $4
FROM unnest($1::uuid[], $2::int[]) AS back (id, attempt)
WHERE letter.id = back.id AND letter.attempt_count = back.attempt
  AND status IN ('queued', 'failed')
"""
RESEND = """
UPDATE letter
SET status = 'queued', attempt_limit = attempt_count + $4, next_try_at = $3,
    resent_by = $2, resent_at = $3
WHERE id = $1 AND status = 'dead'
RETURNING id
"""

_LETTER = """
SELECT id, effect_key, kind, audience, recipient, language, context, order_id, seller_id, status,
       attempt_count, next_try_at, last_error, post_reference, created_at, sent_at, resent_at
FROM letter
"""
FIND = f"{_LETTER} WHERE id = $1"
LIST = f"""{_LETTER}
WHERE ($1::text IS NULL OR status = $1) AND ($2::text IS NULL OR kind = $2)
  AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
ORDER BY created_at DESC, id DESC
LIMIT $5
"""

# By the moment a letter was written; whatever is still to be tried stays.
FORGET = """
DELETE FROM letter WHERE id IN (
    SELECT id FROM letter WHERE created_at < $1 AND next_try_at IS NULL
    ORDER BY created_at, id LIMIT $2)
"""


async def take_room(connection: Connection, *, tray: Tray) -> MailRoom | None:
    """How far a tray is, held until the transaction ends; None while another writer holds it."""
    row = await connection.fetchrow(TAKE_ROOM, tray.value)
    return None if row is None else MailRoom(tray=tray, **row)


async def move_room(connection: Connection, *, room: MailRoom) -> None:
    """Remember up to where the facts of a tray have their letters."""
    await connection.execute(MOVE_ROOM, room.tray.value, room.position, room.opened_at)


async def end_of_feed(connection: Connection) -> int:
    """The number of the last fact that was told."""
    position: int = await connection.fetchval(END_OF_FEED)
    return position


async def facts(
    connection: Connection,
    *,
    after: int,
    up_to: int,
    types: Sequence[str],
    since: datetime,
    limit: int,
) -> list[RecordedFact]:
    """Facts of these types between two numbers of the feed that happened since then."""
    rows = await connection.fetch(FACTS, after, up_to, types, since, limit)
    return [RecordedFact(**row) for row in rows]


async def write(connection: Connection, letters: Sequence[NewLetter], *, now: datetime) -> int:
    """Write letters, to be sent from now on; those that were written before stay as they are.

    Returns how many were new.
    """
    status = await connection.execute(
        WRITE,
        [new_id() for _ in letters],
        [one.effect_key for one in letters],
        [one.kind.value for one in letters],
        [one.audience.value for one in letters],
        [one.recipient for one in letters],
        [dict(one.context) for one in letters],
        [one.is_urgent for one in letters],
        [one.order_id for one in letters],
        [one.seller_id for one in letters],
        TRIES_MAX,
        now,
    )
    return int(status.rsplit(" ", 1)[1])


async def claim(
    connection: Connection, *, now: datetime, until: datetime, limit: int
) -> list[ClaimedLetter]:
    """Take letters that are due in hand, for nobody else until then."""
    rows = await connection.fetch(CLAIM, now, until, limit)
    return [
        ClaimedLetter(**{**row, "audience": Audience(row["audience"])}) for row in map(dict, rows)
    ]


async def sent(connection: Connection, *, letters: Sequence[SentLetter]) -> None:
    """The post has taken these."""
    await connection.execute(
        SENT,
        [one.letter_id for one in letters],
        [one.reference for one in letters],
        [one.at for one in letters],
    )


async def failed(
    connection: Connection,
    *,
    letter_id: UUID,
    attempt: int,
    error: str,
    for_good: bool,
    next_try_at: datetime,
) -> LetterStatus | None:
    """The post didn't take it this time, or never will; None where somebody else has it now."""
    status = await connection.fetchval(FAILED, letter_id, attempt, error, for_good, next_try_at)
    return None if status is None else LetterStatus(status)


async def put_back(
    connection: Connection,
    *,
    letters: Sequence[ClaimedLetter],
    error: str,
    next_try_at: datetime,
) -> None:
    """The post is away: these wait, with no fewer tries than before."""
    await connection.execute(
        PUT_BACK,
        [one.id for one in letters],
        [one.attempt_count for one in letters],
        error,
        next_try_at,
    )


async def resend(connection: Connection, *, letter_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Let a letter that was given up be due again with all its tries; whether it was given up."""
    return await connection.fetchval(RESEND, letter_id, user_id, now, TRIES_MAX) is not None


async def find(connection: Connection, *, letter_id: UUID) -> Letter | None:
    """A letter."""
    row = await connection.fetchrow(FIND, letter_id)
    return None if row is None else _letter(row)


async def list_letters(
    connection: Connection,
    *,
    status: str | None,
    kind: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Letter]:
    """Letters, newest first."""
    at, letter_id = after or (None, None)
    rows = await connection.fetch(LIST, status, kind, at, letter_id, limit)
    return [_letter(row) for row in rows]


async def give_up_lost(connection: Connection, *, error: str, now: datetime) -> int:
    """Give up what was taken in hand for its last time and never told of again; gives how many."""
    status = await connection.execute(GIVE_UP_LOST, now, error)
    return int(status.rsplit(" ", 1)[1])


async def forget(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete letters that were written long ago, and are over; gives how many."""
    status = await connection.execute(FORGET, before, limit)
    return int(status.rsplit(" ", 1)[1])


def _letter(row: Record) -> Letter:
    values: dict[str, Any] = dict(row)
    return Letter(
        **{
            **values,
            "audience": Audience(values["audience"]),
            "status": LetterStatus(values["status"]),
        }
    )
