"""The one place where errors become responses: RFC 9457 problem documents."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gosellr.core.errors import DomainError, FieldError

PROBLEM_TYPE = "application/problem+json"
# Documentation of the codes lives with the API guide; `about:blank` plus a stable code
# keeps the document valid wherever it is served from.
_TYPE_PREFIX = "urn:gosellr:problem:"

_log = logging.getLogger("gosellr.errors")

_DATABASE_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # What the driver says of a connection that was cut in the middle of an answer.
    asyncpg.InternalClientError,
    asyncpg.QueryCanceledError,
    ConnectionError,
    TimeoutError,
)

_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "body_too_large",
    415: "unsupported_media_type",
}


def problem(
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    request_id: str,
    errors: Sequence[FieldError] = (),
    extras: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response."""
    body: dict[str, Any] = {
        **(extras or {}),
        "type": _TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    }
    if errors:
        body["errors"] = [
            {"field": error.field, "code": error.code, "message": error.message} for error in errors
        ]
    return Response(
        orjson.dumps(body, default=str),
        status_code=status,
        media_type=PROBLEM_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def request_id_of(request: Request) -> str:
    """The id under which this request is logged."""
    return str(request.scope.get("state", {}).get("request_id", ""))


async def render_domain_error(request: Request, error: DomainError) -> Response:
    """An expected error."""
    return problem(
        status=error.status,
        code=error.code,
        title=error.title,
        detail=error.detail,
        request_id=request_id_of(request),
        errors=error.errors,
        extras=error.extras,
        headers=error.headers,
    )


async def render_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Input that doesn't fit the declared shape, field by field."""
    errors = [
        FieldError(
            # The first part says where it was: a field may itself be called "query".
            field=".".join(
                str(part)
                for place, part in enumerate(item["loc"])
                if place or part not in ("body", "query", "path", "header")
            ),
            code=str(item["type"]),
            message=str(item["msg"]),
        )
        for item in error.errors()
    ]
    broken_json = any(item["type"] == "json_invalid" for item in error.errors())
    return problem(
        status=400 if broken_json else 422,
        code="invalid_json" if broken_json else "invalid_input",
        title="The body isn't JSON" if broken_json else "Some fields need a change",
        detail=errors[0].message if errors else "Some fields need a change",
        request_id=request_id_of(request),
        errors=errors,
    )


async def render_http_error(request: Request, error: HTTPException) -> Response:
    """What the framework refused by itself: unknown path, wrong method, body too large."""
    phrase = HTTPStatus(error.status_code).phrase
    return problem(
        status=error.status_code,
        code=_CODES.get(error.status_code, "error"),
        title=phrase,
        detail=error.detail or phrase,
        request_id=request_id_of(request),
        headers=error.headers,
    )


async def render_database_away(request: Request, error: Exception) -> Response:
    """The database is restarting or overloaded: say so, and when to come back."""
    _log.warning("database away: %s", type(error).__name__)
    return problem(
        status=503,
        code="service_unavailable",
        title="Please try again in a moment",
        detail="The database can't answer right now; repeat the same request in a moment",
        request_id=request_id_of(request),
        headers={"Retry-After": "1"},
    )


async def render_crash(request: Request, error: Exception) -> Response:
    """A defect of ours: logged in full, told in one sentence."""
    request_id = request_id_of(request)
    _log.error("unexpected error in request %s", request_id, exc_info=error)
    return problem(
        status=500,
        code="internal_error",
        title="Something broke on our side",
        detail="The error was recorded under the request id",
        request_id=request_id,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Route every kind of error to its rendering."""
    app.add_exception_handler(DomainError, render_domain_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, render_validation_error)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, render_http_error)  # type: ignore[arg-type]
    for kind in _DATABASE_AWAY:
        app.add_exception_handler(kind, render_database_away)
    app.add_exception_handler(Exception, render_crash)
