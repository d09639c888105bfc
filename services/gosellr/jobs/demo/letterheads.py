"""What stands on the papers of the demo shops: invented, in the right shape, under numbers that no
street and no register there has.

Marcel's is his stall, and not where he lives; a shop that only applied has said nothing yet.
"""

from typing import Final

from gosellr.jobs.demo.shops import EMAIL_DOMAIN
from gosellr.utils.letterhead import Letterhead

LETTERHEADS: Final = {
    "nordlys": Letterhead(
        line1="Havnegade 900",
        postal_code="8000",
        city="Aarhus",
        tax_id="DK00000001",
        registration_number="CVR 00000001",
        email=f"papers.nordlys@{EMAIL_DOMAIN}",
    ),
    "verde": Letterhead(
        line1="Rua das Estufas 900",
        postal_code="2710-000",
        city="Sintra",
        tax_id="PT000000002",
        registration_number="NIPC 000000002",
    ),
    "kettle": Letterhead(
        line1="900 Harbour Row",
        postal_code="T12 0000",
        city="Cork",
        region="Co. Cork",
        tax_id="IE0000004K",
        registration_number="CRO 000004",
        email=f"papers.kettle@{EMAIL_DOMAIN}",
    ),
    "loom": Letterhead(
        line1="900 Weavers' Lane",
        postal_code="H91 0000",
        city="Galway",
        region="Co. Galway",
        tax_id="IE0000005L",
        registration_number="CRO 000005",
    ),
    "hifi": Letterhead(
        line1="Musterstraße 900",
        postal_code="12000",
        city="Berlin",
        tax_id="DE000000003",
        registration_number="HRB 000003, Amtsgericht Charlottenburg",
        email=f"papers.hifi@{EMAIL_DOMAIN}",
    ),
    "trains": Letterhead(
        line1="Holzgasse 900",
        line2="Hinterhaus",
        postal_code="90000",
        city="Nürnberg",
        tax_id="DE000000006",
        registration_number="HRA 000006, Amtsgericht Nürnberg",
    ),
    "colmena": Letterhead(
        line1="Camino de las Colmenas 900",
        postal_code="10000",
        city="Sierra de Gata",
        region="Cáceres",
        tax_id="ESF00000007",
        registration_number="Registro de Cooperativas CC-0007",
    ),
    "papier": Letterhead(
        line1="900 montée de la Plume",
        postal_code="69004",
        city="Lyon",
        tax_id="FR00000000008",
        registration_number="RCS Lyon 000 000 008",
    ),
    "pfad": Letterhead(
        line1="Gratweg 900",
        postal_code="6020",
        city="Innsbruck",
        tax_id="ATU00000009",
        registration_number="FN 000009 a, Landesgericht Innsbruck",
    ),
    "brocante": Letterhead(
        line1="Stand 14",
        line2="900 place du Marché",
        postal_code="59000",
        city="Lille",
        tax_id="SIREN 000 000 004",
    ),
    "noor": Letterhead(
        line1="Naaldstraat 900",
        postal_code="3000 AA",
        city="Rotterdam",
        tax_id="NL000000010B01",
        registration_number="KVK 00000010",
    ),
    "glanz": Letterhead(
        line1="Funkelallee 900",
        postal_code="80000",
        city="München",
        # Too small for VAT: what the tax office gave it stands there instead.
        tax_id="000/000/00011",
        registration_number="HRB 000011, Amtsgericht München",
    ),
}
