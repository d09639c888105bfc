"""Pictures: kept once per owner, found by the hash of what was uploaded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.product_cards import picture
from gosellr.utils.lazy_dataclasses import dataclass

_DOCUMENT = f"convert_to({picture('media', chr(39) * 2)}::text, 'UTF8')"

FIND_MEDIA = f"""
SELECT {_DOCUMENT} FROM media
WHERE sha256 = $2 AND seller_id IS NOT DISTINCT FROM $1
ORDER BY id LIMIT 1
"""

# Of two uploads of one picture at once, the later one finds the earlier one's row.
INSERT_MEDIA = f"""
INSERT INTO media (id, seller_id, sha256, content_type, width, height, byte_size, renditions,
                   created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (seller_id, sha256) DO UPDATE SET sha256 = excluded.sha256
RETURNING {_DOCUMENT}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRow:
    """A picture to be kept; `seller_id` is None for the market's own. `renditions` are
    `{width, height, path}`, smallest first."""

    id: UUID
    seller_id: UUID | None
    sha256: bytes
    content_type: str
    width: int
    height: int
    byte_size: int
    renditions: Sequence[dict[str, Any]]
    created_by: UUID | None


async def find_media(
    connection: Connection, *, seller_id: UUID | None, sha256: bytes
) -> bytes | None:
    """The JSON of an owner's picture that was uploaded before."""
    document: bytes | None = await connection.fetchval(FIND_MEDIA, seller_id, sha256)
    return document


async def insert_media(connection: Connection, media: MediaRow, *, now: datetime) -> bytes:
    """Keep a picture, or find it kept; returns its JSON."""
    document: bytes = await connection.fetchval(
        INSERT_MEDIA,
        media.id,
        media.seller_id,
        media.sha256,
        media.content_type,
        media.width,
        media.height,
        media.byte_size,
        media.renditions,
        media.created_by,
        now,
    )
    return document
