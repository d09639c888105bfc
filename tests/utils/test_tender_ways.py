"""Back through which payments a refund goes: whichever way is named, sums are exact."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.refunds import InvalidRefund, RefundExceedsAmount
from gosellr.utils.tender_ways import (
    NamedTender,
    TendersDontSum,
    TenderTooSmall,
    spread_as_named,
    spread_over_tenders,
)

LEFT = [50, 30, 40]


def test_refunds_go_back_to_the_last_instrument_first() -> None:
    assert spread_over_tenders(70, LEFT) == [0, 30, 40]
    assert spread_over_tenders(120, LEFT) == [50, 30, 40]
    assert spread_over_tenders(5, [50, 0]) == [5, 0]
    with pytest.raises(RefundExceedsAmount):
        spread_over_tenders(121, LEFT)


def test_the_first_to_pay_can_be_the_first_to_get_it_back() -> None:
    assert spread_over_tenders(70, LEFT, first_paid_first=True) == [50, 20, 0]
    assert spread_over_tenders(120, LEFT, first_paid_first=True) == [50, 30, 40]
    with pytest.raises(RefundExceedsAmount):
        spread_over_tenders(121, LEFT, first_paid_first=True)


@pytest.mark.parametrize(
    ("named", "given_back"),
    [
        ([NamedTender(1, 30), NamedTender(0, 40)], [40, 30, 0]),
        ([NamedTender(1), NamedTender(0)], [40, 30, 0]),
        ([NamedTender(0), NamedTender(1)], [50, 20, 0]),
        # What is exact is given first, wherever it is named.
        ([NamedTender(2), NamedTender(0, 35)], [35, 0, 35]),
        ([NamedTender(0), NamedTender(1), NamedTender(2)], [50, 20, 0]),
    ],
)
def test_named_tenders_take_it_and_no_others(
    named: list[NamedTender], given_back: list[int]
) -> None:
    assert spread_as_named(70, LEFT, named) == given_back


@pytest.mark.parametrize(
    ("named", "place", "left"),
    [([NamedTender(1, 31)], 0, 30), ([NamedTender(0), NamedTender(2, 70)], 1, 40)],
)
def test_what_is_left_of_a_tender_caps_it(named: list[NamedTender], place: int, left: int) -> None:
    with pytest.raises(TenderTooSmall) as refused:
        spread_as_named(70, LEFT, named)
    assert (refused.value.place, refused.value.left_minor) == (place, left)


@pytest.mark.parametrize(
    ("named", "come_to"),
    [
        ([NamedTender(0, 50)], 50),
        ([NamedTender(0, 50), NamedTender(1, 30)], 80),
        ([NamedTender(1)], 30),
        ([NamedTender(1, 10), NamedTender(2)], 50),
    ],
)
def test_what_is_named_comes_to_what_goes_back(named: list[NamedTender], come_to: int) -> None:
    with pytest.raises(TendersDontSum) as refused:
        spread_as_named(70, LEFT, named)
    assert refused.value.named_minor == come_to


@pytest.mark.case(37)
@pytest.mark.parametrize("amount", [0, -1, 0.5, True])
def test_case_37_nothing_goes_back_through_a_tender(amount: Any) -> None:
    with pytest.raises(InvalidRefund):
        spread_over_tenders(amount, [100])
    with pytest.raises(InvalidRefund):
        spread_as_named(50, [100], [NamedTender(0, amount)])
    with pytest.raises(InvalidRefund):
        spread_as_named(50, [100], [NamedTender(0), NamedTender(0, 50)])


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=6), st.data())
def test_any_override_that_fits_is_exact_and_all_of_it_is_each_whole(
    paid: list[int], data: st.DataObject
) -> None:
    left = list(paid)
    while any(left):
        amount = data.draw(st.integers((sum(left) + 3) // 4, sum(left)))
        given_back = _drawn(amount, left, data)
        assert sum(given_back) == amount
        assert all(0 <= one <= most for one, most in zip(given_back, left, strict=True))
        left = [most - one for one, most in zip(given_back, left, strict=True)]
    assert left == [0] * len(paid)
    # At once, in any order.
    order = data.draw(st.permutations(range(len(paid))))
    assert spread_as_named(sum(paid), paid, [NamedTender(one) for one in order]) == paid
    assert spread_over_tenders(sum(paid), paid, first_paid_first=data.draw(st.booleans())) == paid


def _drawn(amount: int, left: list[int], data: st.DataObject) -> list[int]:
    """What an override that fits gives of each tender."""
    if data.draw(st.booleans()):
        return spread_over_tenders(amount, left, first_paid_first=data.draw(st.booleans()))
    exact, open_minor = {}, amount
    order = data.draw(st.permutations(range(len(left))))
    for index in order:
        most = min(left[index], open_minor)
        if most and data.draw(st.booleans()):
            exact[index] = data.draw(st.integers(1, most))
            open_minor -= exact[index]
    named = [NamedTender(index, exact.get(index)) for index in order if left[index]]
    rest = sum(left[one.index] for one in named if one.amount_minor is None)
    if rest < open_minor:
        # What they leave fits into no other: the order alone says it.
        named = [NamedTender(one.index) for one in named]
        exact = {}
    given_back = spread_as_named(amount, left, named)
    assert all(given_back[index] == one for index, one in exact.items())
    return given_back
