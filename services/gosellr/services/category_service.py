"""The category tree and what it asks of the products in it. Only operators change it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.core.pagination import decode_cursor, encode_cursor
from gosellr.models.events import Fact, FactType
from gosellr.queries import categories as queries
from gosellr.queries import locks, outbox, product_cards
from gosellr.queries.categories import CategoryNode, CategoryState
from gosellr.utils.catalogue import AttributeRule, one_line
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.slugs import slugify

DEPTH_MAX = 12


class CategoryExists(Conflict):
    """Another category has this path."""

    code = "category_exists"
    title = "There is such a category already"


class CategoryInUse(Conflict):
    """A category with children or products goes only when somebody says where they go."""

    code = "category_in_use"
    title = "This category isn't empty"


class CategoryRing(Conflict):
    """A category can't lie below itself."""

    code = "category_ring"
    title = "A category can't be moved into itself"


class AttributeInherited(Conflict):
    """Above or below there is a rule with the same key; `extras` name it."""

    code = "attribute_inherited"
    title = "This attribute exists above or below"


class CategoryChanges(TypedDict, total=False):
    """What a change to a category may say; what it doesn't say stays."""

    name: str
    slug: str
    description: str
    picture: str | None
    position: int
    parent_id: UUID | None
    attributes: Sequence[AttributeRule]


async def create_category(
    connection: Connection,
    *,
    name: str,
    parent_id: UUID | None = None,
    slug: str | None = None,
    description: str = "",
    picture: str | None = None,
    position: int = 0,
    attributes: Sequence[AttributeRule] = (),
    now: datetime,
) -> UUID:
    """Add a category below another one, or at the root.

    Raises:
        InvalidInput: for a parent that doesn't exist, or a tree too deep.
        CategoryExists: when its place is taken.
        AttributeInherited: when an attribute's key has a rule above already.
    """
    await locks.catalogue(connection)
    category_id = new_id()
    parent = await _parent(connection, parent_id)
    slug = slugify(slug or name, fallback=f"category {str(category_id)[-8:]}")
    category = CategoryState(
        id=category_id,
        parent_id=parent_id,
        name=one_line(name),
        slug=slug,
        path=f"{parent.path}/{slug}" if parent else slug,
        ancestor_ids=[*(parent.ancestor_ids if parent else ()), category_id],
        description=description,
        picture=picture,
        position=position,
        version=1,
    )
    await _check_path(connection, path=category.path, category_id=category_id)
    await queries.insert_category(connection, category, now=now)
    if attributes:
        await _write_attributes(connection, category, attributes)
    await _tell(connection, category_id, "created", now=now)
    return category_id


async def update_category(
    connection: Connection,
    *,
    category_id: UUID,
    changes: CategoryChanges,
    version: int | None = None,
    now: datetime,
) -> None:
    """Change a category; with another slug or parent its whole subtree moves, and old paths
    keep leading to it.

    Raises:
        NotFound, VersionConflict, InvalidInput, CategoryExists, CategoryRing,
        AttributeInherited: as they say.
    """
    await locks.catalogue(connection)
    before = await _locked(connection, category_id)
    if version is not None and version != before.version:
        raise VersionConflict(extras={"version": before.version})
    parent_id = changes.get("parent_id", before.parent_id)
    parent = await _parent(connection, parent_id)
    slug = slugify(changes["slug"], fallback=before.slug) if "slug" in changes else before.slug
    after = replace(
        before,
        parent_id=parent_id,
        name=one_line(changes.get("name", before.name)),
        slug=slug,
        path=f"{parent.path}/{slug}" if parent else slug,
        ancestor_ids=[*(parent.ancestor_ids if parent else ()), category_id],
        description=changes.get("description", before.description),
        picture=changes.get("picture", before.picture),
        position=changes.get("position", before.position),
    )
    if parent and category_id in parent.ancestor_ids:
        raise CategoryRing
    await queries.update_category(connection, after, now=now)
    if after.path != before.path:
        await _move(connection, after, parent_changed=after.parent_id != before.parent_id, now=now)
    if "attributes" in changes:
        await _write_attributes(connection, after, changes["attributes"])
    if (after.path, after.name) != (before.path, before.name):
        await product_cards.refresh_cards_in_categories(connection, [category_id], now)
    await _tell(connection, category_id, "updated", now=now)


async def delete_category(
    connection: Connection, *, category_id: UUID, move_to: UUID | None = None, now: datetime
) -> None:
    """Take a category out of the tree. Its children and products go to `move_to`.

    Raises:
        NotFound: when there is none.
        CategoryInUse: when it isn't empty and nobody says where its contents go.
        InvalidInput: when `move_to` doesn't exist.
        CategoryRing: when it lies below the category itself.
        CategoryExists: when a child's name is taken there.
    """
    await locks.catalogue(connection)
    category = await _locked(connection, category_id)
    target = await _parent(connection, move_to, field="move_to")
    if target and category_id in target.ancestor_ids:
        raise CategoryRing
    children, products = await queries.what_is_in_it(connection, category_id=category_id)
    if (children or products) and target is None:
        raise CategoryInUse(
            f"It has {children} subcategories and {products} products: say where they go",
            extras={"children": children, "products": products},
        )
    if target is not None:
        for child_id, _ in await queries.children(connection, category_id=category_id):
            await update_category(
                connection, category_id=child_id, changes={"parent_id": target.id}, now=now
            )
        await queries.move_products(
            connection, category_id=category_id, target_id=target.id, now=now
        )
        await product_cards.refresh_cards_in_categories(connection, [target.id], now)
    await queries.archive(connection, category_id=category.id, target_id=move_to, now=now)
    await _tell(connection, category_id, "deleted", now=now)


async def list_categories(
    connection: Connection, *, parent_id: UUID | None = None, cursor: str | None, limit: int
) -> tuple[bytes, str | None]:
    """A page of categories by path, as a JSON list, and the cursor of the next one."""
    after_path = None if cursor is None else decode_cursor(cursor, kinds=(str,))[0]
    page = await queries.list_categories(
        connection, parent_id=parent_id, after_path=after_path, limit=limit
    )
    return page.items, None if page.next_path is None else encode_cursor(page.next_path)


async def category_tree(connection: Connection) -> list[CategoryNode]:
    """All categories with counts, every parent before its children, siblings in order."""
    return await queries.tree(connection)


async def category_document(connection: Connection, *, reference: str) -> bytes | str:
    """A category's JSON by id or path; its path of now where a former one was given.

    Raises:
        NotFound: when neither leads anywhere.
    """
    path = reference.strip("/")
    if not path.isprintable():
        raise NotFound
    category_id = _as_id(path)
    found = await queries.find_document(connection, category_id=category_id, path=path)
    if found is None:
        raise NotFound
    current_path, document = found
    return document if category_id or current_path == path else current_path


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _locked(connection: Connection, category_id: UUID) -> CategoryState:
    category = await queries.lock_category(connection, category_id=category_id)
    if category is None:
        raise NotFound
    return category


async def _parent(
    connection: Connection, parent_id: UUID | None, *, field: str = "parent_id"
) -> CategoryState | None:
    if parent_id is None:
        return None
    parent = await queries.lock_category(connection, category_id=parent_id)
    if parent is None:
        raise InvalidInput.at(field, "category_unknown", "There is no such category")
    if len(parent.ancestor_ids) >= DEPTH_MAX:
        raise InvalidInput.at(
            field, "tree_too_deep", f"The tree is {DEPTH_MAX} levels deep at most"
        )
    return parent


async def _check_path(connection: Connection, *, path: str, category_id: UUID) -> None:
    if await queries.path_taken(connection, path=path, category_id=category_id):
        raise CategoryExists(f"{path} is there already", extras={"path": path})


async def _move(
    connection: Connection, category: CategoryState, *, parent_changed: bool, now: datetime
) -> None:
    await _check_path(connection, path=category.path, category_id=category.id)
    above = category.ancestor_ids[:-1]
    if parent_changed:
        twice = await queries.keys_nearby(connection, category_id=category.id, ancestor_ids=above)
        if twice:
            raise AttributeInherited(extras={"keys": twice})
    await queries.move_subtree(
        connection,
        category_id=category.id,
        path=category.path,
        parent_ancestor_ids=above,
        now=now,
    )


async def _write_attributes(
    connection: Connection, category: CategoryState, rules: Sequence[AttributeRule]
) -> None:
    keys = [rule.key for rule in rules]
    if len(set(keys)) != len(keys):
        raise InvalidInput.at("attributes", "attribute_duplicate", "Each key once")
    for index, rule in enumerate(rules):
        if (rule.type == "enum") != bool(rule.options):
            raise InvalidInput.at(
                f"attributes.{index}.options", "options_needed", "An enum has options, others none"
            )
    twice = await queries.keys_nearby(
        connection, category_id=category.id, ancestor_ids=category.ancestor_ids, keys=keys
    )
    if twice:
        raise AttributeInherited(extras={"keys": twice})
    rows = [
        {
            "id": new_id(),
            "key": rule.key,
            "label": rule.label,
            "type": rule.type,
            "required": rule.required,
            "options": list(rule.options) or None,
            "unit": rule.unit,
            "position": position,
        }
        for position, rule in enumerate(rules)
    ]
    await queries.replace_attributes(connection, category_id=category.id, rules=rows)


async def _tell(connection: Connection, category_id: UUID, what: str, *, now: datetime) -> None:
    fact = Fact(FactType.CATEGORY_CHANGED, category_id, {"what": what})
    await outbox.append(connection, [fact], now=now)
