"""Recipes 3, 5, 6 and 11: from the hold to the bank, debts on the way, and entries by hand."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.balance_postings import (
    NotAdjustable,
    adjustment,
    reserve_released,
    tax_paid,
    write_off_recovered,
    written_off,
)
from gosellr.utils.ledger import (
    ACCOUNT_KINDS,
    Direction,
    Entry,
    TransactionKind,
    Unbalanced,
    reversed_entries,
)
from gosellr.utils.payouts import (
    debt_recovered,
    payout_carried,
    payout_confirmed,
    payout_failed,
    payout_intent,
    payout_returned,
)
from gosellr.utils.postings import plan_release, release
from gosellr.utils.reconciliation import (
    Resolution,
    explained,
    sent_made_good,
    suspense_cleared,
    suspense_reverted,
)
from tests.utils.books import (
    AMOUNTS,
    ANN,
    BOB,
    CURRENCIES,
    GATEWAYS,
    PARCEL,
    PAYOUT,
    changes,
    moved,
)

PENDING, AVAILABLE = f"seller_pending:{ANN}", f"seller_available:{ANN}"
RESERVE, RECEIVABLE = f"seller_reserve:{ANN}", f"seller_receivable:{ANN}"
TRANSIT = f"payout_in_transit:{ANN}"
BPS = st.integers(0, 10_000)
UNEXPLAINED = st.integers(-(10**12), 10**12).filter(bool)


@given(currency=CURRENCIES, pending=AMOUNTS, owed_bps=BPS, kept_bps=BPS, later_bps=BPS)
def test_recipes_3_and_5_what_was_held_is_available_in_the_end_but_for_debts(
    currency: str, pending: int, owed_bps: int, kept_bps: int, later_bps: int
) -> None:
    recovered = pending * owed_bps // 10_000
    reserved = (pending - recovered) * kept_bps // 10_000
    plan = plan_release(pending_minor=pending, recovered_minor=recovered, reserved_minor=reserved)
    out = release(seller_order_id=PARCEL, seller_id=ANN, currency=currency, plan=plan)
    rest = pending - recovered - reserved
    assert changes(out) == moved(
        currency,
        debited={PENDING: pending},
        credited={RECEIVABLE: recovered, RESERVE: reserved, AVAILABLE: rest},
    )
    assert {entry.seller_order_id for entry in out.entries} == {PARCEL}
    if not reserved:
        return
    # Another debt may have come meanwhile.
    later = reserved * later_bps // 10_000
    ended = reserve_released(
        seller_id=ANN,
        seller_order_id=PARCEL,
        currency=currency,
        recovered_minor=later,
        available_minor=reserved - later,
    )
    assert changes(ended) == moved(
        currency,
        debited={RESERVE: reserved},
        credited={RECEIVABLE: later, AVAILABLE: reserved - later},
    )
    assert changes(out, ended) == moved(
        currency,
        debited={PENDING: pending},
        credited={RECEIVABLE: recovered + later, AVAILABLE: rest + reserved - later},
    )


@given(currency=CURRENCIES, available=AMOUNTS, owed_bps=BPS, step=st.sampled_from([1, 10, 100]))
def test_recipes_5_and_6_a_payout_leaves_debts_and_odd_units_behind(
    currency: str, available: int, owed_bps: int, step: int
) -> None:
    recovered = available * owed_bps // 10_000
    left = (available - recovered) % step
    sent = available - recovered - left
    drafts = []
    if recovered:
        drafts.append(debt_recovered(seller_id=ANN, amount_minor=recovered, currency=currency))
        assert changes(drafts[-1]) == moved(
            currency, debited={AVAILABLE: recovered}, credited={RECEIVABLE: recovered}
        )
    if left:
        carried = payout_carried(seller_id=ANN, left_minor=left, currency=currency)
        # It leaves this payout for the next one, and changes nothing.
        assert changes(carried) == {}
        assert [(one.account, one.signed_minor) for one in carried.entries] == [
            (AVAILABLE, left), (AVAILABLE, -left)
        ]  # fmt: skip
        assert {one.payout_id for one in carried.entries} == {None}
        drafts.append(carried)
    if sent:
        drafts.append(
            payout_intent(payout_id=PAYOUT, seller_id=ANN, amount_minor=sent, currency=currency)
        )
    assert changes(*drafts) == moved(
        currency,
        debited={AVAILABLE: recovered + sent},
        credited={RECEIVABLE: recovered, TRANSIT: sent},
    )


@given(
    currency=CURRENCIES,
    amount=AMOUNTS,
    funding=st.just("bank") | GATEWAYS.map("gateway_clearing:{}".format),
)
def test_recipe_6_a_payout_is_paid_or_has_never_been(
    currency: str, amount: int, funding: str
) -> None:
    intent = payout_intent(payout_id=PAYOUT, seller_id=ANN, amount_minor=amount, currency=currency)
    paid = payout_confirmed(
        payout_id=PAYOUT, seller_id=ANN, amount_minor=amount, currency=currency, funding=funding
    )
    back = payout_returned(
        payout_id=PAYOUT, seller_id=ANN, amount_minor=amount, currency=currency, funding=funding
    )
    failed = payout_failed(intent.entries)
    assert changes(intent) == moved(
        currency, debited={AVAILABLE: amount}, credited={TRANSIT: amount}
    )
    assert changes(paid) == moved(currency, debited={TRANSIT: amount}, credited={funding: amount})
    assert changes(intent, failed) == changes(intent, paid, back) == {}
    for draft in (intent, paid, failed, back):
        assert {entry.payout_id for entry in draft.entries} == {PAYOUT}


@given(currency=CURRENCIES, owed=AMOUNTS, written_bps=BPS)
def test_a_debt_that_is_given_up_is_the_marketplaces_loss(
    currency: str, owed: int, written_bps: int
) -> None:
    minor = max(1, owed * written_bps // 10_000)
    draft = written_off(seller_id=ANN, amount_minor=minor, currency=currency)
    assert changes(draft) == moved(
        currency, debited={"bad_debt": minor}, credited={RECEIVABLE: minor}
    )


@given(currency=CURRENCIES, owed=AMOUNTS, paid_bps=BPS)
def test_one_that_is_paid_after_all_lowers_that_loss(
    currency: str, owed: int, paid_bps: int
) -> None:
    minor = max(1, owed * paid_bps // 10_000)
    given_up = written_off(seller_id=ANN, amount_minor=owed, currency=currency)
    paid = write_off_recovered(
        seller_id=ANN, seller_order_id=PAYOUT, amount_minor=minor, currency=currency
    )
    assert changes(paid) == moved(
        currency, debited={AVAILABLE: minor}, credited={"bad_debt": minor}
    )
    assert {entry.seller_order_id for entry in paid.entries} == {PAYOUT}
    assert changes(given_up, paid).get((currency, "bad_debt"), 0) == owed - minor


@given(currency=CURRENCIES, due=AMOUNTS)
def test_tax_that_is_paid_leaves_the_bank_and_what_comes_back_enters_it(
    currency: str, due: int
) -> None:
    paid = tax_paid(jurisdiction="DE", amount_minor=due, currency=currency)
    assert paid.kind is TransactionKind.ADJUSTED
    assert changes(paid) == moved(currency, debited={"tax_payable:DE": due}, credited={"bank": due})
    back = tax_paid(jurisdiction="DE", amount_minor=-due, currency=currency)
    assert changes(back) == moved(currency, debited={"bank": due}, credited={"tax_payable:DE": due})
    with pytest.raises(ValueError, match="nothing"):
        tax_paid(jurisdiction="DE", amount_minor=0, currency=currency)


ADJUSTABLE = (
    "bank", "commission", "fee_income", "gateway_fee", "promotion_cost", "goodwill_cost",
    "chargeback_loss", "bad_debt", "tax_payable:DE", AVAILABLE, f"seller_receivable:{BOB}",
)  # fmt: skip
_OWNERS: Mapping[str | None, str] = {
    None: "", "gateway": ":sandbox", "seller": f":{ANN}", "jurisdiction": ":DE",
    "user": f":{ANN}", "card": f":{ANN}", "order": f":{ANN}",
}  # fmt: skip
FORBIDDEN = sorted(
    kind.name + _OWNERS[kind.owner]
    for kind in ACCOUNT_KINDS.values()
    if kind.name not in {account.partition(":")[0] for account in ADJUSTABLE}
)


@given(
    moves=st.lists(
        st.tuples(CURRENCIES, *[st.sampled_from(ADJUSTABLE)] * 2, AMOUNTS), min_size=1, max_size=6
    ),
    wrong=st.sampled_from(FORBIDDEN),
    off=AMOUNTS,
)
def test_recipe_11_any_balanced_entry_may_be_booked_and_undone(
    moves: list[tuple[str, str, str, int]], wrong: str, off: int
) -> None:
    entries: list[Entry] = []
    expected: dict[tuple[str, str], int] = {}
    for currency, debited, credited, minor in moves:
        entries += (
            Entry(debited, Direction.DEBIT, minor, currency),
            Entry(credited, Direction.CREDIT, minor, currency),
        )
        for account, signed in ((debited, minor), (credited, -minor)):
            expected[currency, account] = expected.get((currency, account), 0) + signed
    draft = adjustment(entries)
    assert draft.kind is TransactionKind.ADJUSTED
    assert changes(draft) == {place: minor for place, minor in expected.items() if minor}
    assert changes(draft, adjustment(reversed_entries(draft.entries))) == {}
    currency = moves[0][0]
    with pytest.raises(Unbalanced):
        adjustment([*entries, Entry("bank", Direction.DEBIT, off, currency)])
    with pytest.raises(NotAdjustable):
        adjustment(
            [
                *entries,
                Entry(wrong, Direction.DEBIT, off, currency),
                Entry("bank", Direction.CREDIT, off, currency),
            ]
        )


@given(
    currency=CURRENCIES,
    gateway=GATEWAYS,
    unexplained=UNEXPLAINED,
    after_all=st.sampled_from([Resolution.FEE, Resolution.INCOME, Resolution.LOSS]),
)
def test_what_waits_in_suspense_is_explained_or_was_nothing(
    currency: str, gateway: str, unexplained: int, after_all: Resolution
) -> None:
    put = explained(
        gateway=gateway,
        unexplained_minor=unexplained,
        currency=currency,
        resolution=Resolution.SUSPENSE,
    )
    assert put is not None
    clearing = f"gateway_clearing:{gateway}"
    assert changes(put) == moved(
        currency, debited={clearing: unexplained}, credited={"suspense": unexplained}
    )
    undone = suspense_reverted(gateway=gateway, unexplained_minor=unexplained, currency=currency)
    assert changes(put, undone) == {}
    impossible = {Resolution.INCOME: unexplained < 0, Resolution.LOSS: unexplained > 0}
    if impossible.get(after_all, False):
        with pytest.raises(ValueError, match="is no "):
            suspense_cleared(unexplained_minor=unexplained, currency=currency, resolution=after_all)
        return
    cleared = suspense_cleared(
        unexplained_minor=unexplained, currency=currency, resolution=after_all
    )
    account = {"fee": "gateway_fee", "income": "fee_income", "loss": "bad_debt"}[after_all.value]
    assert changes(put, cleared) == moved(
        currency, debited={clearing: unexplained}, credited={account: unexplained}
    )


@given(gateway=GATEWAYS, waiting=AMOUNTS, more=AMOUNTS, currency=CURRENCIES)
def test_what_was_sent_by_hand_at_our_cost_is_made_good(
    gateway: str, waiting: int, more: int, currency: str
) -> None:
    clearing = f"gateway_clearing:{gateway}"
    for resolution, account in ((Resolution.LOSS, "bad_debt"), (Resolution.FEE, "gateway_fee")):
        sent = explained(
            gateway=gateway, unexplained_minor=-waiting - more, currency=currency,
            resolution=resolution, waiting_minor=waiting,
        )  # fmt: skip
        assert sent is not None
        assert changes(sent) == moved(
            currency, debited={"suspense": waiting, account: more},
            credited={clearing: waiting + more},
        )  # fmt: skip
        good = sent_made_good(account=account, amount_minor=more, currency=currency)
        assert changes(sent, good) == moved(
            currency, debited={"suspense": waiting + more}, credited={clearing: waiting + more}
        )
