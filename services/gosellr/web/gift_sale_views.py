"""What the pages show on which gift cards are bought."""

from dataclasses import dataclass, field
from datetime import datetime

from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView, PaymentMethodView
from gosellr.web.views import ChoiceView, FormView


@dataclass(frozen=True, slots=True)
class GiftShopView:
    """The form that buys a card; without choices nothing is for sale."""

    currency: str = ""
    currencies: tuple[ChoiceView, ...] = ()
    amounts: tuple[ChoiceView, ...] = ()
    # Between which limits another amount can be named.
    limits: tuple[Money, Money] | None = None
    valid_days: int | None = None
    payment_methods: tuple[PaymentMethodView, ...] = ()
    form: FormView = field(default_factory=FormView)
    key: str = ""
    signed_in: bool = False


@dataclass(frozen=True, slots=True)
class GiftPurchaseView:
    """A card that was bought; `code` by the one answer that tells it."""

    number: str
    order_href: str
    href: str
    amount: Money
    badge: BadgeView
    balance: Money | None = None
    last_four: str = ""
    expires_at: datetime | None = None
    recipient_name: str = ""
    message: str = ""
    code: str = ""
    may_ask: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class GiftOfferView:
    """What is offered in a currency."""

    currency: str
    badge: BadgeView
    amounts: tuple[Money, ...]
    limits: tuple[Money, Money] | None
    valid_days: int | None


@dataclass(frozen=True, slots=True)
class GiftOfferListView:
    """All that is offered, and the form that changes it."""

    offers: tuple[GiftOfferView, ...]
    currencies: tuple[ChoiceView, ...]
    form: FormView
    may_set: bool
