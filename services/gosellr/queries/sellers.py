"""Sellers: what the public sees of them, what they and operators see, and how they change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.product_cards import instant, picture, rating
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True)
class NamedSeller:
    """A seller as lists name it."""

    id: UUID
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class SellerState:
    """What decides about a change of a seller."""

    id: UUID
    name: str
    status: str
    version: int


@dataclass(frozen=True, slots=True)
class ListedSeller:
    """A seller in a list, as finished JSON, and where it stands."""

    document: bytes
    created_at: datetime
    id: UUID


# $1 is whether the viewer sees everything, $2 the sellers it acts for.
_IS_PRIVY = "($1::boolean OR seller.id = ANY ($2::uuid[]))"
_IS_PUBLIC = "seller.status IN ('active', 'on_holiday')"
_DOCUMENT = f"""json_build_object(
    'id', seller.id,
    'name', seller.name,
    'slug', seller.slug,
    'status', seller.status,
    'status_reason', CASE WHEN {_IS_PRIVY} THEN seller.status_reason END,
    'legal_name', seller.legal_name,
    'email', CASE WHEN {_IS_PRIVY} THEN seller.email::text END,
    'country', seller.country,
    'description', seller.description,
    'logo', CASE WHEN logo.id IS NOT NULL THEN {picture("logo", "seller.name")} END,
    'rating', {rating("seller")},
    'policies', seller.policies,
    'created_at', {instant("seller.created_at")},
    'approved_at', {instant("seller.approved_at")},
    'version', seller.version)::text AS document"""
_FROM = "seller LEFT JOIN media AS logo ON logo.id = seller.logo_media_id"

FIND_SELLER = f"""
SELECT {_DOCUMENT}
FROM {_FROM}
WHERE seller.id = $3 AND ({_IS_PUBLIC} OR {_IS_PRIVY})
"""

FIND_SELLER_BY_SLUG = f"""
SELECT {_DOCUMENT}
FROM {_FROM}
WHERE seller.slug = $3 AND ({_IS_PUBLIC} OR {_IS_PRIVY})
"""

LIST_SELLERS = f"""
SELECT {_DOCUMENT}, seller.created_at, seller.id
FROM {_FROM}
WHERE ($1::boolean OR {_IS_PUBLIC})
  AND ($3::text IS NULL OR seller.status = $3::text)
  AND ($4::text IS NULL
       OR strpos(f_unaccent(lower(seller.name)), f_unaccent(lower($4::text))) > 0)
  AND ($5::timestamptz IS NULL OR (seller.created_at, seller.id) < ($5, $6::uuid))
ORDER BY seller.created_at DESC, seller.id DESC
LIMIT $7
"""

NAMES_OF = "SELECT id, name FROM seller WHERE id = ANY($1::uuid[])"

NAMED = "SELECT id, name, slug FROM seller WHERE id = ANY($1::uuid[])"

FIRST_BY_NAME = "SELECT id, name, slug FROM seller ORDER BY lower(name), id LIMIT $1"

# Nobody else has a shop's address, others may have its name, and many a part of it: only what
# fits best is found.
CALLED = """
SELECT found.id, found.name, found.slug FROM (
    SELECT id, name, slug, rank() OVER (ORDER BY CASE
        WHEN slug = lower($1::text) THEN 1
        WHEN f_unaccent(lower(name)) = f_unaccent(lower($1::text)) THEN 2
        ELSE 3 END) AS place
    FROM seller
    WHERE strpos(slug, lower($1::text)) > 0
       OR strpos(f_unaccent(lower(name)), f_unaccent(lower($1::text))) > 0
) AS found
WHERE found.place = 1 ORDER BY lower(found.name), found.id LIMIT $2
"""

FIND_STATE = "SELECT id, name, status, version FROM seller WHERE id = $1"

# The first of the wanted slugs that is free, a person who may sell, and a place for the goods:
# a seller never exists without any of them.
CREATE_SELLER = """
WITH free AS (
    SELECT wanted.slug
    FROM unnest($3::text[]) WITH ORDINALITY AS wanted (slug, position)
    WHERE NOT EXISTS (SELECT FROM seller WHERE seller.slug = wanted.slug)
    ORDER BY wanted.position
    LIMIT 1
), created AS (
    INSERT INTO seller (id, name, slug, status, legal_name, email, country, description,
                        created_at, updated_at, approved_at)
    SELECT $1::uuid, $2::text, free.slug, $4::text, $5::text, $6::text, $7::text, $8::text,
           $9::timestamptz, $9::timestamptz,
           CASE WHEN $4::text = 'active' THEN $9::timestamptz END
    FROM free
    ON CONFLICT (slug) DO NOTHING
    RETURNING id
), owner AS (
    INSERT INTO seller_member (seller_id, user_id, role, created_at)
    SELECT created.id, $10::uuid, 'owner', $9::timestamptz FROM created
), entitled AS (
    UPDATE user_account
    SET roles = array_append(roles, 'seller'), version = version + 1,
        updated_at = $9::timestamptz
    WHERE id = $10::uuid AND NOT ('seller' = ANY (roles))
), location AS (
    INSERT INTO stock_location (id, seller_id, name, is_default, created_at)
    SELECT $11::uuid, created.id, 'Main', true, $9::timestamptz FROM created
)
SELECT id FROM created
"""

UPDATE_SELLER = """
UPDATE seller
SET name = coalesce($4::text, name),
    legal_name = coalesce($5::text, legal_name),
    email = coalesce($6::text::citext, email),
    country = coalesce($7::text, country),
    description = coalesce($8::text, description),
    policies = policies || coalesce($9::jsonb, '{}'::jsonb),
    logo_media_id = CASE WHEN $10::boolean THEN $11::uuid ELSE logo_media_id END,
    version = version + 1,
    updated_at = $2
WHERE id = $1 AND ($3::integer IS NULL OR version = $3)
RETURNING version
"""

OWNS_MEDIA = "SELECT EXISTS (SELECT FROM media WHERE id = $2 AND seller_id = $1)"

MOVE_STATUS = """
UPDATE seller
SET status = $4, status_reason = $5, version = version + 1, updated_at = $2,
    approved_at = CASE WHEN $4 = 'active' THEN coalesce(approved_at, $2) ELSE approved_at END
WHERE id = $1 AND status = $3
RETURNING version
"""

# Offers are seen while both the product and its seller are active.
SHOW_OFFERS = """
UPDATE product_card
SET visible = $3::boolean AND product.status = 'active', updated_at = $2
FROM product
WHERE product_card.seller_id = $1 AND product.id = product_card.product_id
  AND product_card.visible <> ($3::boolean AND product.status = 'active')
"""


async def find_seller(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> bytes | None:
    """A seller as JSON, if the viewer may see it."""
    document = await connection.fetchval(
        FIND_SELLER, viewer.sees_everything, viewer.seller_ids, seller_id
    )
    return None if document is None else document.encode()


async def find_seller_by_slug(connection: Connection, *, viewer: Viewer, slug: str) -> bytes | None:
    """The same by the address of its shop."""
    document = await connection.fetchval(
        FIND_SELLER_BY_SLUG, viewer.sees_everything, viewer.seller_ids, slug
    )
    return None if document is None else document.encode()


async def list_sellers(
    connection: Connection,
    *,
    viewer: Viewer,
    status: str | None,
    words: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ListedSeller]:
    """Sellers, newest first, after the given one; operators and support see those of any status."""
    created_at, seller_id = after or (None, None)
    rows = await connection.fetch(
        LIST_SELLERS,
        viewer.sees_everything,
        viewer.seller_ids,
        status,
        words,
        created_at,
        seller_id,
        limit,
    )
    return [ListedSeller(row["document"].encode(), row["created_at"], row["id"]) for row in rows]


async def names_of(connection: Connection, *, seller_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names of sellers; who isn't one is left out."""
    rows = await connection.fetch(NAMES_OF, seller_ids)
    return {row[0]: row[1] for row in rows}


async def named(connection: Connection, *, seller_ids: Sequence[UUID]) -> dict[UUID, NamedSeller]:
    """Sellers by their ids; who isn't one is left out."""
    rows = await connection.fetch(NAMED, seller_ids)
    return {row["id"]: NamedSeller(*row) for row in rows}


async def first_by_name(connection: Connection, *, limit: int) -> list[NamedSeller]:
    """The first sellers by name, of any status."""
    return [NamedSeller(*row) for row in await connection.fetch(FIRST_BY_NAME, limit)]


async def called(connection: Connection, *, text: str, limit: int) -> list[NamedSeller]:
    """The seller with this slug; else those with this name; else those with it as a part."""
    return [NamedSeller(*row) for row in await connection.fetch(CALLED, text, limit)]


async def find_state(connection: Connection, *, seller_id: UUID) -> SellerState | None:
    """What decides about a change of a seller."""
    row = await connection.fetchrow(FIND_STATE, seller_id)
    return None if row is None else SellerState(**row)


async def create_seller(
    connection: Connection,
    *,
    seller_id: UUID,
    location_id: UUID,
    owner_id: UUID,
    name: str,
    slugs: Sequence[str],
    status: str,
    legal_name: str,
    email: str,
    country: str,
    description: str,
    now: datetime,
) -> bool:
    """Make a seller with its owner and its default location under the first slug that is free.

    Tells whether that worked: somebody else may take the slug in the same moment.
    """
    created = await connection.fetchval(
        CREATE_SELLER, seller_id, name, list(slugs), status, legal_name, email, country,
        description, now, owner_id, location_id,
    )  # fmt: skip
    return created is not None


async def update_seller(
    connection: Connection,
    *,
    seller_id: UUID,
    version: int | None,
    changes: dict[str, Any],
    now: datetime,
) -> bool:
    """Change the given fields; tells whether there was a seller of that version."""
    changed = await connection.fetchval(
        UPDATE_SELLER,
        seller_id,
        now,
        version,
        changes.get("name"),
        changes.get("legal_name"),
        changes.get("email"),
        changes.get("country"),
        changes.get("description"),
        changes.get("policies"),
        "logo_media_id" in changes,
        changes.get("logo_media_id"),
    )
    return changed is not None


async def owns_media(connection: Connection, *, seller_id: UUID, media_id: UUID) -> bool:
    """Whether a picture is one of the seller's."""
    owned: bool = await connection.fetchval(OWNS_MEDIA, seller_id, media_id)
    return owned


async def move_status(
    connection: Connection,
    *,
    seller_id: UUID,
    current: str,
    target: str,
    reason: str | None,
    now: datetime,
) -> bool:
    """Move a seller on, if it still is where it was; tells whether it was."""
    moved = await connection.fetchval(MOVE_STATUS, seller_id, now, current, target, reason)
    return moved is not None


async def show_offers(
    connection: Connection, *, seller_id: UUID, visible: bool, now: datetime
) -> None:
    """Show a seller's active offers, or hide all of them."""
    await connection.execute(SHOW_OFFERS, seller_id, now, visible)
