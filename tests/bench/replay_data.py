"""A tiny order stream in the replay's format, made for tests: every case that the map speaks of."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

ORDER_COLUMNS = (
    "order_id",
    "customer_id",
    "order_status",
    "order_purchase_timestamp",
    "order_approved_at",
    "order_delivered_carrier_date",
    "order_delivered_customer_date",
    "order_estimated_delivery_date",
)
ITEM_COLUMNS = (
    "order_id",
    "order_item_id",
    "product_id",
    "seller_id",
    "shipping_limit_date",
    "price",
    "freight_value",
)
PAYMENT_COLUMNS = (
    "order_id",
    "payment_sequential",
    "payment_type",
    "payment_installments",
    "payment_value",
)
REVIEW_COLUMNS = (
    "review_id",
    "order_id",
    "review_score",
    "review_comment_title",
    "review_comment_message",
    "review_creation_date",
    "review_answer_timestamp",
)
CUSTOMER_COLUMNS = (
    "customer_id",
    "customer_unique_id",
    "customer_zip_code_prefix",
    "customer_city",
    "customer_state",
)

# Written out of time order: id, status, placed, approved, handed over, delivered.
ORDERS = (
    ("o2", "delivered", "2021-03-02 10:00:00", "x", "x", "x"),
    ("o1", "shipped", "2021-03-01 09:30:00", "x", "x", ""),
    ("o3", "canceled", "2021-03-03 11:00:00", "", "", ""),
    ("o4", "canceled", "2021-03-04 12:00:00", "x", "x", "x"),
    ("o5", "unavailable", "2021-04-05 13:00:00", "x", "", ""),
    ("o6", "created", "2021-04-06 14:00:00", "", "", ""),
    ("o7", "invoiced", "2021-04-07 15:00:00", "x", "", ""),
    ("o8", "unavailable", "2021-04-08 16:00:00", "x", "", ""),
    ("o9", "approved", "2021-04-09 17:00:00", "x", "", ""),
)
ITEMS = (
    # The second piece stands before the first one in the file.
    ("o2", 2, "p1", "s1", "", "12.50", "3.00"),
    ("o2", 1, "p1", "s1", "", "12.50", "3.10"),
    ("o2", 3, "p2", "s2", "", "7.05", "1.9"),
    ("o1", 1, "p1", "s1", "", "10.00", "2.00"),
    ("o3", 1, "p2", "s2", "", "7.05", "1.00"),
    ("o4", 1, "p3", "s2", "", "100", "0.00"),
    ("o5", 1, "p1", "s1", "", "12.50", "4.00"),
    ("o6", 1, "p1", "s1", "", "11.00", "4.00"),
    ("o7", 1, "p1", "s3", "", "9.99", "4.00"),
    ("o9", 1, "p2", "s2", "", "7.05", "1.00"),
)
PAYMENTS = (
    ("o1", 1, "credit_card", 1, "12.00"),
    # 25.00 + 7.05 + 8.00 freight are 40.05; the card took 1.20 of interest on top.
    ("o2", 2, "voucher", 1, "10.00"),
    ("o2", 1, "credit_card", 3, "31.25"),
    ("o2", 3, "voucher", 1, "0.00"),
    ("o3", 1, "boleto", 1, "8.05"),
    ("o4", 1, "credit_card", 1, "100.00"),
    ("o5", 1, "boleto", 1, "12.50"),
    ("o5", 2, "voucher", 1, "4.00"),
    ("o6", 1, "boleto", 1, "15.00"),
    ("o7", 1, "debit_card", 1, "13.99"),
    ("o8", 1, "credit_card", 2, "50.00"),
    ("o9", 1, "credit_card", 1, "8.05"),
)
REVIEWS = (
    ("r1", "o2", 1, "", "Demorou,\num mês", "", "2021-03-20 08:00:00"),
    ("r2", "o2", 5, "Chegou", "Recomendo", "", "2021-03-21 08:00:00"),
    ("r3", "o5", 2, "", "", "", "2021-04-20 08:00:00"),
)
PRODUCTS = (
    ("p1", "beleza_saude", 40, 287, 1, 225, 16, 10, 14),
    ("p2", "", "", "", "", "", "", "", ""),
    ("p3", "sem_traducao", 40, 287, 1, 1000, 30, 18, 20),
)
PRODUCT_COLUMNS = (
    "product_id",
    "product_category_name",
    "product_name_lenght",
    "product_description_lenght",
    "product_photos_qty",
    "product_weight_g",
    "product_length_cm",
    "product_height_cm",
    "product_width_cm",
)


def write_csv(folder: Path, name: str, columns: Sequence[str], rows: Sequence[object]) -> None:
    """Write one file of the format."""
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / f"{name}.csv.gz", "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)  # type: ignore[arg-type]


def write_stream(folder: Path) -> Path:
    """Write the data folder."""
    orders = [(row[0], f"c-{row[0]}", *row[1:], "") for row in ORDERS]
    customers = [(f"c-{row[0]}", f"u-{row[0]}", "01310", "são paulo", "SP") for row in ORDERS]
    write_csv(folder, "orders", ORDER_COLUMNS, orders)
    write_csv(folder, "order_items", ITEM_COLUMNS, ITEMS)
    write_csv(folder, "order_payments", PAYMENT_COLUMNS, PAYMENTS)
    write_csv(folder, "order_reviews", REVIEW_COLUMNS, REVIEWS)
    write_csv(folder, "customers", CUSTOMER_COLUMNS, customers)
    return folder


def write_catalogue(folder: Path) -> Path:
    """Write the catalogue folder."""
    write_csv(folder, "products", PRODUCT_COLUMNS, PRODUCTS)
    write_csv(
        folder,
        "sellers",
        ("seller_id", "seller_zip_code_prefix", "seller_city", "seller_state"),
        [("s1", "13023", "campinas", "SP"), ("s2", "20031", "rio de janeiro", "RJ")],
    )
    write_csv(
        folder,
        "product_category_name_translation",
        ("product_category_name", "product_category_name_english"),
        [("beleza_saude", "health_beauty")],
    )
    return folder
