"""The twin that ships: messages become files in `<home>/outbox`, and a line on the console."""

import asyncio
import os
import tempfile
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import orjson

from gosellr.core.clock import Clock, SystemClock
from gosellr.integrations.messages.port import Email, SendOutcome, SendResult, Sms


class ConsoleMessages:
    """An `EmailSender` and `SmsSender` over a folder of `<message_id>.eml` and `.sms.json`.

    A message whose file exists isn't written again. `announce` gets one line per new message.
    """

    def __init__(
        self,
        home: Path,
        *,
        sender: str = "GoSellr <no-reply@localhost>",
        announce: Callable[[str], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.folder = home / "outbox"
        self._sender = sender
        self._announce = announce
        self._now = (clock or SystemClock()).now

    async def send_email(self, email: Email) -> SendResult:
        """See `EmailSender.send_email`."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = email.to
        message["Subject"] = email.subject
        message["Date"] = format_datetime(self._now())
        message["Message-ID"] = f"<{email.message_id}@localhost>"
        if email.reply_to is not None:
            message["Reply-To"] = email.reply_to
        message.set_content(email.text)
        if email.html is not None:
            message.add_alternative(email.html, subtype="html")
        return await self._keep(f"{email.message_id}.eml", message.as_bytes(), "mail", email.to)

    async def send_sms(self, sms: Sms) -> SendResult:
        """See `SmsSender.send_sms`."""
        content = orjson.dumps({"at": self._now(), "to": sms.to, "text": sms.text})
        return await self._keep(f"{sms.message_id}.sms.json", content, "sms", sms.to)

    async def _keep(self, name: str, content: bytes, channel: str, to: str) -> SendResult:
        try:
            new = await asyncio.to_thread(_write_once, self.folder / name, content)
        except OSError as error:
            return SendResult(outcome=SendOutcome.UNKNOWN, reason=type(error).__name__)
        if new and self._announce is not None:
            self._announce(f"{channel} to {to}: {name}")
        return SendResult(outcome=SendOutcome.ACCEPTED, reference=name)


def _write_once(path: Path, content: bytes) -> bool:
    """Makes the file whole or not at all; False where it is there already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # A hard link, unlike a rename, refuses to replace: of two senders one wins.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        Path(draft).unlink()
    return True
