"""The port for e-mail and SMS: one finished message in, one honest answer out."""

import re
from enum import StrEnum
from typing import Protocol

from gosellr.utils.lazy_dataclasses import dataclass

_MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[^@\s<>,;:\"()\[\]\\]{1,255}")
# Names that nobody can own, kept for examples and demos (RFC 2606, RFC 6761).
_NOBODYS = re.compile(
    r"(?:.*[@.])(?:test|example|invalid|localhost|example\.(?:com|net|org))\.?", re.I
)


class MessageRefused(ValueError):
    """A message that must not be sent: a forged header, a broken address, an unusable key."""


class SendOutcome(StrEnum):
    """What became of a message. After `LATER` and `UNKNOWN` the same `message_id` may be sent
    again; `LATER` knows that it wasn't taken, `UNKNOWN` doesn't know."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    LATER = "later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """`reference` is the sender's own name for the message; `reason` says why it wasn't taken.

    `reached` is False where nobody was there to be asked: that says nothing about the message.
    """

    outcome: SendOutcome
    reference: str | None = None
    reason: str | None = None
    reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One mail to one person. `message_id` is the key under which it is sent at most once.

    Raises `MessageRefused` where a header carries a line break or an address isn't one.
    """

    message_id: str
    to: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None

    def __post_init__(self) -> None:
        _check_id(self.message_id)
        for address in (self.to, self.reply_to):
            if address is not None and not (address.isprintable() and _ADDRESS.fullmatch(address)):
                raise MessageRefused("not an e-mail address")
        if any(ord(sign) < 32 or sign in "\x7f\x85\u2028\u2029" for sign in self.subject):
            raise MessageRefused("a subject is one line")

    @property
    def is_to_nobody(self) -> bool:
        """Whether it goes to a domain that nobody can own, such as those of the demo's people."""
        return _NOBODYS.fullmatch(self.to) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One text message; `to` is in E.164 form. Raises `MessageRefused`."""

    message_id: str
    to: str
    text: str

    def __post_init__(self) -> None:
        _check_id(self.message_id)
        if not _PHONE.fullmatch(self.to):
            raise MessageRefused("not a phone number in E.164 form")


class EmailSender(Protocol):
    """A power that delivers mail; answers within its time limit and doesn't raise."""

    async def send_email(self, email: Email) -> SendResult:
        """Sends at most once per `message_id`, as far as the channel can promise it."""

    async def tidy_up(self) -> None:
        """Let go of what it keeps of mails that went long ago, if it keeps any."""

    async def aclose(self) -> None:
        """Let go of what it holds open."""


class SmsSender(Protocol):
    """A power that delivers text messages; answers within its time limit and doesn't raise."""

    async def send_sms(self, sms: Sms) -> SendResult:
        """Sends at most once per `message_id`, as far as the channel can promise it."""


def _check_id(message_id: str) -> None:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise MessageRefused("a message_id is 1–100 letters, digits, dots, dashes, underscores")
