"""How what takes two people is asked about and decided."""

from collections.abc import Sequence

from tests.api.matrix.request import Call, Fixed

_PROPOSAL = {"proposal_id": Fixed("proposal")}
# The state may have moved on.
_DECIDED = frozenset({200, 409})

PROPOSALS: dict[str, Sequence[Call]] = {
    "list_proposals": [Call()],
    "get_proposal": [Call(path=_PROPOSAL)],
    "approve_proposal": [Call(path=_PROPOSAL, reached=_DECIDED)],
    "reject_proposal": [Call(path=_PROPOSAL, body={"reason": "for a test"}, reached=_DECIDED)],
}
