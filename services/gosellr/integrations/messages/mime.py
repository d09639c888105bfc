"""A mail as it travels: both forms of its text, and headers that hold one line each."""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from gosellr.integrations.messages.port import Email

# Seven bits pass every server there is.
_POLICY = SMTP.clone(cte_type="7bit")


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
        message.add_alternative(email.html, subtype="html")
    return message
