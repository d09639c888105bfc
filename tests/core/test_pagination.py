"""Pages of a list by a moment: each row once, the last page without a way on."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gosellr.core.errors import InvalidInput
from gosellr.core.pagination import after_moment, encode_cursor, page_by_moment

Row = tuple[datetime, UUID]
START = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
# Two of them in the same moment.
ROWS = [(START + timedelta(hours=number // 2), UUID(int=number)) for number in range(7)]


def looked_up(after: Row | None, *, limit: int) -> list[Row]:
    return [row for row in ROWS if after is None or row > after][: limit + 1]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_pages_show_each_row_once(limit: int) -> None:
    shown: list[Row] = []
    cursor: str | None = None
    for _ in range(len(ROWS)):
        found = looked_up(after_moment(cursor), limit=limit)
        page = page_by_moment(found, limit=limit, key_of=lambda row: row)
        assert len(page.items) == min(limit, len(ROWS) - len(shown))
        shown += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert (shown, cursor) == (ROWS, None)


def test_nothing_found_is_one_empty_page() -> None:
    page = page_by_moment([], limit=3, key_of=lambda row: row)
    assert (page.items, page.next_cursor) == ([], None)


@pytest.mark.parametrize(
    "cursor",
    ["x", "", encode_cursor(1, 2), encode_cursor("2026-03-02T09:00:00", str(UUID(int=1)))],
    ids=["no cursor", "nothing", "no moment", "no place on earth"],
)
def test_a_cursor_of_somebody_elses_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        after_moment(cursor)
