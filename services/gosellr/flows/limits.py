"""Limits that every face of the market counts together: whoever knocks at two doors is one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Database
from gosellr.core.errors import TooManyRequests
from gosellr.core.rate_limit import RateLimit, Usage, network_of
from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox_script import TOKENS
from gosellr.services import rate_limit_service
from gosellr.utils.viewer import Viewer

REGISTER_PER_ADDRESS = RateLimit("register", 20, 3600)
LOGIN_PER_ADDRESS = RateLimit("login", 60, 300)
LOGIN_PER_ACCOUNT = RateLimit("login-account", 10, 900)
# All of them together: a password costs a core for a quarter of a second.
LOGIN_ALTOGETHER = RateLimit("login-all", 600, 60)

EVERYBODY = "everybody"

# Whoever tries stolen cards tries many and fails: a declined card counts as so many orders.
DECLINED_WEIGHT = 3
PAY_PER_ADDRESS = RateLimit("pay", 30, 600)
PAY_PER_BUYER = RateLimit("pay-buyer", 30, 600)
# One cart, one order: five declined cards in ten minutes are enough for anybody.
PAY_PER_BASKET = RateLimit("pay-basket", 15, 600)
PAY_PER_CARD = RateLimit("pay-card", 30, 600)
# Whoever guesses at codes needs many tries, from wherever they come.
CODE_PER_ADDRESS = RateLimit("gift-code", 30, 600)
CODE_PER_ACCOUNT = RateLimit("gift-code-account", 30, 600)
CODES_ALTOGETHER = RateLimit("gift-code-all", 600, 60)


async def count_knock(
    db: Database,
    *,
    subjects: Sequence[tuple[RateLimit, str]],
    now: datetime,
    weight: int = 1,
) -> list[Usage]:
    """Count an attempt of some weight against each limit, with who or what it is counted for.

    Counting is a transaction of its own, before anything else is done, so that what fails counts.
    """
    return list(
        await transact(db, rate_limit_service.count, subjects=subjects, now=now, weight=weight)
    )


async def give_back(
    db: Database, *, subjects: Sequence[tuple[RateLimit, str]], now: datetime
) -> None:
    """Take back an attempt of this moment: it proved to be rightful, and only guesses count.

    Whoever guesses gains nothing by it, since each gets back no more than was counted for it.
    """
    await transact(db, rate_limit_service.count, subjects=subjects, now=now, weight=-1)


def refuse_excess(usages: Sequence[Usage]) -> None:
    """Let pass unless a limit is exceeded.

    Raises:
        TooManyRequests: `Retry-After` says when that has passed.
    """
    exceeded = [usage.seconds_left for usage in usages if usage.is_exceeded]
    if exceeded:
        raise TooManyRequests(
            "Wait a little before you try this again", retry_after_seconds=max(exceeded)
        )


def of_gift_codes(viewer: Viewer) -> list[tuple[RateLimit, str]]:
    """What the code of a gift card is counted for, whichever door it comes to."""
    return [
        (CODE_PER_ADDRESS, network_of(viewer.ip_address)),
        *([(CODE_PER_ACCOUNT, str(viewer.user_id))] if viewer.user_id else []),
        (CODES_ALTOGETHER, EVERYBODY),
    ]


def of_payment(
    *, viewer: Viewer, email: str | None, basket_id: UUID | None, tokens: Sequence[str | None]
) -> list[tuple[RateLimit, str]]:
    """What an attempt to pay is counted for: address, buyer, cart or order, and each card.

    The sandbox's own test cards are everybody's, so they are nobody's in particular.
    """
    buyer = str(viewer.user_id or (email or viewer.email).strip().lower())
    return [
        (PAY_PER_ADDRESS, network_of(viewer.ip_address)),
        *([(PAY_PER_BUYER, buyer)] if buyer else []),
        *([(PAY_PER_BASKET, str(basket_id))] if basket_id else []),
        *(
            (PAY_PER_CARD, token)
            for token in dict.fromkeys(tokens)
            if token and token not in TOKENS
        ),
    ]
