"""Where parcels can be followed: the public tracking pages of well-known carriers."""

from collections.abc import Mapping
from urllib.parse import quote

_DHL = "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}&submit=1"
_LA_POSTE = "https://www.laposte.fr/outils/suivre-vos-envois?code={number}"

# By name in small letters and digits alone, since sellers and programs write it in any way.
# Each page takes the number by itself and asks its visitor for what else it wants to know.
_PAGES: Mapping[str, str] = {
    "colissimo": _LA_POSTE,
    "correios": "https://rastreamento.correios.com.br/app/index.php?objetos={number}",
    "correos": (
        "https://www.correos.es/es/es/herramientas/localizador/envios/detalle"
        "?tracking-number={number}"
    ),
    "dhl": _DHL,
    "dhlexpress": _DHL,
    "dpd": "https://tracking.dpd.de/status/en_US/parcel/{number}",
    "evri": "https://www.evri.com/track/parcel/{number}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={number}",
    "gls": "https://gls-group.eu/track/{number}",
    # The British Hermes is called Evri; under the old name only the German one is left.
    "hermes": (
        "https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation/#{number}"
    ),
    "laposte": _LA_POSTE,
    "postnl": "https://postnl.nl/tracktrace/?B={number}",
    "royalmail": "https://www.royalmail.com/track-your-item#/tracking-results/{number}",
    "ups": "https://www.ups.com/track?tracknum={number}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
}


def tracking_page(carrier: str, tracking_number: str | None) -> str | None:
    """The address at which a carrier shows where a parcel is; None where none is known."""
    name = "".join(letter for letter in carrier.lower() if letter.isalnum())
    page = _PAGES.get(name)
    number = (tracking_number or "").strip()
    return page.replace("{number}", quote(number, safe="")) if page and number else None
