"""Mail by SMTP: to the server that `GOSELLR_SMTP_URL` names, encrypted unless told otherwise.

What the server says in the 400s is "not now", in the 500s "never". Before it has all of a mail a
broken line means that it has none; from then on nobody knows, until it says so.
"""

import ssl
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from gosellr.core.clock import Clock
from gosellr.integrations.messages.mime import address_of, domain_of, mime_of
from gosellr.integrations.messages.port import Email, SendOutcome, SendResult
from gosellr.integrations.payments.breaker import CircuitBreaker

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
        try:
            content = bytes(mime_of(email, sender=self._sender, at=self._clock.now()))
        except ValueError as error:
            return SendResult(outcome=SendOutcome.DECLINED, reason=_said(error))
        if not self._breaker.lets_through():
            return _away("too many mails in a row found nobody there")
        line = await self._idle_line()
        if line is None:
            try:
                line = await self._open()
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                # Also a refused login: that is about us, and about none of the mails.
                self._breaker.failed()
                return _away(_said(error))
        result = await self._hand_over(line, email.to, content)
        if result.reached:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
        if line.is_connected and len(self._idle) < _IDLE_MAX:
            self._idle.append(line)
        else:
            line.close()
        return result

    async def aclose(self) -> None:
        """See `EmailSender.aclose`."""
        while self._idle:
            with suppress(aiosmtplib.SMTPException, OSError):
                await self._idle.popleft().quit(timeout=1)

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
        """One mail in its three steps: before the last of them begins, the server has nothing."""
        is_sent = False
        try:
            await line.mail(address_of(self._sender))
            await line.rcpt(recipient)
            is_sent = True
            answer = await line.data(content)
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            line.close()
            if is_sent:
                return SendResult(outcome=SendOutcome.UNKNOWN, reason=_said(error))
            return _away(_said(error))
        except ValueError as error:
            # An address that can't be written on this line.
            return SendResult(outcome=SendOutcome.DECLINED, reason=_said(error))
        return SendResult(
            outcome=SendOutcome.ACCEPTED, reference=answer.message[:_ANSWER_LENGTH_MAX]
        )


def _refused(error: aiosmtplib.SMTPResponseException) -> SendResult:
    """What the server said no to. 421 hangs up: it is the server that can't now."""
    if error.code == 421:
        return _away(_said(error))
    is_final = 500 <= error.code < 600
    # A sender that isn't let in is our mistake, not this mail's: mended, all of them can go.
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return _away(_said(error))
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
    return " ".join(text.split())[:_ANSWER_LENGTH_MAX]
