"""Gives back what the credit notes gave back: by line and quantity, or as a free amount where their
price is another, through the refunds' route."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from bench.replay.api import Api, ApiRefusedError
from bench.replay.crowd import each
from bench.replay.play import Failure, Played
from bench.replay.stage import Stage
from bench.retail.plan import PlannedRefund, RetailPlan


async def give_back(
    plan: RetailPlan,
    *,
    api: Api,
    stage: Stage,
    played: Mapping[str, Played],
    workers: int,
    done: Callable[[], None],
) -> list[Failure]:
    """Make all refunds, those of one order one after the other; gives those that went wrong."""
    failures: list[Failure] = []
    by_order: defaultdict[str, list[PlannedRefund]] = defaultdict(list)
    for refund in plan.refunds:
        by_order[refund.order_id].append(refund)

    async def refund_order(order_id: str) -> None:
        try:
            path = f"/orders/{played[order_id].order_id}"
            document = await api.get(path, account=stage.operator)
            for refund in by_order[order_id]:
                problem = await _refund(api, stage, path, document, refund)
                if problem is not None:
                    failures.append(Failure(order_id=order_id, step="refund", problem=problem))
                done()
        except (ApiRefusedError, KeyError) as error:
            failures.append(Failure(order_id=order_id, step="refund", problem=str(error)))

    await each(by_order, refund_order, workers=workers)
    return failures


async def _refund(
    api: Api, stage: Stage, path: str, document: Any, refund: PlannedRefund
) -> str | None:
    """Refund units of lines, or an amount; says what isn't as planned."""
    [part] = document["seller_orders"]
    items = {item["sku"]: item["id"] for item in part["items"]}
    asked: dict[str, Any] = {
        "items": [
            {"order_item_id": items[listing.product_id], "quantity": units}
            for listing, units in refund.units.items()
        ]
    }
    if not refund.units:
        asked = {"amount": {"amount": refund.amount_minor, "currency": stage.currency}}
    kind = "units" if refund.units else "amount"
    made = await api.post(
        f"{path}/refunds",
        {
            "seller_order_id": part["id"],
            "reason": f"Credit note {refund.credit_note}",
        }
        | asked,
        account=stage.operator,
        headers={"Idempotency-Key": f"retail-{refund.credit_note}-{refund.order_id}-{kind}"},
    )
    came_to = made["amount"]["amount"], made["status"]
    expected = refund.amount_minor, "succeeded"
    return None if came_to == expected else f"{refund.credit_note}: {came_to}, not {expected}"
