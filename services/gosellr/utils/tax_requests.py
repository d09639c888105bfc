"""When sellers are asked who they are to the tax authorities, and when money waits for it.

Council Directive (EU) 2021/514 (DAC7), Annex V, section IV A.2: a platform whose seller doesn't
say it after two reminders that followed the first request, but not before 60 days have passed,
closes the account or withholds payment until it is said.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

REMINDED_AFTER: Final = timedelta(days=21)
"""So long after the letter before follows the next one, also where a market stood still."""

WITHHELD_AFTER: Final = timedelta(days=60)
"""Counted from the first request: nothing is withheld before."""

LAST_NOTICE: Final = timedelta(days=14)
"""So much time the second reminder leaves at least, however late it was."""

TAX_HOLD_REASON: Final = (
    "You were asked three times who you are to the tax authorities. Payouts go on as soon as an"
    " owner of the shop has said it."
)
"""Why nothing is paid until then, as the shop reads it."""


class RequestStep(StrEnum):
    """What a seller was told last of it."""

    ASKED = "asked"
    REMINDED = "reminded"
    REMINDED_AGAIN = "reminded_again"
    WITHHELD = "withheld"
    LET_GO = "let_go"
    """What was withheld is paid again."""


class RequestMode(StrEnum):
    """How far a market goes."""

    OFF = "off"
    REMIND = "remind"
    WITHHOLD = "withhold"


def withheld_from(*, asked_at: datetime, reminded_again_at: datetime | None) -> datetime:
    """From when on payouts may wait; before the second reminder, from when on at the earliest."""
    earliest = asked_at + WITHHELD_AFTER
    return earliest if reminded_again_at is None else max(earliest, reminded_again_at + LAST_NOTICE)


def reported_since(now: datetime) -> datetime:
    """From when on sales count: the report of last year is handed in during this one."""
    return datetime(now.year - 1, 1, 1, tzinfo=UTC)
