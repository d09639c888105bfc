from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gosellr.utils.money import bps_half_up, share
from gosellr.utils.refunds import (
    SHIPPING_KEY,
    CommissionReversal,
    InvalidRefund,
    NothingToRefund,
    RefundablePart,
    RefundExceedsAmount,
    RefundExceedsQuantity,
    RefundPlan,
    RefundShares,
    UnknownRefundPart,
    check_within_captured,
    refund_all_left,
    refund_amount,
    refund_quantities,
    scaled,
)
from gosellr.utils.tax import included_tax

FULL, NONE, LESS_FIXED = CommissionReversal


def a_part(key: str = "a", **facts: Any) -> RefundablePart:
    """The line of the worked example: 120.00 with 20.00 tax inside, 12.00 promoted."""
    defaults = {
        "quantity": 1,
        "goods_minor": 12_000,
        "tax_minor": 2000,
        "tax_included": True,
        "promotion_minor": 1200,
        "commission_minor": 1000,
        "commission_vat_minor": 200,
    }
    return RefundablePart(key=key, **defaults | facts)


def after(parts: list[RefundablePart], plan: RefundPlan) -> list[RefundablePart]:
    given_back = dict(plan.parts)
    return [
        replace(part, refunded=part.refunded + given_back.get(part.key, RefundShares()))
        for part in parts
    ]


def whole(part: RefundablePart) -> RefundShares:
    return RefundShares(
        quantity=part.quantity,
        buyer_minor=part.paid_minor,
        promotion_minor=part.promotion_minor,
        goods_minor=part.goods_minor,
        tax_minor=part.tax_minor,
        commission_minor=part.commission_minor,
        commission_vat_minor=part.commission_vat_minor,
        commission_reversed_minor=part.commission_minor,
        commission_vat_reversed_minor=part.commission_vat_minor,
        remitted_minor=part.tax_minor if part.tax_remitted else 0,
    )


def test_the_worked_example_comes_back_whole() -> None:
    total = refund_all_left(parts=[a_part()]).total
    assert total == whole(a_part())
    assert total.buyer_minor == total.seller_minor == 10_800
    assert replace(total, remitted_minor=total.tax_minor).seller_minor == 8800


def test_a_part_of_the_quantity_takes_its_proportion_of_every_share() -> None:
    plan = refund_quantities(parts=[a_part(quantity=4)], quantities={"a": 1})
    assert plan.parts == (
        (
            "a",
            RefundShares(
                quantity=1,
                buyer_minor=2700,
                promotion_minor=300,
                goods_minor=3000,
                tax_minor=500,
                commission_minor=250,
                commission_vat_minor=50,
                commission_reversed_minor=250,
                commission_vat_reversed_minor=50,
            ),
        ),
    )


def test_tax_on_top_goes_back_on_top_of_the_goods() -> None:
    part = a_part(quantity=2, goods_minor=1000, tax_minor=101, tax_included=False)
    part = replace(part, promotion_minor=0, commission_minor=100, commission_vat_minor=0)
    shares = refund_quantities(parts=[part], quantities={"a": 1}).total
    assert shares.buyer_minor == shares.goods_minor + shares.tax_minor == 551
    assert refund_all_left(parts=after([part], RefundPlan(parts=(("a", shares),)))).total == (
        RefundShares(
            quantity=1,
            buyer_minor=550,
            goods_minor=1000 - shares.goods_minor,
            tax_minor=101 - shares.tax_minor,
            commission_minor=100 - shares.commission_minor,
            commission_reversed_minor=100 - shares.commission_minor,
        )
    )


def test_a_free_amount_spreads_over_what_is_left_of_lines_and_shipping() -> None:
    shipping = a_part(SHIPPING_KEY, goods_minor=600, tax_minor=100, promotion_minor=0)
    shipping = replace(shipping, commission_minor=0, commission_vat_minor=0)
    parts = [a_part("a"), a_part("b"), shipping]
    plan = refund_amount(parts=parts, amount_minor=2220)
    assert [(key, shares.buyer_minor) for key, shares in plan.parts] == [
        ("a", 1080),
        ("b", 1080),
        (SHIPPING_KEY, 60),
    ]
    assert dict(plan.parts)["a"].promotion_minor == 120
    assert plan.total.quantity == 0
    rest = refund_amount(parts=after(parts, plan), amount_minor=22_200 - 2220)
    assert all(part.is_exhausted for part in after(after(parts, plan), rest))


@pytest.mark.case(36)
def test_case_36_two_refunds_never_exceed_what_was_captured() -> None:
    check_within_captured(captured_minor=100, refunded_minor=0, amount_minor=60)
    check_within_captured(captured_minor=100, refunded_minor=60, amount_minor=40)
    with pytest.raises(RefundExceedsAmount):
        check_within_captured(captured_minor=100, refunded_minor=60, amount_minor=60)
    part = a_part(goods_minor=100, tax_minor=0, promotion_minor=0, commission_minor=0)
    part = replace(part, commission_vat_minor=0)
    left = after([part], refund_amount(parts=[part], amount_minor=99))
    with pytest.raises(RefundExceedsAmount):
        refund_amount(parts=left, amount_minor=99)
    assert refund_amount(parts=left, amount_minor=1).total.buyer_minor == 1


@pytest.mark.case(37)
@pytest.mark.parametrize("amount", [-1, 0, None, float("nan"), 1e30, 10**30, True, "5"])
def test_case_37_an_amount_that_is_none_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidRefund):
        refund_amount(parts=[a_part()], amount_minor=amount)
    with pytest.raises(InvalidRefund):
        check_within_captured(captured_minor=100, refunded_minor=0, amount_minor=amount)


@pytest.mark.case(37)
@pytest.mark.parametrize("quantity", [-1, 0, None, 0.5, True])
def test_case_37_a_quantity_of_nothing_refunds_nothing(quantity: Any) -> None:
    with pytest.raises(InvalidRefund):
        refund_quantities(parts=[a_part()], quantities={"a": quantity})
    with pytest.raises(InvalidRefund):
        refund_quantities(parts=[a_part()], quantities={})


@pytest.mark.case(38)
def test_case_38_a_line_is_refunded_once_by_quantity_and_by_amount() -> None:
    part = a_part()
    left = after([part], refund_quantities(parts=[part], quantities={"a": 1}))
    with pytest.raises(RefundExceedsQuantity):
        refund_quantities(parts=left, quantities={"a": 1})
    with pytest.raises(RefundExceedsAmount):
        refund_amount(parts=left, amount_minor=1)
    with pytest.raises(NothingToRefund):
        refund_all_left(parts=left)
    paid_out = after([part], refund_amount(parts=[part], amount_minor=10_800))
    with pytest.raises(NothingToRefund):
        refund_quantities(parts=paid_out, quantities={"a": 1})


def test_a_line_of_someone_else_is_unknown() -> None:
    with pytest.raises(UnknownRefundPart):
        refund_quantities(parts=[a_part()], quantities={"b": 1})


def test_a_line_that_was_wholly_promoted_gives_its_promotion_back() -> None:
    part = a_part(quantity=2, promotion_minor=12_000)
    shares = refund_quantities(parts=[part], quantities={"a": 1}).total
    assert (shares.buyer_minor, shares.promotion_minor) == (0, 6000)
    assert shares.seller_minor == 5400


@pytest.mark.case(42)
def test_case_42_each_line_reverses_the_commission_frozen_on_it() -> None:
    first = a_part("first", commission_minor=1000, commission_vat_minor=0)
    second = a_part("second", commission_minor=1500, commission_vat_minor=0)
    plan = refund_quantities(parts=[first, second], quantities={"first": 1})
    assert plan.total.commission_reversed_minor == 1000


def test_policy_decides_what_of_the_commission_goes_back() -> None:
    part = a_part(quantity=3, commission_fixed_minor=250)
    for reversal, commission, vat in ((FULL, 1000, 200), (NONE, 0, 0), (LESS_FIXED, 750, 150)):
        parts, given_back = [part], RefundShares()
        for _ in range(3):
            plan = refund_quantities(parts=parts, quantities={"a": 1}, reversal=reversal)
            parts, given_back = after(parts, plan), given_back + plan.total
        assert given_back == replace(
            whole(part),
            commission_reversed_minor=commission,
            commission_vat_reversed_minor=vat,
        )
        assert given_back.seller_minor == 12_000 - commission - vat


@pytest.mark.case(54)
def test_case_54_ten_units_less_a_quarter_come_back_to_the_penny_in_any_partition() -> None:
    goods = 23_900 - bps_half_up(23_900, 2500)
    line = a_part(
        quantity=10, goods_minor=goods, tax_minor=included_tax(goods, 2000), promotion_minor=0
    )
    assert line.paid_minor == 17_925
    for partition in ([1] * 10, [3, 3, 3, 1], [1, 9], [7, 2, 1], [10]):
        parts, given_back = [line], RefundShares()
        for quantity in partition:
            plan = refund_quantities(parts=parts, quantities={"a": quantity})
            parts, given_back = after(parts, plan), given_back + plan.total
        assert given_back == whole(line)


@st.composite
def refundable_parts(draw: st.DrawFn, key: str = "a") -> RefundablePart:
    base = draw(st.integers(0, 5000))
    tax = draw(st.integers(0, 1000))
    commission = draw(st.integers(0, base))
    included = draw(st.booleans())
    goods = base + tax if included else base
    return RefundablePart(
        key=key,
        quantity=draw(st.integers(1, 7)),
        goods_minor=goods,
        tax_minor=tax,
        tax_included=included,
        promotion_minor=draw(st.integers(0, goods)),
        commission_minor=commission,
        commission_vat_minor=draw(st.integers(0, base - commission)),
        commission_fixed_minor=draw(st.integers(0, 5000)),
        tax_remitted=draw(st.booleans()),
    )


@pytest.mark.case(42)
@pytest.mark.case(54)
@settings(max_examples=400)
@given(first=refundable_parts(), second=refundable_parts(key="b"), data=st.data())
def test_case_42_case_54_refunds_in_any_partition_and_order_give_exactly_the_whole(
    first: RefundablePart, second: RefundablePart, data: st.DataObject
) -> None:
    parts, given_back = [first, second], RefundShares()
    kinds = {part.key: part.tax_included for part in parts}
    remitted = {part.key: part.tax_remitted for part in parts}
    for _ in range(data.draw(st.integers(0, 8), label="steps")):
        plan = _any_refund(parts, data)
        if plan is None:
            break
        for key, shares in plan.parts:
            on_top = 0 if kinds[key] else shares.tax_minor
            assert shares.buyer_minor == shares.goods_minor + on_top - shares.promotion_minor
            assert shares.remitted_minor == (shares.tax_minor if remitted[key] else 0)
            assert shares.seller_minor >= 0
        parts, given_back = after(parts, plan), given_back + plan.total
    if not all(part.is_exhausted and not part.quantity_left for part in parts):
        given_back += refund_all_or_none(parts)
    assert given_back == whole(first) + whole(second)


def refund_all_or_none(parts: list[RefundablePart]) -> RefundShares:
    """What is left, counting units whose money an earlier free amount has given back."""
    try:
        return refund_all_left(parts=parts).total
    except NothingToRefund:
        return RefundShares(quantity=sum(part.quantity_left for part in parts))


def _any_refund(parts: list[RefundablePart], data: st.DataObject) -> RefundPlan | None:
    money_left = sum(part.buyer_left_minor for part in parts)
    part = data.draw(st.sampled_from(parts), label="part")
    if data.draw(st.booleans(), label="by amount") and money_left:
        amount = data.draw(st.integers(1, money_left), label="amount")
        return refund_amount(parts=parts, amount_minor=amount)
    if not part.quantity_left:
        return None
    quantity = data.draw(st.integers(1, part.quantity_left), label="quantity")
    try:
        return refund_quantities(parts=parts, quantities={part.key: quantity})
    except NothingToRefund:
        return None


@given(part=refundable_parts(), steps=st.lists(st.sampled_from(CommissionReversal), max_size=7))
def test_a_change_of_policy_never_overdraws_the_commission(
    part: RefundablePart, steps: list[CommissionReversal]
) -> None:
    parts = [part]
    for reversal in steps[: part.quantity]:
        try:
            plan = refund_quantities(parts=parts, quantities={"a": 1}, reversal=reversal)
        except NothingToRefund:
            break
        shares = plan.total
        assert 0 <= shares.commission_reversed_minor <= shares.commission_minor
        assert 0 <= shares.commission_vat_reversed_minor <= shares.commission_vat_minor
        parts = after(parts, plan)


def test_half_of_what_the_buyer_was_to_get_is_half_of_every_share() -> None:
    shares = refund_all_left(parts=[a_part()]).total
    assert scaled(shares, buyer_minor=5400) == RefundShares(
        buyer_minor=5400,
        promotion_minor=600,
        goods_minor=6000,
        tax_minor=1000,
        commission_minor=500,
        commission_vat_minor=100,
        commission_reversed_minor=500,
        commission_vat_reversed_minor=100,
    )
    assert scaled(shares, buyer_minor=0) == RefundShares()
    for wrong in (-1, 10_801):
        with pytest.raises(ValueError, match="isn't a part"):
            scaled(shares, buyer_minor=wrong)


@given(part=refundable_parts(), reversal=st.sampled_from(CommissionReversal), data=st.data())
def test_no_share_is_scaled_beyond_itself(
    part: RefundablePart, reversal: CommissionReversal, data: st.DataObject
) -> None:
    try:
        shares = refund_all_left(parts=[part], reversal=reversal).total
    except NothingToRefund:
        return
    buyer_minor = data.draw(st.integers(0, shares.buyer_minor))
    small = scaled(shares, buyer_minor=buyer_minor)
    assert small.buyer_minor == buyer_minor
    for name in RefundShares.__dataclass_fields__:
        assert 0 <= getattr(small, name) <= getattr(shares, name), name
    whole_minor = shares.seller_minor
    assert 0 <= small.seller_minor <= whole_minor


def test_a_unit_costs_the_seller_what_a_unit_was_sold_for() -> None:
    """Half a cent of the buyer's and half a cent of the promotion are one cent, not two."""
    part = RefundablePart(
        key="lamp",
        quantity=2,
        goods_minor=11_980,
        tax_minor=1_997,
        tax_included=True,
        promotion_minor=1_797,
        commission_minor=998,
        commission_vat_minor=200,
    )
    once = refund_quantities(parts=[part], quantities={"lamp": 1}).total
    assert (once.buyer_minor, once.promotion_minor, once.goods_minor) == (5_092, 898, 5_990)


@given(part=refundable_parts(), data=st.data())
def test_units_take_their_part_of_the_whole_price_rounded_once(
    part: RefundablePart, data: st.DataObject
) -> None:
    assume(part.quantity_left > 0)
    quantity = data.draw(st.integers(1, part.quantity_left))
    left_minor = part.buyer_left_minor + part.promotion_left_minor
    try:
        shares = refund_quantities(parts=[part], quantities={part.key: quantity}).total
    except NothingToRefund:
        return
    assert shares.buyer_minor + shares.promotion_minor == share(
        left_minor, quantity, part.quantity_left
    )
