"""How much of the bank's money one person alone may speak for: up to the market's limit in a day,
in each currency, whatever it is cut into."""

from datetime import datetime, timedelta
from typing import Final

from gosellr.core.db import Connection
from gosellr.queries import sole_words
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
    limit_minor = policy.transfer_approval_over.get(currency)
    if limit_minor is None:
        return True
    if viewer.user_id is None:
        return not needs_approval(amount_minor, currency, policy.transfer_approval_over)
    return await sole_words.say(
        connection,
        user_id=viewer.user_id,
        currency=currency,
        subject=subject,
        amount_minor=amount_minor,
        limit_minor=limit_minor,
        since=now - COUNTED_FOR,
        now=now,
    )
