"""Tax rates, which the operator sets and sellers read."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import IfMatch, Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.taxes import (
    TaxRateChange,
    TaxRateCreate,
    TaxRateFilters,
    TaxRateOut,
    TaxRatePage,
    tax_rate_document,
)
from gosellr.api.schemas.terms import given
from gosellr.core.transact import ask, transact
from gosellr.services import tax_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/tax-rates", tags=["taxes"])

Writer = Annotated[Viewer, allow(Permission.TAX_WRITE)]


@router.get(
    "",
    operation_id="list_tax_rates",
    responses={200: {"model": TaxRatePage}, **problems(401, 403, 422)},
)
async def list_tax_rates(
    filters: Annotated[TaxRateFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.TAX_READ)],
    market: Market,
) -> Response:
    """All rates, past and coming ones included."""
    page = await ask(
        market.db,
        tax_service.list_rates,
        country=filters.country,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [tax_rate_document(rate) for rate in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    operation_id="create_tax_rate",
    status_code=201,
    responses={201: {"model": TaxRateOut}, **problems(400, 401, 403, 409, 422)},
)
async def create_tax_rate(body: TaxRateCreate, _viewer: Writer, market: Market) -> Response:
    """Add a rate. At any moment there is one per country, region and class."""
    rate = await transact(
        market.db,
        tax_service.create_rate,
        fields={
            "country": body.country,
            "region": body.region,
            "tax_class": body.tax_class,
            "rate_bps": body.rate_bps,
            "included": body.included,
            "remitted_by": body.remitted_by,
            "valid_from": body.valid_from or market.clock.now(),
            "valid_to": body.valid_to,
        },
    )
    return answer(tax_rate_document(rate), status=201)


@router.patch(
    "/{rate_id}",
    operation_id="update_tax_rate",
    responses={200: {"model": TaxRateOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_tax_rate(
    rate_id: UUID, body: TaxRateChange, _viewer: Writer, market: Market, if_match: IfMatch
) -> Response:
    """Change or end a rate; what was sold keeps the rate it was sold at."""
    changes = given(body)
    changes.pop("version", None)
    rate = await transact(
        market.db,
        tax_service.change_rate,
        rate_id=rate_id,
        version=body.version or if_match,
        changes=changes,
    )
    return answer(tax_rate_document(rate))
