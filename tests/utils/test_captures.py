"""Money taken piece by piece: whatever is shipped or called off, in any order, it sums exactly."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.captures import (
    NotEnoughSetAside,
    SetAside,
    ShareOrigin,
    Watch,
    origin_of_share,
    watch,
)
from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.payment_plan import Attempt, next_asks, paying, to_return
from gosellr.utils.postings import GatewayAmount, SoldParcel, SoldPart, sale
from gosellr.utils.states import PaymentStatus

ROOM = UUID(int=11)
ORDER = UUID(int=12)
UNTIL = datetime(2026, 3, 9, 9, tzinfo=UTC)
P = PaymentStatus


def an_id(name: object) -> UUID:
    return uuid5(ROOM, str(name))


@st.composite
def parcels(draw: st.DrawFn) -> list[SoldParcel]:
    """Seller orders of up to three parts each: any goods, tax, promotion and commission."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        parts = []
        for line in range(draw(st.integers(1, 3))):
            goods = draw(st.integers(0, 10**9))
            promotion = draw(st.integers(0, goods))
            commission = draw(st.integers(0, goods))
            parts.append(
                SoldPart(
                    order_line_id=an_id((number, line)),
                    goods_minor=goods,
                    tax_minor=draw(st.integers(0, goods)),
                    promotion_minor=promotion,
                    commission_minor=commission,
                    commission_vat_minor=draw(st.integers(0, goods - commission)),
                )
            )
        made.append(
            SoldParcel(
                seller_order_id=an_id(number), seller_id=an_id(("of", number)), parts=tuple(parts)
            )
        )
    return made


def due_minor(parcel: SoldParcel, *, tax_included: bool) -> int:
    """What a seller order costs its buyer."""
    return sum(
        part.goods_minor - part.promotion_minor + (0 if tax_included else part.tax_minor)
        for part in parcel.parts
    )


def sold(
    several: list[SoldParcel], origin: ShareOrigin, *, currency: str, tax_included: bool
) -> TransactionDraft:
    return sale(
        order_id=ORDER,
        currency=currency,
        tax_included=tax_included,
        captured=[GatewayAmount(gateway="sandbox", amount_minor=origin.gateway_minor)],
        stored_value_minor=origin.stored_minor,
        parcels=several,
        commission_vat_jurisdiction="market",
    )


def entries(drafts: list[TransactionDraft]) -> Counter[tuple[object, ...]]:
    counted: Counter[tuple[object, ...]] = Counter()
    for draft in drafts:
        for entry in draft.entries:
            key = (entry.account, entry.direction, entry.seller_order_id, entry.order_line_id)
            counted[key] += entry.amount_minor
    return counted


@given(
    several=parcels(),
    currency=st.sampled_from(("JPY", "USD", "KWD")),
    tax_included=st.booleans(),
    data=st.data(),
)
def test_any_partition_into_captures_and_cancels_sums_exactly(
    several: list[SoldParcel], currency: str, *, tax_included: bool, data: st.DataObject
) -> None:
    shares = [due_minor(one, tax_included=tax_included) for one in several]
    total = sum(shares)
    drawn = data.draw(st.lists(st.integers(0, total), max_size=3))
    values = [minor // max(1, len(drawn)) for minor in drawn]
    used = {an_id(("value", number)): 0 for number in range(len(values))} | {an_id("bank"): 0}

    def aside() -> list[SetAside]:
        amounts = [*values, total - sum(values)]
        return [
            SetAside(payment_id=name, amount_minor=amount, used_minor=used[name])
            for name, amount in zip(used, amounts, strict=True)
        ]

    order = data.draw(st.permutations(range(len(several))))
    shipped = [index for index in order if data.draw(st.booleans())]
    drafts = []
    for index in shipped:
        *stored, gateway = aside()
        origin = origin_of_share(shares[index], stored=stored, gateway=gateway)
        assert origin.gateway_minor + origin.stored_minor == shares[index]
        # Value pays first: while any is left, no bank is asked.
        assert not origin.gateway_minor or all(
            one.left_minor == origin.stored.get(one.payment_id, 0) for one in stored
        )
        used[gateway.payment_id] += origin.gateway_minor
        for name, minor in origin.stored.items():
            used[name] += minor
        drafts.append(sold([several[index]], origin, currency=currency, tax_included=tax_included))
    assert all(one.left_minor >= 0 for one in aside())
    assert sum(used.values()) == sum(shares[index] for index in shipped)
    # What the books have of all captures is what one sale of the same parts would have made.
    taken = ShareOrigin(
        gateway_minor=used[an_id("bank")],
        stored={name: minor for name, minor in used.items() if name != an_id("bank")},
    )
    at_once = sold(
        [several[index] for index in shipped], taken, currency=currency, tax_included=tax_included
    )
    assert entries(drafts) == entries([at_once])


def test_more_than_is_set_aside_is_never_promised() -> None:
    bank = SetAside(payment_id=ROOM, amount_minor=100, used_minor=40)
    assert origin_of_share(60, stored=[], gateway=bank).gateway_minor == 60
    for share_minor in (61, -1):
        with pytest.raises(NotEnoughSetAside):
            origin_of_share(share_minor, stored=[], gateway=bank)
    with pytest.raises(NotEnoughSetAside):
        origin_of_share(1, stored=[], gateway=None)


@pytest.mark.parametrize(
    ("days", "asked_for"),
    [(7, Watch.NOTHING), (2, Watch.WARN), (1, Watch.WARN), (0, Watch.END), (-1, Watch.END)],
)
def test_two_days_before_its_end_somebody_is_warned(days: int, asked_for: Watch) -> None:
    assert watch(authorized_until=UNTIL, now=UNTIL - timedelta(days=days)) is asked_for


def attempt(status: P, *, secured: bool = False, number: int = 1) -> Attempt:
    return Attempt(
        id=an_id(number),
        amount_minor=100,
        status=status,
        tender=number,
        secures=frozenset({P.AUTHORIZED, P.CAPTURED}) if secured else frozenset({P.AUTHORIZED}),
    )


def asked(*attempts: Attempt, wanted: bool = True, **more: object) -> list[str]:
    asks = next_asks(wanted=wanted, total_minor=100, attempts=attempts, **more)  # type: ignore[arg-type]
    return [one.kind.value for one in asks]


def test_what_is_taken_later_is_authorised_and_left_alone() -> None:
    new = attempt(P.CREATED)
    assert asked(new, fresh=[new.id]) == ["authorize"]
    held = attempt(P.AUTHORIZED)
    assert asked(held) == []
    assert paying(total_minor=100, attempts=[held]) == (held,)
    standing = attempt(P.AUTHORIZED, secured=True)
    assert asked(standing) == []
    assert asked(standing, reported=[standing.id]) == ["lookup"]
    assert asked(standing, rest_wanted=False) == ["void"]
    assert asked(standing, wanted=False) == ["void"]
    # A second one that comes to life is called back; the one that stands is not.
    assert asked(standing, attempt(P.AUTHORIZED, number=2)) == ["void"]


def test_a_gateway_that_takes_before_it_may_gives_it_back() -> None:
    early = Attempt(
        id=an_id(1), amount_minor=100, status=P.CAPTURED, captured_minor=100,
        secures=frozenset({P.AUTHORIZED}),
    )  # fmt: skip
    assert paying(total_minor=100, attempts=[early]) is None
    assert to_return(wanted=True, total_minor=100, attempts=[early]) == [early]
    taken = attempt(P.CAPTURED, secured=True)
    assert to_return(wanted=True, total_minor=100, attempts=[taken]) == []
