"""Cash and stored value over several sellers' parts: each part paid exactly, nothing left over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.cash_parts import CashParts, NothingToCollect, ValueShare, over_parts

MINOR = st.integers(1, 10**7)


@given(parts=st.lists(MINOR, min_size=1, max_size=6), data=st.data())
def test_each_part_costs_its_cash_and_its_value(parts: list[int], data: st.DataObject) -> None:
    total = sum(parts)
    cash = data.draw(st.integers(1, total))
    stored: list[int] = []
    while left := total - cash - sum(stored):
        stored.append(left if len(stored) == 4 else data.draw(st.integers(1, left)))
    try:
        divided = over_parts(parts_minor=parts, cash_minor=cash, stored_minor=stored)
    except NothingToCollect:
        # Only where a part's own share of the cash is less than a minor unit.
        assert any(part * cash < total for part in parts)
        return
    assert sum(divided.cash_minor) == cash
    for place, part in enumerate(parts):
        value = sum(one.amount_minor for one in divided.value if one.part == place)
        assert divided.cash_minor[place] >= 1
        assert divided.cash_minor[place] + value == part
        # In proportion, to the unit.
        assert abs(divided.cash_minor[place] * total - part * cash) < total
    for place, given_minor in enumerate(stored):
        assert given_minor == sum(one.amount_minor for one in divided.value if one.tender == place)
    assert all(one.amount_minor > 0 for one in divided.value)
    assert len({(one.tender, one.part) for one in divided.value}) == len(divided.value)


def test_example() -> None:
    assert over_parts(parts_minor=[5000, 3000], cash_minor=6000, stored_minor=[1500, 500]) == (
        CashParts(
            cash_minor=(3750, 2250),
            value=(ValueShare(0, 0, 1250), ValueShare(0, 1, 250), ValueShare(1, 1, 500)),
        )
    )


@pytest.mark.parametrize(("cash", "stored"), [(10, [5]), (5, []), (20, [])])
def test_what_doesn_t_sum_is_refused(cash: int, stored: list[int]) -> None:
    with pytest.raises(ValueError, match="come to"):
        over_parts(parts_minor=[6, 6], cash_minor=cash, stored_minor=stored)


def test_nobody_collects_nothing() -> None:
    with pytest.raises(NothingToCollect):
        over_parts(parts_minor=[1, 9999], cash_minor=10, stored_minor=[9990])
