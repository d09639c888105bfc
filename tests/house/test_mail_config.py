"""Settings of the post: an address that can be used, or a sentence that says what is wrong."""

from pathlib import Path

import pytest

from gosellr.cli_doctor import _check_mail
from gosellr.config import Settings, SettingsError, read_settings
from gosellr.config_fields import PREFIX, variable_of
from gosellr.core.clock import SystemClock
from gosellr.integrations.messages.console import ConsoleMessages
from gosellr.integrations.messages.smtp import SmtpPost
from gosellr.providers import build_post

FROM = "Market <no-reply@example.com>"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable_of(field), raising=False)


def problems_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    for name, value in variables.items():
        monkeypatch.setenv(PREFIX + name, value)
    try:
        read_settings(env_file=None)
    except SettingsError as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.example",
        "smtps://user:pass%40word@mail.example:465",
        "smtp://localhost:25?tls=off",
        "smtp://127.0.0.1?tls=off",
    ],
)
def test_a_server_that_can_be_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert problems_of(monkeypatch, SMTP_URL=url, MAIL_FROM=FROM) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://u:hunter2@mail.example", "it is no smtp:// or smtps:// address"),
        ("mail.example:25", "it is no smtp:// or smtps:// address"),
        ("smtp://u:hunter2@mail.example:door", "its port is no port"),
        ("smtp://hunter2@mail.example", "a user comes with a password, and a password with a user"),
        ("smtps://mail.example/x", "after the host and port comes nothing but ?tls=off"),
        ("smtp://mail.example?tls=on", "after the host and port comes nothing but ?tls=off"),
        ("smtp://mail.example?tls=off", "?tls=off is for smtp:// to this computer alone"),
        ("smtps://localhost?tls=off", "?tls=off is for smtp:// to this computer alone"),
    ],
)
def test_a_server_that_can_t(monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    assert problems_of(monkeypatch, SMTP_URL=url, MAIL_FROM=FROM) == [
        f"GOSELLR_SMTP_URL is wrong: {reason}. Example: GOSELLR_SMTP_URL=smtp://user:password@mail:587"
    ]


@pytest.mark.parametrize(
    "sender", ["nobody", "a@b, c@d", "Market\x0b <a@example.com>", "<>", "Bad;name <a@b@c>"]
)
def test_a_sender_is_one_address(monkeypatch: pytest.MonkeyPatch, sender: str) -> None:
    [problem] = problems_of(monkeypatch, MAIL_FROM=sender)
    assert problem.endswith(
        "is wrong: it is no address, with or without a name before it."
        " Example: GOSELLR_MAIL_FROM=Market <no-reply@example.com>"
    )


def test_a_server_comes_with_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems_of(monkeypatch, SMTP_URL="smtp://u:hunter2@mail.example")
    assert problem.startswith("GOSELLR_SMTP_URL is set, and GOSELLR_MAIL_FROM names nobody")
    monkeypatch.setenv("GOSELLR_MAIL_FROM", FROM)
    settings = read_settings(env_file=None)
    assert "hunter2" not in repr(settings)
    assert isinstance(build_post(settings, SystemClock()), SmtpPost)


def test_without_a_server_letters_stay_and_the_doctor_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOSELLR_HOME", str(tmp_path))
    settings = read_settings(env_file=None)
    post = build_post(settings, SystemClock())
    assert isinstance(post, ConsoleMessages)
    assert post.folder == tmp_path / "outbox"
    found = _check_mail(settings)
    assert found.is_well
    assert found.answer == f"not set up: letters stay in {tmp_path / 'outbox'}, nobody gets one"
    assert not _check_mail(settings.model_copy(update={"env": "production"})).is_well
    named = settings.model_copy(update={"smtp_url": "smtp://u:hunter2@mail.example"})
    assert _check_mail(named).answer == "by mail.example"
