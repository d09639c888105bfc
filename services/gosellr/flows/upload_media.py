"""Taking in a picture: looked at and redrawn apart, stored, and only then written down.

A crash on the way leaves at most blobs that nobody names; the next upload of the same picture
finds them stored already.
"""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from gosellr.core.db import Database
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask, transact
from gosellr.integrations.media.images import ImageRefused, ImageTooLarge, check_claims
from gosellr.integrations.media.port import MediaStore
from gosellr.integrations.media.processor import ImageProcessor
from gosellr.services import media_service
from gosellr.services.media_service import Rendition
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer


class PictureRefused(DomainError):
    """The file isn't a picture we take; `reason` in the extras says why, in one stable word."""

    code = "media_refused"
    status = 422
    title = "This picture can't be taken"


class PictureTooLarge(PictureRefused):
    """The file has more bytes than the market takes."""

    code = "media_too_large"
    status = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it was sent: what it claims to be is checked, never believed."""

    content: bytes
    declared_type: str | None
    filename: str | None


async def upload_media(
    db: Database,
    *,
    store: MediaStore,
    images: ImageProcessor,
    viewer: Viewer,
    upload: Upload,
    seller_id: UUID | None,
    now: datetime,
) -> bytes:
    """Take in a picture once per owner, however often it is sent; returns its JSON.

    Raises:
        PictureRefused, PictureTooLarge: for what isn't an honest picture.
        InvalidInput, NotFound, NotAllowed: when the viewer acts for no such seller.
    """
    owner_id = media_service.media_owner(viewer, seller_id=seller_id)
    claims = {"declared_type": upload.declared_type, "filename": upload.filename}
    digest = sha256(upload.content).digest()
    try:
        # Before it is looked for: what is refused as new is refused when its bytes are known.
        check_claims(upload.content, **claims)
        known = await ask(db, media_service.find_media, owner_id=owner_id, sha256=digest)
        if known is not None:
            return known
        image = await images.process(upload.content, **claims)
    except ImageTooLarge as refusal:
        raise PictureTooLarge(str(refusal)) from None
    except ImageRefused as refusal:
        raise PictureRefused(str(refusal), extras={"reason": refusal.code}) from None
    renditions = [
        Rendition(width, image.height_of(width), await store.put(drawn, extension="webp"))
        for width, drawn in image.renditions.items()
    ]
    return await transact(
        db,
        media_service.keep_media,
        viewer=viewer,
        owner_id=owner_id,
        sha256=digest,
        content_type=image.source_type,
        width=image.width,
        height=image.height,
        byte_size=len(upload.content),
        renditions=renditions,
        now=now,
    )
