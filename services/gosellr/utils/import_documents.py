"""JSON out of text, value by value: a list of any length, or one value per line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from gosellr.utils.import_values import ROWS_MAX, Unreadable
from gosellr.utils.lazy_dataclasses import dataclass

_CHUNK_LETTERS = 65_536
_VALUE_LETTERS_MAX = 2_000_000
_BLANKS = " \t\r\n"
# What the standard library raises for text that is no JSON, and for numbers and depths beyond it.
_NO_JSON = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Document:
    """A value and the line it begins at; `fault` says why there is none."""

    line: int
    value: Any = None
    fault: str = ""


def documents(lines: Iterable[str]) -> Iterator[Document]:
    """The values of a list, or of lines that each are one.

    Raises:
        Unreadable: when it is neither, or when there are too many.
    """
    text = _Text(iter(lines))
    found = _items(text) if text.peek() == "[" else _values_by_line(text)
    empty = True
    for count, document in enumerate(found, 1):
        if count > ROWS_MAX:
            raise Unreadable(f"The file has more than {ROWS_MAX:,} products: part it in several")
        empty = False
        yield document
    if empty:
        raise Unreadable("There is no product in this file")


class _Text:
    """Text that is read as far as needed; `line` is where `peek` stands."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._held = ""
        self._at = 0
        self.line = 1

    def _read_more(self) -> bool:
        more: list[str] = []
        length = 0
        for line in self._lines:
            more.append(line)
            length += len(line)
            if length >= _CHUNK_LETTERS:
                break
        self._held = self._held[self._at :] + "".join(more)
        self._at = 0
        return bool(more)

    def peek(self) -> str:
        """The next letter that isn't blank; empty at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANKS:
                self.line += self._held[self._at] == "\n"
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._read_more():
                return ""

    def skip(self) -> None:
        """Go behind the letter that `peek` gave."""
        self._at += 1

    def value(self) -> Any:
        """The value that begins here."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._held, self._at)
            except _NO_JSON as error:
                too_long = len(self._held) - self._at > _VALUE_LETTERS_MAX
                if too_long or not self._read_more():
                    raise Unreadable(
                        f"The product at line {self.line} isn't JSON: {error}"
                    ) from None
            else:
                self.line += self._held.count("\n", self._at, end)
                self._at = end
                return value

    def rest_of_line(self) -> str:
        """What stands from here to the end of the line."""
        end = self._held.find("\n", self._at)
        while end < 0 and self._read_more():
            end = self._held.find("\n", self._at)
        end = len(self._held) if end < 0 else end
        line = self._held[self._at : end]
        self._at = end
        return line


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _items(text: _Text) -> Iterator[Document]:
    text.skip()
    if text.peek() == "]":
        return
    while True:
        text.peek()
        line = text.line
        yield Document(line, text.value())
        mark = text.peek()
        text.skip()
        if mark == "]":
            break
        if mark != ",":
            raise Unreadable(f"Line {text.line}: a comma or the list's end is missing")
    if text.peek():
        raise Unreadable(f"Line {text.line}: something stands behind the end of the list")


def _values_by_line(text: _Text) -> Iterator[Document]:
    is_first = True
    while text.peek():
        line = text.line
        try:
            document = Document(line, _DECODER.decode(text.rest_of_line().strip()))
        except _NO_JSON as error:
            if is_first:
                raise Unreadable(
                    "The file is neither a list [ … ] of products nor one product per line:"
                    f" {error}"
                ) from None
            document = Document(line, fault=f"This line isn't JSON: {error}")
        yield document
        is_first = False
