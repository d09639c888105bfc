"""The gate for pictures: nothing that a stranger uploaded is ever stored or served as it came.

A picture is recognised by its first bytes, measured before it is decoded, turned upright, brought
to sRGB and drawn anew as WebP in a few widths. What isn't a pixel (EXIF with its GPS, comments,
colour profiles, whatever hides behind the last byte) doesn't survive that.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import PurePath

from PIL import Image, ImageCms, ImageOps

from gosellr.utils.lazy_dataclasses import dataclass

WIDTHS = (160, 320, 640, 960)
LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_PIXELS = 40_000_000
LONGEST_SIDE_PIXELS = 16_000
"""WebP can't hold more than 16,383; a longer strip is no picture of a product."""

_WEBP_QUALITY = 82

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
_EXTENSIONS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".gif": "GIF",
    ".webp": "WEBP",
    ".avif": "AVIF",
}
_DECLARED_TYPES = {media_type: name for name, media_type in _MEDIA_TYPES.items()} | {
    "image/jpg": "JPEG",
    "image/pjpeg": "JPEG",
}
_SAYS_NOTHING = {"", "application/octet-stream"}


class ImageRefused(ValueError):
    """A picture that isn't taken in; `code` is stable and fit for a client."""

    code = "image_refused"


class ImageTooLarge(ImageRefused):
    """More bytes than allowed."""

    code = "image_too_large"


class ImageTooManyPixels(ImageRefused):
    """More pixels than allowed, whatever the file weighs."""

    code = "image_too_many_pixels"


class ImageTypeRefused(ImageRefused):
    """Not a JPEG, PNG, WebP, GIF or AVIF. SVG is a program, not a picture."""

    code = "image_type_refused"


class ImageTypeMismatch(ImageRefused):
    """The declared type or the file name says one thing, the first bytes another."""

    code = "image_type_mismatch"


class ImageBroken(ImageRefused):
    """Begins like a picture and can't be decoded."""

    code = "image_broken"


REFUSALS: dict[str, type[ImageRefused]] = {
    refusal.code: refusal
    for refusal in (
        ImageTooLarge,
        ImageTooManyPixels,
        ImageTypeRefused,
        ImageTypeMismatch,
        ImageBroken,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessedImage:
    """An upright picture. `sha256` is of the upload, for finding duplicates; `width` and `height`
    are the upload's own once upright; `renditions` maps each width to WebP bytes, never enlarged,
    so that a narrow picture has fewer and the widest is its own width."""

    sha256: str
    source_type: str
    width: int
    height: int
    renditions: Mapping[int, bytes]

    def height_of(self, width: int) -> int:
        """The height of a rendition."""
        return scaled_height(self.width, self.height, width)


def scaled_height(source_width: int, source_height: int, width: int) -> int:
    """The height that keeps the shape, half-up, at least one pixel."""
    return max(1, (2 * source_height * width + source_width) // (2 * source_width))


def sniff(content: bytes) -> str:
    """The format named by the first bytes (`JPEG`, …); raises `ImageTypeRefused`."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp" and content[8:12] in {b"avif", b"avis"}:
        return "AVIF"
    raise ImageTypeRefused("only JPEG, PNG, WebP, GIF and AVIF pictures are taken")


def check_claims(content: bytes, *, declared_type: str | None, filename: str | None) -> str:
    """The format of a picture that is what it was sent as; decodes nothing.

    Raises `ImageTypeRefused` and `ImageTypeMismatch`.
    """
    name = sniff(content)
    declared = (declared_type or "").partition(";")[0].strip().lower()
    if declared not in _SAYS_NOTHING and _DECLARED_TYPES.get(declared) != name:
        raise ImageTypeMismatch(f"the picture is {_MEDIA_TYPES[name]}, not what it was sent as")
    extension = PurePath(filename or "").suffix.lower()
    if extension and _EXTENSIONS.get(extension) != name:
        raise ImageTypeMismatch(f"the picture is {_MEDIA_TYPES[name]}, not what its name says")
    return name


def process(
    content: bytes,
    *,
    declared_type: str | None = None,
    filename: str | None = None,
    max_bytes: int = LARGEST_BYTES,
    max_pixels: int = LARGEST_PIXELS,
) -> ProcessedImage:
    """Checks and redraws one picture; CPU-bound. Raises the subclasses of `ImageRefused`."""
    if len(content) > max_bytes:
        raise ImageTooLarge(f"a picture has at most {max_bytes} bytes")
    name = check_claims(content, declared_type=declared_type, filename=filename)
    try:
        with Image.open(io.BytesIO(content), formats=[name]) as image:
            _check_size(image.size, max_pixels)
            orientation = image.getexif().get(0x0112, 1)
            width, height = image.size[::-1] if orientation in {5, 6, 7, 8} else image.size
            # A JPEG can be decoded at a fraction of its size, at a fraction of the cost.
            image.draft("RGB", (2 * WIDTHS[-1], 2 * WIDTHS[-1]))
            picture = _flattened(ImageOps.exif_transpose(image))
            renditions = {
                target: _drawn(picture, target, scaled_height(width, height, target))
                for target in _widths_for(width)
            }
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooManyPixels(f"a picture has at most {max_pixels} pixels") from error
    except ImageRefused:
        raise
    # A hostile file makes a decoder fail in any way it likes; each of them means the same here.
    except Exception as error:
        raise ImageBroken("the picture can't be decoded") from error
    return ProcessedImage(
        sha256=hashlib.sha256(content).hexdigest(),
        source_type=_MEDIA_TYPES[name],
        width=width,
        height=height,
        renditions=renditions,
    )


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > LONGEST_SIDE_PIXELS:
        raise ImageTooManyPixels(f"a picture has at most {max_pixels} pixels")


def _widths_for(width: int) -> list[int]:
    narrower = [target for target in WIDTHS if target < width]
    return narrower if width > WIDTHS[-1] else [*narrower, width]


def _flattened(image: Image.Image) -> Image.Image:
    """Eight bits a channel in sRGB, with transparency where the source has any."""
    if image.mode.startswith("I") or image.mode == "F":
        # Sixteen bits of grey: keep the upper eight instead of clipping all to white.
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    picture = image.convert("RGBA" if image.has_transparency_data else "RGB")
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "RGBA", "P"}:
        picture = _in_srgb(picture, profile)
    return picture


def _in_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """A broken profile costs the exact colours, not the picture."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return picture if converted is None else converted


def _drawn(picture: Image.Image, width: int, height: int) -> bytes:
    scaled = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    scaled.info.clear()
    file = io.BytesIO()
    scaled.save(file, "WEBP", quality=_WEBP_QUALITY, method=4)
    return file.getvalue()
