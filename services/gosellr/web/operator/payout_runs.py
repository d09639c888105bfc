"""A run of payouts: every seller who may be paid, whatever their schedules say."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from gosellr.core.errors import Conflict, InvalidInput
from gosellr.core.late_routes import LateRouter
from gosellr.core.transact import ask
from gosellr.flows import payout_runs, payouts
from gosellr.services import payout_forecast, seller_service
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.utils.money import EXPONENTS
from gosellr.utils.permissions import Permission
from gosellr.web import form_keys, notices
from gosellr.web.binding import payout_runs as binding
from gosellr.web.operator.frame import show, staff
from gosellr.web.pages import Page

router = LateRouter(prefix="/operator/payouts", include_in_schema=False)

Running = Annotated[Page, staff(Permission.PAYOUT_APPROVE)]


_SHOWN = 200


def _require_known(currency: str) -> None:
    # No currency means all of them, which nobody asked for who names one that there isn't.
    if currency and currency not in EXPONENTS:
        raise InvalidInput.at("currency", "currency_unknown", "Choose a currency")


@router.get("/run/preview")
async def preview(page: Running, currency: Annotated[str, Query(max_length=3)] = "") -> Response:
    """What a run would pay now, and what would stay, and why; the button makes it."""
    _require_known(currency)
    found = await ask(
        page.market.db,
        payout_forecast.foresee,
        viewer=page.viewer,
        currency=currency or None,
        sellers_max=payout_runs.BATCH_SELLERS_MAX,
        policy=page.market.policy,
        now=page.now,
    )
    shown = found.sellers[:_SHOWN]
    names = await ask(
        page.market.db, seller_service.names_of, seller_ids=sorted({one.seller_id for one in shown})
    )
    return await show(
        page,
        "operator/payout_preview.html",
        current="/payouts",
        forecast=binding.forecast(found, shown=shown, names=names, currency=currency),
    )


@router.post("/run")
async def run(page: Running) -> Response:
    """Pay all that is available, and say whom it passed over; the same form twice is one run."""
    currency = page.form.get("currency", "")
    _require_known(currency)
    key = form_keys.request_key(page, "run_payouts", currency.encode())
    try:
        batch = await payout_runs.run_batch(
            page.market.payouts, viewer=page.viewer, currency=currency or None, key=key
        )
    except Conflict:
        # The first of two same forms is still at work.
        return page.go("/operator/payouts", notice=notices.RUN_BEFORE)
    if isinstance(batch, EarlierRequest):
        return page.go("/operator/payouts", notice=notices.RUN_BEFORE)
    body = str(batch.id).encode()
    await payouts.keep_answer(page.market.payouts, key=key, status=200, body=body)
    skipped = sorted({one.seller_id for one in batch.skipped})
    names = await ask(page.market.db, seller_service.names_of, seller_ids=skipped)
    return await show(
        page,
        "operator/payout_run.html",
        current="/payouts",
        run=binding.run(batch, names=names),
    )
