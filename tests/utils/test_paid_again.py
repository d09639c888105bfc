"""Papers of a sale that was paid again: whatever comes and goes, they end at what stands."""

from collections.abc import Mapping
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.paid_again import Key, added_up, paper_of, rows_of
from gosellr.utils.refunds import SHIPPING_KEY, RefundShares

LAMP = UUID("00000000-0000-7000-8000-000000000001")
AMOUNTS = st.integers(0, 10**6)


def shares(
    quantity: int, goods: int, tax_bps: int, promotion_bps: int, included: bool
) -> RefundShares:
    tax = goods * tax_bps // 10_000
    total = goods if included else goods + tax
    promotion = total * promotion_bps // 10_000
    return RefundShares(
        quantity=quantity, buyer_minor=total - promotion, promotion_minor=promotion,
        goods_minor=goods, tax_minor=tax,
    )  # fmt: skip


LINES = st.tuples(
    st.integers(0, 5), AMOUNTS.filter(bool), st.integers(0, 2500), st.integers(0, 9000)
)


def paid(of: Mapping[Key, RefundShares]) -> int:
    return sum(one.buyer_minor for one in of.values())


@given(
    lamp=LINES,
    delivery=LINES,
    included=st.booleans(),
    steps=st.lists(st.integers(0, 2 * 10**6), max_size=6),
)
def test_whatever_comes_and_goes_papers_end_at_what_stands(
    lamp: tuple[int, int, int, int],
    delivery: tuple[int, int, int, int],
    included: bool,
    steps: list[int],
) -> None:
    lost: dict[Key, RefundShares] = {
        LAMP: shares(*lamp, included=included),
        SHIPPING_KEY: shares(*delivery, included=included),
    }
    most = paid(lost)
    written: list[tuple[int, list[dict[str, object]]]] = []
    for stands in [*steps, most]:
        known = added_up(written, shipping=SHIPPING_KEY)
        paper = paper_of(lost, known, stands_minor=stands, tax_included=included)
        moved = min(stands, most) - paid(known)
        if paper is None:
            assert moved == 0
            continue
        assert paper.is_taken is (moved < 0)
        assert paper.plan.total.buyer_minor == abs(moved)
        # No line says more than was lost of it, nor less than nothing.
        written.append((-1 if paper.is_taken else 1, rows_of(paper.plan, shipping=SHIPPING_KEY)))
        for key, one in added_up(written, shipping=SHIPPING_KEY).items():
            for name in ("buyer_minor", "promotion_minor", "goods_minor", "tax_minor", "quantity"):
                assert 0 <= getattr(one, name) <= getattr(lost[key], name)
    # All of it: the very shares that credit notes had taken off.
    known = added_up(written, shipping=SHIPPING_KEY)
    assert known == {key: one for key, one in lost.items() if one != RefundShares()} or most == 0
    nothing = paper_of(lost, known, stands_minor=most, tax_included=included)
    assert nothing is None
