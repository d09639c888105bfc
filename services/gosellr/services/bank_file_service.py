"""Payouts that a bank is told of by a file: put into one once, and standing where it stands.

The bank answers by its account statement, so a person says what it did: with the file as a whole,
and with single payments of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, decode_moment_cursor, encode_cursor
from gosellr.models.balance_values import BankFile, FiledPayment, FiledPayout
from gosellr.models.events import Fact, FactType
from gosellr.queries import bank_files, outbox, payouts
from gosellr.services import idempotency_service, ledger_service, payout_outcome
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.payout_outcome import PayoutAnswer
from gosellr.services.seller_scope import require_no_part
from gosellr.utils import sepa
from gosellr.utils.ledger import BANK, seller_available
from gosellr.utils.payouts import BY_FILE, PayoutStatus
from gosellr.utils.sepa import Debtor, NotSepa, Transfer
from gosellr.utils.viewer import Viewer

_ANSWERS = {"executed": PayoutStatus.PAID, "rejected": PayoutStatus.FAILED}


class NothingToFile(Conflict):
    """No payout waits for the bank, or none that it could be told of."""

    code = "nothing_to_file"
    title = "No payout waits for a file"


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


@dataclass(frozen=True, slots=True)
class Account:
    """An account in clear, for the file alone."""

    holder: str
    iban: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """A payout that no file can hold, and why; it waits for a person."""

    payout_id: UUID
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A file, whether the same request had made it before, and what was left out."""

    value: BankFile
    existed: bool
    unfit: Sequence[Unfit] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """How an account is read, and a file kept: by the process that has the keys."""

    read_account: Callable[[FiledPayout], Account]
    seal: Callable[[UUID, bytes], bytes]


async def make(
    connection: Connection,
    *,
    viewer: Viewer,
    debtor: Debtor,
    secrets: Secrets,
    key: RequestKey,
    kept_for: timedelta,
    now: datetime,
    limit: int = sepa.PAYMENTS_MAX,
) -> MadeFile:
    """Put the payouts that wait for the bank into a file, oldest first, as many as one holds; what
    is left waits for the next one.

    Raises:
        NotAllowed: the viewer runs no market.
        NothingToFile: none waits.
        IdempotencyKeyReused.
    """
    user_id = _operator(viewer)
    file_id = new_id()
    earlier = await idempotency_service.claim(
        connection, request=key, resource_id=str(file_id), now=now, kept_for=kept_for
    )
    if earlier is not None:
        first = await find(connection, file_id=UUID(earlier.resource_id or ""))
        return MadeFile(value=first, existed=True)
    transfers, unfit = await _taken(connection, secrets.read_account, limit=limit)
    if not transfers:
        raise _nothing(unfit)
    pay_on = sepa.banking_day(now)
    content = sepa.pain_001(
        message_id=file_id.hex,
        made_at=now,
        pay_on=pay_on,
        debtor=debtor,
        transfers=list(transfers.values()),
    )
    file = BankFile(
        id=file_id,
        message_id=file_id.hex,
        status="made",
        currency=sepa.CURRENCY,
        amount_minor=sum(one.amount_minor for one in transfers.values()),
        payment_count=len(transfers),
        pay_on=pay_on,
        content_sha256=sha256(content).hexdigest(),
        made_by=user_id,
        made_at=now,
        decided_by=None,
        decided_at=None,
        reason=None,
    )
    await bank_files.add(
        connection,
        file=file,
        content_encrypted=secrets.seal(file_id, content),
        payout_ids=list(transfers),
    )
    await _tell(connection, FactType.BANK_FILE_MADE, file, user_id, now=now)
    return MadeFile(value=file, existed=False, unfit=unfit)


async def _taken(
    connection: Connection, read_account: Callable[[FiledPayout], Account], *, limit: int
) -> tuple[dict[UUID, Transfer], list[Unfit]]:
    """As many payouts as a file holds. Those that no file can hold are passed, however many of
    them wait before the others."""
    transfers: dict[UUID, Transfer] = {}
    unfit: list[Unfit] = []
    after: UUID | None = None
    while left := limit - len(transfers):
        waiting = await bank_files.take_waiting(
            connection, currency=sepa.CURRENCY, after=after, limit=left
        )
        if not waiting:
            break
        after = waiting[-1].id
        fit, others = _transfers(waiting, read_account)
        transfers |= fit
        unfit += others
    return transfers, unfit


def _transfers(
    waiting: Sequence[FiledPayout], read_account: Callable[[FiledPayout], Account]
) -> tuple[dict[UUID, Transfer], list[Unfit]]:
    """Payouts as payments; one that no bank would take stops none of the others."""
    fit: dict[UUID, Transfer] = {}
    unfit: list[Unfit] = []
    for one in waiting:
        if obstacle := _obstacle(one):
            unfit.append(Unfit(one.id, obstacle))
            continue
        account = read_account(one)
        try:
            fit[one.id] = Transfer(
                end_to_end_id=one.id.hex,
                amount_minor=one.amount_minor,
                name=sepa.sepa_text(account.holder, length_max=sepa.NAME_LENGTH_MAX),
                iban=account.iban,
                text=f"Payout {one.id.hex[-12:]}",
            )
        except NotSepa as error:
            unfit.append(Unfit(one.id, str(error)))
    return fit, unfit


def _nothing(unfit: Sequence[Unfit]) -> NothingToFile:
    """Nothing waits, or nothing that may stand in a file: then why, as where a file was made."""
    if not unfit:
        return NothingToFile()
    reasons = ", ".join(sorted({one.reason for one in unfit}))
    told = [{"payout_id": str(one.payout_id), "reason": one.reason} for one in unfit]
    return NothingToFile(f"{len(unfit)} can't stand in one: {reasons}", extras={"unfit": told})


def _obstacle(one: FiledPayout) -> str:
    """What was decided about a seller since the payout was made; empty where nothing was."""
    if one.is_suspended:
        return "the seller is suspended"
    if one.is_held:
        return "payouts to this seller are on hold"
    return "the seller is paid to another account by now" if one.is_replaced else ""


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
    user_id = _operator(viewer)
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
    await _tell(connection, FactType.BANK_FILE_EXECUTED, file, user_id, now=now)


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
    user_id = _operator(viewer)
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
    await _tell(connection, FactType.BANK_FILE_REJECTED, file, user_id, now=now)


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
    _operator(viewer)
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


async def find(connection: Connection, *, file_id: UUID) -> BankFile:
    """A file as it stands. For operators. Raises `NotFound`."""
    file = await bank_files.find(connection, file_id=file_id)
    if file is None:
        raise NotFound
    return file


async def _locked(connection: Connection, file_id: UUID) -> BankFile:
    file = await bank_files.lock(connection, file_id=file_id)
    if file is None:
        raise NotFound
    return file


async def sealed_content(connection: Connection, *, file_id: UUID) -> bytes:
    """What stands in a file, encrypted for its row. For operators. Raises `NotFound`."""
    content = await bank_files.content(connection, file_id=file_id)
    if content is None:
        raise NotFound
    return content


async def open_payouts(connection: Connection, *, file_id: UUID) -> list[UUID]:
    """Payouts of a decided file that are still to be followed up."""
    return await bank_files.open_payouts(connection, file_id=file_id, limit=sepa.PAYMENTS_MAX)


async def payments_of(connection: Connection, *, file_id: UUID) -> list[FiledPayment]:
    """The payments of a file, as they stand. For operators."""
    return await bank_files.payments(connection, file_id=file_id, limit=sepa.PAYMENTS_MAX)


async def list_files(
    connection: Connection, *, status: str | None, cursor: str | None, limit: int
) -> Page[BankFile]:
    """Files, newest first. For operators.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await bank_files.list_files(
        connection,
        status=status,
        after=None if cursor is None else decode_moment_cursor(cursor),
        limit=limit + 1,
    )
    items = rows[:limit]
    if len(rows) <= limit:
        return Page(items, None)
    return Page(items, encode_cursor(items[-1].made_at.isoformat(), str(items[-1].id)))


def _operator(viewer: Viewer) -> UUID:
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed
    return viewer.user_id


async def _tell(
    connection: Connection, kind: FactType, file: BankFile, user_id: UUID, *, now: datetime
) -> None:
    about = {
        "amount": {"amount": file.amount_minor, "currency": file.currency},
        "payment_count": file.payment_count,
        "by": str(user_id),
    }
    await outbox.append(connection, [Fact(kind, file.id, about)], now=now)
