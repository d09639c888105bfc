"""Every entry of both tables runs as it stands, on an empty market."""

from collections import Counter

import pytest

from gosellr.core.identity import new_id
from gosellr.jobs.outbox import REACTIONS, Gathering
from gosellr.jobs.schedule import SCHEDULE, Periodic
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources


@pytest.mark.parametrize("entry", SCHEDULE, ids=lambda entry: entry.name)
async def test_periodic_work_runs_twice(live: Resources, entry: Periodic) -> None:
    await entry.run(live)
    await entry.run(live)


@pytest.mark.parametrize("fact_type", REACTIONS, ids=lambda fact_type: fact_type.value)
async def test_reactions_run_twice_also_for_what_is_gone(
    resources: Resources, fact_type: FactType
) -> None:
    fact = RecordedFact(
        sequence=1,
        id=new_id(),
        type=fact_type.value,
        aggregate_type="any",
        aggregate_id=new_id(),
        data={
            "product_id": str(new_id()),
            "product_ids": [str(new_id())],
            "order_id": str(new_id()),
        },
        occurred_at=resources.clock.now(),
    )
    for reaction in REACTIONS[fact_type]:
        for _ in range(2):
            if isinstance(reaction, Gathering):
                await reaction.run(resources, [fact, fact])
            else:
                await reaction.run(resources, fact)


def test_names_are_one_thing_each() -> None:
    """Two functions under one name would make one of them unreachable."""
    assert max(Counter(entry.name for entry in SCHEDULE).values()) == 1
    listed = {reaction for several in REACTIONS.values() for reaction in several}
    assert len({reaction.name for reaction in listed}) == len(listed)
