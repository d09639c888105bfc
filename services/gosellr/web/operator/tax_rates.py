"""Tax rates: what is charged where, since when, and who passes it on; added, changed and ended."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from gosellr.core.countries import country_codes
from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, VersionConflict
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.models.term_values import ListedTaxRate
from gosellr.services import tax_service
from gosellr.utils.permissions import Permission, may
from gosellr.web import form_keys, forms, notices
from gosellr.web.binding import histories
from gosellr.web.binding import tax_rates as binding
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page
from gosellr.web.tax_rate_views import TaxRateEditView, TaxRateListView
from gosellr.web.views import FormView, NoticeView

router = LateRouter(prefix=binding.TAX_RATES, include_in_schema=False)

Reading = Annotated[Page, staff(Permission.TAX_READ)]
Writing = Annotated[Page, staff(Permission.TAX_WRITE)]

_SHOWN: Final = 50
_VERSION_MAX: Final = 2**31 - 1
_LOCALE: Final = "en"
_REFUSALS: Final = (Conflict, InvalidInput, NotAllowed)
_NO_COUNTRY: Final = NoticeView("There is no such country. These are the rates of all.", "warn")
_FIRST: Final = FormView({"class": "standard"})


@router.get("")
async def list_rates(
    page: Reading,
    country: Annotated[str, Query(max_length=60)] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """The rates, past and coming ones included, and the form that adds one."""
    return await _show_list(page, _FIRST, country=forms.clean(country).upper(), cursor=cursor)


@router.post("")
async def add(page: Writing) -> Response:
    """Add a rate; the same form twice is one."""
    form, fields = binding.read_new(page.form, now=page.now)
    if fields is None:
        return await _show_list(page, form, status=422)
    try:
        await form_keys.once(
            page,
            partial(tax_service.create_rate, fields=fields),
            key=form_keys.request_key(page, "tax_rate", form),
            made=lambda rate: str(rate.id),
        )
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, binding.NAMES)
        return await _show_list(page, told, status=refusal.status)
    return page.go(binding.TAX_RATES, notice=notices.TAX_RATE_SAVED)


@router.get("/{rate_id}")
async def show_rate(page: Reading, rate_id: UUID) -> Response:
    """A rate, with the form that changes it."""
    return await _show_rate(page, rate_id)


@router.post("/{rate_id}")
async def change(page: Writing, rate_id: UUID) -> Response:
    """Change a rate; the same form twice is one change."""
    form, typed = binding.read_change(page.form)
    if typed is None:
        return await _show_rate(page, rate_id, form, status=422)
    try:
        await form_keys.once(
            page,
            partial(_change, rate_id=rate_id, version=_version(page), typed=typed),
            key=form_keys.repeat_key(page, f"tax_rate:{rate_id}", form),
            made=lambda rate: str(rate.id),
        )
    except VersionConflict as refusal:
        return await _show_rate(page, rate_id, notice=notices.CHANGED_FIRST, status=refusal.status)
    except form_keys.REFUSALS as refusal:
        told = form_keys.with_refusal(form, refusal, binding.NAMES)
        return await _show_rate(page, rate_id, told, status=refusal.status)
    return page.go(binding.TAX_RATES, notice=notices.TAX_RATE_SAVED)


@router.post("/{rate_id}/end")
async def end(page: Writing, rate_id: UUID) -> Response:
    """End a rate now. Nothing is taxed by it any more; what was sold keeps it."""
    try:
        await form_keys.once(
            page,
            partial(
                tax_service.change_rate,
                rate_id=rate_id,
                version=_version(page),
                changes={"valid_to": page.now},
            ),
            key=form_keys.request_key(page, f"end_tax_rate:{rate_id}", b""),
            made=lambda rate: str(rate.id),
        )
    except _REFUSALS as refusal:
        said = "; ".join(one.message for one in refusal.errors) or refusal.detail or refusal.title
        notice = NoticeView(said, "warn", "Nothing was changed")
        return await _show_list(page, _FIRST, notice=notice, status=refusal.status)
    return page.go(binding.TAX_RATES, notice=notices.TAX_RATE_ENDED)


async def _change(
    connection: Connection, *, rate_id: UUID, version: int | None, typed: Mapping[str, Any]
) -> ListedTaxRate:
    """The change of what is different by now from what stands there."""
    rate = await tax_service.find_rate(connection, rate_id=rate_id)
    changes = binding.changes_of(rate, typed)
    if not changes:
        raise InvalidInput("Nothing is different from what stands there")
    return await tax_service.change_rate(
        connection, rate_id=rate_id, version=version, changes=changes
    )


def _version(page: Page) -> int | None:
    return forms.whole_number(page.form.get("version"), lowest=1, highest=_VERSION_MAX)


async def _show_list(
    page: Page,
    form: FormView,
    *,
    country: str = "",
    cursor: str | None = None,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    known = country if country in country_codes() else ""
    if country and not known:
        notice = _NO_COUNTRY
    found = await ask(
        page.market.db,
        tax_service.list_rates,
        country=known or None,
        cursor=cursor,
        limit=_SHOWN,
    )
    kept = [("country", known)] if known else []
    view = TaxRateListView(
        rates=tuple(binding.rate_view(one, now=page.now, locale=_LOCALE) for one in found.items),
        fields=binding.fields_view(form, locale=_LOCALE, key=form_keys.key_to_send(page, form)),
        country=known,
        countries=binding.countries(_LOCALE, first="Every country"),
        may_write=may(page.viewer.roles, Permission.TAX_WRITE),
        pager=histories.pager(binding.TAX_RATES, kept, found.next_cursor, is_first=cursor is None),
    )
    return await show(
        page,
        "operator/tax_rates.html",
        current="/tax-rates",
        status=status,
        notice=notice,
        taxes=view,
    )


async def _show_rate(
    page: Page,
    rate_id: UUID,
    form: FormView | None = None,
    *,
    notice: NoticeView | None = None,
    status: int = 200,
) -> Response:
    rate = await ask(page.market.db, tax_service.find_rate, rate_id=rate_id)
    # A form that comes back is meant for the version that it was written about.
    version = str(rate.version) if form is None else page.form.get("version", "")
    view = TaxRateEditView(
        rate=binding.rate_view(rate, now=page.now, locale=_LOCALE),
        fields=binding.fields_view(
            form or binding.typed_of(rate),
            locale=_LOCALE,
            key=form_keys.key_to_send(page, form),
            version=version,
        ),
        may_write=may(page.viewer.roles, Permission.TAX_WRITE),
    )
    return await show(
        page,
        "operator/tax_rate.html",
        current="/tax-rates",
        status=status,
        notice=notice,
        taxes=view,
    )
