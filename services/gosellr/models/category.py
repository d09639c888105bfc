"""The category tree and its typed attributes."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Computed,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Uuid as UuidType

from gosellr.models.base import document, identifier, metadata, moment, one_of, reference, words

category = Table(
    "category",
    metadata,
    identifier(),
    reference("parent_id", "category.id", nullable=True),
    words("name"),
    # The name as a search compares it.
    Column("plain_name", Text, Computed("f_unaccent(lower(name))", persisted=True), nullable=False),
    # What a facet says of it beside a number, as JSON.
    Column(
        "summary",
        Text,
        Computed(
            "json_object(ARRAY['id', id::text, 'name', name, 'path', path])::text", persisted=True
        ),
        nullable=False,
    ),
    words("slug"),
    # Slugs from the root down ("home/kitchen"), and the ids of the way, itself included:
    # kept by moves, so that a page and a "with all descendants" filter are one look-up.
    words("path"),
    Column("ancestor_ids", ARRAY(UuidType), nullable=False),
    words("description", default=""),
    words("picture", nullable=True),
    Column("position", Integer, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("updated_at"),
    moment("archived_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    UniqueConstraint("path"),
    Index("ix_category_parent_id", "parent_id"),
    Index("ix_category_name_trigrams", text("show_trgm(plain_name)"), postgresql_using="gin"),
    Index("ix_category_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
)

category_former_path = Table(
    "category_former_path",
    metadata,
    Column("path", Text, primary_key=True),
    reference("category_id", "category.id"),
    Index("ix_category_former_path_category_id", "category_id"),
)

category_attribute = Table(
    "category_attribute",
    metadata,
    identifier(),
    reference("category_id", "category.id"),
    words("key"),
    words("label"),
    words("type"),
    Column("required", Boolean, nullable=False, server_default=text("false")),
    document("options", nullable=True),
    words("unit", nullable=True),
    Column("position", Integer, nullable=False, server_default=text("0")),
    one_of("type", "text", "number", "boolean", "enum"),
    UniqueConstraint("category_id", "key"),
)
