"""The sandbox gateway's own memory of the past: the charges that the orders were paid by."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.market_data.catalogue import CURRENCY
from bench.market_data.samples import TOKEN
from gosellr.integrations.payments import sandbox_store as store
from gosellr.integrations.payments.port import Outcome, PaymentState
from gosellr.integrations.payments.sandbox import FILE_NAME
from gosellr.integrations.payments.sandbox_store import Charge, Movement, MovementKind
from gosellr.integrations.sqlite_file import SqliteFile

# (payment, order, amount, moment), the first two as text.
PaidOrder = tuple[str, str, int, datetime]


class GatewayJournal:
    """Charges are added as captured at once; their reports count as delivered."""

    def __init__(self, home: Path) -> None:
        self._file = SqliteFile(home / FILE_NAME, schema=store.SCHEMA, timeout_seconds=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    async def add(self, paid: Sequence[PaidOrder]) -> None:
        """Write the charges of some orders, all or none."""

        def write(file: sqlite3.Connection) -> None:
            for payment_id, order_id, amount_minor, moment in paid:
                store.insert_charge(
                    file,
                    Charge(
                        attempt_id=payment_id,
                        gateway_reference=store.reference_of(payment_id),
                        reference=order_id,
                        token=TOKEN,
                        currency=CURRENCY,
                        amount_minor=amount_minor,
                        capture=True,
                        state=PaymentState.CAPTURED,
                        captured_minor=amount_minor,
                        created_at=moment,
                    ),
                )
                store.insert_movement(
                    file,
                    Movement(
                        kind=MovementKind.CAPTURE,
                        movement_id=payment_id,
                        attempt_id=payment_id,
                        outcome=Outcome.ACCEPTED,
                        amount_minor=amount_minor,
                        currency=CURRENCY,
                        occurred_at=moment,
                    ),
                )

        await self._file.write(write)
