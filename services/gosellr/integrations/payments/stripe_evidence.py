"""What sellers say to a chargeback, handed to Stripe: their files first, then everything at once.

Stripe takes evidence once. A file is uploaded under a key of its own, so that what was cut off
uploads nothing twice within a day; and what has been handed in already is never sent again.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import stripe

from gosellr.integrations.payments.port import DisputeEvidence, EvidenceFile, Outcome
from gosellr.integrations.payments.stripe_answers import Unreadable
from gosellr.integrations.payments.stripe_api import KeyReused, Refused, StripeApi, Unanswered

if TYPE_CHECKING:
    from stripe.params import DisputeUpdateParams, FileCreateParams

# Under this name our identifier stands in the metadata of a dispute that was answered.
EVIDENCE: Final = "gosellr_evidence"

# One file has one place among the evidence; the rest the statement names.
PLACES: Final = (
    "uncategorized_file",
    "customer_communication",
    "service_documentation",
    "shipping_documentation",
    "receipt",
)
# What Stripe takes, each and altogether.
TYPES: Final = frozenset({"application/pdf", "image/jpeg", "image/png"})
BYTES_MAX: Final = 4_500_000
_SUFFIXES: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class _Named(io.BytesIO):
    """A file for Stripe's library, which asks it for its name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


async def hand_in(api: StripeApi, evidence: DisputeEvidence) -> Outcome:
    """See `DisputingGateway.submit_evidence`."""
    try:
        before = await _dispute(api, evidence.reference)
        if (before.get("metadata") or {}).get(EVIDENCE) == evidence.evidence_id:
            return Outcome.ACCEPTED
        if before.get("status") != "needs_response" or _is_handed_in(before):
            # Too late, or somebody said it all in Stripe's own pages.
            return Outcome.DECLINED
        chosen = chosen_files(evidence.files)
        uploaded = [
            await _upload(api, file, key=f"{evidence.evidence_id}-file-{number}")
            for number, file in enumerate(chosen)
        ]
        said: DisputeUpdateParams = {
            "evidence": _said(evidence, uploaded),  # type: ignore[typeddict-item]
            "metadata": {EVIDENCE: evidence.evidence_id},
            "submit": True,
        }
        await api.call(
            "evidence",
            lambda client: client.v1.disputes.update_async(
                evidence.reference, said, {"idempotency_key": evidence.evidence_id}
            ),
        )
    except Refused:
        # Too late, or decided: it takes no more.
        return Outcome.DECLINED
    except KeyReused:
        # Under this key something else was said; whether it was handed in, is asked next time.
        return Outcome.UNKNOWN
    except (Unanswered, Unreadable):
        return Outcome.UNKNOWN
    return Outcome.ACCEPTED


def chosen_files(files: Sequence[EvidenceFile]) -> list[EvidenceFile]:
    """As many as there are places, of the types and within the size that Stripe takes."""
    chosen: list[EvidenceFile] = []
    left = BYTES_MAX
    for file in files:
        if len(chosen) == len(PLACES):
            break
        if file.content_type in TYPES and len(file.content) <= left:
            chosen.append(file)
            left -= len(file.content)
    return chosen


def _is_handed_in(document: Mapping[str, Any]) -> bool:
    details = document.get("evidence_details") or {}
    return bool(details.get("submission_count"))


async def _dispute(api: StripeApi, reference: str) -> dict[str, Any]:
    answer = await api.call("dispute", lambda client: client.v1.disputes.retrieve_async(reference))
    return answer.document


async def _upload(api: StripeApi, file: EvidenceFile, *, key: str) -> str:
    """Stripe's name of a file. Its own name stays here: it may name a person."""
    name = f"evidence.{_SUFFIXES[file.content_type]}"

    async def send(client: stripe.StripeClient) -> stripe.StripeObject:
        params: FileCreateParams = {
            "purpose": "dispute_evidence", "file": _Named(file.content, name),
        }  # fmt: skip
        return await client.v1.files.create_async(params, {"idempotency_key": key})

    uploaded = (await api.call("file", send)).document.get("id")
    if not isinstance(uploaded, str):
        raise Unreadable("a file without a name")
    return uploaded


def _said(evidence: DisputeEvidence, uploaded: Sequence[str]) -> dict[str, str]:
    said = {"uncategorized_text": evidence.statement}
    if evidence.tracking_number is not None:
        said |= {
            "shipping_tracking_number": evidence.tracking_number,
            "shipping_carrier": evidence.carrier or "",
        }
    return said | dict(zip(PLACES, uploaded, strict=False))
