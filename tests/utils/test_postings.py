from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils import ledger
from gosellr.utils.cash_postings import cash_handed_back
from gosellr.utils.explanations import explain
from gosellr.utils.ledger import Direction, Entry, TransactionDraft, Unbalanced, reversed_entries
from gosellr.utils.postings import (
    GatewayAmount,
    ReleasePlan,
    SellerSources,
    SoldParcel,
    SoldPart,
    goodwill_refund_intent,
    plan_release,
    provider_fee,
    refund_confirmed,
    refund_failed,
    refund_intent,
    release,
    sale,
    sale_on_delivery,
    seller_credit,
    seller_sources,
    settlement,
    stray_capture,
    stray_return,
)
from gosellr.utils.refunds import RefundablePart, RefundShares, refund_quantities
from gosellr.utils.value_postings import stored_value_hold, stored_value_return
from tests.utils.books import CURRENCIES

ANN, BOB, ORDER, PARCEL, OTHER, LINE, CARD, REFUND = (UUID(int=number) for number in range(1, 9))
CLEARING = ledger.gateway_clearing("sandbox")
EXAMPLE = SoldPart(
    order_line_id=LINE,
    goods_minor=12_000,
    tax_minor=2000,
    promotion_minor=1200,
    commission_minor=1000,
    commission_vat_minor=200,
)


def entries(draft: TransactionDraft) -> set[tuple[str, str, int]]:
    found = {(entry.direction.value, entry.account, entry.amount_minor) for entry in draft.entries}
    assert len(found) == len(draft.entries)
    return found


def words(draft: TransactionDraft) -> str:
    return explain(draft.kind, draft.entries)


def through(amount_minor: int, gateway: str = "sandbox") -> GatewayAmount:
    return GatewayAmount(gateway=gateway, amount_minor=amount_minor)


def a_parcel(*parts: SoldPart, **changes: Any) -> SoldParcel:
    facts: dict[str, Any] = {"seller_order_id": PARCEL, "seller_id": ANN}
    return SoldParcel(**facts | {"parts": parts or (EXAMPLE,)} | changes)


def sold(*parcels: SoldParcel, captured: list[GatewayAmount], **changes: Any) -> TransactionDraft:
    facts: dict[str, Any] = {
        "order_id": ORDER,
        "currency": "EUR",
        "tax_included": True,
        "commission_vat_jurisdiction": "DE",
    }
    return sale(**facts | changes, captured=captured, parcels=parcels)


def test_the_worked_example_of_the_sale_to_the_entry() -> None:
    draft = sold(a_parcel(), captured=[through(10_800)])
    assert draft.entries == (
        Entry(CLEARING, Direction.DEBIT, 10_800, "EUR"),
        Entry("promotion_cost", Direction.DEBIT, 1200, "EUR", PARCEL, LINE),
        Entry(ledger.seller_pending(ANN), Direction.CREDIT, 10_800, "EUR", PARCEL),
        Entry("commission", Direction.CREDIT, 1000, "EUR", PARCEL, LINE),
        Entry("tax_payable:DE", Direction.CREDIT, 200, "EUR", PARCEL, LINE),
    )
    assert words(draft) == (
        "Sale: the buyer paid 108.00 EUR, the marketplace gave 12.00 EUR as a promotion."
        " Of it 108.00 EUR is the sellers', held until release, 10.00 EUR is commission,"
        " 2.00 EUR is tax that the marketplace passes on."
    )


def test_remitted_tax_and_mixed_tender_over_two_sellers() -> None:
    ann = a_parcel(replace(EXAMPLE, remitted_to="FR"))
    shipping = SoldPart(order_line_id=None, goods_minor=500, tax_minor=100)
    bob = a_parcel(shipping, seller_id=BOB, seller_order_id=OTHER)
    draft = sold(
        ann,
        bob,
        captured=[through(8000), through(900, "stripe")],
        stored_value_minor=4500,
        tax_included=False,
    )
    assert entries(draft) == {
        ("debit", CLEARING, 8000),
        ("debit", "gateway_clearing:stripe", 900),
        ("debit", ledger.stored_value_held(ORDER), 4500),
        ("debit", "promotion_cost", 1200),
        ("credit", ledger.seller_pending(ANN), 10_800),
        ("credit", "commission", 1000),
        ("credit", "tax_payable:DE", 200),
        ("credit", "tax_payable:FR", 2000),
        ("credit", ledger.seller_pending(BOB), 600),
    }
    assert {e.account for e in draft.entries if e.seller_order_id == OTHER} == {
        ledger.seller_pending(BOB)
    }


@pytest.mark.parametrize("captured", [10_799, 10_801])
def test_a_sale_books_what_was_captured_or_nothing(captured: int) -> None:
    with pytest.raises(Unbalanced):
        sold(a_parcel(), captured=[through(captured)])


@pytest.mark.case(51)
@pytest.mark.parametrize(
    ("currency", "said"), [("JPY", "10800 JPY"), ("EUR", "108.00 EUR"), ("KWD", "10.800 KWD")]
)
def test_case_51_the_books_hold_minor_units_of_any_exponent(currency: str, said: str) -> None:
    draft = sold(a_parcel(), captured=[through(10_800)], currency=currency)
    assert {entry.currency for entry in draft.entries} == {currency}
    assert draft.entries[0].amount_minor == 10_800
    assert f"the buyer paid {said}," in words(draft)


def test_cash_on_delivery_leaves_the_seller_owing() -> None:
    draft = sale_on_delivery(
        order_id=ORDER,
        currency="EUR",
        parcel=a_parcel(replace(EXAMPLE, remitted_to="FR")),
        stored_value_minor=300,
        commission_vat_jurisdiction="DE",
    )
    assert entries(draft) == {
        ("debit", ledger.seller_receivable(ANN), 3200),
        ("debit", "promotion_cost", 1200),
        ("debit", ledger.stored_value_held(ORDER), 300),
        ("credit", ledger.seller_pending(ANN), 1500),
        ("credit", "commission", 1000),
        ("credit", "tax_payable:DE", 200),
        ("credit", "tax_payable:FR", 2000),
    }
    assert "owes 32.00 EUR" in words(draft)


@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9), CURRENCIES)
def test_cash_given_back_settles_what_is_owed_and_no_more(
    amount: int, owed: int, currency: str
) -> None:
    draft = cash_handed_back(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        gateway="cash_on_delivery",
        amount_minor=amount,
        owed_minor=owed,
        currency=currency,
    )
    settled = min(amount, max(0, owed))
    assert entries(draft) == {
        one
        for one in (
            ("debit", "refund_in_transit:cash_on_delivery", amount),
            ("credit", ledger.seller_receivable(ANN), settled),
            ("credit", ledger.seller_available(ANN), amount - settled),
        )
        if one[2]
    }


def test_fee_and_settlement_empty_the_clearing() -> None:
    fee = provider_fee(gateway="sandbox", amount_minor=30, currency="EUR")
    assert entries(fee) == {("debit", "gateway_fee", 30), ("credit", CLEARING, 30)}
    assert words(fee) == "The payment provider kept a fee of 0.30 EUR."
    sent = settlement(gateway="sandbox", amount_minor=970, currency="EUR")
    assert entries(sent) == {("debit", "bank", 970), ("credit", CLEARING, 970)}
    assert words(sent) == "The payment provider sent 9.70 EUR to the bank."


def test_stored_value_is_held_and_given_back() -> None:
    card, held = ledger.gift_card(CARD), ledger.stored_value_held(ORDER)
    facts: dict[str, Any] = {
        "order_id": ORDER,
        "account": card,
        "amount_minor": 400,
        "currency": "EUR",
    }
    hold, back = stored_value_hold(**facts), stored_value_return(**facts)
    assert entries(hold) == {("debit", card, 400), ("credit", held, 400)}
    assert entries(back) == {("debit", held, 400), ("credit", card, 400)}
    assert "4.00 EUR of a gift card or store credit is set aside" in words(hold)
    assert "4.00 EUR that was set aside went back" in words(back)


@pytest.mark.parametrize(
    ("pending", "recovered", "reserved", "plan"),
    [(1000, 0, 0, (0, 0, 1000)), (1000, 300, 70, (300, 70, 630)), (100, 100, 0, (100, 0, 0))],
)
def test_release_recovers_debts_first_then_reserves(
    pending: int, recovered: int, reserved: int, plan: tuple[int, int, int]
) -> None:
    planned = plan_release(
        pending_minor=pending, recovered_minor=recovered, reserved_minor=reserved
    )
    assert planned == ReleasePlan(
        recovered_minor=plan[0], reserved_minor=plan[1], available_minor=plan[2]
    )
    draft = release(seller_order_id=PARCEL, seller_id=ANN, currency="EUR", plan=planned)
    expected = {
        ("debit", ledger.seller_pending(ANN), pending),
        ("credit", ledger.seller_receivable(ANN), plan[0]),
        ("credit", ledger.seller_reserve(ANN), plan[1]),
        ("credit", ledger.seller_available(ANN), plan[2]),
    }
    assert entries(draft) == {entry for entry in expected if entry[2]}
    assert words(draft).startswith("The hold on ")


def test_a_release_of_less_than_nothing_is_refused() -> None:
    for wrong in ({"pending_minor": -1}, {"pending_minor": 1, "recovered_minor": -1}):
        with pytest.raises(ValueError, match="negative"):
            plan_release(**wrong)
    with pytest.raises(ValueError, match="6 and 5 of 10"):
        plan_release(pending_minor=10, recovered_minor=6, reserved_minor=5)


@pytest.mark.parametrize(
    ("amount", "taken"),
    [
        (5, (5, 0, 0, 0, 0)),
        (25, (10, 15, 0, 0, 0)),
        (65, (10, 20, 30, 5, 0)),
        (150, (10, 20, 30, 40, 50)),
        (0, (0, 0, 0, 0, 0)),
    ],
)
def test_the_sellers_side_runs_down_the_pots_in_order(amount: int, taken: tuple[int, ...]) -> None:
    sources = seller_sources(
        amount, case_reserve_minor=10, pending_minor=20, available_minor=30, reserve_minor=40
    )
    assert taken == (
        sources.case_reserve_minor,
        sources.pending_minor,
        sources.available_minor,
        sources.reserve_minor,
        sources.receivable_minor,
    )
    assert sources.total_minor == amount
    assert seller_sources(7, pending_minor=-3).receivable_minor == 7


def refunded(
    shares: RefundShares,
    sources: SellerSources,
    amount: int,
    remitted_to: Mapping[UUID | None, str] = MappingProxyType({}),
) -> TransactionDraft:
    return refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency="EUR",
        parts=[(LINE, shares)],
        sources=sources,
        through=[through(amount)],
        commission_vat_jurisdiction="DE",
        remitted_to=remitted_to,
    )


def example_shares(quantity: int = 4, *, tax_remitted: bool = False) -> RefundShares:
    part = RefundablePart(
        key=LINE,
        quantity=4,
        goods_minor=12_000,
        tax_minor=2000,
        tax_included=True,
        tax_remitted=tax_remitted,
        promotion_minor=1200,
        commission_minor=1000,
        commission_vat_minor=200,
    )
    return refund_quantities(parts=[part], quantities={LINE: quantity}).total


def test_a_full_refund_undoes_the_sale_with_what_the_pots_hold() -> None:
    sources = seller_sources(
        8800, case_reserve_minor=100, pending_minor=5000, available_minor=3000, reserve_minor=500
    )
    shares = example_shares(tax_remitted=True)
    intent = refunded(shares, sources, 10_800, remitted_to={LINE: "FR"})
    assert entries(intent) == {
        ("debit", ledger.seller_reserve(ANN), 100),
        ("debit", ledger.seller_pending(ANN), 5000),
        ("debit", ledger.seller_available(ANN), 3000),
        ("debit", ledger.seller_reserve(ANN), 500),
        ("debit", ledger.seller_receivable(ANN), 200),
        ("debit", "commission", 1000),
        ("debit", "tax_payable:DE", 200),
        ("debit", "tax_payable:FR", 2000),
        ("credit", "promotion_cost", 1200),
        ("credit", "refund_in_transit:sandbox", 10_800),
    }
    assert {(e.seller_order_id, e.refund_id) for e in intent.entries} == {(PARCEL, REFUND)}
    assert words(intent) == (
        "Refund of 108.00 EUR on its way: the seller gives 88.00 EUR,"
        " 10.00 EUR of commission is given back, 22.00 EUR less tax is passed on,"
        " 12.00 EUR of the promotion returns to the marketplace."
    )


def test_a_refund_whose_parts_contradict_each_other_is_not_booked() -> None:
    with pytest.raises(Unbalanced, match="owes 2700"):
        refunded(example_shares(1), SellerSources(pending_minor=2699), 2700)
    with pytest.raises(Unbalanced):
        refunded(example_shares(1), SellerSources(pending_minor=2700), 2699)
    with pytest.raises(Unbalanced, match="nobody was to remit"):
        refunded(example_shares(1, tax_remitted=True), SellerSources(pending_minor=2200), 2700)


def test_a_refund_is_confirmed_at_the_gateway_or_as_store_credit() -> None:
    facts: dict[str, Any] = {
        "refund_id": REFUND,
        "gateway": "sandbox",
        "amount_minor": 900,
        "currency": "EUR",
    }
    paid_out = refund_confirmed(**facts)
    transit = ("debit", "refund_in_transit:sandbox", 900)
    assert entries(paid_out) == {transit, ("credit", CLEARING, 900)}
    assert words(paid_out) == "The refund of 9.00 EUR reached the buyer."
    credit = ledger.store_credit(ANN)
    assert entries(refund_confirmed(**facts, credited=credit)) == {transit, ("credit", credit, 900)}


def test_a_failed_refund_reverses_its_intent() -> None:
    intent = refunded(example_shares(1), SellerSources(pending_minor=2700), 2700)
    failed = refund_failed(intent.entries)
    assert failed.entries == reversed_entries(intent.entries)
    assert words(failed) == (
        "The provider refused the refund of 27.00 EUR; every share is back where it was."
    )


def test_goodwill_touches_no_seller() -> None:
    draft = goodwill_refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        currency="EUR",
        through=[through(300), through(200, "stripe")],
    )
    assert entries(draft) == {
        ("debit", "goodwill_cost", 500),
        ("credit", "refund_in_transit:sandbox", 300),
        ("credit", "refund_in_transit:stripe", 200),
    }
    assert "the marketplace bears 5.00 EUR as goodwill" in words(draft)


def test_stray_money_waits_in_suspense_and_goes_back_the_way_it_came() -> None:
    taken = stray_capture(gateway="sandbox", amount_minor=500, currency="EUR")
    assert entries(taken) == {("debit", CLEARING, 500), ("credit", ledger.SUSPENSE, 500)}
    assert words(taken) == (
        "5.00 EUR was captured that pays for nothing; it waits to be sent back."
    )
    back = stray_return(gateway="sandbox", amount_minor=500, currency="EUR")
    assert back.entries == reversed_entries((taken.entries[1], taken.entries[0]))
    assert words(back) == "5.00 EUR that paid for nothing went back to the buyer."


def test_goodwill_that_reached_the_buyer_before_returns_to_the_marketplace() -> None:
    draft = refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency="EUR",
        parts=[(LINE, RefundShares(quantity=1, buyer_minor=1000))],
        sources=SellerSources(pending_minor=1000),
        through=[through(700)],
        commission_vat_jurisdiction="DE",
        goodwill_returned_minor=300,
    )
    assert entries(draft) == {
        ("debit", ledger.seller_pending(ANN), 1000),
        ("credit", ledger.GOODWILL_COST, 300),
        ("credit", ledger.refund_in_transit("sandbox"), 700),
    }
    assert "3.00 EUR of earlier goodwill returns to the marketplace" in words(draft)


def test_what_has_no_sentence_is_listed() -> None:
    entry = Entry(ledger.BANK, Direction.DEBIT, 100, "EUR")
    counter = Entry(ledger.SUSPENSE, Direction.CREDIT, 100, "EUR")
    listed = "debit bank 1.00 EUR; credit suspense 1.00 EUR"
    assert explain("adjustment", [entry, counter]) == listed
    foreign = Entry(ledger.BANK, Direction.DEBIT, 100, "JPY")
    assert explain("sale", [entry, foreign]) == "debit bank 1.00 EUR; debit bank 100 JPY"


@st.composite
def sold_parts(draw: st.DrawFn) -> SoldPart:
    base, tax = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**5))
    commission = draw(st.integers(0, base))
    return SoldPart(
        order_line_id=draw(st.sampled_from([LINE, None])),
        goods_minor=base + tax,
        tax_minor=tax,
        promotion_minor=draw(st.integers(0, base + tax)),
        commission_minor=commission,
        commission_vat_minor=draw(st.integers(0, base - commission)),
        remitted_to=draw(st.none() | st.just("FR")),
    )


@pytest.mark.case(46)
@given(
    parcels=st.lists(
        st.builds(
            SoldParcel,
            seller_order_id=st.just(PARCEL),
            seller_id=st.sampled_from([ANN, BOB]),
            parts=st.lists(sold_parts(), min_size=1, max_size=4).map(tuple),
        ),
        min_size=1,
        max_size=4,
    ),
    tax_included=st.booleans(),
    stored_bps=st.integers(0, 10_000),
    currency=CURRENCIES,
)
def test_case_46_every_captured_cent_has_one_owner(
    parcels: list[SoldParcel], tax_included: bool, stored_bps: int, currency: str
) -> None:
    parts = [part for parcel in parcels for part in parcel.parts]
    on_top = 0 if tax_included else sum(part.tax_minor for part in parts)
    cost = sum(part.goods_minor - part.promotion_minor for part in parts) + on_top
    stored = cost * stored_bps // 10_000
    draft = sold(
        *parcels,
        captured=[through(cost - stored)],
        stored_value_minor=stored,
        tax_included=tax_included,
        currency=currency,
    )
    assert {entry.currency for entry in draft.entries} <= {currency}
    owned = {
        kind: sum(e.amount_minor for e in draft.entries if e.account.startswith(kind))
        for kind in ("seller_pending", "commission", "tax_payable", "promotion_cost")
    }
    owners = owned["seller_pending"] + owned["commission"] + owned["tax_payable"]
    assert owners - owned["promotion_cost"] == cost
    assert all(seller_credit(parcel, tax_included=tax_included) >= 0 for parcel in parcels)
