"""Recipes 7 and 8: what is frozen for a case, taken by a bank, and given to whom it belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.dispute_postings import (
    FeeShare,
    Pots,
    chargeback_borne,
    chargeback_fee,
    chargeback_fee_returned,
    chargeback_lost,
    chargeback_opened,
    chargeback_won,
    dispute_frozen,
    dispute_released,
)
from gosellr.utils.ledger import Unbalanced
from gosellr.utils.postings import GatewayAmount, refund_intent, seller_sources
from gosellr.utils.refunds import RefundShares
from tests.utils.books import (
    AMOUNTS,
    ANN,
    BOB,
    CURRENCIES,
    GATEWAYS,
    MAYBE,
    PARCEL,
    REFUND,
    changes,
    moved,
)

PENDING, AVAILABLE = f"seller_pending:{ANN}", f"seller_available:{ANN}"
RESERVE, RECEIVABLE = f"seller_reserve:{ANN}", f"seller_receivable:{ANN}"
BPS = st.integers(0, 10_000)
POTS = st.builds(
    Pots, pending_minor=MAYBE, available_minor=MAYBE, reserve_minor=MAYBE, receivable_minor=MAYBE
)


@given(currency=CURRENCIES, pots=POTS)
def test_recipe_8_what_is_frozen_and_released_has_never_moved(currency: str, pots: Pots) -> None:
    frozen = dispute_frozen(seller_order_id=PARCEL, seller_id=ANN, currency=currency, pots=pots)
    # What a rule keeps back stands in the reserve already.
    into = pots.pending_minor + pots.available_minor + pots.receivable_minor
    sources = {
        PENDING: pots.pending_minor,
        AVAILABLE: pots.available_minor,
        RECEIVABLE: pots.receivable_minor,
    }
    assert changes(frozen) == moved(currency, debited=sources, credited={RESERVE: into})
    back = dispute_released(seller_order_id=PARCEL, seller_id=ANN, currency=currency, pots=pots)
    assert changes(frozen, back) == {}
    for draft in (frozen, back):
        assert {entry.seller_order_id for entry in draft.entries} <= {PARCEL}


def shares_of(fee: int, ann_bps: int, bob_bps: int) -> list[FeeShare]:
    by_ann = fee * ann_bps // 10_000
    by_bob = (fee - by_ann) * bob_bps // 10_000
    return [
        FeeShare(seller_id=seller, seller_order_id=PARCEL, amount_minor=minor)
        for seller, minor in ((ANN, by_ann), (BOB, by_bob))
    ]


@given(currency=CURRENCIES, gateway=GATEWAYS, amount=AMOUNTS, fee=MAYBE, ann=BPS, bob=BPS)
def test_recipe_7_a_bank_takes_and_gives_back_all_but_its_fee(
    currency: str, gateway: str, amount: int, fee: int, ann: int, bob: int
) -> None:
    shares = shares_of(fee, ann, bob)
    opened = chargeback_opened(
        gateway=gateway, amount_minor=amount, currency=currency, fee_minor=fee, fee_shares=shares
    )
    taken, clearing = f"dispute_receivable:{gateway}", f"gateway_clearing:{gateway}"
    borne = {f"seller_receivable:{one.seller_id}": one.amount_minor for one in shares}
    borne["gateway_fee"] = fee - sum(borne.values())
    assert changes(opened) == moved(
        currency, debited={taken: amount, **borne}, credited={clearing: amount + fee}
    )
    won = chargeback_won(gateway=gateway, amount_minor=amount, currency=currency)
    assert changes(opened, won) == moved(currency, debited=borne, credited={clearing: fee})
    # A fee that is told later is borne as one that was told at once.
    plain = chargeback_opened(gateway=gateway, amount_minor=amount, currency=currency)
    later = chargeback_fee(gateway=gateway, amount_minor=fee, currency=currency, shares=shares)
    assert changes(plain, later) == changes(opened)


@given(
    currency=CURRENCIES, gateway=GATEWAYS, fee=AMOUNTS, ann=BPS, bob=BPS,
    owed=st.integers(-5, 10**12),
)  # fmt: skip
def test_recipe_7_a_fee_that_comes_back_comes_to_whoever_bore_it(
    currency: str, gateway: str, fee: int, ann: int, bob: int, owed: int
) -> None:
    shares = shares_of(fee, ann, bob)
    by_ann, by_bob = (one.amount_minor for one in shares)
    taken = chargeback_fee(gateway=gateway, amount_minor=fee, currency=currency, shares=shares)
    back = chargeback_fee_returned(
        gateway=gateway, amount_minor=fee, currency=currency, shares=shares, owed_minor={ANN: owed}
    )
    # Bob owes nothing any more, Ann as much as is left of her debts.
    forgiven = min(by_ann, max(owed, 0))
    assert changes(back) == moved(
        currency,
        debited={f"gateway_clearing:{gateway}": fee},
        credited={
            "gateway_fee": fee - by_ann - by_bob,
            RECEIVABLE: forgiven,
            AVAILABLE: by_ann - forgiven,
            f"seller_available:{BOB}": by_bob,
        },
    )
    assert changes(taken, back) == moved(
        currency,
        debited={RECEIVABLE: by_ann - forgiven, f"seller_receivable:{BOB}": by_bob},
        credited={AVAILABLE: by_ann - forgiven, f"seller_available:{BOB}": by_bob},
    )


@given(currency=CURRENCIES, gateway=GATEWAYS, buyer=AMOUNTS, promotion=MAYBE, excess=MAYBE, cut=BPS)
def test_recipe_7_a_lost_chargeback_is_a_refund_that_the_bank_has_made(
    currency: str, gateway: str, buyer: int, promotion: int, excess: int, cut: int
) -> None:
    commission = (buyer + promotion) * cut // 10_000
    shares = RefundShares(
        quantity=1,
        buyer_minor=buyer,
        promotion_minor=promotion,
        commission_minor=commission,
        commission_reversed_minor=commission,
    )
    owed = buyer + promotion - commission
    intent = refund_intent(
        refund_id=REFUND,
        seller_order_id=PARCEL,
        seller_id=ANN,
        currency=currency,
        parts=[(None, shares)],
        sources=seller_sources(owed, case_reserve_minor=owed),
        through=[GatewayAmount(gateway=gateway, amount_minor=buyer)],
        commission_vat_jurisdiction="DE",
    )
    taken, clearing = f"dispute_receivable:{gateway}", f"gateway_clearing:{gateway}"
    lost = chargeback_lost(intent, gateway=gateway)
    assert changes(lost) == moved(
        currency,
        debited={RESERVE: owed, "commission": commission},
        credited={"promotion_cost": promotion, taken: buyer},
    )
    borne = chargeback_borne(gateway=gateway, amount_minor=excess, currency=currency)
    assert changes(borne) == moved(
        currency, debited={"chargeback_loss": excess}, credited={taken: excess}
    )
    # What had paid for nothing, and waits, makes its part of it good.
    waited = excess * cut // 10_000
    in_vain = chargeback_borne(
        gateway=gateway, amount_minor=excess, currency=currency, suspended_minor=waited
    )
    assert changes(in_vain) == moved(
        currency,
        debited={"suspense": waited, "chargeback_loss": excess - waited},
        credited={taken: excess},
    )
    with pytest.raises(Unbalanced):
        chargeback_borne(
            gateway=gateway, amount_minor=excess, currency=currency, suspended_minor=excess + 1
        )
    frozen = dispute_frozen(
        seller_order_id=PARCEL, seller_id=ANN, currency=currency, pots=Pots(pending_minor=owed)
    )
    opened = chargeback_opened(gateway=gateway, amount_minor=buyer + excess, currency=currency)
    assert changes(opened, frozen, lost, borne) == moved(
        currency,
        debited={PENDING: owed, "commission": commission, "chargeback_loss": excess},
        credited={"promotion_cost": promotion, clearing: buyer + excess},
    )
