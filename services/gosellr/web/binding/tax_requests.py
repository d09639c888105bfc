"""How often a seller was asked who it is to the tax authorities, in words."""

from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.models.tax_identity_values import TaxRequest
from gosellr.utils.tax_requests import RequestMode, withheld_from
from gosellr.web.formats import format_when
from gosellr.web.tax_report_views import TaxRequestView
from gosellr.web.views import AttributeView, FormView

_SELLERS: Final = "/operator/tax-report/sellers"


def request_href(seller_id: UUID) -> str:
    """Where operators see how far asking a seller has come, and let its payouts go."""
    return f"{_SELLERS}/{seller_id}"


def told(request: TaxRequest | None, *, mode: str) -> str:
    """What a shop reads that was asked and hasn't said it, in a market that goes so far; nothing
    where it wasn't asked."""
    if request is None:
        return ""
    said = [f"You were asked on {_day(request.asked_at)}."]
    if request.withheld_at is not None:
        said.append(f"Payouts wait for it since {_day(request.withheld_at)}.")
    elif request.lifted_at is not None:
        said.append(f"Payouts don't wait for it: {request.lift_reason}")
    elif mode == RequestMode.WITHHOLD:
        waits_from = withheld_from(
            asked_at=request.asked_at, reminded_again_at=request.reminded_again_at
        )
        said.append(f"From {_day(waits_from)} on payouts may wait until you have said it.")
    return " ".join(said)


def stage(request: TaxRequest | None) -> str:
    """How far it is with a seller who hasn't said it, as an operator reads it."""
    if request is None:
        return "Not asked yet"
    steps = (
        ("Asked", request.asked_at),
        ("reminded", request.reminded_at),
        ("reminded again", request.reminded_again_at),
        ("payouts withheld since", request.withheld_at),
        ("payouts let go", request.lifted_at),
    )
    return ", ".join(f"{step} {_day(at)}" for step, at in steps if at is not None)


def request(
    found: TaxRequest,
    *,
    name: str,
    mode: str,
    viewer_id: UUID | None,
    may_decide: bool,
    form: FormView | None,
) -> TaxRequestView:
    """The page of a seller who hasn't said it; what is withheld is let go, or would be."""
    steps = (
        ("Asked", found.asked_at),
        ("Reminded", found.reminded_at),
        ("Reminded again", found.reminded_again_at),
        ("Payouts withheld since", found.withheld_at),
        ("Payouts let go", found.lifted_at),
    )
    facts = [AttributeView(step, format_when(at, "full")) for step, at in steps if at is not None]
    if found.lifted_at is not None:
        by = "you" if found.lifted_by == viewer_id else "somebody else"
        facts += [AttributeView("By", by), AttributeView("Why", found.lift_reason or "")]
    elif found.withheld_at is None:
        waits_from = withheld_from(
            asked_at=found.asked_at, reminded_again_at=found.reminded_again_at
        )
        waits = mode == RequestMode.WITHHOLD
        facts.append(
            AttributeView(
                "Payouts", f"Wait from {_day(waits_from)} on" if waits else "Don't wait for it"
            )
        )
    return TaxRequestView(
        name=name,
        path=request_href(found.seller_id),
        facts=tuple(facts),
        may_lift=may_decide and found.lifted_at is None,
        may_restore=may_decide and found.lifted_at is not None,
        form=form or FormView(),
    )


def _day(at: datetime) -> str:
    return format_when(at, "date")
