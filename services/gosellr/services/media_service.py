"""Pictures of sellers and of the market, each kept once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.identity import new_id
from gosellr.queries import media as queries
from gosellr.queries import sellers
from gosellr.queries.media import MediaRow
from gosellr.services.seller_scope import seller_acted_for
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Rendition:
    """A stored form of a picture; `path` is its key in the media store."""

    width: int
    height: int
    path: str


def media_owner(viewer: Viewer, *, seller_id: UUID | None) -> UUID | None:
    """Whose picture an upload will be: a seller's, or the market's own when an operator says so.

    Raises:
        InvalidInput, NotFound, NotAllowed: when the viewer acts for no seller, or not for that.
    """
    if viewer.is_operator and seller_id is None:
        return None
    return seller_acted_for(viewer, seller_id=seller_id, permission=Permission.MEDIA_CREATE)


async def find_media(
    connection: Connection, *, owner_id: UUID | None, sha256: bytes
) -> bytes | None:
    """The JSON of an owner's picture by the hash of its upload, if it was uploaded before."""
    return await queries.find_media(connection, seller_id=owner_id, sha256=sha256)


async def keep_media(
    connection: Connection,
    *,
    viewer: Viewer,
    owner_id: UUID | None,
    sha256: bytes,
    content_type: str,
    width: int,
    height: int,
    byte_size: int,
    renditions: Sequence[Rendition],
    now: datetime,
) -> bytes:
    """Keep a picture whose renditions are in the store; returns its JSON.

    Raises:
        NotFound: when an operator names a seller that doesn't exist.
    """
    if (
        owner_id is not None
        and viewer.is_operator
        and await sellers.find_state(connection, seller_id=owner_id) is None
    ):
        raise NotFound
    row = MediaRow(
        id=new_id(),
        seller_id=owner_id,
        sha256=sha256,
        content_type=content_type,
        width=width,
        height=height,
        byte_size=byte_size,
        renditions=[
            {"width": form.width, "height": form.height, "path": form.path}
            for form in sorted(renditions, key=lambda form: form.width)
        ],
        created_by=viewer.user_id,
    )
    return await queries.insert_media(connection, row, now=now)
