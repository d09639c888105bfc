"""Products out of our own CSV: a row is a variant, rows with one `handle` are one product."""

import re
from collections.abc import Iterable, Iterator, Sequence

from gosellr.utils.catalogue import Price, VariantDraft
from gosellr.utils.csv_text import csv_text
from gosellr.utils.import_cells import GRAMS_MAX, UNITS_MAX, Cells
from gosellr.utils.import_table import Seen, Table, grouped, repeated, unreadable_rows
from gosellr.utils.import_values import (
    ImportedProduct,
    Listing,
    Places,
    Record,
    Setup,
    Unreadable,
    derived_key,
    shown,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import EXPONENTS


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """A column of our own format: what it is for, and an example."""

    name: str
    meaning: str
    examples: tuple[str, str]
    required: bool = False


COLUMNS = (
    ColumnRule(
        "handle",
        "The product's name in your files, for good. Rows that have the same one and stand"
        " together are the variants of one product; a row without is a product of its own, known"
        " by its SKU.",
        ("linen-shirt", "linen-shirt"),
    ),
    ColumnRule(
        "title", "Up to 200 letters; the first row of a product decides.", ("Linen shirt", "")
    ),
    ColumnRule(
        "description",
        "Plain text, Markdown or simple HTML, up to 20,000 letters.",
        ("Airy and cool.", ""),
    ),
    ColumnRule("brand", "Up to 200 letters.", ("Lampo", "")),
    ColumnRule(
        "category",
        "The category's path (clothing/shirts) or its name, where only one has it; left empty, it"
        " is the category that comes with the import.",
        ("clothing/shirts", ""),
    ),
    ColumnRule("status", "active to sell it, draft (or nothing) to keep it back.", ("active", "")),
    ColumnRule(
        "sku",
        "Your number for the variant, up to 64 letters, once per shop.",
        ("SHIRT-S", "SHIRT-M"),
        required=True,
    ),
    ColumnRule("price", "Digits with a point: 49.90.", ("49.90", "49.90"), required=True),
    ColumnRule("compare_at_price", "The former, higher price, shown struck through.", ("", "")),
    ColumnRule("currency", "Three letters; left empty, the import's.", ("", "")),
    ColumnRule(
        "stock",
        "Units on hand, 0 or more. It is set when a product is new and when the number in the"
        " file has changed since the last import.",
        ("12", "7"),
    ),
    ColumnRule("low_stock_at", "From how many units on it counts as nearly gone.", ("3", "3")),
    ColumnRule("gtin", "The 8, 12, 13 or 14 digits below the bar code.", ("", "")),
    ColumnRule("weight_grams", "Whole grams, with packaging.", ("250", "260")),
    ColumnRule("dimensions_mm", "Length x width x height in millimetres.", ("300x200x20", "")),
    ColumnRule("option1_name", "What is chosen, up to 40 letters.", ("Size", "Size")),
    ColumnRule("option1_value", "This variant's choice, up to 80 letters.", ("S", "M")),
    ColumnRule("option2_name", "A second choice.", ("", "")),
    ColumnRule("option2_value", "", ("", "")),
    ColumnRule("option3_name", "A third choice.", ("", "")),
    ColumnRule("option3_value", "", ("", "")),
    ColumnRule("shipping_class", "Left empty: standard.", ("", "")),
    ColumnRule("tax_class", "Left empty: standard.", ("", "")),
)
ATTRIBUTE_PREFIX = "attribute:"

_NAMES = frozenset(column.name for column in COLUMNS)
_PLACES = {
    "category_id": "category",
    "variants": "sku",
    "prices": "price",
    "options": "option1_value",
    "slug": "handle",
}
_STATUSES = {"active": True, "draft": False}
_CLASS = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_SIZE = re.compile(r"([1-9][0-9]{0,4}) ?[xX×] ?([1-9][0-9]{0,4}) ?[xX×] ?([1-9][0-9]{0,4})")
_GTIN = re.compile(r"[0-9]{8}(?:[0-9]{4,6})?")
_AXES = (1, 2, 3)


def template() -> str:
    """An example of our own CSV, to be filled in."""
    return csv_text(
        [column.name for column in COLUMNS],
        [[column.examples[row] for column in COLUMNS] for row in (0, 1)],
    )


def read_gosellr(lines: Iterable[str], setup: Setup) -> Iterator[ImportedProduct]:
    """The products of a CSV of our own; see `Reader`."""
    table = Table(lines)
    table.require([column.name for column in COLUMNS if column.required])
    strangers = [
        name
        for name in table.header
        if name not in _NAMES and not name.startswith(ATTRIBUTE_PREFIX)
    ]
    if strangers:
        raise Unreadable(
            f"There is no column {shown(', '.join(strangers))}: attributes are named"
            f" {ATTRIBUTE_PREFIX}material, and the template has all others"
        )
    seen = Seen(key_column="handle", sku_column="sku")
    for group in grouped(table, column="handle", continues=False):
        yield unreadable_rows(group) or _product(group, setup, seen, table.header)


def _product(
    group: Sequence[Record], setup: Setup, seen: Seen, header: Sequence[str]
) -> ImportedProduct:
    head = group[0]
    flaws = [record.flaw for record in group if record.flaw is not None]
    first = Cells(head, flaws)
    handle = first.line("handle", limit=200)
    rows = [record for record in group if record.cells]
    variants = [_variant(Cells(row, flaws), setup) for row in rows]
    key = handle or derived_key(variants[0].sku)
    if again := seen.key(key, head):
        return repeated(group, key, again)
    repeats = [seen.sku(each.sku, row) for row, each in zip(rows, variants, strict=True)]
    flaws += [repeat for repeat in repeats if repeat is not None]
    listing = Listing(
        title=first.line("title", limit=200, missing="Give the product a title"),
        description=first.text("description"),
        brand=first.line("brand", limit=200) or None,
        category_words=tuple(word for word in [first.line("category", limit=500)] if word),
        attributes=_attributes(first, header),
        variants=tuple(variants),
        active=first.choice("status", _STATUSES, default=False),
        slug=handle or None,
        shipping_class=first.matching("shipping_class", _CLASS, _CLASS_ADVICE) or "standard",
        tax_class=first.matching("tax_class", _CLASS, _CLASS_ADVICE) or "standard",
    )
    if not any(name.startswith(ATTRIBUTE_PREFIX) for name in header):
        listing = replace(listing, unsaid=listing.unsaid | {"attributes"})
    return ImportedProduct(
        key=key,
        places=Places(tuple(group), tuple(rows), _PLACES),
        listing=None if flaws else listing,
        flaws=tuple(flaws),
    )


_CLASS_ADVICE = "Write a class as small letters, digits, - and _"


def _variant(row: Cells, setup: Setup) -> VariantDraft:
    currency = row.raw("currency") or setup.currency
    if currency not in EXPONENTS:
        row.note("currency", "currency_unknown", "Write a currency as three letters, such as EUR")
        currency = setup.currency
    price = row.amount("price", currency=currency, missing="Give the variant a price")
    before = row.amount("compare_at_price", currency=currency)
    return VariantDraft(
        sku=row.line("sku", limit=64, missing="Give the variant a SKU"),
        prices=(Price(currency=currency, amount_minor=price or 0, compare_at_minor=before),),
        stock=row.whole("stock", most=UNITS_MAX) or 0,
        options=_options(row),
        gtin=row.matching("gtin", _GTIN, "Write the 8, 12, 13 or 14 digits only") or None,
        weight_grams=row.whole("weight_grams", most=GRAMS_MAX) or 0,
        dimensions_mm=_size(row),
        low_stock_at=_or(row.whole("low_stock_at", most=UNITS_MAX), 3),
    )


def _options(row: Cells) -> dict[str, str]:
    options: dict[str, str] = {}
    for axis in _AXES:
        name = row.line(f"option{axis}_name", limit=40)
        value = row.line(
            f"option{axis}_value", limit=80, missing=f"Choose a value of {name}" if name else ""
        )
        if value and not name:
            row.note(f"option{axis}_name", "missing", "Say what is chosen, such as Size")
        elif name in options:
            row.note(f"option{axis}_name", "option_duplicate", "This choice is there twice")
        elif name:
            options[name] = value
    return options


def _size(row: Cells) -> tuple[int, int, int] | None:
    text = row.matching("dimensions_mm", _SIZE, "Write it as 300x200x20, in millimetres")
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    length, width, height = match.groups()
    return int(length), int(width), int(height)


def _attributes(row: Cells, header: Sequence[str]) -> dict[str, str]:
    return {
        name.removeprefix(ATTRIBUTE_PREFIX): value
        for name in header
        if name.startswith(ATTRIBUTE_PREFIX) and (value := row.line(name, limit=500))
    }


def _or(number: int | None, default: int) -> int:
    return default if number is None else number
