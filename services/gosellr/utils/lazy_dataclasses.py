"""Frozen dataclasses whose methods are made when they are first called, and that are made fast.

The standard library compiles six methods of each dataclass while its module is loaded, most of
which are never called, and sets each field of a frozen one through `object.__setattr__`. Here one
method is compiled, when the first object is made. It fills an object of a twin class that isn't
frozen, and turns it into one of the frozen class when it is whole.

All else is the standard library's: its `fields`, `asdict` and `field` work as ever, and type
checkers see its own `dataclass` and `replace`.
"""

import dataclasses
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

__all__ = ["dataclass", "replace"]

T = TypeVar("T")


def _dataclass(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """`dataclasses.dataclass`. What isn't both frozen and slotted is left to that."""

    def make(cls: type[T]) -> type[T]:
        if not (frozen and slots):
            return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)(cls)
        # Where there is none, the standard library would spell out a signature instead.
        cls.__doc__ = cls.__doc__ or cls.__name__
        bare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)
        made = bare(cls)
        for name, method in _METHODS.items():
            if vars(made).get(name) is None:
                setattr(made, name, method)
        return made

    return make


def _replace(value: Any, /, **changes: Any) -> Any:
    """`dataclasses.replace`."""
    cls = value.__class__
    for name in _names(cls):
        if name not in changes:
            changes[name] = getattr(value, name)
    return cls(**changes)


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _first(cls: type, /, *arguments: Any, **named: Any) -> Any:
    """Stands in for `__new__` until the first object is made."""
    own = next(base for base in cls.__mro__ if "__dataclass_fields__" in vars(base))
    own.__new__ = staticmethod(_maker(own))  # type: ignore[method-assign]
    return own.__new__(cls, *arguments, **named)


def _maker(cls: type) -> Callable[..., Any]:
    """`__new__` with a parameter for each field. A subclass has to be a dataclass of its own."""
    scope: dict[str, Any] = {"_bare": object.__new__, "_twin": _twin(cls), "_later": object()}
    ordered: list[str] = []
    named: list[str] = []
    lines: list[str] = []
    for field in dataclasses.fields(cls):
        name = parameter = value = field.name
        if field.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_later"
            value = f"_make_{name}() if {name} is _later else {name}"
        (named if field.kw_only else ordered).append(parameter)
        lines.append(f"_self.{name} = {value}")
    lines += ["_self.__class__ = _cls"]
    if hasattr(cls, "__post_init__"):
        lines += ["_self.__post_init__()"]
    head = ", ".join(("_cls", "/", *ordered, *(("*", *named) if named else ())))
    body = "\n    ".join(("_self = _bare(_twin)", *lines, "return _self"))
    exec(f"def __new__({head}):\n    {body}\n", scope)  # noqa: S102 - of fields' names alone
    maker: Callable[..., Any] = scope["__new__"]
    maker.__qualname__ = f"{cls.__qualname__}.__new__"
    return maker


def _twin(cls: type) -> type:
    """A class of the same layout whose objects may change."""
    body = {"__slots__": vars(cls)["__slots__"], "__setattr__": object.__setattr__}
    if "__orig_bases__" in vars(cls):
        body["__orig_bases__"] = vars(cls)["__orig_bases__"]
    twin = type(cls.__name__, cls.__bases__, body)
    if hasattr(cls, "__abstractmethods__"):
        # What the class adds to an abstract base isn't repeated in the twin.
        twin.__abstractmethods__ = cls.__abstractmethods__  # type: ignore[attr-defined]
    return twin


@cache
def _compared(cls: type) -> Callable[[Any], Any]:
    """What of an object is compared and hashed."""
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    return attrgetter(*names) if names else lambda _: ()


def _is_equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    compared = _compared(self.__class__)
    return self is other or compared(self) == compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (
        f"{field.name}={getattr(self, field.name)!r}"
        for field in dataclasses.fields(self)
        if field.repr
    )
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _keep(self: Any, name: str, value: object) -> NoReturn:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _keep_all(self: Any, name: str) -> NoReturn:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _reduce(self: Any) -> tuple[Any, ...]:
    return _restored, (self.__class__, [getattr(self, name) for name in _names(self.__class__)])


def _restored(cls: type, values: list[Any]) -> Any:
    """An object that was copied or stored, as it was."""
    self: Any = object.__new__(cls)
    for name, value in zip(_names(cls), values, strict=True):
        object.__setattr__(self, name, value)
    return self


_METHODS: dict[str, Any] = {
    "__new__": staticmethod(_first),
    "__eq__": _is_equal,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _keep,
    "__delattr__": _keep_all,
    "__reduce__": _reduce,
}

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:
    dataclass, replace = _dataclass, _replace
