"""A case as a table to be kept: all that was said, handed in, done and decided, in its order."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.models.dispute_values import DisputeFile, DisputeFolder
from gosellr.utils.money import Money
from gosellr.web.case_views import CaseView
from gosellr.web.formats import format_money

HEADER: Final = ("at", "what", "by", "text", "file")
_UNSAFE = re.compile(r"[^\w.-]+")
_NAME_MAX = 80

Row = tuple[str, str, str, str, str]


def name_of(file: DisputeFile, *, place: int) -> str:
    """What a file is called in the folder: in its order, with nothing that a system trips over."""
    safe = _UNSAFE.sub("_", file.name).strip("._")[-_NAME_MAX:] or "file"
    return f"files/{place:02}-{safe}"


def rows(folder: DisputeFolder, view: CaseView, *, gone: Collection[UUID]) -> list[Row]:
    """The table. `view` says what this reader sees of it; of the files in `gone` only that they
    were there is known."""
    head: list[tuple[str, str]] = [
        ("case", f"{view.title}, {view.id}"),
        ("order", view.order_number),
        ("amount", format_money(view.amount.amount, view.amount.currency)),
        ("state", view.badge.label),
        *((one.label.lower(), one.value) for one in (*view.facts, *view.bank)),
    ]
    if view.outcome:
        head.append(("outcome", view.outcome))
    if view.decision:
        head.append(("decision", view.decision))
    for one in folder.refunds:
        money = Money(one.amount_minor, view.currency)
        head.append(("refund", f"{format_money(money.amount, money.currency)}, {one.status}"))
    return [
        *(("", what, "", text, "") for what, text in head),
        *(row for _, row in sorted(_story(folder, gone), key=lambda told: told[0])),
    ]


def _story(folder: DisputeFolder, gone: Collection[UUID]) -> list[tuple[tuple[datetime, int], Row]]:
    """What happened, each with its moment; at the same moment, words before what came of them."""
    told: list[tuple[tuple[datetime, int], Row]] = [
        ((said.at, 0), (_at(said.at), "message", said.author, said.body, ""))
        for said in folder.messages
    ]
    for place, file in enumerate(folder.files, start=1):
        name = "" if file.id in gone else name_of(file, place=place)
        text = f"{file.name}, {file.byte_size} bytes"
        words = f"{text}, not kept any more" if file.id in gone else text
        told.append(((file.at, 1), (_at(file.at), "file", file.author, words, name)))
    for event in folder.events:
        came = (event.kind, event.to_status or "")
        words = ": ".join(part.replace("_", " ") for part in came if part)
        told.append(((event.at, 2), (_at(event.at), "step", event.actor, words, "")))
    return told


def _at(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
