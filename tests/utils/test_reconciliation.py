"""What is unexplained between a provider's word and ours, and what explaining it books."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gosellr.utils.explanations import explain
from gosellr.utils.ledger import GATEWAY_FEE, Direction, TransactionKind, imbalance
from gosellr.utils.reconciliation import (
    Known,
    Mismatch,
    MovementAmounts,
    Resolution,
    explained,
    judge,
    suspense_cleared,
    tolerance_minor,
)

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)
FEES = st.integers(min_value=0, max_value=10**6)
CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])


def of(amount: int, fee: int, currency: str = "EUR") -> MovementAmounts:
    return MovementAmounts(currency=currency, amount_minor=amount, fee_minor=fee)


@given(AMOUNTS, FEES, AMOUNTS, FEES, CURRENCIES)
def test_what_is_known_and_what_is_unexplained_make_the_whole(
    said: int, said_fee: int, ours: int, our_fee: int, currency: str
) -> None:
    verdict = judge(of(said, said_fee, currency), Known(amounts=of(ours, our_fee, currency)))
    assert ours - our_fee + verdict.unexplained_minor == said - said_fee
    assert verdict.is_matched == ((said, said_fee) == (ours, our_fee))


def test_the_same_net_by_another_fee_is_no_match() -> None:
    verdict = judge(of(1_010, 40), Known(amounts=of(1_000, 30)))
    assert (verdict.mismatch, verdict.unexplained_minor) == (Mismatch.AMOUNT_DIFFERS, 0)


@given(AMOUNTS.filter(bool), CURRENCIES, st.sampled_from(list(Resolution)))
def test_every_explanation_balances_and_moves_clearing_by_it(
    unexplained: int, currency: str, resolution: Resolution
) -> None:
    try:
        draft = explained(
            gateway="sandbox",
            unexplained_minor=unexplained,
            currency=currency,
            resolution=resolution,
        )
    except ValueError:
        assert (resolution, unexplained > 0) in {
            (Resolution.INCOME, False),
            (Resolution.LOSS, True),
        }
        return
    if resolution is Resolution.NOTHING:
        assert draft is None
        return
    assert draft is not None
    assert imbalance(draft.entries) == {}
    [moved] = [one for one in draft.entries if one.account == "gateway_clearing:sandbox"]
    assert moved.signed_minor == unexplained
    assert explain(TransactionKind.RECONCILED, draft.entries).startswith("Reconciled: ")


@given(AMOUNTS.filter(bool), CURRENCIES, AMOUNTS, st.sampled_from(list(Resolution)))
def test_what_waited_is_met_before_anything_else(
    unexplained: int, currency: str, waiting: int, resolution: Resolution
) -> None:
    assume(resolution is not Resolution.NOTHING)
    try:
        draft = explained(
            gateway="sandbox", unexplained_minor=unexplained, currency=currency,
            resolution=resolution, waiting_minor=waiting,
        )  # fmt: skip
    except ValueError:
        return
    assert draft is not None
    moved = {one.account: one.signed_minor for one in draft.entries}
    assert len(moved) == len(draft.entries)
    assert moved.pop("gateway_clearing:sandbox") == unexplained
    met = max(0, min(waiting, -unexplained))
    if resolution is Resolution.SUSPENSE:
        met = -unexplained
    assert moved.pop("suspense", 0) == met
    assert sum(moved.values()) == -unexplained - met


@given(AMOUNTS.filter(bool), CURRENCIES)
def test_suspense_ends_at_zero(unexplained: int, currency: str) -> None:
    put = explained(
        gateway="sandbox",
        unexplained_minor=unexplained,
        currency=currency,
        resolution=Resolution.SUSPENSE,
    )
    assert put is not None
    taken = suspense_cleared(
        unexplained_minor=unexplained, currency=currency, resolution=Resolution.FEE
    )
    moved = [one for one in (*put.entries, *taken.entries) if one.account == "suspense"]
    assert sum(one.signed_minor for one in moved) == 0
    [fee] = [one for one in taken.entries if one.account == GATEWAY_FEE]
    assert fee.direction is (Direction.CREDIT if unexplained > 0 else Direction.DEBIT)


@pytest.mark.parametrize("resolution", [Resolution.SUSPENSE, Resolution.NOTHING])
def test_suspense_is_left_for_an_answer_only(resolution: Resolution) -> None:
    with pytest.raises(ValueError, match="say what it was"):
        suspense_cleared(unexplained_minor=1, currency="EUR", resolution=resolution)


def test_the_tolerance_is_a_hundred_whole_units_unless_it_is_set() -> None:
    assert tolerance_minor("EUR", {}) == 10_000
    assert tolerance_minor("JPY", {}) == 100
    assert tolerance_minor("KWD", {}) == 100_000
    assert tolerance_minor("EUR", {"EUR": 0}) == 0
