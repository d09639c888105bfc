"""The mail room: what the clock lets it do, apart from all other work."""

import structlog

from gosellr.flows import letters
from gosellr.resources import Resources

# How often the post is given letters, and so for how long it is given them at once.
SENDING_SECONDS = 5

_log = structlog.get_logger("gosellr.letters")


async def write_letters(resources: Resources) -> None:
    """Write the letters of what has happened."""
    for look in await letters.write_letters(resources.mail, seconds=SENDING_SECONDS):
        for fact_id, problem in look.unclear:
            _log.error("a fact gave no letter", fact_id=str(fact_id), problem=problem)


async def send_letters(resources: Resources) -> None:
    """Hand the letters that are due to the post."""
    await letters.send_due(resources.mail, seconds=SENDING_SECONDS)


async def remind_of_deadlines(resources: Resources) -> None:
    """Write to sellers whose time to answer a case is nearly over."""
    await letters.remind_of_deadlines(resources.mail)


async def sweep_letters(resources: Resources) -> None:
    """Give up letters that were lost, and delete those that were over long ago."""
    await letters.tidy_up(resources.mail)
