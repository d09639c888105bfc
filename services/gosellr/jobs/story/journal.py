"""The ledger as the story reads it: what is new, in the order of booking."""

from collections.abc import Callable, Iterable, Sequence

from gosellr.core.db import Database
from gosellr.core.transact import ask
from gosellr.jobs.story.pen import PostedLine, Posting
from gosellr.services import history_service
from gosellr.services.history_service import JournalFilter
from gosellr.services.statement_service import Movement
from gosellr.utils.explanations import explain
from gosellr.utils.ledger import Direction, Entry

_PAGE = 100
_EVERYTHING = JournalFilter()


class Journal:
    """Follows the ledger entry by entry, from its first on. Nobody else may book in this market
    meanwhile."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.movements: list[Movement] = []

    async def news(self) -> list[Movement]:
        """The entries that were booked since the last call, in their order."""
        known = self.movements[-1].id if self.movements else 0
        found: list[Movement] = []
        cursor: str | None = None
        while True:
            page = await ask(
                self._db,
                history_service.market_movements,
                asked=_EVERYTHING,
                cursor=cursor,
                limit=_PAGE,
            )
            found += [one for one in page.items if one.id > known]
            cursor = page.next_cursor
            if cursor is None or page.items[-1].id <= known:
                break
        found.reverse()
        self.movements += found
        return found


def postings(movements: Iterable[Movement], *, name_of: Callable[[str], str]) -> list[Posting]:
    """Entries gathered into their transactions; `name_of` gives an account its readable name."""
    gathered: dict[object, list[Movement]] = {}
    for one in movements:
        gathered.setdefault(one.transaction_id, []).append(one)
    return [_posting(entries, name_of=name_of) for entries in gathered.values()]


def _posting(entries: Sequence[Movement], *, name_of: Callable[[str], str]) -> Posting:
    head = entries[0]
    return Posting(
        booked_at=head.booked_at,
        kind=head.kind,
        sentence=explain(head.kind, [_entry(one) for one in entries]),
        lines=tuple(
            PostedLine(one.direction, abs(one.change_minor), one.currency, name_of(one.account))
            for one in entries
        ),
    )


def _entry(one: Movement) -> Entry:
    return Entry(one.account, Direction(one.direction), abs(one.change_minor), one.currency)
