"""What the pages show on which gift cards are bought."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView, PaymentMethodView
from gosellr.web.views import ChoiceView, FormView, PagerView


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
    """A card that was bought; `code` by the one answer that tells it. `key` makes one letter of
    the form that sends it again."""

    number: str
    order_href: str
    href: str
    amount: Money
    badge: BadgeView
    key: str = ""
    balance: Money | None = None
    last_four: str = ""
    expires_at: datetime | None = None
    recipient_name: str = ""
    message: str = ""
    code: str = ""
    may_ask: bool = False
    refusal: str = ""
    # Whom it is sent to, when, and when that was done last; the form has it sent again.
    recipient_email: str = ""
    deliver_at: datetime | None = None
    sent_at: datetime | None = None
    may_send: bool = False
    form: FormView = field(default_factory=FormView)


@dataclass(frozen=True, slots=True)
class ClaimedGiftView:
    """A card as whoever got its letter sees it; `code` by the one answer that tells it."""

    href: str
    token: str
    amount: Money
    balance: Money
    recipient_name: str
    message: str
    expires_at: datetime | None
    may_ask: bool
    code: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class GiftOfferView:
    """What is offered in a currency."""

    currency: str
    badge: BadgeView
    amounts: tuple[Money, ...]
    limits: tuple[Money, Money] | None
    valid_days: int | None
    released_after_days: int | None


@dataclass(frozen=True, slots=True)
class GiftOfferListView:
    """All that is offered, and the form that changes it."""

    offers: tuple[GiftOfferView, ...]
    currencies: tuple[ChoiceView, ...]
    form: FormView
    may_set: bool


@dataclass(frozen=True, slots=True)
class ReplacementCardView:
    """A card that was made in place of one that can't be spent; `code` by the one answer that
    tells it."""

    number: str
    order_href: str
    href: str
    amount: Money
    balance: Money
    last_four: str = ""
    code: str = ""
    may_ask: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class CardReleaseView:
    """What an expired card was left with; `restored_at` where it is owed again."""

    last_four: str
    href: str
    amount: Money
    is_income: bool
    expired_at: datetime
    released_at: datetime
    restored_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReleasedSumView:
    """All that stands as released in a currency."""

    amount: Money
    is_income: bool


@dataclass(frozen=True, slots=True)
class CardReleaseListView:
    """What was released, newest first."""

    releases: tuple[CardReleaseView, ...]
    sums: tuple[ReleasedSumView, ...]
    pager: PagerView
