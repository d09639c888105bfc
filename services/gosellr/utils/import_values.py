"""What an import is made of: rows as they stand in a file, listings as they are meant, flaws."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, field
from uuid import UUID

from gosellr.utils.catalogue import (
    AttributeValue,
    Flaw,
    MediaUse,
    OptionAxis,
    ProductDraft,
    VariantDraft,
)
from gosellr.utils.lazy_dataclasses import dataclass

ROWS_MAX = 100_000
ROW_FLAWS_MAX = 20
_SHOWN_LETTERS = 200
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Unreadable(ValueError):
    """The file as a whole can't be read; the message says what to do about it."""


@dataclass(frozen=True, slots=True)
class RowFlaw:
    """One thing wrong with one cell: `row` is its line in the file, `field` its column."""

    row: int
    field: str
    code: str
    message: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a file: the line it begins at, its cells, and what makes it no whole row."""

    line: int
    cells: Mapping[str, str]
    flaw: RowFlaw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a file doesn't say about itself: the currency of its bare prices."""

    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A product as a file means it. Its category is an id, or one of several words for it.

    `unsaid` names the fields that its file has no word for: a change leaves them as they are.
    `pictures_skipped` counts the pictures that the file only has the addresses of.
    """

    title: str
    variants: tuple[VariantDraft, ...]
    description: str = ""
    brand: str | None = None
    category_id: UUID | None = None
    category_words: tuple[str, ...] = ()
    options: tuple[OptionAxis, ...] = ()
    attributes: Mapping[str, AttributeValue | None] = field(default_factory=dict)
    media: tuple[MediaUse, ...] = ()
    active: bool = False
    slug: str | None = None
    item_id: UUID | None = None
    shipping_class: str = "standard"
    tax_class: str = "standard"
    pictures_skipped: int = 0
    unsaid: frozenset[str] = frozenset({"media"})

    def draft(self, *, category_id: UUID, source_key: str) -> ProductDraft:
        """The listing as the catalogue takes it."""
        return ProductDraft(
            title=self.title,
            category_id=category_id,
            variants=self.variants,
            description=self.description,
            brand=self.brand,
            options=self.options,
            attributes=self.attributes,
            media=self.media,
            active=self.active,
            slug=self.slug,
            item_id=self.item_id,
            shipping_class=self.shipping_class,
            tax_class=self.tax_class,
            source_key=source_key,
        )


@dataclass(frozen=True, slots=True)
class Places:
    """Where the fields of a listing stand in the file.

    `columns` names the column of a field; where it is None, fields are named as they are.
    """

    records: tuple[Record, ...]
    variant_records: tuple[Record, ...] = ()
    columns: Mapping[str, str] | None = None

    def flaw(self, flaw: Flaw) -> RowFlaw:
        """The flaw of a listing's field as one of a row's cell."""
        record, name = self.records[0], flaw.field
        match flaw.field.split("."):
            case ["variants", index, *rest] if index.isdecimal():
                if int(index) < len(self.variant_records):
                    record = self.variant_records[int(index)]
                name = rest[0] if rest else "sku"
            case ["attributes", key] if self.columns is not None:
                name = f"attribute:{key}"
            case [first, *_]:
                name = first
        column = flaw.field if self.columns is None else self.columns.get(name, name)
        value = shown(record.cells.get(column, ""))
        return RowFlaw(record.line, column, flaw.code, flaw.message, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedProduct:
    """One product of a file, out of `len(places.records)` rows.

    `key` is the file's own name for it; without a `listing` there are only flaws to tell.
    """

    key: str
    places: Places
    listing: Listing | None = None
    flaws: tuple[RowFlaw, ...] = ()

    @property
    def row_count(self) -> int:
        """How many rows of the file it takes."""
        return len(self.places.records)


Reader = Callable[[Iterable[str], Setup], Iterator[ImportedProduct]]
"""Lines of a file, with their ends, as products in their order. Raises `Unreadable`."""


def broken(record: Record, key: str = "", *more: RowFlaw) -> ImportedProduct:
    """A row of which nothing but its flaws can be told."""
    flaws = tuple(flaw for flaw in (record.flaw, *more) if flaw is not None)
    return ImportedProduct(key=key, places=Places((record,)), flaws=flaws)


def shown(value: str) -> str:
    """The value of a cell as an error quotes it: short, and without what can't be shown."""
    cut = value if len(value) <= _SHOWN_LETTERS else value[: _SHOWN_LETTERS - 1] + "…"
    return _UNSHOWABLE.sub("\ufffd", cut)


def derived_key(sku: str) -> str:
    """The key of a product that the file has no name for: that of its first SKU."""
    return f"sku:{sku}"


def is_derived(key: str | None) -> bool:
    """Whether a product is known by its SKUs only, and so goes by the name a file gives it."""
    return key is None or key.startswith("sku:")


def source_mark(draft: ProductDraft) -> bytes:
    """What a file says about a product, as one mark: the same content is the same mark.

    Behind the digest stands what the file says of each variant's stock. A later file that says
    the same of it leaves stock alone, however much was sold meanwhile.
    """
    content = asdict(draft)
    for name in ("source_key", "source_hash", "slug"):
        del content[name]
    stocks = sorted((_short(each["sku"]), each.pop("stock")) for each in content["variants"])
    text = json.dumps(content, sort_keys=True, default=str, ensure_ascii=True)
    tail = b"".join(sku + stock.to_bytes(4, "big") for sku, stock in stocks)
    return hashlib.sha256(text.encode()).digest() + tail


def said_stock(mark: bytes | None, sku: str) -> int | None:
    """What the file with this mark said of a variant's stock; None where it said nothing."""
    tail = (mark or b"")[32:]
    wanted = _short(sku)
    for place in range(0, len(tail), 12):
        if tail[place : place + 8] == wanted:
            return int.from_bytes(tail[place + 8 : place + 12], "big")
    return None


def _short(sku: str) -> bytes:
    return hashlib.sha256(sku.encode()).digest()[:8]
