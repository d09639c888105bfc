"""Listings: created, checked against their category, reviewed, put on sale and taken off it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, FieldError, InvalidInput, NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.models.catalogue_names import offers_changed
from gosellr.models.events import Fact, FactType
from gosellr.queries import locks, outbox, product_cards, product_details, product_edits
from gosellr.queries import products as queries
from gosellr.queries.product_edits import ProductState
from gosellr.queries.products import ProductRows, SellingGround
from gosellr.services.product_rows import CreatedProduct, rows_of, with_own_slugs
from gosellr.services.seller_scope import require_in_seller, seller_acted_for
from gosellr.utils.catalogue import (
    Flaw,
    ProductDraft,
    attribute_flaws,
    axes_of,
    matrix_flaws,
    one_line,
    variant_flaws,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.states import Actor, ProductStatus, TransitionNotAllowed, product_states
from gosellr.utils.viewer import Viewer

ReviewMode = Literal["off", "all"]

_MAY_LIST = frozenset({"applied", "in_review", "active", "on_holiday"})
_LISTED_TOGETHER_MAX = 500


class SkuTaken(Conflict):
    """Another variant of the same seller has this SKU; `extras` name them."""

    code = "sku_taken"
    title = "This SKU is in use"

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(
            f"{', '.join(skus)}: another variant of yours has this SKU", extras={"skus": list(skus)}
        )


class SlugTaken(Conflict):
    """The slug leads to another product, or once did."""

    code = "slug_taken"
    title = "This address is in use"


class ItemAlreadyListed(Conflict):
    """A seller lists an item once."""

    code = "item_already_listed"
    title = "You list this item already"


class SellerNotActive(Conflict):
    """A seller that was rejected, suspended or terminated lists nothing."""

    code = "seller_not_active"
    title = "This seller can't list products"


class StatusNotAllowed(Conflict):
    """The listing can't take this step; `extras` name those it can."""

    code = "transition_not_allowed"
    title = "The listing can't take this step"


def refuse(flaws: Sequence[Flaw]) -> None:
    """Raise `InvalidInput` when there are any, naming every field."""
    if flaws:
        raise InvalidInput(
            flaws[0].message, errors=[FieldError(f.field, f.code, f.message) for f in flaws]
        )


def actor_of(viewer: Viewer) -> Actor:
    """As whom a viewer moves a listing."""
    return Actor.OPERATOR if viewer.is_operator else Actor.SELLER


async def create_product(
    connection: Connection,
    *,
    viewer: Viewer,
    draft: ProductDraft,
    seller_id: UUID | None = None,
    review: ReviewMode = "off",
    now: datetime,
) -> CreatedProduct:
    """List a product. With `review` on, what a seller wants on sale waits for an operator.

    Raises:
        InvalidInput: naming every field that can't be so.
        SkuTaken, SlugTaken, ItemAlreadyListed, SellerNotActive: as they say.
        NotFound, NotAllowed: when the viewer doesn't act for that seller.
    """
    owner_id = seller_acted_for(viewer, seller_id=seller_id, permission=Permission.PRODUCT_CREATE)
    [created] = await create_products(
        connection,
        seller_id=owner_id,
        drafts=[draft],
        actor=actor_of(viewer),
        actor_id=viewer.user_id,
        review=review,
        now=now,
    )
    return created


async def create_products(
    connection: Connection,
    *,
    seller_id: UUID,
    drafts: Sequence[ProductDraft],
    actor: Actor = Actor.SELLER,
    actor_id: UUID | None = None,
    review: ReviewMode = "off",
    now: datetime,
) -> list[CreatedProduct]:
    """List many products of one seller at once, all or none, in a fixed number of statements.

    Who may do so was decided by the caller; raises what `create_product` does.
    """
    if not 1 <= len(drafts) <= _LISTED_TOGETHER_MAX:
        raise ValueError(f"1 to {_LISTED_TOGETHER_MAX} products are listed together")
    await locks.listings(connection, product_ids=())
    ground = await ground_for(connection, seller_id=seller_id, drafts=drafts)
    for draft in drafts:
        refuse(draft_flaws(draft, ground))
    _check_taken(drafts, ground)
    location_id = ground.location_id or await queries.ensure_location(
        connection, location_id=new_id(), seller_id=seller_id, now=now
    )
    published = "active" if review == "off" or actor is Actor.OPERATOR else "pending_review"
    created = [
        CreatedProduct(
            id=new_id(),
            item_id=draft.item_id or new_id(),
            status=published if draft.active else "draft",
            variant_ids=tuple(new_id() for _ in draft.variants),
        )
        for draft in drafts
    ]
    rows = rows_of(drafts, created, seller_id=seller_id, location_id=location_id)
    await _insert(connection, rows, actor_id=actor_id, now=now)
    shown = await product_cards.refresh_cards(connection, [product.id for product in created], now)
    facts = [
        Fact(FactType.PRODUCT_CREATED, product.id, {"seller_id": str(seller_id)})
        for product in created
    ]
    facts += offers_changed(created[0].id, shown)
    await outbox.append(connection, facts, now=now)
    return created


async def ground_for(
    connection: Connection, *, seller_id: UUID, drafts: Sequence[ProductDraft]
) -> SellingGround:
    """What these drafts are judged by: one look, however many they are.

    Raises:
        NotFound, SellerNotActive: when there is nobody to list them.
    """
    ground = await queries.selling_ground(
        connection,
        seller_id=seller_id,
        category_ids=list({draft.category_id for draft in drafts}),
        media_ids=list({use.media_id for draft in drafts for use in draft.media}),
        skus=[variant.sku for draft in drafts for variant in draft.variants],
        item_ids=[draft.item_id for draft in drafts if draft.item_id],
    )
    if ground is None:
        raise NotFound("There is no such seller")
    if ground.seller_status not in _MAY_LIST:
        raise SellerNotActive(f"The seller is {ground.seller_status}")
    return ground


def draft_flaws(draft: ProductDraft, ground: SellingGround) -> list[Flaw]:
    """Everything wrong with a draft, field by field; empty when it can be listed."""
    axes = draft.options or axes_of(draft.variants)
    flaws = [] if one_line(draft.title) else [Flaw("title", "title_empty", "A title is needed")]
    rules = ground.rules.get(draft.category_id)
    if rules is None:
        flaws.append(Flaw("category_id", "category_unknown", "There is no such category"))
    else:
        flaws += attribute_flaws(rules, draft.attributes)
    flaws += variant_flaws(draft.variants, currency=draft.currency)
    flaws += matrix_flaws(axes, [variant.options for variant in draft.variants])
    flaws += media_flaws([use.media_id for use in draft.media], known=ground.media_ids)
    if draft.item_id and draft.item_id not in ground.item_ids:
        flaws.append(Flaw("item_id", "item_unknown", "Nobody lists this item"))
    return flaws


def media_flaws(media_ids: Sequence[UUID], *, known: frozenset[UUID]) -> Iterator[Flaw]:
    """What is wrong with the pictures of a listing."""
    for index, media_id in enumerate(media_ids):
        if media_id not in known:
            yield Flaw(f"media.{index}.id", "media_unknown", "There is no such picture")
        elif media_id in media_ids[:index]:
            yield Flaw(f"media.{index}.id", "media_duplicate", "This picture is there twice")


def _check_taken(drafts: Sequence[ProductDraft], ground: SellingGround) -> None:
    counted = Counter(variant.sku for draft in drafts for variant in draft.variants)
    twice = {sku for sku, count in counted.items() if count > 1}
    if taken := sorted(ground.taken_skus | twice):
        raise SkuTaken(taken)
    if any(draft.item_id in ground.own_item_ids for draft in drafts):
        raise ItemAlreadyListed


async def _insert(
    connection: Connection, rows: ProductRows, *, actor_id: UUID | None, now: datetime
) -> None:
    """Write the rows; what a rival took between the look and the writing is named."""
    products, variants = await queries.insert_products(connection, rows, actor_id=actor_id, now=now)
    late = {row["id"] for row in rows.products} - products
    if late:
        # The slug is the likeliest to have gone: with the id in it, it is one's own.
        more, more_variants = await queries.insert_products(
            connection, with_own_slugs(rows, late), actor_id=actor_id, now=now
        )
        if len(more) < len(late):
            raise ItemAlreadyListed
        variants |= more_variants
    if taken := [row["sku"] for row in rows.variants if row["id"] not in variants]:
        raise SkuTaken(taken)


async def step(
    connection: Connection,
    *,
    viewer: Viewer,
    product_id: UUID,
    target: ProductStatus,
    permission: Permission,
    review: ReviewMode,
    reason: str | None = None,
    version: int | None = None,
    now: datetime,
) -> None:
    """Move a listing to another status.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to move.
        StatusNotAllowed: when there is no such step from where it is, for this viewer.
        VersionConflict: when `version` is stale.
    """
    product = await lock_own(
        connection, viewer=viewer, product_id=product_id, permission=permission, version=version
    )
    check_step(product, target, actor=actor_of(viewer), review=review)
    await product_edits.set_status(
        connection, product_id=product_id, status=target, reason=reason, now=now
    )
    shown = await product_cards.refresh_cards(connection, [product_id], now)
    fact = Fact(
        FactType.PRODUCT_STATUS_CHANGED,
        product_id,
        {"from": product.status, "to": target.value, "reason": reason},
    )
    await outbox.append(connection, [fact, *offers_changed(product_id, shown)], now=now)


async def submit_product(
    connection: Connection, *, viewer: Viewer, product_id: UUID, review: ReviewMode, now: datetime
) -> None:
    """Ask for a listing to be on sale: at once, or after an operator has looked at it."""
    target = ProductStatus.PENDING_REVIEW if review == "all" else ProductStatus.ACTIVE
    await step(
        connection,
        viewer=viewer,
        product_id=product_id,
        target=target,
        permission=Permission.PRODUCT_SUBMIT,
        review=review,
        now=now,
    )


async def archive_product(
    connection: Connection,
    *,
    viewer: Viewer,
    product_id: UUID,
    version: int | None = None,
    now: datetime,
) -> None:
    """Take a listing off the shelf for good: orders and carts keep what they know of it."""
    await step(
        connection,
        viewer=viewer,
        product_id=product_id,
        target=ProductStatus.ARCHIVED,
        permission=Permission.PRODUCT_ARCHIVE,
        review="off",
        version=version,
        now=now,
    )


async def lock_own(
    connection: Connection,
    *,
    viewer: Viewer,
    product_id: UUID,
    permission: Permission,
    version: int | None = None,
) -> ProductState:
    """The listing as it stands, locked, if the viewer may do this to it.

    Raises:
        NotFound: when it doesn't exist, is somebody else's, or is archived.
        NotAllowed: when the viewer's role in the seller doesn't reach that far.
        VersionConflict: when `version` is stale.
    """
    # By a statement of its own: the next one sees what was waited for, variants and all.
    await locks.listings(connection, product_ids=[product_id])
    product = await product_edits.lock_product(
        connection,
        product_id=product_id,
        everything=viewer.is_operator,
        seller_ids=viewer.seller_ids,
    )
    if product is None or product.status == ProductStatus.ARCHIVED:
        raise NotFound
    require_in_seller(viewer, seller_id=product.seller_id, permission=permission)
    if version is not None and version != product.version:
        raise VersionConflict(extras={"version": product.version})
    return product


def check_step(
    product: ProductState, target: ProductStatus, *, actor: Actor, review: ReviewMode
) -> None:
    """Raise `StatusNotAllowed` unless the actor may take a listing there."""
    try:
        product_states(review_mode=review).check(ProductStatus(product.status), target, actor)
    except TransitionNotAllowed as refusal:
        raise StatusNotAllowed(str(refusal), extras={"allowed": list(refusal.allowed)}) from None


async def product_document(connection: Connection, *, viewer: Viewer, product_id: UUID) -> bytes:
    """A listing as the API answers it, finished JSON with live stock, in one statement.

    Raises:
        NotFound: unless it is on sale, or the viewer's own, or the viewer an operator.
    """
    document = await product_details.product_document(
        connection,
        product_id=product_id,
        everything=viewer.sees_everything,
        seller_ids=viewer.seller_ids,
    )
    if document is None:
        raise NotFound
    return document


async def product_by_slug(connection: Connection, *, viewer: Viewer, slug: str) -> bytes | str:
    """A listing by its address: its JSON, or the slug it has now where this is a former one.

    Raises:
        NotFound: as `product_document`.
    """
    if not slug.isprintable():
        raise NotFound
    found = await product_details.product_by_slug(
        connection, slug=slug, everything=viewer.sees_everything, seller_ids=viewer.seller_ids
    )
    if found is None:
        raise NotFound
    return found
