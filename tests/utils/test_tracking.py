"""Pages on which parcels are followed: the carrier's own, whatever a seller writes."""

from urllib.parse import urlsplit

import pytest

from gosellr.utils.tracking import tracking_page

HOSTS = {
    "DHL": "www.dhl.com",
    "DHL Express": "www.dhl.com",
    "UPS": "www.ups.com",
    "FedEx": "www.fedex.com",
    "USPS": "tools.usps.com",
    "DPD": "tracking.dpd.de",
    "GLS": "gls-group.eu",
    "Hermes": "www.myhermes.de",
    "Evri": "www.evri.com",
    "Royal Mail": "www.royalmail.com",
    "PostNL": "postnl.nl",
    "Correos": "www.correos.es",
    "La Poste": "www.laposte.fr",
    "Colissimo": "www.laposte.fr",
    "Correios": "rastreamento.correios.com.br",
}


@pytest.mark.parametrize(("carrier", "host"), HOSTS.items())
def test_a_carrier_is_known_however_it_is_written(carrier: str, host: str) -> None:
    page = tracking_page(carrier, "JD0146")
    assert page is not None
    assert (urlsplit(page).scheme, urlsplit(page).netloc) == ("https", host)
    assert page.count("JD0146") == 1
    for written in (carrier.lower(), carrier.upper(), carrier.replace(" ", "_"), f" {carrier}"):
        assert tracking_page(written, "JD0146") == page


@pytest.mark.parametrize("carrier", HOSTS)
def test_a_number_can_t_leave_its_place(carrier: str) -> None:
    page = tracking_page(carrier, "1/../?a=b&c#d {number}é")
    assert page is not None
    assert "1%2F..%2F%3Fa%3Db%26c%23d%20%7Bnumber%7D%C3%A9" in page


@pytest.mark.parametrize(
    ("carrier", "number"),
    [("dhl", None), ("dhl", ""), ("dhl", "  "), ("pigeon", "1"), ("", "1"), ("dhl pigeon", "1")],
)
def test_no_page_without_a_number_or_a_known_carrier(carrier: str, number: str | None) -> None:
    assert tracking_page(carrier, number) is None
