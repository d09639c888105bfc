"""Plays one month of a wholesaler's invoices and credit notes and compares the net to the penny.

`python -m bench.retail --data <folder> --month 2010-12`; `--help` states how the data's words map
onto the market's.
"""

import sys
from pathlib import Path

# Started with `-m` from the repository, Python doesn't look into `services` by itself.
_SERVICES = str(Path(__file__).resolve().parents[2] / "services")
if _SERVICES not in sys.path:
    sys.path.append(_SERVICES)
