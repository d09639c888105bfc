from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.explanations import explain
from gosellr.utils.ledger import gift_card, store_credit
from gosellr.utils.stored_value import (
    CODE_ALPHABET,
    CODE_LENGTH,
    NotEnoughValue,
    PartWish,
    TenderMismatch,
    divide_total,
    normal_code,
    readable_code,
)
from gosellr.utils.value_postings import gift_card_issued, store_credit_granted

CODE = "7K3MQ9XD42HBTW8R"
AMOUNT = st.integers(1, 10**12)


def stored(available_minor: int, amount_minor: int | None = None) -> PartWish:
    return PartWish(amount_minor=amount_minor, available_minor=available_minor)


def gateway(amount_minor: int | None = None) -> PartWish:
    return PartWish(amount_minor=amount_minor)


@pytest.mark.parametrize(
    "typed", [CODE, "7k3m-q9xd-42hb-tw8r", " 7K3M Q9XD 42HB TW8R ", "7K3M-Q9XD42HB-TW8R"]
)
def test_a_code_is_known_however_it_is_typed(typed: str) -> None:
    assert normal_code(typed) == CODE


def test_what_is_misread_is_read_right() -> None:
    assert normal_code("OIL0-1111-1111-1111") == "0110111111111111"


@pytest.mark.parametrize(
    "typed", ["", "7K3M", CODE + "7", "7K3M-Q9XD-42HB-TW8U", "ß" * 16, "٣" * 16]
)
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert normal_code(typed) is None


@given(st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH))
def test_a_code_as_shown_is_the_code(code: str) -> None:
    shown = readable_code(code)
    assert len(shown) == 19
    assert normal_code(shown) == normal_code(shown.lower()) == code


@given(st.text(max_size=40))
def test_anything_typed_is_a_code_or_none(typed: str) -> None:
    code = normal_code(typed)
    assert code is None or normal_code(code) == code


@pytest.mark.parametrize(
    ("wishes", "given_minor"),
    [
        ([gateway()], [5000]),
        ([gateway(5000)], [5000]),
        ([stored(9000)], [5000]),
        ([stored(5000)], [5000]),
        ([stored(2000), gateway()], [2000, 3000]),
        ([stored(9000), gateway()], [5000, 0]),
        ([stored(2000, 1500), gateway()], [1500, 3500]),
        ([stored(2000, 1500), gateway(3500)], [1500, 3500]),
        ([stored(2000), stored(1000), gateway()], [2000, 1000, 2000]),
        ([stored(5000), stored(1000), gateway()], [5000, 0, 0]),
        ([stored(2000), stored(3000)], [2000, 3000]),
        ([stored(1000, 1000), stored(9000)], [1000, 4000]),
    ],
)
def test_a_total_of_5000_divided(wishes: list[PartWish], given_minor: list[int]) -> None:
    assert divide_total(5000, wishes) == given_minor


@pytest.mark.parametrize(
    "wishes",
    [
        [gateway(4999)],
        [gateway(5001)],
        [stored(9000, 5001)],
        [stored(9000, 2000), gateway(2999)],
        [stored(9000, 2000), gateway(3001)],
        [stored(9000, 5000), gateway()],
        [stored(9000, 5000), stored(9000)],
        [gateway(), gateway()],
        [gateway(6000), stored(9000)],
        [],
    ],
)
def test_amounts_that_are_no_division(wishes: list[PartWish]) -> None:
    with pytest.raises(TenderMismatch):
        divide_total(5000, wishes)


@pytest.mark.parametrize(
    ("wishes", "index"),
    [
        ([stored(4999)], 0),
        ([stored(0), gateway()], 0),
        ([stored(100), stored(0), gateway()], 1),
        ([stored(100, 101), gateway()], 0),
        ([stored(2000), stored(2999)], 1),
        ([gateway(1000), stored(3999)], 1),
    ],
)
def test_value_that_isnt_there(wishes: list[PartWish], index: int) -> None:
    with pytest.raises(NotEnoughValue) as refusal:
        divide_total(5000, wishes)
    assert refusal.value.index == index


@given(
    AMOUNT,
    st.lists(st.tuples(st.integers(0, 10**12), st.none() | AMOUNT), max_size=6),
    st.none() | st.just("rest") | AMOUNT,
)
def test_any_division_sums_to_the_total_and_takes_no_more_than_there_is(
    total_minor: int, held: list[tuple[int, int | None]], rest: int | str | None
) -> None:
    wishes = [stored(available, amount) for available, amount in held]
    if rest is not None:
        wishes.append(gateway(None if isinstance(rest, str) else rest))
    try:
        parts = divide_total(total_minor, wishes)
    except (TenderMismatch, NotEnoughValue):
        return
    assert sum(parts) == total_minor
    for part, wish in zip(parts, wishes, strict=True):
        assert part >= 0
        assert wish.amount_minor in (None, part)
        assert wish.available_minor is None or part <= wish.available_minor


@given(AMOUNT, st.lists(st.integers(1, 10**12), max_size=6))
def test_beside_a_gateway_any_value_divides(total_minor: int, held: list[int]) -> None:
    """Whatever cards hold, the gateway takes exactly what they can't pay."""
    parts = divide_total(total_minor, [*(stored(one) for one in held), gateway()])
    assert sum(parts) == total_minor
    assert parts[-1] == max(0, total_minor - sum(held))


@pytest.mark.parametrize(
    ("currency", "said"), [("JPY", "500 JPY"), ("USD", "5.00 USD"), ("KWD", "0.500 KWD")]
)
def test_value_given_away_is_the_markets_cost(currency: str, said: str) -> None:
    owner = UUID(int=7)
    card = gift_card_issued(card_id=owner, amount_minor=500, currency=currency)
    credit = store_credit_granted(user_id=owner, amount_minor=500, currency=currency)
    for draft, account in ((card, gift_card(owner)), (credit, store_credit(owner))):
        assert [(one.account, one.signed_minor, one.currency) for one in draft.entries] == [
            ("promotion_cost", 500, currency),
            (account, -500, currency),
        ]
        assert said in explain(draft.kind, draft.entries)
    assert "gift card" in explain(card.kind, card.entries)
    assert "store credit" in explain(credit.kind, credit.entries)
