"""The twin that ships: messages become files in `<home>/outbox`, and a line on the console.

It fails when it is told to, by the address that a mail goes to: what stands after a plus in
`ada+declined@example.com`, as `TEST_TAGS` list it.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import orjson

from gosellr.core.clock import Clock, SystemClock
from gosellr.integrations.messages.mime import mime_of
from gosellr.integrations.messages.port import Email, SendOutcome, SendResult, Sms

# A mail to an address with `lost` arrives, and nobody hears that it did.
TEST_TAGS: Mapping[str, SendOutcome] = MappingProxyType(
    {
        "declined": SendOutcome.DECLINED,
        "later": SendOutcome.LATER,
        "lost": SendOutcome.UNKNOWN,
    }
)


class ConsoleMessages:
    """An `EmailSender` and `SmsSender` over a folder of `<message_id>.eml` and `.sms.json`.

    A message whose file exists isn't written again. `announce` gets one line per new message.
    While `is_away`, nobody is there. Of what it has kept, the newest `files_max` outlive `tidy_up`.
    """

    is_away = False
    files_max = 10_000

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
        if self.is_away:
            return SendResult(outcome=SendOutcome.LATER, reason="nobody is there", reached=False)
        told = TEST_TAGS.get(email.to.partition("@")[0].partition("+")[2])
        if told in (SendOutcome.DECLINED, SendOutcome.LATER):
            return SendResult(outcome=told, reason=f"told to say {told.value}")
        try:
            content = mime_of(email, sender=self._sender, at=self._now())
        except ValueError as error:
            return SendResult(outcome=SendOutcome.DECLINED, reason=type(error).__name__)
        kept = await self._keep(f"{email.message_id}.eml", content, "mail", email.to)
        if told is SendOutcome.UNKNOWN:
            return SendResult(outcome=told, reason="told to lose its answer")
        return kept

    async def send_sms(self, sms: Sms) -> SendResult:
        """See `SmsSender.send_sms`."""
        content = orjson.dumps({"at": self._now(), "to": sms.to, "text": sms.text})
        return await self._keep(f"{sms.message_id}.sms.json", content, "sms", sms.to)

    async def tidy_up(self) -> None:
        """See `EmailSender.tidy_up`."""
        await asyncio.to_thread(_keep_newest, self.folder, self.files_max)

    async def aclose(self) -> None:
        """See `EmailSender.aclose`."""

    async def _keep(self, name: str, content: bytes, channel: str, to: str) -> SendResult:
        try:
            new = await asyncio.to_thread(_write_once, self.folder / name, content)
        except OSError as error:
            return SendResult(outcome=SendOutcome.UNKNOWN, reason=type(error).__name__)
        if new and self._announce is not None:
            self._announce(f"{channel} to {to}: {name}")
        return SendResult(outcome=SendOutcome.ACCEPTED, reference=name)


def _keep_newest(folder: Path, files_max: int) -> None:
    """Who else tidies up here may be quicker."""
    if not folder.is_dir():
        return
    aged = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            aged.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(aged, reverse=True)[files_max:]:
        path.unlink(missing_ok=True)


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
