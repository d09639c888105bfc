"""Categories and products on sale, made through the services, in a handful of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.services import category_service, product_service
from gosellr.utils.catalogue import AttributeRule, MediaUse, Price, ProductDraft, VariantDraft
from gosellr.utils.states import Actor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

_SHELF_SELLER = """
INSERT INTO seller (id, name, slug, status, legal_name, email, country, created_at, updated_at,
                    approved_at)
VALUES ($1, $2, $3, 'active', $2, $4, 'DE', $5, $5, $5)
"""


@dataclass(frozen=True, slots=True)
class MadeProduct:
    """A product of a test, and its variants in order."""

    id: UUID
    item_id: UUID
    seller_id: UUID
    category_id: UUID
    variant_ids: tuple[UUID, ...]

    @property
    def variant_id(self) -> UUID:
        """The first variant, often the only one."""
        return self.variant_ids[0]


async def make_shelf_seller(
    connection: Connection, *, name: str = "Shelf", now: datetime = NOW
) -> UUID:
    """An active seller without people: for tests about goods, not about who sells them."""
    seller_id = new_id()
    slug = f"{name.lower()}-{seller_id.hex[-8:]}"
    await connection.execute(_SHELF_SELLER, seller_id, name, slug, f"{slug}@sellers.example", now)
    return seller_id


async def make_category(
    connection: Connection,
    *,
    name: str | None = None,
    parent_id: UUID | None = None,
    attributes: Sequence[AttributeRule] = (),
    now: datetime = NOW,
) -> UUID:
    """A category; without a name, one that no other test has."""
    return await category_service.create_category(
        connection,
        name=name or f"Category {new_id().hex[-8:]}",
        parent_id=parent_id,
        attributes=attributes,
        now=now,
    )


def variant_draft(
    *,
    sku: str | None = None,
    price_minor: int = 1999,
    currency: str = "EUR",
    stock: int = 10,
    options: Mapping[str, str] | None = None,
    **more: Any,
) -> VariantDraft:
    """A variant to be; without a SKU, with one that no other has."""
    return VariantDraft(
        sku=sku or f"SKU-{new_id().hex[-12:]}",
        prices=(Price(currency=currency, amount_minor=price_minor),),
        stock=stock,
        options=options or {},
        **more,
    )


async def make_product(
    connection: Connection,
    *,
    seller: Any,
    price_minor: int = 1999,
    stock: int = 10,
    currency: str = "EUR",
    title: str = "Lamp",
    category_id: UUID | None = None,
    variants: Sequence[VariantDraft] | None = None,
    weight_grams: int = 500,
    active: bool = True,
    media: Sequence[MediaUse] = (),
    now: datetime = NOW,
    **more: Any,
) -> MadeProduct:
    """A product on sale with one variant, or with those given.

    `seller` is a seller's id, or anything that has one as `id` or `seller_id`. Further arguments
    are fields of `ProductDraft`.
    """
    [made] = await make_products(
        connection,
        seller=seller,
        category_id=category_id,
        now=now,
        drafts=[
            dict(
                title=title,
                variants=tuple(
                    variants
                    or [
                        variant_draft(
                            price_minor=price_minor,
                            currency=currency,
                            stock=stock,
                            weight_grams=weight_grams,
                        )
                    ]
                ),
                active=active,
                media=tuple(media),
                **more,
            )
        ],
    )
    return made


async def make_products(
    connection: Connection,
    *,
    seller: Any,
    drafts: Sequence[Mapping[str, Any]],
    category_id: UUID | None = None,
    now: datetime = NOW,
) -> list[MadeProduct]:
    """Many products of one seller in as many statements as one: up to 500 at once."""
    seller_id: UUID = _seller_id(seller)
    category_id = category_id or await make_category(connection, now=now)
    created = await product_service.create_products(
        connection,
        seller_id=seller_id,
        drafts=[
            ProductDraft(**{"category_id": category_id, "active": True, **draft})
            for draft in drafts
        ],
        actor=Actor.OPERATOR,
        now=now,
    )
    return [
        MadeProduct(product.id, product.item_id, seller_id, category_id, product.variant_ids)
        for product in created
    ]


def _seller_id(seller: Any) -> UUID:
    if isinstance(seller, UUID):
        return seller
    found: UUID = seller.seller_id if hasattr(seller, "seller_id") else seller.id
    return found
