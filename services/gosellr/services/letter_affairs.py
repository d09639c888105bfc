"""Letters about cases, payouts and shops, and to those who run the market."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.models.events import FactType, RecordedFact
from gosellr.models.letter_values import SoldOrder, ToldCase, ToldSeller
from gosellr.services.letter_drafts import Composer, to_buyer
from gosellr.services.letter_facts import FORMER_FOR, Draft, Subjects, moment, money
from gosellr.utils.ids import order_number
from gosellr.utils.letters import Audience, LetterKind, plain

_FINDINGS_MAX = 50


def case_opened(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Both sides of a case; a chargeback is between the seller and the bank."""
    case, order, seller = _case_of(fact, subjects)
    if case is None or order is None or seller is None:
        return
    if case.kind == "buyer":
        yield _to_buyer_of_case(case, order, seller, LetterKind.CASE_OPENED)
    yield _to_seller_of_case(case, order, seller, LetterKind.CASE_TO_ANSWER)


def case_message(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Somebody said something, and nothing more came of it: the others may want to know."""
    case, order, seller = _case_of(fact, subjects)
    if case is None or order is None or seller is None:
        return
    if (case.id, fact.occurred_at) in subjects.moved_cases or fact.occurred_at == case.opened_at:
        return
    author = fact.data["author"]
    by = {"buyer": "the buyer", "seller": plain(seller.name)}.get(author, "the market")
    if author != "buyer" and case.kind == "buyer":
        yield _to_buyer_of_case(case, order, seller, LetterKind.CASE_MESSAGE, by=by)
    if author != "seller":
        yield _to_seller_of_case(case, order, seller, LetterKind.CASE_MESSAGE, by=by)


def case_moved(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A case took a step that somebody has to know of."""
    case, order, seller = _case_of(fact, subjects)
    if case is None or order is None or seller is None:
        return
    target = fact.data["to"]
    if target == "awaiting_buyer":
        yield _to_buyer_of_case(case, order, seller, LetterKind.CASE_ANSWERED)
    kind = {"decided": LetterKind.CASE_DECIDED, "closed": LetterKind.CASE_CLOSED}.get(target)
    if kind is None:
        return
    if case.kind == "buyer":
        yield _to_buyer_of_case(case, order, seller, kind, **_verdict(case))
    yield _to_seller_of_case(case, order, seller, kind, **_verdict(case))


def payout_finished(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A payout arrived, or its money is back."""
    payout = subjects.payouts.get(fact.aggregate_id)
    seller = None if payout is None else subjects.sellers.get(payout.seller_id)
    if payout is None or seller is None:
        return
    paid = fact.type == FactType.PAYOUT_PAID
    yield _to_shop(
        seller,
        LetterKind.PAYOUT_PAID if paid else LetterKind.PAYOUT_FAILED,
        at=f"/payouts/{payout.id}",
        amount=money(payout.amount_minor, payout.currency),
        last_four=plain(payout.last_four),
        reason=plain(fact.data.get("reason") or payout.failure_reason or ""),
    )


def payout_found_sent(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """What two people said was never sent had left: the seller may have it twice."""
    payout = subjects.payouts.get(fact.aggregate_id)
    seller = None if payout is None else subjects.sellers.get(payout.seller_id)
    if payout is None or seller is None:
        return
    yield from _to_operators(
        subjects,
        LetterKind.PAYOUT_FOUND_SENT,
        path=f"/operator/payouts/{payout.id}",
        shop=plain(seller.name),
        amount=money(payout.amount_minor, payout.currency),
        last_four=plain(payout.last_four),
        provider=plain(payout.provider),
    )


def payout_account_changed(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Money will go elsewhere: told to everybody who could be reached before, and until lately,
    so that whoever took over one address can't keep it to themselves."""
    seller = subjects.sellers.get(UUID(fact.data["seller_id"]))
    if seller is None:
        return
    withdrawal: dict[str, Any] = {}
    if fact.data["previous_last_four"]:
        withdrawal = {
            "withdrawal_id": str(fact.aggregate_id),
            "withdrawal_path": f"/payout-changes/{fact.aggregate_id}",
        }
    for recipient in _everybody_lately(fact, seller, subjects):
        yield _to_shop(
            seller,
            LetterKind.PAYOUT_ACCOUNT_CHANGED,
            recipient=recipient,
            at="/payout-settings",
            last_four=plain(fact.data["last_four"]),
            previous_last_four=plain(fact.data["previous_last_four"] or ""),
            usable_from=fact.data["usable_from"],
            changed_at=moment(fact.occurred_at),
            # What opens it is made on the way out.
            **withdrawal,
        )


def payout_change_withdrawn(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Somebody who was told of a new account didn't want it: whoever was told, and the market."""
    seller = subjects.sellers.get(UUID(fact.data["seller_id"]))
    if seller is None:
        return
    said: dict[str, Any] = {
        "shop": plain(seller.name),
        "last_four": plain(fact.data["last_four"]),
        "previous_last_four": plain(fact.data["restored_last_four"] or ""),
        "changed_at": moment(fact.occurred_at),
    }
    for recipient in _everybody_lately(fact, seller, subjects):
        yield _to_shop(
            seller,
            LetterKind.PAYOUT_CHANGE_WITHDRAWN,
            recipient=recipient,
            at="/payout-settings",
            side="seller",
            **said,
        )
    yield from _to_operators(
        subjects,
        LetterKind.PAYOUT_CHANGE_WITHDRAWN,
        path="/operator/payouts",
        side="operator",
        **said,
    )


def _everybody_lately(fact: RecordedFact, seller: ToldSeller, subjects: Subjects) -> Iterable[str]:
    """Every address of a shop, and of its owners, of now and until lately."""
    since = fact.occurred_at - FORMER_FOR
    former = [
        one.email
        for one in subjects.former_contacts
        if one.seller_id == seller.id and one.replaced_at >= since
    ]
    return dict.fromkeys((*former, *seller.owner_emails, seller.email))


def shop_updated(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Somebody joined a shop; or its address is another, which the one before has to hear."""
    seller = subjects.sellers.get(fact.aggregate_id)
    if seller is None:
        return
    joined = fact.data.get("member") == "added"
    person = subjects.people.get(UUID(fact.data["user_id"])) if joined else None
    if person is not None:
        yield Draft(
            kind=LetterKind.MEMBER_ADDED,
            audience=Audience.MEMBER,
            recipient=person.email,
            seller_id=seller.id,
            context={
                "name": plain(person.name),
                "shop": plain(seller.name),
                "path": f"/seller/{seller.id}",
            },
        )
    for contact in subjects.former_contacts:
        if contact.seller_id == seller.id and contact.replaced_at == fact.occurred_at:
            yield _to_shop(
                seller,
                LetterKind.SHOP_CONTACT_CHANGED,
                recipient=contact.email,
                changed_at=moment(fact.occurred_at),
            )


def shop_standing(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Admitted or not, stopped, or selling again."""
    seller = subjects.sellers.get(fact.aggregate_id)
    if seller is not None:
        yield _to_shop(
            seller,
            LetterKind.SHOP_STANDING,
            step=fact.type.partition(".")[2],
            reason=plain(fact.data.get("reason") or "", length_max=1000),
        )


def tax_identity_asked(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A shop hasn't said who it is to the tax authorities: its owners can, and are told as well."""
    seller = subjects.sellers.get(fact.aggregate_id)
    if seller is None:
        return
    for recipient in dict.fromkeys((*seller.owner_emails, seller.email)):
        yield _to_shop(
            seller,
            LetterKind.TAX_IDENTITY_ASKED,
            recipient=recipient,
            at="/tax-identity",
            step=fact.data["step"],
            asked_at=fact.data["asked_at"],
            withheld_from=fact.data["withheld_from"],
        )


def chargeback_opened(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """A bank took money back."""
    chargeback = subjects.chargebacks.get(fact.aggregate_id)
    order = None if chargeback is None else subjects.orders.get(chargeback.order_id)
    if chargeback is None or order is None:
        return
    yield from _to_operators(
        subjects,
        LetterKind.CHARGEBACK_OPENED,
        path="/operator/cases?view=chargebacks",
        order_id=order.id,
        number=order_number(order.number),
        gateway=plain(chargeback.gateway),
        amount=money(chargeback.amount_minor, chargeback.currency),
        fee=money(chargeback.fee_minor, chargeback.currency),
        reason=plain(chargeback.reason),
        evidence_due_at=moment(chargeback.evidence_due_at),
    )


def audit_found(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """What must hold in the books doesn't."""
    findings = sorted(fact.data["findings"].items())
    yield from _to_operators(
        subjects,
        LetterKind.AUDIT_FOUND,
        path="/operator",
        audited_at=fact.data["at"],
        findings=[
            {"must_hold": plain(name), "rows": int(rows)} for name, rows in findings[:_FINDINGS_MAX]
        ],
        finding_count=len(findings),
    )


def deadline_near(
    case: ToldCase, order: SoldOrder, seller: ToldSeller, *, due_at: datetime
) -> Draft:
    """A seller's time to answer is nearly over."""
    return _to_seller_of_case(
        case, order, seller, LetterKind.CASE_DEADLINE_NEAR, due_at=moment(due_at)
    )


ABOUT_AFFAIRS: Mapping[FactType, Composer] = {
    FactType.DISPUTE_OPENED: case_opened,
    FactType.DISPUTE_MESSAGE_ADDED: case_message,
    FactType.DISPUTE_STATUS_CHANGED: case_moved,
    FactType.DISPUTE_CLOSED: case_moved,
    FactType.PAYOUT_PAID: payout_finished,
    FactType.PAYOUT_FAILED: payout_finished,
    FactType.PAYOUT_FOUND_SENT: payout_found_sent,
    FactType.PAYOUT_DESTINATION_CHANGED: payout_account_changed,
    FactType.PAYOUT_DESTINATION_WITHDRAWN: payout_change_withdrawn,
    FactType.SELLER_UPDATED: shop_updated,
    FactType.SELLER_APPROVED: shop_standing,
    FactType.SELLER_REJECTED: shop_standing,
    FactType.SELLER_SUSPENDED: shop_standing,
    FactType.SELLER_REINSTATED: shop_standing,
    FactType.SELLER_TAX_IDENTITY_ASKED: tax_identity_asked,
    FactType.CHARGEBACK_OPENED: chargeback_opened,
    FactType.AUDIT_FOUND: audit_found,
}


def _case_of(
    fact: RecordedFact, subjects: Subjects
) -> tuple[ToldCase | None, SoldOrder | None, ToldSeller | None]:
    case = subjects.cases.get(fact.aggregate_id)
    if case is None:
        return None, None, None
    # Of a gift card's case operators hear by the chargeback itself.
    seller = None if case.seller_id is None else subjects.sellers.get(case.seller_id)
    return case, subjects.orders.get(case.order_id), seller


def _said_of(case: ToldCase, seller: ToldSeller) -> dict[str, Any]:
    return {
        "shop": plain(seller.name),
        "title": plain(case.title or ""),
        "reason": case.reason,
        "is_chargeback": case.kind == "chargeback",
        "amount": money(case.amount_minor, case.currency),
        "due_at": moment(case.due_at),
    }


def _verdict(case: ToldCase) -> dict[str, Any]:
    return {
        "outcome": case.outcome,
        "award": money(case.award_minor or 0, case.currency),
        "decision": plain(case.decision or "", length_max=1000),
    }


def _to_buyer_of_case(
    case: ToldCase, order: SoldOrder, seller: ToldSeller, kind: LetterKind, **said: Any
) -> Draft:
    return to_buyer(
        order, kind, at=f"/problems/{case.id}", side="buyer", **{**_said_of(case, seller), **said}
    )


def _to_seller_of_case(
    case: ToldCase, order: SoldOrder, seller: ToldSeller, kind: LetterKind, **said: Any
) -> Draft:
    return _to_shop(
        seller,
        kind,
        at=f"/cases/{case.id}",
        order_id=order.id,
        number=order_number(order.number),
        side="seller",
        **{**_said_of(case, seller), **said},
    )


def _to_shop(
    seller: ToldSeller,
    kind: LetterKind,
    *,
    recipient: str | None = None,
    at: str = "",
    order_id: UUID | None = None,
    **said: Any,
) -> Draft:
    return Draft(
        kind=kind,
        audience=Audience.SELLER,
        recipient=recipient or seller.email,
        order_id=order_id,
        seller_id=seller.id,
        context={"name": plain(seller.name), "path": f"/seller/{seller.id}{at}", **said},
    )


def _to_operators(
    subjects: Subjects,
    kind: LetterKind,
    *,
    path: str,
    order_id: UUID | None = None,
    **said: Any,
) -> Iterator[Draft]:
    for person in subjects.operators:
        yield Draft(
            kind=kind,
            audience=Audience.OPERATOR,
            recipient=person.email,
            order_id=order_id,
            context={"name": plain(person.name), "path": path, **said},
        )
