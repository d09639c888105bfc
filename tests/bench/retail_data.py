"""A few invoices and credit notes in the retail replay's format, made for tests."""

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

COLUMNS = (
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
)
# Invoice, SKU, units, day and time, price, customer.
ROWS = (
    ("1001", "LAMP", 6, "2020-05-01 08:26:00", "2.55", "17"),
    ("1001", "LAMP", 2, "2020-05-01 08:26:00", "2.55", "17"),
    ("1001", "RUG B", 1, "2020-05-01 08:26:00", "27.50", "17"),
    ("1002", "LAMP", 4, "2020-05-02 10:00:00", "2.55", "17"),
    ("1003", "LAMP", 3, "2020-05-03 10:00:00", "2.10", "17"),
    ("1004", "LAMP", 5, "2020-05-03 11:00:00", "2.55", ""),
    # Found dust on it, wrote it off; a gift; a fee that comes back; a tenth of a penny.
    ("1005", "LAMP", -9, "2020-05-04 09:00:00", "0", ""),
    ("1006", "LAMP", 1, "2020-05-04 09:30:00", "0", "17"),
    ("A1007", "B", 1, "2020-05-04 10:00:00", "-11.06", ""),
    ("1008", "PADS", 3, "2020-05-04 11:00:00", "0.001", "17"),
    # Five of the four of 1002 and the eight of 1001: four and one; then nine of the seven left.
    ("C1010", "LAMP", -5, "2020-05-05 09:00:00", "2.55", "17"),
    ("C1010", "RUG B", -1, "2020-05-05 09:00:00", "27.50", "17"),
    ("C1011", "LAMP", -9, "2020-05-06 09:00:00", "2.55", "17"),
    ("C1012", "LAMP", -1, "2020-05-06 10:00:00", "2.40", "17"),
    ("C1013", "LAMP", -1, "2020-05-06 11:00:00", "2.55", ""),
    ("C1014", "D", -1, "2020-05-06 12:00:00", "27.50", "17"),
    ("C1015", "LAMP", -2, "2020-05-06 13:00:00", "2.10", "17"),
    # Sold for 27.50 once more: the value of two of three, then one at more than it took.
    ("1009", "RUG C", 3, "2020-05-07 08:00:00", "27.50", "17"),
    ("C1016", "RUG C", -2, "2020-05-07 09:00:00", "20.00", "17"),
    ("C1017", "RUG C", -1, "2020-05-07 10:00:00", "30.00", "17"),
    # Sold in the month after.
    ("1020", "LAMP", 100, "2020-06-01 08:00:00", "2.55", "17"),
)
NET_PENCE = (
    (6 + 2 + 4 + 5 - 5 - 9 - 1) * 255
    + (2750 + 3 * 210 - 1106)
    - (2750 + 240 + 2750 + 2 * 210)
    + (3 * 2750 - 2 * 2000 - 3000)
)


def write_invoices(
    folder: Path, rows: Sequence[tuple[object, ...]] = ROWS, *, net_pence: int | None = NET_PENCE
) -> Path:
    """Write the data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "invoices.csv.gz", "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for invoice, sku, units, at, price, customer in rows:
            writer.writerow(
                (invoice, sku, f"{sku}, COLOURED", units, at, price, customer, "United Kingdom")
            )
    if net_pence is not None:
        text = json.dumps({"by_month": {"2020-05": net_pence}})
        (folder / "invoices.expected.json").write_text(text)
    return folder
