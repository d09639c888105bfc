"""What one person proposed, in words, for the one who has to agree."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gosellr.models.proposal_values import Proposal
from gosellr.utils.proposals import ProposalKind
from gosellr.web.binding import commission, refund_words
from gosellr.web.formats import format_money, format_when
from gosellr.web.order_views import BadgeView
from gosellr.web.proposal_views import ChangeView, ProposalRowView, ProposalView
from gosellr.web.views import AttributeView, FormView, NoticeView

PROPOSALS: Final = "/operator/proposals"
CHIPS: Final = (
    ("prepared", "To decide"),
    ("approved", "Approved"),
    ("rejected", "Turned down"),
    ("all", "All"),
)
_BADGES: Final = {
    "prepared": BadgeView("To decide", "warn", "users"),
    "approved": BadgeView("Approved", "ok", "check"),
    "rejected": BadgeView("Turned down", "bad", "x"),
}
_KINDS: Final = {
    ProposalKind.COMMISSION_RULE_NEW: "New commission rule",
    ProposalKind.COMMISSION_RULE_CHANGE: "Changed commission rule",
    ProposalKind.COMMISSION_RULE_END: "End of a commission rule",
    ProposalKind.RECEIPT: "Transfer that arrived",
    ProposalKind.RECEIPT_ASSIGNMENT: "Transfer for an order",
    ProposalKind.RECEIPT_RETURN: "Transfer that was sent back",
    ProposalKind.SUSPENSE_CLEARING: "What waited in suspense",
    ProposalKind.HAND_REFUND_SENT: "Refund that was sent by hand",
    ProposalKind.PAYOUT_NEVER_SENT: "Payout that was never sent",
    ProposalKind.PAYOUT_WAS_PAID: "Payout that was paid",
    ProposalKind.REFUND: "Refund",
    ProposalKind.REFUND_ARRIVED: "Refund that arrived",
    ProposalKind.REFUND_FAILED: "Refund that failed",
    ProposalKind.GIFT_CARD_REFUND: "Gift card that is taken back",
    ProposalKind.STORE_CREDIT_GRANTED: "Store credit",
    ProposalKind.GIFT_CARD_ISSUED: "New gift card",
    ProposalKind.SELLER_CREDIT: "Store credit at a shop's cost",
    ProposalKind.DISPUTE_AWARD: "Decision of a case",
    ProposalKind.SHOP_OWNER: "New owner of a shop",
}
_COMMISSION: Final = frozenset(
    {
        ProposalKind.COMMISSION_RULE_NEW,
        ProposalKind.COMMISSION_RULE_CHANGE,
        ProposalKind.COMMISSION_RULE_END,
    }
)
# What isn't a refund of the order that it names.
_OF_AN_ORDER: Final = frozenset({ProposalKind.SELLER_CREDIT, ProposalKind.DISPUTE_AWARD})
_FINAL: Final = "It is final: the money moves at once"
_APPEALABLE: Final = "Either side may appeal once; the money moves after that"
_OWNING: Final = {"seller_id": "Shop", "user_id": "Its new owner"}
# What of a wish about money that moved is said, and how.
_SAID: Final = {
    "amount_minor": "Amount",
    "argued_minor": "Of what is argued about",
    "given_minor": "Of that went back before",
    "gives_minor": "What the buyer would get",
    "provider": "By",
    "opened_at": "Opened",
    "movement": "The bank's name of it",
    "transaction_id": "The bank's name of it",
    "value_date": "On",
    "references": "References on it",
    "reference": "For the reference",
    "sent_at": "Left on",
    "order_number": "Refund of order",
    "card_last_four": "Gift card ending in",
    "refund_reason": "What the buyer was told",
    "account_last_four": "To the account ending in",
    "resolution": "What it was",
    "receiver_id": "For",
    "expires_at": "Good until",
}


def waits_notice(found: Proposal | None) -> NoticeView | None:
    """What a page says about a thing that something is proposed about."""
    if found is None:
        return None
    what = _KINDS[ProposalKind(found.kind)]
    return NoticeView(f"It is proposed, and waits for a second person: {what.lower()}", "info")


def person_named(found: Proposal) -> UUID | None:
    """Whose address the page of this proposal says, if anybody's."""
    if found.kind == ProposalKind.SHOP_OWNER:
        return UUID(found.wish["user_id"])
    receiver = found.wish.get("receiver_id")
    return None if receiver is None else UUID(receiver)


def sellers_named(found: Proposal) -> set[UUID]:
    """Whose names the page of this proposal says."""
    if found.kind not in _COMMISSION:
        return set(found.seller_ids)
    before, after = _sides(found)
    return set(found.seller_ids) | commission.named_in(before) | commission.named_in(after)


def row(found: Proposal, *, names: Mapping[str, str], viewer_id: UUID | None) -> ProposalRowView:
    """A proposal in a list."""
    return ProposalRowView(
        href=f"{PROPOSALS}/{found.id}",
        what=_KINDS[ProposalKind(found.kind)],
        about=_about(found, names),
        badge=_BADGES[found.status],
        prepared_at=found.prepared_at,
        by=_who(found.prepared_by, viewer_id),
    )


def proposal(
    found: Proposal,
    *,
    names: Mapping[str, str],
    viewer_id: UUID | None,
    may_decide: bool,
    form: FormView | None,
) -> ProposalView:
    """A proposal as it stands, and whether this person may decide about it."""
    told = [
        ("Proposed", _said(found, viewer_id)),
        ("Why", found.reason),
        ("Decided", _answered(found, viewer_id)),
        ("What was said", found.decision_note or ""),
    ]
    return ProposalView(
        row=row(found, names=names, viewer_id=viewer_id),
        path=f"{PROPOSALS}/{found.id}",
        changes=_changes(found, names),
        facts=tuple(AttributeView(label, value) for label, value in told if value),
        form=form or FormView(),
        is_open=found.status == "prepared",
        is_own=found.prepared_by == viewer_id,
        may_decide=may_decide,
    )


def _sides(found: Proposal) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What stands now, and what would stand then; empty for nothing."""
    wish = found.wish
    match ProposalKind(found.kind):
        case ProposalKind.COMMISSION_RULE_NEW:
            return {}, {**wish["terms"], "name": wish["name"], "position": wish["position"]}
        case ProposalKind.COMMISSION_RULE_CHANGE:
            return wish["before"], {**wish["before"], **wish["changes"]}
        case ProposalKind.COMMISSION_RULE_END:
            return wish["before"], {}
        case _:
            return {}, wish


def _changes(found: Proposal, names: Mapping[str, str]) -> tuple[ChangeView, ...]:
    if found.kind == ProposalKind.SHOP_OWNER:
        told = {name: names.get(found.wish[name], found.wish[name]) for name in _OWNING}
        return tuple(ChangeView(label, "", told[name]) for name, label in _OWNING.items())
    if found.kind == ProposalKind.REFUND:
        return tuple(ChangeView(label, "", value) for label, value in refund_words.told(found.wish))
    if found.kind not in _COMMISSION:
        at_cost_of = [names.get(str(one), "") for one in found.seller_ids]
        told = _moved(found.wish, found.kind)
        if found.kind == ProposalKind.SELLER_CREDIT:
            told["At the cost of"] = ", ".join(at_cost_of)
        if found.kind == ProposalKind.DISPUTE_AWARD:
            told["Then"] = _FINAL if found.wish["is_final"] else _APPEALABLE
        return tuple(
            ChangeView(label, "", names.get(value, value)) for label, value in told.items()
        )
    before, after = (commission.words(side, names) if side else {} for side in _sides(found))
    rows = (
        ChangeView(label, before.get(label, ""), after.get(label, "")) for label in before or after
    )
    return tuple(one for one in rows if one.before != one.after)


def _moved(wish: Mapping[str, Any], kind: str) -> dict[str, str]:
    """What is said of money that moved, by what people call it."""
    told = {}
    for name, label in _SAID.items():
        if not wish.get(name):
            continue
        value = wish[name]
        if name in {"amount_minor", "argued_minor", "given_minor", "gives_minor"}:
            value = format_money(value, wish["currency"])
        elif name == "references":
            value = ", ".join(value)
        elif name in {"value_date", "sent_at", "opened_at", "expires_at"}:
            value = format_when(datetime.fromisoformat(value), "date")
        if name == "transaction_id" and kind == ProposalKind.RECEIPT_RETURN:
            told["Sent back as"] = value
        elif name == "order_number" and kind in _OF_AN_ORDER:
            told["For order"] = value
        else:
            told[label] = value
    return told


def _about(found: Proposal, names: Mapping[str, str]) -> str:
    if found.kind == ProposalKind.SHOP_OWNER:
        return names.get(found.wish["seller_id"], found.wish["seller_id"])
    if found.kind not in _COMMISSION:
        return format_money(found.wish["amount_minor"], found.wish["currency"])
    before, after = _sides(found)
    told = commission.words(before or after, names)
    return told["Name"] or told["For"]


def _said(found: Proposal, viewer_id: UUID | None) -> str:
    return f"{format_when(found.prepared_at, 'full')}, by {_who(found.prepared_by, viewer_id)}"


def _answered(found: Proposal, viewer_id: UUID | None) -> str:
    if found.decided_at is None:
        return ""
    return f"{format_when(found.decided_at, 'full')}, by {_who(found.decided_by, viewer_id)}"


def _who(user_id: UUID | None, viewer_id: UUID | None) -> str:
    return "you" if user_id == viewer_id else "somebody else"
