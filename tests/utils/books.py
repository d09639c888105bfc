"""What drafts do to accounts, added up without asking the code that made them.

An account's change is its debits less its credits; what a recipe has to change is said in the tests
in these terms, as the design of the books says it.
"""

from collections import defaultdict
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from gosellr.utils.ledger import TransactionDraft

CURRENCIES: Final = st.sampled_from(["JPY", "USD", "KWD", "EUR"])
AMOUNTS: Final = st.integers(1, 10**12)
MAYBE: Final = st.integers(0, 10**12)
GATEWAYS: Final = st.sampled_from(["sandbox", "stripe", "paypal"])

ANN, BOB, BUYER, ORDER, PARCEL, REFUND, PAYOUT, CARD, OTHER_CARD = (
    UUID(int=number) for number in range(1, 10)
)


def changes(*drafts: TransactionDraft) -> dict[tuple[str, str], int]:
    """Debits less credits by currency and account, of all drafts together; what is zero left out.

    Each draft by itself sums to zero in each of its currencies, and moves nothing but positive
    amounts.
    """
    whole: defaultdict[tuple[str, str], int] = defaultdict(int)
    for draft in drafts:
        sums: defaultdict[str, int] = defaultdict(int)
        for entry in draft.entries:
            assert entry.amount_minor > 0
            signed = {"debit": 1, "credit": -1}[entry.direction.value] * entry.amount_minor
            sums[entry.currency] += signed
            whole[entry.currency, entry.account] += signed
        assert set(sums.values()) <= {0}
    return {place: minor for place, minor in whole.items() if minor}


def moved(
    currency: str, *, debited: dict[str, int], credited: dict[str, int]
) -> dict[tuple[str, str], int]:
    """What `changes` says of a fact that debits and credits these accounts, and no other."""
    accounts = [*debited, *(account for account in credited if account not in debited)]
    found = {
        (currency, account): debited.get(account, 0) - credited.get(account, 0)
        for account in accounts
    }
    return {place: minor for place, minor in found.items() if minor}
