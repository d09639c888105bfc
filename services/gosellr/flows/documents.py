"""Documents: issued when what they tell has happened, laid out when somebody wants to read them.

What is issued is a row; the file is made of it each time, after the database was left alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.encryption import Vault
from gosellr.core.errors import InvalidInput, ServiceUnavailable
from gosellr.core.transact import ask, transact
from gosellr.flows import tax_identities
from gosellr.flows.one_by_one import one_by_one
from gosellr.integrations.documents.port import (
    DocumentNotRendered,
    DocumentRenderer,
    DocumentTooLong,
)
from gosellr.models.document_values import IssuedDocument, SellerIdentity
from gosellr.services import (
    document_questions,
    paid_again_documents,
    period_documents,
    sales_documents,
    tax_filing_service,
    tax_report_service,
    tax_return_service,
)
from gosellr.services.document_parties import market_party
from gosellr.utils.csv_text import csv_text
from gosellr.utils.document_tables import Table, table_of
from gosellr.utils.document_views import sheet_of
from gosellr.utils.documents import MarketIdentity
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.tax_periods import TaxPeriod
from gosellr.utils.viewer import Viewer

_AT_ONCE = 50

Form = Literal["pdf", "csv", "xlsx"]

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class FileTooLong(InvalidInput):
    """A file of this form doesn't hold so many rows, however often it is asked for."""

    code = "file_too_long"
    title = "There are too many rows for such a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPowers:
    """What documents need of their process."""

    db: Database
    clock: Clock
    policy: MarketPolicy
    renderer: DocumentRenderer
    identity: MarketIdentity
    vault: Vault

    def now(self) -> datetime:
        """The moment, by the process's clock."""
        return self.clock.now()


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A finished file, and what it is called."""

    name: str
    media_type: str
    content: bytes


async def issue_invoices(powers: DocumentPowers, *, order_ids: Sequence[UUID]) -> None:
    """The invoices of orders that were paid, a batch at a time; said again, nothing changes.

    Batches are small, because each holds the counters of its sellers until it commits.

    Raises:
        ExceptionGroup: some orders have none, of what is wrong with each; the others have.
    """
    wrong: list[Exception] = []
    for start in range(0, len(order_ids), _AT_ONCE):
        batch = order_ids[start : start + _AT_ONCE]
        try:
            await _issue(powers, batch)
        except Exception:  # noqa: BLE001 - whichever order it was, the others have theirs
            for order_id in batch:
                try:
                    await _issue(powers, [order_id])
                except Exception as error:  # noqa: BLE001
                    wrong.append(error)
    if wrong:
        raise ExceptionGroup("orders without invoices", wrong)


async def _issue(powers: DocumentPowers, order_ids: Sequence[UUID]) -> None:
    await transact(powers.db, sales_documents.issue_invoices, order_ids=order_ids, now=powers.now())


async def issue_credit_note(powers: DocumentPowers, *, refund_id: UUID) -> None:
    """The credit note of a refund that reached its buyer; said again, nothing changes."""
    await transact(
        powers.db,
        sales_documents.issue_credit_note,
        refund_id=refund_id,
        now=powers.now(),
    )


async def issue_paid_again(powers: DocumentPowers, *, order_id: UUID) -> None:
    """The papers of what came back of an order's lost chargebacks, or was taken once more; said
    again, nothing changes."""
    await transact(powers.db, paid_again_documents.issue, order_id=order_id, now=powers.now())


async def close_months(powers: DocumentPowers) -> None:
    """Issue the statements and commission invoices of every month that is over, seller by seller.

    Cut off, it goes on where it was: a seller who has its documents gets no others. One whose
    month can't be closed keeps nobody else from theirs, and is tried again.
    """
    while period := await ask(powers.db, period_documents.month_to_close, now=powers.now()):
        after, is_whole = UUID(int=0), True
        while sellers := await ask(powers.db, period_documents.sellers_to_close, after=after):
            by_id = {one.id: one for one in sellers}
            closed = await one_by_one(
                list(by_id), partial(_close, powers, period, by_id), story="closing a month"
            )
            is_whole = is_whole and closed == len(sellers)
            after = sellers[-1].id
        if not is_whole:
            # The month stays open for those, and the others have what is theirs.
            return
        await transact(powers.db, period_documents.finish_month, period=period, now=powers.now())


async def _close(
    powers: DocumentPowers, period: str, by_id: Mapping[UUID, SellerIdentity], seller_id: UUID
) -> bool:
    await transact(
        powers.db,
        period_documents.close_seller,
        seller=by_id[seller_id],
        period=period,
        identity=powers.identity,
        vat_jurisdiction=powers.policy.commission_vat_jurisdiction,
        now=powers.now(),
    )
    return True


async def statement(
    powers: DocumentPowers,
    *,
    viewer: Viewer,
    seller_id: UUID,
    period: str,
    currency: str | None,
) -> IssuedDocument | dict[str, Any]:
    """A seller's month as issued, or how it stands. Raises what `find_statement` does."""
    return await ask(
        powers.db,
        period_documents.find_statement,
        viewer=viewer,
        seller_id=seller_id,
        period=period,
        currency=currency,
        identity=powers.identity,
        vat_jurisdiction=powers.policy.commission_vat_jurisdiction,
        now=powers.now(),
    )


async def tax_report(
    powers: DocumentPowers, *, year: int, reader: Viewer | None = None
) -> dict[str, Any]:
    """The report of a year, as a document's content. It bears what sellers said of themselves where
    its reader runs the market; for anybody else that is on file."""
    found = await ask(
        powers.db,
        tax_report_service.report,
        year=year,
        vat_jurisdiction=powers.policy.commission_vat_jurisdiction,
        now=powers.now(),
    )
    known = await tax_identities.known_of(
        powers.db,
        powers.vault,
        seller_ids=sorted({one.seller.id for one in found.sellers}),
        year=year,
    )
    is_whole = reader is not None and reader.may_as_staff(Permission.TAX_IDENTITY_READ)
    return {
        **tax_report_service.content_of(found, known, is_whole=is_whole),
        "issuer": market_party(powers.identity),
    }


async def tax_return(powers: DocumentPowers, *, period: TaxPeriod) -> dict[str, Any]:
    """What each jurisdiction is owed for a period, as a document's content."""
    now = powers.now()
    found = await ask(
        powers.db,
        tax_return_service.owed,
        period=period,
        vat_jurisdiction=powers.policy.commission_vat_jurisdiction,
    )
    filed = await ask(powers.db, tax_filing_service.of_period, period=period)
    return {
        **tax_return_service.content_of(found, filed, period=period, now=now),
        "issuer": market_party(powers.identity),
    }


async def order_document(
    powers: DocumentPowers, *, viewer: Viewer, order_id: UUID, document_id: UUID
) -> IssuedDocument:
    """One of an order's documents. Raises what `document_questions.find_of_order` does."""
    return await ask(
        powers.db,
        document_questions.find_of_order,
        viewer=viewer,
        order_id=order_id,
        document_id=document_id,
    )


async def make_file(
    powers: DocumentPowers,
    content: Mapping[str, Any],
    *,
    form: Form,
    name: str,
    language: str | None = None,
) -> DocumentFile:
    """A document as a file.

    Raises:
        FileTooLong: it has more rows than a PDF or a workbook may have; a CSV has any number.
        ServiceUnavailable: it couldn't be laid out, or not in time.
    """
    with _told():
        made = await _made(powers, content, form=form, language=language)
    return DocumentFile(f"{name}.{form}", MEDIA_TYPES[form], made)


async def make_workbook(powers: DocumentPowers, table: Table, *, name: str) -> DocumentFile:
    """A table as XLSX.

    Raises:
        FileTooLong: it has more rows than a workbook may have.
        ServiceUnavailable: it couldn't be written, or not in time.
    """
    with _told():
        made = await powers.renderer.workbook([table])
    return DocumentFile(f"{name}.xlsx", MEDIA_TYPES["xlsx"], made)


@contextmanager
def _told() -> Iterator[None]:
    """What a renderer says, in the words of the door."""
    try:
        yield
    except DocumentTooLong as error:
        words = f"{error}: as CSV it may have any number"
        raise FileTooLong.at("format", "too_many_rows", words) from error
    except DocumentNotRendered as error:
        raise ServiceUnavailable(str(error).capitalize(), retry_after_seconds=30) from error


async def _made(
    powers: DocumentPowers, content: Mapping[str, Any], *, form: Form, language: str | None
) -> bytes:
    if form == "pdf":
        today = powers.now().date()
        return await powers.renderer.pdf(sheet_of(content, language=language, today=today))
    table = table_of(content)
    if form == "csv":
        return csv_text(table.header, table.rows).encode()
    return await powers.renderer.workbook([table])
