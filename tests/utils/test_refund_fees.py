"""What of a provider's fee refunds bear: in any partition exactly the whole, and never more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.core.identity import new_id
from gosellr.utils.ledger import Direction, Unbalanced
from gosellr.utils.postings import GatewayAmount, refund_intent, seller_sources
from gosellr.utils.refund_fees import FeeTaken, fee_share
from gosellr.utils.refunds import RefundShares

CURRENCIES = st.sampled_from(("JPY", "USD", "KWD"))


@st.composite
def partitions(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A fee, and amounts that make up what was captured."""
    amounts = draw(st.lists(st.integers(1, 100_000), min_size=1, max_size=9))
    return draw(st.integers(0, sum(amounts))), amounts


@given(partition=partitions())
def test_refunds_in_any_partition_bear_exactly_the_whole(partition: tuple[int, list[int]]) -> None:
    fee_minor, amounts = partition
    borne: list[FeeTaken] = []
    for amount_minor in amounts:
        before = sum(one.amount_minor for one in borne)
        borne.append(
            fee_share(amount_minor, captured_minor=sum(amounts), fee_minor=fee_minor, before=borne)
        )
        taken = sum(one.fee_minor for one in borne)
        # After each of them no more than a half is missing or too much.
        exact = fee_minor * (before + amount_minor)
        assert abs(2 * (taken * sum(amounts) - exact)) <= sum(amounts)
    assert sum(one.fee_minor for one in borne) == fee_minor
    assert all(one.fee_minor >= 0 for one in borne)


@given(partition=partitions(), data=st.data())
def test_what_was_refused_is_borne_by_whoever_comes_next(
    partition: tuple[int, list[int]], data: st.DataObject
) -> None:
    fee_minor, amounts = partition
    standing: list[FeeTaken] = []
    waiting = list(amounts)
    refusals = data.draw(st.integers(0, 6))
    while waiting:
        one = fee_share(
            waiting.pop(), captured_minor=sum(amounts), fee_minor=fee_minor, before=standing
        )
        standing.append(one)
        assert sum(each.fee_minor for each in standing) <= fee_minor
        if refusals and data.draw(st.booleans()):
            refusals -= 1
            refused = standing.pop(data.draw(st.integers(0, len(standing) - 1)))
            waiting.append(refused.amount_minor)
    assert sum(one.fee_minor for one in standing) == fee_minor


@given(partition=partitions(), known_from=st.integers(0, 9))
def test_a_fee_that_is_told_later_is_borne_from_then_on_alone(
    partition: tuple[int, list[int]], known_from: int
) -> None:
    fee_minor, amounts = partition
    borne: list[FeeTaken] = []
    for place, amount_minor in enumerate(amounts):
        if place >= known_from:
            borne.append(
                fee_share(
                    amount_minor, captured_minor=sum(amounts), fee_minor=fee_minor, before=borne
                )
            )
    own = sum(amounts[known_from:])
    due_minor = (2 * fee_minor * own + sum(amounts)) // (2 * sum(amounts))
    assert sum(one.fee_minor for one in borne) == due_minor


def test_a_captured_amount_bears_its_fee_once() -> None:
    first = fee_share(333, captured_minor=1000, fee_minor=59)
    second = fee_share(667, captured_minor=1000, fee_minor=59, before=[first])
    assert (first.fee_minor, second.fee_minor) == (20, 39)
    for amount_minor in (-1, 1):
        with pytest.raises(ValueError, match="can't have gone back"):
            fee_share(amount_minor, captured_minor=1000, fee_minor=59, before=[first, second])


@given(
    currency=CURRENCIES,
    buyer_minor=st.integers(1, 100_000),
    fee_minor=st.integers(0, 5_000),
    pots=st.tuples(*(st.integers(0, 60_000) for _ in range(4))),
)
def test_the_fee_comes_out_of_the_sellers_pots_and_is_the_marketplaces_again(
    currency: str, buyer_minor: int, fee_minor: int, pots: tuple[int, int, int, int]
) -> None:
    shares = RefundShares(buyer_minor=buyer_minor, goods_minor=buyer_minor)
    names = ("case_reserve_minor", "pending_minor", "available_minor", "reserve_minor")
    seller_id = new_id()

    def intent(taken_minor: int) -> dict[str, int]:
        draft = refund_intent(
            refund_id=new_id(),
            seller_order_id=new_id(),
            seller_id=seller_id,
            currency=currency,
            parts=[(None, shares)],
            sources=seller_sources(taken_minor, **dict(zip(names, pots, strict=True))),
            through=[GatewayAmount(gateway="stripe", amount_minor=buyer_minor)],
            commission_vat_jurisdiction="market",
            provider_fee_minor=fee_minor,
        )
        assert {one.currency for one in draft.entries} == {currency}
        sums: dict[str, int] = {}
        for one in draft.entries:
            signed = one.amount_minor if one.direction is Direction.DEBIT else -one.amount_minor
            kind = one.account.split(":")[0]
            sums[kind] = sums.get(kind, 0) + signed
        return sums

    sums = intent(buyer_minor + fee_minor)
    assert sum(sums.values()) == 0
    assert sums.get("gateway_fee", 0) == -fee_minor
    assert sums["refund_in_transit"] == -buyer_minor
    with pytest.raises(Unbalanced):
        intent(buyer_minor + fee_minor + 1)
