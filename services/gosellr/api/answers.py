"""Responses made from plain values, without a second validation on the way out.

The declared response models describe these answers in the OpenAPI document, and the
contract tests hold every answer against it.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from fastapi import Request, Response

from gosellr.api.headers import header_of
from gosellr.api.kept_answers import Keeper, is_known
from gosellr.utils.money import Money


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    if isinstance(value, bytes):
        return orjson.Fragment(value)
    if isinstance(value, UUID):
        # The driver's own kind of UUID, which the library doesn't take for one.
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def json_bytes(value: Any) -> bytes:
    """JSON of plain values; UUIDs and times in their standard form, `Money` as an object.

    `bytes` are taken for finished JSON and passed through.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response that no cache may keep."""
    if not headers:
        return finished_json(json_bytes(value), status=status)
    return Response(
        json_bytes(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **headers},
    )


class _Finished(Response):
    """A response whose headers are finished too."""

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = headers
        self.background = None


_NO_STORE = (b"cache-control", b"no-store")
_JSON = (b"content-type", b"application/json")


def finished_json(body: bytes, *, status: int = 200) -> Response:
    """Finished JSON that no cache may keep; never without a body."""
    length = (b"content-length", b"%d" % len(body))
    return _Finished(status, body, [_NO_STORE, length, _JSON])


_PUBLIC = (
    (b"cache-control", b"public, max-age=0, must-revalidate"),
    (b"vary", b"Authorization, Accept-Encoding"),
)
_PRIVATE = ((b"cache-control", b"private, no-cache"), _PUBLIC[1])


def catalogue_answer(
    request: Request,
    body: bytes,
    *,
    public: bool = True,
    keeper: Keeper | None = None,
    is_versioned: bool = False,
) -> Response:
    """Finished JSON that caches may keep and must ask about: its tag is a hash of its bytes, after
    its version where it `is_versioned`, so that an update may name it by the tag.

    What only its owner may see is kept by nobody else's cache. What everybody may, the keeper
    keeps for whoever asks next.
    """
    digest = sha256(body).hexdigest()[:32].encode()
    tag = b'"%d-%b"' % (orjson.loads(body)["version"], digest) if is_versioned else b'"%b"' % digest
    unchanged = [(b"etag", tag), *(_PUBLIC if public else _PRIVATE)]
    whole = [
        (b"content-length", b"%d" % len(body)),
        _JSON,
        *unchanged,
    ]
    if keeper is not None and public:
        keeper.keep(body=body, tag=tag, headers=whole, unchanged=unchanged)
    asked = header_of(request.scope, b"if-none-match")
    if asked and is_known(asked.encode("latin-1"), tag):
        return _Finished(304, b"", unchanged)
    return _Finished(200, body, whole)


def page_bytes(items: bytes, next_cursor: str | None) -> bytes:
    """A page of a list whose items are finished JSON."""
    return b'{"items":%b,"next_cursor":%b}' % (items, orjson.dumps(next_cursor))


def nothing() -> Response:
    """Done, and nothing to say about it."""
    return Response(status_code=204)
