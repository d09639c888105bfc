"""Letters as values, and what of the market they tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.letters import TRIES_MAX, Audience, LetterKind, LetterStatus


class Tray(StrEnum):
    """Where facts wait for their letters; those that somebody waits for in one of their own, so
    that no crowd stands before them."""

    URGENT = "urgent"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRoom:
    """Up to which number of the feed the facts of a tray have their letters. `opened_at` is None
    before its first look."""

    tray: Tray
    position: int
    opened_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLetter:
    """A letter to be written. `context` is plain JSON."""

    effect_key: str
    kind: LetterKind
    audience: Audience
    recipient: str
    context: Mapping[str, Any]
    is_urgent: bool
    order_id: UUID | None = None
    seller_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLetter:
    """A letter in somebody's hand. `attempt_count` says for which time, and `attempt_limit` up to
    which time it is tried; both grow where nobody was there to take it."""

    id: UUID
    effect_key: str
    kind: str
    audience: Audience
    recipient: str
    language: str
    context: Mapping[str, Any]
    order_id: UUID | None
    attempt_count: int
    attempt_limit: int

    @property
    def tries(self) -> int:
        """How often the post has been asked about it, this time included."""
        return TRIES_MAX - (self.attempt_limit - self.attempt_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLetter:
    """A letter that the post took, under which name, and when."""

    letter_id: UUID
    reference: str | None
    at: datetime

    @property
    def shares_with_none(self) -> tuple[UUID, ...]:
        """See `gathering.Command`: a letter is told of once in one statement."""
        return (self.letter_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter as those who run the market see it."""

    id: UUID
    effect_key: str
    kind: str
    audience: Audience
    recipient: str
    language: str
    context: Mapping[str, Any]
    order_id: UUID | None
    seller_id: UUID | None
    status: LetterStatus
    attempt_count: int
    next_try_at: datetime | None
    last_error: str | None
    post_reference: str | None
    created_at: datetime
    sent_at: datetime | None
    resent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLine:
    """A line of an order as letters tell it."""

    id: UUID
    title: str
    options: Mapping[str, Any]
    quantity: int
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenInVain:
    """What a capture took that came short, and where it is on its way back."""

    amount_minor: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldPart:
    """What one seller has to send of an order. `email` is the seller's."""

    id: UUID
    seller_id: UUID
    seller: str
    email: str
    index: int
    status: str
    total_minor: int
    shipping_minor: int
    net_minor: int
    cancel_reason: str | None
    ship_by: datetime | None
    captured_at: datetime | None
    lines: Sequence[SoldLine]
    in_vain: Sequence[TakenInVain]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldOrder:
    """An order as letters tell it."""

    id: UUID
    number: int
    email: str
    name: str
    is_guest: bool
    currency: str
    total_minor: int
    placed_at: datetime
    paid_at: datetime | None
    expires_at: datetime | None
    capture_at: str
    methods: Sequence[str]
    parts: Sequence[SoldPart]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentParcel:
    """A parcel and what lies in it: title and units."""

    id: UUID
    order_id: UUID
    seller_order_id: UUID
    carrier: str
    tracking_number: str | None
    tracking_url: str | None
    items: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRefund:
    """Money that went back. `credited_minor` of it went to gift cards and store credit."""

    id: UUID
    order_id: UUID
    # None where a gift card was taken back.
    seller_order_id: UUID | None
    amount_minor: int
    currency: str
    reason: str
    borne_by: str
    credited_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldCase:
    """A case as letters tell it."""

    id: UUID
    kind: str
    order_id: UUID
    # None where the market has sold it: a gift card.
    seller_order_id: UUID | None
    seller_id: UUID | None
    reason: str
    status: str
    amount_minor: int
    award_minor: int | None
    currency: str
    outcome: str | None
    decision: str | None
    opened_at: datetime
    due_at: datetime | None
    title: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPayout:
    """A payout, and the end of the account that it went to."""

    id: UUID
    seller_id: UUID
    amount_minor: int
    currency: str
    last_four: str
    failure_reason: str | None
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldChargeback:
    """What a bank took back."""

    id: UUID
    order_id: UUID
    gateway: str
    amount_minor: int
    fee_minor: int
    currency: str
    reason: str
    evidence_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSeller:
    """A seller, and who may be written to about its money."""

    id: UUID
    name: str
    email: str
    status: str
    status_reason: str | None
    owner_emails: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerContact:
    """An address that a seller had until then."""

    seller_id: UUID
    email: str
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Somebody with an account here."""

    id: UUID
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGift:
    """A gift card that is sent to somebody, by whom and with which words."""

    card_id: UUID
    order_id: UUID
    recipient_email: str
    recipient_name: str | None
    giver: str | None
    message: str | None
    claim_id: UUID
    amount_minor: int
    currency: str
    expires_at: datetime | None
