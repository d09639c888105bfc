"""Writing letters: from the facts that the feed tells, each once, in the order of the feed.

The place in the feed and the letters that follow from what stands before it are one commit, so
that a crash neither loses a letter nor writes one twice. What happened before the mail room
opened gets none: nobody wants to be told last year's orders.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import FactType, RecordedFact
from gosellr.models.letter_values import NewLetter, Tray
from gosellr.queries import letter_subjects, letters
from gosellr.services.letter_accounts import ABOUT_ACCOUNTS
from gosellr.services.letter_affairs import ABOUT_AFFAIRS, deadline_near
from gosellr.services.letter_drafts import Composer
from gosellr.services.letter_facts import TRAYS, Draft, Subjects, read_subjects
from gosellr.services.letter_gifts import ABOUT_GIFTS
from gosellr.services.letter_orders import ABOUT_ORDERS
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.letters import URGENT, effect_key

# So many facts are given their letters by one transaction; the others of these are passed over.
FACTS_AT_ONCE = 500
FEED_AT_ONCE = 5_000

# A seller who hasn't answered a case is reminded so long before its deadline.
REMINDED_BEFORE = timedelta(hours=24)
CASES_AT_ONCE = 200

Deadline = tuple[datetime, UUID]
"""When a case is due, and which."""

COMPOSERS: Mapping[FactType, Composer] = {
    **ABOUT_ORDERS, **ABOUT_GIFTS, **ABOUT_AFFAIRS, **ABOUT_ACCOUNTS,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one look at the feed brought. `unclear` are facts that no letter could be made of."""

    facts: int
    letters: int
    has_more: bool
    unclear: Sequence[tuple[UUID, str]] = ()


_NOTHING = Written(facts=0, letters=0, has_more=False)


async def write_letters(
    connection: Connection, *, tray: Tray, facts_max: int, now: datetime
) -> Written:
    """Write the letters of the next facts of a tray, if no other writer is at it.

    The first look opens the tray at the end of the feed.
    """
    room = await letters.take_room(connection, tray=tray)
    if room is None:
        return _NOTHING
    end = await letters.end_of_feed(connection)
    if room.opened_at is None:
        await letters.move_room(connection, room=replace(room, position=end, opened_at=now))
        return _NOTHING
    if end <= room.position:
        return _NOTHING
    up_to = min(end, room.position + FEED_AT_ONCE)
    limit = min(facts_max, FACTS_AT_ONCE)
    facts = await letters.facts(
        connection,
        after=room.position,
        up_to=up_to,
        types=sorted(TRAYS[tray]),
        since=room.opened_at,
        limit=limit,
    )
    if len(facts) == limit:
        up_to = facts[-1].sequence
    new, unclear = _compose(facts, await read_subjects(connection, facts))
    written = await letters.write(connection, new, now=now) if new else 0
    await letters.move_room(connection, room=replace(room, position=up_to))
    return Written(facts=len(facts), letters=written, has_more=up_to < end, unclear=unclear)


async def remind_of_deadlines(
    connection: Connection, *, after: Deadline | None = None, now: datetime
) -> Deadline | None:
    """Tell sellers whose time to answer a case is nearly over, once for each deadline.

    Gives the last deadline that it came to, behind which there may be more; None at the end.
    """
    found = await letter_subjects.cases_nearly_due(
        connection,
        after=after or (now, UUID(int=0)),
        until=now + REMINDED_BEFORE,
        limit=CASES_AT_ONCE,
    )
    if not found:
        return None
    due = {case_id: due_at for due_at, case_id in found}
    cases = await letter_subjects.cases(connection, dispute_ids=sorted(due))
    orders = {
        one.id: one
        for one in await letter_subjects.orders(
            connection, order_ids=sorted({case.order_id for case in cases})
        )
    }
    sellers = {
        one.id: one
        for one in await letter_subjects.sellers(
            connection, seller_ids=sorted({case.seller_id for case in cases if case.seller_id})
        )
    }
    new = []
    for case in cases:
        if case.seller_id is None:
            continue
        due_at = due[case.id]
        draft = deadline_near(case, orders[case.order_id], sellers[case.seller_id], due_at=due_at)
        new.append(_letter(f"{case.id}.{int(due_at.timestamp())}", draft))
    await letters.write(connection, new, now=now)
    return found[-1] if len(found) == CASES_AT_ONCE else None


def _compose(
    facts: Sequence[RecordedFact], subjects: Subjects
) -> tuple[list[NewLetter], list[tuple[UUID, str]]]:
    """The letters of these facts. One that can't be understood keeps no other from its letters."""
    new: list[NewLetter] = []
    unclear: list[tuple[UUID, str]] = []
    for fact in facts:
        try:
            drafts = list(_drafts(fact, subjects))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            unclear.append((fact.id, f"{type(error).__name__}: {error}"))
        else:
            new += [_letter(str(fact.id), draft) for draft in drafts]
    return new, unclear


def _drafts(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    composer = COMPOSERS[FactType(fact.type)]
    yield from composer(fact, subjects)


def _letter(cause: str, draft: Draft) -> NewLetter:
    return NewLetter(
        effect_key=effect_key(cause, draft.kind, draft.recipient),
        kind=draft.kind,
        audience=draft.audience,
        recipient=draft.recipient,
        context=draft.context,
        is_urgent=draft.kind in URGENT,
        order_id=draft.order_id,
        seller_id=draft.seller_id,
    )
