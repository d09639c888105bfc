"""Disputes at PayPal: asked after by the payment they are about, listed, answered, and given in to.

PayPal names a dispute's payment only in the dispute itself, so a list tells what changed, and each
that may be news is read. A reference here is PayPal's name of an order, or of a dispute.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from gosellr.integrations.payments import paypal_evidence as evidences
from gosellr.integrations.payments.paypal_answers import Order, Unreadable
from gosellr.integrations.payments.paypal_api import Missing, PayPalApi, Refused, Unanswered
from gosellr.integrations.payments.paypal_dispute_answers import (
    AWARDED,
    INQUIRY,
    RESOLVED,
    PayPalDispute,
    read_dispute,
)
from gosellr.integrations.payments.paypal_orders import PayPalOrders
from gosellr.integrations.payments.port import (
    DisputeEvidence,
    DisputeState,
    GatewayDispute,
    Outcome,
)
from gosellr.integrations.payments.report_port import DisputedCharge
from gosellr.utils.paypal_movements import read_our_id

_log = logging.getLogger("gosellr.paypal")

_DISPUTES: Final = "/v1/customer/disputes"
_NAMED: Final = "PP-"
_PAGE_SIZE: Final = 50
_PAGES_MAX: Final = 50
# PayPal lists no older ones.
_MEMORY: Final = timedelta(days=179)
_NO_ANSWER: Final = (Unanswered, Refused, Unreadable, KeyError, TypeError, AttributeError)


class _Clocked(Protocol):
    def now(self) -> datetime: ...


class PayPalDisputes:
    """The disputes of one account, that of `_merchant_id`."""

    _api: PayPalApi
    _orders: PayPalOrders
    _clock: _Clocked
    _merchant_id: str

    async def disputes_of(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> Sequence[GatewayDispute] | None:
        """See `DisputingGateway.disputes_of`."""
        try:
            order_id = gateway_reference
            if gateway_reference is not None and gateway_reference.startswith(_NAMED):
                named = await self._dispute(gateway_reference)
                order_id = (await self._charge_of(named))[1]
            order = await self._orders.known(attempt_id, order_id)
            found = [
                one
                for capture in order.captures
                for one in await self._of_capture(order, capture.id)
            ]
        except _NO_ANSWER:
            return None
        told = {one.reference: one for dispute in found for one in dispute.told(
            attempt_id=attempt_id
        )}  # fmt: skip
        return sorted(told.values(), key=lambda one: (one.opened_at, one.reference))

    async def disputed_since(self, moment: datetime) -> Sequence[DisputedCharge] | None:
        """See `TellsDisputes.disputed_since`; also those that changed since."""
        try:
            return [
                one
                for row in await self._listed(
                    update_time_after=_written(max(moment, self._clock.now() - _MEMORY))
                )
                for one in await self._charges(row)
            ]
        except _NO_ANSWER:
            return None

    async def attempt_of(self, *, gateway_reference: str) -> str | None:
        """See `DisputingGateway.attempt_of`."""
        try:
            return (await self._charge_of(await self._dispute(gateway_reference)))[0]
        except Missing:
            return ""
        except _NO_ANSWER:
            return None

    async def submit_evidence(self, evidence: DisputeEvidence) -> Outcome:
        """See `DisputingGateway.submit_evidence`."""
        try:
            before = await self._dispute(evidence.reference)
            if any(evidence.evidence_id in note for note in before.notes):
                return Outcome.ACCEPTED
            if evidences.PROVIDE not in before.may:
                # Too late, or said on PayPal's own pages; where it has just begun, not yet.
                return Outcome.UNKNOWN if before.status == "OPEN" else Outcome.DECLINED
            await self._api.call(
                "evidence",
                "POST",
                f"{_path(evidence.reference)}/provide-evidence",
                body=evidences.form_of(evidence),
            )
        except Refused:
            return Outcome.DECLINED
        except (Unanswered, Unreadable):
            return Outcome.UNKNOWN
        return Outcome.ACCEPTED

    async def accept_claim(self, *, reference: str) -> Outcome:
        """See `AcceptsClaims.accept_claim`."""
        try:
            before = await self._dispute(reference)
            if before.lost_minor is not None:
                return Outcome.ACCEPTED if before.lost_minor else Outcome.DECLINED
            if evidences.ACCEPT not in before.may:
                return Outcome.UNKNOWN if before.status == "OPEN" else Outcome.DECLINED
            await self._api.call(
                "claim", "POST", f"{_path(reference)}/accept-claim", body=evidences.ACCEPTED
            )
        except Refused:
            return Outcome.DECLINED
        except (Unanswered, Unreadable):
            return Outcome.UNKNOWN
        return Outcome.ACCEPTED

    async def _of_capture(self, order: Order, capture_id: str) -> list[PayPalDispute]:
        """Those about one payment, each held against what was taken by it."""
        found = []
        for row in await self._listed(disputed_transaction_id=capture_id):
            if _is_talk(row):
                continue
            dispute = await self._dispute(row["dispute_id"])
            taken = [one for one in order.captures if one.id in dispute.captures]
            if (
                capture_id not in dispute.captures
                or len(taken) != len(dispute.captures)
                or any(one.currency != dispute.currency for one in taken)
                or dispute.amount_minor > sum(one.amount_minor for one in taken)
            ):
                _log.error("%s isn't about what was taken", dispute.reference)
                raise Unreadable("a dispute about something else")
            found.append(dispute)
        return found

    async def _charges(self, row: dict[str, Any]) -> list[DisputedCharge]:
        """What a row of the list is; one that is decided is read for how."""
        if _is_talk(row):
            return []
        name = row["dispute_id"]
        if row["status"] != RESOLVED:
            return [DisputedCharge(reference=name, charge_reference=name, state=DisputeState.OPEN)]
        try:
            told = (await self._dispute(name)).told(attempt_id="")
        except Unreadable:
            # One that a person has to look at keeps no other from being found.
            _log.exception("%s can't be read", name)
            return []
        return [
            DisputedCharge(
                reference=one.reference,
                charge_reference=one.reference.removesuffix(AWARDED),
                state=one.state,
            )
            for one in told
        ]

    async def _listed(self, **asked: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page: dict[str, str] = {}
        for _ in range(_PAGES_MAX):
            query = urlencode({**asked, "page_size": _PAGE_SIZE, **page})
            document = await self._api.call("list of disputes", "GET", f"{_DISPUTES}?{query}")
            rows += document.get("items") or ()
            following = next(
                (one["href"] for one in document.get("links") or () if one["rel"] == "next"), None
            )
            if following is None:
                return rows
            page = {"next_page_token": parse_qs(urlsplit(following).query)["next_page_token"][0]}
        raise Unanswered("list of disputes")

    async def _dispute(self, reference: str) -> PayPalDispute:
        """One in full, if it is about this market's account."""
        dispute = read_dispute(await self._api.call("dispute", "GET", _path(reference)))
        if dispute.reference != reference or dispute.sellers - {self._merchant_id}:
            _log.error("%s isn't about this market", reference)
            raise Unreadable("a dispute of somebody else")
        return dispute

    async def _charge_of(self, dispute: PayPalDispute) -> tuple[str, str | None]:
        """The attempt whose money it is about, and PayPal's name of its order."""
        capture_id = min(dispute.captures)
        document = await self._api.call(
            "capture", "GET", f"/v2/payments/captures/{quote(capture_id, safe='')}"
        )
        related = (document.get("supplementary_data") or {}).get("related_ids") or {}
        return read_our_id(document.get("custom_id"))[0], related.get("order_id")


def _is_talk(row: dict[str, Any]) -> bool:
    return bool(row["dispute_life_cycle_stage"] == INQUIRY and row["status"] != RESOLVED)


def _path(reference: str) -> str:
    return f"{_DISPUTES}/{quote(reference, safe='')}"


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
