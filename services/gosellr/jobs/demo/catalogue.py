"""The demo market's people, shops, terms and goods, written in one transaction or not at all."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from gosellr.core.db import Connection
from gosellr.jobs.demo.goods import Listing, sections
from gosellr.jobs.demo.letterheads import LETTERHEADS
from gosellr.jobs.demo.people import ADA_EMAIL, OLU_EMAIL, OLU_NAME
from gosellr.jobs.demo.plan import Plan
from gosellr.jobs.demo.shops import SHOPS, SUSPENSION, Shop
from gosellr.jobs.demo.state import Market, remember_market
from gosellr.jobs.demo.terms import set_terms
from gosellr.jobs.demo.tiles import StoredTile, Tile
from gosellr.services import (
    account_service,
    category_service,
    letterhead_service,
    media_service,
    product_service,
    seller_service,
)
from gosellr.services.product_rows import CreatedProduct
from gosellr.services.seller_service import SellerStep
from gosellr.utils.catalogue import MediaUse, OptionAxis, Price, ProductDraft, VariantDraft
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.states import Actor
from gosellr.utils.viewer import Viewer

_TERMS_AGE = timedelta(days=420)
_SUSPENDED_AGE = timedelta(days=9)


def tiles_of(listings: Iterable[Listing]) -> list[Tile]:
    """Every picture that the goods need."""
    return [tile for listing in listings for tile in _tiles(listing)]


def _tiles(listing: Listing) -> list[Tile]:
    if listing.picture is None:
        return []
    whole = Tile(sculpture=listing.picture)
    return [whole, Tile(sculpture=listing.picture, is_detail=True)] if listing.detail else [whole]


async def write_catalogue(
    connection: Connection,
    *,
    plan: Plan,
    seed: int,
    password_hash: str,
    tiles: Mapping[Tile, StoredTile],
) -> Market:
    """Write it all; gives what the history needs to know about it."""
    writer = _Writer(connection, plan=plan, password_hash=password_hash, tiles=tiles)
    market = await writer.write(seed)
    await remember_market(connection, market)
    return market


@dataclass(slots=True)
class _Writer:
    connection: Connection
    plan: Plan
    password_hash: str
    tiles: Mapping[Tile, StoredTile]
    owners: dict[str, tuple[UUID, Viewer]] = field(default_factory=dict)
    media: dict[tuple[UUID, Tile], UUID] = field(default_factory=dict)
    variants: dict[str, tuple[UUID, UUID]] = field(default_factory=dict)

    async def write(self, seed: int) -> Market:
        began_at = self.plan.began_at
        since = began_at - _TERMS_AGE
        operator = await self._operator(since)
        buyer_ids = await self._buyers()
        for shop in SHOPS:
            self.owners[shop.handle] = await self._shop(shop)
        categories = await self._categories(since)
        await set_terms(
            self.connection,
            operator=operator,
            owners=self.owners,
            categories=categories,
            since=since,
        )
        await self._goods(categories)
        for shop in SHOPS:
            if shop.standing == "suspended":
                await seller_service.move_seller(
                    self.connection,
                    viewer=operator,
                    seller_id=self.owners[shop.handle][0],
                    step=SellerStep.SUSPEND,
                    reason=SUSPENSION,
                    now=began_at - _SUSPENDED_AGE,
                )
        return Market(
            seed=seed,
            began_at=began_at,
            orders=len(self.plan.purchases),
            buyer_ids=buyer_ids,
            sellers={
                handle: (seller_id, owner.user_id or seller_id)
                for handle, (seller_id, owner) in self.owners.items()
            },
            variants=self.variants,
        )

    async def _operator(self, since: datetime) -> Viewer:
        account, _ = await account_service.create_operator(
            self.connection,
            email=OLU_EMAIL,
            name=OLU_NAME,
            password_hash=self.password_hash,
            now=since,
        )
        return Viewer(user_id=account.id, roles=account.roles, name=OLU_NAME, email=OLU_EMAIL)

    async def _buyers(self) -> list[UUID]:
        ids = []
        for place, person in enumerate(self.plan.buyers):
            account = await account_service.register_account(
                self.connection,
                email=person.email,
                name=person.name,
                # Nobody but Ada has a password: the others can't be signed in as.
                password_hash=self.password_hash if person.email == ADA_EMAIL else "",
                now=self.plan.began_at - timedelta(days=240 - place),
            )
            ids.append(account.id)
        return ids

    async def _shop(self, shop: Shop) -> tuple[UUID, Viewer]:
        now = self.plan.began_at - shop.age
        account = await account_service.register_account(
            self.connection,
            email=shop.owner_email,
            name=shop.owner,
            password_hash=self.password_hash if shop.email else "",
            now=now,
        )
        owner = Viewer(
            user_id=account.id, roles=account.roles, name=shop.owner, email=shop.owner_email
        )
        seller_id = await seller_service.create_seller(
            self.connection,
            viewer=owner,
            name=shop.name,
            legal_name=shop.legal_name,
            email=shop.owner_email,
            country=shop.country,
            description=shop.story,
            approval="manual" if shop.standing == "applied" else "auto",
            now=now,
        )
        owner = Viewer(
            user_id=account.id,
            roles=account.roles | {Role.SELLER},
            memberships={seller_id: MemberRole.OWNER},
            name=shop.owner,
            email=shop.owner_email,
        )
        await seller_service.update_seller(
            self.connection,
            viewer=owner,
            seller_id=seller_id,
            changes={
                "policies": {
                    "returns": f"Send it back within {shop.returns_days} days, for any reason.",
                    "shipping": "We pack within two working days and send you the tracking number.",
                }
            },
            version=None,
            now=now,
        )
        if shop.handle in LETTERHEADS:
            await letterhead_service.change(
                self.connection,
                viewer=owner,
                seller_id=seller_id,
                changes=asdict(LETTERHEADS[shop.handle]),
                expected_version=0,
                now=now,
            )
        return seller_id, owner

    async def _categories(self, since: datetime) -> dict[str, UUID]:
        ids: dict[str, UUID] = {}
        for place, top in enumerate(sections()):
            ids[top.key] = await category_service.create_category(
                self.connection,
                name=top.name,
                description=top.text,
                picture=top.picture,
                position=place,
                attributes=top.rules,
                now=since,
            )
            for below, child in enumerate(top.children):
                ids[f"{top.key}/{child.key}"] = await category_service.create_category(
                    self.connection,
                    name=child.name,
                    parent_id=ids[top.key],
                    picture=child.picture,
                    position=below,
                    attributes=child.rules,
                    now=since,
                )
        return ids

    async def _goods(self, categories: Mapping[str, UUID]) -> None:
        deliveries = self.plan.deliveries()
        items: dict[str, UUID] = {}
        # First those that are first, then the offers that join them.
        for is_first in (True, False):
            batches: defaultdict[tuple[str, datetime], list[Listing]] = defaultdict(list)
            for listing in self.plan.listings:
                if (listing.item == listing.sku) is is_first:
                    batches[listing.shop, self.plan.listed_at(listing)].append(listing)
            for (shop, listed_at), batch in batches.items():
                created = await product_service.create_products(
                    self.connection,
                    seller_id=self.owners[shop][0],
                    drafts=[
                        await self._draft(listing, categories, deliveries, items.get(listing.item))
                        for listing in batch
                    ],
                    actor=Actor.SELLER,
                    actor_id=self.owners[shop][1].user_id,
                    now=listed_at,
                )
                for listing, made in zip(batch, created, strict=True):
                    items.setdefault(listing.sku, made.item_id)
                    self._know(listing, made)

    def _know(self, listing: Listing, made: CreatedProduct) -> None:
        for choice, variant_id in zip(listing.choices, made.variant_ids, strict=True):
            self.variants[choice.sku] = (variant_id, made.id)

    async def _draft(
        self,
        listing: Listing,
        categories: Mapping[str, UUID],
        deliveries: Mapping[str, int],
        item_id: UUID | None,
    ) -> ProductDraft:
        return ProductDraft(
            title=listing.title,
            category_id=categories[f"{listing.section}/{listing.category}"],
            description=listing.text,
            brand=listing.brand,
            options=tuple(
                OptionAxis(name, tuple(dict.fromkeys(one.options[name] for one in listing.choices)))
                for name in listing.choices[0].options
            ),
            attributes=listing.attributes,
            media=tuple(
                [
                    MediaUse(await self._media(listing.shop, tile), listing.title)
                    for tile in _tiles(listing)
                ]
            ),
            active=True,
            item_id=item_id,
            shipping_class=listing.shipping_class,
            tax_class=listing.tax_class,
            variants=tuple(
                VariantDraft(
                    sku=choice.sku,
                    prices=(
                        Price(
                            currency="EUR",
                            amount_minor=choice.price_minor,
                            compare_at_minor=choice.was_minor,
                        ),
                    ),
                    stock=deliveries[choice.sku],
                    options=choice.options,
                    weight_grams=listing.weight_grams,
                )
                for choice in listing.choices
            ),
        )

    async def _media(self, shop: str, tile: Tile) -> UUID:
        seller_id, owner = self.owners[shop]
        if (seller_id, tile) not in self.media:
            stored = self.tiles[tile]
            document = await media_service.keep_media(
                self.connection,
                viewer=owner,
                owner_id=seller_id,
                sha256=bytes.fromhex(stored.image.sha256),
                content_type=stored.image.source_type,
                width=stored.image.width,
                height=stored.image.height,
                byte_size=stored.byte_size,
                renditions=stored.renditions,
                now=self.plan.began_at - timedelta(days=100),
            )
            self.media[seller_id, tile] = UUID(orjson.loads(document)["id"])
        return self.media[seller_id, tile]
