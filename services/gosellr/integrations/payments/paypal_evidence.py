"""What sellers say to a dispute at PayPal: their words in notes, their parcel, and their files.

PayPal takes no key here. Our own name of what is said stands in its first note, so that it is found
again where an answer was lost.
"""

from typing import Any, Final

from gosellr.integrations.payments.paypal_forms import Form, FormFile
from gosellr.integrations.payments.port import DisputeEvidence

PROVIDE: Final = "provide_evidence"
ACCEPT: Final = "accept_claim"
"""The relations of the links that say what may be done now."""

ACCEPTED: Final = Form(
    said={"note": "The seller accepts the claim.", "accept_claim_type": "REFUND"}
)
NOTE_LENGTH_MAX: Final = 2_000
# What PayPal takes, of ours; each and all together we send less than it would take.
BYTES_MAX: Final = 8_000_000
_SUFFIXES: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
_CARRIERS: Final = {
    "dhl": "DHL", "fedex": "FEDEX", "royal_mail": "ROYAL_MAIL", "tnt": "TNT", "ups": "UPS",
    "usps": "USPS",
}  # fmt: skip


def form_of(evidence: DisputeEvidence) -> Form:
    """All that is said, at once: more than one note where one is too short for it."""
    said = f"Reference {evidence.evidence_id}\n{evidence.statement}"
    notes = [
        said[start : start + NOTE_LENGTH_MAX] for start in range(0, len(said), NOTE_LENGTH_MAX)
    ]
    rows: list[dict[str, Any]] = [{"evidence_type": "OTHER", "notes": note} for note in notes]
    if evidence.tracking_number:
        rows[0] |= {
            "evidence_type": "PROOF_OF_FULFILLMENT",
            "evidence_info": {"tracking_info": [_tracking(evidence, evidence.tracking_number)]},
        }
    return Form(said={"evidences": rows}, files=_files(evidence))


def _tracking(evidence: DisputeEvidence, tracking_number: str) -> dict[str, str]:
    carrier = evidence.carrier or "unknown"
    known = _CARRIERS.get(carrier.lower().replace(" ", "_"))
    tracked = {"carrier_name": known or "OTHER", "tracking_number": tracking_number}
    return tracked if known else tracked | {"carrier_name_other": carrier}


def _files(evidence: DisputeEvidence) -> list[FormFile]:
    """Their own names stay here: those may name a person."""
    chosen: list[FormFile] = []
    left = BYTES_MAX
    for file in evidence.files:
        suffix = _SUFFIXES.get(file.content_type)
        if suffix is None or len(file.content) > left:
            continue
        left -= len(file.content)
        chosen.append(
            FormFile(
                field="evidence-file",
                name=f"evidence-{len(chosen) + 1}.{suffix}",
                content_type=file.content_type,
                content=file.content,
            )
        )
    return chosen
