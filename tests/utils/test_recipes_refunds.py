"""Recipe 4: what is given back in any pieces is what was sold, and each gives its own part."""

from dataclasses import dataclass, replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from gosellr.utils.ledger import TransactionDraft
from gosellr.utils.postings import (
    GatewayAmount,
    SoldParcel,
    SoldPart,
    goodwill_refund_intent,
    refund_confirmed,
    refund_failed,
    refund_intent,
    sale,
    seller_sources,
)
from gosellr.utils.refunds import (
    SHIPPING_KEY,
    CommissionReversal,
    NothingToRefund,
    RefundablePart,
    RefundPlan,
    RefundShares,
    refund_all_left,
    refund_amount,
    refund_quantities,
)
from tests.utils.books import (
    AMOUNTS,
    ANN,
    BUYER,
    CURRENCIES,
    GATEWAYS,
    ORDER,
    PARCEL,
    REFUND,
    changes,
    moved,
)

FIRST, SECOND = UUID(int=21), UUID(int=22)
POTS = st.integers(-5, 10**7)
REMITTED = st.sampled_from([None, "FR", "DE"])
SELLER_POTS = tuple(
    f"{pot}:{ANN}"
    for pot in ("seller_pending", "seller_available", "seller_reserve", "seller_receivable")
)


def line_of(key: UUID | str) -> UUID | None:
    """The line that a part is; None for the delivery."""
    return key if isinstance(key, UUID) else None


@dataclass(frozen=True)
class Sold:
    """A shop's part of an order that was paid: its money, and its refunds so far."""

    currency: str
    gateway: str
    tax_included: bool
    remitted_to: dict[UUID | None, str]
    parts: tuple[RefundablePart, ...]

    def draft(self) -> TransactionDraft:
        """Recipe 1."""
        sold = tuple(
            SoldPart(
                order_line_id=line_of(part.key),
                goods_minor=part.goods_minor,
                tax_minor=part.tax_minor,
                promotion_minor=part.promotion_minor,
                commission_minor=part.commission_minor,
                commission_vat_minor=part.commission_vat_minor,
                remitted_to=self.remitted_to.get(line_of(part.key)),
            )
            for part in self.parts
        )
        parcel = SoldParcel(seller_order_id=PARCEL, seller_id=ANN, parts=sold)
        paid = sum(
            part.goods_minor - part.promotion_minor + (0 if self.tax_included else part.tax_minor)
            for part in self.parts
        )
        return sale(
            order_id=ORDER,
            currency=self.currency,
            tax_included=self.tax_included,
            captured=[GatewayAmount(gateway=self.gateway, amount_minor=paid)],
            parcels=[parcel],
            commission_vat_jurisdiction="DE",
        )


@st.composite
def parts(
    draw: st.DrawFn, key: UUID | str, *, tax_included: bool, tax_remitted: bool
) -> RefundablePart:
    base, tax = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**5))
    goods = base + tax if tax_included else base
    commission = draw(st.integers(0, base))
    return RefundablePart(
        key=key,
        quantity=1 if key == SHIPPING_KEY else draw(st.integers(1, 5)),
        goods_minor=goods,
        tax_minor=tax,
        tax_included=tax_included,
        tax_remitted=tax_remitted,
        promotion_minor=draw(st.integers(0, goods)),
        commission_minor=commission,
        commission_vat_minor=draw(st.integers(0, base - commission)),
        commission_fixed_minor=draw(st.integers(0, 10**6)),
    )


@st.composite
def sales(draw: st.DrawFn) -> Sold:
    tax_included = draw(st.booleans())
    keys: list[UUID | str] = [FIRST, SECOND, SHIPPING_KEY]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3, unique=True))
    drawn = {line_of(key): draw(REMITTED) for key in chosen}
    remitted_to = {line: where for line, where in drawn.items() if where is not None}
    return Sold(
        currency=draw(CURRENCIES),
        gateway=draw(GATEWAYS),
        tax_included=tax_included,
        remitted_to=remitted_to,
        parts=tuple(
            draw(parts(key, tax_included=tax_included, tax_remitted=line_of(key) in remitted_to))
            for key in chosen
        ),
    )


def intent_of(sold: Sold, plan: RefundPlan, pots: tuple[int, int, int, int]) -> TransactionDraft:
    """Recipe 4's first step, out of pots that hold so much."""
    total = plan.total
    owed = total.seller_minor
    case, pending, available, reserve = pots
    return refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency=sold.currency,
        parts=[(line_of(key), shares) for key, shares in plan.parts],
        sources=seller_sources(
            owed,
            case_reserve_minor=case,
            pending_minor=pending,
            available_minor=available,
            reserve_minor=reserve,
        ),
        through=[GatewayAmount(gateway=sold.gateway, amount_minor=total.buyer_minor)],
        commission_vat_jurisdiction="DE",
        remitted_to=sold.remitted_to,
    )


def confirmed(sold: Sold, plan: RefundPlan) -> TransactionDraft:
    """Its second."""
    return refund_confirmed(
        refund_id=REFUND,
        gateway=sold.gateway,
        amount_minor=plan.total.buyer_minor,
        currency=sold.currency,
        seller_order_id=PARCEL,
    )


def down_the_pots(owed: int, pots: tuple[int, int, int, int]) -> dict[str, int]:
    """The case's reserve, pending, available, the other reserve; then a debt."""
    taken = []
    for pot in pots:
        taken.append(min(max(pot, 0), owed))
        owed -= taken[-1]
    case, pending, available, reserve = taken
    return dict(zip(SELLER_POTS, (pending, available, case + reserve, owed), strict=True))


def given_back(
    sold: Sold, plan: RefundPlan, pots: tuple[int, int, int, int]
) -> dict[tuple[str, str], int]:
    """What the first step has to change: each gives what it got of these shares."""
    total = plan.total
    debits = {"commission": total.commission_reversed_minor, "tax_payable:FR": 0}
    debits["tax_payable:DE"] = total.commission_vat_reversed_minor
    for key, shares in plan.parts:
        if line_of(key) in sold.remitted_to:
            debits[f"tax_payable:{sold.remitted_to[line_of(key)]}"] += shares.tax_minor
    back = total.buyer_minor + total.promotion_minor
    debits |= down_the_pots(back - sum(debits.values()), pots)
    return moved(
        sold.currency,
        debited=debits,
        credited={
            "promotion_cost": total.promotion_minor,
            f"refund_in_transit:{sold.gateway}": total.buyer_minor,
        },
    )


def after(sold: Sold, plan: RefundPlan) -> Sold:
    done = dict(plan.parts)
    return replace(
        sold,
        parts=tuple(
            replace(part, refunded=part.refunded + done.get(part.key, RefundShares()))
            for part in sold.parts
        ),
    )


def any_refund(sold: Sold, reversal: CommissionReversal, data: st.DataObject) -> RefundPlan | None:
    """Units of a part, or a free amount over all."""
    left = sum(part.buyer_left_minor for part in sold.parts)
    if left and data.draw(st.booleans(), label="by amount"):
        amount = data.draw(st.integers(1, left), label="amount")
        return refund_amount(parts=sold.parts, amount_minor=amount, reversal=reversal)
    part = data.draw(st.sampled_from(sold.parts), label="part")
    if not part.quantity_left:
        return None
    units = data.draw(st.integers(1, part.quantity_left), label="units")
    try:
        return refund_quantities(parts=sold.parts, quantities={part.key: units}, reversal=reversal)
    except NothingToRefund:
        return None


def all_left(sold: Sold, reversal: CommissionReversal) -> RefundPlan | None:
    try:
        return refund_all_left(parts=sold.parts, reversal=reversal)
    except NothingToRefund:
        return None


def kept_commission(part: RefundablePart, reversal: CommissionReversal) -> int:
    """What of its commission the marketplace keeps when all is given back."""
    match reversal:
        case CommissionReversal.FULL:
            return 0
        case CommissionReversal.NONE:
            return part.commission_minor
        case CommissionReversal.FULL_LESS_FIXED:
            return min(part.commission_minor, part.commission_fixed_minor)


def kept_vat(part: RefundablePart, reversal: CommissionReversal) -> int:
    """VAT on it in proportion, half a unit up."""
    kept = kept_commission(part, reversal)
    if not kept:
        return 0
    doubled = 2 * part.commission_vat_minor * kept + part.commission_minor
    return doubled // (2 * part.commission_minor)


@settings(max_examples=200)
@given(
    sold=sales(),
    pots=st.tuples(POTS, POTS, POTS, POTS),
    reversal=st.sampled_from(CommissionReversal),
    steps=st.integers(0, 5),
    data=st.data(),
)
def test_recipe_4_refunds_in_any_pieces_undo_the_sale(
    sold: Sold,
    pots: tuple[int, int, int, int],
    reversal: CommissionReversal,
    steps: int,
    data: st.DataObject,
) -> None:
    drafts, now = [sold.draft()], sold
    for step in range(steps + 1):
        plan = any_refund(now, reversal, data) if step < steps else all_left(now, reversal)
        if plan is None:
            continue
        intent = intent_of(sold, plan, pots)
        assert changes(intent) == given_back(sold, plan, pots)
        assert changes(intent, refund_failed(intent.entries)) == {}
        drafts += intent, confirmed(sold, plan)
        now = after(now, plan)
    kept = sum(kept_commission(part, reversal) for part in sold.parts)
    vat = sum(kept_vat(part, reversal) for part in sold.parts)
    whole = changes(*drafts)
    # Out of whichever pots, the seller has given just what it had got, and what wasn't given back.
    assert sum(whole.pop((sold.currency, pot), 0) for pot in SELLER_POTS) == kept + vat
    assert whole == moved(
        sold.currency, debited={}, credited={"commission": kept, "tax_payable:DE": vat}
    )


@given(sold=sales(), goodwill_bps=st.integers(0, 10_000), data=st.data())
def test_recipe_4_earlier_goodwill_returns_to_the_marketplace(
    sold: Sold, goodwill_bps: int, data: st.DataObject
) -> None:
    """What reached the buyer as goodwill isn't given twice: the seller gives it all the same."""
    plan = all_left(sold, CommissionReversal.FULL)
    if plan is None:
        return
    goodwill = plan.total.buyer_minor * goodwill_bps // 10_000
    rest = plan.total.buyer_minor - goodwill
    to_credit = data.draw(st.booleans(), label="to store credit")
    owed = plan.total.seller_minor
    intent = refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency=sold.currency,
        parts=[(line_of(key), shares) for key, shares in plan.parts],
        sources=seller_sources(owed, pending_minor=owed),
        through=[GatewayAmount(gateway=sold.gateway, amount_minor=rest)],
        commission_vat_jurisdiction="DE",
        remitted_to=sold.remitted_to,
        goodwill_returned_minor=goodwill,
    )
    drafts = [sold.draft(), intent]
    account = f"store_credit:{BUYER}" if to_credit else None
    if rest:
        drafts.append(
            refund_confirmed(
                refund_id=REFUND,
                gateway=sold.gateway,
                amount_minor=rest,
                currency=sold.currency,
                seller_order_id=PARCEL,
                credited=account,
            )
        )
    clearing = f"gateway_clearing:{sold.gateway}"
    assert changes(*drafts) == moved(
        sold.currency,
        debited={clearing: plan.total.buyer_minor},
        credited={"goodwill_cost": goodwill, account or clearing: rest},
    )


@given(
    currency=CURRENCIES,
    shares=st.dictionaries(GATEWAYS, AMOUNTS, min_size=1),
    parcel=st.sampled_from([PARCEL, None]),
)
def test_recipe_4_goodwill_is_the_marketplaces_and_no_sellers(
    currency: str, shares: dict[str, int], parcel: UUID | None
) -> None:
    intent = goodwill_refund_intent(
        refund_id=REFUND,
        seller_order_id=parcel,
        currency=currency,
        through=[GatewayAmount(gateway=one, amount_minor=shares[one]) for one in shares],
    )
    assert changes(intent) == moved(
        currency,
        debited={"goodwill_cost": sum(shares.values())},
        credited={f"refund_in_transit:{one}": minor for one, minor in shares.items()},
    )
    assert changes(intent, refund_failed(intent.entries)) == {}
    paid = [
        refund_confirmed(refund_id=REFUND, gateway=one, amount_minor=minor, currency=currency)
        for one, minor in shares.items()
    ]
    assert changes(intent, *paid) == moved(
        currency,
        debited={"goodwill_cost": sum(shares.values())},
        credited={f"gateway_clearing:{one}": minor for one, minor in shares.items()},
    )
