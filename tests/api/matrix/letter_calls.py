"""How the operations of letters are called: they are nobody's but the operators'."""

from collections.abc import Sequence

from tests.api.matrix.request import Call, Fixed

_LETTER = {"letter_id": Fixed("letter")}

LETTERS: dict[str, Sequence[Call]] = {
    "list_letters": [Call(), Call(query={"status": "dead", "kind": "shop_contact_changed"})],
    "get_letter": [Call(path=_LETTER)],
    # Sent on its way before, it isn't given up any more.
    "resend_letter": [Call(path=_LETTER, reached=frozenset({200, 409}))],
}
