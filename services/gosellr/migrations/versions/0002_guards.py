"""What tables can't say: append-only journals, balanced books, legal steps, and words to search.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "ledger_transaction",
    "ledger_entry",
    "ledger_seal",
    "ledger_sealed",
    "stock_movement",
    "order_event",
)

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it by adding to it', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

# Checked at commit, so that a transaction's entries may come in any order.
BALANCED = """
CREATE FUNCTION ledger_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries bigint := 0;
    off_balance bigint := 0;
BEGIN
    SELECT coalesce(sum(per_currency.entries), 0), count(*) FILTER (WHERE per_currency.net <> 0)
    INTO entries, off_balance
    FROM (
        SELECT count(*) AS entries,
               sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END) AS net
        FROM ledger_entry
        WHERE transaction_id = NEW.id
        GROUP BY currency
    ) AS per_currency;
    IF entries < 2 OR off_balance > 0 THEN
        RAISE EXCEPTION 'ledger transaction % (%) does not balance', NEW.id, NEW.kind
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""

# Without this, an entry could be added to a transaction that was checked long ago.
SAME_WRITER = """
CREATE FUNCTION ledger_entry_joins_its_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM added
        JOIN ledger_transaction ON ledger_transaction.id = added.transaction_id
        WHERE ledger_transaction.written_by <> pg_current_xact_id()
           OR added.written_by <> pg_current_xact_id()
    ) THEN
        RAISE EXCEPTION 'a ledger transaction is complete once it is committed'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""

SELLER_ORDER_STEPS = """
CREATE FUNCTION seller_order_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (
        ('pending_payment', 'paid'),
        ('pending_payment', 'processing'),
        ('pending_payment', 'cancelled'),
        ('paid', 'processing'),
        ('paid', 'partially_shipped'),
        ('paid', 'shipped'),
        ('paid', 'cancelled'),
        ('processing', 'partially_shipped'),
        ('processing', 'shipped'),
        ('processing', 'cancelled'),
        ('partially_shipped', 'shipped'),
        ('shipped', 'delivered'),
        ('delivered', 'completed')
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a seller order never goes from % to %', OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

# `unaccent` is only STABLE, because its dictionary could be changed; an index needs a promise.
UNACCENT = """
DO $$
DECLARE
    home text;
BEGIN
    SELECT nspname INTO STRICT home
    FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'unaccent';
    EXECUTE format(
        'CREATE FUNCTION f_unaccent(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
         AS $f$ SELECT %1$I.unaccent(%2$L::regdictionary, $1) $f$',
        home, quote_ident(home) || '.unaccent'
    );
    CREATE TEXT SEARCH CONFIGURATION market (COPY = pg_catalog.english);
    EXECUTE format(
        'ALTER TEXT SEARCH CONFIGURATION market
         ALTER MAPPING FOR hword, hword_part, word WITH %I.unaccent, english_stem',
        home
    );
END $$
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE order_number")
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(BALANCED)
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_transaction_balances AFTER INSERT ON ledger_transaction"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " EXECUTE FUNCTION ledger_transaction_balances()"
    )
    op.execute(SAME_WRITER)
    op.execute(
        "CREATE TRIGGER ledger_entry_joins_its_transaction AFTER INSERT ON ledger_entry"
        " REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
        " EXECUTE FUNCTION ledger_entry_joins_its_transaction()"
    )
    op.execute(SELLER_ORDER_STEPS)
    op.execute(
        "CREATE TRIGGER seller_order_step BEFORE UPDATE OF status ON seller_order FOR EACH ROW"
        " WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION seller_order_step()"
    )
    op.execute(UNACCENT)


def downgrade() -> None:
    op.execute("DROP TEXT SEARCH CONFIGURATION market")
    op.execute("DROP FUNCTION f_unaccent(text)")
    op.execute("DROP FUNCTION seller_order_step() CASCADE")
    op.execute("DROP FUNCTION ledger_entry_joins_its_transaction() CASCADE")
    op.execute("DROP FUNCTION ledger_transaction_balances() CASCADE")
    op.execute("DROP FUNCTION refuse_change() CASCADE")
    op.execute("DROP SEQUENCE order_number")
