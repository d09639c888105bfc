"""Expected errors: named, with a stable code and an HTTP status, rendered once at the door.

A broken invariant is not one of these: it raises something else and crashes loudly.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field of the input."""

    field: str
    code: str
    message: str


class DomainError(Exception):
    """What a caller did that can't be, and what they may do about it.

    `detail` is one plain sentence for the person; `extras` are further members of the
    problem document (RFC 9457, section 3.2); `headers` travel with the response.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request can't be done"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        extras: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.extras = dict(extras or {})
        self.headers = dict(headers or {})


class InvalidInput(DomainError):
    """The input is well-formed but says something that can't be true."""

    code = "invalid_input"
    status = 422
    title = "Some fields need a change"

    @classmethod
    def at(cls, field: str, code: str, message: str) -> "InvalidInput":
        """The error of a single field."""
        return cls(message, errors=[FieldError(field, code, message)])


class NotAuthenticated(DomainError):
    """Nobody is known by what was sent."""

    code = "not_authenticated"
    status = 401
    title = "Sign in first"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class NotAllowed(DomainError):
    """The caller is known, and may not do this."""

    code = "not_allowed"
    status = 403
    title = "You may not do this"


class NotFound(DomainError):
    """It doesn't exist, or it isn't the caller's: the two look the same."""

    code = "not_found"
    status = 404
    title = "There is nothing here"


class Conflict(DomainError):
    """The state of things has moved on."""

    code = "conflict"
    status = 409
    title = "The state has changed"


class VersionConflict(Conflict):
    """The update was made against an older version."""

    code = "version_conflict"
    title = "Somebody else changed this first"


class TooManyRequests(DomainError):
    """A limit was reached; `Retry-After` says when to come back."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_seconds: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_seconds))})


class ServiceUnavailable(DomainError):
    """We can't answer now, but may soon."""

    code = "service_unavailable"
    status = 503
    title = "Please try again in a moment"

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_seconds))})
