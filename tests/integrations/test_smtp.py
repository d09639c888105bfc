"""Mail by SMTP, to a real server in this process: what it takes, refuses, puts off, or loses."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gosellr.core.clock import ManualClock
from gosellr.integrations.messages.port import Email, SendOutcome
from gosellr.integrations.messages.smtp import Security, SmtpPost, SmtpServer

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SENDER = "Market Hälls <no-reply@shop.example>"
# aiosmtpd still asks the machine for its name in a way that Python calls old.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")


class Inbox:
    """What the server keeps, and what it says to whom."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.senders: list[str] = []
        self.rcpt_answers: dict[str, str] = {}
        self.data_answer = "250 2.0.0 queued as 4711"
        self.hangs_up_after_data = False
        self.logins: list[tuple[bytes, bytes]] = []
        self.lines = 0
        self.mails_per_line = 100
        self.mail_answer = "250 OK"
        self.hangs_up_on: set[str] = set()
        self.servers: list[SMTP] = []

    def hang_up(self) -> None:
        """As a server does on those who have said nothing for long."""
        for server in self.servers:
            assert server.transport is not None
            server.transport.close()

    async def handle_EHLO(  # noqa: N802 - its library's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, options: Any
    ) -> Any:
        self.lines += 1
        session.host_name = hostname
        session.taken = 0  # type: ignore[attr-defined]
        return options

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        session.taken += 1  # type: ignore[attr-defined]
        if session.taken > self.mails_per_line:  # type: ignore[attr-defined]
            return "421 4.7.0 too many mails on this line"
        envelope.mail_from = address
        return self.mail_answer

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.hangs_up_on:
            assert server.transport is not None
            server.transport.abort()
        answer = self.rcpt_answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.data_answer.startswith("250"):
            self.taken.append(bytes(envelope.content or b""))
            self.senders.append(str(envelope.mail_from))
        if self.hangs_up_after_data:
            assert server.transport is not None
            server.transport.abort()
        return self.data_answer

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: Any, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def a_server(inbox: Inbox, **options: Any) -> AsyncIterator[int]:
    """A mail server on a free port of this machine."""
    loop = asyncio.get_running_loop()
    made = inbox.servers

    def make() -> SMTP:
        made.append(SMTP(inbox, hostname="mail.test", loop=loop, **options))
        return made[-1]

    server = await loop.create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in made:
            if one.transport is not None:
                one.transport.abort()
        await server.wait_closed()


@asynccontextmanager
async def a_post(
    port: int, *, clock: ManualClock | None = None, **more: Any
) -> AsyncIterator[SmtpPost]:
    """The post over it, without encryption unless told otherwise."""
    named = {"security": Security.NONE, **more}
    context = named.pop("tls_context", None)
    post = SmtpPost(
        SmtpServer(host="127.0.0.1", port=port, **named),
        sender=SENDER,
        clock=clock or ManualClock(NOON),
        timeout_seconds=60,
        tls_context=context,
    )
    try:
        yield post
    finally:
        await post.aclose()


def a_mail(to: str = "ada@letters.gosellr", *, message_id: str = "fact-1.order-paid.1") -> Email:
    return Email(
        message_id=message_id,
        to=to,
        subject="Danke – ✓ Größe",
        text="Paid: 12,34 €\n.\nA line that is only a dot stays.\n",
        html="<p>Paid: 12,34 €</p>",
    )


async def test_a_mail_arrives_whole_and_a_repeat_bears_the_same_name() -> None:
    inbox = Inbox()
    async with a_server(inbox) as port, a_post(port) as post:
        for _ in range(2):
            result = await post.send_email(a_mail())
            assert result.outcome is SendOutcome.ACCEPTED
            assert result.reference == "2.0.0 queued as 4711"
    assert inbox.senders == ["no-reply@shop.example"] * 2
    first, second = (message_from_bytes(content, policy=default) for content in inbox.taken)
    assert first["Message-ID"] == second["Message-ID"] == "<fact-1.order-paid.1@shop.example>"
    assert first["Subject"] == "Danke – ✓ Größe"
    assert first["From"] == SENDER
    assert first["To"] == "ada@letters.gosellr"
    assert first["Auto-Submitted"] == "auto-generated"
    text = first.get_body(("plain",))  # type: ignore[attr-defined]
    assert (
        text.get_content().replace("\r\n", "\n")
        == "Paid: 12,34 €\n.\nA line that is only a dot stays.\n"
    )
    assert all(sign < 128 for sign in inbox.taken[0])


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("550 5.1.1 no such user", SendOutcome.DECLINED),
        ("452 4.2.2 mailbox full", SendOutcome.LATER),
    ],
)
async def test_a_server_says_no_or_not_now(said: str, outcome: SendOutcome) -> None:
    inbox = Inbox()
    inbox.rcpt_answers["eve@letters.gosellr"] = said
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail("eve@letters.gosellr"))
        assert (result.outcome, result.reason, result.reached) == (outcome, said, True)
        # The same line takes the next one.
        assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED
        inbox.data_answer = said
        result = await post.send_email(a_mail())
        assert (result.outcome, result.reason, result.reached) == (outcome, said, True)
    assert len(inbox.taken) == 1


async def test_a_line_that_breaks_after_the_mail_was_handed_over_leaves_it_unknown() -> None:
    inbox = Inbox()
    inbox.hangs_up_after_data = True
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail())
        assert (result.outcome, result.reached) == (SendOutcome.UNKNOWN, True)
        assert len(inbox.taken) == 1
        inbox.hangs_up_after_data = False
        assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED


async def test_a_line_that_the_server_closed_meanwhile_is_opened_again() -> None:
    inbox = Inbox()
    async with a_server(inbox) as port, a_post(port) as post:
        await post.send_email(a_mail())
        inbox.hang_up()
        while post._idle[0].is_connected:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
        assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED
    assert (len(inbox.taken), inbox.lines) == (2, 2)


async def test_a_line_that_takes_no_more_is_replaced_at_once() -> None:
    inbox = Inbox()
    inbox.mails_per_line = 2
    async with a_server(inbox) as port, a_post(port) as post:
        for _ in range(5):
            assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED
    assert (len(inbox.taken), inbox.lines) == (5, 3)


async def test_a_sender_that_isn_t_let_in_is_about_us() -> None:
    inbox = Inbox()
    inbox.mail_answer = "550 5.1.8 no such sender"
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail())
    assert (result.outcome, result.reached) == (SendOutcome.LATER, False)
    assert result.reason == "550 5.1.8 no such sender"


@pytest.mark.parametrize(
    "said", ["421 4.3.2 shutting down", "554 5.7.1 relay access denied", "hangs up"]
)
async def test_what_fails_once_a_recipient_is_named_costs_that_mail_a_try(said: str) -> None:
    """So no address can hold up all others, and a relay that isn't set up yet loses none."""
    inbox = Inbox()
    eve = "eve@letters.gosellr"
    inbox.rcpt_answers[eve] = said
    inbox.hangs_up_on = {eve} if said == "hangs up" else set()
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail(eve))
        assert (result.outcome, result.reached) == (SendOutcome.LATER, True)
        assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED
    assert len(inbox.taken) == 1


@pytest.mark.parametrize(
    "to",
    [
        "ada@demo.gosellr.test",
        "ada@example.com",
        "ada@sub.example.ORG",
        "ada@lampo.example",
        "ada@localhost",
        "ada@x.invalid.",
    ],
)
async def test_nothing_leaves_for_the_demo_s_people(to: str) -> None:
    inbox = Inbox()
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail(to))
        assert result.outcome is SendOutcome.DECLINED
        assert result.reason == "nobody can have an address there"
    assert inbox.lines == 0
    for own in ("ada@test.gosellr", "ada@myexample.com", "test@contest.gosellr"):
        assert not a_mail(own).is_to_nobody


async def test_an_address_that_no_line_can_carry_is_refused() -> None:
    inbox = Inbox()
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail("jürgen@letters.gosellr"))
        assert (result.outcome, result.reached) == (SendOutcome.DECLINED, True)
        assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED
    assert len(inbox.taken) == 1


async def test_a_domain_in_other_letters_is_reached_by_its_name_in_ours() -> None:
    inbox = Inbox()
    inbox.rcpt_answers["ada@xn--bcher-kva.gosellr"] = "550 5.1.1 it was asked for"
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail("ada@bücher.gosellr"))
        assert result.reason == "550 5.1.1 it was asked for"
        assert (await post.send_email(a_mail("bob@bücher.gosellr"))).reference is not None
    assert message_from_bytes(inbox.taken[0])["To"] == "bob@xn--bcher-kva.gosellr"


async def test_what_a_server_says_can_be_kept() -> None:
    inbox = Inbox()
    inbox.data_answer = "250 taken\x00 \x1b[31m " + "x" * 300
    async with a_server(inbox) as port, a_post(port) as post:
        result = await post.send_email(a_mail())
    assert result.reference is not None
    assert result.reference.startswith("taken [31m xxx")
    assert result.reference.isprintable()
    assert len(result.reference) == 200


async def test_nobody_there_is_known_at_once_after_some_tries() -> None:
    clock = ManualClock(NOON)
    inbox = Inbox()
    async with a_server(inbox) as port:
        pass
    async with a_post(port, clock=clock) as post:
        for _ in range(5):
            result = await post.send_email(a_mail())
            assert (result.outcome, result.reached) == (SendOutcome.LATER, False)
        result = await post.send_email(a_mail())
        assert result.reason == "too many mails in a row found nobody there"
        assert not result.reached
        clock.advance(timedelta(seconds=11))
        assert (await post.send_email(a_mail())).reason != result.reason


async def test_encryption_is_insisted_on() -> None:
    """A server that offers none gets neither the mail nor the password."""
    inbox = Inbox()
    async with (
        a_server(inbox, authenticator=inbox.authenticate, auth_require_tls=False) as port,
        a_post(port, security=Security.STARTTLS, username="u", password="right") as post,
    ):
        result = await post.send_email(a_mail())
    assert (result.outcome, result.reached) == (SendOutcome.LATER, False)
    assert (inbox.taken, inbox.logins) == ([], [])


async def test_mail_goes_out_encrypted_under_a_login(tmp_path: Path) -> None:
    served, trusted = certificates(tmp_path)
    inbox = Inbox()
    async with (
        a_server(
            inbox,
            tls_context=served,
            require_starttls=True,
            authenticator=inbox.authenticate,
            auth_required=True,
        ) as port,
        a_post(
            port,
            security=Security.STARTTLS,
            username="market",
            password="right",
            tls_context=trusted,
        ) as post,
    ):
        assert (await post.send_email(a_mail())).outcome is SendOutcome.ACCEPTED
    assert inbox.logins == [(b"market", b"right")]
    # A server that nobody vouches for gets nothing.
    async with (
        a_server(inbox, tls_context=served, require_starttls=True) as port,
        a_post(port, security=Security.STARTTLS) as post,
    ):
        result = await post.send_email(a_mail())
    assert (result.outcome, result.reached) == (SendOutcome.LATER, False)
    assert len(inbox.taken) == 1


async def test_a_refused_login_is_about_us_and_never_tells_the_password() -> None:
    inbox = Inbox()
    server = SmtpServer.parse("smtp://market:hunter2@127.0.0.1:25?tls=off")
    assert "hunter2" not in repr(server)
    async with (
        a_server(inbox, authenticator=inbox.authenticate, auth_require_tls=False) as port,
        a_post(port, username="market", password="hunter2") as post,
    ):
        result = await post.send_email(a_mail())
    assert (result.outcome, result.reached) == (SendOutcome.LATER, False)
    assert result.reason == "535 the login was refused"
    assert inbox.taken == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer(host="mail.example", port=587,
                                           security=Security.STARTTLS)),
        ("smtps://u%40x:p%2Fw@mail.example", SmtpServer(host="mail.example", port=465,
         security=Security.TLS, username="u@x", password="p/w")),
        ("smtp://localhost:2525?tls=off", SmtpServer(host="localhost", port=2525,
                                                     security=Security.NONE)),
        ("smtp://localhost?tls=off", SmtpServer(host="localhost", port=25,
                                                security=Security.NONE)),
    ],
)  # fmt: skip
def test_a_setting_names_its_server(url: str, server: SmtpServer) -> None:
    assert SmtpServer.parse(url) == server


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server on this machine shows, and who believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "server.pem", folder / "key.pem"
    shown.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(shown, secret)
    return served, ssl.create_default_context(cafile=str(shown))
