"""What `/openapi.json` says is true: generated calls get the answers that are described there."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.contract.document import DOCUMENT
from tests.api.matrix.calls import CALLS
from tests.api.matrix.request import Call
from tests.api.matrix.world import World

load_all_checks()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: dict[str, APIOperation[Any, Any, Any, Any]] = {
    operation.definition.raw["operationId"]: operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())  # type: ignore[union-attr]
}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CALLERS = ("operator", "owner", "buyer", "guest:paid")
# Half of it drives what is right by the description, half what isn't.
EXAMPLES = 10


async def send(world: World, case: Case[Any], headers: Mapping[str, str]) -> httpx2.Response:
    """A generated call as the named caller."""
    prepared = requests.Request(
        **case.as_transport_kwargs(base_url="http://market.test", headers=dict(headers))
    ).prepare()
    sent = {str(name): str(value) for name, value in prepared.headers.items()}
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    assert prepared.method
    assert prepared.url
    return await world.ask(prepared.method, prepared.url, headers=sent, content=body)


def known_path(world: World, name: str) -> dict[str, str]:
    """The path of something that exists, so that a call gets beyond not finding it."""
    call = CALLS[name][0]
    things = world.estates["one"].things | world.fixed
    return {
        parameter: value if isinstance(value, str) else things[value.kind]
        for parameter, value in call.path.items()
    }


def example(world: World, name: str, call: Call, caller: str) -> tuple[str, dict[str, Any]]:
    """An example call of the matrix, with the things of this caller."""
    estate = "guest" if caller.startswith("guest") else "one"
    return call.request(
        OPERATIONS[name].path.replace("{reference}", "{reference:path}"),
        world.estates[estate].things,
        world.fixed,
        "",
    )


@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_examples_get_the_described_answers(world: World, name: str) -> None:
    operation = OPERATIONS[name]
    for call in CALLS[name]:
        for caller in (*CALLERS, "support", "anonymous"):
            path, arguments = example(world, name, call, caller)
            headers = {**arguments.pop("headers"), **world.callers[caller].headers}
            response = await world.ask(operation.method, path, headers=headers, **arguments)
            case = operation.Case(path_parameters=dict.fromkeys(call.path, "x"))
            case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_generated_calls_get_the_described_answers(
    world: World, loop: asyncio.AbstractEventLoop, name: str, mode: GenerationMode
) -> None:
    operation = OPERATIONS[name]
    known = known_path(world, name)
    try:
        cases = st.one_of(
            operation.as_strategy(mode, path_parameters=known or None), operation.as_strategy(mode)
        )
        cases.validate()
    except InvalidSchema:
        pytest.fail(f"{name} can't be generated")
    checks = CHECKS if mode is GenerationMode.POSITIVE else [*CHECKS, negative_data_rejection]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, caller=st.sampled_from(CALLERS))
    def run(case: Case[Any], caller: str) -> None:
        key = {} if "Idempotency-Key" in case.headers else {"Idempotency-Key": uuid4().hex}
        headers = {**key, **world.callers[caller].headers}
        response = loop.run_until_complete(send(world, case, headers))
        if mode is GenerationMode.NEGATIVE and response.status_code == 405:
            return  # The router took the address for that of another operation.
        case.validate_response(response, checks=checks)

    # Some operations take nothing that could be wrong.
    with suppress(*([Unsatisfiable] if mode is GenerationMode.NEGATIVE else [])):
        run()
