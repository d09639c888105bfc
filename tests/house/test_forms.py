"""A form that is sent twice is one wish: it bears a key, or twice is harmless for a reason."""

import re
from typing import Final

from tests.house.source import PACKAGE

TEMPLATES = PACKAGE / "web" / "templates"
FORM = re.compile(r'<form\b[^>]*method="post"[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
KEY = re.compile(r"forms\.hidden\('(?:idempotency_)?key', ")

DECIDED_ONCE = "what is decided is decided: the second sending changes nothing"
SETS = "it says how something is to be, and says the same again"
ASKS = "it asks, and changes nothing"
ONE_OF_A_KIND = "there is one of it: the second sending finds it"
HARMLESS: Final = {
    "/account/gift-card": ASKS,
    "/account/password": "the second is a stranger's by then: every session has ended",
    "/bag/coupons": ONE_OF_A_KIND,
    "/bag/coupons/remove": SETS,
    "/bag/delivery": SETS,
    "/bag/items": "whoever presses twice may want two; the bag says how many before it is paid",
    "/bag/items/{{ line.id }}": SETS,
    "/bag/items/{{ line.id }}/remove": SETS,
    "/operator/commission-rules/simulate": ASKS,
    "/operator/gift-card-offers": SETS,
    "/operator/reconciliation/pull": "each movement is kept once, however often it is told",
    "/operator/reconciliation/reports": "each movement is kept once, however often it is told",
    "/operator/reconciliation/statements": "each movement is kept once, however often it is told",
    "/register": "an address has one account",
    "/sign-in": "a session more is nobody's loss",
    "/sign-out": SETS,
    "/theme": SETS,
    "{{ adjustment.path }}/approve": DECIDED_ONCE,
    "{{ adjustment.path }}/reject": DECIDED_ONCE,
    "{{ asked.path }}/hold": SETS,
    "{{ asked.path }}/unhold": "what was let go stays so, in the words of whoever said it first",
    "{{ awaited.path }}/assign": DECIDED_ONCE,
    "{{ awaited.path }}/failed": DECIDED_ONCE,
    "{{ awaited.path }}/received": DECIDED_ONCE,
    "{{ awaited.path }}/refused": DECIDED_ONCE,
    "{{ awaited.path }}/{{ 'returned' if 'return' in awaited.can else 'sent' }}": DECIDED_ONCE,
    "{{ case.path }}/evidence": "the same file twice is one",
    "{{ change.href }}": DECIDED_ONCE,
    "{{ door.enter_path }}": "a session more is nobody's loss",
    "{{ each.pay_path }}": "a return has one payment at a time: the second sending finds it",
    "{{ file.path }}/execute": DECIDED_ONCE,
    "{{ file.path }}/reject": DECIDED_ONCE,
    "{{ gift.card.href }}/code": "a code is told once",
    "{{ gift.card.href }}/deactivate": SETS,
    "{{ gift.card.href }}/extend": SETS,
    "{{ gift.href }}": "a code is told once",
    "{{ letter.path }}/resend": "only what was given up is sent again, and it is under way then",
    "{{ movement.path }}/approve": DECIDED_ONCE,
    "{{ movement.path }}/clear": DECIDED_ONCE,
    "{{ movement.path }}/reject": DECIDED_ONCE,
    "{{ movement.path }}/resolve": DECIDED_ONCE,
    # Of an account at a provider, and of what waits in the inbox.
    "{{ one.path }}": "an account is opened once, and what is decided is decided",
    "{{ one.path }}/refresh": ASKS,
    "{{ one.file_path }}": ONE_OF_A_KIND,
    "{{ outcome.path }}": DECIDED_ONCE,
    "{{ payout.path }}/approve": DECIDED_ONCE,
    "{{ payout.path }}/fail": DECIDED_ONCE,
    "{{ payout.path }}/never-sent": "it waits for somebody once, and whoever asks again is told so",
    "{{ payout.path }}/was-paid": "it waits for somebody once, and whoever asks again is told so",
    "{{ payout.path }}/unhold": SETS,
    "{{ payout.path }}/{{ 'cancel' if 'cancel' in payout.can else 'hold' }}": SETS,
    "{{ proposal.path }}/approve": DECIDED_ONCE,
    "{{ proposal.path }}/reject": DECIDED_ONCE,
    "{{ question.action }}": "the sandbox's bank takes one answer",
    "{{ settings.path }}/payout-settings/confirm": DECIDED_ONCE,
    "{{ view.href }}": "an order is cancelled once",
}


def test_each_form_bears_a_key_or_is_harmless_twice() -> None:
    texts = [path.read_text() for path in sorted(TEMPLATES.rglob("*.html"))]
    found = [form for text in texts for form in FORM.findall(text)]
    # None is written in another way, and so passed by.
    assert len(found) == sum(text.count('method="post"') for text in texts)
    assert {action for action, body in found if not KEY.search(body)} == set(HARMLESS)
    assert all(HARMLESS.values())
