"""Letters in words: what each kind is called, and where one stands."""

from collections.abc import Iterator
from datetime import datetime

from gosellr.flows.letters import Preview
from gosellr.models.letter_values import Letter
from gosellr.utils.letters import LetterKind, LetterStatus
from gosellr.web.formats import format_when
from gosellr.web.letter_views import LetterPageView, LetterRowView
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView

BASE = "/operator/letters"
STATUSES = (
    ("", "All"),
    ("dead", "Given up"),
    ("failed", "Tried in vain"),
    ("queued", "Waiting"),
    ("sent", "Sent"),
)
_BADGES = {
    LetterStatus.QUEUED: BadgeView("Waiting", "", "clock"),
    LetterStatus.FAILED: BadgeView("Tried in vain", "warn", "rotate-ccw"),
    LetterStatus.SENT: BadgeView("Sent", "ok", "check"),
    LetterStatus.DEAD: BadgeView("Given up", "bad", "circle-x"),
}


def label_of(kind: str) -> str:
    """A kind in words."""
    return kind.replace("_", " ").capitalize()


def kinds(chosen: str) -> tuple[ChoiceView, ...]:
    """Every kind to choose from."""
    return (
        ChoiceView("", "Every kind", not chosen),
        *(ChoiceView(kind.value, label_of(kind), kind.value == chosen) for kind in LetterKind),
    )


def row(found: Letter) -> LetterRowView:
    """A letter in a list."""
    return LetterRowView(
        href=f"{BASE}/{found.id}",
        label=label_of(found.kind),
        recipient=found.recipient,
        badge=_BADGES[found.status],
        created_at=found.created_at,
        note="" if found.status is LetterStatus.SENT else found.last_error or "",
    )


def page(shown: Preview, *, may_resend: bool) -> LetterPageView:
    """A letter as it reads."""
    found, words = shown.letter, shown.words
    return LetterPageView(
        path=f"{BASE}/{found.id}",
        label=label_of(found.kind),
        badge=_BADGES[found.status],
        subject=words.subject,
        text=words.text,
        facts=tuple(_facts(found)),
        error=found.last_error or "",
        may_resend=may_resend and found.status is LetterStatus.DEAD,
    )


def _facts(found: Letter) -> Iterator[AttributeView]:
    yield AttributeView("To", found.recipient)
    yield AttributeView("Written", _when(found.created_at))
    yield AttributeView("Tries", str(found.attempt_count))
    for label, at in (
        ("Next try", found.next_try_at),
        ("Sent", found.sent_at),
        ("Sent again by a person", found.resent_at),
    ):
        if at is not None:
            yield AttributeView(label, _when(at))
    if found.post_reference:
        yield AttributeView("The post calls it", found.post_reference)


def _when(at: datetime) -> str:
    return format_when(at, "full")
