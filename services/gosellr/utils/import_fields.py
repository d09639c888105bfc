"""The fields of a JSON object, read with care: what is wrong with one is noted, not raised."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.utils.catalogue import AttributeValue
from gosellr.utils.import_cells import line_fault, text_fault
from gosellr.utils.import_values import RowFlaw, shown

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER_MAX = 10**15


class Fields:
    """An object at `path` of a document; `flaws` takes what is found, and reading goes on."""

    def __init__(
        self, document: Mapping[str, Any], flaws: list[RowFlaw], *, line: int, path: str = ""
    ) -> None:
        self.document = document
        self._flaws = flaws
        self._line = line
        self._path = path

    def _way(self, name: str) -> str:
        return shown(f"{self._path}.{name}" if self._path else name)

    def _inner(self, document: Mapping[str, Any], name: str) -> "Fields":
        return Fields(document, self._flaws, line=self._line, path=self._way(name))

    def note(self, name: str, code: str, message: str) -> None:
        """Note a flaw of a field."""
        value = self.document.get(name)
        text = "" if value is None or isinstance(value, dict | list) else str(value)
        self._flaws.append(RowFlaw(self._line, self._way(name), code, message, shown(text)))

    def only(self, names: Sequence[str]) -> None:
        """Note every field that isn't one of these."""
        for name in self.document:
            if name not in names:
                self.note(name, "field_unknown", f"Take it out; the fields are {', '.join(names)}")

    def _string(self, name: str, *, missing: str) -> str:
        value = self.document.get(name)
        if value is not None and not isinstance(value, str):
            self.note(name, "type", "Write a text in quotes")
            return ""
        text = (value or "").strip()
        if not text and missing:
            self.note(name, "missing", missing)
        return text

    def line(self, name: str, *, limit: int, missing: str = "") -> str:
        """A text of one line; with `missing`, one that must be there."""
        text = self._string(name, missing=missing)
        if fault := line_fault(text, limit=limit):
            self.note(name, *fault)
        return text

    def text(self, name: str) -> str:
        """A text that may have several lines."""
        text = self._string(name, missing="")
        if fault := text_fault(text):
            self.note(name, *fault)
        return text

    def strings(self, name: str, *, most: int, limit: int) -> tuple[str, ...]:
        """A list of short texts."""
        values = self._list(name, most=most)
        one_by_one = self._inner({str(index): one for index, one in enumerate(values)}, name)
        return tuple(
            one_by_one.line(index, limit=limit, missing="It is empty")
            for index in one_by_one.document
        )

    def matching(self, name: str, pattern: re.Pattern[str], advice: str) -> str:
        """A word of a fixed form; empty where there is none."""
        text = self._string(name, missing="")
        if text and not pattern.fullmatch(text):
            self.note(name, "form", advice)
        return text

    def choice(self, name: str, known: Sequence[str], *, default: str) -> str:
        """One of a few words."""
        word = self._string(name, missing="") or default
        if word not in known:
            self.note(name, "choice_unknown", f"Write one of: {', '.join(known)}")
        return word

    def whole(self, name: str, *, most: int, default: int = 0, missing: str = "") -> int:
        """A whole number from 0 to `most`; with `missing`, one that must be there."""
        value = self.document.get(name)
        if value is None:
            if missing:
                self.note(name, "missing", missing)
            return default
        # To Python true is 1, and a fraction or a text is no number of things.
        if type(value) is not int:
            self.note(name, "number_form", "Write a whole number without quotes, such as 12")
            return default
        if value < 0:
            self.note(name, "negative", "This can't be less than 0: write 0 for none")
        elif value > most:
            self.note(name, "number_bounds", f"Write a number from 0 to {most:,}")
        return value

    def uuid(self, name: str, *, missing: str = "") -> UUID | None:
        """An id."""
        text = self.matching(name, _UUID, "This is no id: it looks like 0198…-…-…-…-…")
        if not text and missing:
            self.note(name, "missing", missing)
        return UUID(text) if _UUID.fullmatch(text) else None

    def attribute(self, name: str) -> AttributeValue | None:
        """A text, a number, true or false."""
        value = self.document[name]
        if fault := line_fault(name, limit=40):
            self.note(name, *fault)
        if isinstance(value, str):
            return self.line(name, limit=500)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float) and -_NUMBER_MAX <= value <= _NUMBER_MAX:
            return value
        self.note(name, "type", "Write a text, a number up to 15 digits, true or false")
        return None

    def mapping(self, name: str, *, most: int) -> "Fields":
        """An object; an empty one where there is none."""
        value = self.document.get(name)
        if value is not None and not isinstance(value, dict):
            self.note(name, "type", "Write an object: { … }")
            value = None
        if value and len(value) > most:
            self.note(name, "too_many", f"At most {most} of them")
            value = None
        return self._inner(value or {}, name)

    def objects(self, name: str, *, most: int, missing: str = "") -> "list[Fields]":
        """A list of objects; with `missing`, one that isn't empty."""
        found = []
        values = self._list(name, most=most)
        if not values and missing:
            self.note(name, "missing", missing)
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                self.note(name, "type", "Write a list of objects: [{ … }]")
                break
            found.append(self._inner(value, f"{name}.{index}"))
        return found

    def _list(self, name: str, *, most: int) -> Sequence[Any]:
        value = self.document.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.note(name, "type", "Write a list: [ … ]")
            return ()
        if len(value) > most:
            self.note(name, "too_many", f"At most {most} of them")
            return ()
        return value
