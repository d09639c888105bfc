"""Who may import whom: the contracts of `.importlinter`, which has no exceptions."""

import os
import subprocess
import sys
from pathlib import Path

from tests.house.source import ROOT


def test_imports_point_down() -> None:
    # A process of its own: the linter sets up logging anew, which would silence our loggers.
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "services"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_no_exceptions() -> None:
    assert "ignore_imports" not in (ROOT / ".importlinter").read_text()
