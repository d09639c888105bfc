"""What comes back of a lost chargeback: what was taken, from whom it was taken, and never more."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.ledger import (
    CHARGEBACK_LOSS,
    COMMISSION,
    PROMOTION_COST,
    Direction,
    Entry,
    TransactionKind,
    dispute_receivable,
    gateway_clearing,
    seller_available,
    seller_receivable,
    seller_reserve,
)
from gosellr.utils.reinstated_postings import chargeback_reinstated, chargeback_taken_again

ANNA, BERT = (UUID(f"00000000-0000-7000-8000-00000000000{number}") for number in (1, 2))


def lost(anna_minor: int, bert_minor: int, kept_minor: int, given_minor: int) -> list[Entry]:
    """A loss that two sellers and the market bear; `given_minor` was the market's discount."""
    sides = [
        (seller_reserve(ANNA), Direction.DEBIT, anna_minor),
        (seller_receivable(BERT), Direction.DEBIT, bert_minor),
        (COMMISSION, Direction.DEBIT, kept_minor),
        (CHARGEBACK_LOSS, Direction.DEBIT, given_minor),
        (PROMOTION_COST, Direction.CREDIT, given_minor),
        (
            dispute_receivable("sandbox"), Direction.CREDIT,
            anna_minor + bert_minor + kept_minor,
        ),
    ]  # fmt: skip
    return [Entry(account, side, minor, "EUR") for account, side, minor in sides if minor]


def change_of(entries: tuple[Entry, ...]) -> dict[str, int]:
    """By how much each account moves, debits positive."""
    moved: dict[str, int] = {}
    for one in entries:
        moved[one.account] = moved.get(one.account, 0) + one.signed_minor
    return moved


def test_debts_go_first_and_the_rest_can_be_paid_out() -> None:
    draft = chargeback_reinstated(
        lost(700, 200, 100, 50), gateway="sandbox", amount_minor=1000, currency="EUR",
        owed_minor={ANNA: 300, BERT: 500},
    )  # fmt: skip
    assert draft.kind is TransactionKind.CHARGEBACK_REINSTATED
    assert change_of(draft.entries) == {
        gateway_clearing("sandbox"): 1000,
        seller_receivable(ANNA): -300,
        seller_available(ANNA): -400,
        seller_receivable(BERT): -200,
        COMMISSION: -100,
        CHARGEBACK_LOSS: -50,
        PROMOTION_COST: 50,
    }


@given(
    shares=st.tuples(*(st.integers(0, 10**6) for _ in range(4))).filter(lambda one: sum(one[:3])),
    data=st.data(),
)
def test_nobody_gets_more_than_was_taken_and_it_is_taken_again_as_it_came(
    shares: tuple[int, int, int, int], data: st.DataObject
) -> None:
    taken = lost(*shares)
    amount_minor = data.draw(st.integers(1, sum(shares[:3])))
    back = chargeback_reinstated(
        taken, gateway="sandbox", amount_minor=amount_minor, currency="EUR", owed_minor={}
    )
    got = change_of(back.entries)
    most = change_of(tuple(taken))
    assert got[gateway_clearing("sandbox")] == amount_minor
    assert 0 <= -got.get(seller_available(ANNA), 0) <= shares[0]
    assert 0 <= -got.get(seller_available(BERT), 0) <= shares[1]
    for account in (COMMISSION, CHARGEBACK_LOSS):
        assert 0 <= -got.get(account, 0) <= most.get(account, 0)
    again = chargeback_taken_again(
        taken, gateway="sandbox", amount_minor=amount_minor, currency="EUR"
    )
    renamed = {
        account.replace("seller_available", "seller_receivable"): -minor
        for account, minor in got.items()
    }
    assert change_of(again.entries) == renamed


@pytest.mark.parametrize("amount_minor", [0, -1, 1001])
def test_no_more_than_was_taken(amount_minor: int) -> None:
    with pytest.raises(ValueError, match="can't come back"):
        chargeback_reinstated(
            lost(700, 200, 100, 50), gateway="sandbox", amount_minor=amount_minor,
            currency="EUR", owed_minor={},
        )  # fmt: skip
