"""Mail by SMTP: to the server that `GOSELLR_SMTP_URL` names, encrypted unless told otherwise.

What the server says in the 400s is "not now", in the 500s "never". Before it has all of a mail a
broken line means that it has none; from then on nobody knows, until it says so. What fails before
a recipient was named is about the server or about us; what fails from then on may be about this
one mail, and costs it a try, so that no address can hold up all others for ever.
"""

import ssl
from collections import deque
from contextlib import suppress
from dataclasses import field
from enum import Enum
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from gosellr.core.clock import Clock
from gosellr.integrations.messages.mime import address_of, domain_of, mime_of, wire_address
from gosellr.integrations.messages.port import Email, SendOutcome, SendResult
from gosellr.integrations.payments.breaker import CircuitBreaker
from gosellr.utils.lazy_dataclasses import dataclass

_TIMEOUT_SECONDS = 15.0
_IDLE_MAX = 4
# Of what a server says, enough to know what it meant. It may be long, and may repeat an address.
_ANSWER_LENGTH_MAX = 200


class Security(Enum):
    """How the line is kept from others."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail goes. The password is in no representation of it."""

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """The server that a checked setting names: `smtps://` is TLS from the first byte on,
        `smtp://` insists on STARTTLS, and `?tls=off` is for a relay on this machine."""
        parts = urlsplit(url)
        if parts.scheme == "smtps":
            security = Security.TLS
        elif parse_qs(parts.query).get("tls") == ["off"]:
            security = Security.NONE
        else:
            security = Security.STARTTLS
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or {Security.TLS: 465, Security.STARTTLS: 587}.get(security, 25),
            security=security,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class SmtpPost:
    """An `EmailSender` over a few lines to one server, which are kept for the next mail.

    After some mails in a row for which nobody was there, none is tried for a while.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        sender: str,
        clock: Clock,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._tls_context = tls_context
        self._breaker = CircuitBreaker(clock)
        self._idle: deque[aiosmtplib.SMTP] = deque()

    async def send_email(self, email: Email) -> SendResult:
        """See `EmailSender.send_email`."""
        if email.is_to_nobody:
            return SendResult(
                outcome=SendOutcome.DECLINED, reason="nobody can have an address there"
            )
        try:
            content = mime_of(email, sender=self._sender, at=self._clock.now())
        except ValueError as error:
            return SendResult(outcome=SendOutcome.DECLINED, reason=_said(error))
        if not self._breaker.lets_through():
            return _away("too many mails in a row found nobody there")
        result = await self._by_some_line(wire_address(email.to), content)
        if result.reached:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
        return result

    async def tidy_up(self) -> None:
        """See `EmailSender.tidy_up`."""

    async def aclose(self) -> None:
        """See `EmailSender.aclose`."""
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._idle.popleft().quit(timeout=1)

    async def _by_some_line(self, recipient: str, content: bytes) -> SendResult:
        """By one that stands; by a new one where that takes no more, as many servers allow only
        so many mails on one line."""
        used = await self._idle_line()
        if used is not None:
            result = await self._hand_over(used, recipient, content)
            if result.reached:
                return result
        try:
            line = await self._open()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # Also a refused login: that is about us, and about none of the mails.
            return _away(_said(error))
        return await self._hand_over(line, recipient, content)

    async def _idle_line(self) -> aiosmtplib.SMTP | None:
        """A line that was used before and still stands: servers hang up on the idle."""
        while self._idle:
            line = self._idle.pop()
            try:
                await line.rset()
            except (aiosmtplib.SMTPException, OSError):
                line.close()
            else:
                return line
        return None

    async def _open(self) -> aiosmtplib.SMTP:
        server = self._server
        line = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            # Asked for instead, the machine's own name could take long to be found.
            local_hostname=domain_of(self._sender),
            timeout=self._timeout_seconds,
            use_tls=server.security is Security.TLS,
            start_tls=server.security is Security.STARTTLS,
            tls_context=self._tls_context,
        )
        try:
            await line.connect()
        except BaseException:
            line.close()
            raise
        return line

    async def _hand_over(self, line: aiosmtplib.SMTP, recipient: str, content: bytes) -> SendResult:
        """One mail on this line, which is kept for the next one if it still stands."""
        try:
            result = await self._say(line, recipient, content)
        except BaseException:
            line.close()
            raise
        if result.reached and line.is_connected and len(self._idle) < _IDLE_MAX:
            self._idle.append(line)
        else:
            line.close()
        return result

    async def _say(self, line: aiosmtplib.SMTP, recipient: str, content: bytes) -> SendResult:
        """One mail in its three steps: before the last of them begins, the server has nothing."""
        is_named = is_sent = False
        try:
            await line.mail(address_of(self._sender))
            is_named = True
            await line.rcpt(recipient)
            is_sent = True
            answer = await line.data(content)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error) if is_named else _away(_said(error))
        except (aiosmtplib.SMTPException, OSError) as error:
            line.close()
            if is_named:
                outcome = SendOutcome.UNKNOWN if is_sent else SendOutcome.LATER
                return SendResult(outcome=outcome, reason=_said(error))
            return _away(_said(error))
        except ValueError as error:
            # An address that can't be written on this line.
            return SendResult(outcome=SendOutcome.DECLINED, reason=_said(error))
        return SendResult(outcome=SendOutcome.ACCEPTED, reference=_line_of(answer.message))


def _refused(error: aiosmtplib.SMTPResponseException) -> SendResult:
    """What the server said no to. What it doesn't let *us* do (5.7, RFC 3463) is mended by people,
    and soon: a mail isn't lost by that."""
    is_final = 500 <= error.code < 600 and not error.message.startswith("5.7.")
    outcome = SendOutcome.DECLINED if is_final else SendOutcome.LATER
    return SendResult(outcome=outcome, reason=_said(error))


def _away(reason: str) -> SendResult:
    return SendResult(outcome=SendOutcome.LATER, reason=reason, reached=False)


def _said(error: Exception) -> str:
    """An error in one line, without anything that we sent: that could be a password."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"{error.code} the login was refused"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        text = f"{error.code} {error.message}"
    else:
        text = f"{type(error).__name__}: {error}"
    return _line_of(text)


def _line_of(text: str) -> str:
    """What a server says may be anything: one line of it, in signs that can be kept."""
    seen = text.encode("ascii", "replace").decode()
    line = "".join(sign if sign.isprintable() else " " for sign in seen)
    return " ".join(line.split())[:_ANSWER_LENGTH_MAX]
