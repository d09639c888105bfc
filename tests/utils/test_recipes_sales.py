"""Recipes 1, 2 and 9: what is sold, at the provider or at the door, and what the provider keeps."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.cash_postings import cash_handed_back
from gosellr.utils.postings import (
    GatewayAmount,
    SoldParcel,
    SoldPart,
    provider_fee,
    sale,
    sale_on_delivery,
    settlement,
    stray_capture,
    stray_return,
)
from gosellr.utils.receipts import into_suspense, out_of_suspense
from tests.utils.books import (
    AMOUNTS,
    ANN,
    BOB,
    CURRENCIES,
    GATEWAYS,
    MAYBE,
    ORDER,
    PARCEL,
    REFUND,
    changes,
    moved,
)

HELD = f"stored_value_held:{ORDER}"
# The marketplace's own VAT and tax that it remits may go to the same authority.
REMITTED = st.sampled_from([None, "FR", "DE"])


@st.composite
def parts(draw: st.DrawFn, *, tax_included: bool) -> SoldPart:
    """A line or a delivery whose commission and VAT fit into what it was sold for without tax."""
    base, tax = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**8))
    goods = base + tax if tax_included else base
    commission = draw(st.integers(0, base))
    return SoldPart(
        order_line_id=draw(st.sampled_from([BOB, None])),
        goods_minor=goods,
        tax_minor=tax,
        promotion_minor=draw(st.integers(0, goods)),
        commission_minor=commission,
        commission_vat_minor=draw(st.integers(0, base - commission)),
        remitted_to=draw(REMITTED),
    )


@st.composite
def parcels(draw: st.DrawFn, *, tax_included: bool) -> SoldParcel:
    """A shop's part of an order."""
    return SoldParcel(
        seller_order_id=PARCEL,
        seller_id=draw(st.sampled_from([ANN, BOB])),
        parts=tuple(draw(st.lists(parts(tax_included=tax_included), min_size=1, max_size=4))),
    )


def owed_to_others(parcel: SoldParcel) -> Counter[str]:
    """Commission, VAT on it, and tax that the marketplace remits, by account."""
    found: Counter[str] = Counter()
    for part in parcel.parts:
        found["commission"] += part.commission_minor
        found["tax_payable:DE"] += part.commission_vat_minor
        if part.remitted_to is not None:
            found[f"tax_payable:{part.remitted_to}"] += part.tax_minor
    return found


def price_of(sold: Sequence[SoldParcel], *, tax_included: bool) -> int:
    """What the lines and deliveries cost with their tax, before the marketplace's promotion."""
    lines = [part for parcel in sold for part in parcel.parts]
    return sum(part.goods_minor + (0 if tax_included else part.tax_minor) for part in lines)


def promoted(*sold: SoldParcel) -> int:
    return sum(part.promotion_minor for parcel in sold for part in parcel.parts)


@given(
    currency=CURRENCIES,
    tax_included=st.booleans(),
    gateways=st.lists(GATEWAYS, min_size=1, max_size=2, unique=True),
    stored_bps=st.integers(0, 10_000),
    first_bps=st.integers(0, 10_000),
    data=st.data(),
)
def test_recipe_1_a_sale_gives_each_owner_its_part(
    currency: str,
    tax_included: bool,
    gateways: list[str],
    stored_bps: int,
    first_bps: int,
    data: st.DataObject,
) -> None:
    sold = data.draw(st.lists(parcels(tax_included=tax_included), min_size=1, max_size=4))
    cost = price_of(sold, tax_included=tax_included) - promoted(*sold)
    stored = cost * stored_bps // 10_000
    first = (cost - stored) * first_bps // 10_000 if len(gateways) > 1 else cost - stored
    captured = dict(zip(gateways, (first, cost - stored - first), strict=False))
    draft = sale(
        order_id=ORDER,
        currency=currency,
        tax_included=tax_included,
        captured=[GatewayAmount(gateway=one, amount_minor=captured[one]) for one in captured],
        stored_value_minor=stored,
        parcels=sold,
        commission_vat_jurisdiction="DE",
    )
    owners: Counter[str] = Counter()
    for parcel in sold:
        others = owed_to_others(parcel)
        price = price_of([parcel], tax_included=tax_included)
        owners += others
        # What the marketplace gives as a promotion never lowers what the seller gets.
        owners[f"seller_pending:{parcel.seller_id}"] += price - others.total()
    clearing = {f"gateway_clearing:{one}": minor for one, minor in captured.items()}
    debited = {**clearing, HELD: stored, "promotion_cost": promoted(*sold)}
    assert changes(draft) == moved(currency, debited=debited, credited=owners)


@given(
    currency=CURRENCIES,
    tax_included=st.booleans(),
    stored_bps=st.integers(0, 10_000),
    data=st.data(),
)
def test_recipe_9_who_took_the_cash_owes_what_isn_t_the_sellers(
    currency: str, tax_included: bool, stored_bps: int, data: st.DataObject
) -> None:
    parcel = data.draw(parcels(tax_included=tax_included))
    price = price_of([parcel], tax_included=tax_included)
    stored = (price - promoted(parcel)) * stored_bps // 10_000
    draft = sale_on_delivery(
        order_id=ORDER,
        currency=currency,
        parcel=parcel,
        stored_value_minor=stored,
        commission_vat_jurisdiction="DE",
    )
    others = owed_to_others(parcel)
    seller = parcel.seller_id
    debited = {
        f"seller_receivable:{seller}": others.total(),
        "promotion_cost": promoted(parcel),
        HELD: stored,
    }
    credited = {**others, f"seller_pending:{seller}": promoted(parcel) + stored}
    assert changes(draft) == moved(currency, debited=debited, credited=credited)
    # With the cash in its hands the seller has what a sale at a provider would have brought it.
    cash = price - promoted(parcel) - stored
    its = {f"seller_receivable:{seller}", f"seller_pending:{seller}"}
    given = -sum(minor for (_, account), minor in changes(draft).items() if account in its)
    assert cash + given == price - others.total()


@given(currency=CURRENCIES, gateway=GATEWAYS, fee=AMOUNTS, sent=AMOUNTS)
def test_recipe_2_a_fee_and_a_settlement_empty_the_clearing(
    currency: str, gateway: str, fee: int, sent: int
) -> None:
    kept = provider_fee(gateway=gateway, amount_minor=fee, currency=currency)
    paid = settlement(gateway=gateway, amount_minor=sent, currency=currency)
    clearing = f"gateway_clearing:{gateway}"
    assert changes(kept) == moved(currency, debited={"gateway_fee": fee}, credited={clearing: fee})
    assert changes(paid) == moved(currency, debited={"bank": sent}, credited={clearing: sent})
    taken = stray_capture(gateway=gateway, amount_minor=fee + sent, currency=currency)
    assert changes(taken, kept, paid) == moved(
        currency, debited={"gateway_fee": fee, "bank": sent}, credited={"suspense": fee + sent}
    )


@given(currency=CURRENCIES, gateway=GATEWAYS, amount=AMOUNTS)
def test_money_that_pays_for_nothing_waits_and_goes_back(
    currency: str, gateway: str, amount: int
) -> None:
    taken = stray_capture(gateway=gateway, amount_minor=amount, currency=currency)
    back = stray_return(gateway=gateway, amount_minor=amount, currency=currency)
    clearing = f"gateway_clearing:{gateway}"
    assert changes(taken) == moved(
        currency, debited={clearing: amount}, credited={"suspense": amount}
    )
    assert changes(taken, back) == {}


@given(currency=CURRENCIES, amount=AMOUNTS)
def test_a_transfer_that_nobody_knows_waits_and_leaves_nothing(currency: str, amount: int) -> None:
    come = into_suspense(amount_minor=amount, currency=currency)
    gone = out_of_suspense(amount_minor=amount, currency=currency)
    assert changes(come) == moved(
        currency,
        debited={"gateway_clearing:bank_transfer": amount},
        credited={"suspense": amount},
    )
    assert changes(come, gone) == {}


@given(currency=CURRENCIES, amount=AMOUNTS, owed=st.integers(-(10**12), 10**12))
def test_recipe_9_turned_round_cash_handed_back_settles_a_debt_first(
    currency: str, amount: int, owed: int
) -> None:
    draft = cash_handed_back(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        gateway="cash_on_delivery",
        amount_minor=amount,
        owed_minor=owed,
        currency=currency,
    )
    settled = 0 if owed < 0 else min(owed, amount)
    assert changes(draft) == moved(
        currency,
        debited={"refund_in_transit:cash_on_delivery": amount},
        credited={
            f"seller_receivable:{ANN}": settled,
            f"seller_available:{ANN}": amount - settled,
        },
    )


@given(currency=CURRENCIES, amount=MAYBE)
def test_nothing_is_booked_of_nothing(currency: str, amount: int) -> None:
    for recipe in (provider_fee, settlement, stray_capture, stray_return):
        draft = recipe(gateway="sandbox", amount_minor=amount, currency=currency)
        assert bool(draft.entries) is bool(amount)
