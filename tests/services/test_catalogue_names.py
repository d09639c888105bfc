"""What a fact makes untrue, and that every fact says so."""

from typing import Any
from uuid import UUID

import pytest

from gosellr.models.catalogue_names import EVERYTHING, QUIET, names_of, offers_changed
from gosellr.models.events import FactType

ONE, TWO = UUID(int=1), UUID(int=2)
P1, P2 = f"product:{ONE}", f"product:{TWO}"

LOUD: list[tuple[FactType, dict[str, Any], set[str]]] = [
    (FactType.PRODUCT_CREATED, {}, {P1}),
    (FactType.PRODUCT_UPDATED, {"fields": ["title"]}, {P1}),
    (FactType.PRODUCT_STATUS_CHANGED, {}, {P1}),
    (FactType.STOCK_CHANGED, {"product_id": str(TWO)}, {P2}),
    (FactType.REVIEW_POSTED, {"product_id": str(TWO)}, {P2}),
    (FactType.ORDER_PLACED, {"product_ids": [str(ONE), str(TWO)]}, {P1, P2}),
    (FactType.OFFERS_CHANGED, {"product_ids": [str(TWO)]}, {P2, "cards"}),
    (FactType.OFFERS_CHANGED, {"product_ids": None}, {"catalogue", "cards"}),
    (FactType.SELLER_APPROVED, {}, {"catalogue", "cards"}),
    (FactType.SELLER_SUSPENDED, {}, {"catalogue", "cards"}),
    (FactType.SELLER_REINSTATED, {}, {"catalogue", "cards"}),
    (FactType.SELLER_UPDATED, {"fields": ["name"]}, {"catalogue"}),
    (FactType.SELLER_UPDATED, {"fields": ["members", "description"]}, set()),
    (FactType.CATEGORY_CHANGED, {}, set(EVERYTHING)),
]


@pytest.mark.parametrize(("kind", "data", "names"), LOUD)
def test_names(kind: FactType, data: dict[str, Any], names: set[str]) -> None:
    assert set(names_of(kind.value, ONE, data)) == names


def test_every_fact_is_quiet_or_has_names() -> None:
    assert QUIET.isdisjoint({kind for kind, _, _ in LOUD})
    assert {*QUIET, *(kind for kind, _, _ in LOUD)} == set(FactType)


@pytest.mark.parametrize(
    "kind", ["comet.seen", "stock.changed", "order.placed", "review.posted", "seller.updated"]
)
def test_what_another_release_writes_otherwise_changes_everything(kind: str) -> None:
    assert names_of(kind, ONE, {"variant_id": str(ONE)}) == EVERYTHING


def test_too_many_offers_are_not_named() -> None:
    many = [UUID(int=number) for number in range(201)]
    assert offers_changed(ONE, []) == []
    [named] = offers_changed(ONE, many[:200])
    assert len(named.data["product_ids"]) == 200
    [unnamed] = offers_changed(ONE, many)
    assert unnamed.data == {"product_ids": None}
