"""What the operator's pages about payout runs and files for the bank are told."""

from dataclasses import field
from datetime import date, datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class RunView:
    """What a run opened, in each currency, and whom it passed over with the reason.

    `more` says that there are sellers left for another run.
    """

    totals: tuple[tuple[int, Money], ...]
    skipped: tuple[tuple[str, str, str], ...]
    more: bool


@dataclass(frozen=True, slots=True)
class ForeseenView:
    """What a run would do with a seller's money; `why` says why some of it stays."""

    who: str
    href: str
    badge: BadgeView
    available: Money
    amount: Money
    why: str = ""


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What a run would do, currency by currency in rows that sum up, then seller by seller.

    `key` makes the run one. `unlisted` counts the sellers that no row is shown of.
    """

    form: FormView
    currencies: tuple[ChoiceView, ...]
    sums: tuple[tuple[str, tuple[tuple[str, int, Money], ...], Money], ...]
    sellers: tuple[ForeseenView, ...]
    key: str
    payout_count: int = 0
    unlisted: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class BankFileRowView:
    href: str
    amount: Money
    badge: BadgeView
    payment_count: int
    made_at: datetime
    pay_on: date


@dataclass(frozen=True, slots=True)
class BankFileListView:
    """`key` makes the form that makes a file one; empty for whoever may not, and where the market
    has no account that could be paid from."""

    files: tuple[BankFileRowView, ...]
    chips: tuple[LinkView, ...]
    key: str = ""
    has_account: bool = True
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment of a file; `field` is where it is said why it failed, where that can be."""

    href: str
    who: str
    amount: Money
    badge: BadgeView
    note: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class BankFileView:
    row: BankFileRowView
    path: str
    facts: tuple[AttributeView, ...]
    payments: tuple[PaymentView, ...]
    form: FormView
    may_decide: bool = False
    too_many: bool = False
