"""What a bank did with the payouts that it was told of by a file: with all of it, or one by one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.models.balance_values import BankFile
from gosellr.models.events import FactType
from gosellr.queries import bank_files, payouts
from gosellr.services import ledger_service, payout_outcome
from gosellr.services.bank_file_service import open_payouts, operator_of, tell
from gosellr.services.payout_outcome import PayoutAnswer
from gosellr.services.seller_scope import require_no_part
from gosellr.utils import sepa
from gosellr.utils.ledger import BANK, seller_available
from gosellr.utils.payouts import BY_FILE, PayoutStatus
from gosellr.utils.viewer import Viewer

_ANSWERS = {"executed": PayoutStatus.PAID, "rejected": PayoutStatus.FAILED}


class BankFileDecided(Conflict):
    """Somebody has said before what the bank did with it."""

    code = "bank_file_decided"
    title = "What the bank did with this file is written down already"


class BankFileContradicted(Conflict):
    """Somebody has said before that other payments of it failed."""

    code = "bank_file_contradicted"
    title = "Other payments of this file were said to have failed"


class PayoutNotByFile(Conflict):
    """Its provider is asked, or its file is on its way: only the bank can say."""

    code = "payout_not_by_file"
    title = "Nobody can say of this payout that it failed"


async def execute(
    connection: Connection,
    *,
    viewer: Viewer,
    file_id: UUID,
    failed: Mapping[UUID, str],
    now: datetime,
) -> None:
    """The bank has carried a file out, but for the payments that `failed` names with reasons.

    Its other payouts are paid by whoever follows them up. Said again, it changes nothing.

    Raises:
        NotFound: there is no such file.
        NotAllowed: the viewer runs no market, or acts for the seller of a payment that failed.
        InvalidInput: a payment isn't in the file.
        BankFileDecided: it was rejected.
        BankFileContradicted: it was executed, but for other payments or for other reasons.
    """
    user_id = operator_of(viewer)
    file = await _locked(connection, file_id)
    if file.status == "executed":
        if await bank_files.told_failed(connection, file_id=file_id) != failed:
            raise BankFileContradicted
        return
    inside = set(
        await bank_files.open_payouts(connection, file_id=file_id, limit=sepa.PAYMENTS_MAX)
    )
    if failed.keys() - inside:
        raise InvalidInput.at("failed", "payment_unknown", "One of these isn't in the file")
    await _require_no_part(connection, viewer, file, list(failed))
    # Before the payouts, of which the next statement takes every one.
    await _hold_balances(connection, file, list(failed))
    if not await bank_files.decide(
        connection,
        file_id=file_id,
        status="executed",
        user_id=user_id,
        reason=None,
        now=now,
        failed=failed,
    ):
        raise BankFileDecided
    for payout_id, reason in sorted(failed.items()):
        await _answer(connection, payout_id, PayoutStatus.FAILED, reason=reason, now=now)
    await tell(connection, FactType.BANK_FILE_EXECUTED, file, user_id, now=now)


async def _require_no_part(
    connection: Connection, viewer: Viewer, file: BankFile, payout_ids: Sequence[UUID]
) -> None:
    """What comes back is the seller's to be paid once more: nobody says so of their own shop."""
    if viewer.memberships:
        for seller_id in await bank_files.sellers(
            connection, file_id=file.id, payout_ids=payout_ids
        ):
            require_no_part(viewer, seller_id=seller_id)


async def _hold_balances(
    connection: Connection, file: BankFile, payout_ids: Sequence[UUID]
) -> None:
    sellers = await bank_files.sellers(connection, file_id=file.id, payout_ids=payout_ids)
    if sellers:
        await ledger_service.locked_balances(
            connection,
            accounts=[seller_available(one) for one in sellers],
            currency=file.currency,
        )


async def reject(
    connection: Connection, *, viewer: Viewer, file_id: UUID, reason: str, now: datetime
) -> None:
    """The bank took a file not at all, or never got it: what its payouts hold is available again.

    Raises:
        NotFound: there is no such file.
        NotAllowed: the viewer runs no market, or acts for a seller who is in it.
        BankFileDecided: what the bank did is written down.
    """
    user_id = operator_of(viewer)
    file = await _locked(connection, file_id)
    if file.status == "rejected":
        return
    await _require_no_part(
        connection, viewer, file, await open_payouts(connection, file_id=file_id)
    )
    if not await bank_files.decide(
        connection, file_id=file_id, status="rejected", user_id=user_id, reason=reason, now=now
    ):
        raise BankFileDecided
    await tell(connection, FactType.BANK_FILE_REJECTED, file, user_id, now=now)


async def follow(connection: Connection, *, payout_id: UUID, now: datetime) -> None:
    """Bring a payout to where its file stands; one in no file, or in one that is open, waits."""
    state = await bank_files.state_of_payout(connection, payout_id=payout_id)
    status = None if state is None else _ANSWERS.get(state["file"])
    if state is not None and status is not None:
        reason = state["reason"] or "rejected_by_bank"
        await _answer(connection, payout_id, status, reason=reason, now=now)


async def fail_payout(
    connection: Connection, *, viewer: Viewer, payout_id: UUID, reason: str, now: datetime
) -> None:
    """A single payment didn't arrive, or can't be sent: its money is available again.

    Raises:
        NotFound: there is no such payout.
        NotAllowed: the viewer runs no market, or acts for the seller.
        PayoutNotByFile: its provider is asked, or the bank has its file and hasn't answered.
    """
    operator_of(viewer)
    payout = await payouts.load(connection, payout_id=payout_id)
    if payout is None:
        raise NotFound
    require_no_part(viewer, seller_id=payout.seller_id)
    if payout.provider not in BY_FILE:
        raise PayoutNotByFile
    # In the order of every payout that fails: the balance, then the payout itself.
    await ledger_service.locked_balances(
        connection, accounts=[seller_available(payout.seller_id)], currency=payout.currency
    )
    held = await payouts.lock(connection, payout_id=payout_id)
    if held is None:
        raise NotFound
    if held.status is PayoutStatus.FAILED:
        return
    state = await bank_files.state_of_payout(connection, payout_id=payout_id)
    is_waiting = state is None and held.status is PayoutStatus.PENDING
    if not is_waiting and (state is None or state["file"] != "executed"):
        raise PayoutNotByFile
    await _answer(connection, payout_id, PayoutStatus.FAILED, reason=reason, now=now)


async def _answer(
    connection: Connection, payout_id: UUID, status: PayoutStatus, *, reason: str, now: datetime
) -> None:
    answer = PayoutAnswer(status=status, funding=BANK, reason=reason)
    await payout_outcome.record_answer(connection, payout_id=payout_id, answer=answer, now=now)


async def _locked(connection: Connection, file_id: UUID) -> BankFile:
    file = await bank_files.lock(connection, file_id=file_id)
    if file is None:
        raise NotFound
    return file
