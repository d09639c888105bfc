"""Orders at PayPal: found by their names, never by a search, for PayPal has none.

PayPal's own name of an order is written down with the attempt as soon as it is heard, and each
process remembers the latest. An order whose name nobody has heard can't be paid, since nobody has
its link; so what can't be found was never there.
"""

import logging
from collections import OrderedDict
from typing import Any, TypeVar
from urllib.parse import quote

from gosellr.integrations.payments import paypal_requests as requests
from gosellr.integrations.payments.paypal_answers import (
    DECLINED,
    Authorization,
    Order,
    Unreadable,
    read_order,
)
from gosellr.integrations.payments.paypal_api import Missing, PayPalApi, Refused, Unanswered
from gosellr.integrations.payments.paypal_requests import Deed
from gosellr.utils.lazy_dataclasses import replace

_log = logging.getLogger("gosellr.paypal")

Remembered = TypeVar("Remembered")

# So many attempts are remembered by a process; the oldest go first.
_REMEMBERED_MAX = 10_000
# What PayPal says of an order that was dealt with before: the order itself tells how.
_DONE_BEFORE = frozenset(
    {
        "ORDER_ALREADY_CAPTURED", "ORDER_ALREADY_AUTHORIZED", "ORDER_COMPLETED_OR_VOIDED",
        "AUTHORIZATION_ALREADY_CAPTURED", "MAX_CAPTURE_COUNT_EXCEEDED", "AUTHORIZATION_VOIDED",
    }
)  # fmt: skip
# The buyer has to say yes, or to say it once more.
_NOT_YET = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})
# Another order of this attempt was paid. That can't be by itself: a person has to look.
_PAID_ELSEWHERE = "DUPLICATE_INVOICE_ID"


class PayPalOrders:
    """The orders of one account, that of `merchant_id`."""

    def __init__(self, api: PayPalApi, *, merchant_id: str) -> None:
        self._api = api
        self._merchant_id = merchant_id
        self._names: OrderedDict[str, str] = OrderedDict()
        self._closed: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def known(self, attempt_id: str, reference: str | None) -> Order:
        """An order that money came through: where PayPal doesn't show it, nothing is sure.

        Raises:
            Unanswered, Unreadable, Refused.
        """
        order = await self.find(attempt_id, reference)
        if order is None:
            raise Unanswered("an order that has to be there")
        return order

    async def find(self, attempt_id: str, reference: str | None) -> Order | None:
        """The order of an attempt as it stands now; None where PayPal has none of its names.

        Raises:
            Unanswered, Unreadable, Refused.
        """
        for known in dict.fromkeys((reference, self._names.get(attempt_id))):
            if known is None:
                continue
            try:
                order = await self.read(known)
            except Missing:
                # Orders that nobody paid are gone after some hours.
                continue
            if order.attempt_id == attempt_id:
                self.remember(attempt_id, order.id)
                return order
        return None

    async def read(self, order_id: str) -> Order:
        """An order by PayPal's own name of it. Raises `Missing` and what `find` raises."""
        path = f"/v2/checkout/orders/{quote(order_id, safe='')}"
        order = self.checked(read_order(await self._api.call("order", "GET", path)))
        closed = self._closed.get(order.attempt_id)
        if closed is None or order.closed_as is not None:
            return order
        return replace(order, closed_as=closed[0])

    def checked(self, order: Order) -> Order:
        """The order, if it pays this market. Raises `Unreadable`."""
        if order.is_of_other_money:
            _log.error("%s holds other money than it is about", order.id)
            raise Unreadable("an order of other money")
        paid = order.captures or order.authorizations
        if self._merchant_id in order.payee or not (order.payee or paid):
            return order
        _log.error("%s doesn't pay this market", order.id)
        raise Unreadable("an order that pays somebody else")

    def code_of(self, attempt_id: str) -> str | None:
        """Why an attempt is over, as far as this process has heard it."""
        return self._closed.get(attempt_id, (None, None))[1]

    def remember(self, attempt_id: str, order_id: str) -> None:
        """PayPal calls the order of this attempt so."""
        _keep(self._names, attempt_id, order_id)

    async def do(self, deed: Deed) -> dict[str, Any]:
        """One request that changes something. Raises what `PayPalApi.call` raises."""
        return await self._api.call(deed.what, deed.method, deed.path, body=deed.body, key=deed.key)

    async def authorized(self, order: Order) -> Order:
        """The order with its money set aside, as far as PayPal lets it be."""
        try:
            await self.do(requests.authorize_order(order.id, attempt_id=order.attempt_id))
        except Refused as refusal:
            return await self.after(refusal, order)
        return await self.read(order.id)

    async def after(self, refusal: Refused, order: Order) -> Order:
        """The order as it stands after PayPal said no to taking its money.

        A no to the buyer's account ends the attempt: PayPal would give the same answer to the
        same key, and the buyer may pay another way.
        """
        if refusal.code == _PAID_ELSEWHERE:
            _log.error("another order than %s has the same invoice", order.id)
            raise Unanswered(refusal.code)
        if refusal.code not in _DONE_BEFORE | _NOT_YET:
            await self._end(order, code=refusal.code.lower())
        return await self.read(order.id)

    async def _end(self, order: Order, *, code: str) -> None:
        """Take no money for this order, ever. What is set aside for it goes back."""
        if order.authorization is None:
            await self.close(order, word=DECLINED, code=code)
            return
        _keep(self._closed, order.attempt_id, (DECLINED, code))
        await self.give_back(order.authorization)

    async def give_back(self, aside: Authorization) -> None:
        """Void what was set aside; where PayPal says no, a capture was quicker, or a void."""
        try:
            await self.do(requests.void_authorization(aside.id))
        except Refused as refusal:
            _log.info("%s isn't voided: %s", aside.id, refusal.code)

    async def close(self, order: Order, *, word: str, code: str) -> None:
        """Never capture this order. PayPal lets no order be marked before its buyer said yes, and
        none that is done: then this process's own memory has to do, and what is written down of
        the attempt."""
        _keep(self._closed, order.attempt_id, (word, code))
        try:
            await self.do(requests.close_order(order.id, attempt_id=order.attempt_id, word=word))
        except Refused as refusal:
            _log.info("%s can't be marked: %s", order.id, refusal.code)


def _keep(memory: OrderedDict[str, Remembered], name: str, what: Remembered) -> None:
    memory[name] = what
    memory.move_to_end(name)
    if len(memory) > _REMEMBERED_MAX:
        memory.popitem(last=False)
