"""Chapters 7 and 8: everybody is paid, the month is closed, the provider's figures are compared."""

from datetime import datetime, timedelta
from pathlib import Path

from gosellr.core.transact import ask
from gosellr.flows import documents, payout_runs, reconciliation
from gosellr.flows.payout_runs import Batch
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs import upkeep
from gosellr.jobs.documents import close_months
from gosellr.jobs.story.pen import money
from gosellr.jobs.story.stage import CURRENCY, Shop, Stage
from gosellr.models.document_values import IssuedDocument
from gosellr.services import document_questions, reconciliation_questions
from gosellr.services.document_questions import DocumentFilters
from gosellr.utils.documents import DocumentKind
from gosellr.utils.ledger import COMMISSION
from gosellr.utils.slugs import slugify


class Differs(Exception):
    """Two figures that have to be one aren't."""


async def the_month_closes(stage: Stage, *, papers: Path | None) -> None:
    """Payouts, then statements and commission invoices."""
    stage.pen.chapter(7, "Payouts run, and the month closes")
    shops = list(stage.shops.values())
    await _pay_all(stage)
    await stage.show_balances("What each seller has", shops)
    stage.clock.set(_next_month(stage))
    await close_months(stage.resources)
    await stage.follow(
        "The month is over, and each seller gets its papers. What they say is what the ledger says."
    )
    for shop in shops:
        await _papers(stage, shop, folder=papers)
    if papers is not None:
        await _write_order_papers(stage, folder=papers)


async def _pay_all(stage: Stage) -> None:
    stage.wait(until=16)
    batch = await payout_runs.run_batch(
        stage.resources.payouts, viewer=stage.operator, currency=None, key=stage.key()
    )
    if not isinstance(batch, Batch):
        raise TypeError("nobody asked for this batch before")
    paid = ", ".join(
        f"{total.count} payouts over {money(total.amount_minor, total.currency)}"
        for total in batch.totals
    )
    skipped = {shop.id: shop.name for shop in stage.shops.values()}
    passed_over = "".join(
        f" {skipped[one.seller_id]} is passed over: {one.code}." for one in batch.skipped
    )
    await stage.follow(f"Olu pays everybody: {paid or 'nothing'}.{passed_over}")
    stage.wait(until=17)
    await upkeep.resume_payouts(stage.resources)
    await stage.follow("The provider has paid.")


def _next_month(stage: Stage) -> datetime:
    now = stage.clock.now()
    first = now.replace(day=1, hour=2, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


async def _papers(stage: Stage, shop: Shop, *, folder: Path | None) -> None:
    page = await ask(
        stage.resources.db,
        document_questions.of_seller,
        viewer=shop.owner,
        seller_id=shop.id,
        filters=DocumentFilters(),
        cursor=None,
        limit=50,
    )
    for found in page.items:
        await _check(stage, shop, found)
        if folder is not None:
            await _write(stage, found, folder=folder)
    statement = next(one for one in page.items if one.kind is DocumentKind.STATEMENT)
    stage.pen.table(
        f"{shop.name}, statement {statement.number} for {statement.period}",
        ("", CURRENCY),
        [
            ("at the beginning", _figure(statement.content["opening_minor"])),
            *(
                (f"{group['key'].replace('_', ' ')} × {group['count']}",
                 _figure(group["amount_minor"]))
                for group in statement.content["groups"]
            ),
            ("at the end", _figure(statement.content["closing_minor"])),
        ],
    )  # fmt: skip
    invoices = [one for one in page.items if one.kind is DocumentKind.COMMISSION_INVOICE]
    for invoice in invoices:
        totals = invoice.content["totals"]
        stage.pen.say(
            f"Commission invoice {invoice.number}: {money(totals['net_minor'], CURRENCY)} and"
            f" {money(totals['tax_minor'], CURRENCY)} value-added tax,"
            f" {money(totals['payable_minor'], CURRENCY)} in all, kept back already."
        )
    if not invoices:
        stage.pen.say("No commission is left, so there is no invoice for any.")


async def _check(stage: Stage, shop: Shop, found: IssuedDocument) -> None:
    """A paper says what the ledger says, which has booked nothing since the month ended."""
    if found.kind is DocumentKind.STATEMENT:
        held = await stage.balance(shop)
        owed_minor = (
            held.pending_minor
            + held.available_minor
            + held.reserved_minor
            + held.in_transit_minor
            - held.receivable_minor
        )
        _same(found.number, found.content["closing_minor"], owed_minor)
        groups = {group["key"]: group["amount_minor"] for group in found.content["groups"]}
        moved_minor = found.content["opening_minor"] + sum(groups.values())
        _same(f"{found.number}, added up", moved_minor, owed_minor)
        _same(f"{found.number}, payouts", -groups.get("payouts", 0), held.paid_out_minor)
    else:
        booked = await kept_of(stage, shop)
        totals = found.content["totals"]
        _same(found.number, (totals["net_minor"], totals["tax_minor"]), booked)


async def kept_of(stage: Stage, shop: Shop) -> tuple[int, int]:
    """Commission and its tax that the ledger has kept of a seller's sales."""
    parts = {
        part.id
        for name in stage.orders
        for part in (await stage.order(name)).parts
        if part.seller_id == shop.id
    }
    own = [one for one in stage.journal.movements if one.seller_order_id in parts]
    return (
        sum(one.change_minor for one in own if one.account == COMMISSION),
        sum(one.change_minor for one in own if one.account.startswith("tax_payable:")),
    )


async def _write(stage: Stage, found: IssuedDocument, *, folder: Path) -> None:
    made = await documents.make_file(
        stage.resources.documents, found.content, form="pdf", name=found.number
    )
    # Each seller numbers its own invoices from the first on.
    [seller] = [shop for shop in stage.shops.values() if shop.id == found.seller_id]
    name = slugify(seller.name, fallback="seller")
    (folder / f"{name} {made.name}").write_bytes(made.content)


async def _write_order_papers(stage: Stage, *, folder: Path) -> None:
    for order_id in stage.orders.values():
        for found in await ask(
            stage.resources.db,
            document_questions.of_order,
            viewer=stage.buyer,
            order_id=order_id,
        ):
            await _write(stage, found, folder=folder)


async def reconciled(stage: Stage) -> None:
    """What the provider says it moved, against the books."""
    stage.pen.chapter(8, "The provider's figures are held against ours")
    gateway = SandboxGateway.name
    stage.wait(until=10)
    pulled = await reconciliation.pull(
        stage.resources.db,
        gateways=stage.resources.gateways,
        gateway=gateway,
        viewer=stage.operator,
        now=stage.clock.now(),
    )
    await stage.follow(
        f"Olu fetches what the sandbox says it moved: {sum(one.movements for one in pulled)}"
        " captures with their fees, refunds, payouts, and what the bank took back."
        f" {sum(one.matched for one in pulled)} match what we booked to the cent,"
        f" {sum(one.waiting for one in pulled)} wait for an explanation."
    )
    if any(one.waiting for one in pulled):
        raise Differs("a movement of the provider's has no match")
    [standing] = await ask(
        stage.resources.db, reconciliation_questions.standing, now=stage.clock.now()
    )
    _same("the provider's balance", standing.provider_minor, standing.clearing_minor)
    gift = (
        " Below zero we owe it something: a gift card was spent that nobody had paid for."
        if standing.clearing_minor < 0
        else ""
    )
    stage.pen.say(
        f"By these movements it holds {money(standing.provider_minor, standing.currency)} for us,"
        f" and so our books say.{gift}"
    )


def _same(what: str, told: object, booked: object) -> None:
    if told != booked:
        raise Differs(f"{what}: {told} is told, {booked} is booked")


def _figure(minor: int) -> str:
    return money(minor, CURRENCY).removesuffix(f" {CURRENCY}")
