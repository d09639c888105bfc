"""The first web process loads before it knows its settings: all it needs, and without asking."""

import json
import os
import subprocess
import sys
from pathlib import Path

from gosellr.main import PARTS

LOAD = """
import importlib, json, os, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
before = {name for name in sys.modules if name.startswith("gosellr.")}
os.environ["GOSELLR_PORT"] = "4004"
from gosellr.main import application
application()
after = {name for name in sys.modules if name.startswith("gosellr.")}
print(json.dumps(sorted(after - before)))
"""


def test_the_parts_of_the_application_are_all_of_it_and_ask_for_no_settings(tmp_path: Path) -> None:
    settings = {
        "GOSELLR_HOME": str(tmp_path),
        "GOSELLR_ENV": "development",
        "GOSELLR_DATABASE_URL": "postgresql://nobody@localhost/nothing",
        "GOSELLR_PORT": "no port",  # Whoever reads the settings too early is told so.
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *PARTS],
        env=dict(os.environ) | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The front door is small, and asked for by its name.
    late = json.loads(done.stdout.splitlines()[-1])
    assert late == ["gosellr.core.head_start", "gosellr.core.supervisor", "gosellr.main"]
