"""The checkout's own script: every command of the market, typed from there."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gosellr import __version__, cli_story

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = CHECKOUT / "gosellr"


def _run(script: Path, *arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [script, *arguments], cwd=at, env=environment, capture_output=True, text=True, check=False
    )


def test_it_can_be_run() -> None:
    assert SCRIPT.stat().st_mode & stat.S_IXUSR


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of nothing but what the script needs, in a folder with a space in its name."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    shutil.copy(SCRIPT, folder)
    (folder / "services").symlink_to(CHECKOUT / "services")
    return folder


def test_it_passes_a_command_on_from_wherever_it_is_called(checkout: Path, tmp_path: Path) -> None:
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    asked = _run(checkout / "gosellr", "version", at=tmp_path)
    assert (asked.returncode, asked.stdout) == (0, f"gosellr {__version__}\n"), asked.stderr
    helped = _run(checkout / "gosellr", "explain", "--help", at=tmp_path)
    assert "Usage: gosellr explain" in helped.stdout


def test_before_anything_is_installed_it_says_what_to_do(checkout: Path, tmp_path: Path) -> None:
    asked = _run(checkout / "gosellr", "audit", at=tmp_path)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert asked.stderr == "Nothing is installed here yet. First: make run\n"


def test_the_story_names_the_command_that_works_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(CHECKOUT / ".venv"))
    assert cli_story.called() == "./gosellr"
    monkeypatch.setattr(sys, "prefix", "/usr")
    assert cli_story.called() == "gosellr"
