"""A request's headers as they were sent, for those who want one or two of them."""

from starlette.types import Scope


def header_of(scope: Scope, name: bytes) -> str | None:
    """The first header of this name, which is written small; read as the framework reads it."""
    for one, value in scope["headers"]:
        if one == name:
            return bytes(value).decode("latin-1")
    return None
