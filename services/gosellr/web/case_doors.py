"""What may be done in a case, for every face that shows one: each form is one step."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

from starlette.responses import Response

from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import ask
from gosellr.flows import disputes
from gosellr.flows.disputes import EvidenceRefused, SentFile
from gosellr.services import dispute_questions
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer
from gosellr.web import form_keys, forms, notices
from gosellr.web.forms import Field
from gosellr.web.pages import Page
from gosellr.web.views import FormView

MESSAGE_LENGTH_MAX = 4000
_MESSAGE = (Field("body", MESSAGE_LENGTH_MAX, "Write what you have to say"),)
_REASON = (Field("reason", MESSAGE_LENGTH_MAX, "Say why"),)
_NO_FILE = "Choose a file first"
# Only for those who may read the case, and nothing in it may ever run.
_FILE_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a form: what the next page says, or the form with what is to be changed."""

    notice: str = ""
    form: FormView | None = None
    status: int = 422


class Door(Protocol):
    """A step in a case, as a form asks for it."""

    async def __call__(self, page: Page, *, viewer: Viewer, dispute_id: UUID) -> Taken:
        """Take it."""


async def say(page: Page, *, viewer: Viewer, dispute_id: UUID) -> Taken:
    """Say something; a shop's answer passes the question on. The same form twice is said once."""
    form = forms.read_text(_MESSAGE, page.form)
    if form.errors:
        return Taken(form=form)
    is_answer, body = bool(page.form.get("answer")), form.value("body")
    try:
        await disputes.say(
            page.market.disputes,
            viewer=viewer,
            dispute_id=dispute_id,
            body=body,
            is_answer=is_answer,
            key=form_keys.request_key(page, f"say:{dispute_id}", f"{is_answer} {body}".encode()),
        )
    except (Conflict, InvalidInput, IdempotencyKeyReused) as refusal:
        return _refused(form, refusal, "body")
    return Taken(notices.ANSWERED if is_answer else notices.SAID)


async def hand_in(page: Page, *, viewer: Viewer, dispute_id: UUID) -> Taken:
    """Hand in the file that came along."""
    if page.file is None:
        return Taken(form=FormView({}, {"file": _NO_FILE}))
    try:
        await disputes.add_evidence(
            page.market.disputes,
            viewer=viewer,
            dispute_id=dispute_id,
            sent=SentFile(
                content=_chunks(page.file.content),
                declared_type=page.file.content_type,
                name=page.file.name,
            ),
        )
    except (Conflict, InvalidInput, EvidenceRefused) as refusal:
        return _refused(FormView(), refusal, "file")
    return Taken(notices.HANDED_IN)


async def accept(page: Page, *, viewer: Viewer, dispute_id: UUID) -> Taken:
    """Give in."""
    try:
        await disputes.accept_once(
            page.market.disputes,
            viewer=viewer,
            dispute_id=dispute_id,
            key=form_keys.request_key(page, f"accept:{dispute_id}", b""),
        )
    except (Conflict, NotAllowed) as refusal:
        return _refused(FormView(), refusal, "")
    return Taken(notices.GAVE_IN)


async def escalate(page: Page, *, viewer: Viewer, dispute_id: UUID) -> Taken:
    """Ask an operator, or appeal."""
    form = forms.read_text(_REASON, page.form)
    if form.errors:
        return Taken(form=form)
    try:
        await disputes.escalate(
            page.market.disputes,
            viewer=viewer,
            dispute_id=dispute_id,
            reason=form.value("reason"),
            key=form_keys.request_key(page, f"escalate:{dispute_id}", form),
        )
    except (Conflict, InvalidInput, IdempotencyKeyReused) as refusal:
        return _refused(form, refusal, "reason")
    return Taken(notices.ASKED)


async def show_file(page: Page, *, viewer: Viewer, dispute_id: UUID, file_id: UUID) -> Response:
    """A file of a case, to be saved."""
    file = await ask(
        page.market.db,
        dispute_questions.find_file,
        viewer=viewer,
        dispute_id=dispute_id,
        file_id=file_id,
    )
    opened = await page.market.files.open(file.storage_key)
    if opened is None:
        raise NotFound
    with opened:
        content = await asyncio.to_thread(opened.read)
    name = f'attachment; filename="evidence-{file_id}"'
    headers = {**_FILE_HEADERS, "Content-Disposition": name}
    return Response(content, media_type=file.content_type, headers=headers)


def _refused(form: FormView, refusal: DomainError, field: str) -> Taken:
    if isinstance(refusal, IdempotencyKeyReused):
        return Taken(form=form_keys.with_refusal(form, refusal, {}), status=refusal.status)
    told = FormView(form.values, {**form.errors, field: refusal.detail})
    return Taken(form=told, status=refusal.status)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
