"""What the clock starts: each calls one service or flow, and may run twice."""

from collections.abc import Sequence
from datetime import timedelta

from gosellr.core.transact import transact
from gosellr.flows import (
    captures,
    card_releases,
    chargebacks,
    disputes,
    gift_deliveries,
    hot_stock,
    labels,
    payments,
    payout_recalls,
    payouts,
    popularity,
    provider_refunds,
    reconciliation,
    refunds,
    releases,
    reserves,
    sandbox_post,
    tax_requests,
    webhooks,
)
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_webhooks import WebhookDelivery
from gosellr.resources import Resources
from gosellr.services import (
    account_service,
    idempotency_service,
    job_service,
    ledger_upkeep_service,
    rate_limit_service,
    search_service,
    sweep_service,
)
from gosellr.utils.tax_requests import RequestMode

# A chargeback that was opened longer ago is decided by now.
_CHARGEBACKS_LAST = timedelta(days=180)


async def resume_payments(resources: Resources) -> None:
    """Ask the gateways after every attempt whose time has come."""
    await payments.resume_due(
        db=resources.db,
        gateways=resources.gateways,
        clock=resources.clock,
        policy=resources.policy,
    )


async def resume_captures(resources: Resources) -> None:
    """Ask the gateways after money that was to be taken as its goods left."""
    await captures.resume_captures(resources.captures)


async def watch_authorizations(resources: Resources) -> None:
    """Warn of money that isn't set aside for much longer, and end what waits for it in vain."""
    await captures.watch_authorizations(resources.captures)


async def deliver_sandbox_reports(resources: Resources) -> None:
    """Play the sandbox gateway's postman: its reports come in as any gateway's would."""
    gateway = resources.gateways.get(SandboxGateway.name)
    if not isinstance(gateway, SandboxGateway):
        return

    async def take_in(delivery: WebhookDelivery) -> None:
        await webhooks.receive(
            db=resources.db,
            gateways=resources.gateways,
            clock=resources.clock,
            policy=resources.policy,
            payout_powers=resources.payouts,
            gateway=gateway.name,
            headers=delivery.headers,
            body=delivery.body,
        )

    async def take_known(deliveries: Sequence[WebhookDelivery]) -> set[int]:
        return await webhooks.receive_known(
            db=resources.db,
            clock=resources.clock,
            gateway=gateway,
            reports=[(one.headers, one.body) for one in deliveries],
        )

    await sandbox_post.deliver_due(gateway, take_in, take_known=take_known)


async def apply_parked_reports(resources: Resources) -> None:
    """Look again at reports that came before we knew their payment."""
    await webhooks.apply_parked(
        db=resources.db,
        gateways=resources.gateways,
        clock=resources.clock,
        policy=resources.policy,
    )


async def expire_holds(resources: Resources) -> None:
    """End the orders that were not paid in time."""
    await payments.expire_due(
        db=resources.db,
        gateways=resources.gateways,
        clock=resources.clock,
        policy=resources.policy,
    )


async def resume_refunds(resources: Resources) -> None:
    """Ask the gateways after every refund whose time has come."""
    await refunds.resume_refunds(resources.refunds)


async def resume_returns(resources: Resources) -> None:
    """Send captures back that pay for nothing."""
    await refunds.resume_returns(resources.refunds)


async def work_off_disputes(resources: Resources) -> None:
    """Do what the deadlines of cases say, and close those whose refunds were answered."""
    await disputes.work_off_deadlines(resources.disputes)
    await disputes.conclude_settled(resources.disputes)
    await disputes.remind_operators(resources.disputes)


async def send_dispute_evidence(resources: Resources) -> None:
    """Hand in what sellers say to chargebacks."""
    await chargebacks.send_due_evidence(resources.disputes)


async def find_chargebacks(resources: Resources) -> None:
    """Look for chargebacks that no report told of."""
    since = resources.clock.now() - _CHARGEBACKS_LAST
    await chargebacks.find_unheard(resources.refunds, since=since)
    await provider_refunds.try_again(resources.refunds)


async def resume_labels(resources: Resources) -> None:
    """Ask the carriers again for labels that no answer came to."""
    await labels.resume_labels(resources.labels)


async def release_sales(resources: Resources) -> None:
    """Make the sellers' money available whose hold is over, batch by batch."""
    await releases.release_due(db=resources.db, clock=resources.clock)


async def release_reserves(resources: Resources) -> None:
    """Give sellers what was kept back long enough, seller by seller."""
    await reserves.release_due(db=resources.db, clock=resources.clock)


async def deliver_gift_cards(resources: Resources) -> None:
    """Have the letters of gift cards written whose time has come."""
    await gift_deliveries.deliver_due(db=resources.db, clock=resources.clock)


async def release_gift_cards(resources: Resources) -> None:
    """Owe no more what is left on gift cards that ran out long enough ago."""
    await card_releases.release_due(db=resources.db, clock=resources.clock)


async def pay_scheduled(resources: Resources) -> None:
    """Pay the sellers whose schedule says that it is time."""
    await payouts.pay_scheduled(resources.payouts)


async def resume_payouts(resources: Resources) -> None:
    """Tell the providers of payouts that they haven't heard of, and ask after the others."""
    await payouts.resume_payouts(resources.payouts)
    await payout_recalls.resume_recalls(resources.payouts)


async def read_movements(resources: Resources) -> None:
    """Import what payment providers say they moved since, where that isn't left to people."""
    if resources.settings.read_movements:
        await reconciliation.read_on(
            resources.db, gateways=resources.gateways, now=resources.clock.now()
        )
    await chargebacks.book_fees_told(resources.refunds)


async def seal_ledger(resources: Resources) -> None:
    """Seal what the journal has settled, batch by batch."""
    now = resources.clock.now()
    while await transact(resources.db, ledger_upkeep_service.seal, now=now):
        pass


async def roll_up_ledger(resources: Resources) -> None:
    """Bring the rolled-up balances closer to now, batch by batch."""
    while await transact(resources.db, ledger_upkeep_service.roll_up):
        pass


async def refresh_popularity(resources: Resources) -> None:
    """Bring what is trending and how much was sold up to date on the cards that it changed."""
    await popularity.refresh(db=resources.db, clock=resources.clock)


async def gather_stock(resources: Resources) -> None:
    """Gather the stock that was spread for a rush which is over, variant by variant."""
    await hot_stock.gather_idle(db=resources.db, clock=resources.clock)


async def sweep_idempotency_keys(resources: Resources) -> None:
    """Drop idempotency keys past their time."""
    now = resources.clock.now()
    while await transact(resources.db, idempotency_service.forget_expired, now=now):
        pass


async def sweep_sessions(resources: Resources) -> None:
    """Drop sessions that ended long ago, batch by batch."""
    now = resources.clock.now()
    while await transact(resources.db, account_service.forget_sessions, now=now):
        pass


async def sweep_rate_windows(resources: Resources) -> None:
    """Drop counters of rate windows that have passed."""
    await transact(resources.db, rate_limit_service.forget_expired, now=resources.clock.now())


async def count_words(resources: Resources) -> None:
    """Learn which words of the catalogue are common."""
    await transact(resources.db, search_service.count_words)


async def sweep_job_failures(resources: Resources) -> None:
    """Forget the failures of jobs that succeeded in the end, and what sweeps put off long ago."""
    await transact(resources.db, job_service.sweep_job_failures)
    now = resources.clock.now()
    while await transact(resources.db, sweep_service.forget, now=now):
        pass


async def ask_tax_identities(resources: Resources) -> None:
    """Ask sellers who they are to the tax authorities, remind them, and keep back what is due."""
    mode = RequestMode(resources.settings.tax_identity_requests)
    await tax_requests.ask_sellers(resources.payouts, mode=mode)
