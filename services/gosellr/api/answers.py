"""Responses made from plain values, without a second validation on the way out.

The declared response models describe these answers in the OpenAPI document, and the
contract tests hold every answer against it.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response

from gosellr.utils.money import Money


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"amount": value.amount, "currency": value.currency}
    if isinstance(value, bytes):
        return orjson.Fragment(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def json_bytes(value: Any) -> bytes:
    """JSON of plain values; UUIDs and times in their standard form, `Money` as an object.

    `bytes` are taken for finished JSON and passed through.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response that no cache may keep."""
    return Response(
        json_bytes(value),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def nothing() -> Response:
    """Done, and nothing to say about it."""
    return Response(status_code=204)
