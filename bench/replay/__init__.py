"""Plays a recorded stream of orders through an empty market and compares the outcome.

`python -m bench.replay --data <folder> --catalog <folder>`; `--help` states how the data's words
map onto the market's.
"""

import sys
from pathlib import Path

# Started with `-m` from the repository, Python doesn't look into `services` by itself.
_SERVICES = str(Path(__file__).resolve().parents[2] / "services")
if _SERVICES not in sys.path:
    sys.path.append(_SERVICES)
