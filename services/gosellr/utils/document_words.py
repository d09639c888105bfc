"""The words of documents in the languages that they are written in."""

from typing import Final

from gosellr.utils.documents import LANGUAGES

# English, German, French, Spanish: in the order of `LANGUAGES`.
_WORDS: Final[dict[str, tuple[str, str, str, str]]] = {
    "invoice": ("Invoice", "Rechnung", "Facture", "Factura"),
    "credit_note": ("Credit note", "Gutschrift", "Avoir", "Nota de abono"),
    "commission_invoice": (
        "Commission invoice", "Provisionsrechnung", "Facture de commission", "Factura de comisión",
    ),
    "commission_credit": (
        "Commission credit note", "Provisionsgutschrift", "Avoir de commission",
        "Abono de comisión",
    ),
    "statement": ("Statement", "Kontoauszug", "Relevé de compte", "Extracto de cuenta"),
    "packing_slip": ("Packing slip", "Lieferschein", "Bon de livraison", "Albarán"),
    "dac7": ("Report of sellers (DAC7)", "Meldung der Verkäufer (DAC7)",
             "Déclaration des vendeurs (DAC7)", "Declaración de vendedores (DAC7)"),
    "number": ("Number", "Nummer", "Numéro", "Número"),
    "date": ("Date", "Datum", "Date", "Fecha"),
    "supplied": ("Date of supply", "Leistungsdatum", "Date de livraison", "Fecha de operación"),
    "order": ("Order", "Bestellung", "Commande", "Pedido"),
    "corrects": ("Corrects invoice", "Zur Rechnung", "Rectifie la facture", "Rectifica la factura"),
    "paid_again": (
        "Paid again, after the buyer's bank had taken it back, of invoice",
        "Nach einer Rückbuchung durch die Bank erneut bezahlt, zur Rechnung",
        "Payé de nouveau, après reprise par la banque, de la facture",
        "Pagado de nuevo, tras la retrocesión del banco, de la factura",
    ),
    "period": ("Period", "Zeitraum", "Période", "Período"),
    "seller": ("Seller", "Verkäufer", "Vendeur", "Vendedor"),
    "buyer": ("Bill to", "Rechnung an", "Facturé à", "Facturar a"),
    "ship_to": ("Deliver to", "Lieferung an", "Livré à", "Entregar a"),
    "issued_by": ("Issued by", "Ausgestellt von", "Émis par", "Emitido por"),
    "issued_to": ("Issued to", "Ausgestellt für", "Émis pour", "Emitido para"),
    "tax_id": ("Tax ID", "Steuernummer", "N° fiscal", "NIF"),
    "registration_number": (
        "Company register", "Handelsregister", "Registre du commerce", "Registro mercantil",
    ),
    "item": ("Item", "Artikel", "Article", "Artículo"),
    "sku": ("SKU", "Art.-Nr.", "Réf.", "Ref."),
    "quantity": ("Qty", "Menge", "Qté", "Cant."),
    "unit_price": ("Unit price", "Einzelpreis", "Prix unitaire", "Precio unitario"),
    "discount": ("Discount", "Rabatt", "Remise", "Descuento"),
    "tax": ("Tax", "Steuer", "Taxe", "Impuesto"),
    "vat": ("VAT", "USt.", "TVA", "IVA"),
    "rate": ("Rate", "Satz", "Taux", "Tipo"),
    "net": ("Net", "Netto", "HT", "Neto"),
    "gross": ("Gross", "Brutto", "TTC", "Bruto"),
    "amount": ("Amount", "Betrag", "Montant", "Importe"),
    "total": ("Total", "Summe", "Total", "Total"),
    "promotion": (
        "Borne by the marketplace", "Vom Marktplatz getragen", "Pris en charge par la place",
        "A cargo del mercado",
    ),
    "payable": ("Paid", "Bezahlt", "Payé", "Pagado"),
    "credited": ("Credited", "Gutgeschrieben", "Crédité", "Abonado"),
    "kept": (
        "Kept from sales", "Von Verkäufen einbehalten", "Retenu sur les ventes",
        "Retenido de las ventas",
    ),
    "delivery": ("Delivery", "Versand", "Livraison", "Envío"),
    "taxes": ("Tax by rate", "Steuer nach Satz", "Taxes par taux", "Impuestos por tipo"),
    "tax_included": (
        "Unit prices include tax.", "Einzelpreise enthalten die Steuer.",
        "Prix unitaires taxes comprises.", "Los precios unitarios incluyen impuestos.",
    ),
    "tax_on_top": (
        "Unit prices are without tax.", "Einzelpreise ohne Steuer.",
        "Prix unitaires hors taxes.", "Precios unitarios sin impuestos.",
    ),
    "remitted_by_marketplace": (
        "Tax remitted by the marketplace", "Vom Marktplatz abgeführte Steuer",
        "Taxe reversée par la place de marché", "Impuesto ingresado por el mercado",
    ),
    "reason": ("Reason", "Grund", "Motif", "Motivo"),
    "carrier": ("Carrier", "Versand mit", "Transporteur", "Transportista"),
    "tracking": ("Tracking", "Sendungsnummer", "Suivi", "Seguimiento"),
    "sent": ("Sent", "Versandt", "Envoyé", "Enviado"),
    "opening": ("Opening balance", "Anfangssaldo", "Solde initial", "Saldo inicial"),
    "closing": ("Closing balance", "Endsaldo", "Solde final", "Saldo final"),
    "movements": ("What happened", "Was geschah", "Mouvements", "Movimientos"),
    "entries": ("Bookings", "Buchungen", "Écritures", "Apuntes"),
    "sales": ("Sales", "Verkäufe", "Ventes", "Ventas"),
    "commission": ("Commission", "Provision", "Commission", "Comisión"),
    "commission_vat": (
        "VAT on commission", "USt. auf Provision", "TVA sur commission", "IVA de la comisión",
    ),
    "tax_remitted": (
        "Tax that the marketplace remits", "Vom Marktplatz abgeführte Steuer",
        "Taxe reversée par la place", "Impuesto que ingresa el mercado",
    ),
    "refunds": ("Refunds", "Erstattungen", "Remboursements", "Reembolsos"),
    "commission_returned": (
        "Commission returned", "Erstattete Provision", "Commission rendue", "Comisión devuelta",
    ),
    "commission_vat_returned": (
        "VAT on commission returned", "Erstattete USt. auf Provision",
        "TVA sur commission rendue", "IVA de la comisión devuelto",
    ),
    "tax_remitted_returned": (
        "Remitted tax returned", "Zurückgeholte Steuer", "Taxe récupérée", "Impuesto recuperado",
    ),
    "provider_fees": (
        "Payment fees of refunded sales", "Zahlungsgebühren erstatteter Verkäufe",
        "Frais de paiement de ventes remboursées", "Comisiones de pago de ventas reembolsadas",
    ),
    "adjusted": (
        "Adjusted by the marketplace", "Vom Marktplatz angepasst", "Ajusté par la place",
        "Ajustado por el mercado",
    ),
    "debt_written_off": (
        "Debt written off", "Abgeschriebene Schuld", "Dette passée en perte", "Deuda condonada",
    ),
    "write_off_recovered": (
        "Written-off debt, paid after all", "Abgeschriebene Schuld, doch beglichen",
        "Dette passée en perte, finalement réglée", "Deuda condonada, pagada al final",
    ),
    "seller_credit_granted": (
        "Store credit given to buyers", "Käufern geschenktes Guthaben",
        "Avoirs offerts aux acheteurs", "Crédito regalado a compradores",
    ),
    "chargeback_opened": (
        "Fees for chargebacks", "Gebühren für Rückbuchungen", "Frais de rétrofacturation",
        "Comisiones por contracargos",
    ),
    "chargeback_fee": (
        "Fees for chargebacks, later ones", "Gebühren für Rückbuchungen, nachträglich",
        "Frais de rétrofacturation ultérieurs", "Comisiones por contracargos, posteriores",
    ),
    "refund_confirmed": (
        "Refunds paid in cash by you", "Von Ihnen bar gezahlte Erstattungen",
        "Remboursements que vous avez payés en espèces", "Reembolsos que usted pagó en efectivo",
    ),
    "payouts": ("Payouts", "Auszahlungen", "Versements", "Pagos"),
    "where": ("Where it stands", "Wo es steht", "Répartition", "Dónde está"),
    "in": ("In", "Zugang", "Entrées", "Entradas"),
    "out": ("Out", "Abgang", "Sorties", "Salidas"),
    "pending": ("Pending", "Vorgemerkt", "En attente", "Pendiente"),
    "available": ("Available", "Verfügbar", "Disponible", "Disponible"),
    "reserved": ("Reserve", "Rücklage", "Réserve", "Reserva"),
    "receivable": ("Owed by you", "Von Ihnen geschuldet", "Dû par vous", "Debido por usted"),
    "in_transit": ("On its way to you", "Unterwegs zu Ihnen", "En route vers vous", "En camino"),
    "account": ("Account", "Konto", "Compte", "Cuenta"),
    "status": ("Status", "Status", "État", "Estado"),
    "paid": ("paid", "bezahlt", "payé", "pagado"),
    "sent_status": ("on its way", "unterwegs", "en route", "en camino"),
    "failed": ("failed", "fehlgeschlagen", "échoué", "fallido"),
    "cancelled": ("cancelled", "abgebrochen", "annulé", "cancelado"),
    "preliminary": (
        "Preliminary: this month isn't closed yet.", "Vorläufig: der Monat ist noch nicht zu Ende.",
        "Provisoire : le mois n'est pas clos.", "Provisional: el mes no ha terminado.",
    ),
    "page": ("Page", "Seite", "Page", "Página"),
    "of": ("of", "von", "sur", "de"),
    "quarter": ("Quarter", "Quartal", "Trimestre", "Trimestre"),
    "country": ("Country", "Land", "Pays", "País"),
    "consideration": ("Consideration", "Vergütung", "Contrepartie", "Contraprestación"),
    "activities": ("Activities", "Tätigkeiten", "Activités", "Actividades"),
    "fees": ("Fees", "Gebühren", "Frais", "Comisiones"),
    "withheld": ("Taxes withheld", "Einbehaltene Steuern", "Taxes retenues",
                 "Impuestos retenidos"),
    "year": ("Year", "Jahr", "Année", "Año"),
    "who_sellers_are": (
        "Who the sellers are", "Wer die Verkäufer sind", "Identité des vendeurs",
        "Quiénes son los vendedores",
    ),
    "address": ("Address", "Anschrift", "Adresse", "Dirección"),
    "tax_numbers": ("Tax numbers", "Steuernummern", "Numéros fiscaux", "Números fiscales"),
    "vat_number": ("VAT number", "USt-IdNr.", "N° de TVA", "N.º de IVA"),
    "birth_or_register": (
        "Birth, or register", "Geburt oder Register", "Naissance ou registre",
        "Nacimiento o registro",
    ),
    "not_known": (
        "Of some sellers it isn't known who they are to the tax authorities, or their account.",
        "Von einigen Verkäufern fehlen die Angaben für die Steuerbehörden oder das Konto.",
        "Pour certains vendeurs, l'identité fiscale ou le compte n'est pas connu.",
        "De algunos vendedores no consta la identidad fiscal o la cuenta.",
    ),
}  # fmt: skip


def word(key: str, language: str) -> str:
    """A word in one of `LANGUAGES`; one that isn't known is told by its name."""
    known = _WORDS.get(key)
    if known is None:
        return key.replace("_", " ").capitalize()
    return known[LANGUAGES.index(language) if language in LANGUAGES else 0]
