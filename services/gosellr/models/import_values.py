"""Imports as plain values: asked for, under way, and what became of their rows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """An import to be."""

    id: UUID
    seller_id: UUID
    requested_by: UUID | None
    format: str
    file_name: str
    storage_key: str
    file_hash: bytes
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """An import as far as it has come: rows up to `processed_rows` are done with."""

    id: UUID
    seller_id: UUID
    requested_by: UUID | None
    format: str
    storage_key: str
    status: str
    processed_rows: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProduct:
    """A product of the seller's that a file may mean; `skus` are its live variants'
    with their ids."""

    id: UUID
    source_key: str | None
    source_hash: bytes | None
    status: str
    title: str
    skus: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Something that was wrong with a row."""

    id: int
    row: int
    field: str
    code: str
    message: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the products of some rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    pictures_skipped: int = 0
