"""Who a shop is to the tax authorities: said by its owner alone, kept sealed, reported."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import documents
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import (
    User,
    add_member,
    bearer,
    make_operator,
    make_support,
)
from tests.factories.payouts import ACCOUNTS, earn, name_account, pay, set_account
from tests.factories.sales import Shop, buy, make_shop

Headers = dict[str, str]
V1 = "/api/v1"
PASSWORD = "a long pass phrase"
ADDRESS = {
    "line1": "Lindenallee 4", "postal_code": "10115", "city": "Berlin", "country": "DE",
}  # fmt: skip
COMPANY: dict[str, Any] = {
    "kind": "entity",
    "legal_name": "Lampo Werke GmbH",
    "address": ADDRESS,
    "tax_numbers": [{"number": "30/123/45678", "country": "DE"}],
    "vat_number": "de 123.456.789",
    "registration_number": "HRB 12345",
    "establishments": ["FR"],
    "password": PASSWORD,
}
PERSON: dict[str, Any] = {
    "kind": "individual",
    "first_name": "Ada",
    "last_name": "Lampo",
    "address": ADDRESS,
    "no_tax_number": True,
    "birth_date": "1984-05-17",
    "birth_city": "Namur",
    "birth_country": "BE",
    "password": PASSWORD,
}
SECRETS = ("30/123/45678", "123456789", "HRB 12345", "Lindenallee", "10115", "1984-05-17", "Namur")


async def knows_password(connection: Connection, resources: Resources, user: User) -> Headers:
    # A session that was opened before: the password is asked for again.
    headers = await bearer(resources, user)
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        user.id,
        await resources.passwords.hash(PASSWORD),
    )
    return headers


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=10_000)


@pytest.fixture
async def owner(connection: Connection, resources: Resources, shop: Shop) -> Headers:
    return await knows_password(connection, resources, shop.seller.owner)


async def test_it_is_said_shown_by_its_ends_and_kept_sealed(
    client: httpx2.AsyncClient, connection: Connection, shop: Shop, owner: Headers
) -> None:
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    before = (await client.get(path, headers=owner)).json()
    assert (before["is_complete"], before["kind"], before["version"]) == (False, None, None)
    said = await client.put(path, json=COMPANY, headers=owner)
    assert said.status_code == 200, said.text
    assert said.json() == {
        "seller_id": str(shop.seller.id), "is_complete": True, "kind": "entity",
        "name": "Lampo Werke GmbH", "city": "Berlin", "country": "DE",
        "tax_numbers": [{"number": "…678", "country": "DE"}], "vat_number": "…789",
        "registration_number": "…345", "establishments": ["FR"], "birth_year": None,
        "version": 1, "updated_at": said.json()["updated_at"], "request": None,
    }  # fmt: skip
    assert (await client.get(path, headers=owner)).json() == said.json()
    stale = await client.put(path, json=PERSON | {"version": 7}, headers=owner)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    again = await client.put(path, json=PERSON, headers={**owner, "If-Match": '"1"'})
    assert (again.json()["version"], again.json()["birth_year"]) == (2, 1984)
    # Neither the row nor the facts nor what was answered say what was said.
    rows = await connection.fetch("SELECT kept::text AS row FROM seller_tax_identity AS kept")
    facts = await connection.fetch("SELECT data FROM outbox_event WHERE type LIKE '%identity%'")
    for secret in (*SECRETS, PASSWORD):
        assert secret not in f"{rows} {facts} {said.text} {again.text}"
    assert [sorted(row["data"]["fields"]) for row in facts] == [
        ["address", "establishments", "kind", "legal_name", "registration_number", "tax_numbers",
         "vat_number"],
        ["birth_city", "birth_country", "birth_date", "establishments", "first_name", "kind",
         "last_name", "legal_name", "no_tax_number", "registration_number", "tax_numbers",
         "vat_number"],
    ]  # fmt: skip
    assert {row["data"]["changed_by"] for row in facts} == {str(shop.seller.owner.id)}


async def test_all_that_is_wrong_is_told_by_field_and_nothing_is_kept(
    client: httpx2.AsyncClient, connection: Connection, shop: Shop, owner: Headers
) -> None:
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    odd = {
        **COMPANY, "legal_name": None, "vat_number": "DE1234", "establishments": ["US"],
        "tax_numbers": [{"number": "3", "country": "DE"}],
    }  # fmt: skip
    refused = await client.put(path, json=odd, headers=owner)
    assert refused.headers["content-type"] == "application/problem+json"
    assert {one["field"]: one["code"] for one in refused.json()["errors"]} == {
        "tax_numbers.0.number": "number_wrong",
        "vat_number": "number_wrong",
        "legal_name": "missing",
        "establishments": "country_unknown",
    }
    for body, field in (
        (COMPANY | {"password": "guessed"}, "password"),
        (PERSON | {"birth_date": "2026-03-03"}, "birth_date"),
        (PERSON | {"birth_date": 453600000}, "birth_date"),
        (PERSON | {"birth_country": "QQ"}, "birth_country"),
        (COMPANY | {"secret": "x"}, "secret"),
    ):
        refused = await client.put(path, json=body, headers=owner)
        assert refused.status_code == 422
        assert [one["field"] for one in refused.json()["errors"]] == [field]
    assert await connection.fetchval("SELECT count(*) FROM seller_tax_identity") == 0
    assert (
        await connection.fetchval("SELECT count(*) FROM outbox_event WHERE type LIKE '%identity%'")
        == 0
    )


async def test_only_its_owner_says_who_a_shop_is(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    owner: Headers,
) -> None:
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    now = clock.now()
    answers = {}
    for role in (MemberRole.MANAGER, MemberRole.FINANCE, MemberRole.VIEWER):
        user = await add_member(connection, now=now, seller=shop.seller, role=role)
        headers = await knows_password(connection, resources, user)
        got = await client.get(path, headers=headers)
        put = await client.put(path, json=COMPANY, headers=headers)
        answers[role] = (got.status_code, put.status_code)
    assert set(answers.values()) == {(403, 403)}
    stranger = (await make_shop(connection)).seller.owner
    headers = await knows_password(connection, resources, stranger)
    assert (await client.get(path, headers=headers)).status_code == 404
    assert (await client.put(path, json=COMPANY, headers=headers)).status_code == 404
    headers = await knows_password(connection, resources, await make_operator(connection, now=now))
    assert (await client.put(path, json=COMPANY, headers=headers)).status_code == 403
    assert (await client.get(path, headers=headers)).status_code == 200
    headers = await bearer(resources, await make_support(connection, now=now))
    assert (await client.get(path, headers=headers)).status_code == 403
    assert await connection.fetchval("SELECT count(*) FROM seller_tax_identity") == 0


async def test_the_report_says_who_a_seller_is_and_what_is_missing(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    owner: Headers,
) -> None:
    await buy(resources, (shop, 1))
    operator = await bearer(resources, await make_operator(connection, now=clock.now()))
    url = f"{V1}/reports/dac7/2026"
    report = (await client.get(url, headers=operator)).json()
    assert report["missing"] == ["tax_identity", "financial_account"]
    assert report["sellers"][0]["missing"] == ["tax_identity", "financial_account"]
    assert set(report["sellers"][0]["identity"].values()) == {""}
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    assert (await client.put(path, json=COMPANY, headers=owner)).status_code == 200
    await set_account(resources, shop)
    report = (await client.get(url, headers=operator)).json()
    assert (report["missing"], report["sellers"][0]["missing"]) == ([], [])
    assert report["sellers"][0]["identity"] == {
        "kind": "entity", "name": "Lampo Werke GmbH",
        "address": "Lindenallee 4, 10115 Berlin, DE", "tax_numbers": "DE 30/123/45678",
        "vat_number": "DE123456789", "registration_number": "HRB 12345", "establishments": "FR",
        "birth_date": "", "birth_place": "", "account_number": "DE89370400440532013000",
        "account_holder": report["sellers"][0]["identity"]["account_holder"],
    }  # fmt: skip
    rows = list(
        csv.DictReader(io.StringIO((await client.get(f"{url}?format=csv", headers=operator)).text))
    )
    assert {row["legal_name"] for row in rows} == {"Lampo Werke GmbH"}
    assert {row["tax_identification_number"] for row in rows} == {"DE 30/123/45678"}
    assert {row["financial_account"] for row in rows} == {"DE89370400440532013000"}
    assert {row["missing"] for row in rows} == {""}
    pdf = await client.get(f"{url}?format=pdf&language=de", headers=operator)
    assert pdf.content.startswith(b"%PDF-")
    person = await client.put(path, json=PERSON, headers=owner)
    assert person.status_code == 200
    rows = list(
        csv.DictReader(io.StringIO((await client.get(f"{url}?format=csv", headers=operator)).text))
    )
    assert (rows[0]["date_of_birth"], rows[0]["place_of_birth"]) == ("1984-05-17", "Namur, BE")


async def test_a_report_that_nobody_reads_by_name_says_on_file(
    client: httpx2.AsyncClient, resources: Resources, clock: ManualClock, shop: Shop, owner: Headers
) -> None:
    await buy(resources, (shop, 1))
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    assert (await client.put(path, json=COMPANY, headers=owner)).status_code == 200
    clock.advance(timedelta(days=1))
    content: dict[str, Any] = await documents.tax_report(
        resources.documents, year=2026, reader=shop.viewer
    )
    [seller] = content["sellers"]
    assert seller["missing"] == ["financial_account"]
    assert {name for name, said in seller["identity"].items() if said == "on file"} == {
        "kind", "name", "address", "tax_numbers", "vat_number", "registration_number",
        "establishments",
    }  # fmt: skip
    assert set(seller["identity"].values()) == {"on file", ""}
    assert not any(secret in repr(content) for secret in SECRETS)


async def test_how_often_a_shop_was_asked_is_told_until_it_has_said_it(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    owner: Headers,
) -> None:
    await buy(resources, (shop, 1))
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    assert (await client.get(path, headers=owner)).json()["request"] is None
    asked_at = clock.now()
    await upkeep.ask_tax_identities(resources)
    clock.advance(timedelta(days=21))
    await upkeep.ask_tax_identities(resources)
    operator = await bearer(resources, await make_operator(connection, now=clock.now()))
    assert (await client.get(path, headers=operator)).json()["request"] == {
        "asked_at": asked_at.isoformat().replace("+00:00", "Z"),
        "reminded_at": clock.now().isoformat().replace("+00:00", "Z"),
        "reminded_again_at": None,
        "withheld_at": None,
        "lifted_at": None,
        "lift_reason": None,
    }
    await connection.execute(
        "INSERT INTO seller_tax_identity VALUES ($1, 'unreadable', 1, NULL, $2, $2)",
        shop.seller.id,
        clock.now(),
    )
    assert (await client.get(path, headers=operator)).json()["request"] is None


async def test_an_operator_lets_the_payouts_of_a_shop_go_on_and_takes_it_back(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
    owner: Headers,
) -> None:
    await buy(resources, (shop, 1))
    operator = await bearer(resources, await make_operator(connection, now=clock.now()))
    path = f"{V1}/sellers/{shop.seller.id}/tax-identity"
    why = {"reason": "A court says so"}
    assert (await client.post(f"{path}/unhold", json=why, headers=operator)).status_code == 404
    await upkeep.ask_tax_identities(resources)
    for asked in (why, {}):
        refused = await client.post(f"{path}/unhold", json=asked, headers=owner)
        assert refused.status_code == 403
    assert (await client.post(f"{path}/unhold", json={}, headers=operator)).status_code == 422
    lifted = (await client.post(f"{path}/unhold", json=why, headers=operator)).json()
    assert lifted["lifted_at"] == clock.now().isoformat().replace("+00:00", "Z")
    assert (await client.get(path, headers=owner)).json()["request"] == lifted
    assert lifted["lift_reason"] == "A court says so"
    restored = (await client.post(f"{path}/hold", headers=operator)).json()
    assert restored == {**lifted, "lifted_at": None, "lift_reason": None}


async def test_the_report_names_the_accounts_that_were_paid_to_in_its_year(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shop: Shop,
) -> None:
    async def accounts(year: int) -> tuple[str, str, list[str]]:
        operator = await bearer(resources, await make_operator(connection, now=clock.now()))
        report = (await client.get(f"{V1}/reports/dac7/{year}", headers=operator)).json()
        [seller] = report["sellers"]
        said = seller["identity"]
        return said["account_number"], said["account_holder"], seller["missing"]

    async def name(account: str) -> None:
        await name_account(resources, shop, "sandbox", last_four=account[-4:], iban=account)
        clock.advance(timedelta(days=4))

    name_of_shop = shop.seller.name
    first, second, third = (ACCOUNTS[Behaviour.PAY], "DE02120300000000202051",
                            "DE02500105170137075030")  # fmt: skip
    await name(first)
    await earn(resources, shop)
    # Nothing was paid yet: it will be paid to this one.
    assert await accounts(2026) == (first, name_of_shop, ["tax_identity"])
    await pay(resources, shop)
    await name(second)
    await earn(resources, shop)
    await pay(resources, shop)
    # Named twice, it is one account all the same.
    await name(first)
    await earn(resources, shop)
    await pay(resources, shop)
    await name(third)
    both = (f"{first}; {second}", f"{name_of_shop}; {name_of_shop}", ["tax_identity"])
    assert await accounts(2026) == both
    # A payout that didn't arrive was paid nowhere.
    await name_account(
        resources, shop, "sandbox", last_four="0000", iban=ACCOUNTS[Behaviour.DECLINE]
    )
    clock.advance(timedelta(days=4))
    await earn(resources, shop)
    await pay(resources, shop)
    assert await accounts(2026) == both
    clock.set(datetime(2027, 2, 1, tzinfo=UTC))
    await name(third)
    await earn(resources, shop)
    await pay(resources, shop)
    assert await accounts(2026) == both
    assert await accounts(2027) == (third, name_of_shop, ["tax_identity"])
    # One that no key opens any more has to be asked for again, and is told as missing.
    await connection.execute("UPDATE payout_destination SET account_encrypted = 'x'"
                             " WHERE last_four = $1", second[-4:])  # fmt: skip
    assert await accounts(2026) == (first, name_of_shop, ["tax_identity", "financial_account"])
