"""Documents that follow from what happened: from a payment an invoice, from a refund a note, from
a lost chargeback that comes back a new invoice."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.flows import documents
from gosellr.models.events import RecordedFact
from gosellr.resources import Resources


async def issue_invoices(resources: Resources, facts: Sequence[RecordedFact]) -> None:
    """Orders were paid."""
    order_ids = [fact.aggregate_id for fact in facts]
    await documents.issue_invoices(resources.documents, order_ids=order_ids)


async def issue_invoices_of_captures(resources: Resources, facts: Sequence[RecordedFact]) -> None:
    """Shares of orders were taken as their goods left."""
    order_ids = sorted({UUID(fact.data["order_id"]) for fact in facts})
    await documents.issue_invoices(resources.documents, order_ids=order_ids)


async def issue_credit_note(resources: Resources, fact: RecordedFact) -> None:
    """A refund reached its buyer."""
    await documents.issue_credit_note(resources.documents, refund_id=fact.aggregate_id)


async def issue_paid_again(resources: Resources, fact: RecordedFact) -> None:
    """What a bank had won came back, or was taken once more."""
    await documents.issue_paid_again(resources.documents, order_id=UUID(fact.data["order_id"]))


async def close_months(resources: Resources) -> None:
    """Issue the documents of the months that are over."""
    await documents.close_months(resources.documents)
