"""Bank transfers, as people tell of them: what arrived, what is sent back, and to which account."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.encryption import Vault
from gosellr.core.errors import InvalidInput
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page
from gosellr.core.transact import ask, transact
from gosellr.flows.payments import Gateways, advance
from gosellr.integrations.payments.by_hand import BankTransfer
from gosellr.models.offline_values import HandRefund
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    hand_refund_proposals,
    hand_refund_service,
    receipt_decisions,
    receipt_service,
    reversal_service,
    transfer_proposals,
)
from gosellr.services.hand_refund_service import SealedAccount, SentTransfer
from gosellr.services.receipt_service import Arrived, TakenReceipt
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.iban import InvalidIban, last_four, parse_iban
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPowers:
    """What bank transfers need of their process."""

    db: Database
    gateways: Gateways
    clock: Clock
    policy: MarketPolicy
    vault: Vault

    def now(self) -> datetime:
        """The moment, by the process's clock."""
        return self.clock.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAccount:
    """The account that money goes back to."""

    iban: str | None
    holder: str | None

    def __repr__(self) -> str:
        return "RefundAccount()"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToSend:
    """Money that a person has to send back, and where it goes; None where nobody knows."""

    refund: HandRefund
    account: RefundAccount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenStatement:
    """What became of a statement's lines; `skipped_count` of them are money that left.
    `reversed_count` undo something earlier: they wait in the inbox for a person. `proposed` are
    more than one person may say."""

    taken: Sequence[TakenReceipt]
    skipped_count: int
    reversed_count: int = 0
    proposed: Sequence[Proposal] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedAccount:
    """An account as somebody typed it."""

    iban: str
    holder: str

    def __repr__(self) -> str:
        return "TypedAccount()"

    def checked(self) -> str:
        """The number. Raises `InvalidInput`."""
        try:
            return parse_iban(self.iban)
        except InvalidIban:
            raise InvalidInput.at("iban", "iban_wrong", "Look at the number once more") from None


async def take_statement(
    powers: TransferPowers,
    *,
    viewer: Viewer,
    lines: Sequence[BankLine],
    source: str = "document",
    by_hand: bool = False,
) -> TakenStatement:
    """Take the lines of a statement one by one, each once however often it is told. With `by_hand`
    what names no account is the viewer's word, and proposed where that isn't enough.

    What was taken before a cut stays, and the same statement again goes over the rest.

    Raises:
        InvalidInput: two lines bear one name, or it is about an account that isn't the market's;
            nothing is taken.
        MovementContradicted: a line was taken before with another amount; those before it stay.
        NotAllowed, ProposalWaits: as `transfer_proposals.take_alone`; those before it stay.
    """
    _check_accounts(powers, lines)
    if len({line.transaction_id for line in lines}) < len(lines):
        raise InvalidInput.at("file", "transaction_id_repeated", "A name stands there twice")
    reversals = [line for line in lines if line.is_reversal]
    arrived = [line for line in lines if line.amount_minor > 0 and not line.is_reversal]
    if reversals:
        await transact(
            powers.db,
            reversal_service.take_reversals,
            lines=reversals,
            source=source,
            taken_by=viewer.user_id,
            now=powers.now(),
        )
    statement_id = await transact(
        powers.db,
        receipt_service.open_statement,
        source=source,
        count=len(arrived),
        imported_by=viewer.user_id,
        now=powers.now(),
    )
    told = [
        await _take(
            powers,
            viewer=viewer,
            line=line,
            statement_id=statement_id,
            by_hand=by_hand and line.account is None,
        )
        for line in arrived
    ]
    return TakenStatement(
        taken=[one for one in told if isinstance(one, TakenReceipt)],
        proposed=[one for one in told if isinstance(one, Proposal)],
        skipped_count=len(lines) - len(arrived) - len(reversals),
        reversed_count=len(reversals),
    )


def _check_accounts(powers: TransferPowers, lines: Sequence[BankLine]) -> None:
    """Somebody else's money pays for nothing here. A table says no account, and its maker vouches
    for it."""
    told = {line.account for line in lines if line.account is not None}
    if not told:
        return
    gateway = powers.gateways.get(BankTransfer.name)
    ours = gateway.ibans if isinstance(gateway, BankTransfer) else frozenset()
    if not ours:
        raise InvalidInput.at("file", "no_bank_account", "The market has no account of its own")
    if told - ours:
        raise InvalidInput.at("file", "account_differs", "This is about another account")


async def take_receipt(powers: TransferPowers, *, viewer: Viewer, line: BankLine) -> TakenReceipt:
    """Take one transfer, as a person tells of it.

    Raises:
        MovementContradicted: its bank's name stands for another amount already.
        InvalidInput: nothing arrived.
    """
    if line.amount_minor <= 0:
        raise InvalidInput.at("amount.amount", "not_positive", "Only what arrives is a receipt")
    return (await take_statement(powers, viewer=viewer, lines=[line])).taken[0]


async def _take(
    powers: TransferPowers, *, viewer: Viewer, line: BankLine, statement_id: UUID, by_hand: bool
) -> TakenReceipt | Proposal:
    receipt_id = new_id()
    arrived = Arrived(
        id=receipt_id, line=line, payer_encrypted=sealed_payer(powers.vault, receipt_id, line)
    )
    if by_hand:
        told = await transact(
            powers.db,
            transfer_proposals.take_alone,
            viewer=viewer,
            arrived=arrived,
            statement_id=statement_id,
            policy=powers.policy,
            now=powers.now(),
        )
        if isinstance(told, TakenReceipt):
            await go_on(powers, told)
        return told
    taken = await transact(
        powers.db,
        receipt_service.take,
        arrived=arrived,
        statement_id=statement_id,
        taken_by=viewer.user_id,
        policy=powers.policy,
        now=powers.now(),
    )
    await go_on(powers, taken)
    return taken


async def assign(powers: TransferPowers, *, receipt_id: UUID, reference: str) -> TakenReceipt:
    """Say which order a transfer in suspense was meant for.

    Raises:
        As `receipt_decisions.assign`.
    """
    taken = await transact(
        powers.db,
        receipt_decisions.assign,
        receipt_id=receipt_id,
        reference=reference,
        policy=powers.policy,
        now=powers.now(),
    )
    await go_on(powers, taken)
    return taken


async def go_on(powers: TransferPowers, taken: TakenReceipt) -> None:
    """Beside a transfer other gateways may have waited for it."""
    if taken.order_id is not None and not taken.known:
        await advance(
            db=powers.db,
            gateways=powers.gateways,
            clock=powers.clock,
            policy=powers.policy,
            order_id=taken.order_id,
        )


async def give_back(
    powers: TransferPowers,
    *,
    viewer: Viewer,
    receipt_id: UUID,
    sent: SentTransfer,
) -> TakenReceipt:
    """Say that a transfer in suspense was sent back. Raises as `receipt_decisions.give_back`."""
    return await transact(
        powers.db,
        receipt_decisions.give_back,
        viewer=viewer,
        receipt_id=receipt_id,
        transaction_id=sent.transaction_id,
        sent_at=sent.sent_at,
        now=powers.now(),
    )


async def list_to_send(powers: TransferPowers, *, cursor: str | None, limit: int) -> Page[ToSend]:
    """What a person has to send back, the longest waiting first, and where it goes."""
    page = await ask(powers.db, hand_refund_service.list_open, cursor=cursor, limit=limit)
    return Page([_to_send(powers.vault, one) for one in page.items], page.next_cursor)


async def find_to_send(powers: TransferPowers, *, hand_refund_id: UUID) -> ToSend:
    """What has to be sent back, or was, and where it goes. Raises `NotFound`."""
    found = await ask(powers.db, hand_refund_service.find, hand_refund_id=hand_refund_id)
    return _to_send(powers.vault, found)


async def mark_sent(
    powers: TransferPowers,
    *,
    viewer: Viewer,
    hand_refund_id: UUID,
    sent: SentTransfer,
    account: TypedAccount | None,
) -> ToSend | Proposal:
    """Say that a refund was sent, and to which account where nobody knew that before; or propose
    to say so.

    Raises:
        As `hand_refund_proposals.mark_sent`; InvalidInput: the account's number is wrong.
    """
    found = await ask(powers.db, hand_refund_service.find, hand_refund_id=hand_refund_id)
    sealed = None if account is None else _sealed_account(powers.vault, found.order_id, account)

    done = await transact(
        powers.db,
        hand_refund_proposals.mark_sent,
        viewer=viewer,
        hand_refund_id=hand_refund_id,
        sent=sent,
        account=sealed,
        policy=powers.policy,
        now=powers.now(),
    )
    return done if isinstance(done, Proposal) else _to_send(powers.vault, done)


async def mark_failed(powers: TransferPowers, *, hand_refund_id: UUID, reason: str) -> ToSend:
    """Say that a refund can't be sent. Raises as `hand_refund_service.mark_failed`."""
    failed = await transact(
        powers.db,
        hand_refund_service.mark_failed,
        hand_refund_id=hand_refund_id,
        reason=reason,
        policy=powers.policy,
        now=powers.now(),
    )
    return _to_send(powers.vault, failed)


async def give_account(
    powers: TransferPowers, *, viewer: Viewer, order_id: UUID, account: TypedAccount
) -> str:
    """Say, as a buyer, to which account an order's money goes back; gives its last four signs.

    Raises:
        InvalidInput: the number is wrong.
        NotFound, NoTransfer: as `hand_refund_service.give_account`.
    """
    sealed = _sealed_account(powers.vault, order_id, account)
    await transact(
        powers.db,
        hand_refund_service.give_account,
        viewer=viewer,
        order_id=order_id,
        account=sealed,
        now=powers.now(),
    )
    return sealed.last_four


def _sealed_account(vault: Vault, order_id: UUID, account: TypedAccount) -> SealedAccount:
    iban = account.checked()
    said = {"iban": iban, "holder": account.holder}
    return SealedAccount(
        encrypted=_sealed(vault, said, place=_account_place(order_id)), last_four=last_four(iban)
    )


def sealed_payer(vault: Vault, receipt_id: UUID, line: BankLine) -> bytes | None:
    """Who sent it, for the row of that receipt alone; None where nobody says."""
    if line.payer_iban is None:
        return None
    payer = {"iban": line.payer_iban, "holder": line.payer_name or ""}
    return _sealed(vault, payer, place=_payer_place(receipt_id))


def _sealed(vault: Vault, account: Mapping[str, str], *, place: str) -> bytes:
    return vault.encrypt(json.dumps(account).encode(), place=place)


def _to_send(vault: Vault, found: HandRefund) -> ToSend:
    if found.account_encrypted is not None:
        opened = vault.decrypt(found.account_encrypted, place=_account_place(found.order_id))
    elif found.payer_encrypted is not None and found.payer_of is not None:
        opened = vault.decrypt(found.payer_encrypted, place=_payer_place(found.payer_of))
    else:
        return ToSend(refund=found, account=None)
    said = json.loads(opened)
    return ToSend(
        refund=found, account=RefundAccount(iban=said["iban"], holder=said["holder"] or None)
    )


def _account_place(order_id: UUID) -> str:
    return f"refund_account:account_encrypted:{order_id}"


def _payer_place(receipt_id: UUID) -> str:
    return f"provider_movement:payer_encrypted:{receipt_id}"
