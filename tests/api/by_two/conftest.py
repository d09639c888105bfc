"""A market in which a second person has to agree to what is above its limit."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.api.by_two.desk import LIMIT, Call, calls
from tests.factories.accounts import User, make_operator
from tests.factories.sales import NOW, Shop, make_commission, make_shop
from tests.factories.transfers import doors, offline


@pytest.fixture
def market(resources: Resources) -> Resources:
    """Above 49.99 a second person has to agree."""
    market = offline(resources)
    limit = {"transfer_approval_over": {"EUR": LIMIT}}
    return replace(market, settings=market.settings.model_copy(update=limit))


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that."""
    await make_commission(connection)
    return await make_shop(connection)


@pytest.fixture
async def people(connection: Connection) -> tuple[User, User]:
    return await make_operator(connection, now=NOW), await make_operator(connection, now=NOW)


@pytest.fixture
def first(web: httpx2.AsyncClient, market: Resources, people: tuple[User, User]) -> Call:
    return calls(web, market, people[0])


@pytest.fixture
def second(web: httpx2.AsyncClient, market: Resources, people: tuple[User, User]) -> Call:
    return calls(web, market, people[1])
