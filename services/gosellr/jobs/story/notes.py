"""A story written down to be told again: plain JSON, so that a market can keep it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gosellr.jobs.story.pen import Pen, PostedLine, Posting

Note = Mapping[str, Any]


class Notebook:
    """A pen that keeps what it writes. `notes` are JSON, in the order of writing."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def chapter(self, number: int, title: str) -> None:
        """See `Pen.chapter`."""
        self.notes.append({"chapter": number, "title": title})

    def say(self, text: str) -> None:
        """See `Pen.say`."""
        self.notes.append({"text": text})

    def post(self, posting: Posting) -> None:
        """See `Pen.post`."""
        self.notes.append(
            {
                "booked_at": posting.booked_at.isoformat(),
                "kind": posting.kind,
                "sentence": posting.sentence,
                "lines": [
                    [line.side, line.amount_minor, line.currency, line.account]
                    for line in posting.lines
                ],
            }
        )

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """See `Pen.table`."""
        self.notes.append(
            {"table": title, "header": list(header), "rows": [list(row) for row in rows]}
        )


def read_out(notes: Iterable[Note], *, pen: Pen) -> None:
    """Write with another pen what a notebook has."""
    for note in notes:
        if "chapter" in note:
            pen.chapter(note["chapter"], note["title"])
        elif "text" in note:
            pen.say(note["text"])
        elif "table" in note:
            pen.table(note["table"], note["header"], note["rows"])
        else:
            pen.post(_posting(note))


def _posting(note: Note) -> Posting:
    return Posting(
        booked_at=datetime.fromisoformat(note["booked_at"]),
        kind=note["kind"],
        sentence=note["sentence"],
        lines=tuple(PostedLine(*line) for line in note["lines"]),
    )
