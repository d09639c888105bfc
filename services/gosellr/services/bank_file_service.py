"""Payouts that a bank is told of by a file: put into one once, and standing where it stands.

The bank answers by its account statement, so a person says what it did: with the file as a whole,
and with single payments of it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.balance_values import BankFile, FiledPayment, FiledPayout
from gosellr.models.events import Fact, FactType
from gosellr.models.payout_values import payout_number
from gosellr.queries import bank_files, outbox
from gosellr.services import idempotency_service
from gosellr.services.idempotency_service import RequestKey
from gosellr.utils import sepa
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.sepa import Debtor, NotSepa, Transfer
from gosellr.utils.viewer import Viewer


class NothingToFile(Conflict):
    """No payout waits for the bank, or none that it could be told of."""

    code = "nothing_to_file"
    title = "No payout waits for a file"


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
    user_id = operator_of(viewer)
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
    await tell(connection, FactType.BANK_FILE_MADE, file, user_id, now=now)
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
                text=f"Payout {payout_number(one.id)}",
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


async def find(connection: Connection, *, file_id: UUID) -> BankFile:
    """A file as it stands. For operators. Raises `NotFound`."""
    file = await bank_files.find(connection, file_id=file_id)
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
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.made_at, one.id))


def operator_of(viewer: Viewer) -> UUID:
    """Who runs the market. Raises NotAllowed."""
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed
    return viewer.user_id


async def tell(
    connection: Connection, kind: FactType, file: BankFile, user_id: UUID, *, now: datetime
) -> None:
    """Tell what somebody did with a file."""
    about = {
        "amount": {"amount": file.amount_minor, "currency": file.currency},
        "payment_count": file.payment_count,
        "by": str(user_id),
    }
    await outbox.append(connection, [Fact(kind, file.id, about)], now=now)
