"""What gateways say of refunds, and what waits for that."""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.services import chargeback_service, refund_outcome
from gosellr.services.refund_outcome import RefundAnswer
from gosellr.utils.policy import MarketPolicy

__all__ = ["RefundAnswer", "record"]


async def record(
    connection: Connection, *, answer: RefundAnswer, policy: MarketPolicy, now: datetime
) -> None:
    """Write an answer down, book what follows, and go on with chargebacks of the same order; saying
    it again changes nothing.

    Raises:
        NotFound: no refund has such a part.
    """
    argued_about = await refund_outcome.record_answer(
        connection, answer=answer, policy=policy, now=now
    )
    if argued_about is not None:
        await chargeback_service.go_on(connection, order_id=argued_about, policy=policy, now=now)
