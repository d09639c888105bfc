"""Measures how long a file of products takes: new, once more, and with some rows edited."""

import sys
from pathlib import Path

# Started with `-m` from the repository, Python doesn't look into `services` by itself.
_SERVICES = str(Path(__file__).resolve().parents[2] / "services")
if _SERVICES not in sys.path:
    sys.path.append(_SERVICES)
