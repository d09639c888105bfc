"""Pictures: of the media store, of our own files, and the tint of the tile behind them."""

import zlib
from collections.abc import Mapping
from typing import Any

from gosellr.web.assets import Assets
from gosellr.web.views import PictureView

MEDIA_PREFIX = "/media/"
_THUMBNAIL_PIXELS = 320


def hue_of(name: str) -> int:
    """A tint that belongs to a name for ever, in degrees."""
    return zlib.crc32(name.encode()) % 12 * 30


def media_picture(
    media: Mapping[str, Any] | None, *, hue: int, described: bool = False
) -> PictureView | None:
    """A picture as the catalogue tells of it; `described` keeps its text for those who don't see.

    Where a title next to the picture says the same, a text would be read twice.
    """
    if media is None or not media.get("url"):
        return None
    return PictureView(
        src=media["url"],
        alt=(media.get("alt") or "") if described else "",
        width=media["width"],
        height=media["height"],
        srcset=media.get("srcset") or "",
        hue=hue,
        cutout=False,
    )


def stored_picture(path: str | None, *, hue: int) -> PictureView | None:
    """A small picture by the path that a line of a bag or an order remembers."""
    if not path:
        return None
    return PictureView(
        src=path if path.startswith("/") else MEDIA_PREFIX + path,
        width=_THUMBNAIL_PIXELS,
        height=_THUMBNAIL_PIXELS,
        hue=hue,
        cutout=False,
    )


def named_picture(name: str | None, assets: Assets, *, hue: int) -> PictureView | None:
    """A picture that ships with the market, by its name, or one by its address."""
    if not name:
        return None
    if name.startswith("/"):
        return PictureView(src=name, hue=hue, cutout=False)
    file = f"demo/{name}.webp"
    return PictureView(src=assets.url(file), hue=hue) if file in assets else None
