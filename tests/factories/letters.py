"""The mail room, worked by hand: facts told, letters written and handed to the post."""

from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.jobs import letters
from gosellr.resources import Resources

# What the relay does, but for facts of a transaction that is still open.
TELL = """
INSERT INTO outbox_feed (position, event_sequence)
SELECT (SELECT coalesce(max(position), 0) FROM outbox_feed) + row_number() OVER (ORDER BY sequence),
       sequence
FROM outbox_event
WHERE sequence NOT IN (SELECT event_sequence FROM outbox_feed)
"""


async def open_room(resources: Resources, connection: Connection) -> None:
    """What has happened so far gets no letter."""
    await connection.execute(TELL)
    await letters.write_letters(resources)


async def write(resources: Resources, connection: Connection) -> list[dict[str, Any]]:
    """Tell what has happened since, write its letters, and give all there are."""
    await connection.execute(TELL)
    await letters.write_letters(resources)
    return await written(connection)


async def written(connection: Connection) -> list[dict[str, Any]]:
    """Every letter, in the order in which they were written."""
    rows = await connection.fetch("SELECT * FROM letter ORDER BY id")
    return [dict(row) for row in rows]


async def to_whom(connection: Connection) -> list[tuple[str, str]]:
    """Kind and recipient of every letter."""
    return [(row["kind"], row["recipient"]) for row in await written(connection)]


async def send(resources: Resources, *, after: timedelta = timedelta()) -> None:
    """Hand over what is due after a while."""
    assert isinstance(resources.clock, ManualClock)
    resources.clock.advance(after)
    await letters.send_letters(resources)


def post_of(resources: Resources) -> ConsoleMessages:
    """The folder that letters are kept in."""
    assert isinstance(resources.post, ConsoleMessages)
    return resources.post


def mails(resources: Resources) -> list[EmailMessage]:
    """What came to the folder, in the order of its names, which begin with the facts' ids."""
    folder = post_of(resources).folder
    found = sorted(folder.glob("*.eml")) if folder.exists() else []
    read = [message_from_bytes(one.read_bytes(), policy=default) for one in found]
    return [one for one in read if isinstance(one, EmailMessage)]


def text_of(mail: EmailMessage) -> str:
    """The plain form of a mail, with every blank and every end of a line as one types them."""
    body = mail.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\r\n", "\n").replace("\N{NO-BREAK SPACE}", " ")
