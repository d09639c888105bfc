"""Many who issue at once: every number is given once, none is skipped, each cause has one paper."""

import asyncio
from random import Random
from uuid import UUID, uuid4

from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import documents as flow
from gosellr.jobs.audit import audit_market
from gosellr.resources import Resources
from gosellr.services import document_register
from gosellr.services.document_register import DocumentDraft
from gosellr.utils.documents import MARKET, DocumentKind
from tests.factories.accounts import make_seller
from tests.factories.sales import NOW, buy, make_shop, refund

WRITERS = 16
ROUNDS = 12


class TurnedBack(Exception):
    """The transaction ends without a trace."""


def a_draft(issuer: str, seller_id: UUID, cause: str) -> DocumentDraft:
    return DocumentDraft(
        kind=DocumentKind.STATEMENT,
        issuer=issuer,
        cause_key=cause,
        seller_id=seller_id,
        period="2026-03",
        currency="EUR",
        total_minor=0,
        content={"kind": "statement", "opening_minor": 0, "closing_minor": 0, "groups": []},
    )


async def numbers(connection: Connection) -> dict[str, list[int]]:
    rows = await connection.fetch("SELECT issuer, number FROM document ORDER BY issuer, number")
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["issuer"], []).append(row["number"])
    return found


async def test_sixteen_writers_leave_no_gap_and_no_double(live: Resources) -> None:
    """A third of them is turned back in the middle, and some issue for the same cause."""
    seller = await transact(live.db, make_seller, now=NOW)
    issuers = (MARKET, str(seller.id))
    causes = [uuid4().hex for _ in range(WRITERS * ROUNDS // 2)]
    kept: set[str] = set()

    async def write(connection: Connection, drafts: list[DocumentDraft], fails: bool) -> None:
        await document_register.issue(connection, drafts=drafts, now=NOW)
        await asyncio.sleep(0)
        if fails:
            raise TurnedBack

    async def work(number: int) -> None:
        chance = Random(number)
        for _ in range(ROUNDS):
            chosen = chance.sample(causes, chance.randrange(1, 4))
            issuer = chance.choice(issuers)
            drafts = [a_draft(issuer, seller.id, f"{issuer}:{cause}") for cause in chosen]
            try:
                await transact(live.db, write, drafts, chance.random() < 0.33)
            except TurnedBack:
                continue
            kept.update(draft.cause_key for draft in drafts)

    await asyncio.gather(*(work(number) for number in range(WRITERS)))
    found = await ask(live.db, numbers)
    assert set(found) == set(issuers)
    for given in found.values():
        assert given == list(range(1, len(given) + 1))
    assert sum(map(len, found.values())) == len(kept)


async def test_an_order_told_to_sixteen_has_one_invoice_and_one_credit_note(
    live: Resources,
) -> None:
    shop = await transact(live.db, make_shop)
    orders = [await buy(live, (shop, 2)) for _ in range(4)]
    given = [await refund(live, order, shop, units=1) for order in orders]
    await asyncio.gather(
        *(
            flow.issue_invoices(live.documents, order_ids=[order.id])
            for order in orders
            for _ in range(4)
        ),
        *(
            flow.issue_credit_note(live.documents, refund_id=one.id)
            for one in given
            for _ in range(4)
        ),
    )

    async def count(connection: Connection) -> list[tuple[str, int, int]]:
        rows = await connection.fetch(
            "SELECT kind, count(*), max(number) FROM document GROUP BY kind ORDER BY kind"
        )
        return [tuple(row) for row in rows]

    assert await ask(live.db, count) == [("credit_note", 4, 4), ("invoice", 4, 4)]
    found = await audit_market(
        live.db,
        gateways=live.gateways,
        payout_providers=live.payout_providers,
        now=live.clock.now(),
    )
    assert found == []
