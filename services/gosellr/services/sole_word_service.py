"""How much of the bank's money one person alone may speak for, and how much one may give away: up
to the market's limits in a day, in each currency, whatever it is cut into."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from gosellr.core.db import Connection
from gosellr.queries import sole_words
from gosellr.utils.money import Money
from gosellr.utils.payouts import needs_approval
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

COUNTED_FOR: Final = timedelta(hours=24)


async def suffices(
    connection: Connection,
    *,
    viewer: Viewer,
    subject: str,
    amount_minor: int,
    currency: str,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Whether this person's word is enough for an amount in minor units; then it counts with what
    else they say in a day. The same `subject` counts once."""
    return await _suffices(
        connection, viewer, subject, Money(amount_minor, currency), policy.transfer_approval_over,
        now=now,
    )  # fmt: skip


async def suffices_to_give(
    connection: Connection,
    *,
    viewer: Viewer,
    subject: str,
    amount_minor: int,
    currency: str,
    policy: MarketPolicy,
    now: datetime,
) -> bool:
    """Whether this person alone may give away an amount in minor units, as store credit or on a
    gift card; then it counts with what else they give away in a day, and with nothing that they
    say of transfers."""
    return await _suffices(
        connection, viewer, subject, Money(amount_minor, currency), policy.gift_approval_over,
        now=now,
    )  # fmt: skip


async def _suffices(
    connection: Connection,
    viewer: Viewer,
    subject: str,
    money: Money,
    limits: Mapping[str, int],
    *,
    now: datetime,
) -> bool:
    limit_minor = limits.get(money.currency)
    if limit_minor is None:
        return True
    if viewer.user_id is None:
        return not needs_approval(money.amount, money.currency, limits)
    return await sole_words.say(
        connection,
        user_id=viewer.user_id,
        currency=money.currency,
        subject=subject,
        amount_minor=money.amount,
        limit_minor=limit_minor,
        since=now - COUNTED_FOR,
        now=now,
    )
