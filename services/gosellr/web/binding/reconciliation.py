"""Providers' movements in words: why one isn't matched, and what may be said about it."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from gosellr.core.errors import DomainError
from gosellr.flows.bank_transfers import TakenStatement
from gosellr.models.reconciliation_values import GatewayStanding, ImportedStatement, Movement
from gosellr.services.provider_refund_service import ProviderRefund
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.utils.reconciliation import (
    Clearing,
    Mismatch,
    MovementKind,
    MovementStatus,
    Resolution,
)
from gosellr.web.binding.payment_returns import note_field
from gosellr.web.formats import format_when
from gosellr.web.money_views import (
    GivenBackView,
    ProviderMovePageView,
    ProviderMoveView,
    StandingView,
)
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView

VIEWS: Final = {
    "unmatched": "Waiting",
    "proposed": "To confirm",
    "suspended": "In suspense",
    "resolved": "Explained",
    "matched": "Matched",
}
_BADGES = {
    MovementStatus.UNMATCHED: BadgeView("Waits", "warn", "clock"),
    MovementStatus.PROPOSED: BadgeView("To confirm", "warn", "users"),
    MovementStatus.RESOLVED: BadgeView("Explained", "ok", "check"),
    MovementStatus.MATCHED: BadgeView("Matched", "ok", "check"),
}
_KINDS = {
    MovementKind.CHARGE: "Charge",
    MovementKind.REFUND: "Refund",
    MovementKind.CHARGEBACK: "Chargeback",
    MovementKind.PAYOUT: "Payout",
    MovementKind.FEE: "Fee",
    MovementKind.SETTLEMENT: "Sent to the bank",
    MovementKind.OTHER: "Something else",
}
_WHY = {
    Mismatch.UNKNOWN: "The books know nothing of it",
    Mismatch.NOT_CONFIRMED: "We still ask the provider ourselves",
    Mismatch.CURRENCY_DIFFERS: "The books have it in another currency",
    Mismatch.AMOUNT_DIFFERS: "The books have another amount",
    Mismatch.FEE_DIFFERS: "The books have another fee",
    Mismatch.TAKEN: "Another movement was matched with the same",
}
_RESOLUTIONS = {
    Resolution.FEE: "A fee of the provider",
    Resolution.INCOME: "Income of the market",
    Resolution.LOSS: "A loss of the market",
    Resolution.SUSPENSE: "Not known yet: into suspense",
    Resolution.NOTHING: "Explained by another movement, nothing to book",
}
_CLEARED = {
    Clearing.FEE: "A fee of the provider",
    Clearing.INCOME: "Income of the market",
    Clearing.LOSS: "A loss of the market",
    Clearing.PAYMENT: "It paid for an order after all",
    Clearing.RETURNED: "It was sent back",
    Clearing.CHARGEBACK: "A bank took it back, or gave it back",
}
_CLEARED_AS = (Resolution.FEE, Resolution.INCOME, Resolution.LOSS)


def standing(found: GatewayStanding) -> StandingView:
    """A provider's figures beside ours."""

    def money(minor: int) -> Money:
        return Money(minor, found.currency)

    return StandingView(
        gateway=found.gateway,
        provider=money(found.provider_minor),
        # What its movements don't tell of here is left out, so that the two can be compared.
        clearing=money(found.clearing_minor - found.untold_minor),
        waiting=money(found.waiting_minor),
        waiting_count=found.waiting_count,
        suspended=money(found.suspended_minor),
        missing=money(found.missing_minor),
        missing_count=found.missing_count,
    )


def row(found: Movement, *, base: str) -> ProviderMoveView:
    """A movement in a list."""

    def money(minor: int) -> Money:
        return Money(minor, found.currency)

    in_suspense = found.resolution is Resolution.SUSPENSE and found.cleared_at is None
    return ProviderMoveView(
        href=f"{base}/{found.id}",
        reference=found.reference,
        what=f"{_KINDS[found.kind]}, {found.gateway}",
        at=found.occurred_at,
        amount=money(found.amount_minor),
        fee=money(found.fee_minor),
        unexplained=money(found.unexplained_minor),
        badge=BadgeView("In suspense", "warn", "hourglass")
        if in_suspense and found.status is MovementStatus.RESOLVED
        else _BADGES[found.status],
        why="" if found.mismatch is None else _WHY[found.mismatch],
    )


def movement(
    found: Movement,
    *,
    base: str,
    viewer_id: UUID | None,
    may_decide: bool,
    form: FormView | None,
) -> ProviderMovePageView:
    """A movement with the forms that fit where it stands."""
    can = _can(found) if may_decide else frozenset()
    offered = _CLEARED_AS if "clear" in can else tuple(_RESOLUTIONS)
    typed = form or FormView()
    return ProviderMovePageView(
        move=row(found, base=base),
        path=f"{base}/{found.id}",
        facts=_facts(found),
        resolutions=(
            ChoiceView("", "Choose what it is", not typed.value("resolution")),
            *(
                ChoiceView(one.value, _RESOLUTIONS[one], one.value == typed.value("resolution"))
                for one in offered
            ),
        ),
        form=typed,
        can=can,
        own_word=found.resolved_by is not None and found.resolved_by == viewer_id,
    )


def _can(found: Movement) -> frozenset[str]:
    if found.status is MovementStatus.UNMATCHED:
        return frozenset({"resolve"})
    if found.status is MovementStatus.PROPOSED:
        return frozenset({"approve", "reject"})
    in_suspense = found.resolution is Resolution.SUSPENSE and found.cleared_at is None
    return frozenset({"clear"} if in_suspense else ())


def _facts(found: Movement) -> tuple[AttributeView, ...]:
    told = [
        ("Its reference", found.reference),
        ("About", found.related),
        ("Happened", format_when(found.occurred_at, "full")),
        ("Imported", format_when(found.imported_at, "full")),
        ("Explained as", None if found.resolution is None else _RESOLUTIONS[found.resolution]),
        ("Note", found.note),
        (
            "Explained",
            None if found.resolved_at is None else format_when(found.resolved_at, "full"),
        ),
        ("Cleared as", None if found.cleared_as is None else _CLEARED[found.cleared_as]),
    ]
    return tuple(AttributeView(label, value) for label, value in told if value)


def report_words(taken: ImportedStatement) -> str:
    """What became of a provider's report."""
    new = taken.movements - taken.known
    return (
        f"{_counted(taken.movements, 'movement')} read, {new} of them new."
        f" {taken.matched} matched, {_waiting(taken.waiting)} to be explained."
    )


def statement_words(taken: TakenStatement) -> str:
    """What became of a bank's statement."""
    known = sum(one.known for one in taken.taken)
    suspended = sum(one.suspended_minor > 0 and not one.known for one in taken.taken)
    undone = ""
    if taken.reversed_count:
        were = "was" if taken.reversed_count == 1 else "were"
        undone = f" {taken.reversed_count} {were} reversed by the bank."
    if taken.proposed:
        undone += f" {_waiting(len(taken.proposed))} for a second person."
    are = "is" if taken.skipped_count == 1 else "are"
    return (
        f"{_counted(len(taken.taken), 'transfer')} read, {len(taken.taken) - known} of them new."
        f" {_waiting(suspended)} in suspense; {_counted(taken.skipped_count, 'line')} of money"
        f" that left {are} passed over.{undone}"
    )


def file_error(refusal: DomainError) -> str:
    """What of a file can't be taken, and where that stands in it."""
    reference = refusal.extras.get("reference")
    if reference:
        return f"{refusal.detail}: {reference}"
    if not refusal.errors:
        return refusal.detail
    first = refusal.errors[0]
    place, _, rest = first.field.partition(".")
    row, _, column = rest.partition(".")
    if not row.isdigit():
        return first.message
    # Rows of a report are counted from 1; movements that were read, from 0.
    number = int(row) + (place == "movements")
    where = f"Row {number}" if number else "The first line"
    return f"{where}, {column}: {first.message}" if column else f"{where}: {first.message}"


def _waiting(count: int) -> str:
    return f"{count} waits" if count == 1 else f"{count} wait"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def given_back(
    found: Iterable[ProviderRefund], *, base: str, may_decide: bool
) -> tuple[GivenBackView, ...]:
    """What went back at providers without us and waits for a person."""
    return tuple(
        GivenBackView(
            what=f"{'Taken back by' if one.is_reversal else 'Refunded at'} {one.gateway}:"
            f" {one.gateway_reference}",
            order_number=order_number(one.order_number),
            order_href=f"/operator/explain?subject={order_number(one.order_number)}",
            amount=Money(one.amount_minor, one.currency),
            reason=one.reason or "",
            told_at=one.told_at,
            field=note_field(one.id),
            path=f"{base}/refunds/{one.id}/resolve" if may_decide else "",
        )
        for one in found
    )
