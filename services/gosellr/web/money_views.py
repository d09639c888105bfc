"""What the pages about money are told: histories, balances, payouts, papers, gift cards."""

from dataclasses import field
from datetime import date, datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import AmountRowView, BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class MoveView:
    """One movement: what it was, by how much, and what was there after it."""

    at: datetime
    label: str
    amount: Money
    balance: Money | None = None
    note: str = ""
    link: LinkView | None = None


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A page of movements with the filters that chose them. `action` is where the filters go."""

    action: str
    moves: tuple[MoveView, ...]
    form: FormView
    currencies: tuple[ChoiceView, ...] = ()
    kinds: tuple[ChoiceView, ...] = ()
    pots: tuple[ChoiceView, ...] = ()
    exports: tuple[LinkView, ...] = ()
    balance_label: str = "Balance"
    is_filtered: bool = False
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class CreditView:
    """A buyer's store credit, and what a typed gift card is good for."""

    balances: tuple[Money, ...]
    moves: tuple[MoveView, ...]
    pager: PagerView = field(default_factory=PagerView)
    form: FormView = field(default_factory=FormView)
    card: tuple[AttributeView, ...] = ()


@dataclass(frozen=True, slots=True)
class UpcomingView:
    """Pending money and the day on which its hold ends; None while that isn't known."""

    day: date | None
    amount: Money


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What a seller has in one currency. `owed` is what it owes the market.

    `kept_back` is what rules keep of sales, free by day as `kept_until` says, those to come later
    in one sum without a day; `frozen` is what open cases hold. A payout asked for now is over
    `payable`, since `owed_first` of what is available goes to the debt, and `left` can't be sent.
    """

    currency: str
    pending: Money
    available: Money
    kept_back: Money
    frozen: Money
    owed: Money
    in_transit: Money
    paid_out: Money
    payable: Money
    upcoming: tuple[UpcomingView, ...] = ()
    kept_until: tuple[UpcomingView, ...] = ()
    on_their_way: tuple["PayoutRowView", ...] = ()
    payout_key: str = ""
    owed_first: Money | None = None
    left: Money | None = None


@dataclass(frozen=True, slots=True)
class MoneyPageView:
    """A seller's money: balances, when the next payout is due, and what stands in its way."""

    balances: tuple[BalanceView, ...]
    next_payout: str
    destination: str
    hold_reason: str = ""
    asked: str = ""
    identity_href: str = ""
    may_ask: bool = False
    payout_action: str = ""
    settings_href: str = ""
    transactions_href: str = ""
    debts_href: str = ""


@dataclass(frozen=True, slots=True)
class PayoutRowView:
    href: str
    amount: Money
    badge: BadgeView
    created_at: datetime
    account: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class PayoutListView:
    """`may_run` where this person may begin a run."""

    payouts: tuple[PayoutRowView, ...]
    chips: tuple[LinkView, ...] = ()
    may_run: bool = False
    currencies: tuple[ChoiceView, ...] = ()
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class BookedView:
    """A transaction in words, and its entries: account, debit or credit, amount."""

    at: datetime
    kind: str
    words: str
    entries: tuple[tuple[str, str, Money], ...]


@dataclass(frozen=True, slots=True)
class RecallView:
    """What became of calling a payout back, if it was; `moves` says what it would do, where that
    was asked for. `key` makes one wish of the form."""

    title: str = ""
    told: str = ""
    kind: str = "info"
    key: str = ""
    moves: tuple[tuple[str, Money], ...] = ()


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout with the movements that made it. `can` names what may be done with it."""

    id: str
    path: str
    amount: Money
    badge: BadgeView
    facts: tuple[AttributeView, ...]
    moves: tuple[MoveView, ...]
    booked: tuple[BookedView, ...] = ()
    failure: str = ""
    can: frozenset[str] = frozenset()
    recall: RecallView = field(default_factory=RecallView)
    retry_key: str = ""
    seller_href: str = ""
    is_held: bool = False
    hold_reason: str = ""
    # Where what is withheld is let go, in place of any other hold.
    tax_hold_href: str = ""
    form: FormView = field(default_factory=FormView)
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class PayoutSettingsView:
    """When a seller is paid, the smallest amount, and to which account; `key` makes one wish of
    each form."""

    path: str
    key: str
    version: int
    schedules: tuple[ChoiceView, ...]
    weekdays: tuple[ChoiceView, ...]
    days: tuple[ChoiceView, ...]
    form: FormView
    account_form: FormView
    methods: tuple[ChoiceView, ...]
    wants: frozenset[str]
    destination: tuple[AttributeView, ...] = ()
    hold_reason: str = ""
    may_change: bool = False
    sees_account: bool = False
    currency: str = ""
    # How long an account that takes the place of another waits.
    change_hold_hours: int = 0
    # Whether the shop's own word, with the password, ends the hold.
    may_let_go: bool = False
    let_go_form: FormView = field(default_factory=FormView)


@dataclass(frozen=True, slots=True)
class PayoutChangeView:
    """A shop's new account, as whoever was told of it sees it."""

    href: str
    token: str
    shop: str
    last_four: str
    previous_last_four: str
    changed_at: datetime
    usable_from: datetime
    withdrawn_at: datetime | None
    may_withdraw: bool
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class QueueView:
    """One kind of work that waits, and since when."""

    label: str
    href: str
    count: int
    note: str = ""
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeskView:
    """The operator's first page: what waits, and whether the books were found in order.

    With `is_past_open` the market's history is still being written.
    """

    queues: tuple[QueueView, ...]
    audited_at: datetime | None = None
    findings: tuple[AttributeView, ...] = ()
    is_past_open: bool = False


@dataclass(frozen=True, slots=True)
class CardView:
    id: str
    href: str
    last_four: str
    badge: BadgeView
    amount: Money
    balance: Money
    created_at: datetime
    expires_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CardListView:
    cards: tuple[CardView, ...]
    form: FormView
    key: str
    currencies: tuple[ChoiceView, ...]
    may_issue: bool = False
    # The code of a card that was made just now; it is told this once.
    code: str = ""
    made: CardView | None = None
    pager: PagerView = field(default_factory=PagerView)
    alone_at_most: str = ""


@dataclass(frozen=True, slots=True)
class CardPageView:
    card: CardView
    moves: tuple[MoveView, ...]
    may_stop: bool = False
    pager: PagerView = field(default_factory=PagerView)
    # The order that bought it, whether what is left can be taken back, and why that was refused.
    bought_by: str = ""
    may_take_back: bool = False
    key: str = ""
    refusal: str = ""
    # The card in whose place it was made, and whether it can be good for longer.
    replaces: str = ""
    may_extend: bool = False
    form: FormView = field(default_factory=FormView)
    # Whether the reader asked for it and may have its code shown, and that code, this once.
    may_tell: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True)
class StandingView:
    """A provider in one currency: its figures beside ours."""

    gateway: str
    provider: Money
    clearing: Money
    waiting: Money
    waiting_count: int
    suspended: Money
    missing: Money
    missing_count: int


@dataclass(frozen=True, slots=True)
class ProviderMoveView:
    """A provider's movement, and why it isn't matched."""

    href: str
    reference: str
    what: str
    at: datetime
    amount: Money
    fee: Money
    unexplained: Money
    badge: BadgeView
    why: str = ""


@dataclass(frozen=True, slots=True)
class GivenBackView:
    """Money that moved at a provider and that a person has to look at, and why. `path` is where
    that person says how it was dealt with, in the row's own `field`; empty where nobody may yet,
    or the viewer may not."""

    what: str
    order_number: str
    order_href: str
    amount: Money
    reason: str
    told_at: datetime
    field: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class InboxView:
    """`gateways` can be asked or have told of something, of which `asked` can be asked; `tellers`
    are those whose reports may be uploaded."""

    standings: tuple[StandingView, ...]
    moves: tuple[ProviderMoveView, ...]
    chips: tuple[LinkView, ...]
    gateways: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    tellers: tuple[str, ...] = ()
    form: FormView = field(default_factory=FormView)
    pager: PagerView = field(default_factory=PagerView)
    given_back: tuple[GivenBackView, ...] = ()
    # What was captured and paid for nothing, where a person has to look at it.
    astray: tuple[GivenBackView, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderMovePageView:
    """A movement with the forms that fit where it stands."""

    move: ProviderMoveView
    path: str
    facts: tuple[AttributeView, ...]
    resolutions: tuple[ChoiceView, ...]
    form: FormView
    can: frozenset[str] = frozenset()
    own_word: bool = False


@dataclass(frozen=True, slots=True)
class BalanceMadeView:
    """What a seller is owed in one currency: each account, and what made it."""

    owed: Money
    pots: tuple[tuple[AmountRowView, tuple[AmountRowView, ...]], ...]


@dataclass(frozen=True, slots=True)
class ExplainView:
    """What the books say of a word that was asked for, now or as of `at`."""

    form: FormView
    title: str = ""
    booked: tuple[BookedView, ...] = ()
    moves: tuple[MoveView, ...] = ()
    held: tuple[AmountRowView, ...] = ()
    link: LinkView | None = None
    history: LinkView | None = None
    balances: tuple[BalanceMadeView, ...] = ()
    at: datetime | None = None
    shops: tuple[ChoiceView, ...] = ()


@dataclass(frozen=True, slots=True)
class BuyerCreditView:
    """A buyer's store credit, and the form that grants more; `key` makes a grant one.

    Without an address nobody is looked at yet.
    """

    form: FormView
    path: str = ""
    email: str = ""
    balances: tuple[Money, ...] = ()
    moves: tuple[MoveView, ...] = ()
    currencies: tuple[ChoiceView, ...] = ()
    key: str = ""
    may_grant: bool = False
    # How much one person gives away within a day; empty where that has no limit.
    alone_at_most: str = ""
