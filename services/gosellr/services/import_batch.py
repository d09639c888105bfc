"""One batch of an import: some products of a file become listings, or errors of their rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.core.transact import attempt
from gosellr.models.import_values import KnownProduct, RunState, Tally
from gosellr.queries import imports as queries
from gosellr.services.inventory_service import StockPromised
from gosellr.services.product_edit_service import ProductChanges, update_product
from gosellr.services.product_service import (
    ReviewMode,
    SellerNotActive,
    create_products,
    draft_flaws,
    ground_for,
)
from gosellr.services.variant_changes import VariantChanges
from gosellr.utils.catalogue import Flaw, ProductDraft, VariantDraft, axes_of
from gosellr.utils.import_formats import category_path, typed_attributes
from gosellr.utils.import_values import (
    ROW_FLAWS_MAX,
    ImportedProduct,
    Listing,
    RowFlaw,
    is_derived,
    said_stock,
    source_mark,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.states import Actor, ProductStatus
from gosellr.utils.viewer import Viewer

_CATEGORY_ADVICE = (
    "Name a category of this market by its path or its name, or send a category_id with the file"
)
_PROMISED_ADVICE = "Orders are promised more than this: write at least as many units"
_FIELDS_BY_CODE = {"transition_not_allowed": "status", "item_already_listed": "item_id"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    tally: Tally
    flaws: Sequence[RowFlaw]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A product of the file, as far as the market can take it, and the one it may be already."""

    product: ImportedProduct
    listing: Listing
    draft: ProductDraft
    known: KnownProduct | None

    @property
    def mark(self) -> bytes:
        return self.draft.source_hash or b""


async def work_off(
    connection: Connection,
    *,
    run: RunState,
    products: Sequence[ImportedProduct],
    review: ReviewMode,
    now: datetime,
) -> Outcome:
    """Create what is new, change what has changed, leave the rest; tell what is wrong by row.

    Raises:
        NotFound, SellerNotActive: when the seller can't list products any more.
    """
    batch = _Batch(connection, run=run, review=review, now=now)
    await batch.work_off(products)
    return batch.outcome()


class _Batch:
    """The work on one batch, and what was found while doing it."""

    def __init__(
        self, connection: Connection, *, run: RunState, review: ReviewMode, now: datetime
    ) -> None:
        self._connection = connection
        self._run = run
        self._review: ReviewMode = review
        self._now = now
        self._counts: Counter[str] = Counter()
        self._flaws: list[RowFlaw] = []
        as_operator = bool(run.settings.get("as_operator"))
        self._actor = Actor.OPERATOR if as_operator else Actor.SELLER
        # What the person who sent the file may do was checked when it came.
        self._viewer = Viewer(
            user_id=run.requested_by,
            roles=frozenset({Role.OPERATOR if as_operator else Role.SELLER}),
            memberships={} if as_operator else {run.seller_id: MemberRole.MANAGER},
        )

    def outcome(self) -> Outcome:
        """What became of it, the flaws in the order of their rows."""
        flaws = sorted(self._flaws, key=lambda flaw: flaw.row)
        return Outcome(Tally(**self._counts), flaws)

    async def work_off(self, products: Sequence[ImportedProduct]) -> None:
        """See the module's `work_off`."""
        candidates = await self._matched(await self._categorised(products))
        new = [each for each in candidates if each.known is None]
        changed = [
            each for each in candidates if each.known and each.known.source_hash != each.mark
        ]
        self._counts["unchanged"] += len(candidates) - len(new) - len(changed)
        # Locks on stock are taken in the order of ids, and ids grow with time. What is given up
        # by a change is free for what is new.
        for each in sorted(changed, key=lambda one: one.known.id if one.known else UUID(int=0)):
            await self._update(each)
        if new:
            await self._create(new)

    def _refuse(self, flaws: Iterable[RowFlaw]) -> None:
        self._counts["failed"] += 1
        self._flaws += list(flaws)[:ROW_FLAWS_MAX]

    async def _categorised(
        self, products: Sequence[ImportedProduct]
    ) -> list[tuple[ImportedProduct, Listing, ProductDraft]]:
        """The readable products with their categories; the others are refused."""
        words = {
            word
            for product in products
            if product.listing and product.listing.category_id is None
            for word in product.listing.category_words
        }
        paths = {word: category_path(word) for word in sorted(words)}
        named = await queries.categories_named(self._connection, paths=paths) if paths else {}
        default = self._run.settings.get("category_id")
        found = []
        for product in products:
            listing = product.listing
            if listing is None:
                self._refuse(product.flaws)
                continue
            category_id = listing.category_id or next(
                (named[word] for word in listing.category_words if word in named),
                UUID(default) if default else None,
            )
            if category_id is None:
                flaw = Flaw("category_id", "category_unknown", _CATEGORY_ADVICE)
                self._refuse([product.places.flaw(flaw)])
                continue
            draft = listing.draft(category_id=category_id, source_key=product.key)
            found.append((product, listing, replace(draft, source_hash=source_mark(draft))))
        return found

    async def _matched(
        self, drafts: Sequence[tuple[ImportedProduct, Listing, ProductDraft]]
    ) -> list[_Candidate]:
        """The drafts with the products that they are already: by the file's name, else by SKU."""
        if not drafts:
            return []
        known = await queries.known_products(
            self._connection,
            seller_id=self._run.seller_id,
            keys=[product.key for product, _, _ in drafts],
            skus=[variant.sku for _, _, draft in drafts for variant in draft.variants],
        )
        by_key = {each.source_key: each for each in known if each.source_key}
        by_sku = {sku: each for each in known for sku in each.skus}
        taken: set[UUID] = set()
        candidates = []
        for product, listing, draft in drafts:
            match = by_key.get(product.key)
            if match is None:
                match = next(
                    (
                        by_sku[variant.sku]
                        for variant in draft.variants
                        if variant.sku in by_sku and is_derived(by_sku[variant.sku].source_key)
                    ),
                    None,
                )
            flaws = _match_flaws(draft, match, by_sku, taken)
            if flaws:
                self._refuse(map(product.places.flaw, flaws))
                continue
            if match is not None:
                taken.add(match.id)
            candidates.append(_Candidate(product, listing, draft, match))
        return candidates

    async def _update(self, candidate: _Candidate) -> None:
        known, draft = candidate.known, candidate.draft
        assert known is not None  # noqa: S101 - only known ones are changed
        try:
            [typed] = await self._with_types([draft])
            await attempt(
                self._connection,
                update_product,
                viewer=self._viewer,
                product_id=known.id,
                changes=_changes(typed, candidate.listing, known),
                review=self._review,
                now=self._now,
            )
        except DomainError as error:
            if isinstance(error, SellerNotActive):
                raise
            self._refuse(_flaws_of(error, candidate.product, draft, known))
            return
        await queries.set_sources(
            self._connection, sources=[(known.id, candidate.product.key, candidate.mark)]
        )
        self._counts["updated"] += 1
        self._counts["pictures_skipped"] += candidate.listing.pictures_skipped

    async def _with_types(self, drafts: Sequence[ProductDraft]) -> list[ProductDraft]:
        """Drafts whose attributes are what their categories' rules mean by them."""
        if not any(draft.attributes for draft in drafts):
            return list(drafts)
        ground = await ground_for(self._connection, seller_id=self._run.seller_id, drafts=drafts)
        return [
            replace(
                draft,
                attributes=typed_attributes(
                    draft.attributes, ground.rules.get(draft.category_id, ())
                ),
            )
            for draft in drafts
        ]

    async def _create(self, candidates: Sequence[_Candidate]) -> None:
        """Create what has no flaw, all at once, or one by one where all at once can't be."""
        typed = await self._with_types([each.draft for each in candidates])
        ground = await ground_for(self._connection, seller_id=self._run.seller_id, drafts=typed)
        sound = []
        for each, draft in zip(candidates, typed, strict=True):
            flaws = [*draft_flaws(draft, ground), *_sku_flaws(draft.variants, ground.taken_skus)]
            if flaws:
                self._refuse(map(each.product.places.flaw, flaws))
            else:
                sound.append(replace(each, draft=draft))
        if not sound:
            return
        try:
            await self._create_together(sound)
        except DomainError:
            for each in sound:
                try:
                    await self._create_together([each])
                except DomainError as error:
                    self._refuse(_flaws_of(error, each.product, each.draft, None))

    async def _create_together(self, candidates: Sequence[_Candidate]) -> None:
        await attempt(
            self._connection,
            create_products,
            seller_id=self._run.seller_id,
            drafts=[each.draft for each in candidates],
            actor=self._actor,
            actor_id=self._run.requested_by,
            review=self._review,
            now=self._now,
        )
        self._counts["created"] += len(candidates)
        self._counts["pictures_skipped"] += sum(
            each.listing.pictures_skipped for each in candidates
        )


def _match_flaws(
    draft: ProductDraft,
    match: KnownProduct | None,
    by_sku: dict[str, KnownProduct],
    taken: set[UUID],
) -> list[Flaw]:
    """What keeps a draft from being its match, or from being a product of its own."""
    if match is not None and match.status == ProductStatus.ARCHIVED:
        return [
            Flaw(
                "title",
                "product_archived",
                "You archived this product: give it another handle and SKU to list it anew",
            )
        ]
    if match is not None and match.id in taken:
        return [Flaw("variants", "sku_taken", "Its SKUs are those of a product further up")]
    return [
        Flaw(
            f"variants.{index}.sku",
            "sku_taken",
            f"Your product “{other.title}” has this SKU: give one of the two another",
        )
        for index, variant in enumerate(draft.variants)
        for other in [by_sku.get(variant.sku)]
        if match is not None and other is not None and other.id != match.id
    ]


def _sku_flaws(variants: Sequence[VariantDraft], taken: frozenset[str]) -> list[Flaw]:
    return [
        Flaw(
            f"variants.{index}.sku",
            "sku_taken",
            "Another product of yours has this SKU: give one of the two another",
        )
        for index, variant in enumerate(variants)
        if variant.sku in taken
    ]


def _flaws_of(
    error: DomainError, product: ImportedProduct, draft: ProductDraft, known: KnownProduct | None
) -> list[RowFlaw]:
    """An error of the catalogue as flaws of rows."""
    if error.errors:
        flaws = [Flaw(each.field, each.code, each.message) for each in error.errors]
    elif isinstance(error, StockPromised) and known is not None:
        short = {str(line["variant_id"]) for line in error.extras["variants"]}
        flaws = [
            Flaw(f"variants.{index}.stock", error.code, _PROMISED_ADVICE)
            for index, variant in enumerate(draft.variants)
            if known.skus.get(variant.sku) in short
        ]
    else:
        field = _FIELDS_BY_CODE.get(error.code, "variants.0.sku")
        flaws = [Flaw(field, error.code, error.detail)]
    return [product.places.flaw(flaw) for flaw in flaws]


def _changes(draft: ProductDraft, listing: Listing, known: KnownProduct) -> ProductChanges:
    """All that the file says of a product; what it has no word for stays."""
    in_file = {variant.sku for variant in draft.variants}
    gone: list[VariantChanges] = [
        {"sku": sku, "archived": True} for sku in known.skus if sku not in in_file
    ]
    changes: ProductChanges = {
        "title": draft.title,
        "description": draft.description,
        "brand": draft.brand,
        "category_id": draft.category_id,
        "options": draft.options or axes_of(draft.variants),
        "attributes": draft.attributes,
        "media": draft.media,
        "shipping_class": draft.shipping_class,
        "tax_class": draft.tax_class,
        "active": draft.active,
        "variants": (
            *(_variant_changes(variant, listing, known) for variant in draft.variants),
            *gone,
        ),
    }
    for name in listing.unsaid:
        changes.pop(name, None)  # type: ignore[misc]
    return changes


def _variant_changes(
    variant: VariantDraft, listing: Listing, known: KnownProduct
) -> VariantChanges:
    changes: VariantChanges = {
        "sku": variant.sku,
        "prices": variant.prices,
        "options": variant.options,
        "gtin": variant.gtin,
        "weight_grams": variant.weight_grams,
        "dimensions_mm": variant.dimensions_mm,
        "low_stock_at": variant.low_stock_at,
    }
    for name in listing.unsaid:
        changes.pop(name, None)  # type: ignore[misc]
    # Stock lives its own life between two files: only a number that has changed is an order.
    is_new = variant.sku not in known.skus
    if is_new or said_stock(known.source_hash, variant.sku) != variant.stock:
        changes["stock"] = variant.stock
    return changes
