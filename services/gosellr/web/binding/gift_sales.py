"""Gift cards on sale and bought, as their pages show them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from gosellr.models.gift_sale_values import GiftCardOffer, GiftCardPurchase
from gosellr.services.gift_delivery_service import SENDS_MAX
from gosellr.utils.ids import order_number
from gosellr.utils.money import EXPONENTS, Money
from gosellr.web.binding.checkouts import OfferedMethod, payment_methods
from gosellr.web.binding.gift_cards import badge_of
from gosellr.web.binding.orders import order_href
from gosellr.web.formats import format_money
from gosellr.web.gift_sale_views import (
    GiftOfferListView,
    GiftOfferView,
    GiftPurchaseView,
    GiftShopView,
)
from gosellr.web.order_views import BadgeView
from gosellr.web.views import ChoiceView, FormView

ANOTHER = "another"
"""Chosen in place of an amount, where one may be named."""


def shop(
    offers: Sequence[GiftCardOffer],
    *,
    offer: GiftCardOffer | None,
    methods: Iterable[OfferedMethod],
    form: FormView,
    key: str,
    signed_in: bool,
) -> GiftShopView:
    """The form for the cards of one currency."""
    if offer is None:
        return GiftShopView()
    choices = [
        ChoiceView(str(minor), format_money(minor, offer.currency, explicit=True))
        for minor in offer.amounts_minor
    ]
    limits = _limits(offer)
    if limits is not None:
        choices.append(ChoiceView(ANOTHER, "Another amount"))
    return GiftShopView(
        currency=offer.currency,
        currencies=tuple(
            ChoiceView(one.currency, one.currency, one.currency == offer.currency) for one in offers
        ),
        amounts=tuple(choices),
        limits=limits,
        valid_days=offer.valid_days,
        payment_methods=payment_methods(methods, form=form),
        form=form,
        key=key,
        signed_in=signed_in,
    )


def _limits(offer: GiftCardOffer) -> tuple[Money, Money] | None:
    if offer.minimum_minor is None or offer.maximum_minor is None:
        return None
    return (
        Money(offer.minimum_minor, offer.currency),
        Money(offer.maximum_minor, offer.currency),
    )


def offers(found: Sequence[GiftCardOffer], *, form: FormView, may_set: bool) -> GiftOfferListView:
    """All that is offered, as those who run the market see it."""
    return GiftOfferListView(
        offers=tuple(
            GiftOfferView(
                currency=one.currency,
                badge=BadgeView("For sale", "ok", "check")
                if one.on_sale
                else BadgeView("Not now", "", "clock"),
                amounts=tuple(Money(minor, one.currency) for minor in one.amounts_minor),
                limits=_limits(one),
                valid_days=one.valid_days,
                released_after_days=one.released_after_days,
            )
            for one in found
        ),
        currencies=tuple(
            ChoiceView(code, code, code == form.value("currency")) for code in sorted(EXPONENTS)
        ),
        form=form,
        may_set=may_set,
    )


def purchase(
    found: GiftCardPurchase,
    *,
    number: int,
    may_ask: bool,
    key: str,
    now: datetime,
    code: str = "",
    refusal: str = "",
    form: FormView | None = None,
) -> GiftPurchaseView:
    """A card as its buyer sees it."""
    card, href = found.card, order_href(order_number(number))
    told = card is not None and card.code_hash is not None
    return GiftPurchaseView(
        number=order_number(number),
        order_href=href,
        href=f"{href}/gift-card",
        key=key,
        amount=Money(found.amount_minor, found.currency),
        badge=BadgeView("Not paid yet", "", "clock") if card is None else badge_of(card, now=now),
        balance=None if card is None else Money(card.balance_minor, card.currency),
        last_four=card.last_four if card is not None and told else "",
        expires_at=None if card is None else card.expires_at,
        recipient_name=found.recipient_name or "",
        message=found.message or "",
        code=code,
        may_ask=may_ask and card is not None and not told,
        refusal=refusal,
        recipient_email=found.recipient_email or "",
        deliver_at=found.deliver_at,
        sent_at=found.sent_at,
        may_send=may_ask
        and found.recipient_email is not None
        and not told
        and found.sent_count < SENDS_MAX,
        form=form or FormView(),
    )
