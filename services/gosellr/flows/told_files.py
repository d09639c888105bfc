"""Files that tell of money moved elsewhere: a provider's report, a bank's statement.

Each is read whole before anything of it is taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from gosellr.core.errors import FieldError, InvalidInput
from gosellr.models.reconciliation_values import NewMovement
from gosellr.services.reconciliation_service import MOVEMENTS_MAX
from gosellr.utils.bank_lines import BankLine, StatementFlaw, read_table
from gosellr.utils.camt import read_camt
from gosellr.utils.movement_csv import MovementFlaw, MovementRow
from gosellr.utils.movement_documents import provider_of, read_document

LINES_MAX = 5_000
_BEFORE_XML = b"\xef\xbb\xbf \t\r\n"


def movements_of(content: bytes, *, gateway: str) -> list[NewMovement]:
    """The movements of a provider's report: Stripe's itemised one, PayPal's settlement report, or
    a table of ours.

    Raises:
        InvalidInput: a row can't be read, there are too few or too many, or it is the report of
            another provider than this gateway's.
    """
    with _told_by_place("A row can't be read; nothing was imported"):
        text = content.decode("utf-8-sig")
        provider = provider_of(text)
        if provider not in (None, gateway):
            raise InvalidInput.at("gateway", "not_its_report", f"This is a report by {provider}")
        rows = list(read_document(text))
    if not 1 <= len(rows) <= MOVEMENTS_MAX:
        raise InvalidInput.at("file", "rows", f"Between 1 and {MOVEMENTS_MAX} movements at once")
    return [_new(row) for row in rows]


def bank_lines_of(content: bytes) -> list[BankLine]:
    """The lines of a bank statement: camt.053, or a table of ours.

    Raises:
        InvalidInput: a line can't be read, or there are too few or too many.
    """
    with _told_by_place("A line can't be read; nothing was taken"):
        if content.lstrip(_BEFORE_XML).startswith(b"<"):
            lines = list(read_camt(content))
        else:
            lines = list(read_table(content.decode("utf-8-sig")))
    if not 1 <= len(lines) <= LINES_MAX:
        raise InvalidInput.at("file", "rows", f"Between 1 and {LINES_MAX} lines at once")
    return lines


@contextmanager
def _told_by_place(words: str) -> Iterator[None]:
    """What can't be read, told with its row and its column."""
    try:
        yield
    except UnicodeDecodeError:
        raise InvalidInput.at("file", "not_utf8", "This isn't text in UTF-8") from None
    except (MovementFlaw, StatementFlaw) as flaw:
        place = f"file.{flaw.row}.{flaw.column}"
        raise InvalidInput(words, errors=[FieldError(place, "row_unreadable", str(flaw))]) from None


def _new(row: MovementRow) -> NewMovement:
    return NewMovement(
        reference=row.reference,
        kind=row.kind,
        currency=row.currency,
        amount_minor=row.amount_minor,
        fee_minor=row.fee_minor,
        related=row.related,
        key=row.key,
        occurred_at=row.occurred_at,
    )
