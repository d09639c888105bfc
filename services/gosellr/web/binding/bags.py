"""The bag: parcels with their lines and deliveries, what it comes to, and what is amiss."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from gosellr.services.basket_issues import Issue
from gosellr.services.cart_parcels import CartLine, CartParcel
from gosellr.services.cart_service import CartView
from gosellr.utils.money import Money
from gosellr.utils.pricing import Totals
from gosellr.web.binding.pictures import hue_of, stored_picture
from gosellr.web.binding.products import product_href
from gosellr.web.binding.sellers import shop_href
from gosellr.web.formats import format_money
from gosellr.web.order_views import (
    AmountRowView,
    BagView,
    CouponView,
    DeliveryOptionView,
    IssueView,
    LineView,
    ParcelView,
    SummaryView,
)
from gosellr.web.views import FormView, SellerView

_QUANTITY_SHOWN_MAX = 20
DELIVERY_PREFIX = "delivery-"


def bag(view: CartView, *, coupon_form: FormView | None = None) -> BagView:
    """The bag as its page tells of it."""
    items = unit_count(view)
    return BagView(
        parcels=parcels(view),
        summary=cart_summary(view) if items else None,
        coupons=_coupons(view),
        coupon_form=coupon_form or FormView(),
        issues=issues(view),
        item_count=items,
    )


def empty_bag() -> BagView:
    """A bag with nothing in it."""
    return BagView(parcels=(), summary=None)


def unit_count(view: CartView) -> int:
    """How many pieces lie in the bag."""
    return sum(line.quantity for parcel in view.parcels for line in parcel.lines)


def parcels(
    view: CartView, *, choices: Mapping[UUID, UUID] | None = None
) -> tuple[ParcelView, ...]:
    """What each shop sends. `choices` are ways of delivery by shop that were chosen and aren't
    kept yet: they stay chosen where they are offered."""
    refused = {
        issue.seller_id: issue.message
        for issue in view.basket.issues
        if issue.code == "no_shipping_option"
    }
    return tuple(
        ParcelView(
            number=number,
            seller=SellerView(name=parcel.seller_name, href=shop_href(parcel.seller_slug)),
            lines=tuple(_line(line, view.cart.currency) for line in parcel.lines),
            delivery_field=f"{DELIVERY_PREFIX}{parcel.seller_id}",
            delivery=_deliveries(view, parcel, wanted=(choices or {}).get(parcel.seller_id)),
            delivery_error=refused.get(parcel.seller_id, ""),
        )
        for number, parcel in enumerate(view.parcels, start=1)
    )


def cart_summary(view: CartView) -> SummaryView:
    """What the bag comes to; delivery is in it as soon as the address is known."""
    basket = view.basket
    return summary(
        basket.quote.totals,
        currency=basket.currency,
        tax_included=basket.quote.tax_included,
        units=unit_count(view),
        parcel_count=len(view.parcels),
        with_delivery=view.cart.shipping_address is not None,
        codes=view.cart.coupon_codes,
    )


def summary(
    totals: Totals,
    *,
    currency: str,
    tax_included: bool,
    units: int,
    parcel_count: int,
    with_delivery: bool = True,
    codes: Sequence[str] = (),
) -> SummaryView:
    """The rows that add up to a total."""
    rows = [AmountRowView(f"Items, {units}", Money(totals.subtotal_minor, currency))]
    if with_delivery:
        parcels_word = "1 parcel" if parcel_count == 1 else f"{parcel_count} parcels"
        label = f"Delivery, {parcels_word}"
        word = "" if totals.shipping_total_minor else "Free"
        amount = Money(totals.shipping_total_minor, currency)
        rows.append(AmountRowView(label, amount, word=word))
    if totals.discount_total_minor:
        amount = Money(-totals.discount_total_minor, currency)
        rows.append(AmountRowView("Discount", amount, note=", ".join(codes)))
    tax_note = "" if with_delivery else "Delivery is added as soon as we know where it goes."
    if not tax_included:
        rows.append(AmountRowView("Tax", Money(totals.tax_total_minor, currency)))
    elif totals.tax_total_minor and with_delivery:
        tax_note = f"{format_money(totals.tax_total_minor, currency)} VAT included"
    return SummaryView(tuple(rows), Money(totals.total_minor, currency), tax_note)


def issues(view: CartView) -> tuple[IssueView, ...]:
    """What has changed since it was put in, and what stands in the way."""
    titles = {line.id: line.title for parcel in view.parcels for line in parcel.lines}
    names = {parcel.seller_id: parcel.seller_name for parcel in view.parcels}
    return tuple(_issue(issue, titles, names) for issue in view.basket.issues)


def is_blocked(view: CartView) -> bool:
    """Whether the bag can't be bought as it is."""
    return any(issue.blocks for issue in view.basket.issues)


def options_text(options: Mapping[str, str]) -> str:
    """The chosen values of a variant in one line."""
    return ", ".join(f"{name}: {value}" for name, value in options.items())


def _line(line: CartLine, currency: str) -> LineView:
    gross_minor = line.quoted.gross_minor if line.quoted else 0
    return LineView(
        id=str(line.id),
        title=line.title,
        href=f"{product_href(line.slug)}?variant={line.variant_id}",
        quantity=line.quantity,
        unit_price=Money(line.unit_price_minor or 0, currency),
        total=Money(gross_minor, currency),
        available=line.available,
        picture=stored_picture(line.picture, hue=hue_of(str(line.product_id))),
        options=options_text(line.options),
        maximum_quantity=max(1, min(line.available, _QUANTITY_SHOWN_MAX)),
        sellable=line.quoted is not None,
    )


def _deliveries(
    view: CartView, parcel: CartParcel, *, wanted: UUID | None
) -> tuple[DeliveryOptionView, ...]:
    kept = None if parcel.chosen is None else parcel.chosen.id
    chosen = wanted if wanted in {option.id for option in parcel.options} else kept
    return tuple(
        DeliveryOptionView(
            id=str(option.id),
            label=option.name,
            price=Money(option.price_minor, view.cart.currency),
            arrives=days_text(option.delivery_days),
            chosen=option.id == chosen,
        )
        for option in parcel.options
    )


def days_text(days: tuple[int, int]) -> str:
    """How long a parcel travels."""
    least, most = days
    if most == 1:
        return "1 day on its way"
    return f"{most} days on its way" if least == most else f"{least} to {most} days on its way"


def _coupons(view: CartView) -> tuple[CouponView, ...]:
    outcomes = {outcome.code.lower(): outcome for outcome in view.basket.quote.coupons}
    views = []
    for code in view.cart.coupon_codes:
        outcome = outcomes.get(code.lower())
        works = outcome is not None and outcome.refusal is None
        label = "can't be used on this bag"
        if outcome is not None and works:
            label = format_money(-outcome.discount_minor, view.basket.currency)
        views.append(CouponView(code, label))
    return tuple(views)


def _issue(issue: Issue, titles: Mapping[UUID, str], names: Mapping[UUID, str]) -> IssueView:
    title = titles.get(issue.item_id, "") if issue.item_id else ""
    match issue.code:
        case "price_changed":
            old, new = issue.facts["old"], issue.facts["new"]
            return IssueView("price", title, old_price=_money(old), new_price=_money(new))
        case "out_of_stock" | "insufficient_stock":
            return IssueView("stock", title, left=issue.facts["available"])
        case "unavailable" | "no_price_in_currency":
            return IssueView("gone", title)
        case "coupon_refused":
            return IssueView("coupon", issue.facts["coupon"], message=issue.message)
        case _:
            name = names.get(issue.seller_id, "") if issue.seller_id else ""
            return IssueView("delivery", name, message=issue.message)


def _money(value: Mapping[str, object]) -> Money:
    return Money(int(str(value["amount"])), str(value["currency"]))
