"""What several sellers say to one chargeback: each has its share of what a bank reads."""

from gosellr.core.db import Connection
from gosellr.flows import chargebacks, disputes
from gosellr.jobs import upkeep
from gosellr.resources import Resources
from tests.factories.disputes import cases_of, delivered, hand_in, network, say, take_back
from tests.factories.sales import make_buyer, make_shop


async def test_no_seller_crowds_another_out_of_what_the_bank_reads(
    resources: Resources, connection: Connection
) -> None:
    shops = [await make_shop(connection), await make_shop(connection)]
    buyer = await make_buyer(connection)
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    reference = await take_back(resources, order)
    loud, quiet = await cases_of(resources, order)
    viewers = {shop.seller.id: shop.viewer for shop in shops}
    for number in range(chargebacks.FILES_MAX + 2):
        await hand_in(
            resources,
            loud,
            viewer=viewers[loud.dispute.seller_id],
            content=b"%PDF-1.7 " + b"x" * number,
            name=f"loud-{number}.pdf",
        )
    for number in range(6):
        await disputes.say(
            resources.disputes,
            viewer=viewers[loud.dispute.seller_id],
            dispute_id=loud.dispute.id,
            body=f"{number}" * 4000,
            is_answer=number == 5,
        )
    await hand_in(resources, quiet, viewer=viewers[quiet.dispute.seller_id], name="quiet.pdf")
    await say(resources, quiet, viewer=viewers[quiet.dispute.seller_id], answer=True)
    await upkeep.send_dispute_evidence(resources)
    sent = await network(resources).disputes.evidence(reference=reference)
    assert sent is not None
    names = [one["name"] for one in sent["files"]]
    assert names == ["loud-0.pdf", "quiet.pdf", *(f"loud-{n}.pdf" for n in range(1, 7))]
    statement = str(sent["statement"])
    assert len(statement) <= chargebacks.STATEMENT_LENGTH_MAX
    assert statement.count("Parcel by dhl, JD0001: delivered") == 2
    assert "It left us whole" in statement
