"""Reads an order stream and its catalogue from gzipped CSV files, exactly as they are.

The files are those of the Olist data set: `orders`, `order_items`, `order_payments`,
`order_reviews` and `customers` in the data folder; `products`, `sellers` and
`product_category_name_translation` in the catalogue folder. Amounts become whole centavos.
"""

import contextlib
import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

Row = dict[str, str]
Value = TypeVar("Value")

_FIELD_LENGTH_MAX = 1_000_000


class DataError(ValueError):
    """A file is missing, or says something that can't be read; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row is one piece; its freight is its own share of the parcel's."""

    product_id: str
    seller_id: str
    price_minor: int
    freight_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """One part of a payment; `kind` is the data's word, such as `credit_card` or `voucher`."""

    kind: str
    instalments: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a buyer said about a whole order."""

    score: int
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who ordered: `person_id` is the same over all orders of a person."""

    person_id: str
    postal_prefix: str
    city: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order with everything that belongs to it; `reviews` is oldest first."""

    id: str
    status: str
    purchased_at: datetime
    is_approved: bool
    is_shipped: bool
    is_delivered: bool
    customer: Customer | None
    items: tuple[Item, ...]
    tenders: tuple[Tender, ...]
    reviews: tuple[Review, ...]

    @property
    def items_minor(self) -> int:
        """What the goods cost."""
        return sum(item.price_minor for item in self.items)

    @property
    def freight_minor(self) -> int:
        """What their carriage costs."""
        return sum(item.freight_minor for item in self.items)

    @property
    def paid_minor(self) -> int:
        """What was paid, which may differ from goods and freight."""
        return sum(tender.amount_minor for tender in self.tenders)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the catalogue knows of a product; it has no title."""

    category: str
    weight_grams: int
    dimensions_mm: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Where a seller is at home."""

    city: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Products and sellers by id; `category_names` translates the data's words for categories."""

    products: dict[str, Product]
    sellers: dict[str, Seller]
    category_names: dict[str, str]


def read_orders(folder: Path, *, limit: int | None = None) -> list[Order]:
    """The orders in the sequence in which they were placed, or the first `limit` of them.

    Raises DataError.
    """
    with _explained(folder):
        rows = sorted(
            _rows(folder, "orders"),
            key=lambda row: (row["order_purchase_timestamp"], row["order_id"]),
        )[:limit]
        wanted = {row["order_id"] for row in rows}
        if len(wanted) != len(rows):
            raise DataError(f"{folder / 'orders.csv.gz'}: an order_id is there twice")
        items = _of_orders(
            folder,
            "order_items",
            wanted,
            position=lambda row: (int(row["order_item_id"]),),
            read=_item,
        )
        tenders = _of_orders(
            folder,
            "order_payments",
            wanted,
            position=lambda row: (int(row["payment_sequential"]),),
            read=_tender,
        )
        reviews = _of_orders(
            folder,
            "order_reviews",
            wanted,
            position=lambda row: (row["review_answer_timestamp"], row["review_id"]),
            read=_review,
        )
        customers = {row["customer_id"]: _customer(row) for row in _rows(folder, "customers")}
        return [
            Order(
                id=row["order_id"],
                status=row["order_status"],
                purchased_at=_moment(row["order_purchase_timestamp"]),
                is_approved=bool(row["order_approved_at"]),
                is_shipped=bool(row["order_delivered_carrier_date"]),
                is_delivered=bool(row["order_delivered_customer_date"]),
                customer=customers.get(row["customer_id"]),
                items=items.get(row["order_id"], ()),
                tenders=tenders.get(row["order_id"], ()),
                reviews=reviews.get(row["order_id"], ()),
            )
            for row in rows
        ]


def read_catalogue(folder: Path) -> Catalogue:
    """Products, sellers and the names of categories. Raises DataError."""
    with _explained(folder):
        return Catalogue(
            products={
                row["product_id"]: Product(
                    category=row["product_category_name"],
                    weight_grams=_whole(row["product_weight_g"]),
                    dimensions_mm=_dimensions_mm(row),
                )
                for row in _rows(folder, "products")
            },
            sellers={
                row["seller_id"]: Seller(city=row["seller_city"], state=row["seller_state"])
                for row in _rows(folder, "sellers")
            },
            category_names={
                row["product_category_name"]: row["product_category_name_english"]
                for row in _rows(folder, "product_category_name_translation")
            },
        )


def centavos(text: str) -> int:
    """Whole centavos of an amount such as `21.99`. Raises DataError for anything finer."""
    try:
        amount = Decimal(text).scaleb(2)
        if amount == amount.to_integral_value():
            return int(amount)
    except InvalidOperation:
        pass
    raise DataError(f"{text!r} is no amount in whole centavos")


def _item(row: Row) -> Item:
    return Item(
        product_id=row["product_id"],
        seller_id=row["seller_id"],
        price_minor=centavos(row["price"]),
        freight_minor=centavos(row["freight_value"]),
    )


def _tender(row: Row) -> Tender:
    return Tender(
        kind=row["payment_type"],
        instalments=_whole(row["payment_installments"]),
        amount_minor=centavos(row["payment_value"]),
    )


def _review(row: Row) -> Review:
    return Review(
        score=int(row["review_score"]),
        title=row["review_comment_title"].strip(),
        text=row["review_comment_message"].strip(),
    )


def _customer(row: Row) -> Customer:
    return Customer(
        person_id=row["customer_unique_id"],
        postal_prefix=row["customer_zip_code_prefix"],
        city=row["customer_city"],
        state=row["customer_state"],
    )


def _of_orders(
    folder: Path,
    name: str,
    wanted: Collection[str],
    *,
    position: Callable[[Row], tuple[int | str, ...]],
    read: Callable[[Row], Value],
) -> dict[str, tuple[Value, ...]]:
    """The rows of each wanted order, in the sequence of their `position`."""
    rows = sorted((row for row in _rows(folder, name) if row["order_id"] in wanted), key=position)
    found: defaultdict[str, list[Value]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append(read(row))
    return {order_id: tuple(values) for order_id, values in found.items()}


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{folder}: a file has no column {error}") from error
    except (OSError, EOFError, ValueError, ArithmeticError, csv.Error) as error:
        raise DataError(f"{folder} can't be read: {error}") from error


def _rows(folder: Path, name: str) -> Iterator[Row]:
    csv.field_size_limit(_FIELD_LENGTH_MAX)
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _moment(text: str) -> datetime:
    """The data names no zone; months are counted as they are written, so UTC serves."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _whole(text: str) -> int:
    return int(Decimal(text)) if text else 0


def _dimensions_mm(row: Row) -> tuple[int, int, int] | None:
    length, width, height = (
        _whole(row[f"product_{side}_cm"]) * 10 for side in ("length", "width", "height")
    )
    return (length, width, height) if length and width and height else None
