"""Dataclasses that are made when they are first needed are dataclasses in all that is seen."""

import copy
import dataclasses
import pickle
from abc import ABC, abstractmethod
from dataclasses import FrozenInstanceError, asdict, field, fields
from functools import cached_property
from typing import Any, Generic, TypeVar

import pytest

from gosellr.utils.lazy_dataclasses import dataclass, replace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: int
    y: int = 7
    seen: list[int] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    name: str
    word: str = field(repr=False)
    size: int = field(kw_only=False)

    def __post_init__(self) -> None:
        if not self.word:
            raise ValueError(f"{self.name} has no word")


@dataclass(frozen=True, slots=True)
class Box(Generic[T]):
    content: T


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


@dataclass(frozen=True, slots=True)
class Folded:
    word: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.word.lower() == other.word.lower()

    def __hash__(self) -> int:
        return hash(self.word.lower())

    def __repr__(self) -> str:
        return f"<{self.word}>"


@dataclass(frozen=True, slots=True)
class Base:
    x: int


@dataclass(frozen=True, slots=True)
class Derived(Base):
    z: int = 3


@dataclass(slots=True)
class Tally:
    number: int = 0


@dataclass(frozen=True)
class Shelf:
    height: int

    @cached_property
    def doubled(self) -> int:
        return 2 * self.height


def test_what_is_made_has_its_fields_by_place_by_name_and_by_default() -> None:
    assert Point(1, 2, [3]) == Point(y=2, x=1)
    assert (Point(1).y, Point(1).seen) == (7, [])
    assert Point(1).seen is not Point(1).seen
    secret = Secret(5, name="door", word="sesame")
    assert (secret.size, secret.name, secret.word) == (5, "door", "sesame")
    assert Derived(1) == Derived(1, 3)
    assert isinstance(Derived(1), Base)
    assert Box("full").content == "full"
    assert type(Point(1)) is Point


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})],
    ids=["too few", "too many", "twice", "unknown"],
)
def test_what_does_not_fit_is_refused(arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Point\.__new__\(\)"):
            Point(*arguments, **named)
    with pytest.raises(TypeError):
        Secret("door", "sesame", 5)  # type: ignore[misc, arg-type, call-arg]


def test_what_is_said_after_making_is_heard() -> None:
    with pytest.raises(ValueError, match="door has no word"):
        Secret(5, name="door", word="")


def test_nothing_of_it_changes() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(FrozenInstanceError):
        point.z = 2  # type: ignore[attr-defined]
    assert point == Point(1)
    assert not hasattr(point, "__dict__")


def test_equal_are_those_of_one_class_that_hold_the_same() -> None:
    assert Point(1) == Point(1, seen=[9])
    assert Point(1) != Point(2)
    assert Base(1) != Derived(1)
    assert Point(1) != (1, 7, [])
    assert hash(Point(1)) == hash(Point(1, seen=[9]))
    assert {Box(1), Box(1), Box(2)} == {Box(1), Box(2)}
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    with pytest.raises(TypeError, match="unhashable"):
        hash(Box([]))


def test_what_a_class_says_itself_stands() -> None:
    assert (Folded("A"), hash(Folded("A")), repr(Folded("A"))) == (
        Folded("a"),
        hash(Folded("a")),
        "<A>",
    )


def test_it_shows_what_may_be_seen() -> None:
    assert repr(Point(1)) == "Point(x=1, y=7, seen=[])"
    assert repr(Secret(5, name="door", word="sesame")) == "Secret(name='door', size=5)"
    assert repr(Nothing()) == "Nothing()"
    within: list[object] = []
    within.append(Box(within))
    assert repr(within[0]) == "Box(content=[...])"


def test_the_standard_library_knows_it() -> None:
    assert [one.name for one in fields(Point)] == ["x", "y", "seen"]
    assert asdict(Box(Point(1))) == {"content": {"x": 1, "y": 7, "seen": []}}
    assert dataclasses.replace(Point(1), y=2) == Point(1, 2)
    assert Point.__doc__ == "A place."
    match Point(1):
        case Point(x, y):
            assert (x, y) == (1, 7)


def test_one_that_differs_in_something_is_made_of_another() -> None:
    before = Point(1, 2, [3])
    after = replace(before, y=4)
    assert (after.x, after.y, after.seen, before.y) == (1, 4, [3], 2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        replace(before, z=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no word"):
        replace(Secret(5, name="door", word="sesame"), word="")
    assert replace(Shelf(1), height=2) == Shelf(2)


def test_a_copy_is_as_it_was() -> None:
    point = Point(1, 2, [3])
    stored = pickle.loads(pickle.dumps(point))  # noqa: S301 - our own, a moment ago
    for made in (copy.copy(point), copy.deepcopy(point), stored):
        assert (made, made.seen, type(made)) == (point, [3], Point)
    assert copy.deepcopy(point).seen is not point.seen


def test_what_is_not_frozen_and_slotted_is_the_standard_librarys() -> None:
    tally = Tally()
    tally.number += 1
    assert tally == Tally(1)
    assert Shelf(2).doubled == 4


def test_what_an_abstract_base_leaves_open_has_to_be_there() -> None:
    class Shape(ABC):
        __slots__ = ()

        @abstractmethod
        def area(self) -> int: ...

    @dataclass(frozen=True, slots=True)
    class Square(Shape):
        side: int

        def area(self) -> int:
            return self.side**2

    @dataclass(frozen=True, slots=True)
    class Blot(Shape):
        size: int

    assert Square(3).area() == 9
    with pytest.raises(TypeError, match="abstract class Blot"):
        Blot(1)  # type: ignore[abstract]


def test_a_method_is_compiled_when_it_is_needed() -> None:
    @dataclass(frozen=True, slots=True)
    class Late:
        x: int

    stand_in = Late.__new__
    assert Late(1) == Late(1)
    own = Late.__new__
    assert own is not stand_in
    assert Late(2).x == 2
    assert Late.__new__ is own
