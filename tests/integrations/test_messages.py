"""The folder of messages: whole files, once each, and no forged header."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path

import orjson
import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.integrations.messages.mime import mime_of
from gosellr.integrations.messages.port import Email, MessageRefused, SendOutcome, Sms

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def mail(
    *, message_id: str = "order-1.paid", to: str = "ada@example.org", subject: str = "Danke – ✓"
) -> Email:
    return Email(
        message_id=message_id,
        to=to,
        subject=subject,
        text="Paid: 12,34 €",
        html="<p>Paid: 12,34 €</p>",
        reply_to="help@example.org",
    )


@pytest.mark.case(35)
def test_case_35_a_mail_is_written_once_however_often_it_is_sent(tmp_path: Path) -> None:
    lines: list[str] = []
    outbox = ConsoleMessages(tmp_path, announce=lines.append, clock=ManualClock(NOON))

    async def send() -> list[SendOutcome]:
        answers = await asyncio.gather(*(outbox.send_email(mail()) for _ in range(5)))
        return [answer.outcome for answer in answers]

    assert asyncio.run(send()) == [SendOutcome.ACCEPTED] * 5
    assert lines == ["mail to ada@example.org: order-1.paid.eml"]
    assert [file.name for file in outbox.folder.iterdir()] == ["order-1.paid.eml"]
    content = (outbox.folder / "order-1.paid.eml").read_bytes()
    message = message_from_bytes(content, policy=default)
    assert (message["To"], message["Subject"]) == ("ada@example.org", "Danke – ✓")
    assert message["Reply-To"] == "help@example.org"
    assert message["Message-ID"] == "<order-1.paid@localhost>"
    parts = {part.get_content_type(): part.get_content() for part in message.iter_parts()}
    assert parts["text/plain"].strip() == "Paid: 12,34 €"
    assert parts["text/html"].strip() == "<p>Paid: 12,34 €</p>"


def test_the_folder_keeps_the_newest_alone(tmp_path: Path) -> None:
    outbox = ConsoleMessages(tmp_path, clock=ManualClock(NOON))
    outbox.files_max = 2
    asyncio.run(outbox.tidy_up())
    for number in range(4):
        asyncio.run(outbox.send_email(mail(message_id=f"order-{number}")))
        os.utime(outbox.folder / f"order-{number}.eml", (10 - number, 10 - number))
    asyncio.run(outbox.tidy_up())
    assert sorted(file.name for file in outbox.folder.iterdir()) == ["order-0.eml", "order-1.eml"]


def test_an_address_that_no_server_can_read_is_refused(tmp_path: Path) -> None:
    outbox = ConsoleMessages(tmp_path, clock=ManualClock(NOON))
    answer = asyncio.run(outbox.send_email(mail(to="jürgen@example.org")))
    assert answer.outcome is SendOutcome.DECLINED
    assert not outbox.folder.exists()


def test_a_text_message_is_a_line_of_json(tmp_path: Path) -> None:
    outbox = ConsoleMessages(tmp_path, clock=ManualClock(NOON))
    sms = Sms(message_id="code-1", to="+4915112345678", text="123 456")
    assert asyncio.run(outbox.send_sms(sms)).reference == "code-1.sms.json"
    assert orjson.loads((outbox.folder / "code-1.sms.json").read_bytes()) == {
        "at": "2026-03-02T12:00:00+00:00",
        "to": "+4915112345678",
        "text": "123 456",
    }


def test_a_folder_that_can_t_be_written_is_an_unknown(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands in the way")
    answer = asyncio.run(ConsoleMessages(tmp_path).send_email(mail()))
    assert answer.outcome is SendOutcome.UNKNOWN


@pytest.mark.parametrize("subject", ["a\nBcc: eve@example.org", "a\r\nX: y", "a\x00", "a\u2028b"])
def test_a_subject_carries_no_second_header(subject: str) -> None:
    with pytest.raises(MessageRefused):
        mail(subject=subject)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "ada",
        "ada@x\nBcc: e@x",
        "a@b, c@d",
        "a@b>",
        "Ada <ada@example.org>",
        "a\x00@b",
        "a\u202e@b",
    ],
)
def test_an_address_is_one_address(to: str) -> None:
    with pytest.raises(MessageRefused):
        mail(to=to)


@pytest.mark.parametrize("message_id", ["", "../x", ".hidden", "a/b", "a\n", "x" * 101])
def test_a_key_is_a_plain_file_name(message_id: str) -> None:
    with pytest.raises(MessageRefused):
        mail(message_id=message_id)


@pytest.mark.parametrize("to", ["", "0151123", "+0151123456", "+49 151 123", "+49151\n"])
def test_a_phone_number_is_e164(to: str) -> None:
    with pytest.raises(MessageRefused):
        Sms(message_id="a", to=to, text="hello")


@pytest.mark.parametrize("sender", ["GoSellr <no-reply@localhost>", "Märkte <a@m.example>"])
@pytest.mark.parametrize(
    "subject",
    [
        "New order GS-11718-1: to be sent by 3 Dec 2026, 08:21 UTC",
        "Danke – ✓",
        "a  b ",
        " a",
        "",
        "word " * 29,
        "x" * 150,
        "ü" * 150,
    ],
)
def test_headers_say_what_the_library_would(sender: str, subject: str) -> None:
    email = mail(to="ada.o'neil+x@bücher.example", subject=subject, message_id="a" * 100)
    content = mime_of(email, sender=sender, at=NOON)
    written = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    written["From"] = sender
    written["To"] = "ada.o'neil+x@xn--bcher-kva.example"
    written["Subject"] = subject
    written["Date"] = "Mon, 02 Mar 2026 12:00:00 +0000"
    written["Message-ID"] = f"<{email.message_id}@{sender[:-1].partition('@')[2]}>"
    written["Auto-Submitted"] = "auto-generated"
    written["Reply-To"] = email.reply_to
    head, _, rest = content.partition(b"MIME-Version: 1.0\r\n")
    assert head + b"\r\n" == bytes(written)
    boundary = message_from_bytes(content, policy=default).get_boundary()
    assert rest.startswith(
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode()
    )


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?Ada=0D=0ABcc:_eve=40x.example?= has a gift card for you",
        "Ada =?utf-8?b?DQoNCkNsaWNrIGhlcmU=?= has a gift card for you",
        "=?utf-8?q?=E2=80=AE?=" * 7,
        "Mäx =?utf-8?q?Ada?=",
        "= ?=?",
    ],
)
def test_a_subject_says_nothing_but_what_stands_in_it(subject: str) -> None:
    content = mime_of(mail(subject=subject), sender="a@example.org", at=NOON)
    assert max(map(len, content.split(b"\r\n"))) <= 78
    message = message_from_bytes(content, policy=default)
    assert message["Subject"] == subject
    assert message.keys() == [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To",
        "MIME-Version", "Content-Type",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["=?utf-8?q?a=0D=0ABcc=3A_eve=40x.example?=", "x" * 64])
def test_an_address_is_written_as_it_is(name: str) -> None:
    content = mime_of(mail(to=f"{name}@example.org"), sender="a@example.org", at=NOON)
    assert content.split(b"\r\n")[1] == f"To: {name}@example.org".encode()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Paid.", "7bit"),
        ("Paid: 12,34 € for a lamp, of which half comes back \n\n-- \nA\n.\n=20\n" + "a " * 60,
         "quoted-printable"),
        ("word " * 40 + "\nFrom here on", "quoted-printable"),
        ("Привет, мир. " * 20, "base64"),
    ],
)  # fmt: skip
def test_a_text_is_read_as_it_was_written(text: str, encoding: str) -> None:
    email = Email(message_id="a", to="a@example.org", subject="a", text=text, html=f"<p>{text}</p>")
    content = mime_of(email, sender="a@example.org", at=NOON)
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    plain, html = message_from_bytes(content, policy=default).iter_parts()
    assert plain["Content-Transfer-Encoding"] == encoding
    lines = text.splitlines()
    assert plain.get_content().split("\r\n") == [*lines, ""]
    assert html.get_content().split("\r\n") == [*f"<p>{text}</p>".splitlines(), ""]
    alone = mime_of(replace(email, html=None), sender="a@example.org", at=NOON)
    assert message_from_bytes(alone, policy=default).get_content().splitlines() == lines


def test_a_sender_of_two_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        mime_of(mail(), sender="a@example.org\r\nBcc: eve@example.org", at=NOON)
