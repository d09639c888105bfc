"""Recipes 7 and 8: whatever is awarded, what was frozen is given or given back, to the unit."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils import ledger
from gosellr.utils.dispute_postings import (
    FeeShare,
    Pots,
    chargeback_borne,
    chargeback_fee,
    chargeback_fee_returned,
    chargeback_lost,
    chargeback_opened,
    chargeback_won,
    dispute_frozen,
    dispute_released,
    plan_freeze,
    plan_thaw,
)
from gosellr.utils.explanations import explain
from gosellr.utils.ledger import Direction, Entry, TransactionDraft, Unbalanced, reversed_entries
from gosellr.utils.postings import GatewayAmount, refund_intent, seller_sources
from gosellr.utils.refunds import RefundablePart, RefundShares, refund_amount, refund_quantities

ANN, PARCEL, LINE, REFUND = (UUID(int=number) for number in range(1, 5))
OTHER = UUID(int=9)
MINOR = st.integers(0, 10**12)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])
PENDING, AVAILABLE = ledger.seller_pending(ANN), ledger.seller_available(ANN)
RESERVE, RECEIVABLE = ledger.seller_reserve(ANN), ledger.seller_receivable(ANN)
TAKEN, CLEARING = ledger.dispute_receivable("sandbox"), ledger.gateway_clearing("sandbox")


def balance(account: str, *drafts: TransactionDraft) -> int:
    """What the drafts leave on an account, in its own sense."""
    return sum(
        entry.balance_change_minor
        for draft in drafts
        for entry in draft.entries
        if entry.account == account
    )


def frozen(pots: Pots, currency: str = "EUR") -> TransactionDraft:
    return dispute_frozen(seller_order_id=PARCEL, seller_id=ANN, currency=currency, pots=pots)


def released(pots: Pots, currency: str = "EUR") -> TransactionDraft:
    return dispute_released(seller_order_id=PARCEL, seller_id=ANN, currency=currency, pots=pots)


def words(draft: TransactionDraft) -> str:
    return explain(draft.kind, draft.entries)


POT = st.integers(-5, 10**12)
POTS = st.builds(
    Pots, pending_minor=MINOR, available_minor=MINOR, reserve_minor=MINOR, receivable_minor=MINOR
)


@given(amount=MINOR, pending=POT, available=POT, reserve=POT)
def test_a_freeze_takes_as_a_refund_would(
    amount: int, pending: int, available: int, reserve: int
) -> None:
    pots = plan_freeze(
        amount, pending_minor=pending, available_minor=available, reserve_minor=reserve
    )
    due = seller_sources(
        amount, pending_minor=pending, available_minor=available, reserve_minor=reserve
    )
    assert pots.total_minor == amount
    assert (pots.pending_minor, pots.available_minor, pots.reserve_minor) == (
        due.pending_minor,
        due.available_minor,
        due.reserve_minor,
    )
    assert pots.receivable_minor == due.receivable_minor


@given(
    pots=POTS,
    share=st.integers(0, 10_000),
    is_released=st.booleans(),
    owed=MINOR,
    currency=CURRENCIES,
)
def test_what_is_not_spent_goes_back_and_nothing_else(
    pots: Pots, share: int, is_released: bool, owed: int, currency: str
) -> None:
    spent = pots.total_minor * share // 10_000
    rest = pots.total_minor - spent
    back = plan_thaw(rest, frozen=pots, spent_minor=spent, is_released=is_released, owed_minor=owed)
    assert back.taken.total_minor == back.given.total_minor == rest
    left = pots.less(back.taken)
    assert min(left.pending_minor, left.available_minor) >= 0
    assert min(left.reserve_minor, left.receivable_minor) >= 0
    # What a rule had kept back is kept back by it again, and no debt before all of it is forgiven.
    assert back.given.reserve_minor == back.taken.reserve_minor
    assert not (back.taken.available_minor and left.reserve_minor)
    assert not (back.taken.reserve_minor and left.receivable_minor)
    assert left.total_minor == spent
    # A debt is forgiven as far as it stands, and nothing pends once the sale was released.
    assert back.given.receivable_minor == min(owed, back.taken.receivable_minor)
    assert not (is_released and back.given.pending_minor)
    drafts = frozen(pots, currency), released(back.given, currency)
    # The rule's part never moved: what was spent of it is the case's, as is all else of it.
    assert balance(RESERVE, *drafts) == spent - left.reserve_minor
    given = balance(PENDING, *drafts) + balance(AVAILABLE, *drafts) - balance(RECEIVABLE, *drafts)
    assert given == left.reserve_minor - spent


@given(pots=POTS)
def test_a_case_for_the_seller_leaves_no_trace(pots: Pots) -> None:
    back = plan_thaw(
        pots.total_minor,
        frozen=pots,
        spent_minor=0,
        is_released=False,
        owed_minor=pots.receivable_minor,
    )
    assert back.given == back.taken == pots
    assert sorted(map(str, released(back.given).entries)) == sorted(
        map(str, reversed_entries(frozen(pots).entries))
    )


def test_no_more_goes_back_than_is_there() -> None:
    pots = Pots(pending_minor=10)
    for amount, spent in ((11, 0), (6, 5), (-1, 0)):
        with pytest.raises(ValueError, match="isn't frozen"):
            plan_thaw(amount, frozen=pots, spent_minor=spent, is_released=False, owed_minor=0)
    with pytest.raises(ValueError, match="nothing negative"):
        plan_freeze(-1, pending_minor=0, available_minor=0)


@st.composite
def a_line(draw: st.DrawFn) -> RefundablePart:
    goods = draw(st.integers(1, 10**9))
    tax = draw(st.integers(0, goods // 5))
    commission = draw(st.integers(0, (goods - tax) // 3))
    return RefundablePart(
        key=LINE,
        quantity=draw(st.integers(1, 9)),
        goods_minor=goods,
        tax_minor=tax,
        tax_included=draw(st.booleans()),
        promotion_minor=draw(st.integers(0, goods // 4)),
        commission_minor=commission,
        commission_vat_minor=draw(st.integers(0, commission // 4)),
    )


@given(line=a_line(), bps=st.integers(0, 10_000), currency=CURRENCIES)
def test_award_and_release_are_what_was_frozen(
    line: RefundablePart, bps: int, currency: str
) -> None:
    """Any split: the refund out of the case and what is released sum to what was frozen."""
    whole = refund_quantities(parts=[line], quantities={LINE: line.quantity})
    needed = whole.total.seller_minor
    pots = plan_freeze(needed, pending_minor=needed, available_minor=0)
    award = whole.total.buyer_minor * bps // 10_000
    shares = RefundShares()
    if award:
        shares = refund_amount(parts=[line], amount_minor=award).total
    spent = shares.seller_minor
    assert 0 <= spent <= needed
    intent = refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency=currency,
        parts=[(LINE, shares)],
        sources=seller_sources(spent, case_reserve_minor=needed),
        through=[GatewayAmount(gateway="sandbox", amount_minor=shares.buyer_minor)],
        commission_vat_jurisdiction="DE",
    )
    back = plan_thaw(
        needed - spent, frozen=pots, spent_minor=spent, is_released=False, owed_minor=0
    )
    drafts = frozen(pots, currency), intent, released(back.given, currency)
    assert balance(RESERVE, *drafts) == 0
    assert balance(PENDING, *drafts) == -spent
    assert balance(ledger.refund_in_transit("sandbox"), *drafts) == award


@given(amount=st.integers(1, 10**12), fee=MINOR, borne=st.integers(0, 100), currency=CURRENCIES)
def test_a_chargeback_that_is_won_leaves_its_fee(
    amount: int, fee: int, borne: int, currency: str
) -> None:
    by_seller = fee * borne // 100
    opened = chargeback_opened(
        gateway="sandbox",
        amount_minor=amount,
        currency=currency,
        fee_minor=fee,
        fee_shares=[FeeShare(seller_id=ANN, seller_order_id=PARCEL, amount_minor=by_seller)],
    )
    won = chargeback_won(gateway="sandbox", amount_minor=amount, currency=currency)
    assert balance(TAKEN, opened) == amount
    assert balance(CLEARING, opened) == -(amount + fee)
    assert balance(TAKEN, opened, won) == 0
    assert balance(CLEARING, opened, won) == -fee
    assert balance("gateway_fee", opened, won) == fee - by_seller
    assert balance(RECEIVABLE, opened, won) == by_seller


@given(
    fee=st.integers(1, 10**12), borne=st.integers(0, 100), owed=st.integers(-5, 10**12),
    currency=CURRENCIES,
)  # fmt: skip
def test_a_fee_taken_later_and_given_back_leaves_nothing(
    fee: int, borne: int, owed: int, currency: str
) -> None:
    by_seller = fee * borne // 100
    shares = [FeeShare(seller_id=ANN, seller_order_id=PARCEL, amount_minor=by_seller)]
    taken = chargeback_fee(gateway="sandbox", amount_minor=fee, currency=currency, shares=shares)
    assert balance(CLEARING, taken) == -fee
    assert balance("gateway_fee", taken) == fee - by_seller
    assert balance(RECEIVABLE, taken) == by_seller
    back = chargeback_fee_returned(
        gateway="sandbox", amount_minor=fee, currency=currency, shares=shares,
        owed_minor={ANN: owed},
    )  # fmt: skip
    assert balance(CLEARING, taken, back) == balance("gateway_fee", taken, back) == 0
    # What was recovered of it since can be paid out.
    forgiven = min(by_seller, max(0, owed))
    assert balance(RECEIVABLE, back) == -forgiven
    assert balance(AVAILABLE, back) == by_seller - forgiven


@given(line=a_line(), excess=MINOR, currency=CURRENCIES)
def test_a_chargeback_that_is_lost_is_a_refund_that_the_bank_has_made(
    line: RefundablePart, excess: int, currency: str
) -> None:
    shares = refund_quantities(parts=[line], quantities={LINE: line.quantity}).total
    spent = shares.seller_minor
    taken = shares.buyer_minor + excess
    intent = refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency=currency,
        parts=[(LINE, shares)],
        sources=seller_sources(spent, case_reserve_minor=spent),
        through=[GatewayAmount(gateway="sandbox", amount_minor=shares.buyer_minor)],
        commission_vat_jurisdiction="DE",
    )
    drafts = (
        frozen(plan_freeze(spent, pending_minor=0, available_minor=spent), currency),
        chargeback_opened(gateway="sandbox", amount_minor=taken, currency=currency),
        chargeback_lost(intent, gateway="sandbox"),
        chargeback_borne(gateway="sandbox", amount_minor=excess, currency=currency),
    )
    assert balance(TAKEN, *drafts) == balance(RESERVE, *drafts) == 0
    assert balance(ledger.refund_in_transit("sandbox"), *drafts) == 0
    assert balance(CLEARING, *drafts) == -taken
    assert balance("chargeback_loss", *drafts) == excess
    assert balance(AVAILABLE, *drafts) == -spent


def test_sellers_bear_no_more_than_the_fee() -> None:
    with pytest.raises(Unbalanced, match="bear 6 of a fee of 5"):
        chargeback_opened(
            gateway="sandbox",
            amount_minor=100,
            currency="EUR",
            fee_minor=5,
            fee_shares=[FeeShare(seller_id=ANN, seller_order_id=PARCEL, amount_minor=6)],
        )


def test_sellers_bear_and_get_no_more_than_a_later_fee() -> None:
    shares = [FeeShare(seller_id=ANN, seller_order_id=PARCEL, amount_minor=6)]
    with pytest.raises(Unbalanced, match="bear 6 of a fee of 5"):
        chargeback_fee(gateway="sandbox", amount_minor=5, currency="EUR", shares=shares)
    with pytest.raises(Unbalanced, match="get 6 of a fee of 5"):
        chargeback_fee_returned(
            gateway="sandbox", amount_minor=5, currency="EUR", shares=shares, owed_minor={}
        )


def test_what_is_frozen_and_released_in_entries_and_words() -> None:
    draft = frozen(Pots(pending_minor=5000, available_minor=700, receivable_minor=300))
    assert draft.entries == (
        Entry(PENDING, Direction.DEBIT, 5000, "EUR", PARCEL),
        Entry(AVAILABLE, Direction.DEBIT, 700, "EUR", PARCEL),
        Entry(RECEIVABLE, Direction.DEBIT, 300, "EUR", PARCEL),
        Entry(RESERVE, Direction.CREDIT, 6000, "EUR", PARCEL),
    )
    assert words(draft) == (
        "60.00 EUR is frozen until the case is decided: 50.00 EUR still inside the hold,"
        " 7.00 EUR that could be paid out, 3.00 EUR that the seller owes now."
    )
    assert words(released(Pots(available_minor=700, receivable_minor=300))) == (
        "10.00 EUR is no longer frozen under the case: 7.00 EUR can be paid out,"
        " 3.00 EUR is owed no more."
    )


def test_a_chargeback_in_words() -> None:
    opened = chargeback_opened(
        gateway="sandbox",
        amount_minor=10_000,
        currency="EUR",
        fee_minor=2000,
        fee_shares=[
            FeeShare(seller_id=ANN, seller_order_id=PARCEL, amount_minor=500),
            FeeShare(seller_id=OTHER, seller_order_id=PARCEL, amount_minor=250),
        ],
    )
    assert words(opened) == (
        "The buyer's bank took 100.00 EUR back until it has decided and a fee of 12.50 EUR that"
        " the marketplace bears and a fee of 7.50 EUR that sellers bear."
    )
    won = chargeback_won(gateway="sandbox", amount_minor=10_000, currency="EUR")
    assert words(won) == "The buyer's bank gave 100.00 EUR back: the chargeback is won."
    borne = chargeback_borne(gateway="sandbox", amount_minor=100, currency="EUR")
    assert words(borne) == ("The chargeback of 1.00 EUR is lost: the marketplace bears 1.00 EUR.")
    shares = [FeeShare(seller_id=ANN, seller_order_id=PARCEL, amount_minor=500)]
    fee = chargeback_fee(gateway="sandbox", amount_minor=2000, currency="EUR", shares=shares)
    assert words(fee) == (
        "The provider took a fee of 20.00 EUR for the chargeback later: the marketplace bears"
        " 15.00 EUR, sellers bear 5.00 EUR."
    )
    back = chargeback_fee_returned(
        gateway="sandbox", amount_minor=2000, currency="EUR", shares=shares, owed_minor={ANN: 300}
    )
    assert words(back) == (
        "The provider gave 20.00 EUR of its fee for the chargeback back: the marketplace gets"
        " 15.00 EUR, sellers owe 3.00 EUR less, 2.00 EUR can be paid out."
    )
