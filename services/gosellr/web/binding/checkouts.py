"""Checking out: the one page from address to payment, and the page of another try to pay."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from gosellr.core.countries import country_codes, country_names
from gosellr.core.identity import derived_token
from gosellr.integrations.payments.sandbox_script import TOKENS
from gosellr.models.order_values import Order
from gosellr.services import payment_service
from gosellr.services.cart_service import CartView
from gosellr.utils.ids import order_number
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.utils.offline import BANK_TRANSFER, CASH_ON_DELIVERY
from gosellr.utils.viewer import Viewer
from gosellr.web import forms
from gosellr.web.binding import bags, orders, payment_returns
from gosellr.web.forms import Field
from gosellr.web.order_views import CheckoutView, PaymentMethodView, PayView
from gosellr.web.views import ChoiceView, FormView

_ADDRESS_PARTS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")
_SANDBOX_CARDS = {
    "tok_ok": "A card that pays",
    "tok_declined": "A card that is declined",
    "tok_requires_action": "A card whose bank asks you first",
    "tok_timeout_then_ok": "A slow bank that pays in the end",
    "tok_timeout_then_declined": "A slow bank that declines in the end",
}

SANDBOX = "sandbox"
_SLOW = (BANK_TRANSFER, CASH_ON_DELIVERY)
# How each way to pay is called, its sign, and what to know of it.
_METHODS = {
    "stripe": (
        "Card and other ways",
        "credit-card",
        "You pay on the secure page of Stripe, and come back here.",
    ),
    "paypal": ("PayPal", "wallet", "You say yes on PayPal's page, and come back here."),
    BANK_TRANSFER: (
        "Bank transfer",
        "landmark",
        "We tell you the account next, and hold your goods until your money is here.",
    ),
    CASH_ON_DELIVERY: (
        "Cash on delivery",
        "wallet",
        "You pay each parcel in cash when it is handed to you.",
    ),
    SANDBOX: ("Test card", "credit-card", "A sandbox: it behaves like a bank, and no money moves."),
}
_SILENT = "It gives no answer just now. Pay another way, or try again in a moment."

METHOD_FIELD = "payment_method"
GIFT_CARD_FIELD = "gift_card_code"
STORE_CREDIT_FIELD = "use_store_credit"


def _country_error(value: str) -> str:
    return "" if value in country_codes() else "Choose the country your parcels go to"


CONTACT = (
    Field("email", 254, "Write your e-mail address, for the receipt", forms.email_error),
    Field("name", 200, "Write the name for the address label"),
    Field("country", 2, "Choose the country your parcels go to", _country_error),
    Field("line1", 200, "Write the street and number"),
    Field("line2", 200),
    Field("city", 120, "Write the town your parcels go to"),
    Field("region", 60),
    Field("postal_code", 16),
    Field("phone", 40),
)


def contact_form(view: CartView, viewer: Viewer) -> FormView:
    """What is known already: nobody types twice what they told once."""
    address = view.cart.shipping_address or {}
    values = {part: str(address.get(part) or "") for part in _ADDRESS_PARTS}
    values["name"] = values["name"] or viewer.name
    return FormView({**values, "email": view.cart.email or viewer.email})


@dataclass(frozen=True, slots=True)
class OfferedMethod:
    """A gateway that takes this money; `is_silent` where it gives no answer just now."""

    name: str
    is_silent: bool = False


def address_of(form: FormView) -> dict[str, str | None]:
    """The address that a form without errors says."""
    address = {part: form.value(part) or None for part in _ADDRESS_PARTS}
    # Countries without postal codes have an empty one.
    return {**address, "postal_code": form.value("postal_code")}


def checkout(
    view: CartView,
    *,
    viewer: Viewer,
    form: FormView,
    methods: Iterable[OfferedMethod],
    secret_key: str,
    store_credit_minor: int = 0,
    choices: Mapping[UUID, UUID] | None = None,
    notice: str = "",
) -> CheckoutView:
    """The page on which a bag becomes an order, with the ways of delivery chosen in its form."""
    cart = view.cart
    country = (cart.shipping_address or {}).get("country", "")
    return CheckoutView(
        form=form,
        parcels=bags.parcels(view, choices=choices),
        summary=bags.cart_summary(view),
        countries=countries(chosen=form.value("country") or country),
        payment_methods=payment_methods(methods, form=form),
        idempotency_key=checkout_key(view, secret_key=secret_key),
        cart_id=str(cart.id),
        cart_version=cart.version,
        expected_total_minor=view.basket.quote.totals.total_minor,
        issues=bags.issues(view),
        notice=notice,
        has_address=cart.shipping_address is not None,
        blocked=bags.is_blocked(view),
        signed_in=not viewer.is_guest,
        store_credit=Money(store_credit_minor, cart.currency) if store_credit_minor else None,
    )


def checkout_key(view: CartView, *, secret_key: str) -> str:
    """One key for as long as the bag stays the same, however often the page is loaded.

    A bag that comes back because its order came to nothing has a new version, and a new key.
    """
    purpose = f"checkout:{view.cart.version}"
    return derived_token(secret_key, purpose=purpose, subject=view.cart.id)


def pay(
    order: Order, *, methods: Iterable[OfferedMethod], form: FormView, secret_key: str
) -> PayView:
    """The page of another try to pay an order."""
    number = order_number(order.number)
    href = orders.order_href(number)
    declined = order.payment_status == "failed"
    is_unreachable = payment_service.found_nobody(order)
    tried = payment_service.last_asked(order)
    if declined and not is_unreachable and tried is not None:
        # Another card, most likely, and not another way.
        form = FormView({METHOD_FIELD: tried.method, **form.values}, form.errors)
    return PayView(
        number=number,
        pay_path=f"{href}/pay",
        order_href=href,
        parcels=orders.plain_parcels(order),
        summary=orders.order_summary(order),
        payment_methods=payment_methods(methods, form=form),
        form=form,
        # Each try has a key of its own; loading its page again doesn't change it.
        idempotency_key=derived_token(
            secret_key, purpose=f"pay:{len(order.payments)}", subject=order.id
        ),
        left=Money(payment_service.left_to_pay_minor(order), order.currency),
        declined="The bank said no to this card." if declined else "",
        is_unreachable=is_unreachable,
        short=payment_returns.told_to_buyer(order),
        held_until=order.expires_at,
        email=order.email,
        address_lines=orders.address_lines(order.shipping_address),
    )


def countries(*, chosen: str, locale: str = "en") -> tuple[ChoiceView, ...]:
    """Every country by name, after a first entry that is none."""
    choices = [ChoiceView(code, name, code == chosen) for code, name in country_names(locale)]
    return (ChoiceView("", "Choose a country", not chosen), *choices)


def payment_methods(
    offered: Iterable[OfferedMethod], *, form: FormView
) -> tuple[PaymentMethodView, ...]:
    """The ways to pay that this market offers; the one that was chosen before is chosen, else the
    first. Those that take their time come late, and those that give no answer last."""
    ordered = sorted(offered, key=lambda one: (one.is_silent, one.name in _SLOW, one.name))
    names = [one.name for one in ordered]
    wanted = form.value(METHOD_FIELD)
    chosen = wanted if wanted in names else next(iter(names), "")
    return tuple(_method(one, chosen=one.name == chosen) for one in ordered)


def _method(one: OfferedMethod, *, chosen: bool) -> PaymentMethodView:
    label, icon, note = _METHODS.get(
        one.name, (one.name.replace("_", " ").capitalize(), "credit-card", "")
    )
    tokens = _SANDBOX_CARDS.items() if one.name == SANDBOX else ()
    return PaymentMethodView(
        id=one.name,
        label=label,
        icon=icon,
        note=_SILENT if one.is_silent else note,
        chosen=chosen,
        tokens=tuple(ChoiceView(token, what) for token, what in tokens if token in TOKENS),
    )


def kept_payment(sent: Mapping[str, Any]) -> FormView:
    """The payment part of a form that comes back."""
    kept = (METHOD_FIELD, "payment_token", GIFT_CARD_FIELD, STORE_CREDIT_FIELD)
    return FormView({name: forms.clean(str(sent.get(name, "")))[:200] for name in kept})
