"""The port that every payout provider speaks: values in, values out.

`transfer_id` is an idempotency key: the same key with the same instruction moves money once, for
ever, however often and from wherever it is sent.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import EXPONENTS

EVERY_AMOUNT: Final[Mapping[str, int]] = dict.fromkeys(EXPONENTS, 1)
"""The steps of a provider that can send any amount of any currency."""


class TransferOutcome(StrEnum):
    """What a provider said. `UNKNOWN` leaves open whether money moved, `PENDING` when."""

    ACCEPTED = "accepted"
    """The money has left for the seller's bank."""
    PENDING = "pending"
    """The provider has the instruction and works on it."""
    DECLINED = "declined"
    """A final no. It may follow `ACCEPTED`, when the seller's bank sends the money back."""
    UNKNOWN = "unknown"
    """No answer within the time limit: ask by `lookup`."""
    NOT_FOUND = "not_found"
    """The provider has never heard of this key, or tells only by being sent it again: that moves
    money once."""
    REFUSED = "refused"
    """The key was used before with another instruction. What that did still stands."""


class AccountKind(StrEnum):
    """By what a provider knows whom to pay."""

    IBAN = "iban"
    EMAIL = "email"
    CONNECTED = "connected"
    """By its own name of an account that it keeps for the seller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """Send `amount_minor` to an account. The account is shown in no log."""

    transfer_id: str
    amount_minor: int
    currency: str
    holder: str = field(repr=False)
    account: str = field(repr=False)
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """The answer to `send` and `lookup`; amount, currency and account are those of the instruction
    that the provider has, None where it has none or doesn't say."""

    outcome: TransferOutcome
    transfer_id: str
    amount_minor: int | None = None
    currency: str | None = None
    provider_reference: str | None = None
    reason: str | None = None
    account: str | None = field(default=None, repr=False)


class PayoutProvider(Protocol):
    """A power that sends money to sellers. `send` and `lookup` return within their time limit and
    never raise for what the provider said or failed to say."""

    @property
    def name(self) -> str:
        """The word that stands in a destination's `method`."""

    @property
    def paid_from(self) -> str | None:
        """The payment gateway whose balance it sends; None for the market's own bank account."""

    @property
    def account_kind(self) -> AccountKind:
        """What an account is here."""

    @property
    def forgets_after(self) -> timedelta | None:
        """For so long `send` is safe to repeat, and it alone tells whether it was done before; None
        for ever, and then `NOT_FOUND` proves that nothing was sent."""

    @property
    def steps_minor(self) -> Mapping[str, int]:
        """By currency, how many minor units apart the amounts are that it can send: 10 where it
        takes whole tens alone. It can't send a currency that isn't there."""

    async def send(self, request: TransferRequest) -> TransferResult:
        """Sends. Safe to repeat by `transfer_id`."""

    async def lookup(
        self, *, transfer_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        """What became of an instruction, whatever was answered before.

        `provider_reference` is the provider's own name of it, where it was heard.
        """

    async def aclose(self) -> None:
        """Lets go of what the process holds of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRequest:
    """An account to be opened for a seller. `account_id` is an idempotency key, `asked_at` when
    it was asked for first, `country` where the seller is."""

    account_id: str
    asked_at: datetime
    country: str
    email: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedAccount:
    """A seller's account at a provider, as it stands now.

    `missing` is what the provider still wants to be told, in its own words, by `due_at` where it
    set a time; `disabled_reason` says why it holds the money back.
    """

    reference: str
    account_id: str | None
    is_complete: bool
    may_receive: bool
    may_pay_out: bool
    missing: tuple[str, ...] = ()
    due_at: datetime | None = None
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountResult:
    """The answer to a question about an account: accepted with it, declined, not found, or
    unknown."""

    outcome: TransferOutcome
    account: ConnectedAccount | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkResult:
    """A page of the provider's for one visit, soon. Whoever has its address acts as the seller."""

    outcome: TransferOutcome
    url: str | None = field(default=None, repr=False)
    reason: str | None = None


@runtime_checkable
class ConnectsSellers(PayoutProvider, Protocol):
    """A provider that keeps an account for each seller, and asks it who it is on a page of its
    own. What it sends can be called back as long as the account still has it."""

    async def open_account(self, request: AccountRequest) -> AccountResult:
        """Opens an account. Safe to repeat by `account_id`."""

    async def find_account(self, *, reference: str) -> AccountResult:
        """An account as it stands now."""

    async def onboarding_link(
        self, *, reference: str, return_url: str, refresh_url: str
    ) -> LinkResult:
        """The page on which the seller says what is missing. It comes back to `return_url`, and
        to `refresh_url` where the page was used up."""

    async def call_back(
        self, *, transfer_id: str, recall_id: str, provider_reference: str | None = None
    ) -> TransferResult:
        """Takes a whole transfer back, or nothing of it.

        `DECLINED`: it is taken back; `ACCEPTED`: it stands, and the reason says why it can't be.
        Safe to repeat by `recall_id`.
        """
