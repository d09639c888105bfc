"""Measures how good the search is: judged queries against a catalogue, as nDCG@10.

`python -m bench.search_quality --data <folder>` needs `products.jsonl.gz` (id, title, brand,
short_description, price_cents_usd, attributes) and `judgments*.csv` (query, product_id, rating).
"""

import sys
from pathlib import Path

# Started with `-m` from the repository, Python doesn't look into `services` by itself.
_SERVICES = str(Path(__file__).resolve().parents[2] / "services")
if _SERVICES not in sys.path:
    sys.path.append(_SERVICES)
