"""A shop's cases: answered, argued, given in to; and its side of a chargeback."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import NotAuthenticated, NotFound
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import disputes
from gosellr.models.dispute_values import DisputeFolder
from gosellr.services import dispute_questions
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.utils.disputes import ARGUED_STATUSES
from gosellr.utils.evidence import EVIDENCE_BYTES_MAX
from gosellr.utils.ids import order_number
from gosellr.utils.permissions import Permission
from gosellr.web import case_doors, form_keys
from gosellr.web.binding import cases, histories
from gosellr.web.case_doors import Door
from gosellr.web.case_export import case_file
from gosellr.web.case_views import CaseListView, CaseView
from gosellr.web.pages import Page, admit
from gosellr.web.seller.shop import Shop, shop_of, show
from gosellr.web.views import FormView

router = LateRouter(prefix="/seller/{seller_id}/cases", include_in_schema=False)

Reading = Annotated[Page, admit(Permission.DISPUTE_READ)]
Saying = Annotated[Page, admit(Permission.DISPUTE_MESSAGE)]
HandingIn = Annotated[Page, admit(Permission.DISPUTE_MESSAGE, file_bytes_max=EVIDENCE_BYTES_MAX)]
Accepting = Annotated[Page, admit(Permission.DISPUTE_ACCEPT)]
Escalating = Annotated[Page, admit(Permission.DISPUTE_ESCALATE)]

_SHOWN = 24
_CHIPS = (("", "Waiting for us"), ("open", "All that are open"), ("all", "All"))
_VIEWS: dict[str, tuple[str, ...] | None] = {
    "": ("awaiting_seller",),
    "open": tuple(sorted(ARGUED_STATUSES)),
    "all": None,
}


@router.get("")
async def list_cases(
    page: Reading,
    seller_id: UUID,
    view: Annotated[str, Query(max_length=10)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The queue: what waits for the shop first."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_READ)
    asked = histories.chosen_of(view, _VIEWS)
    chosen = asked.value
    found = await ask(
        page.market.db,
        dispute_questions.list_cases,
        viewer=page.viewer,
        filters=DisputeFilters(seller_id=seller_id, statuses=_VIEWS[chosen]),
        cursor=cursor,
        limit=_SHOWN,
    )
    base = f"{shop.href}/cases"
    kept = [("view", chosen)] if chosen else []
    case_list = CaseListView(
        cases.rows(found.items, side="seller", base=base),
        chips=histories.chips(base, _CHIPS, name="view", chosen=chosen),
        pager=histories.pager(base, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        shop,
        "seller/cases.html",
        current="cases",
        case_list=case_list,
        notice=asked.notice,
        status=asked.status,
    )


@router.get("/{dispute_id}")
async def show_case(page: Reading, seller_id: UUID, dispute_id: UUID) -> Response:
    """A case: what was said, what is due, and what the shop may do."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_READ)
    return await _show_case(page, shop, await _case(page, shop, dispute_id))


@router.post("/{dispute_id}/messages")
async def say(page: Saying, seller_id: UUID, dispute_id: UUID) -> Response:
    """Say something, or give the shop's answer."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_MESSAGE)
    return await _take(page, shop, dispute_id, case_doors.say)


@router.post("/{dispute_id}/evidence")
async def hand_in(page: HandingIn, seller_id: UUID, dispute_id: UUID) -> Response:
    """Hand a file in."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_MESSAGE)
    return await _take(page, shop, dispute_id, case_doors.hand_in)


@router.post("/{dispute_id}/accept")
async def accept(page: Accepting, seller_id: UUID, dispute_id: UUID) -> Response:
    """Give in: the buyer gets it all."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_ACCEPT)
    return await _take(page, shop, dispute_id, case_doors.accept)


@router.post("/{dispute_id}/escalate")
async def escalate(page: Escalating, seller_id: UUID, dispute_id: UUID) -> Response:
    """Ask an operator, or appeal."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_ESCALATE)
    return await _take(page, shop, dispute_id, case_doors.escalate)


@router.get("/{dispute_id}/export")
async def export(page: Reading, seller_id: UUID, dispute_id: UUID) -> Response:
    """All of the case as one file."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_READ)
    folder = await _case(page, shop, dispute_id)
    return await case_file(page, folder, _view(page, shop, folder))


@router.get("/{dispute_id}/evidence/{file_id}")
async def show_file(page: Reading, seller_id: UUID, dispute_id: UUID, file_id: UUID) -> Response:
    """A file of the case."""
    shop = await _shop(page, seller_id, Permission.DISPUTE_READ)
    await _case(page, shop, dispute_id)
    return await case_doors.show_file(
        page, viewer=page.viewer, dispute_id=dispute_id, file_id=file_id
    )


async def _shop(page: Page, seller_id: UUID, permission: Permission) -> Shop:
    # A guest may read cases of an order whose key they hold, and nothing here.
    if page.viewer.is_guest:
        raise NotAuthenticated
    return await shop_of(page, seller_id, permission)


async def _case(page: Page, shop: Shop, dispute_id: UUID) -> DisputeFolder:
    folder = await disputes.find(page.market.disputes, viewer=page.viewer, dispute_id=dispute_id)
    if folder.dispute.seller_id != shop.id:
        raise NotFound
    return folder


async def _take(page: Page, shop: Shop, dispute_id: UUID, door: Door) -> Response:
    """Take a step in a case of this shop's, and show what came of it."""
    await _case(page, shop, dispute_id)
    taken = await door(page, viewer=page.viewer, dispute_id=dispute_id)
    if taken.form is None:
        return page.go(f"{shop.href}/cases/{dispute_id}", notice=taken.notice)
    folder = await _case(page, shop, dispute_id)
    return await _show_case(page, shop, folder, taken.form, status=taken.status)


async def _show_case(
    page: Page,
    shop: Shop,
    folder: DisputeFolder,
    form: FormView | None = None,
    *,
    status: int = 200,
) -> Response:
    view = _view(page, shop, folder, form)
    return await show(page, shop, "seller/case.html", current="cases", status=status, case=view)


def _view(page: Page, shop: Shop, folder: DisputeFolder, form: FormView | None = None) -> CaseView:
    return cases.case(
        folder,
        side="seller",
        path=f"{shop.href}/cases/{folder.dispute.id}",
        key=form_keys.key_to_send(page, form),
        order_href=f"{shop.href}/orders/{order_number(folder.order_number)}",
        # As the shop: who also bought it has another page for that.
        actions=dispute_questions.actions_of(page.viewer, dispute=folder.dispute, is_buyer=False),
        sees_money=True,
        form=form,
    )
