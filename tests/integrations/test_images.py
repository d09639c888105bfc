"""The gate for pictures: what lies is refused, what passes is drawn anew."""

import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from gosellr.integrations.media import images, processor
from gosellr.integrations.media.local import LocalMediaStore
from gosellr.integrations.media.port import InvalidMediaKey

GPS_CANARY = b"Canary-Camera-Model"


def picture(
    name: str = "PNG",
    *,
    size: tuple[int, int] = (400, 200),
    mode: str = "RGB",
    orientation: int | None = None,
) -> bytes:
    """A picture that is red in its left half and blue in its right one."""
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 30, 200), (size[0] // 2, 0, *size))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
        exif[0x0110] = GPS_CANARY.decode()
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    file = io.BytesIO()
    image.convert(mode).save(file, name, **({"exif": exif} if orientation else {}))
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=["WEBP"])
    image.load()
    return image


def is_red(image: Image.Image, spot: tuple[int, int]) -> bool:
    """Red (True) or blue (False), however a lossy format bends them; anything else fails."""
    red, _, blue = image.getpixel(spot)  # type: ignore[misc]
    assert abs(red - blue) > 60
    return bool(red > blue)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises `width` × `height` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    drawing = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", drawing)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2000, 1000), {160: 80, 320: 160, 640: 320, 960: 480}),
        ((960, 3), {160: 1, 320: 1, 640: 2, 960: 3}),
        ((500, 500), {160: 160, 320: 320, 500: 500}),
        ((100, 7), {100: 7}),
        ((1, 1), {1: 1}),
    ],
)
def test_renditions_have_their_widths_and_nothing_is_enlarged(
    size: tuple[int, int], expected: dict[int, int]
) -> None:
    content = picture(size=size)
    done = images.process(content, declared_type="image/png", filename="Shoe.PNG")
    assert (done.width, done.height, done.source_type) == (*size, "image/png")
    assert done.sha256 == hashlib.sha256(content).hexdigest()
    drawn = {width: opened(blob).size for width, blob in done.renditions.items()}
    assert drawn == {width: (width, height) for width, height in expected.items()}
    assert {width: done.height_of(width) for width in drawn} == expected


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_each_format_is_known_by_its_first_bytes(name: str) -> None:
    content = picture(name)
    assert images.sniff(content) == name
    drawn = opened(images.process(content).renditions[320])
    assert is_red(drawn, (40, 80))
    assert not is_red(drawn, (280, 80))


@pytest.mark.parametrize(
    ("content", "declared_type", "filename", "refusal"),
    [
        (picture("PNG"), "image/jpeg", None, images.ImageTypeMismatch),
        (picture("PNG"), None, "shoe.jpg", images.ImageTypeMismatch),
        (picture("JPEG"), "image/jpeg", "shoe.php", images.ImageTypeMismatch),
        (picture("GIF"), "text/html", "shoe.gif", images.ImageTypeMismatch),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "image/svg+xml",
            "a.svg",
            images.ImageTypeRefused,
        ),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "image/png",
            "a.png",
            images.ImageTypeRefused,
        ),
        (b"<?php system($_GET['c']);", "image/png", "a.png", images.ImageTypeRefused),
        (b"MZ\x90\x00", "image/png", "a.png", images.ImageTypeRefused),
        (b"%PDF-1.7", None, None, images.ImageTypeRefused),
        (b"", None, None, images.ImageTypeRefused),
        (b"RIFF\0\0\0\0WAVE", None, None, images.ImageTypeRefused),
        (picture("JPEG")[:300], None, None, images.ImageBroken),
        (b"GIF89a<script>alert(1)</script>", None, "a.gif", images.ImageBroken),
        (b"\xff\xd8\xff<html>", None, None, images.ImageBroken),
    ],
)
def test_a_picture_that_lies_is_refused(
    content: bytes,
    declared_type: str | None,
    filename: str | None,
    refusal: type[images.ImageRefused],
) -> None:
    with pytest.raises(refusal) as caught:
        images.process(content, declared_type=declared_type, filename=filename)
    assert type(caught.value) is refusal


@pytest.mark.parametrize("size", [(50_000, 50_000), (6_400, 6_251), (16_001, 1), (1, 16_001)])
def test_a_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    content = bomb(*size)
    assert len(content) < 200
    with pytest.raises(images.ImageTooManyPixels):
        images.process(content)


def test_bytes_and_pixels_have_their_limits() -> None:
    content = picture(size=(40, 30))
    images.process(content, max_bytes=len(content), max_pixels=1_200)
    with pytest.raises(images.ImageTooLarge):
        images.process(content, max_bytes=len(content) - 1)
    with pytest.raises(images.ImageTooManyPixels):
        images.process(content, max_pixels=1_199)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_place_camera_and_comments_are_gone_and_the_picture_stands_upright(name: str) -> None:
    content = picture(name, size=(400, 200), orientation=6) + b"<?php hidden();"
    assert GPS_CANARY in content
    done = images.process(content)
    assert (done.width, done.height) == (200, 400)
    for blob in done.renditions.values():
        drawn = opened(blob)
        assert dict(drawn.getexif()) == {}
        assert not set(drawn.info) & {"exif", "xmp", "icc_profile", "comment"}
        assert GPS_CANARY not in blob
        assert b"<?php" not in blob
        # Turned a quarter clockwise, what was left is on top.
        width, height = drawn.size
        assert is_red(drawn, (width // 2, height // 4))
        assert not is_red(drawn, (width // 2, 3 * height // 4))


def test_transparency_survives_and_an_unused_alpha_channel_does_no_harm() -> None:
    image = Image.new("RGBA", (100, 100), (255, 0, 0, 0))
    file = io.BytesIO()
    image.save(file, "PNG")
    drawn = opened(images.process(file.getvalue()).renditions[100])
    assert drawn.mode == "RGBA"
    assert drawn.getpixel((50, 50))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_mode_of_png_is_drawn(mode: str) -> None:
    if mode == "I;16":
        image = Image.new("I;16", (50, 50), 32_768)
        file = io.BytesIO()
        image.save(file, "PNG")
        drawn = opened(images.process(file.getvalue()).renditions[50]).convert("L")
        assert abs(drawn.getpixel((25, 25)) - 128) <= 2  # type: ignore[operator]
    else:
        assert set(images.process(picture(mode=mode)).renditions) == {160, 320, 400}


@pytest.mark.parametrize("profile", [b"not a profile", "srgb"])
def test_a_colour_profile_is_applied_or_ignored_and_never_kept(profile: bytes | str) -> None:
    if profile == "srgb":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    Image.new("RGB", (20, 20), (10, 200, 10)).save(file, "JPEG", icc_profile=profile, quality=95)
    drawn = opened(images.process(file.getvalue()).renditions[20])
    assert "icc_profile" not in drawn.info
    red, green, blue = drawn.getpixel((10, 10))  # type: ignore[misc]
    assert (red < 40, green > 170, blue < 40) == (True, True, True)


async def test_the_worker_process_gives_the_same_answer_and_the_same_refusal() -> None:
    content = picture(size=(700, 350))
    aside = processor.ImageProcessor(max_pixels=300_000)
    assert await aside.process(content, filename="a.png") == images.process(content)
    with pytest.raises(images.ImageTypeMismatch, match="image/png"):
        await aside.process(content, filename="a.jpg")
    with pytest.raises(images.ImageTooManyPixels):
        await aside.process(picture(size=(1000, 301)))
    with pytest.raises(images.ImageTooLarge):
        await processor.ImageProcessor(max_bytes=10).process(content)


async def test_a_worker_that_crashes_or_hangs_is_a_broken_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = processor.ImageProcessor(timeout_seconds=0.001)
    with pytest.raises(images.ImageBroken, match="too long"):
        await slow.process(picture())
    monkeypatch.setattr(processor, "_WORKER", "gosellr.no_such_module")
    with pytest.raises(images.ImageBroken, match="can't be decoded"):
        await processor.ImageProcessor().process(picture())


async def test_a_blob_is_kept_once_under_its_own_hash(tmp_path: Path) -> None:
    store = LocalMediaStore(tmp_path, base_url="/media/")
    key = await store.put(b"abc", extension="webp")
    assert key == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.webp"
    assert store.path(key) == tmp_path / "ba" / "78" / key
    assert store.url(key) == f"/media/{key}"
    before = store.path(key).stat()
    assert await store.put(b"abc", extension="webp") == key
    assert store.path(key).stat().st_ino == before.st_ino
    assert list(store.path(key).parent.iterdir()) == [store.path(key)]
    assert await store.get(key) == b"abc"
    assert await store.delete(key)
    assert not await store.delete(key)
    assert await store.get(key) is None


@pytest.mark.parametrize(
    "key",
    ["", "../../etc/passwd", "a" * 64, "A" * 64 + ".webp", "a" * 64 + ".webp\n", "a" * 64 + ".w/b"],
)
async def test_a_key_is_never_a_path(tmp_path: Path, key: str) -> None:
    store = LocalMediaStore(tmp_path)
    for attempt in (store.get(key), store.delete(key)):
        with pytest.raises(InvalidMediaKey):
            await attempt
    with pytest.raises(InvalidMediaKey):
        store.url(key)
    with pytest.raises(InvalidMediaKey):
        await store.put(b"abc", extension="../x")
