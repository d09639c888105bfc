"""Changes to a listing. What isn't said stays; variants are named by id or SKU and merged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.catalogue_names import offers_changed
from gosellr.models.events import Fact, FactType
from gosellr.queries import outbox, product_cards, product_edits
from gosellr.queries import products as queries
from gosellr.queries.product_edits import ProductState
from gosellr.queries.products import ProductRows, SellingGround
from gosellr.services import inventory_service
from gosellr.services.product_rows import (
    media_rows,
    option_rows,
    price_rows,
    variant_row,
    words_of,
)
from gosellr.services.product_service import (
    ReviewMode,
    SkuTaken,
    SlugTaken,
    actor_of,
    check_step,
    lock_own,
    media_flaws,
    refuse,
)
from gosellr.services.variant_changes import (
    MergedVariant,
    VariantChanges,
    merge_variants,
    swapped_flaws,
)
from gosellr.utils.catalogue import (
    AttributeValue,
    Flaw,
    MediaUse,
    OptionAxis,
    attribute_flaws,
    axes_of,
    matrix_flaws,
    variant_flaws,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.slugs import slugify
from gosellr.utils.states import Actor, ProductStatus
from gosellr.utils.viewer import Viewer

# What buyers read: with reviews on, a seller's change to it is looked at before it is on sale.
_REVIEWED = frozenset(
    {"title", "description", "brand", "category_id", "options", "attributes", "media"}
)


class ProductChanges(TypedDict, total=False):
    """A change to a listing. Each field is the whole new value, but `variants` are merged."""

    title: str
    slug: str
    description: str
    brand: str | None
    category_id: UUID
    options: tuple[OptionAxis, ...]
    attributes: Mapping[str, AttributeValue | None]
    media: tuple[MediaUse, ...]
    shipping_class: str
    tax_class: str
    active: bool
    variants: tuple[VariantChanges, ...]


async def update_product(
    connection: Connection,
    *,
    viewer: Viewer,
    product_id: UUID,
    changes: ProductChanges,
    version: int | None = None,
    review: ReviewMode = "off",
    now: datetime,
) -> None:
    """Change a listing of the viewer's.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
        VersionConflict: when `version` is stale.
        InvalidInput: naming every field that can't be so.
        SkuTaken, SlugTaken, StatusNotAllowed: as they say.
        inventory_service.StockPromised: when stock would fall below what is promised.
    """
    product = await lock_own(
        connection,
        viewer=viewer,
        product_id=product_id,
        permission=Permission.PRODUCT_UPDATE,
        version=version,
    )
    merged = merge_variants(product, changes.get("variants", ()))
    ground = await _ground(connection, product, changes, merged)
    fields = _fields(product, changes, merged)
    refuse(_flaws(product, changes, merged, ground, fields))
    _check_skus(merged, ground)
    if fields["slug"] != product.slug and await product_edits.slug_taken(
        connection, slug=fields["slug"], product_id=product_id
    ):
        raise SlugTaken(extras={"slug": fields["slug"]})
    fields["status"] = _status(product, changes, actor=actor_of(viewer), review=review)
    await product_edits.update_product(connection, product_id=product_id, fields=fields, now=now)
    await _write_variants(connection, product, merged, actor_id=viewer.user_id, now=now)
    if "media" in changes:
        await product_edits.replace_media(
            connection, product_id=product_id, media=media_rows(changes["media"])
        )
    shown = await product_cards.refresh_cards(connection, [product_id], now)
    facts = [
        Fact(FactType.PRODUCT_UPDATED, product_id, {"fields": sorted(changes)}),
        *offers_changed(product_id, shown),
    ]
    if fields["status"] != product.status:
        facts.append(
            Fact(
                FactType.PRODUCT_STATUS_CHANGED,
                product_id,
                {"from": product.status, "to": fields["status"], "reason": None},
            )
        )
    await outbox.append(connection, facts, now=now)


async def _ground(
    connection: Connection,
    product: ProductState,
    changes: ProductChanges,
    merged: Sequence[MergedVariant],
) -> SellingGround | None:
    """What the change is judged by beyond the listing itself; None when nothing is needed."""
    skus = [
        variant.draft.sku
        for variant in merged
        if variant.before is None or variant.before.sku != variant.draft.sku
    ]
    media = changes.get("media", ())
    category_id = changes.get("category_id", product.category_id)
    if not skus and not media and category_id == product.category_id:
        return None
    return await queries.selling_ground(
        connection,
        seller_id=product.seller_id,
        category_ids=[category_id],
        media_ids=[use.media_id for use in media],
        skus=skus,
        item_ids=[],
    )


def _fields(
    product: ProductState, changes: ProductChanges, merged: Sequence[MergedVariant]
) -> dict[str, Any]:
    """The listing's own columns as they shall be."""
    live = [variant.draft for variant in merged if not variant.archived]
    axes = changes.get("options")
    if axes is None:
        kept = tuple(OptionAxis(row["name"], tuple(row["values"])) for row in product.options)
        axes = _grown(kept, axes_of(live))
    attributes = changes.get("attributes", product.attributes)
    return {
        "category_id": changes.get("category_id", product.category_id),
        "slug": slugify(changes.get("slug", product.slug), fallback=product.slug),
        **words_of(
            title=changes.get("title", product.title),
            description=changes.get("description", product.description),
            brand=changes.get("brand", product.brand),
        ),
        "options": option_rows(axes),
        "attributes": {key: value for key, value in attributes.items() if value is not None},
        "shipping_class": changes.get("shipping_class", product.shipping_class),
        "tax_class": changes.get("tax_class", product.tax_class),
    }


def _grown(kept: tuple[OptionAxis, ...], spanned: tuple[OptionAxis, ...]) -> tuple[OptionAxis, ...]:
    """The axes with the values that new variants bring along, and without a new axis."""
    if not kept:
        return spanned
    more = {axis.name: axis.values for axis in spanned}
    return tuple(
        OptionAxis(axis.name, tuple(dict.fromkeys((*axis.values, *more.get(axis.name, ())))))
        for axis in kept
    )


def _flaws(
    product: ProductState,
    changes: ProductChanges,
    merged: Sequence[MergedVariant],
    ground: SellingGround | None,
    fields: Mapping[str, Any],
) -> list[Flaw]:
    live = [variant for variant in merged if not variant.archived]
    axes = [OptionAxis(row["name"], tuple(row["values"])) for row in fields["options"]]
    flaws = [] if fields["title"] else [Flaw("title", "title_empty", "A title is needed")]
    rules = product.rules
    if fields["category_id"] != product.category_id and ground is not None:
        rules = ground.rules.get(fields["category_id"], ())
        if fields["category_id"] not in ground.rules:
            flaws.append(Flaw("category_id", "category_unknown", "There is no such category"))
    if "attributes" in changes or "category_id" in changes:
        flaws += attribute_flaws(rules, fields["attributes"])
    if "variants" in changes or "options" in changes:
        flaws += variant_flaws([variant.draft for variant in live], currency=product.currency)
        flaws += matrix_flaws(axes, [variant.draft.options for variant in live])
        flaws += swapped_flaws(merged)
    if ground is not None:
        media_ids = [use.media_id for use in changes.get("media", ())]
        flaws += media_flaws(media_ids, known=ground.media_ids)
    return flaws


def _check_skus(merged: Sequence[MergedVariant], ground: SellingGround | None) -> None:
    given_up = {variant.before.sku for variant in merged if variant.before and variant.archived}
    if ground is not None and (taken := sorted(ground.taken_skus - given_up)):
        raise SkuTaken(taken)


def _status(
    product: ProductState, changes: ProductChanges, *, actor: Actor, review: ReviewMode
) -> str:
    """Where the listing stands after the change."""
    current = ProductStatus(product.status)
    on_sale_unseen = review == "all" and actor is not Actor.OPERATOR
    if "active" in changes:
        shown = ProductStatus.PENDING_REVIEW if on_sale_unseen else ProductStatus.ACTIVE
        target = shown if changes["active"] else ProductStatus.DRAFT
        waits = changes["active"] and current is ProductStatus.PENDING_REVIEW
        if target is not current and not waits and not (changes["active"] and _is_on(current)):
            check_step(product, target, actor=actor, review=review)
            return target
    if on_sale_unseen and _is_on(current) and _REVIEWED & changes.keys():
        return ProductStatus.PENDING_REVIEW
    return current


def _is_on(status: ProductStatus) -> bool:
    return status is ProductStatus.ACTIVE


async def _write_variants(
    connection: Connection,
    product: ProductState,
    merged: Sequence[MergedVariant],
    *,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    changed = [
        variant
        for variant in merged
        if variant.before and (variant.archived or variant.draft != variant.before)
    ]
    if changed:
        rows = ProductRows(
            products=(),
            variants=[
                variant_row(variant.draft, variant_id=variant.id, position=variant.position)
                | {"archived": variant.archived}
                for variant in changed
            ],
            prices=[
                row
                for variant in changed
                for row in price_rows(variant.draft.prices, variant_id=variant.id)
            ],
        )
        await product_edits.update_variants(connection, rows, product_id=product.id, now=now)
    await _add_variants(connection, product, merged, actor_id=actor_id, now=now)
    counted = {
        variant.id: variant.stock
        for variant in merged
        if variant.before and variant.stock is not None and not variant.archived
    }
    if counted and product.location_id:
        await inventory_service.set_stock(
            connection,
            product_id=product.id,
            location_id=product.location_id,
            units=counted,
            reason="counted by the seller",
            actor_id=actor_id,
            now=now,
        )


async def _add_variants(
    connection: Connection,
    product: ProductState,
    merged: Sequence[MergedVariant],
    *,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    added = [variant for variant in merged if variant.before is None]
    if not added or product.location_id is None:
        return
    rows = ProductRows(
        products=(),
        variants=[
            variant_row(variant.draft, variant_id=variant.id, position=variant.position)
            | {
                "product_id": product.id,
                "location_id": product.location_id,
                "stock": variant.draft.stock,
            }
            for variant in added
        ],
        prices=[
            row
            for variant in added
            for row in price_rows(variant.draft.prices, variant_id=variant.id)
        ],
    )
    written = await queries.add_variants(
        connection, rows, product_id=product.id, actor_id=actor_id, now=now
    )
    if taken := [variant.draft.sku for variant in added if variant.id not in written]:
        raise SkuTaken(taken)
