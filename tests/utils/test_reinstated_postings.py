"""What comes back of a lost chargeback: what was taken, from whom it was taken, and never more."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import assume, example, given
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
from gosellr.utils.reinstated_postings import (
    chargeback_lost_again,
    chargeback_reinstated,
    chargeback_taken_again,
    held_minor_of,
    held_of,
    loss_minor_of,
    taken_of_parts,
)
from tests.utils.books import CURRENCIES

ANNA, BERT = (UUID(f"00000000-0000-7000-8000-00000000000{number}") for number in (1, 2))


def lost(
    anna_minor: int, bert_minor: int, kept_minor: int, given_minor: int, borne_minor: int = 0
) -> list[Entry]:
    """A loss that two sellers and the market bear; `given_minor` was the market's discount, and
    `borne_minor` had gone back to the buyer before."""
    sides = [
        (seller_reserve(ANNA), Direction.DEBIT, anna_minor),
        (seller_receivable(BERT), Direction.DEBIT, bert_minor),
        (COMMISSION, Direction.DEBIT, kept_minor + given_minor),
        (CHARGEBACK_LOSS, Direction.DEBIT, borne_minor),
        (PROMOTION_COST, Direction.CREDIT, given_minor),
        (
            dispute_receivable("sandbox"), Direction.CREDIT,
            anna_minor + bert_minor + kept_minor + borne_minor,
        ),
    ]  # fmt: skip
    return [Entry(account, side, minor, "EUR") for account, side, minor in sides if minor]


def change_of(entries: Iterable[Entry]) -> dict[str, int]:
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
        COMMISSION: -150,
        PROMOTION_COST: 50,
    }


def test_the_markets_loss_goes_first_as_if_the_bank_had_never_taken_that_much() -> None:
    taken = lost(700, 200, 100, 0, borne_minor=400)
    first = chargeback_reinstated(
        taken, gateway="sandbox", amount_minor=300, currency="EUR", owed_minor={}
    )
    assert change_of(first.entries) == {
        gateway_clearing("sandbox"): 300, CHARGEBACK_LOSS: -300,
    }  # fmt: skip
    taken += first.entries
    rest = chargeback_reinstated(
        taken, gateway="sandbox", amount_minor=200, currency="EUR", owed_minor={}
    )
    assert change_of(rest.entries) == {
        gateway_clearing("sandbox"): 200, CHARGEBACK_LOSS: -100, seller_available(ANNA): -70,
        seller_available(BERT): -20, COMMISSION: -10,
    }  # fmt: skip


def test_what_comes_back_names_the_refund_that_it_was_lost_by() -> None:
    part, refund_id = UUID(int=1), UUID(int=9)
    taken = [
        Entry(seller_reserve(ANNA), Direction.DEBIT, 90, "EUR", part, refund_id=refund_id),
        Entry(COMMISSION, Direction.DEBIT, 10, "EUR", part, refund_id=refund_id),
        Entry(COMMISSION, Direction.DEBIT, 7, "EUR", UUID(int=2)),
    ]
    back = chargeback_reinstated(
        taken, gateway="sandbox", amount_minor=107, currency="EUR", owed_minor={ANNA: 40}
    )
    assert [(one.account, one.amount_minor, one.refund_id) for one in back.entries[1:]] == [
        (seller_receivable(ANNA), 40, refund_id), (seller_available(ANNA), 50, refund_id),
        (COMMISSION, 10, refund_id), (COMMISSION, 7, None),
    ]  # fmt: skip


def test_a_bank_takes_again_first_of_the_parts_that_it_gave_to() -> None:
    part, other = UUID(int=1), UUID(int=2)
    own = [Entry(seller_available(ANNA), Direction.CREDIT, 80, "EUR", part)]
    came_back = [*own, Entry(seller_available(BERT), Direction.CREDIT, 100, "EUR", other)]
    for amount_minor, by_each in ((60, (60, 0)), (80, (80, 0)), (100, (80, 20)), (180, (80, 100))):
        draft = chargeback_taken_again(
            came_back, own=own, gateway="sandbox", amount_minor=amount_minor, currency="EUR"
        )
        change = change_of(draft.entries)
        assert by_each == tuple(change.get(seller_receivable(one), 0) for one in (ANNA, BERT))
        assert CHARGEBACK_LOSS not in change
    draft = chargeback_taken_again(
        came_back, own=own, gateway="sandbox", amount_minor=181, currency="EUR"
    )
    assert change_of(draft.entries)[CHARGEBACK_LOSS] == 1


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
    assert 0 <= -got.get(COMMISSION, 0) <= most.get(COMMISSION, 0)
    assert 0 <= got.get(PROMOTION_COST, 0) <= -most.get(PROMOTION_COST, 0)
    again = chargeback_taken_again(
        back.entries, own=back.entries, gateway="sandbox", amount_minor=amount_minor,
        currency="EUR",
    )  # fmt: skip
    renamed = {
        account.replace("seller_available", "seller_receivable"): -minor
        for account, minor in got.items()
    }
    assert change_of(again.entries) == renamed


SHARES = st.tuples(*(st.integers(0, 10**6) for _ in range(4))).filter(lambda one: sum(one[:3]))


@given(shares=SHARES, currency=CURRENCIES, available=st.integers(0, 10**6), data=st.data())
def test_recipe_7_others_take_what_came_back_from_those_who_had_got_it_to_the_last_unit(
    shares: tuple[int, int, int, int], currency: str, available: int, data: st.DataObject
) -> None:
    taken = [replace(one, currency=currency) for one in lost(*shares)]
    back_minor = data.draw(st.integers(1, sum(shares[:3])))
    moved = list(
        chargeback_reinstated(
            taken, gateway="sandbox", amount_minor=back_minor, currency=currency, owed_minor={}
        ).entries
    )
    got = change_of(held_of(moved))
    left_minor = back_minor
    while left_minor:
        before = change_of(held_of(moved))
        amount_minor = data.draw(st.integers(1, left_minor))
        draft = chargeback_lost_again(
            moved, gateway="stripe", amount_minor=amount_minor, currency=currency,
            available_minor={ANNA: available},
        )  # fmt: skip
        assert draft.kind is TransactionKind.CHARGEBACK_LOST_AGAIN
        change = change_of(draft.entries)
        assert change.pop(dispute_receivable("stripe")) == -amount_minor
        by_anna = change.pop(seller_available(ANNA), 0), change.pop(seller_receivable(ANNA), 0)
        assert by_anna[0] == min(sum(by_anna), available)
        change[seller_receivable(ANNA)] = sum(by_anna)
        # Nobody gives more than it has of it.
        assert all(abs(minor) <= abs(before.get(name, 0)) for name, minor in change.items())
        moved += draft.entries
        left_minor -= amount_minor
        assert held_minor_of(held_of(moved)) == left_minor
    assert held_of(moved) == []
    assert sum(got.values()) == -back_minor
    with pytest.raises(ValueError, match="can't be taken"):
        chargeback_lost_again(
            moved, gateway="stripe", amount_minor=1, currency=currency, available_minor={}
        )


@given(shares=SHARES, currency=CURRENCIES, data=st.data())
def test_recipe_7_what_two_banks_take_of_it_is_given_by_no_seller_twice(
    shares: tuple[int, int, int, int], currency: str, data: st.DataObject
) -> None:
    taken = [replace(one, currency=currency) for one in lost(*shares)]
    back_minor = data.draw(st.integers(1, sum(shares[:3])))
    again_minor = data.draw(st.integers(1, back_minor))
    back = chargeback_reinstated(
        taken, gateway="sandbox", amount_minor=back_minor, currency=currency, owed_minor={}
    )
    again = chargeback_lost_again(
        back.entries, gateway="sandbox", amount_minor=again_minor, currency=currency,
        available_minor={},
    )  # fmt: skip
    good = chargeback_lost_again(
        back.entries, gateway="sandbox", amount_minor=again_minor, currency=currency,
        available_minor={}, was_borne=True,
    )  # fmt: skip
    # What the market had borne is made good just as what a bank takes is given.
    taken_or_borne = {dispute_receivable("sandbox"): CHARGEBACK_LOSS}
    assert sorted(
        (taken_or_borne.get(one.account, one.account), one.signed_minor) for one in again.entries
    ) == sorted((one.account, one.signed_minor) for one in good.entries)
    moved = [*back.entries, *again.entries]
    round_again = chargeback_taken_again(
        moved, own=back.entries, gateway="sandbox", amount_minor=back_minor, currency=currency
    )
    moved += round_again.entries
    # All of it is gone, and what was taken twice is the market's loss.
    assert held_of(moved) == []
    assert loss_minor_of(moved) == again_minor
    anew_minor = data.draw(st.integers(1, sum(shares[:3])))
    moved += chargeback_reinstated(
        [*taken, *back.entries, *round_again.entries], gateway="sandbox", amount_minor=anew_minor,
        currency=currency, owed_minor={},
    ).entries  # fmt: skip
    assert held_minor_of(held_of(moved)) == max(0, anew_minor - again_minor)
    assert loss_minor_of(moved) == max(0, again_minor - anew_minor)
    if anew_minor <= again_minor:
        assert held_of(moved) == []
    with pytest.raises(ValueError, match="can't be taken"):
        chargeback_taken_again(
            moved, own=moved, gateway="sandbox", amount_minor=0, currency=currency
        )


def test_what_is_asked_of_each_part_is_told_in_the_buyers_money() -> None:
    part, other = UUID(int=1), UUID(int=2)
    came_back = [
        Entry(seller_available(ANNA), Direction.CREDIT, 80, "EUR", part),
        Entry(COMMISSION, Direction.CREDIT, 20, "EUR", part),
        Entry(PROMOTION_COST, Direction.DEBIT, 10, "EUR", part),
        Entry(seller_receivable(BERT), Direction.CREDIT, 10, "EUR", other),
        Entry(CHARGEBACK_LOSS, Direction.CREDIT, 50, "EUR"),
        Entry(gateway_clearing("sandbox"), Direction.DEBIT, 150, "EUR"),
    ]
    assert taken_of_parts(came_back, amount_minor=100) == {part: (90, 80), other: (10, 10)}
    assert taken_of_parts(came_back, amount_minor=50) == {part: (45, 40), other: (5, 5)}
    assert taken_of_parts(came_back, amount_minor=1_000) == {part: (90, 80), other: (10, 10)}
    assert taken_of_parts(came_back, amount_minor=50, before_minor=60) == {
        part: (36, 32), other: (4, 4)
    }  # fmt: skip
    assert taken_of_parts(came_back, amount_minor=50, before_minor=1_000) == {}
    assert taken_of_parts([], amount_minor=1_000, before_minor=1) == {}


@pytest.mark.parametrize("amount_minor", [0, -1, 1001])
def test_no_more_than_was_taken(amount_minor: int) -> None:
    with pytest.raises(ValueError, match="can't come back"):
        chargeback_reinstated(
            lost(700, 200, 100, 50), gateway="sandbox", amount_minor=amount_minor,
            currency="EUR", owed_minor={},
        )  # fmt: skip


@given(
    parts=st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 60), st.integers(0, 9_900)), min_size=1,
        max_size=4,
    ),
    millionths=st.integers(0, 10**6),
)  # fmt: skip
@example(parts=[(9, 6, 9_500), (480, 42, 9_500)], millionths=0)
def test_no_part_is_given_more_than_was_taken_of_it(
    parts: list[tuple[int, int, int]], millionths: int
) -> None:
    entries: list[Entry] = []
    paid: dict[UUID, int] = {}
    for number, (sellers_minor, commission_minor, discount_bps) in enumerate(parts, 1):
        part_id = UUID(int=number)
        promotion_minor = (sellers_minor + commission_minor) * discount_bps // 10_000
        paid[part_id] = sellers_minor + commission_minor - promotion_minor
        sides = (
            (seller_reserve(ANNA), Direction.DEBIT, sellers_minor),
            (COMMISSION, Direction.DEBIT, commission_minor),
            (PROMOTION_COST, Direction.CREDIT, promotion_minor),
        )
        entries += [
            Entry(account, side, minor, "EUR", seller_order_id=part_id)
            for account, side, minor in sides
            if minor
        ]
    all_minor = sum(paid.values())
    assume(all_minor)
    entries.append(Entry(dispute_receivable("sandbox"), Direction.CREDIT, all_minor, "EUR"))
    amount_minor = 1 + (all_minor - 1) * millionths // 10**6
    draft = chargeback_reinstated(
        entries, gateway="sandbox", amount_minor=amount_minor, currency="EUR", owed_minor={}
    )
    back = dict.fromkeys(paid, 0)
    for entry in draft.entries:
        if entry.seller_order_id is not None:
            back[entry.seller_order_id] -= entry.signed_minor
    assert sum(back.values()) == amount_minor
    assert all(0 <= back[part_id] <= minor for part_id, minor in paid.items())
    if amount_minor == all_minor:
        assert back == paid
