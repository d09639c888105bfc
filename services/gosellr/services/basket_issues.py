"""What the buyer should know about a basket before paying, in words and as facts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Any
from uuid import UUID

from gosellr.queries.offers import Offer
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.promotions import CouponOutcome, CouponRefusal
from gosellr.utils.shipping import ShippingOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something the buyer should know before paying; `blocks` means it can't be paid like this."""

    code: str
    message: str
    blocks: bool
    item_id: UUID | None = None
    seller_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def found(
    *,
    sellable: Sequence[Offer],
    unavailable: Sequence[Offer],
    currency: str,
    options: Mapping[UUID, Sequence[ShippingOption]] | None,
    choices: Mapping[str, str],
    coupon_codes: Sequence[str],
    coupons: Collection[str],
    outcomes: Sequence[CouponOutcome],
) -> list[Issue]:
    """Everything amiss with a basket, goods first.

    `options` is None where nobody knows yet where it goes; `coupons` are the lower-cased codes
    that are valid at all, `outcomes` what they did.
    """
    return [
        *(_unavailable_issue(offer, currency) for offer in unavailable),
        *_line_issues(sellable, currency),
        *([] if options is None else _delivery_issues(sellable, options, choices)),
        *_coupon_issues(coupon_codes, coupons, outcomes),
    ]


def _unavailable_issue(offer: Offer, currency: str) -> Issue:
    if offer.buyable:
        return Issue(
            code="no_price_in_currency",
            message=f"{offer.title} has no price in {currency}",
            blocks=True,
            item_id=offer.key,
        )
    return Issue(
        code="unavailable",
        message=f"{offer.title} is no longer on sale",
        blocks=True,
        item_id=offer.key,
    )


def _line_issues(offers: Sequence[Offer], currency: str) -> list[Issue]:
    issues = []
    for offer in offers:
        if offer.available < offer.quantity:
            issues.append(
                Issue(
                    code="out_of_stock" if offer.available <= 0 else "insufficient_stock",
                    message=f"{offer.title} is sold out"
                    if offer.available <= 0
                    else f"Only {offer.available} of {offer.title} are left",
                    blocks=True,
                    item_id=offer.key,
                    facts={"available": max(0, offer.available)},
                )
            )
        if offer.seen_price_minor not in (None, offer.unit_price_minor):
            issues.append(
                Issue(
                    code="price_changed",
                    message=f"The price of {offer.title} has changed",
                    blocks=False,
                    item_id=offer.key,
                    facts={
                        "old": {"amount": offer.seen_price_minor, "currency": currency},
                        "new": {"amount": offer.unit_price_minor, "currency": currency},
                    },
                )
            )
    return issues


def _delivery_issues(
    offers: Sequence[Offer],
    options: Mapping[UUID, Sequence[ShippingOption]],
    choices: Mapping[str, str],
) -> list[Issue]:
    issues: list[Issue] = []
    for seller_id, name in {offer.seller_id: offer.seller_name for offer in offers}.items():
        offered = options.get(seller_id, ())
        wanted = choices.get(str(seller_id))
        if not offered:
            issues.append(
                Issue(
                    code="no_shipping_option",
                    message=f"{name} doesn't deliver there",
                    blocks=True,
                    seller_id=seller_id,
                )
            )
        elif wanted and wanted not in {str(option.id) for option in offered}:
            issues.append(
                Issue(
                    code="delivery_changed",
                    message=f"{name} no longer offers the delivery you chose",
                    blocks=False,
                    seller_id=seller_id,
                )
            )
    return issues


def _coupon_issues(
    codes: Sequence[str], known: Collection[str], outcomes: Sequence[CouponOutcome]
) -> list[Issue]:
    refused = {
        outcome.code.lower(): outcome.refusal for outcome in outcomes if outcome.refusal is not None
    }
    issues = []
    for code in codes:
        if code.lower() not in known:
            reason = "unknown"
        elif code.lower() in refused:
            reason = str(refused[code.lower()])
        else:
            continue
        issues.append(
            Issue(
                code="coupon_refused",
                message=f"The code {code} can't be used on this bag",
                # A code that found nothing left to lower harms nobody: delivery is free already,
                # or isn't known yet.
                blocks=reason != CouponRefusal.NOTHING_LEFT,
                facts={"coupon": code, "reason": reason},
            )
        )
    return issues
