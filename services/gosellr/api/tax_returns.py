"""What the marketplace owes tax authorities for a period, as a table, handed in and paid."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, Path, Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.documents import file_answer
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.tax_returns import (
    FiledReturnOut,
    TaxReturnFile,
    TaxReturnFilters,
    TaxReturnOut,
    filed_document,
    return_document,
)
from gosellr.core.transact import transact
from gosellr.flows import documents
from gosellr.flows.documents import MEDIA_TYPES
from gosellr.services import tax_filing_service
from gosellr.utils.permissions import Permission
from gosellr.utils.tax_periods import PATTERN, parse_tax_period
from gosellr.utils.viewer import Viewer

router = Room(prefix="/tax-returns", tags=["documents"])

TableForm = Literal["csv", "xlsx"]
_FORMS: tuple[TableForm, ...] = ("csv", "xlsx")
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[str, Any] = {"content": {MEDIA_TYPES[form]: _BYTES for form in _FORMS}}

Period = Annotated[str, Path(pattern=PATTERN, examples=["2026-Q1"], description="UTC")]


@router.get(
    "/{period}",
    operation_id="get_tax_return",
    responses={200: {"model": TaxReturnOut, **_FILES}, **problems(401, 403, 422)},
)
async def get_tax_return(
    *,
    period: Period,
    wanted: Annotated[TaxReturnFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)],
    market: Market,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What each jurisdiction is owed for a month or a quarter, by rate with what was taxed: VAT on
    commission, and the tax of sales that the marketplace remits. All of it as the ledger has it."""
    content = await documents.tax_return(market.documents, period=parse_tax_period(period))
    form = _form(wanted, accept)
    if form is None:
        return answer(return_document(content), headers={"Vary": "Accept"})
    return file_answer(
        await documents.make_file(market.documents, content, form=form, name=f"tax-{period}")
    )


@router.post(
    "/{period}/file",
    operation_id="file_tax_return",
    status_code=201,
    responses={201: {"model": FiledReturnOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def file_tax_return(
    *,
    period: Period,
    body: TaxReturnFile,
    viewer: Annotated[Viewer, allow(Permission.LEDGER_ADJUST)],
    market: Market,
) -> Response:
    """Write down that a period that is over was handed in. Its figures are frozen; each month is
    handed in once, so that saying it again is refused."""
    filed = await transact(
        market.db,
        tax_filing_service.file,
        viewer=viewer,
        period=parse_tax_period(period),
        jurisdiction=body.jurisdiction,
        currency=body.currency,
        reference=body.reference,
        vat_jurisdiction=market.policy.commission_vat_jurisdiction,
        now=market.clock.now(),
    )
    return answer(filed_document(filed), status=201)


@router.post(
    "/{tax_return_id}/pay",
    operation_id="pay_tax_return",
    responses={200: {"model": FiledReturnOut}, **problems(401, 403, 404, 409, 422)},
)
async def pay_tax_return(
    tax_return_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.LEDGER_ADJUST)],
    market: Market,
) -> Response:
    """Prepare the payment out of the bank; it is booked once somebody else approves the adjustment.
    Said again by the same person, it changes nothing."""
    filed = await transact(
        market.db,
        tax_filing_service.pay,
        viewer=viewer,
        tax_return_id=tax_return_id,
        kept_for=market.policy.idempotency_kept_for,
        now=market.clock.now(),
    )
    return answer(filed_document(filed))


def _form(wanted: TaxReturnFilters, accept: str) -> TableForm | None:
    """The kind of table that is wanted; None for JSON, which whoever also takes it gets."""
    if wanted.format is not None:
        return None if wanted.format == "json" else wanted.format
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if "application/json" in named:
        return None
    return next((form for form in _FORMS if MEDIA_TYPES[form] in named), None)
