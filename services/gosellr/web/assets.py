"""Static files under names that carry their content's hash, compressed once, cached for ever."""

import gzip
import hashlib
import re
from functools import cached_property
from pathlib import Path

import brotli  # type: ignore[import-untyped]
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gosellr.utils.lazy_dataclasses import dataclass

STATIC_FOLDER = Path(__file__).parent / "static"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".LICENSE": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".speculationrules": "application/speculationrules+json",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    "": "text/plain; charset=utf-8",
}
COMPRESSIBLE = CONTENT_TYPES.keys() - {".png", ".webp", ".woff2"}
IMMUTABLE = "public, max-age=31536000, immutable"
SHORT_LIVED = "public, max-age=3600"

_CSS_URL = re.compile(r"""url\(\s*["']?(?P<name>[\w./-]+)["']?\s*\)""")


class UnknownAssetError(LookupError):
    """A template or a stylesheet names a file that doesn't exist."""


@dataclass(frozen=True)
class Asset:
    """One file, held in memory together with its compressed forms."""

    name: str
    body: bytes

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:12]

    @property
    def hashed_name(self) -> str:
        stem = self.name.removesuffix(self.suffix)
        return f"{stem}.{self.digest}{self.suffix}"

    @cached_property
    def brotli(self) -> bytes:
        """The body in brotli's best quality, made when first asked for."""
        compressed: bytes = brotli.compress(self.body, quality=11)
        return compressed

    @cached_property
    def gzip(self) -> bytes:
        """The body in gzip's best level, for clients without brotli."""
        return gzip.compress(self.body, compresslevel=9, mtime=0)

    def encoded(self, accept_encoding: str) -> tuple[bytes, str | None]:
        """The smallest form the client accepts, and that form's name."""
        if self.suffix in COMPRESSIBLE:
            accepted = _accepted_encodings(accept_encoding)
            if "br" in accepted:
                return self.brotli, "br"
            if "gzip" in accepted:
                return self.gzip, "gzip"
        return self.body, None


class Assets:
    """Every static file of the service, as an ASGI application and as a book of addresses.

    Plain names stay reachable with a short life: rows in the database may point at a demo
    picture without knowing the release that serves it.
    """

    def __init__(self, assets: dict[str, Asset], *, prefix: str = "/static/") -> None:
        self._prefix = prefix
        self._by_name = assets
        self._by_hashed_name = {asset.hashed_name: asset for asset in assets.values()}

    @classmethod
    def load(cls, folder: Path = STATIC_FOLDER, *, prefix: str = "/static/") -> "Assets":
        """Read a folder. Stylesheets come last, so that their `url()` can name hashed files."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        assets: dict[str, Asset] = {}
        for path in sorted(files, key=lambda path: path.suffix == ".css"):
            if path.suffix not in CONTENT_TYPES:
                continue
            name = path.relative_to(folder).as_posix()
            body = path.read_bytes()
            if path.suffix == ".css":
                body = _with_hashed_urls(body, assets)
            assets[name] = Asset(name=name, body=body)
        return cls(assets, prefix=prefix)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def url(self, name: str) -> str:
        """The address under which `name` may be cached for ever. Raises UnknownAssetError."""
        return self._prefix + self.get(name).hashed_name

    def get(self, name: str) -> Asset:
        """The asset called `name`. Raises UnknownAssetError."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownAssetError(f"there is no static file {name!r}") from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        response = self._respond(scope["method"], path, Headers(scope=scope))
        await response(scope, receive, send)

    def _respond(self, method: str, path: str, headers: Headers) -> Response:
        if method not in {"GET", "HEAD"}:
            return Response(status_code=405, headers={"Allow": "GET, HEAD"})
        immutable = path in self._by_hashed_name
        asset = self._by_hashed_name.get(path) or self._by_name.get(path)
        if asset is None:
            return Response("Not found", status_code=404, media_type="text/plain")
        body, encoding = asset.encoded(headers.get("accept-encoding", ""))
        etag = f'"{asset.digest}-{encoding or "plain"}"'
        answer = {
            "Cache-Control": IMMUTABLE if immutable else SHORT_LIVED,
            "ETag": etag,
            "X-Content-Type-Options": "nosniff",
        }
        if asset.suffix in COMPRESSIBLE:
            answer["Vary"] = "Accept-Encoding"
        if _names_etag(headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=answer)
        answer["Content-Type"] = CONTENT_TYPES[asset.suffix]
        answer["Content-Length"] = str(len(body))
        if encoding:
            answer["Content-Encoding"] = encoding
        return Response(body if method == "GET" else b"", headers=answer)


def _with_hashed_urls(stylesheet: bytes, assets: dict[str, Asset]) -> bytes:
    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in assets:
            raise UnknownAssetError(f"a stylesheet names {name!r}, which is no static file")
        return f'url("{assets[name].hashed_name}")'

    return _CSS_URL.sub(replace, stylesheet.decode()).encode()


def _accepted_encodings(header: str) -> frozenset[str]:
    """The codings a client accepts; one with quality zero is refused (RFC 9110, 12.5.3)."""
    accepted = set()
    for part in header.lower().split(","):
        coding, _, parameters = part.partition(";")
        quality = parameters.replace(" ", "").partition("q=")[2] or "1"
        if quality.strip("0.") != "":
            accepted.add(coding.strip())
    return frozenset(accepted)


def _names_etag(header: str, etag: str) -> bool:
    return header == "*" or etag in {
        candidate.strip().removeprefix("W/") for candidate in header.split(",")
    }
