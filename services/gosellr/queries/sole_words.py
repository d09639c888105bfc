"""What one person said alone of the bank's money, and gave away alone, of late: counted where it is
decided."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

# One row for each person and currency, which whoever says something at the same moment waits for.
# What is older doesn't count, and the same transfer counts once, however often it is spoken of.
_OF_LATE = """
    SELECT said.subject, max(said.amount_minor) AS amount_minor, max(said.at) AS at
    FROM (
        SELECT * FROM unnest(own.subjects, own.amounts_minor, own.said_at)
        UNION ALL SELECT $3::text, $4::bigint, $5::timestamptz
    ) AS said (subject, amount_minor, at)
    WHERE said.at > $7::timestamptz
    GROUP BY said.subject
"""
# What is given away counts apart from what is said of the bank's money.
_IS_GIVEN = "(split_part(%s, ':', 1) IN ('store_credit', 'gift_card'))"
SAY = f"""
INSERT INTO sole_word AS own (user_id, currency, subjects, amounts_minor, said_at)
SELECT $1::uuid, $2::bpchar, ARRAY[$3::text], ARRAY[$4::bigint], ARRAY[$5::timestamptz]
WHERE $4::bigint <= $6::bigint
ON CONFLICT (user_id, currency) DO UPDATE
SET (subjects, amounts_minor, said_at) = (
    SELECT array_agg(late.subject), array_agg(late.amount_minor), array_agg(late.at)
    FROM ({_OF_LATE}) AS late)
WHERE (SELECT sum(late.amount_minor) FROM ({_OF_LATE}) AS late
       WHERE {_IS_GIVEN % "late.subject"} = {_IS_GIVEN % "$3::text"}) <= $6::bigint
RETURNING user_id
"""


async def say(
    connection: Connection,
    *,
    user_id: UUID,
    currency: str,
    subject: str,
    amount_minor: int,
    limit_minor: int,
    since: datetime,
    now: datetime,
) -> bool:
    """Count this as said by one person alone; False, and nothing is counted, where all of the
    like that they said since then would be above the limit with it. Amounts in minor units."""
    done = await connection.fetchval(
        SAY, user_id, currency, subject, amount_minor, now, limit_minor, since
    )
    return done is not None
