"""Product pictures of the demo market: a small sculpture on a tinted tile, drawn at first start."""

import asyncio
import io
import os
import zlib
from collections.abc import Callable, Iterable
from colorsys import hls_to_rgb
from pathlib import Path

from PIL import Image, ImageFilter

from gosellr.integrations.media import images
from gosellr.integrations.media.images import ProcessedImage
from gosellr.integrations.media.port import MediaStore
from gosellr.services.media_service import Rendition
from gosellr.utils.lazy_dataclasses import dataclass

_SCULPTURES = Path(__file__).parents[2] / "web" / "static" / "demo"
_SIDE = 512  # The sculptures have 256 pixels: more would only be larger.
_DETAIL_SCALE = 1.55

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A picture to be drawn; a detail comes closer."""

    sculpture: str
    is_detail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTile:
    """A picture in the media store, as it is written down for each of its owners."""

    image: ProcessedImage
    byte_size: int
    renditions: tuple[Rendition, ...]


async def store_tiles(
    tiles: Iterable[Tile], *, store: MediaStore, drawn: Callable[[], None]
) -> dict[Tile, StoredTile]:
    """Draw the pictures and put them into the store; `drawn` is called after each."""
    places = asyncio.Semaphore(os.cpu_count() or 1)

    async def one(tile: Tile) -> StoredTile:
        async with places:
            content = await asyncio.to_thread(draw, tile)
            image = await asyncio.to_thread(images.process, content)
        # Waiting for the disk keeps nobody from drawing.
        keys = await asyncio.gather(
            *(store.put(blob, extension="webp") for blob in image.renditions.values())
        )
        renditions = tuple(
            Rendition(width, image.height_of(width), key)
            for width, key in zip(image.renditions, keys, strict=True)
        )
        drawn()
        return StoredTile(image=image, byte_size=len(content), renditions=renditions)

    wanted = list(dict.fromkeys(tiles))
    return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


def draw(tile: Tile) -> bytes:
    """The picture as a PNG file; the same every time."""
    hue = zlib.crc32(tile.sculpture.encode()) % 360
    if tile.is_detail:
        hue = (hue + 24) % 360
    canvas = _backdrop(hue)
    with Image.open(_SCULPTURES / f"{tile.sculpture}.webp") as file:
        sculpture = file.convert("RGBA")
    scale = 0.6 * (_DETAIL_SCALE if tile.is_detail else 1)
    side = int(_SIDE * scale)
    sculpture = sculpture.resize((side, side), Image.Resampling.BICUBIC)
    left = (_SIDE - side) // 2 + (int(_SIDE * 0.12) if tile.is_detail else 0)
    top = (_SIDE - side) // 2 + (int(_SIDE * 0.14) if tile.is_detail else 0)
    _drop_shadow(canvas, sculpture, left=left, top=top, hue=hue)
    canvas.paste(sculpture, (left, top), sculpture)
    file_out = io.BytesIO()
    canvas.save(file_out, "PNG", compress_level=1)
    return file_out.getvalue()


def _backdrop(hue: int) -> Image.Image:
    """Light from the upper left, as the sculptures have it."""
    light, deep = _colour(hue, 96, 80), _colour(hue, 87, 58)
    # Drawn small and enlarged: a smooth run of colours needs no more.
    small = Image.radial_gradient("L").resize((64, 64), Image.Resampling.BILINEAR)
    mask = Image.new("L", (64, 64), 255)
    mask.paste(small.resize((120, 120)).crop((44, 44, 108, 108)), (0, 0))
    run = Image.composite(Image.new("RGB", (64, 64), deep), Image.new("RGB", (64, 64), light), mask)
    return run.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)


def _drop_shadow(
    canvas: Image.Image, sculpture: Image.Image, *, left: int, top: int, hue: int
) -> None:
    # A shadow is soft, so a quarter of the size is enough to blur it in.
    small = _SIDE // 4
    outline = Image.new("L", (small, small))
    alpha = sculpture.getchannel("A").resize((sculpture.width // 4, sculpture.height // 4))
    outline.paste(alpha, (left // 4, top // 4 + 6))
    blurred = outline.filter(ImageFilter.GaussianBlur(5)).point(lambda value: value * 3 // 10)
    shade = Image.new("RGB", (_SIDE, _SIDE), _colour(hue, 26, 40))
    canvas.paste(shade, (0, 0), blurred.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))


def _colour(hue: int, lightness: int, saturation: int) -> Colour:
    red, green, blue = hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
    return round(red * 255), round(green * 255), round(blue * 255)
