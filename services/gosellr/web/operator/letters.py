"""Letters: what was written to whom, how it reads, and sending again what was given up."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask, transact
from gosellr.flows import letters as flow
from gosellr.services import letter_post
from gosellr.utils.letters import LetterKind, LetterStatus
from gosellr.utils.permissions import Permission, may
from gosellr.web import notices
from gosellr.web.binding import histories, letters
from gosellr.web.letter_views import LetterListView
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix=letters.BASE, include_in_schema=False)

Reading = Annotated[Page, staff(Permission.LETTER_READ)]
Resending = Annotated[Page, staff(Permission.LETTER_RESEND)]

_SHOWN = 24
_KINDS = frozenset(kind.value for kind in LetterKind)
_STATUSES = frozenset(status.value for status in LetterStatus)


@router.get("")
async def list_letters(
    page: Reading,
    status: Annotated[str, Query(max_length=20)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """Letters, newest first, by where they stand and by what they tell."""
    states, kinds = histories.chosen_of(status, _STATUSES), histories.chosen_of(kind, _KINDS)
    chosen, asked = states.value, kinds.value
    found = await ask(
        page.market.db,
        letter_post.list_letters,
        status=LetterStatus(chosen) if chosen else None,
        kind=LetterKind(asked) if asked else None,
        cursor=cursor,
        limit=_SHOWN,
    )
    kept = [(name, value) for name, value in (("status", chosen), ("kind", asked)) if value]
    view = LetterListView(
        letters=tuple(map(letters.row, found.items)),
        chips=histories.chips(
            letters.BASE, letters.STATUSES, name="status", chosen=chosen, kept=kept
        ),
        form=FormView({"kind": asked}),
        kinds=letters.kinds(asked),
        status=chosen,
        pager=histories.pager(letters.BASE, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/letters.html",
        current="/letters",
        letter_list=view,
        notice=states.notice or kinds.notice,
        status=max(states.status, kinds.status),
    )


@router.get("/{letter_id}")
async def show_letter(page: Reading, letter_id: UUID) -> Response:
    """A letter as its reader sees it."""
    return await _show(page, letter_id)


@router.post("/{letter_id}/resend")
async def resend(page: Resending, letter_id: UUID) -> Response:
    """Send a letter again that was given up."""
    try:
        await transact(
            page.market.db,
            letter_post.resend,
            viewer=page.viewer,
            letter_id=letter_id,
            now=page.now,
        )
    except Conflict as refusal:
        notice = NoticeView(f"{refusal.title}: it goes out by itself, or went.", "warn")
        return await _show(page, letter_id, notice=notice, status=refusal.status)
    return page.go(f"{letters.BASE}/{letter_id}", notice=notices.LETTER_RESENT)


async def _show(
    page: Page, letter_id: UUID, *, notice: NoticeView | None = None, status: int = 200
) -> Response:
    shown = await flow.preview(page.market.mail, letter_id=letter_id)
    may_resend = may(page.viewer.roles, Permission.LETTER_RESEND)
    return await show(
        page,
        "operator/letter.html",
        current="/letters",
        status=status,
        notice=notice,
        letter=letters.page(shown, may_resend=may_resend),
    )
