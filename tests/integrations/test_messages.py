"""The folder of messages: whole files, once each, and no forged header."""

import asyncio
import os
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


def test_headers_that_are_read_once_say_what_the_library_says() -> None:
    """Mails of one sender share what is the same in all of them, and nothing else."""
    for number, sender in enumerate(["Märkte <no-reply@m.example>", "no-reply@n.example"] * 2):
        email = mail(message_id=f"order-{number}", to=f"a{number}@example.org", subject=f"{number}")
        sent = mime_of(email, sender=sender, at=NOON)
        boundary = sent.get_boundary() or ""
        assert boundary not in email.text + (email.html or "")
        plain = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
        for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To"):
            plain[name] = str(sent[name])
        plain.set_content(email.text)
        plain.make_alternative(boundary=boundary)
        plain.add_alternative(email.html, subtype="html")
        assert bytes(sent) == bytes(plain)
        assert (sent["From"], sent["Subject"]) == (sender, str(number))
