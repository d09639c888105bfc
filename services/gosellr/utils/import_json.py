"""Products out of JSON: a list, or one per line, each as `POST /products/create` takes it.

Besides, `handle` names a product for good and `category` names its category by path or name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from gosellr.utils.catalogue import AttributeValue, MediaUse, OptionAxis, Price, VariantDraft
from gosellr.utils.import_cells import GRAMS_MAX, UNITS_MAX
from gosellr.utils.import_documents import Document, documents
from gosellr.utils.import_fields import Fields
from gosellr.utils.import_table import Seen, repeated
from gosellr.utils.import_values import (
    ImportedProduct,
    Listing,
    Places,
    Record,
    RowFlaw,
    Setup,
    broken,
    derived_key,
    shown,
)
from gosellr.utils.money import EXPONENTS, MAX_AMOUNT_MINOR

_PRODUCT = (
    "handle", "title", "description", "brand", "category", "category_id", "options", "attributes",
    "media", "status", "slug", "item_id", "shipping_class", "tax_class", "variants",
)  # fmt: skip
_VARIANT = (
    "sku", "price", "prices", "compare_at_price", "stock", "options", "gtin", "weight_grams",
    "dimensions_mm", "low_stock_at",
)  # fmt: skip
_CLASS = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_GTIN = re.compile(r"[0-9]{8}(?:[0-9]{4,6})?")
_CLASS_ADVICE = "Write a class as small letters, digits, - and _"
_CELLS_MAX = 5_000


def read_json(lines: Iterable[str], _setup: Setup) -> Iterator[ImportedProduct]:
    """The products of a JSON file; see `Reader`. Prices name their currency themselves."""
    seen = Seen(key_column="handle", sku_column="variants")
    for document in documents(lines):
        yield _product(document, seen)


def _product(document: Document, seen: Seen) -> ImportedProduct:
    line = document.line
    if not isinstance(document.value, dict):
        fault = document.fault or "A product is an object: { … }"
        return broken(Record(line, {}, RowFlaw(line, "", "row_unreadable", fault)))
    record = Record(line, dict(_cells(document.value)))
    flaws: list[RowFlaw] = []
    listing = _listing(Fields(document.value, flaws, line=line))
    handle = str(document.value.get("handle") or "").strip()
    key = handle or (derived_key(listing.variants[0].sku) if listing.variants else "")
    if key and (again := seen.key(key, record)):
        return repeated([record], key, again)
    repeats = [seen.sku(variant.sku, record) for variant in listing.variants]
    flaws += [repeat for repeat in repeats if repeat is not None]
    return ImportedProduct(
        key=key,
        places=Places((record,)),
        listing=None if flaws else listing,
        flaws=tuple(flaws),
    )


def _listing(fields: Fields) -> Listing:
    fields.only(_PRODUCT)
    fields.line("handle", limit=200)
    category = fields.line("category", limit=500)
    variants = tuple(
        _variant(one) for one in fields.objects("variants", most=250, missing="At least one")
    )
    return Listing(
        title=fields.line("title", limit=200, missing="Give the product a title"),
        description=fields.text("description"),
        brand=fields.line("brand", limit=200) or None,
        category_id=fields.uuid("category_id"),
        category_words=(category,) if category else (),
        options=tuple(_axis(one) for one in fields.objects("options", most=5)),
        attributes=_attributes(fields),
        media=_media(fields),
        variants=variants,
        active=fields.choice("status", ("draft", "active"), default="draft") == "active",
        slug=fields.line("slug", limit=80) or fields.line("handle", limit=200) or None,
        item_id=fields.uuid("item_id"),
        shipping_class=fields.matching("shipping_class", _CLASS, _CLASS_ADVICE) or "standard",
        tax_class=fields.matching("tax_class", _CLASS, _CLASS_ADVICE) or "standard",
        unsaid=frozenset({"media"} - fields.document.keys()),
    )


def _axis(fields: Fields) -> OptionAxis:
    fields.only(("name", "values"))
    values = fields.strings("values", most=100, limit=80)
    if not values:
        fields.note("values", "missing", "List the values to choose from")
    return OptionAxis(fields.line("name", limit=40, missing="Name the choice"), values)


def _media(fields: Fields) -> tuple[MediaUse, ...]:
    uses = []
    for one in fields.objects("media", most=50):
        one.only(("id", "alt"))
        media_id = one.uuid("id", missing="Name the picture by its id")
        uses.append(MediaUse(media_id or UUID(int=0), one.line("alt", limit=500)))
    return tuple(uses)


def _attributes(fields: Fields) -> dict[str, AttributeValue | None]:
    given = fields.mapping("attributes", most=100)
    return {key: given.attribute(key) for key in given.document}


def _variant(fields: Fields) -> VariantDraft:
    fields.only(_VARIANT)
    main = _money(fields, "price", missing="Give the variant a price")
    before = _money(fields, "compare_at_price")
    if before and main and before[1] != main[1]:
        fields.note("compare_at_price", "currency_differs", "Write it in the currency of price")
    amount_minor, currency = main or (0, "")
    further = [_price(one) for one in fields.objects("prices", most=50)]
    choices = fields.mapping("options", most=5)
    options = {
        name: choices.line(name, limit=80, missing=f"Choose a value of {shown(name)}")
        for name in choices.document
    }
    return VariantDraft(
        sku=fields.line("sku", limit=64, missing="Give the variant a SKU"),
        prices=(
            Price(
                currency=currency,
                amount_minor=amount_minor,
                compare_at_minor=before[0] if before else None,
            ),
            *(price for price in further if price.currency != currency),
        ),
        stock=fields.whole("stock", most=UNITS_MAX, default=0),
        options=options,
        gtin=fields.matching("gtin", _GTIN, "Write the 8, 12, 13 or 14 digits only") or None,
        weight_grams=fields.whole("weight_grams", most=GRAMS_MAX, default=0),
        dimensions_mm=_size(fields),
        low_stock_at=fields.whole("low_stock_at", most=UNITS_MAX, default=3),
    )


def _money(fields: Fields, name: str, *, missing: str = "") -> tuple[int, str] | None:
    if fields.document.get(name) is None:
        if missing:
            fields.note(name, "missing", missing)
        return None
    money = fields.mapping(name, most=2)
    money.only(("amount", "currency"))
    amount = money.whole("amount", most=MAX_AMOUNT_MINOR, missing="Write whole minor units: 1999")
    return amount, _currency(money)


def _price(fields: Fields) -> Price:
    fields.only(("amount", "currency", "compare_at_amount"))
    before = fields.document.get("compare_at_amount")
    return Price(
        currency=_currency(fields),
        amount_minor=fields.whole("amount", most=MAX_AMOUNT_MINOR, missing="Give the price"),
        compare_at_minor=(
            None if before is None else fields.whole("compare_at_amount", most=MAX_AMOUNT_MINOR)
        ),
    )


def _currency(fields: Fields) -> str:
    advice = "Write a currency as three letters, such as EUR"
    currency = fields.line("currency", limit=3, missing=advice)
    if currency and currency not in EXPONENTS:
        fields.note("currency", "currency_unknown", advice)
    return currency


def _size(fields: Fields) -> tuple[int, int, int] | None:
    given = fields.document.get("dimensions_mm")
    if given is None:
        return None
    if (
        isinstance(given, list)
        and len(given) == 3
        and all(type(side) is int and 1 <= side <= 100_000 for side in given)
    ):
        return given[0], given[1], given[2]
    fields.note("dimensions_mm", "form", "Write three whole millimetres: [300, 200, 20]")
    return None


def _cells(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a product by their ways from its root, as errors quote them."""
    waiting: list[tuple[str, Any]] = [("", document)]
    for _ in range(_CELLS_MAX):
        if not waiting:
            return
        way, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{way}.{key}" if way else str(key), one) for key, one in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{way}.{index}", one) for index, one in enumerate(value)]
        elif value is not None:
            yield way, shown(value if isinstance(value, str) else str(value))
