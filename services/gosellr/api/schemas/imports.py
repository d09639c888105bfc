"""Shapes of imports: what was handed in, how far it has come, and what was wrong with it."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Moment, PageFilters, PageOut


class ImportFilters(PageFilters):
    """Whose imports."""

    seller_id: UUID | None = None


class ImportErrorOut(AnswerModel):
    """What is wrong with one cell, and what to change."""

    row: int = Field(description="The line of the file at which the row begins; the first is 1")
    field: str = Field(description="The file's column, or the field's way from the product's root")
    code: str
    message: str
    value: str


class ImportErrorListOut(PageOut[ImportErrorOut]):
    """Errors in the order of their rows; the first ten thousand are kept."""


class ImportOut(AnswerModel):
    """An import. Rows are counted as the file has them, and what became of them as products."""

    id: UUID
    seller_id: UUID
    format: Literal["gosellr", "shopify", "json"]
    file_name: str
    status: Literal["waiting", "running", "finished", "failed"]
    category_id: UUID | None
    currency: str
    total_rows: int | None = Field(description="null until the file was read for the first time")
    processed_rows: int
    created: int
    updated: int
    unchanged: int
    failed: int
    pictures_skipped: int = Field(
        description="Pictures that the file has the addresses of only: they aren't fetched"
    )
    failure_reason: str | None = Field(description="Why the file as a whole couldn't be read")
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class ImportDetailOut(ImportOut):
    """An import with the first page of its errors."""

    errors: ImportErrorListOut


class ImportListOut(PageOut[ImportOut]):
    """Imports, newest first."""
