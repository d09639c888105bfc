"""What stands in the market's books before anybody asks: things of operators alone."""

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.flows.bank_files import content_place
from gosellr.resources import Resources
from tests.conftest import START
from tests.factories.balances import make_rule, prepare


async def make_books(resources: Resources, connection: Connection) -> dict[str, str]:
    """A rule of the reserve, an adjustment that somebody else prepared, a file for the bank."""
    listed = await make_rule(resources, rate_bps=0)
    prepared = await prepare(resources, ("goodwill_cost", "debit", 5), ("fee_income", "credit", 5))
    file_id = new_id()
    await connection.execute(
        "INSERT INTO bank_file (id, message_id, currency, amount_minor, payment_count, pay_on,"
        " content_encrypted, content_sha256, made_by, made_at)"
        " VALUES ($1, 'm1', 'EUR', 1, 1, $2, $3, '', $1, $4)",
        file_id,
        START.date(),
        resources.vault.encrypt(b"<Document/>", place=content_place(file_id)),
        START,
    )
    proposal_id = new_id()
    await connection.execute(
        "INSERT INTO proposal (id, kind, subject, wish, prepared_by, prepared_at)"
        " VALUES ($1, 'commission_rule_new', $2, $3, $1, $4)",
        proposal_id,
        f"commission_rule:{new_id()}",
        {"position": None, "name": "Later", "terms": {"rate_bps": 100}},
        START,
    )
    letter_id = new_id()
    await connection.execute(
        "INSERT INTO letter (id, effect_key, kind, audience, recipient, context, status,"
        " attempt_limit, created_at)"
        " VALUES ($1, 'one', 'shop_contact_changed', 'seller', 'old@example.com', $2, 'dead',"
        " 12, $3)",
        letter_id,
        {"name": "Lamp", "path": "/seller", "changed_at": START.isoformat()},
        START,
    )
    return {
        "reserve_rule": str(listed.rule.id),
        "adjustment": str(prepared.id),
        "proposal": str(proposal_id),
        "bank_file": str(file_id),
        "letter": str(letter_id),
    }
