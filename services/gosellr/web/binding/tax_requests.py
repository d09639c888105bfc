"""How often a seller was asked who it is to the tax authorities, in words."""

from datetime import datetime

from gosellr.models.tax_identity_values import TaxRequest
from gosellr.utils.tax_requests import RequestMode, withheld_from
from gosellr.web.formats import format_when


def told(request: TaxRequest | None, *, mode: str) -> str:
    """What a shop reads that was asked and hasn't said it, in a market that goes so far; nothing
    where it wasn't asked."""
    if request is None:
        return ""
    said = [f"You were asked on {_day(request.asked_at)}."]
    if request.withheld_at is not None:
        said.append(f"Payouts wait for it since {_day(request.withheld_at)}.")
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
    )
    return ", ".join(f"{step} {_day(at)}" for step, at in steps if at is not None)


def _day(at: datetime) -> str:
    return format_when(at, "date")
