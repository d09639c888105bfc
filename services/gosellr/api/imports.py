"""Imports: a seller's whole catalogue out of one file."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import File, Form, Header, Query, Response, UploadFile

from gosellr.api.answers import answer, json_bytes, page_bytes
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import Currency, PageFilters, problems
from gosellr.api.schemas.imports import (
    ImportDetailOut,
    ImportErrorListOut,
    ImportFilters,
    ImportListOut,
    ImportOut,
)
from gosellr.core.pagination import DEFAULT_LIMIT
from gosellr.core.transact import ask
from gosellr.flows import imports
from gosellr.models.import_values import ErrorRow
from gosellr.services import import_service
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.services.import_service import ImportFormat, ImportOrder
from gosellr.utils.card_numbers import holds_card_number
from gosellr.utils.catalogue import one_line
from gosellr.utils.csv_text import csv_text
from gosellr.utils.import_gosellr import template
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/imports", tags=["imports"])

_CHUNK_BYTES = 1 << 20
_COLUMNS = ("row", "field", "code", "message", "value")
_CSV: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
_ReadImports = Annotated[Viewer, allow(Permission.IMPORT_READ)]


@router.post(
    "",
    operation_id="create_import",
    status_code=202,
    responses={202: {"model": ImportOut}, **problems(400, 401, 403, 404, 409, 413, 422)},
)
async def create_import(
    *,
    file: Annotated[UploadFile, File(description="CSV or JSON in UTF-8, up to 64 MiB")],
    file_format: Annotated[ImportFormat, Form(alias="format")],
    viewer: Annotated[Viewer, allow(Permission.IMPORT_RUN)],
    market: Market,
    category_id: Annotated[
        UUID | None, Form(description="For products whose category the market doesn't know")
    ] = None,
    currency: Annotated[
        Currency | None, Form(description="Of prices without one; left out, the market's own")
    ] = None,
    seller_id: Annotated[UUID | None, Form()] = None,
    idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)] = None,
) -> Response:
    """Hand in a file; it is worked off in the background, and a row that is wrong stops nothing.

    The same file twice changes nothing: products are known by their handle, else by their SKU.
    """
    order = ImportOrder(
        format=file_format,
        file_name=_plain_name(file.filename),
        currency=currency or market.policy.default_currency,
        category_id=category_id,
        seller_id=seller_id,
    )
    made = await imports.request_import(
        market.imports,
        viewer=viewer,
        order=order,
        content=_chunks(file),
        idempotency_key=idempotency_key,
    )
    if isinstance(made, EarlierRequest):
        return answer(made.body, status=202, headers={"Idempotency-Replayed": "true"})
    return answer(made, status=202)


@router.get(
    "",
    operation_id="list_imports",
    responses={200: {"model": ImportListOut}, **problems(401, 403, 422)},
)
async def list_imports(
    filters: Annotated[ImportFilters, Query()], viewer: _ReadImports, market: Market
) -> Response:
    """The imports of one's sellers, newest first."""
    items, next_cursor = await ask(
        market.db,
        import_service.list_imports,
        viewer=viewer,
        seller_id=filters.seller_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    return answer(page_bytes(items, next_cursor))


@router.get(
    "/template",
    operation_id="get_import_template",
    response_class=Response,
    responses={200: {"content": _CSV, "description": "A table"}, **problems(401, 403)},
)
async def get_import_template(_viewer: _ReadImports) -> Response:
    """An example of our own format, to be filled in."""
    return _table(template(), name="products.csv")


@router.get(
    "/{import_id}",
    operation_id="get_import",
    responses={200: {"model": ImportDetailOut}, **problems(401, 403, 404, 422)},
)
async def get_import(import_id: UUID, viewer: _ReadImports, market: Market) -> Response:
    """How far an import has come, with the first page of its errors."""
    document = await ask(
        market.db, import_service.import_document, viewer=viewer, import_id=import_id
    )
    page = await ask(
        market.db,
        import_service.import_errors,
        viewer=viewer,
        import_id=import_id,
        limit=DEFAULT_LIMIT,
    )
    errors = page_bytes(_listed(page.items), page.next_cursor)
    return answer(b'%b,"errors":%b}' % (document.rstrip()[:-1], errors))


@router.get(
    "/{import_id}/errors",
    operation_id="list_import_errors",
    responses={
        200: {"model": ImportErrorListOut, "content": _CSV},
        **problems(401, 403, 404, 422),
    },
)
async def list_import_errors(
    import_id: UUID,
    filters: Annotated[PageFilters, Query()],
    viewer: _ReadImports,
    market: Market,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What was wrong with which row. `Accept: text/csv` gives all of it as a table."""
    if _wants_csv(accept):
        found = await ask(
            market.db, import_service.all_import_errors, viewer=viewer, import_id=import_id
        )
        rows = [(each.row, each.field, each.code, each.message, each.value) for each in found]
        return _table(csv_text(_COLUMNS, rows), name="errors.csv")
    page = await ask(
        market.db,
        import_service.import_errors,
        viewer=viewer,
        import_id=import_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    return answer(page_bytes(_listed(page.items), page.next_cursor), headers={"Vary": "Accept"})


def _listed(errors: list[ErrorRow]) -> bytes:
    return json_bytes([{name: getattr(each, name) for name in _COLUMNS} for each in errors])


def _wants_csv(accept: str) -> bool:
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return "text/csv" in named and "application/json" not in named


def _table(text: str, *, name: str) -> Response:
    return Response(
        text,
        media_type="text/csv",
        headers={
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


def _plain_name(file_name: str | None) -> str:
    """The name of a file without the folders before it, as it may be shown."""
    name = (file_name or "").replace("\\", "/").rpartition("/")[2]
    plain = one_line(name.encode("utf-8", "replace").decode())[:200]
    return "" if holds_card_number(plain) else plain


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK_BYTES):
        yield chunk
