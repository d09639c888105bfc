"""Every route × every caller × own, other's and absent things: nobody reaches what isn't theirs.

The expectation is computed from who owns what, never from the answer of the application.
"""

import sys
from collections.abc import Mapping

import pytest

from tests.api.matrix.callers import Caller, Scope, Verdict
from tests.api.matrix.calls import CALLS, OK
from tests.api.matrix.pages import PAGES
from tests.api.matrix.probe import Outcome, Prober
from tests.api.matrix.request import Call
from tests.api.matrix.routes import Route, all_routes
from tests.api.matrix.world import World, absent

ROUTES = {route.name: route for route in all_routes()}
ENTRIES = {**CALLS, **PAGES}
KNOWN = sorted(ROUTES.keys() & ENTRIES.keys())

CALLERS = (
    "anonymous", "guest", "buyer", "other_buyer", "owner", "manager", "fulfilment", "finance",
    "viewer", "other_seller", "support", "operator",
)  # fmt: skip


@pytest.fixture(scope="module")
async def prober(world: World) -> Prober:
    """Asks in the market of the matrix."""
    return await Prober.of(world)


def test_every_route_has_an_entry(capsys: pytest.CaptureFixture[str]) -> None:
    missing = sorted(ROUTES.keys() - ENTRIES.keys())
    assert missing == [], "say in calls.py or pages.py how these are called"
    assert sorted(ENTRIES.keys() - ROUTES.keys()) == [], "these exist no more"
    cells = sum(len(targets_of(call)) for name in KNOWN for call in ENTRIES[name]) * len(CALLERS)
    with capsys.disabled():
        sys.stdout.write(f"\nauthorization matrix: {len(ROUTES)} routes, {cells} cells\n")
    assert cells > 2500


def targets_of(call: Call) -> tuple[str, ...]:
    """Whose things it is tried on."""
    if not call.kinds():
        return ("one",)
    # The seller of the guest's things has no people here: what is a seller's is tried on two.
    guests = call.scope in (Scope.BUYER, Scope.RECEIPT, Scope.ORDER)
    return ("one", "two", "guest", "absent") if guests else ("one", "two", "absent")


def caller_for(world: World, name: str, call: Call) -> Caller:
    """The caller; a guest with the key of the order that it is about."""
    if name != "guest":
        return world.callers[name]
    kinds = {kind.partition("_")[0] for kind in call.kinds()}
    return world.callers[f"guest:{next(iter(kinds & {'unpaid', 'shipped', 'delivered'}), 'paid')}"]


def things_of(world: World, target: str) -> Mapping[str, str]:
    """The things of an estate, or of none."""
    return absent(world) if target == "absent" else world.estates[target].things


def wrong_with(
    outcome: Outcome, *, caller: Caller, route: Route, call: Call, target: str, nothing: Outcome
) -> str:
    """What is wrong with an answer; empty when nothing is. `nothing` is that for absent things."""
    verdict = caller.verdict(route, call.scope, target)
    if verdict is Verdict.DOOR:
        due = frozenset({403 if caller.roles else 401})
    elif verdict is Verdict.ROLE:
        due = call.below_role
    elif verdict is Verdict.HIDDEN:
        due = call.hidden
    elif verdict is Verdict.SEEN:
        due = call.absent | call.reached | {303, 403, 404, 409}
    else:
        due = call.absent | (call.reached - OK) if target == "absent" else call.reached
    if outcome.status not in due:
        return f"{outcome.status} {outcome.text[:300]}, not one of {sorted(due)}"
    if verdict is not Verdict.REACHED and outcome.changed:
        return "refused, and yet something changed"
    if verdict is Verdict.DOOR and not route.is_page:
        # A buyer may have become a seller's member since their token was made.
        reads = 1 if caller.passes_by_token(route) else 0
        if outcome.query_count > reads:
            return f"refused after {outcome.query_count} statements"
    if verdict in (Verdict.DOOR, Verdict.HIDDEN) and outcome.told != nothing.told:
        return f"differs from what is told of absent things: {outcome.told[:300]!r}"
    return ""


def leaks(world: World, outcome: Outcome, caller: Caller, sent: Mapping[str, str]) -> list[str]:
    """What an answer tells of others' private things, besides what was sent along."""
    if caller.sees_everything:
        return []
    found = []
    for name, estate in world.estates.items():
        private = set() if caller.sells == name else set(estate.private_to_seller)
        if name not in (caller.buys, caller.sells):
            private |= estate.private_to_trade
        found += [secret for secret in private - set(sent.values()) if secret in outcome.text]
    return found


@pytest.mark.case(60)
@pytest.mark.case(62)
@pytest.mark.case(63)
@pytest.mark.parametrize("name", KNOWN)
async def test_case_60_case_62_case_63_nobody_reaches_what_is_not_theirs(
    world: World, prober: Prober, name: str
) -> None:
    route, wrong = ROUTES[name], []
    for number, call in enumerate(ENTRIES[name]):
        for caller_name in CALLERS:
            caller = caller_for(world, caller_name, call)
            unknown = things_of(world, "absent")
            nothing = await prober.ask(caller, route, call, unknown, look=not route.is_read)
            for target in targets_of(call):
                things = unknown if target == "absent" else things_of(world, target)
                reached = caller.verdict(route, call.scope, target) is Verdict.REACHED
                outcome = nothing
                if target != "absent":
                    outcome = await prober.ask(
                        caller, route, call, things, look=not (reached or route.is_read)
                    )
                fault = wrong_with(
                    outcome, caller=caller, route=route, call=call, target=target, nothing=nothing
                )
                told = leaks(world, outcome, caller, things)
                if fault or told:
                    wrong.append(f"{name}[{number}] {caller_name} on {target}: {fault} {told}")
    assert not wrong, "\n".join(wrong)


# With everything else in order: somebody who buys, somebody who sells, somebody who runs it all.
MIXERS = ("buyer", "owner", "operator")
NESTED = [name for name in KNOWN if any(len(call.kinds()) > 1 for call in ENTRIES[name])]


@pytest.mark.case(61)
@pytest.mark.parametrize("name", NESTED)
async def test_case_61_no_thing_of_another_slips_in_beside_ones_own(
    world: World, prober: Prober, name: str
) -> None:
    route, wrong = ROUTES[name], []
    own, others, unknown = things_of(world, "one"), things_of(world, "two"), absent(world)
    for number, call in enumerate(ENTRIES[name]):
        for caller_name in MIXERS:
            caller = caller_for(world, caller_name, call)
            if caller.verdict(route, call.scope, "one") is not Verdict.REACHED:
                continue
            for kind in call.kinds() if len(call.kinds()) > 1 else ():
                mixed = await prober.ask(caller, route, call, {**own, kind: others[kind]})
                nothing = await prober.ask(caller, route, call, {**own, kind: unknown[kind]})
                where = f"{name}[{number}] {caller_name}, {kind} of another: "
                if mixed.status not in (404, 409, 422) or mixed.changed:
                    wrong.append(f"{where}{mixed.status} {mixed.text[:300]}")
                elif not caller.sees_everything and (
                    (mixed.status, mixed.code) != (nothing.status, nothing.code)
                ):
                    wrong.append(f"{where}{mixed.status} {mixed.code}, absent {nothing.status}")
    assert not wrong, "\n".join(wrong)
