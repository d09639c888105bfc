"""How an attempt is found again at Stripe, also when its answer was lost.

Who knows Stripe's own name of it asks by that. Else Stripe's search is asked, which knows
everything but the latest, and then its lists, which know the latest. Only what neither has was
surely never there.
"""

from collections import OrderedDict
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import stripe

from gosellr.core.clock import Clock
from gosellr.integrations.payments.stripe_answers import (
    ATTEMPT,
    HOSTED,
    REFUND,
    WAY,
    Found,
    Intent,
    Refund,
    Session,
    Unreadable,
    read_intent,
    read_refund,
    read_session,
)
from gosellr.integrations.payments.stripe_api import Refused, StripeApi, Unanswered

if TYPE_CHECKING:
    from stripe.params import PaymentIntentListParams, RefundListParams
    from stripe.params.checkout import SessionListParams

# Enough to see what an attempt has brought and cost, in one answer.
INTENT_WITH = ["latest_charge.balance_transaction"]
SESSION_WITH = ["payment_intent.latest_charge.balance_transaction"]

# Stripe's search sees what is older than a minute, and after a trouble of its own than longer.
_SEARCH_LAG = timedelta(hours=1)
# An unpaid page ends a day after it was made, and a paid one has a payment intent.
_PAGE_LIFE = timedelta(hours=24)
_CLOCKS_APART = timedelta(minutes=5)
_PAGE_SIZE = 100
_PAGES_MAX = 20
_REMEMBERED_MAX = 10_000
_WAITS_FOR_CARD = frozenset({"requires_payment_method", "requires_action", "requires_confirmation"})


class _ListPage(Protocol):
    """Reads one page of a list, the one that begins `after` a row."""

    def __call__(
        self, client: stripe.StripeClient, after: str | None
    ) -> Awaitable[stripe.StripeObject]: ...


class StripeFinder:
    """Finds attempts. What it has seen lately it finds by one request."""

    def __init__(self, api: StripeApi, *, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._references: OrderedDict[str, str] = OrderedDict()

    def remember(self, attempt_id: str, reference: str) -> None:
        """Stripe calls this attempt so; the oldest memories go first."""
        self._references[attempt_id] = reference
        self._references.move_to_end(attempt_id)
        if len(self._references) > _REMEMBERED_MAX:
            self._references.popitem(last=False)

    async def find(self, attempt_id: str, *, reference: str | None = None) -> Found | None:
        """What Stripe has of an attempt as it stands now; None where it surely has nothing.

        Raises:
            Unanswered, Unreadable.
        """
        for known in (reference, self._references.get(attempt_id)):
            if known is not None:
                found = await self._read(known)
                if found is not None and found.attempt_id == attempt_id:
                    self.remember(attempt_id, found.reference)
                    return found
        known = await self._look_for(attempt_id)
        found = None if known is None else await self._read(known)
        if found is not None:
            self.remember(attempt_id, found.reference)
        return found

    async def refunds_of(self, intent_id: str) -> list[Refund]:
        """Every refund of a payment, also the one made a moment ago."""

        async def page(client: stripe.StripeClient, after: str | None) -> stripe.StripeObject:
            params: RefundListParams = {"payment_intent": intent_id, "limit": _PAGE_SIZE}
            if after is not None:
                params["starting_after"] = after
            return await client.v1.refunds.list_async(params)

        return [read_refund(document) for document in await self._walk("list of refunds", page)]

    async def refund(self, intent_id: str, refund_id: str) -> Refund | None:
        """The refund made under a key; None where there is surely none."""
        made = await self.refunds_of(intent_id)
        return next((one for one in made if one.metadata.get(REFUND) == refund_id), None)

    async def intent(self, intent_id: str) -> Intent:
        """A payment intent with all that we read of it."""
        answer = await self._api.call(
            "payment intent",
            lambda client: client.v1.payment_intents.retrieve_async(
                intent_id, {"expand": INTENT_WITH}
            ),
        )
        return read_intent(answer.document)

    async def session(self, session_id: str) -> Found:
        """A hosted page with what was paid there."""
        answer = await self._api.call(
            "page",
            lambda client: client.v1.checkout.sessions.retrieve_async(
                session_id, {"expand": SESSION_WITH}
            ),
        )
        return found_by_page(answer.document)

    async def _read(self, reference: str) -> Found | None:
        """What is behind a name of Stripe's; None for a name that it doesn't know."""
        try:
            if reference.startswith("cs_"):
                return await self.session(reference)
            intent = await self.intent(reference)
            if intent.metadata.get(WAY) == HOSTED and intent.status in _WAITS_FOR_CARD:
                return Found(session=await self._page_of(intent.id), intent=intent)
        except Refused:
            return None
        return Found(intent=intent)

    async def _page_of(self, intent_id: str) -> Session | None:
        answer = await self._api.call(
            "page of a payment",
            lambda client: client.v1.checkout.sessions.list_async(
                {"payment_intent": intent_id, "limit": 1}
            ),
        )
        pages = _rows(answer.document)
        return read_session(pages[0]) if pages else None

    async def _look_for(self, attempt_id: str) -> str | None:
        reference, searched = await self._search(attempt_id)
        if reference is not None:
            return reference
        now = self._clock.now()
        born = _born(attempt_id, now=now)
        if born is None and not searched:
            raise Unanswered("an attempt of unknown age")
        begun = now - _PAGE_LIFE if born is None else born
        latest = max(begun, now - _SEARCH_LAG) if searched else begun
        # The pages last: one that is paid in between has its payment intent by then.
        lists = (
            ("list of payments", _intents_since(latest - _CLOCKS_APART)),
            ("list of pages", _pages_since(max(begun, now - _PAGE_LIFE) - _CLOCKS_APART)),
        )
        for what, page in lists:
            for document in await self._walk(what, page, attempt_id=attempt_id):
                if _is_of(document, attempt_id):
                    return str(document["id"])
        return None

    async def _search(self, attempt_id: str) -> tuple[str | None, bool]:
        """What the search knows, and whether there is one: not every country's accounts have."""
        quoted = attempt_id.replace("\\", "\\\\").replace("'", "\\'")
        query = f"metadata['{ATTEMPT}']:'{quoted}'"
        try:
            answer = await self._api.call(
                "search",
                lambda client: client.v1.payment_intents.search_async({"query": query, "limit": 1}),
            )
        except Refused:
            return None, False
        hits = _rows(answer.document)
        return (hits[0]["id"] if hits else None), True

    async def _walk(
        self, what: str, page: _ListPage, *, attempt_id: str | None = None
    ) -> list[dict[str, Any]]:
        """A list from the newest on, whole, or up to the attempt that is looked for.

        Raises `Unanswered` where it is longer than we can read: then nothing is sure.
        """
        read: list[dict[str, Any]] = []
        after: str | None = None
        for _ in range(_PAGES_MAX):
            answer = await self._api.call(what, partial(page, after=after))
            rows = _rows(answer.document)
            read += rows
            hit = attempt_id is not None and any(_is_of(row, attempt_id) for row in rows)
            if hit or not rows or not answer.document.get("has_more"):
                return read
            after = rows[-1]["id"]
        raise Unanswered(what)


def _intents_since(moment: datetime) -> _ListPage:
    async def page(client: stripe.StripeClient, after: str | None) -> stripe.StripeObject:
        params: PaymentIntentListParams = {"created": _since(moment), "limit": _PAGE_SIZE}
        if after is not None:
            params["starting_after"] = after
        return await client.v1.payment_intents.list_async(params)

    return page


def _pages_since(moment: datetime) -> _ListPage:
    async def page(client: stripe.StripeClient, after: str | None) -> stripe.StripeObject:
        params: SessionListParams = {"created": _since(moment), "limit": _PAGE_SIZE}
        if after is not None:
            params["starting_after"] = after
        return await client.v1.checkout.sessions.list_async(params)

    return page


def _since(moment: datetime) -> Any:
    return {"gte": int(moment.timestamp())}


def _rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a list, each with its name. Raises `Unreadable`."""
    rows = document.get("data")
    if not isinstance(rows, list) or not all(isinstance(row.get("id"), str) for row in rows):
        raise Unreadable("no list that we can read")
    return rows


def _is_of(document: dict[str, Any], attempt_id: str) -> bool:
    return (document.get("metadata") or {}).get(ATTEMPT) == attempt_id


def found_by_page(document: dict[str, Any]) -> Found:
    """A page, and the payment intent that is expanded in it."""
    intent = document.get("payment_intent")
    return Found(
        session=read_session(document),
        intent=read_intent(intent) if isinstance(intent, dict) else None,
    )


def _born(attempt_id: str, *, now: datetime) -> datetime | None:
    """When a time-ordered identifier was made; None for others, and for one from the future."""
    try:
        identifier = UUID(attempt_id)
    except ValueError:
        return None
    if identifier.version != 7:
        return None
    born = datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
    return born if born <= now + _CLOCKS_APART else None
