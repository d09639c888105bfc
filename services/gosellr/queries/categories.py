"""The category tree: paths and ancestors are kept with every row, and rewritten set-based."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# A category with what is sold below it; rules come from the root down.
_DOCUMENT = """json_build_object(
    'id', category.id,
    'parent_id', category.parent_id,
    'name', category.name,
    'slug', category.slug,
    'path', category.path,
    'description', category.description,
    'picture', category.picture,
    'position', category.position,
    'product_count', coalesce(counted.products, 0),
    'attributes', coalesce((
        SELECT json_agg(json_build_object(
            'key', rule.key, 'label', rule.label, 'type', rule.type, 'required', rule.required,
            'options', coalesce(rule.options, '[]'), 'unit', rule.unit,
            'inherited_from', nullif(rule.category_id, category.id))
            ORDER BY array_position(category.ancestor_ids, rule.category_id), rule.position,
                     rule.key)
        FROM category_attribute AS rule
        WHERE rule.category_id = ANY(category.ancestor_ids)), '[]'),
    'version', category.version)"""

_COUNTED = """
LEFT JOIN (
    SELECT ancestor.id, count(*) AS products
    FROM product_card CROSS JOIN unnest(product_card.category_ids) AS ancestor (id)
    WHERE product_card.visible
    GROUP BY ancestor.id
) AS counted ON counted.id = category.id
"""

_COUNTED_ONE = """
CROSS JOIN LATERAL (
    SELECT count(*) AS products FROM product_card
    WHERE product_card.visible AND product_card.category_ids @> ARRAY[category.id]
) AS counted
"""

LIST_CATEGORIES = f"""
SELECT coalesce(json_agg(page.document ORDER BY page.path) FILTER (WHERE page.place <= $3), '[]')
           ::text AS items,
       count(*) AS rows, max(page.path) FILTER (WHERE page.place <= $3) AS last_path
FROM (
    SELECT category.path, row_number() OVER (ORDER BY category.path) AS place,
           {_DOCUMENT} AS document
    FROM (
        SELECT * FROM category
        WHERE archived_at IS NULL AND ($1::uuid IS NULL OR parent_id = $1)
          AND ($2::text IS NULL OR path > $2)
        ORDER BY path LIMIT $3 + 1
    ) AS category
    {_COUNTED}
) AS page
"""

# The whole tree as rows, parents before their children: a few hundred in a usual market.
TREE = f"""
SELECT category.id, category.parent_id, category.name, category.slug, category.path,
       category.picture, coalesce(counted.products, 0) AS product_count,
       coalesce((
           SELECT jsonb_agg(jsonb_build_object(
               'key', rule.key, 'label', rule.label, 'type', rule.type, 'unit', rule.unit)
               ORDER BY rule.position, rule.key)
           FROM category_attribute AS rule WHERE rule.category_id = category.id), '[]') AS rules
FROM category {_COUNTED}
WHERE category.archived_at IS NULL
ORDER BY cardinality(category.ancestor_ids), category.position, category.name, category.id
LIMIT 10000
"""

CATEGORY_BY_ID = f"""
SELECT category.path, convert_to({_DOCUMENT}::text, 'UTF8') AS document
FROM category {_COUNTED_ONE} WHERE category.id = $1 AND category.archived_at IS NULL
"""

CATEGORY_BY_PATH = f"""
SELECT category.path, convert_to({_DOCUMENT}::text, 'UTF8') AS document
FROM category {_COUNTED_ONE}
WHERE category.archived_at IS NULL AND category.id = coalesce(
    (SELECT named.id FROM category AS named WHERE named.path = $1),
    (SELECT former.category_id FROM category_former_path AS former WHERE former.path = $1))
"""

FIND_STATE = """
SELECT id, parent_id, name, slug, path, ancestor_ids, description, picture, position, version
FROM category WHERE id = $1 AND archived_at IS NULL
FOR UPDATE
"""

PATH_TAKEN = "SELECT EXISTS (SELECT FROM category WHERE path = $1 AND id <> $2)"

INSERT_CATEGORY = """
WITH reused AS (DELETE FROM category_former_path WHERE path = $5)
INSERT INTO category (id, parent_id, name, slug, path, ancestor_ids, description, picture,
                      position, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
"""

UPDATE_CATEGORY = """
UPDATE category
SET parent_id = $2, name = $3, slug = $4, description = $5, picture = $6, position = $7,
    version = version + 1, updated_at = $8
WHERE id = $1
"""

# A whole subtree finds itself under another path; where it was keeps leading here.
MOVE_SUBTREE = """
WITH place AS (
    SELECT path AS old_path, cardinality(ancestor_ids) AS depth FROM category WHERE id = $1
), moved AS (
    UPDATE category
    SET path = $2 || substr(category.path, length(place.old_path) + 1),
        ancestor_ids = $3::uuid[] || category.ancestor_ids[place.depth:], updated_at = $4
    FROM place, category AS before
    WHERE category.ancestor_ids @> ARRAY[$1::uuid] AND before.id = category.id
    RETURNING category.id, category.path, before.path AS old_path
), reused AS (
    DELETE FROM category_former_path
    WHERE path IN (SELECT path FROM moved) AND path NOT IN (SELECT old_path FROM moved)
)
INSERT INTO category_former_path (path, category_id)
SELECT old_path, id FROM moved WHERE old_path <> path
ON CONFLICT (path) DO UPDATE SET category_id = excluded.category_id
"""

# The rules of a category as a whole: what isn't there any more is gone.
REPLACE_ATTRIBUTES = """
WITH draft AS (
    SELECT * FROM jsonb_to_recordset($2::jsonb) AS draft (
        id uuid, key text, label text, type text, required boolean, options jsonb, unit text,
        position int)
), gone AS (
    DELETE FROM category_attribute
    WHERE category_id = $1 AND key NOT IN (SELECT key FROM draft)
)
INSERT INTO category_attribute (id, category_id, key, label, type, required, options, unit,
                                position)
SELECT id, $1, key, label, type, required, options, unit, position FROM draft
ON CONFLICT (category_id, key) DO UPDATE
SET label = excluded.label, type = excluded.type, required = excluded.required,
    options = excluded.options, unit = excluded.unit, position = excluded.position
"""

# The same key above or below would make two rules of one name.
KEYS_NEARBY = """
SELECT DISTINCT rule.key
FROM category_attribute AS rule
JOIN category ON category.id = rule.category_id
WHERE rule.category_id <> $1 AND category.archived_at IS NULL
  AND (rule.category_id = ANY($2::uuid[]) OR category.ancestor_ids @> ARRAY[$1::uuid])
  AND rule.key = ANY(coalesce($3::text[], ARRAY(
      SELECT own.key FROM category_attribute AS own
      JOIN category AS below ON below.id = own.category_id
      WHERE below.ancestor_ids @> ARRAY[$1::uuid])))
  AND ($3::text[] IS NOT NULL OR rule.category_id = ANY($2::uuid[]))
ORDER BY rule.key
"""

WHAT_IS_IN_IT = """
SELECT (SELECT count(*) FROM category WHERE parent_id = $1 AND archived_at IS NULL) AS children,
       (SELECT count(*) FROM product WHERE category_id = $1 AND status <> 'archived') AS products
"""

CHILDREN = """
SELECT id, slug FROM category WHERE parent_id = $1 AND archived_at IS NULL
ORDER BY position, id LIMIT 1000
"""

MOVE_PRODUCTS = """
UPDATE product SET category_id = $2, version = version + 1, updated_at = $3
WHERE category_id = $1 AND status <> 'archived'
"""

# It gives its path back, which leads to wherever its products went.
ARCHIVE = """
WITH gone AS (
    UPDATE category
    SET archived_at = $3, updated_at = $3, version = category.version + 1,
        path = '~' || category.id
    FROM category AS before
    WHERE category.id = $1 AND before.id = category.id
    RETURNING before.path
), led_here AS (
    UPDATE category_former_path SET category_id = $2
    WHERE category_id = $1 AND $2::uuid IS NOT NULL
)
INSERT INTO category_former_path (path, category_id)
SELECT path, $2::uuid FROM gone WHERE $2::uuid IS NOT NULL
ON CONFLICT (path) DO UPDATE SET category_id = excluded.category_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryState:
    """A category as it stands; `ancestor_ids` lead from the root to itself."""

    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    path: str
    ancestor_ids: list[UUID]
    description: str
    picture: str | None
    position: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryNode:
    """A category of the tree; `product_count` includes everything below it.

    `rules` say how its own attributes read: key, label, type and unit, without inherited ones.
    """

    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    path: str
    picture: str | None
    product_count: int
    rules: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CategoryPage:
    """A page of categories as finished JSON, and the path to go on behind."""

    items: bytes
    next_path: str | None


async def list_categories(
    connection: Connection, *, parent_id: UUID | None, after_path: str | None, limit: int
) -> CategoryPage:
    """Categories by path; only the children of one where `parent_id` says so."""
    row = await connection.fetchrow(LIST_CATEGORIES, parent_id, after_path, limit)
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY gives one row
    return CategoryPage(row["items"].encode(), row["last_path"] if row["rows"] > limit else None)


async def tree(connection: Connection) -> list[CategoryNode]:
    """All categories, every parent before its children, siblings in their order."""
    return [CategoryNode(**dict(row)) for row in await connection.fetch(TREE)]


async def find_document(
    connection: Connection, *, category_id: UUID | None, path: str
) -> tuple[str, bytes] | None:
    """A category's path of now and its JSON, by id or else by a path of now or of once."""
    row = (
        await connection.fetchrow(CATEGORY_BY_PATH, path)
        if category_id is None
        else await connection.fetchrow(CATEGORY_BY_ID, category_id)
    )
    return None if row is None else (row["path"], row["document"])


async def lock_category(connection: Connection, *, category_id: UUID) -> CategoryState | None:
    """A category as it stands, locked until the commit."""
    row = await connection.fetchrow(FIND_STATE, category_id)
    return None if row is None else CategoryState(**dict(row))


async def path_taken(connection: Connection, *, path: str, category_id: UUID) -> bool:
    """Whether another category has this path."""
    taken: bool = await connection.fetchval(PATH_TAKEN, path, category_id)
    return taken


async def insert_category(
    connection: Connection, category: CategoryState, *, now: datetime
) -> None:
    """Write a new category."""
    await connection.execute(
        INSERT_CATEGORY,
        category.id,
        category.parent_id,
        category.name,
        category.slug,
        category.path,
        category.ancestor_ids,
        category.description,
        category.picture,
        category.position,
        now,
    )


async def update_category(
    connection: Connection, category: CategoryState, *, now: datetime
) -> None:
    """Write a category's own fields; its path moves with `move_subtree`."""
    await connection.execute(
        UPDATE_CATEGORY,
        category.id,
        category.parent_id,
        category.name,
        category.slug,
        category.description,
        category.picture,
        category.position,
        now,
    )


async def move_subtree(
    connection: Connection,
    *,
    category_id: UUID,
    path: str,
    parent_ancestor_ids: Sequence[UUID],
    now: datetime,
) -> None:
    """Put a category and all below it under a new path; the old paths lead to the new ones."""
    await connection.execute(MOVE_SUBTREE, category_id, path, parent_ancestor_ids, now)


async def replace_attributes(
    connection: Connection, *, category_id: UUID, rules: Sequence[Mapping[str, Any]]
) -> None:
    """Let a category have these rules of its own and no others."""
    await connection.execute(REPLACE_ATTRIBUTES, category_id, rules)


async def keys_nearby(
    connection: Connection,
    *,
    category_id: UUID,
    ancestor_ids: Sequence[UUID],
    keys: Sequence[str] | None = None,
) -> list[str]:
    """Which of these keys have a rule above or below already.

    Without keys: which keys of the subtree have a rule among these (new) ancestors.
    """
    rows = await connection.fetch(KEYS_NEARBY, category_id, ancestor_ids, keys)
    return [row["key"] for row in rows]


async def what_is_in_it(connection: Connection, *, category_id: UUID) -> tuple[int, int]:
    """How many children and how many listings a category has."""
    row = await connection.fetchrow(WHAT_IS_IN_IT, category_id)
    assert row is not None  # noqa: S101 - two scalars make one row
    return row["children"], row["products"]


async def children(connection: Connection, *, category_id: UUID) -> list[tuple[UUID, str]]:
    """The ids and slugs of a category's children."""
    return [(row["id"], row["slug"]) for row in await connection.fetch(CHILDREN, category_id)]


async def move_products(
    connection: Connection, *, category_id: UUID, target_id: UUID, now: datetime
) -> None:
    """Put all listings of a category into another one."""
    await connection.execute(MOVE_PRODUCTS, category_id, target_id, now)


async def archive(
    connection: Connection, *, category_id: UUID, target_id: UUID | None, now: datetime
) -> None:
    """Take a category out of the tree; its paths lead to the target, if there is one."""
    await connection.execute(ARCHIVE, category_id, target_id, now)
