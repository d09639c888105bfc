"""Pictures: uploaded by sellers, fetched by everybody."""

from typing import Annotated
from uuid import UUID

from fastapi import File, Form, Request, Response, UploadFile

from gosellr.api.answers import answer
from gosellr.api.deps import Anyone, Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.media import MediaOut
from gosellr.core.errors import NotFound
from gosellr.flows.upload_media import PictureTooLarge, Upload, upload_media
from gosellr.integrations.media.port import InvalidMediaKey
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/media", tags=["media"])
files = Room(within="", prefix="/media", tags=["media"])

# A blob is named by its own hash: what was fetched once never has to be asked for again, and
# nothing in it may ever run.
_FILE_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@router.post(
    "",
    operation_id="create_media",
    status_code=201,
    responses={201: {"model": MediaOut}, **problems(400, 401, 403, 404, 413, 422)},
)
async def create_media(
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF or AVIF")],
    viewer: Annotated[Viewer, allow(Permission.MEDIA_CREATE)],
    market: Market,
    seller_id: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Take in a picture. It is looked at, redrawn without its metadata, and kept in several sizes;
    the same picture twice is kept once."""
    most = market.settings.media_max_bytes
    content = await file.read(most + 1)
    if len(content) > most:
        raise PictureTooLarge(f"a picture has at most {most} bytes")
    document = await upload_media(
        market.db,
        store=market.media,
        images=market.images,
        viewer=viewer,
        upload=Upload(content=content, declared_type=file.content_type, filename=file.filename),
        seller_id=seller_id,
        now=market.clock.now(),
    )
    return answer(document, status=201)


@files.get(
    "/{key}",
    operation_id="get_media_file",
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "The picture"},
        304: {"description": "It never changes"},
        **problems(404),
    },
)
async def get_media_file(request: Request, key: str, _viewer: Anyone, market: Market) -> Response:
    """A stored picture."""
    tag = f'"{key}"'
    try:
        content = await market.media.get(key)
    except InvalidMediaKey:
        raise NotFound from None
    if content is None:
        raise NotFound
    headers = {**_FILE_HEADERS, "ETag": tag}
    asked = request.headers.get("if-none-match", "")
    if tag in asked or asked == "*":
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/webp", headers=headers)
