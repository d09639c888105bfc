"""Cases: told to the buyer, the shop and the market, each from where they stand."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from gosellr.models.dispute_values import Chargeback, Dispute, DisputeFolder
from gosellr.services.dispute_preview import AwardPreview
from gosellr.services.dispute_questions import ListedDispute
from gosellr.utils.disputes import DisputeAction, DisputeOutcome, DisputeStatus
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.web.binding.orders import REFUND_BADGES
from gosellr.web.case_views import CaseRowView, CaseView, FileView, SaidView
from gosellr.web.formats import format_money, format_when
from gosellr.web.order_views import (
    AmountRowView,
    BadgeView,
    CaseLinkView,
    RefundView,
    TimelineStepView,
)
from gosellr.web.views import AttributeView, FormView

Side = Literal["buyer", "seller", "operator"]

REASONS = {
    "not_delivered": "It never arrived",
    "damaged": "It is damaged",
    "not_as_described": "It isn't as described",
    "other": "Something else is wrong",
}
WISHES = {
    "refund": "All my money back",
    "part": "A part of my money back, and I keep it",
    "replacement": "Another one in its place",
    "other": "Something else",
}
_S = DisputeStatus
_WAITS_FOR: dict[DisputeStatus, Side] = {
    _S.AWAITING_SELLER: "seller",
    _S.AWAITING_BUYER: "buyer",
    _S.UNDER_REVIEW: "operator",
    _S.APPEALED: "operator",
}
_WAITING_BADGES = {
    "seller": BadgeView("Waiting for the shop", "info", "clock"),
    "buyer": BadgeView("Waiting for the buyer", "info", "clock"),
    "operator": BadgeView("An operator looks at it", "info", "scale"),
}
_YOURS = {
    "seller": BadgeView("Your answer is wanted", "warn", "clock"),
    "buyer": BadgeView("Your turn", "warn", "clock"),
    "operator": BadgeView("To decide", "warn", "scale"),
}
_BADGES = {
    _S.AWAITING_PROVIDER: BadgeView("At the bank", "info", "landmark"),
    _S.DECIDED: BadgeView("Decided, may be appealed", "info", "scale"),
    _S.SETTLING: BadgeView("Money on its way", "info", "clock"),
    _S.CLOSED: BadgeView("Closed", "", "check"),
}
_OUTCOMES = {
    "accepted": "The shop gave in",
    "withdrawn": "The buyer took it back",
    "for_buyer": "Decided for the buyer",
    "for_seller": "Decided for the shop",
    "split": "Decided in the middle",
    "superseded": "The buyer's bank took it over",
}
_DUE = {
    _S.AWAITING_SELLER: "The shop has until then to answer. If it doesn't, the buyer is right.",
    _S.AWAITING_BUYER: "The buyer has until then to contest the answer. Silence means the shop"
    " is right.",
    _S.UNDER_REVIEW: "An operator means to decide by then. Nobody loses anything by waiting.",
    _S.APPEALED: "An operator means to look once more by then. That decision is the last.",
    _S.DECIDED: "Until then either side may appeal, once. After that the decision is final.",
}
_EVIDENCE_DUE = "The shop has until then to hand in what speaks for it. Then the bank is answered."
_OWN_EVIDENCE_DUE = (
    "We have sold the card, so we have until then to hand in what speaks for us. Then the bank is"
    " answered. What is left on the card is frozen meanwhile."
)
_SIDES = {"buyer": "Buyer", "seller": "Shop", "operator": "Operator", "support": "Support"}
_STEPS = {
    "awaiting_seller": "The shop was asked",
    "awaiting_buyer": "The shop answered",
    "under_review": "An operator was asked",
    "awaiting_provider": "The bank was answered",
    "decided": "Decided",
    "appealed": "Appealed",
    "settling": "The decision became final",
    "closed": "Closed",
}
_ACTORS = {
    "buyer": "by the buyer", "seller": "by the shop", "operator": "by an operator",
    "system": "a deadline passed", "payment": "by the bank",
}  # fmt: skip
_BANK_STATES = {
    "open": "Not decided yet",
    "won": "Won: the money came back",
    "lost": "Lost: the money is gone",
}
_STAGES = {
    "inquiry": "Buyer and shop talk",
    "chargeback": "Chargeback",
    "pre_arbitration": "Before arbitration",
    "arbitration": "Arbitration",
}
# In a list a chargeback says no more than that it is one, unless it has gone on.
_STAGES_LISTED = {
    "pre_arbitration": "before arbitration",
    "arbitration": "arbitration",
    "inquiry": "ended by talk",
}
_NEWEST = 12


def title_of(reason: str, *, is_chargeback: bool, item: str = "") -> str:
    """What a case is about, in a line."""
    what = "Chargeback" if is_chargeback else REASONS.get(reason, "A problem")
    return f"{what}: {item}" if item else what


def _of_card(dispute: Dispute) -> str:
    return "gift card" if dispute.is_of_card else ""


def badge_of(dispute: Dispute, *, side: Side) -> BadgeView:
    """Where a case stands, told to one side."""
    waits_for = _WAITS_FOR.get(dispute.stands)
    if waits_for is None:
        return _BADGES[dispute.stands]
    if dispute.is_of_card:
        return _YOURS["seller"]
    return (_YOURS if waits_for == side else _WAITING_BADGES)[waits_for]


def rows(
    found: Iterable[ListedDispute], *, side: Side, base: str, names: Mapping[str, str] | None = None
) -> tuple[CaseRowView, ...]:
    """Cases in a list. `base` is the address below which each has its page; a buyer's stand
    below their orders."""
    views = []
    for one in found:
        dispute, number = one.dispute, order_number(one.order_number)
        stem = f"/orders/{number}/problems" if side == "buyer" else base
        is_over = dispute.stands is DisputeStatus.CLOSED
        views.append(
            CaseRowView(
                href=f"{stem}/{dispute.id}",
                title=title_of(
                    dispute.reason,
                    is_chargeback=dispute.is_chargeback,
                    item=_STAGES_LISTED.get(one.stage or "", _of_card(dispute)),
                ),
                order_number=number,
                badge=badge_of(dispute, side=side),
                amount=Money(dispute.amount_minor, dispute.currency),
                opened_at=dispute.opened_at,
                due_at=dispute.due_at,
                note=_OUTCOMES.get(dispute.outcome or "", "")
                if is_over
                else (names or {}).get(str(dispute.seller_id), ""),
            )
        )
    return tuple(views)


def links(found: Iterable[ListedDispute]) -> tuple[CaseLinkView, ...]:
    """A buyer's cases about one order."""
    return tuple(
        CaseLinkView(one.title, one.href, one.badge, one.amount)
        for one in rows(found, side="buyer", base="")
    )


def case(
    folder: DisputeFolder,
    *,
    side: Side,
    path: str,
    key: str,
    order_href: str,
    actions: Sequence[DisputeAction],
    sees_money: bool,
    sees_bank: bool = False,
    shop: str = "",
    form: FormView | None = None,
    preview: AwardPreview | None = None,
) -> CaseView:
    """A case with all that belongs to it, as one side sees it; `shop` names whose it is,
    and `key` is what its forms bear."""
    dispute = folder.dispute
    item = str(folder.line["title"]) if folder.line else _of_card(dispute)
    return CaseView(
        id=str(dispute.id),
        path=path,
        key=key,
        title=title_of(dispute.reason, is_chargeback=dispute.is_chargeback, item=item),
        badge=badge_of(dispute, side=side),
        order_number=order_number(folder.order_number),
        order_href=order_href,
        amount=Money(dispute.amount_minor, dispute.currency),
        currency=dispute.currency,
        facts=_facts(folder, item=item, shop=shop),
        said=tuple(
            SaidView(one.author, _SIDES[one.author], one.at, one.body, mine=one.author == side)
            for one in folder.messages
        ),
        files=tuple(
            FileView(
                one.name, f"{path}/evidence/{one.id}", _SIDES[one.author], one.at,
                _size(one.byte_size),
            )
            for one in folder.files
        ),
        steps=_steps(folder),
        due=_due(dispute),
        due_at=dispute.due_at if _due(dispute) else None,
        outcome=_outcome(dispute),
        decision=dispute.decision or "",
        refunds=tuple(
            RefundView(
                dispute.decided_at or dispute.opened_at,
                Money(one.amount_minor, dispute.currency), "To the buyer",
                REFUND_BADGES[one.status],
            )
            for one in folder.refunds
        ),
        frozen=Money(dispute.frozen_minor, dispute.currency)
        if sees_money and dispute.frozen_minor
        else None,
        bank=_bank(folder.chargeback, in_full=sees_bank),
        can=frozenset(one.value for one in actions),
        is_chargeback=dispute.is_chargeback,
        accept_label=_accept_label(dispute, side),
        accept_note=_accept_note(dispute, side),
        escalate_label="Appeal" if dispute.stands is _S.DECIDED else "Ask an operator",
        form=form or FormView(),
        preview=() if preview is None else effects(preview),
        takes_two=preview is not None and preview.takes_two,
    )  # fmt: skip


def effects(preview: AwardPreview) -> tuple[AmountRowView, ...]:
    """What an award would move."""

    def row(label: str, minor: int, note: str = "") -> AmountRowView:
        return AmountRowView(label, Money(minor, preview.dispute.currency), note=note)

    planned, rows = preview.planned, []
    if planned is not None:
        total = planned.total
        given_back_minor = total.commission_reversed_minor + total.commission_vat_reversed_minor
        rows = [
            row("The buyer gets", planned.amount_minor),
            row("The shop gives", -planned.seller_minor, "out of what is frozen first"),
        ]
        if given_back_minor:
            rows.append(row("Commission given back", -given_back_minor, "with its VAT"))
        if total.remitted_minor:
            rows.append(row("Remitted tax given back", -total.remitted_minor))
        if planned.provider_fee_minor:
            fee_minor = planned.provider_fee_minor
            rows.append(row("Of it the provider's fee", fee_minor, "back to the market"))
        if total.promotion_minor:
            rows.append(row("Promotion back to the market", total.promotion_minor))
    rows.append(row("The shop's again", preview.released_minor, "no longer frozen"))
    return tuple(rows)


def _facts(folder: DisputeFolder, *, item: str, shop: str) -> tuple[AttributeView, ...]:
    dispute = folder.dispute
    facts = [AttributeView("Shop", shop)] if shop else []
    if item:
        units = f"{dispute.quantity} × " if dispute.quantity else ""
        facts.append(AttributeView("About", f"{units}{item}"))
    for parcel in folder.tracking:
        words = [str(parcel["carrier"]), str(parcel["tracking_number"] or "")]
        came = "delivered" if parcel["delivered_at"] else str(parcel["status"]).replace("_", " ")
        facts.append(AttributeView("Parcel", f"{' '.join(filter(None, words))}, {came}"))
    if dispute.appealed_by:
        facts.append(AttributeView("Appealed by", _SIDES[dispute.appealed_by]))
    return tuple(facts)


def _steps(folder: DisputeFolder) -> tuple[TimelineStepView, ...]:
    dispute = folder.dispute
    steps = [
        TimelineStepView(
            "We were asked"
            if dispute.is_of_card and event.to_status == _S.AWAITING_SELLER
            else _STEPS.get(event.to_status or "", "Changed"),
            at=event.at,
            note="gave in" if event.data.get("conceded") else _ACTORS.get(event.actor, ""),
        )
        for event in folder.events
        if event.to_status
    ]
    return tuple(reversed(steps[-_NEWEST:]))


def _due(dispute: Dispute) -> str:
    if dispute.due_at is None:
        return ""
    if dispute.is_chargeback:
        words = _OWN_EVIDENCE_DUE if dispute.is_of_card else _EVIDENCE_DUE
        return words if dispute.stands is _S.AWAITING_SELLER else ""
    return _DUE.get(dispute.stands, "")


def _outcome(dispute: Dispute) -> str:
    if dispute.outcome is None:
        return ""
    words = _OUTCOMES[dispute.outcome]
    if dispute.is_of_card and dispute.outcome == DisputeOutcome.FOR_SELLER:
        words = "Decided for us"
    if dispute.award_minor is None:
        return f"{words}."
    award = format_money(dispute.award_minor, dispute.currency)
    whole = format_money(dispute.amount_minor, dispute.currency)
    return f"{words}: {award} of {whole} to the buyer."


def _bank(back: Chargeback | None, *, in_full: bool) -> tuple[AttributeView, ...]:
    if back is None:
        return ()
    told: list[tuple[str, str | datetime | None]] = [
        ("State", _BANK_STATES[back.status]),
        ("Stage", _STAGES.get(back.stage or "")),
        ("The bank says", back.reason.replace("_", " ")),
        ("Provider", back.gateway),
    ]
    if in_full:
        told += [
            ("Taken back of the order", format_money(back.amount_minor, back.currency)),
            ("Fee", format_money(back.fee_minor, back.currency)),
            (
                "Given back after it was lost",
                format_money(back.reinstated_minor, back.currency) if back.reinstated_at else "",
            ),
            ("Its own name", back.gateway_reference),
        ]
    told += [("Bank's deadline", _moment(back.evidence_due_at))]
    told += [("Evidence sent", _moment(back.evidence_sent_at) or "Not yet")]
    return tuple(AttributeView(label, str(value)) for label, value in told if value)


def _moment(at: datetime | None) -> str:
    return "" if at is None else format_when(at, "full")


def _accept_label(dispute: Dispute, side: Side) -> str:
    if side == "buyer":
        return "Take this case back"
    if dispute.is_chargeback:
        return "Hand nothing in"
    return f"Give {format_money(dispute.amount_minor, dispute.currency)} back"


def _accept_note(dispute: Dispute, side: Side) -> str:
    if side == "buyer":
        return "The shop keeps the money, and the case is over."
    if dispute.is_chargeback:
        return "The bank is told nothing, and will most likely decide for the buyer."
    return "The buyer gets all of it, and the case is over."


def _size(byte_size: int) -> str:
    kilobytes = max(1, byte_size // 1024)
    return f"{kilobytes} KB" if kilobytes < 1024 else f"{kilobytes // 1024} MB"
