"""Statements and commission invoices in a list, with the files that each may be had as."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from gosellr.flows.documents import Form
from gosellr.models.document_values import IssuedDocument
from gosellr.utils.documents import DocumentKind
from gosellr.utils.money import Money
from gosellr.web.binding.histories import chips
from gosellr.web.paper_views import PapersView, PaperView, SoFarView
from gosellr.web.views import LinkView, PagerView

FORMS: Final[tuple[Form, ...]] = ("pdf", "csv", "xlsx")
SELLER_KINDS: Final = {
    DocumentKind.STATEMENT.value: "Statement",
    DocumentKind.COMMISSION_INVOICE.value: "Commission invoice",
}
_CHIPS = (
    ("", "All"),
    (DocumentKind.STATEMENT.value, "Statements"),
    (DocumentKind.COMMISSION_INVOICE.value, "Commission invoices"),
)


def papers(
    found: Sequence[IssuedDocument],
    *,
    base: str,
    chosen: str,
    currencies: Sequence[str],
    now: datetime,
    pager: PagerView,
) -> PapersView:
    """A shop's papers, and the month that isn't over yet in each currency that has one."""
    month = f"{now:%Y-%m}"
    statements = base.removesuffix("papers") + "statements"
    return PapersView(
        papers=tuple(_paper(one, base=base) for one in found),
        chips=chips(base, _CHIPS, name="kind", chosen=chosen),
        this_month=month,
        so_far=tuple(
            SoFarView(currency, _files(f"{statements}/{month}", currency=currency))
            for currency in currencies
        ),
        pager=pager,
    )


def _paper(found: IssuedDocument, *, base: str) -> PaperView:
    return PaperView(
        number=found.number,
        kind=SELLER_KINDS.get(found.kind.value, found.kind.value),
        period=found.period or "",
        total=Money(found.total_minor, found.currency),
        issued_at=found.issued_at,
        files=_files(f"{base}/{found.id}"),
    )


def _files(href: str, **more: str) -> tuple[LinkView, ...]:
    return tuple(
        LinkView(form.upper(), f"{href}?{urlencode({'format': form, **more})}") for form in FORMS
    )
