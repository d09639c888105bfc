"""What a page says once after a form was sent and the browser was led on."""

from gosellr.web.views import NoticeView

PLACED = "placed"
SIGNED_OUT = "signed-out"
REGISTERED = "registered"
ADDED = "added"
CANCELLED = "cancelled"
REPORTED = "reported"
SAID = "said"
ANSWERED = "answered"
HANDED_IN = "handed-in"
GAVE_IN = "gave-in"
ASKED = "asked"
DECIDED = "decided"
PAYOUT_ASKED = "payout-asked"
SCHEDULE_SAVED = "schedule-saved"
ACCOUNT_SAVED = "account-saved"
PAYOUT_APPROVED = "payout-approved"
PAYOUT_CANCELLED = "payout-cancelled"
PAYOUT_RETRIED = "payout-retried"
PAYOUTS_HELD = "payouts-held"
PAYOUTS_FREED = "payouts-freed"
MOVEMENT_BOOKED = "movement-booked"
MOVEMENT_PROPOSED = "movement-proposed"
MOVEMENT_REJECTED = "movement-rejected"
MOVEMENTS_FETCHED = "movements-fetched"
MATCHED_AGAIN = "matched-again"
CARD_STOPPED = "card-stopped"
CONNECTED = "connected"
NOT_CONNECTED_YET = "not-connected-yet"
LETTER_RESENT = "letter-resent"

NOTICES = {
    LETTER_RESENT: NoticeView("The letter is on its way again.", "ok"),
    SIGNED_OUT: NoticeView("You are signed out.", "ok"),
    REGISTERED: NoticeView("Your account is made, and you are signed in.", "ok"),
    ADDED: NoticeView("It is in your bag.", "ok"),
    CONNECTED: NoticeView("The account is ready: you can be paid to it.", "ok"),
    NOT_CONNECTED_YET: NoticeView("The account isn't ready yet: there is more to be told.", "info"),
    CANCELLED: NoticeView("The order is cancelled. What was paid goes back the way it came.", "ok"),
    REPORTED: NoticeView("The shop is asked. Its money for this is frozen until it is settled."),
    SAID: NoticeView("Your message is in the case."),
    ANSWERED: NoticeView("Your answer is given, and the question passed on."),
    HANDED_IN: NoticeView("The file is in the case."),
    GAVE_IN: NoticeView("Done. The money goes where it belongs now."),
    ASKED: NoticeView("An operator is asked and will look at all of it."),
    DECIDED: NoticeView("The decision is given, and both sides are told."),
    PAYOUT_ASKED: NoticeView("The payout is on its way, or waits for the market's word."),
    SCHEDULE_SAVED: NoticeView("When you are paid is saved."),
    ACCOUNT_SAVED: NoticeView("The account is saved. Only the end of its number is ever shown."),
    PAYOUT_APPROVED: NoticeView("The payout is let go."),
    PAYOUT_CANCELLED: NoticeView("The payout is called back; its money is the seller's again."),
    PAYOUT_RETRIED: NoticeView("There is a new payout in its place."),
    PAYOUTS_HELD: NoticeView("This seller is paid nothing until you let it."),
    PAYOUTS_FREED: NoticeView("This seller's payouts go on."),
    MOVEMENT_BOOKED: NoticeView("The movement is explained and booked."),
    MOVEMENT_PROPOSED: NoticeView("It is more than one person may explain: a second has to agree."),
    MOVEMENT_REJECTED: NoticeView("The proposal is dropped; the movement waits again."),
    MOVEMENTS_FETCHED: NoticeView("What the provider tells is here, and matched where it fits."),
    MATCHED_AGAIN: NoticeView("What waits was held against the books once more."),
    CARD_STOPPED: NoticeView("The card can't be spent any more. What it holds is still owed."),
}
