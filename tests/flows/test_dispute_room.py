"""Neither side of a case can talk so much that the other isn't heard any more."""

import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.services.dispute_argument import FILES_MAX, MESSAGES_MAX, CaseFull
from tests.factories.disputes import OPERATOR, delivered, hand_in, open_case, reread, say
from tests.factories.sales import make_buyer, make_shop

FILL_MESSAGES = """
INSERT INTO dispute_message (id, dispute_id, author, body, at)
SELECT gen_random_uuid(), dispute_id, author, 'Hello?', at
FROM dispute_message, generate_series(1, $2) WHERE dispute_id = $1
"""
FILL_FILES = """
INSERT INTO dispute_file (id, dispute_id, author, name, content_type, byte_size, sha256,
                          storage_key, at)
SELECT gen_random_uuid(), dispute_id, author, name, content_type, byte_size,
       sha256(convert_to(number::text, 'UTF8')), storage_key, at
FROM dispute_file, generate_series(1, $2) AS number WHERE dispute_id = $1
"""


async def test_a_buyer_who_says_too_much_keeps_nobody_from_answering(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await hand_in(resources, case, viewer=buyer.viewer)
    # The first of each was said with the complaint.
    await connection.execute(FILL_MESSAGES, case.dispute.id, MESSAGES_MAX - 1)
    await connection.execute(FILL_FILES, case.dispute.id, FILES_MAX - 1)
    with pytest.raises(CaseFull):
        await say(resources, case, viewer=buyer.viewer)
    with pytest.raises(CaseFull):
        await hand_in(resources, case, viewer=buyer.viewer, content=b"%PDF-1.7 one more")
    for viewer in (shop.viewer, OPERATOR):
        await say(resources, case, viewer=viewer)
        await hand_in(
            resources, case, viewer=viewer, content=b"%PDF-1.7 of " + viewer.name.encode()
        )
    answered = await say(resources, case, viewer=shop.viewer, answer=True)
    assert answered.dispute.status == "awaiting_buyer"
    after = await reread(resources, case)
    assert (len(after.messages), len(after.files)) == (MESSAGES_MAX + 3, FILES_MAX + 2)


async def test_who_has_said_too_much_may_still_answer(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection)
    buyer = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=buyer)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    await say(resources, case, viewer=shop.viewer)
    await connection.execute(FILL_MESSAGES, case.dispute.id, MESSAGES_MAX)
    with pytest.raises(CaseFull):
        await say(resources, case, viewer=shop.viewer)
    answered = await say(resources, case, viewer=shop.viewer, answer=True)
    assert answered.dispute.status == "awaiting_buyer"
