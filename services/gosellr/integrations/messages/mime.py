"""A mail as it travels: both forms of its text, and headers that hold one line each."""

import secrets
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any

from gosellr.integrations.messages.port import Email

# What these say is the same in nearly all mails.
_CONSTANT = frozenset(
    {"from", "auto-submitted", "mime-version", "content-type", "content-transfer-encoding"}
)


class _Headers(HeaderRegistry):
    """The library's headers, which never change once they are read: of those that say the same in
    all mails each is read once, and the kind of each is made once. That is most of what a mail
    costs."""

    def __init__(self) -> None:
        super().__init__()
        self._kind = lru_cache(maxsize=32)(super().__getitem__)
        self._read = lru_cache(maxsize=32)(super().__call__)

    def __getitem__(self, name: str) -> type[BaseHeader]:
        return self._kind(name.lower())

    def __call__(self, name: str, value: Any) -> BaseHeader:
        if name.lower() in _CONSTANT and "boundary" not in value:
            return self._read(name, value)
        return super().__call__(name, value)


# Seven bits pass every server there is.
_POLICY = SMTP.clone(cte_type="7bit", header_factory=_Headers())


def domain_of(sender: str) -> str:
    """What stands after the @ of a sender, with or without a name before it."""
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def address_of(sender: str) -> str:
    """The address of a sender, without the name."""
    return parseaddr(sender)[1]


def wire_address(address: str) -> str:
    """An address as every server reads it: a domain in other letters has a name in ours as well.

    Raises:
        UnicodeError: what stands before the @ can't be written in them.
    """
    name, _, domain = address.rpartition("@")
    name.encode("ascii")
    return f"{name}@{domain.encode('idna').decode('ascii')}"


def mime_of(email: Email, *, sender: str, at: datetime) -> EmailMessage:
    """The mail from this sender.

    Its Message-ID is made of what the mail is called here, so that a repeat bears the same one.
    The library refuses a header that goes on in another line.

    Raises:
        ValueError: the recipient's address can't travel.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = wire_address(email.to)
    message["Subject"] = email.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{email.message_id}@{domain_of(sender)}>"
    # Nobody is to get an answer from a holiday because of it (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if email.reply_to is not None:
        message["Reply-To"] = email.reply_to
    message.set_content(email.text)
    if email.html is not None:
        # Nobody can guess it, so no text has it: the library would search both for one that it
        # made up.
        message.make_alternative(boundary=f"=_{secrets.token_hex(16)}")
        message.add_alternative(email.html, subtype="html")
    return message
