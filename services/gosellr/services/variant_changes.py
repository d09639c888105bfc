"""A listing's variants and the changes to them, merged: named by id or SKU, new where unknown."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from uuid import UUID

from gosellr.core.errors import InvalidInput
from gosellr.core.identity import new_id
from gosellr.queries.product_edits import ProductState
from gosellr.utils.catalogue import Flaw, Price, VariantDraft, option_key
from gosellr.utils.lazy_dataclasses import dataclass, replace


class VariantChanges(TypedDict, total=False):
    """A change to a variant, or a new one where neither `id` nor `sku` is known.

    `price` is the price in one currency and leaves the others alone, `prices` is the whole list.
    `stock` is what is on hand at the seller's first place from now on.
    """

    id: UUID
    sku: str
    price: Price
    prices: tuple[Price, ...]
    stock: int
    options: Mapping[str, str]
    gtin: str | None
    weight_grams: int
    dimensions_mm: tuple[int, int, int] | None
    low_stock_at: int
    archived: bool


@dataclass(frozen=True, slots=True)
class MergedVariant:
    """A variant as it shall be; `before` is None for a new one, `stock` None to stay."""

    id: UUID
    draft: VariantDraft
    before: VariantDraft | None = None
    stock: int | None = None
    archived: bool = False
    position: int = 0


def merge_variants(product: ProductState, changes: Sequence[VariantChanges]) -> list[MergedVariant]:
    """All variants as they shall be, the live ones in their order and then the new ones.

    Raises:
        InvalidInput: for a variant that the product hasn't, and a new one without SKU or price.
    """
    merged = {
        row["id"]: MergedVariant(UUID(row["id"]), draft, draft, position=row["position"])
        for row in product.variants
        for draft in [_draft(row)]
    }
    by_sku = {row["sku"]: row["id"] for row in product.variants}
    named: set[str] = set()
    added: list[MergedVariant] = []
    position = max((variant.position for variant in merged.values()), default=-1)
    for index, change in enumerate(changes):
        key = str(change["id"]) if "id" in change else by_sku.get(change.get("sku", ""))
        if key is None:
            position += 1
            added.append(_new_variant(change, index=index, position=position))
        elif key not in merged or key in named:
            raise InvalidInput.at(
                f"variants.{index}", "variant_unknown", "There is no such variant, or it is twice"
            )
        else:
            named.add(key)
            merged[key] = _changed(merged[key], change)
    return [*merged.values(), *added]


def _draft(row: Mapping[str, Any]) -> VariantDraft:
    size = row["dimensions_mm"]
    return VariantDraft(
        sku=row["sku"],
        prices=tuple(Price(**price) for price in row["prices"] or ()),
        options=row["options"],
        gtin=row["gtin"],
        weight_grams=row["weight_grams"],
        dimensions_mm=(size[0], size[1], size[2]) if size else None,
        low_stock_at=row["low_stock_at"],
    )


def _new_variant(change: VariantChanges, *, index: int, position: int) -> MergedVariant:
    prices = _prices((), change)
    if "sku" not in change or not prices:
        field = "sku" if "sku" not in change else "price"
        raise InvalidInput.at(
            f"variants.{index}.{field}", "missing", f"A new variant needs a {field}"
        )
    draft = VariantDraft(
        sku=change["sku"],
        prices=prices,
        stock=change.get("stock", 0),
        options=change.get("options", {}),
        gtin=change.get("gtin"),
        weight_grams=change.get("weight_grams", 0),
        dimensions_mm=change.get("dimensions_mm"),
        low_stock_at=change.get("low_stock_at", 3),
    )
    return MergedVariant(new_id(), draft, position=position)


def _changed(variant: MergedVariant, change: VariantChanges) -> MergedVariant:
    before = variant.draft
    draft = replace(
        before,
        sku=change.get("sku", before.sku),
        prices=_prices(before.prices, change),
        options=change.get("options", before.options),
        gtin=change.get("gtin", before.gtin),
        weight_grams=change.get("weight_grams", before.weight_grams),
        dimensions_mm=change.get("dimensions_mm", before.dimensions_mm),
        low_stock_at=change.get("low_stock_at", before.low_stock_at),
    )
    return replace(
        variant, draft=draft, stock=change.get("stock"), archived=change.get("archived", False)
    )


def _prices(before: tuple[Price, ...], change: VariantChanges) -> tuple[Price, ...]:
    prices = change.get("prices", before)
    if "price" not in change:
        return prices
    price = change["price"]
    return (price, *(other for other in prices if other.currency != price.currency))


def swapped_flaws(merged: Sequence[MergedVariant]) -> list[Flaw]:
    """A choice that another variant had until now: it is given up first and taken afterwards."""
    owners = {
        option_key(variant.before.options): variant.id for variant in merged if variant.before
    }
    return [
        Flaw(f"variants.{index}.options", "choice_in_use", "Another variant has this choice now")
        for index, variant in enumerate(merged)
        if variant.before
        and owners.get(option_key(variant.draft.options), variant.id) != variant.id
    ]
