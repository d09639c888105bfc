"""What a process holds is put together once, and anew where something of it is another."""

from dataclasses import replace
from functools import cached_property

from gosellr.resources import Resources


async def test_powers_are_made_once_and_anew_for_what_was_replaced(resources):
    names = [name for name, one in vars(Resources).items() if isinstance(one, cached_property)]
    assert {"policy", "carts", "checkout", "refunds", "payouts", "sign_in"} <= set(names)
    market = replace(resources)
    made = {name: getattr(market, name) for name in names}
    assert all(getattr(market, name) is one for name, one in made.items())

    other = replace(market, settings=market.settings.model_copy(update={"release_days": 99}))
    assert other.policy.release_after.days == 99
    assert other.checkout.policy is other.policy
    assert market.policy.release_after.days != 99
    assert {name: getattr(replace(market), name) for name in names} == made
