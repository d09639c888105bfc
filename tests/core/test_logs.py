"""Logs: JSON that a machine reads, in which no secret stands."""

import io
import logging
from collections.abc import Iterator

import orjson
import pytest
import structlog

from gosellr.core.logs import REDACTED, bind_request_id, configure_logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What production logs write, with everything as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output = io.StringIO()
    monkeypatch.setattr("sys.stderr", output)
    configure_logs(level="info", production=True)
    yield output
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_line_is_json_with_the_request_id_and_without_secrets(written: io.StringIO) -> None:
    bind_request_id("r-1")
    structlog.get_logger("gosellr.test").info(
        "signed in",
        email="ada@example.com",
        password="hunter2",
        headers={"Authorization": "Bearer abc", "Accept": "*/*"},
        attempts=[{"refresh_token": "abc", "at": 1}],
    )
    line = orjson.loads(written.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "signed in",
        "level": "info",
        "logger": "gosellr.test",
        "request_id": "r-1",
        "email": "ada@example.com",
        "password": REDACTED,
        "headers": {"Authorization": REDACTED, "Accept": "*/*"},
        "attempts": [{"refresh_token": REDACTED, "at": 1}],
    }


def test_lines_of_libraries_and_their_errors_look_the_same(written: io.StringIO) -> None:
    error = LookupError("nothing there")
    logging.getLogger("some.library").error("broken %s", "badly", exc_info=error)
    line = orjson.loads(written.getvalue())
    assert (line["event"], line["level"], line["logger"]) == (
        "broken badly", "error", "some.library",
    )  # fmt: skip
    assert "LookupError: nothing there" in line["exception"]


def test_what_is_below_the_level_is_not_written(written: io.StringIO) -> None:
    structlog.get_logger("gosellr.test").debug("detail")
    assert written.getvalue() == ""


def test_a_traceback_never_shows_what_the_functions_held(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.StringIO()
    monkeypatch.setattr("sys.stderr", output)
    configure_logs(level="info", production=False)

    def connect(password: str) -> None:
        raise RuntimeError(f"no connection for {len(password)} letters")

    try:
        connect("correct " + "horse")
    except RuntimeError:
        structlog.get_logger("gosellr.test").exception("loop failed")
    assert "RuntimeError: no connection for 13 letters" in output.getvalue()
    assert "correct horse" not in output.getvalue()
