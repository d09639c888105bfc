"""The port that every payout provider speaks: values in, values out.

`transfer_id` is an idempotency key: the same key with the same instruction moves money once, for
ever, however often and from wherever it is sent.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


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
    """The answer to `send` and `lookup`; amount and currency are those of the instruction that
    the provider has, None where it has none."""

    outcome: TransferOutcome
    transfer_id: str
    amount_minor: int | None = None
    currency: str | None = None
    provider_reference: str | None = None
    reason: str | None = None


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
