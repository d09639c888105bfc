"""The sandbox carrier that ships: tariff, loaded quotes, labels and scans in one SQLite file."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from gosellr.core.clock import Clock, SystemClock
from gosellr.integrations.shipping.port import (
    CarrierOutcome,
    CarrierQuote,
    LabelAnswer,
    LabelRequest,
    QuoteAnswer,
    QuoteRequest,
    TrackAnswer,
    TrackingEvent,
    TrackingStatus,
)
from gosellr.integrations.shipping.tariff import SANDBOX_TARIFF, TariffService, tracking_number
from gosellr.integrations.sqlite_file import FileBusy, SqliteFile
from gosellr.utils.lazy_dataclasses import dataclass

FILE_NAME = "sandbox_carrier.sqlite"

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS quote (
        reference TEXT NOT NULL,
        seller_id TEXT NOT NULL,
        service TEXT NOT NULL,
        name TEXT NOT NULL,
        price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
        currency TEXT NOT NULL CHECK (length(currency) = 3),
        fewest_days INTEGER NOT NULL CHECK (fewest_days >= 0),
        most_days INTEGER NOT NULL CHECK (most_days >= fewest_days),
        PRIMARY KEY (reference, seller_id, service)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS label (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        shipment_id TEXT NOT NULL UNIQUE,
        body TEXT NOT NULL,
        price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
        currency TEXT NOT NULL,
        tracking_number TEXT UNIQUE
    )""",
    """CREATE TABLE IF NOT EXISTS scan (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        tracking_number TEXT NOT NULL REFERENCES label (tracking_number),
        status TEXT NOT NULL,
        occurred_at TEXT NOT NULL,
        place TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS scan_of_label ON scan (tracking_number, sequence)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedQuote:
    """A price agreed beforehand for one seller's parcel of one order."""

    reference: str
    seller_id: str
    quote: CarrierQuote


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierScript:
    """Faults: no answer to quotes; no answer to labels, which are bought none the less."""

    loses_quotes: bool = False
    loses_labels: bool = False


class SandboxCarrier:
    """A `ShippingProvider` over the file `<home>/sandbox_carrier.sqlite`, safe from several
    processes at once. A file that stays locked for `timeout_seconds` gives `UNKNOWN`."""

    name = "sandbox"

    def __init__(
        self,
        home: Path,
        *,
        tariff: tuple[TariffService, ...] = SANDBOX_TARIFF,
        script: CarrierScript | None = None,
        clock: Clock | None = None,
        timeout_seconds: float = 0.8,
    ) -> None:
        self._file = SqliteFile(home / FILE_NAME, schema=SCHEMA, timeout_seconds=timeout_seconds)
        self._tariff = tariff
        self._script = script or CarrierScript()
        self._now = (clock or SystemClock()).now

    async def put_quotes(self, rows: Iterable[LoadedQuote]) -> int:
        """Loads prices, replacing older ones of the same key; all or none. Raises `FileBusy`."""
        values = [
            (
                row.reference,
                row.seller_id,
                row.quote.service,
                row.quote.name,
                row.quote.price_minor,
                row.quote.currency,
                *row.quote.delivery_days,
            )
            for row in rows
        ]
        await self._file.write(
            lambda file: file.executemany(
                "INSERT OR REPLACE INTO quote VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values
            )
        )
        return len(values)

    async def quote(self, request: QuoteRequest) -> QuoteAnswer:
        """See `ShippingProvider.quote`: the loaded prices where there are any, else the tariff."""
        if self._script.loses_quotes:
            return QuoteAnswer(outcome=CarrierOutcome.UNKNOWN, reason="no_answer_in_time")
        try:
            quotes = await self._file.read(
                lambda file: self._quotes(
                    file,
                    reference=request.reference,
                    seller_id=request.seller_id,
                    currency=request.currency,
                    weight_grams=request.weight_grams,
                )
            )
        except FileBusy:
            return QuoteAnswer(outcome=CarrierOutcome.UNKNOWN, reason="no_answer_in_time")
        if not quotes:
            return QuoteAnswer(outcome=CarrierOutcome.REFUSED, reason="too_heavy")
        return QuoteAnswer(outcome=CarrierOutcome.ANSWERED, quotes=tuple(quotes))

    async def buy_label(self, request: LabelRequest) -> LabelAnswer:
        """See `ShippingProvider.buy_label`."""
        unknown = LabelAnswer(
            outcome=CarrierOutcome.UNKNOWN, carrier=self.name, reason="no_answer_in_time"
        )
        try:
            answer = await self._file.write(lambda file: self._label(file, request))
        except FileBusy:
            return unknown
        return unknown if self._script.loses_labels else answer

    async def track(self, tracking_number: str) -> TrackAnswer:
        """See `ShippingProvider.track`."""
        try:
            rows = await self._file.read(
                lambda file: file.execute(
                    "SELECT sequence, status, occurred_at, place FROM scan"
                    " WHERE tracking_number = ? ORDER BY sequence LIMIT 1000",
                    (tracking_number,),
                ).fetchall()
            )
        except FileBusy:
            return TrackAnswer(outcome=CarrierOutcome.UNKNOWN, reason="no_answer_in_time")
        if not rows:
            return TrackAnswer(outcome=CarrierOutcome.REFUSED, reason="unknown_number")
        events = tuple(
            TrackingEvent(
                sequence=sequence,
                status=TrackingStatus(status),
                occurred_at=datetime.fromisoformat(occurred_at),
                place=place,
            )
            for sequence, status, occurred_at, place in rows
        )
        return TrackAnswer(outcome=CarrierOutcome.ANSWERED, events=events)

    async def scan(
        self,
        tracking_number: str,
        status: TrackingStatus,
        *,
        occurred_at: datetime | None = None,
        place: str | None = None,
    ) -> bool:
        """Appends a scan; False where no label bears the number. Raises `FileBusy`."""
        moment = occurred_at or self._now()
        return await self._file.write(
            lambda file: _append_scan(file, tracking_number, status, moment, place)
        )

    def close(self) -> None:
        """Closes this process's hold on the file."""
        self._file.close()

    def _quotes(
        self,
        file: sqlite3.Connection,
        *,
        reference: str,
        seller_id: str,
        currency: str,
        weight_grams: int,
    ) -> list[CarrierQuote]:
        rows = file.execute(
            "SELECT service, name, price_minor, fewest_days, most_days FROM quote"
            " WHERE reference = ? AND seller_id = ? AND currency = ?",
            (reference, seller_id, currency),
        ).fetchall()
        quotes = [
            CarrierQuote(
                service=service,
                name=name,
                price_minor=price_minor,
                currency=currency,
                delivery_days=(fewest_days, most_days),
            )
            for service, name, price_minor, fewest_days, most_days in rows
        ]
        if not quotes:
            offers = (
                service.quote(weight_grams=weight_grams, currency=currency)
                for service in self._tariff
            )
            quotes = [offer for offer in offers if offer is not None]
        return sorted(quotes, key=lambda quote: (quote.price_minor, quote.service))

    def _label(self, file: sqlite3.Connection, request: LabelRequest) -> LabelAnswer:
        # The key comes back with the same request, or it is refused: the request is its own proof.
        body = repr(request)
        known = file.execute(
            "SELECT body, tracking_number, price_minor, currency FROM label WHERE shipment_id = ?",
            (request.shipment_id,),
        ).fetchone()
        if known is not None:
            if known[0] != body:
                return self._refusal("idempotency_key_reused")
            return self._sold(*known[1:])
        quotes = self._quotes(
            file,
            reference=request.reference,
            seller_id=request.seller_id,
            currency=request.currency,
            weight_grams=request.weight_grams,
        )
        chosen = next((quote for quote in quotes if quote.service == request.service), None)
        if chosen is None:
            return self._refusal("service_not_offered")
        serial = file.execute(
            "INSERT INTO label (shipment_id, body, price_minor, currency) VALUES (?, ?, ?, ?)",
            (request.shipment_id, body, chosen.price_minor, chosen.currency),
        ).lastrowid
        number = tracking_number(serial or 0)
        file.execute("UPDATE label SET tracking_number = ? WHERE serial = ?", (number, serial))
        _append_scan(file, number, TrackingStatus.LABEL_CREATED, self._now(), None)
        return self._sold(number, chosen.price_minor, chosen.currency)

    def _sold(self, number: str, price_minor: int, currency: str) -> LabelAnswer:
        return LabelAnswer(
            outcome=CarrierOutcome.ANSWERED,
            carrier=self.name,
            tracking_number=number,
            tracking_url=f"/sandbox/track/{number}",
            price_minor=price_minor,
            currency=currency,
        )

    def _refusal(self, reason: str) -> LabelAnswer:
        return LabelAnswer(outcome=CarrierOutcome.REFUSED, carrier=self.name, reason=reason)


def _append_scan(
    file: sqlite3.Connection,
    number: str,
    status: TrackingStatus,
    occurred_at: datetime,
    place: str | None,
) -> bool:
    if file.execute("SELECT 1 FROM label WHERE tracking_number = ?", (number,)).fetchone() is None:
        return False
    file.execute(
        "INSERT INTO scan (tracking_number, status, occurred_at, place) VALUES (?, ?, ?, ?)",
        (number, status, occurred_at.astimezone(UTC).isoformat(), place),
    )
    return True
