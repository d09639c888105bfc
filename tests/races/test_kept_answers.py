"""What is given again looks as it did, is given to strangers only, and forgotten in doubt."""

import asyncio
from uuid import UUID, uuid4

import pytest

from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.errors import Conflict
from gosellr.core.transact import transact
from gosellr.flows import watch
from gosellr.services import product_edit_service
from tests.factories.catalogue import make_product
from tests.factories.sales import NOW
from tests.races.webs import API, TELLING, Stage, edit_title, listen, open_web, until


async def test_what_is_rolled_back_changes_nothing(stage: Stage) -> None:
    await stage.reader.keep(stage.page)

    async def fail(connection: Connection, *, product_id: UUID) -> None:
        await product_edit_service.update_product(
            connection,
            viewer=stage.shop.viewer,
            product_id=product_id,
            changes={"title": "Never"},
            now=NOW,
        )
        raise Conflict

    with pytest.raises(Conflict):
        await transact(stage.writer.market.db, fail, product_id=stage.shop.product.id)
    assert stage.reader.is_kept(stage.page)


async def test_a_hit_asks_the_database_nothing_and_looks_the_same(stage: Stage) -> None:
    # What the driver asks at the first use of a statement isn't counted.
    await stage.reader.truth(stage.page)
    seen = await listen(stage.reader)
    first = await stage.reader.get(stage.page)
    await asyncio.sleep(0)
    assert len(seen) == 1
    second = await stage.reader.get(stage.page)
    known = await stage.reader.get(
        stage.page, **{"If-None-Match": f'"x", W/{first.headers["etag"]}'}
    )
    await asyncio.sleep(0)
    assert len(seen) == 1
    told_to_strangers = await stage.reader.client.get(API + stage.page, headers=TELLING)
    own = {"x-request-id": ""}
    assert {**second.headers, **own} == {**told_to_strangers.headers, **own}
    assert (second.status_code, second.content) == (200, first.content)
    fresh = await stage.reader.client.get(
        API + stage.page, headers={**TELLING, "If-None-Match": first.headers["etag"]}
    )
    assert (known.status_code, fresh.status_code, known.content) == (304, 304, b"")
    assert {**known.headers, **own} == {**fresh.headers, **own}
    assert len({first.headers["x-request-id"], second.headers["x-request-id"]}) == 2


@pytest.mark.parametrize(
    ("name", "value", "status", "statements"),
    [
        ("Authorization", "Bearer nobody", 401, 0),
        ("Authorization", "Basic nobody", 200, 1),
        ("Cookie", "name=value", 200, 1),
        ("X-Cart-Token", "nobody", 200, 1),
        ("X-Order-Token", "nobody", 200, 1),
    ],
)
async def test_whoever_says_who_they_are_is_neither_kept_nor_given_what_is(
    stage: Stage, name: str, value: str, status: int, statements: int
) -> None:
    await stage.reader.get(stage.page, **{name: value})
    assert len(stage.reader.market.kept) == 0
    await stage.reader.keep(stage.page)
    seen = await listen(stage.reader)
    answer = await stage.reader.get(stage.page, **{name: value})
    await asyncio.sleep(0)
    assert (answer.status_code, len(seen)) == (status, statements)


async def test_what_is_refused_isn_t_kept(stage: Stage) -> None:
    draft = await transact(
        stage.writer.market.db, make_product, seller=stage.shop.seller, active=False
    )
    for path, status in (
        (f"/products/{draft.id}", 404),
        ("/products/?colour=red", 422),
        ("/products/?status=all", 401),
        (f"/categories/{uuid4()}", 404),
    ):
        assert (await stage.reader.get(path)).status_code == status
    assert len(stage.reader.market.kept) == 0


async def test_what_was_being_read_while_it_changed_isn_t_given_out(stage: Stage) -> None:
    market = stage.reader.market
    key = (API + stage.page, b"")
    await stage.reader.get(stage.page)
    kept = market.kept.find(key)
    assert kept is not None
    names = (f"product:{stage.shop.product.id}", "catalogue")
    marks = market.kept.begin(names)
    assert marks is not None
    await edit_title(stage)
    market.kept.keep(key, kept, marks=marks)
    assert market.kept.find(key) is None


async def test_a_lost_connection_drops_everything(
    stage: Stage, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0.01)
    kept = stage.stranger.market.kept
    await stage.stranger.keep(stage.page)
    era = kept.begin(("catalogue",))
    assert era is not None
    # Only the watch's statement names the snapshot it has seen.
    async with stage.writer.market.db.connection() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE '%pg_snapshot_xip%'"
            " AND pid <> pg_backend_pid()"
        )

    async def has_begun_anew() -> bool:
        later = kept.begin(("catalogue",))
        return later is not None and later.era > era.era

    await until(has_begun_anew)
    assert not stage.stranger.is_kept(stage.page)


async def test_without_memory_for_it_nothing_is_kept(stage: Stage) -> None:
    settings = stage.reader.market.settings.model_copy(update={"cache_mb": 0})
    async with open_web(settings, stage.clock) as web, web.market.watching():
        await web.get(stage.page)
        assert (len(web.market.kept), web.market.kept.is_wanted) == (0, False)
