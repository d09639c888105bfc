"""Listings as rows in COPY's text format: what product creation writes, a table at a time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Final

from bench.market_data.catalogue import CURRENCY, STOCK, Catalogue, CatalogueProduct
from bench.market_data.draws import Noun, id_text, zipf_sums
from bench.market_data.vocabulary import DESCRIBING, SIZES
from gosellr.utils.catalogue import option_key

PRODUCT_COLUMNS: Final = (
    "id", "item_id", "seller_id", "category_id", "title", "slug", "description",
    "description_html", "brand", "currency", "status", "options", "attributes", "rating_sum",
    "rating_count", "sold_count", "created_at", "updated_at", "published_at",
)  # fmt: skip
VARIANT_COLUMNS: Final = (
    "id", "product_id", "seller_id", "sku", "options", "option_key", "position", "weight_grams",
    "created_at", "updated_at",
)  # fmt: skip
PRICE_COLUMNS: Final = ("variant_id", "currency", "amount_minor", "updated_at")
LEVEL_COLUMNS: Final = ("variant_id", "location_id", "on_hand")
MOVEMENT_COLUMNS: Final = (
    "variant_id", "location_id", "kind", "delta", "reason", "cause_type", "cause_id", "at",
)  # fmt: skip

_WORDS = 60
_SENTENCE = 12
_SUMS = zipf_sums(len(DESCRIBING), flatness=3)
_OPTIONS = '[{"name": "Size", "values": ["' + '", "'.join(SIZES) + '"]}]'
_CHOICES = tuple(('{"Size": "' + size + '"}', option_key({"Size": size})) for size in SIZES)


@dataclass(frozen=True, slots=True)
class Listings:
    """The rows of some products, as lines of text."""

    ids: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)
    prices: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    movements: list[str] = field(default_factory=list)


def listings(catalogue: Catalogue, places: range) -> Listings:
    """The rows of the products at these places.

    A description is drawn in turn inside its range; whoever asks for the same ranges gets the
    same words.
    """
    rows = Listings()
    words = Random(catalogue.draws.bits(Noun.WORDS, places.start))
    sellers, leaves = catalogue.seller_list, catalogue.leaves
    ids = [str(seller.id) for seller in sellers]
    locations = [str(seller.location_id) for seller in sellers]
    categories = [str(leaf.id) for leaf in leaves]
    for place in places:
        product = catalogue.product(place)
        figures = catalogue.draws.bits(Noun.ITEM, place)
        head = _Head(
            id=id_text(product.id_number),
            seller_id=ids[product.seller],
            at=datetime.fromtimestamp(product.created_ms / 1000, UTC).isoformat(),
        )
        rows.ids.append(head.id)
        rows.products.append(
            _product_line(
                product,
                head,
                item_id=id_text(
                    catalogue.draws.id_number(Noun.ITEM, place, unix_ms=product.created_ms)
                ),
                category_id=categories[product.leaf],
                description=_description(words),
                figures=figures,
            )
        )
        _add_variants(
            rows, product, head, location_id=locations[product.seller], grams=figures >> 40 & 0xFFF
        )
    return rows


@dataclass(frozen=True, slots=True)
class _Head:
    """What the rows of one product have in common."""

    id: str
    seller_id: str
    at: str


def _description(words: Random) -> str:
    drawn = words.choices(DESCRIBING, cum_weights=_SUMS, k=_WORDS)
    return " ".join(
        " ".join(drawn[begin : begin + _SENTENCE]).capitalize() + "."
        for begin in range(0, _WORDS, _SENTENCE)
    )


def _product_line(
    product: CatalogueProduct,
    head: _Head,
    *,
    item_id: str,
    category_id: str,
    description: str,
    figures: int,
) -> str:
    # Most have few ratings and sales, few have many.
    rated = 400 // ((figures & 0x3FF) + 1)
    stars = rated * (30 + (figures >> 10 & 0xF) + 5) // 10
    sold = rated * 7 + (figures >> 14 & 0xF)
    attributes = f'{{"colour": "{product.colour}", "material": "{product.material}"}}'
    return (
        f"{head.id}\t{item_id}\t{head.seller_id}\t{category_id}\t{product.title}\t{product.slug}\t"
        f"{description}\t<p>{description}</p>\t{product.brand}\t{CURRENCY}\tactive\t"
        f"{_OPTIONS}\t{attributes}\t{stars}\t{rated}\t{sold}\t{head.at}\t{head.at}\t{head.at}\n"
    )


def _add_variants(
    rows: Listings, product: CatalogueProduct, head: _Head, *, location_id: str, grams: int
) -> None:
    for position, (number, price_minor, (options, key)) in enumerate(
        zip(product.variant_numbers, product.prices_minor, _CHOICES, strict=True)
    ):
        variant_id = id_text(number)
        rows.variants.append(
            f"{variant_id}\t{head.id}\t{head.seller_id}\tSKU{product.place:07d}{SIZES[position]}\t"
            f"{options}\t{key}\t{position}\t{100 + grams}\t{head.at}\t{head.at}\n"
        )
        rows.prices.append(f"{variant_id}\t{CURRENCY}\t{price_minor}\t{head.at}\n")
        rows.levels.append(f"{variant_id}\t{location_id}\t{STOCK}\n")
        rows.movements.append(
            f"{variant_id}\t{location_id}\treceived\t{STOCK}\tfirst delivery\tproduct\t{head.id}\t"
            f"{head.at}\n"
        )
