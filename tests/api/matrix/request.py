"""A call as a recipe: what of whose things goes where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.api.matrix.callers import Scope


@dataclass(frozen=True, slots=True)
class Of:
    """A thing of the estate that a call is about, by its kind."""

    kind: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """A thing of the market, the same in every call."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One way to call an operation.

    `reached` are the statuses of those who reach the thing; a 409 there means that they were let
    in and the thing isn't in the state for it. `hidden` are those of everybody else's things.
    """

    scope: Scope = Scope.NONE
    path: Mapping[str, Of | Fixed | str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, Any] | None = None
    files: Mapping[str, Any] | None = None
    content: bytes | None = None
    reached: frozenset[int] = frozenset({200, 201, 202, 204})
    below_role: frozenset[int] = frozenset({403})
    hidden: frozenset[int] = frozenset({404})
    absent: frozenset[int] = frozenset({404, 409, 422})

    def kinds(self) -> list[str]:
        """The kinds of things it names."""
        parts = [self.path, self.query, self.body, self.form]
        return list(dict.fromkeys(thing.kind for part in parts for thing in _things(part)))

    def request(
        self, path: str, things: Mapping[str, str], fixed: Mapping[str, str], form_token: str
    ) -> tuple[str, dict[str, Any]]:
        """The address and the arguments of a client's request."""
        for name, value in self.path.items():
            filled = _filled(value, things, fixed)
            path = path.replace(f"{{{name}:path}}", filled).replace(f"{{{name}}}", filled)
        arguments: dict[str, Any] = {}
        if self.query:
            arguments["params"] = _filled(self.query, things, fixed)
        if self.body is not None:
            arguments["json"] = _filled(self.body, things, fixed)
        if self.form is not None:
            token = {"csrf_token": form_token} if form_token else {}
            arguments["data"] = {**_filled(self.form, things, fixed), **token}
        if self.files is not None:
            arguments["files"] = self.files
        if self.content is not None:
            arguments["content"] = self.content
        arguments["headers"] = {"Idempotency-Key": uuid4().hex}
        return path, arguments


def _things(part: Any) -> Iterator[Of]:
    if isinstance(part, Of):
        yield part
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _things(key)
            yield from _things(value)
    elif isinstance(part, list):
        for value in part:
            yield from _things(value)


def _filled(part: Any, things: Mapping[str, str], fixed: Mapping[str, str]) -> Any:
    if isinstance(part, Of):
        return things[part.kind]
    if isinstance(part, Fixed):
        return fixed[part.kind]
    if isinstance(part, Mapping):
        return {
            _filled(key, things, fixed): _filled(value, things, fixed)
            for key, value in part.items()
        }
    if isinstance(part, list):
        return [_filled(value, things, fixed) for value in part]
    return part
