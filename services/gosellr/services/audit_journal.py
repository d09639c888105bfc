"""Proof that nobody has changed the journal: every hash and every seal made again."""

from collections.abc import AsyncIterator
from dataclasses import field, fields
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import audit_journal, ledger, ledger_upkeep
from gosellr.queries.ledger import BookedTransaction
from gosellr.queries.ledger_upkeep import Seal, Sealed
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    FIRST_SEAL,
    batch_root,
    seal_hash,
    transaction_bytes,
    transaction_hash,
)

# A page is hashed by one statement; what that can't vouch for is read here, batch by batch.
_VERIFY_PAGE = 20_000
_VERIFY_BATCH = 1_000
_SEALS_AT_ONCE = 5
_FIRST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Tampering:
    """A row of the journal that isn't what it was when it was booked or sealed."""

    row: str
    problem: str


@dataclass(slots=True)
class JournalLook:
    """What a look at the whole journal found, and which questions it couldn't answer by itself."""

    tampering: list[Tampering] = field(default_factory=list)
    sums_are_doubted: bool = False
    writers_are_doubted: bool = False


async def verify(connection: Connection, *, limit: int = 1_000) -> JournalLook:
    """Everything that was changed, added or taken away behind the application's back.

    Looks at the whole journal in pages: rows are hashed again, then every seal is made again
    from the hashes it covers. Belongs into one snapshot, so that it sees one moment. It ends with
    so many findings as `limit` says.
    """
    look = JournalLook()
    async for found in _all_tampering(connection, look):
        look.tampering.append(found)
        if len(look.tampering) == limit:
            # What wasn't looked at vouches for nothing.
            look.sums_are_doubted = look.writers_are_doubted = True
            break
    return look


async def _all_tampering(connection: Connection, look: JournalLook) -> AsyncIterator[Tampering]:
    async for found in _changed_rows(connection, look):
        yield found
    async for found in _broken_seals(connection):
        yield found


async def _changed_rows(connection: Connection, look: JournalLook) -> AsyncIterator[Tampering]:
    strange = await audit_journal.accounts_are_strange(connection)
    after, until = _FIRST_ID, None
    while True:
        until = await audit_journal.page_end(connection, after=after, size=_VERIFY_PAGE)
        doubts = await audit_journal.doubtful(
            connection, after=after, until=until, accounts_are_strange=strange
        )
        look.sums_are_doubted |= any(doubt.is_unbalanced for doubt in doubts)
        look.writers_are_doubted |= any(doubt.is_joined_later for doubt in doubts)
        changed = [doubt.transaction_id for doubt in doubts if doubt.is_changed]
        for start in range(0, len(changed), _VERIFY_BATCH):
            batch = changed[start : start + _VERIFY_BATCH]
            for transaction in await ledger.find_all(connection, transaction_ids=batch):
                if _hash_of(transaction) != transaction.hash:
                    row = f"ledger_transaction {transaction.id}"
                    yield Tampering(row, "doesn't match its hash")
        if until is None:
            return
        after = until


_HASHED = tuple(one.name for one in fields(BookedTransaction) if one.name not in {"id", "hash"})


def _hash_of(transaction: BookedTransaction) -> bytes:
    written = {name: getattr(transaction, name) for name in _HASHED}
    return transaction_hash(transaction_bytes(transaction_id=transaction.id, **written))


async def _broken_seals(connection: Connection) -> AsyncIterator[Tampering]:
    previous_hash, after = FIRST_SEAL, 0
    while seals := await ledger_upkeep.find_seals(connection, after=after, limit=_SEALS_AT_ONCE):
        covered = await ledger_upkeep.find_sealed(connection, first=seals[0].id, last=seals[-1].id)
        for one in seals:
            under = covered.get(one.id) or Sealed(one.id, 0, None, ())
            for transaction_id in under.gone_ids:
                yield Tampering(f"ledger_transaction {transaction_id}", f"gone from seal {one.id}")
            for problem in _problems(one, under, previous_hash):
                yield Tampering(f"ledger_seal {one.id}", problem)
            previous_hash = one.hash
        after = seals[-1].id


def _problems(one: Seal, under: Sealed, previous_hash: bytes) -> list[str]:
    found = []
    if under.transaction_count != one.transaction_count:
        found.append(
            f"covers {under.transaction_count} transactions instead of {one.transaction_count}"
        )
    elif (under.root_hash or batch_root(())) != one.root_hash:
        found.append("its transactions' hashes make another root")
    if one.previous_hash != previous_hash:
        found.append("doesn't follow the seal before it")
    if seal_hash(previous_hash=one.previous_hash, root_hash=one.root_hash) != one.hash:
        found.append("doesn't match its own hash")
    return found
