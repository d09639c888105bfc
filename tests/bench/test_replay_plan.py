"""Reading a stream and planning it: what is played, and what is said to be left out."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bench.replay.figures import Figures, add_up, cross_check
from bench.replay.payments import Part, put_together, settle, with_gift_cards
from bench.replay.plan import Listing, Outcome, Plan, RemarkKind, make_plan
from bench.replay.source import (
    DataError,
    Order,
    Tender,
    centavos,
    read_catalogue,
    read_orders,
)
from tests.bench.replay_data import (
    ITEM_COLUMNS,
    ITEMS,
    write_catalogue,
    write_csv,
    write_stream,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "olist"


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    return write_stream(tmp_path / "data")


@pytest.fixture
def orders(stream: Path) -> list[Order]:
    return read_orders(stream)


@pytest.fixture
def plan(orders: list[Order]) -> Plan:
    return make_plan(orders)


def planned_figures(plan: Plan) -> Figures:
    """What the plan itself adds up to, as far as the plan says."""
    figures: Figures = Counter(orders=len(plan.orders))
    for order in plan.orders:
        figures["items"] += sum(line.quantity for line in order.lines)
        figures["item_cents"] += order.goods_minor
        figures["freight_cents"] += sum(order.freight_minor.values())
        figures["payments"] += len(order.payments)
        figures["reviews"] += order.review is not None
        figures[f"status.{order.source_status}"] += 1
        for part in order.payments:
            figures["payment_cents"] += part.amount_minor
            figures[f"payment_type_cents.{part.kind}"] += part.amount_minor
    figures["sellers"] = len(plan.seller_ids)
    return figures


def assert_remarks_explain(orders: list[Order], plan: Plan) -> None:
    """The data's figures less those of the remarks are the plan's."""
    expected, unexpressed = add_up(orders), plan.unexpressed
    for name, value in planned_figures(plan).items():
        assert expected[name] - unexpressed[name] == value, name


@pytest.mark.parametrize(
    ("text", "amount_minor"), [("21.99", 2199), ("58.9", 5890), ("100", 10000), ("0.00", 0)]
)
def test_amounts_are_read_in_whole_centavos(text: str, amount_minor: int) -> None:
    assert centavos(text) == amount_minor


@pytest.mark.parametrize("text", ["1.999", "", "ten", "NaN"])
def test_an_amount_finer_than_a_centavo_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        centavos(text)


def test_orders_come_in_time_order_with_their_rows_in_sequence(orders: list[Order]) -> None:
    assert [order.id for order in orders] == [f"o{number}" for number in range(1, 10)]
    second = orders[1]
    assert [item.freight_minor for item in second.items] == [310, 300, 190]
    assert [tender.amount_minor for tender in second.tenders] == [3125, 1000, 0]
    assert [review.score for review in second.reviews] == [1, 5]
    assert second.reviews[0].text == "Demorou,\num mês"


def test_a_limit_takes_the_first_orders_by_time(stream: Path) -> None:
    assert [order.id for order in read_orders(stream, limit=2)] == ["o1", "o2"]


def test_the_catalogue_knows_weights_sizes_and_names(tmp_path: Path) -> None:
    catalogue = read_catalogue(write_catalogue(tmp_path))
    assert catalogue.products["p1"].weight_grams == 225
    assert catalogue.products["p1"].dimensions_mm == (160, 140, 100)
    assert catalogue.products["p2"].weight_grams == 0
    assert catalogue.products["p2"].dimensions_mm is None
    assert catalogue.category_names == {"beleza_saude": "health_beauty"}
    assert catalogue.sellers["s2"].city == "rio de janeiro"


def test_a_missing_file_or_column_is_named(stream: Path) -> None:
    (stream / "order_payments.csv.gz").unlink()
    with pytest.raises(DataError, match="order_payments"):
        read_orders(stream)
    write_stream(stream)
    write_csv(stream, "order_items", ITEM_COLUMNS[:-1], [row[:-1] for row in ITEMS])
    with pytest.raises(DataError, match="freight_value"):
        read_orders(stream)


def test_the_figures_of_the_rows(orders: list[Order]) -> None:
    figures = add_up(orders)
    assert {name: figures[name] for name in ("orders", "items", "payments", "reviews")} == {
        "orders": 9,
        "items": 10,
        "payments": 12,
        "reviews": 3,
    }
    assert figures["item_cents"] == 18964
    assert figures["freight_cents"] == 2400
    assert figures["payment_cents"] == 26484
    assert figures["sellers"] == 3
    assert figures["multi_seller_orders"] == 1
    # The month counts orders with goods only: o8 has none.
    assert figures["by_month.2021-04.orders"] == 4
    assert figures["by_month.2021-03.item_cents"] == 14910
    assert figures["delivered_seller_item_cents.s1"] == 2500
    assert figures["delivered_seller_item_cents.s2"] == 705
    assert figures["orders_total_ne_payments"] == 1


def test_expected_json_is_held_against_the_rows(stream: Path, orders: list[Order]) -> None:
    figures = add_up(orders)
    assert not cross_check(stream, figures, covers_all=True).is_present
    written = {
        "orders": 9,
        "status": {"canceled": 2, "unavailable": 2},
        "review_mean": 2.6667,
    }
    (stream / "expected.json").write_text(json.dumps(written))
    check = cross_check(stream, figures, covers_all=True)
    # Statuses that the file forgot are disagreements; groups that it doesn't speak of aren't.
    assert ("status.delivered", "0", "1") in check.disagreements
    assert {name.split(".")[0] for name, _, _ in check.disagreements} == {"status"}
    (stream / "expected.json").write_text(json.dumps({"orders": 10, "review_mean": 2.6666}))
    check = cross_check(stream, figures, covers_all=True)
    assert check.disagreements == (("orders", "10", "9"), ("review_mean", "2.6666", "2.6667"))
    partial = cross_check(stream, figures, covers_all=False)
    assert partial.is_present
    assert partial.compared == 0


def test_every_status_leads_where_the_map_says(plan: Plan) -> None:
    assert {order.id: order.outcome for order in plan.orders} == {
        "o1": Outcome.SHIPPED,
        "o2": Outcome.DELIVERED,
        "o3": Outcome.CANCELLED_UNPAID,
        "o4": Outcome.REFUNDED_DELIVERED,
        "o5": Outcome.CANCELLED,
        "o6": Outcome.PENDING_PAYMENT,
        "o7": Outcome.PROCESSING,
        "o9": Outcome.PAID,
    }


def test_a_listing_per_product_and_seller_whose_price_moves(plan: Plan) -> None:
    assert plan.listings == {
        Listing("p1", "s1"): (1000, 5),
        Listing("p2", "s2"): (705, 3),
        Listing("p3", "s2"): (10000, 1),
        Listing("p1", "s3"): (999, 1),
    }
    assert plan.movable == {Listing("p1", "s1")}
    # 10.00, 12.50, 12.50, 11.00.
    assert plan.price_moves == 2


def test_freight_is_summed_by_order_and_seller(plan: Plan) -> None:
    second = plan.orders[1]
    assert second.freight_minor == {"s1": 610, "s2": 190}
    assert second.total_minor == 4005
    assert [(line.listing, line.quantity) for line in second.lines] == [
        (Listing("p1", "s1"), 2),
        (Listing("p2", "s2"), 1),
    ]


def test_what_cant_be_expressed_is_listed_and_explains_the_difference(
    orders: list[Order], plan: Plan
) -> None:
    assert [(remark.kind, remark.order_id) for remark in plan.remarks] == [
        (RemarkKind.REVIEW_REPLACED, "o2"),
        (RemarkKind.PAYMENT_OF_NOTHING, "o2"),
        (RemarkKind.PAYMENT_DIFFERS, "o2"),
        (RemarkKind.REFUNDED_AFTER_SHIPPING, "o4"),
        (RemarkKind.REVIEW_UNDELIVERED, "o5"),
        (RemarkKind.WITHOUT_GOODS, "o8"),
    ]
    assert plan.orders[1].payments == (
        Part(kind="credit_card", amount_minor=3005),
        Part(kind="voucher", amount_minor=1000, by_gift_card=True),
    )
    assert plan.unexpressed["payment_type_cents.credit_card"] == 120 + 5000
    assert plan.unexpressed["reviews"] == 2
    assert plan.unexpressed["orders_total_ne_payments"] == 1
    assert_remarks_explain(orders, plan)


def test_one_listing_at_two_prices_in_one_order_is_not_placed(stream: Path) -> None:
    rows = [*ITEMS, ("o7", 2, "p1", "s3", "", "8.00", "1.00")]
    write_csv(stream, "order_items", ITEM_COLUMNS, rows)
    orders = read_orders(stream)
    plan = make_plan(orders)
    assert "o7" not in {order.id for order in plan.orders}
    assert (RemarkKind.TWO_PRICES, "o7") in [(one.kind, one.order_id) for one in plan.remarks]
    # Nothing else of this seller is sold.
    assert plan.unexpressed["sellers"] == 1
    assert_remarks_explain(orders, plan)


def tender(kind: str, amount_minor: int, instalments: int = 1) -> Tender:
    return Tender(kind=kind, instalments=instalments, amount_minor=amount_minor)


@pytest.mark.parametrize(
    ("tenders", "amounts"),
    [
        ([tender("voucher", 400), tender("credit_card", 600)], [400, 600]),
        # Too much: the part with instalments gives, though the other one is larger.
        ([tender("voucher", 900), tender("credit_card", 300, 3)], [900, 100]),
        # It can't give all of it, so the next one gives the rest and it falls away.
        ([tender("voucher", 1500), tender("credit_card", 300, 3)], [1000]),
        # Too little.
        ([tender("voucher", 500), tender("credit_card", 499)], [501, 499]),
        ([tender("voucher", 0)], [1000]),
        ([], [1000]),
    ],
)
def test_payments_are_cut_to_the_total(tenders: list[Tender], amounts: list[int]) -> None:
    assert [part.amount_minor for part in settle(tenders, total_minor=1000)] == amounts


def test_an_order_over_nothing_is_paid_by_nothing() -> None:
    assert settle([tender("voucher", 0)], total_minor=0) == ()


def test_too_many_parts_of_a_kind_are_put_together() -> None:
    parts = [Part(kind="credit_card", amount_minor=5)]
    parts += [Part(kind="voucher", amount_minor=amount) for amount in (7, 1, 9, 2)]
    assert put_together(parts, most=3) == (
        Part(kind="credit_card", amount_minor=5),
        Part(kind="voucher", amount_minor=10),
        Part(kind="voucher", amount_minor=9),
    )
    assert put_together(parts, most=5) == tuple(parts)


def test_vouchers_are_gift_cards_where_the_market_can_do_that() -> None:
    voucher, card = Part(kind="voucher", amount_minor=7), Part(kind="credit_card", amount_minor=5)

    def by_gift_card(*parts: Part, is_paid: bool = True) -> list[bool]:
        return [part.by_gift_card for part in with_gift_cards(parts, is_paid=is_paid)]

    assert by_gift_card(voucher, card, voucher) == [True, False, True]
    assert by_gift_card(voucher, voucher) == [True, True]
    assert by_gift_card(card, voucher, is_paid=False) == [False, True]
    # It would be paid at once.
    assert by_gift_card(voucher, is_paid=False) == [False]
    # One gateway's part is all that the market takes beside stored value.
    assert by_gift_card(voucher, card, card) == [False, False, False]


@pytest.mark.skipif(
    not (SHARED / "dev_2016_2017").exists(),
    reason="the recorded orders aren't part of this repository; they lie beside it where known",
)
def test_recorded_orders_agree_with_their_own_figures_and_can_be_planned() -> None:
    orders = read_orders(SHARED / "dev_2016_2017")
    check = cross_check(SHARED / "dev_2016_2017", add_up(orders), covers_all=True)
    assert check.compared > 1000
    assert check.disagreements == ()
    plan = make_plan(orders)
    assert_remarks_explain(orders, plan)
    assert len(plan.orders) == len(orders) - sum(
        remark.kind is RemarkKind.WITHOUT_GOODS for remark in plan.remarks
    )
    catalogue = read_catalogue(SHARED / "catalog")
    assert all(listing.product_id in catalogue.products for listing in plan.listings)
    assert all(seller_id in catalogue.sellers for seller_id in plan.seller_ids)
    for order in plan.orders:
        assert sum(part.amount_minor for part in order.payments) == order.total_minor
