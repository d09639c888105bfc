"""Letters, reckoned: what each is called, by which key it is written once, when it is tried again.

What people wrote stands in letters that others read, also in their headers. So every such text
becomes one plain line first.
"""

import unicodedata
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from gosellr.utils.discretion import discreet

TRIES_MAX: Final = 12
"""So often a letter is tried by itself, which with the pauses takes about a day and a half."""

_FIRST_PAUSE: Final = timedelta(minutes=1)
_PAUSE_MAX: Final = timedelta(hours=12)
_NAME_LENGTH: Final = 200
# Of what can't be seen (Cf) these join letters of some scripts and the parts of an emoji. Nothing
# else of it is let in: most of it turns the reading order of what stands after it.
_JOINERS: Final = frozenset("\u200c\u200d")


class Audience(StrEnum):
    """Whom a letter is for."""

    BUYER = "buyer"
    SELLER = "seller"
    MEMBER = "member"
    OPERATOR = "operator"
    RECIPIENT = "recipient"
    """Somebody whom a buyer named, and who is no party here."""


class LetterStatus(StrEnum):
    """Where a letter stands."""

    QUEUED = "queued"
    FAILED = "failed"
    """It was tried, and will be again."""
    SENT = "sent"
    DEAD = "dead"
    """It was given up, and waits for a person."""


class LetterKind(StrEnum):
    """Every letter there is. A kind is also the name of its template."""

    ORDER_CONFIRMED = "order_confirmed"
    ORDER_REDUCED = "order_reduced"
    TRANSFER_INSTRUCTIONS = "transfer_instructions"
    TRANSFER_PART_ARRIVED = "transfer_part_arrived"
    PART_SHIPPED = "part_shipped"
    PART_CANCELLED = "part_cancelled"
    CAPTURED_SHORT = "captured_short"
    REFUND_MADE = "refund_made"
    REFUND_FAILED = "refund_failed"
    VALUE_MOVED = "value_moved"
    CREDIT_GIVEN = "credit_given"
    GIFT_CARD_BOUGHT = "gift_card_bought"
    GIFT_CARD_FOR_YOU = "gift_card_for_you"
    CASE_OPENED = "case_opened"
    CASE_ANSWERED = "case_answered"

    ORDER_TO_SHIP = "order_to_ship"
    SALE_CANCELLED = "sale_cancelled"
    SALE_REDUCED = "sale_reduced"
    SALE_REFUNDED = "sale_refunded"
    SALE_CAPTURED_SHORT = "sale_captured_short"
    AUTHORIZATION_EXPIRING = "authorization_expiring"
    CASE_TO_ANSWER = "case_to_answer"
    CASE_DEADLINE_NEAR = "case_deadline_near"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"
    PAYOUT_ACCOUNT_CHANGED = "payout_account_changed"
    PAYOUT_CHANGE_WITHDRAWN = "payout_change_withdrawn"
    SHOP_CONTACT_CHANGED = "shop_contact_changed"
    SHOP_STANDING = "shop_standing"
    TAX_IDENTITY_ASKED = "tax_identity_asked"
    MEMBER_ADDED = "member_added"

    CASE_MESSAGE = "case_message"
    CASE_DECIDED = "case_decided"
    CASE_CLOSED = "case_closed"

    WELCOME = "welcome"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  (a name, not a secret)

    CHARGEBACK_OPENED = "chargeback_opened"
    PAYOUT_FOUND_SENT = "payout_found_sent"
    AUDIT_FOUND = "audit_found"


URGENT: Final = frozenset(
    {
        LetterKind.TRANSFER_INSTRUCTIONS,
        LetterKind.PAYOUT_ACCOUNT_CHANGED,
        LetterKind.PAYOUT_CHANGE_WITHDRAWN,
        LetterKind.SHOP_CONTACT_CHANGED,
        LetterKind.PASSWORD_CHANGED,
        LetterKind.CHARGEBACK_OPENED,
        LetterKind.PAYOUT_FOUND_SENT,
        LetterKind.AUDIT_FOUND,
    }
)
"""Somebody waits for these, or would want to stop what they tell of: they go out first."""


def effect_key(cause: UUID | str, kind: LetterKind, recipient: str) -> str:
    """The key under which a letter is written once: its cause, its kind, and whom it goes to.

    Made of letters, digits, dots and dashes, at most 100 of them, because it also is the
    letter's name on the way: a repeat is known by it.
    """
    whom = sha256(recipient.casefold().encode()).hexdigest()[:16]
    return f"{cause}.{kind.value.replace('_', '-')}.{whom}"


def pause_after(tries: int, *, share: float) -> timedelta:
    """How long to wait after so many tries: twice as long each time, and never all at once.

    `share`, from a half to one, is drawn by the caller so that a crowd spreads out.
    """
    factor: int = 2 ** min(max(tries - 1, 0), 20)
    return min(_FIRST_PAUSE * factor, _PAUSE_MAX) * share


def plain(text: object, *, length_max: int = _NAME_LENGTH, is_code: bool = False) -> str:
    """What somebody wrote, as one plain line: composed, without breaks, controls or signs that
    turn the direction of what stands after it, and cut where it is too long. Of numbers of cards
    and accounts the end is left, but in a code that has to be whole."""
    composed = unicodedata.normalize("NFC", str(text))
    # Most have no such sign, and this is the quicker way to know.
    seen = composed if composed.isprintable() else _seen(composed)
    line = " ".join(seen.split())
    line = line if is_code else discreet(line)
    return line if len(line) <= length_max else f"{line[: length_max - 1].rstrip()}…"


def _seen(text: str) -> str:
    return "".join(
        " " if _is_break(sign) else sign for sign in text if _is_break(sign) or _is_seen(sign)
    )


def _is_break(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) in {"Zl", "Zp", "Zs"}


def _is_seen(sign: str) -> bool:
    return sign in _JOINERS or unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
