"""Products out of the CSV that a Shopify shop exports.

A product is one or more rows with the same `Handle`, or with none below it; a row is a variant, a
further picture, or both.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from gosellr.utils.catalogue import Price, VariantDraft, is_gtin
from gosellr.utils.import_cells import GRAMS_MAX, UNITS_MAX, Cells
from gosellr.utils.import_table import Seen, Table, grouped, repeated, unreadable_rows
from gosellr.utils.import_values import (
    ImportedProduct,
    Listing,
    Places,
    Record,
    RowFlaw,
    Setup,
    broken,
)
from gosellr.utils.slugs import slugify

SKU_MAX = 64
_REQUIRED = ("Handle", "Title", "Variant Price")
_COLUMNS = {
    "title": "Title",
    "description": "Body (HTML)",
    "brand": "Vendor",
    "category_id": "Type",
    "slug": "Handle",
    "status": "Published",
    "variants": "Variant SKU",
    "sku": "Variant SKU",
    "price": "Variant Price",
    "prices": "Variant Price",
    "stock": "Variant Inventory Qty",
    "gtin": "Variant Barcode",
    "weight_grams": "Variant Grams",
    "options": "Option1 Value",
}
_AXES = (1, 2, 3)
_VARIANT_COLUMNS = (
    "Variant SKU", "Variant Price", "Variant Inventory Qty", "Variant Barcode",
    *(f"Option{axis} Value" for axis in _AXES),
)  # fmt: skip
_YES_OR_NO = {"true": True, "false": False}
_STATUSES = {"active": True, "draft": False, "archived": False}
_UNSAID = frozenset(
    {"media", "attributes", "shipping_class", "tax_class", "low_stock_at", "dimensions_mm"}
)
_NO_CHOICE = "Default Title"


def read_shopify(lines: Iterable[str], setup: Setup) -> Iterator[ImportedProduct]:
    """The products of a Shopify product CSV; see `Reader`."""
    table = Table(lines)
    table.require(_REQUIRED)
    seen = Seen(key_column="Handle", sku_column="Variant SKU")
    for group in grouped(table, column="Handle", continues=True):
        yield unreadable_rows(group) or _product(group, setup, seen)


def derived_sku(handle: str, values: Sequence[str]) -> str:
    """A SKU for a variant that has none: readable, the same every time, and its own."""
    plain = "-".join(word.strip().casefold().replace(" ", "-") for word in (handle, *values))
    readable = slugify(" ".join((handle, *values)), fallback="variant", max_length=SKU_MAX)
    if readable == plain:
        return readable
    # Words that differ in signs only would come out the same.
    digest = hashlib.sha256("\x1f".join((handle, *values)).encode("utf-8", "replace")).hexdigest()
    return f"{readable[: SKU_MAX - 9]}-{digest[:8]}"


def _product(group: list[Record], setup: Setup, seen: Seen) -> ImportedProduct:
    head = group[0]
    handle = head.cells.get("Handle", "").strip()
    if not handle:
        flaw = RowFlaw(head.line, "Handle", "missing", "Give the product a handle")
        return broken(head, "", flaw)
    flaws = [record.flaw for record in group if record.flaw is not None]
    if again := seen.key(handle, head):
        return repeated(group, handle, again)
    first = Cells(head, flaws)
    first.line("Handle", limit=200)
    rows = [record for record in group if _is_variant(record)] or [head]
    names = _axis_names(first, rows)
    variants = [_variant(Cells(row, flaws), handle, names, setup) for row in rows]
    repeats = [seen.sku(each.sku, row) for row, each in zip(rows, variants, strict=True)]
    flaws += [repeat for repeat in repeats if repeat is not None]
    places = Places(tuple(group), tuple(rows), _COLUMNS)
    listing = _listing(first, group, handle, variants)
    return ImportedProduct(
        key=handle, places=places, listing=None if flaws else listing, flaws=tuple(flaws)
    )


def _listing(
    first: Cells, group: Sequence[Record], handle: str, variants: Sequence[VariantDraft]
) -> Listing:
    published = first.choice("Published", _YES_OR_NO, default=True)
    shelved = first.choice("Status", _STATUSES, default=True)
    return Listing(
        title=first.line("Title", limit=200, missing="Give the product a title"),
        description=first.text("Body (HTML)"),
        brand=first.line("Vendor", limit=200) or None,
        category_words=_category_words(first),
        variants=tuple(variants),
        active=published and shelved,
        slug=handle,
        pictures_skipped=_pictures(group),
        unsaid=_UNSAID,
    )


def _is_variant(record: Record) -> bool:
    return any(record.cells.get(column, "").strip() for column in _VARIANT_COLUMNS)


def _axis_names(first: Cells, rows: Sequence[Record]) -> dict[int, str]:
    """The choices of a product; the single “Default Title” is none."""
    names = {axis: name for axis in _AXES if (name := first.line(f"Option{axis} Name", limit=40))}
    is_plain = len(rows) == 1 and rows[0].cells.get("Option1 Value", "").strip() == _NO_CHOICE
    return {} if is_plain else names


def _variant(row: Cells, handle: str, names: dict[int, str], setup: Setup) -> VariantDraft:
    values = {
        name: row.line(f"Option{axis} Value", limit=80, missing=f"Choose a value of {name}")
        for axis, name in names.items()
    }
    price = row.amount("Variant Price", currency=setup.currency, missing="Give the variant a price")
    before = row.amount("Variant Compare At Price", currency=setup.currency)
    barcode = row.raw("Variant Barcode").lstrip("'")
    return VariantDraft(
        sku=row.line("Variant SKU", limit=SKU_MAX) or derived_sku(handle, list(values.values())),
        prices=(
            Price(
                currency=setup.currency,
                amount_minor=price or 0,
                # A former price that isn't higher is no bargain, and no error either.
                compare_at_minor=before if before and price and before > price else None,
            ),
        ),
        stock=row.whole("Variant Inventory Qty", most=UNITS_MAX) or 0,
        options=values,
        # The column takes any code of the shop's own; only a true GTIN is one to us.
        gtin=barcode if is_gtin(barcode) else None,
        weight_grams=row.whole("Variant Grams", most=GRAMS_MAX) or 0,
    )


def _category_words(first: Cells) -> tuple[str, ...]:
    """What may name the category, the likeliest first: a path, its last part, type, tags."""
    path = first.raw("Product Category")
    words = [path, path.rpartition(">")[2], first.raw("Type"), *first.raw("Tags").split(",")]
    return tuple(dict.fromkeys(word.strip()[:500] for word in words if word.strip()))[:50]


def _pictures(group: Sequence[Record]) -> int:
    addresses = {
        record.cells.get(column, "").strip()
        for record in group
        for column in ("Image Src", "Variant Image")
    }
    return len(addresses - {""})
