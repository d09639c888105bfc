"""Problems with an order: a buyer reports one, and argues it on a page of its own."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import disputes
from gosellr.models.dispute_values import DisputeFolder
from gosellr.models.order_values import Order
from gosellr.services import dispute_questions, order_service
from gosellr.services.dispute_service import NewDispute
from gosellr.services.idempotency_service import IdempotencyKeyReused
from gosellr.utils.disputes import DisputeReason
from gosellr.utils.evidence import EVIDENCE_BYTES_MAX
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer
from gosellr.web import case_doors, form_keys, notices
from gosellr.web.binding import cases, problems
from gosellr.web.binding.orders import order_href
from gosellr.web.case_doors import Door
from gosellr.web.case_export import case_file
from gosellr.web.case_views import CaseView
from gosellr.web.pages import Page, admit
from gosellr.web.views import FormView

router = LateRouter(prefix="/orders/{number}/problems", include_in_schema=False)

Reporting = Annotated[Page, admit(Permission.DISPUTE_CREATE)]
ReportingWithFile = Annotated[
    Page, admit(Permission.DISPUTE_CREATE, file_bytes_max=EVIDENCE_BYTES_MAX)
]
Reading = Annotated[Page, admit(Permission.DISPUTE_READ)]
Saying = Annotated[Page, admit(Permission.DISPUTE_MESSAGE)]
HandingIn = Annotated[Page, admit(Permission.DISPUTE_MESSAGE, file_bytes_max=EVIDENCE_BYTES_MAX)]
Accepting = Annotated[Page, admit(Permission.DISPUTE_ACCEPT)]
Escalating = Annotated[Page, admit(Permission.DISPUTE_ESCALATE)]


@router.get("/new")
async def show_report(
    page: Reporting, number: str, line: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The form that says what is wrong with what was bought."""
    return await _show_report(page, await _own_order(page, number), FormView({"line": line or ""}))


@router.post("")
async def report(page: ReportingWithFile, number: str) -> Response:
    """Open a case, with a file where one came along; the same form twice is one case."""
    order = await _own_order(page, number)
    form = problems.read_report(page.form, lines=[str(line.id) for line in order.lines])
    if form.errors:
        return await _show_report(page, order, form, status=422)
    try:
        opened = await disputes.open_dispute(
            page.market.disputes,
            viewer=_viewer(page, number),
            request=NewDispute(
                order_id=order.id,
                order_line_id=UUID(form.value("line")),
                quantity=problems.quantity_of(form),
                reason=DisputeReason(form.value("reason")),
                message=problems.message_of(form),
            ),
            key=form_keys.request_key(page, f"report:{order.id}", form.value("line").encode()),
        )
    except (Conflict, InvalidInput, IdempotencyKeyReused) as refusal:
        names = {"reason": "reason", "quantity": "quantity"}
        told = form_keys.with_refusal(form, refusal, names)
        return await _show_report(page, order, told, status=refusal.status)
    case = opened.folder
    if page.file is not None:
        viewer = _viewer(page, number)
        taken = await case_doors.hand_in(page, viewer=viewer, dispute_id=case.dispute.id)
        if taken.form is not None:
            # The case is open; only the file has to be chosen again.
            return await _show_case(page, number, case, taken.form, status=taken.status)
    return page.go(_href(number, case.dispute.id), notice=notices.REPORTED)


@router.get("/{dispute_id}")
async def show_case(page: Reading, number: str, dispute_id: UUID) -> Response:
    """A case: what was said, what is due, and what its buyer may do."""
    return await _show_case(page, number, await _own_case(page, number, dispute_id))


@router.post("/{dispute_id}/messages")
async def say(page: Saying, number: str, dispute_id: UUID) -> Response:
    """Say something."""
    return await _take(page, number, dispute_id, case_doors.say)


@router.post("/{dispute_id}/evidence")
async def hand_in(page: HandingIn, number: str, dispute_id: UUID) -> Response:
    """Hand a file in."""
    return await _take(page, number, dispute_id, case_doors.hand_in)


@router.post("/{dispute_id}/accept")
async def accept(page: Accepting, number: str, dispute_id: UUID) -> Response:
    """Take the case back."""
    return await _take(page, number, dispute_id, case_doors.accept)


@router.post("/{dispute_id}/escalate")
async def escalate(page: Escalating, number: str, dispute_id: UUID) -> Response:
    """Ask an operator, or appeal."""
    return await _take(page, number, dispute_id, case_doors.escalate)


@router.get("/{dispute_id}/export")
async def export(page: Reading, number: str, dispute_id: UUID) -> Response:
    """All of the case as one file."""
    folder = await _own_case(page, number, dispute_id)
    return await case_file(page, folder, _view(page, number, folder))


@router.get("/{dispute_id}/evidence/{file_id}")
async def show_file(page: Reading, number: str, dispute_id: UUID, file_id: UUID) -> Response:
    """A file of the case."""
    await _own_case(page, number, dispute_id)
    return await case_doors.show_file(
        page, viewer=_viewer(page, number), dispute_id=dispute_id, file_id=file_id
    )


def _viewer(page: Page, number: str) -> Viewer:
    """The visitor with the order's key in hand, where the browser holds it."""
    return page.visit.for_order(number).viewer


def _href(number: str, dispute_id: UUID) -> str:
    return f"{order_href(number)}/problems/{dispute_id}"


async def _own_order(page: Page, number: str) -> Order:
    """The order for its buyer, who alone may complain of it."""
    viewer = _viewer(page, number)
    order = await ask(
        page.market.db, order_service.find_order_by_number, viewer=viewer, number=number
    )
    if not order.whole or viewer.user_id != order.user_id:
        raise NotFound
    return order


async def _own_case(page: Page, number: str, dispute_id: UUID) -> DisputeFolder:
    """The case for its buyer; whoever stands on another side has another page for it."""
    folder = await disputes.find(
        page.market.disputes, viewer=_viewer(page, number), dispute_id=dispute_id
    )
    if not folder.is_buyer or order_number(folder.order_number) != number.strip().upper():
        raise NotFound
    return folder


async def _take(page: Page, number: str, dispute_id: UUID, door: Door) -> Response:
    """Take a step in a case of one's own, and show what came of it."""
    await _own_case(page, number, dispute_id)
    taken = await door(page, viewer=_viewer(page, number), dispute_id=dispute_id)
    if taken.form is None:
        return page.go(_href(number, dispute_id), notice=taken.notice)
    now = await _own_case(page, number, dispute_id)
    return await _show_case(page, number, now, taken.form, status=taken.status)


async def _show_case(
    page: Page,
    number: str,
    folder: DisputeFolder,
    form: FormView | None = None,
    *,
    status: int = 200,
) -> Response:
    view = _view(page, number, folder, form)
    return await page.show("store/case.html", status=status, personal=True, case=view)


def _view(page: Page, number: str, folder: DisputeFolder, form: FormView | None = None) -> CaseView:
    return cases.case(
        folder,
        side="buyer",
        path=_href(number, folder.dispute.id),
        key=form_keys.key_to_send(page, form),
        order_href=order_href(number),
        actions=dispute_questions.actions_of(
            _viewer(page, number), dispute=folder.dispute, is_buyer=True
        ),
        sees_money=False,
        form=form,
    )


async def _show_report(page: Page, order: Order, form: FormView, *, status: int = 200) -> Response:
    view = problems.report(
        order,
        policy=page.market.policy,
        now=page.now,
        form=form,
        key=form_keys.key_to_send(page, form),
    )
    return await page.show("store/report.html", status=status, personal=True, report=view)
