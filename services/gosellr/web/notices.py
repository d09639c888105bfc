"""What a page says once after a form was sent and the browser was led on."""

from gosellr.web.views import NoticeView

PLACED = "placed"
PASSWORD_CHANGED = "password-changed"  # noqa: S105  (a name, not a secret)
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
PAYOUT_RECALLED = "payout-recalled"
PAYOUT_RETRIED = "payout-retried"
PAYOUTS_HELD = "payouts-held"
PAYOUTS_FREED = "payouts-freed"
MOVEMENT_BOOKED = "movement-booked"
MOVEMENT_PROPOSED = "movement-proposed"
MOVEMENT_REJECTED = "movement-rejected"
MOVEMENTS_FETCHED = "movements-fetched"
MATCHED_AGAIN = "matched-again"
GIVEN_BACK_RESOLVED = "given-back-resolved"
CARD_STOPPED = "card-stopped"
CARD_TAKEN_BACK = "card-taken-back"
CARD_EXTENDED = "card-extended"
PAYOUTS_GO_ON = "payouts-go-on"
GIFT_SENT = "gift-sent"
CONNECTED = "connected"
NOT_CONNECTED_YET = "not-connected-yet"
LETTER_RESENT = "letter-resent"
PLAN_AGREED = "plan-agreed"
PLAN_ENDED = "plan-ended"
PREPARED = "prepared"
ADJUSTMENT_BOOKED = "adjustment-booked"
ADJUSTMENT_REJECTED = "adjustment-rejected"
TAX_FILED = "tax-filed"
TAX_HOLD_LIFTED = "tax-hold-lifted"
TAX_HOLD_RESTORED = "tax-hold-restored"
PROPOSED = "proposed"
PROPOSAL_APPROVED = "proposal-approved"
PROPOSAL_REJECTED = "proposal-rejected"
COMMISSION_CHANGED = "commission-changed"
TAX_IDENTITY_SAVED = "tax-identity-saved"
LETTERHEAD_SAVED = "letterhead-saved"
TAX_RATE_SAVED = "tax-rate-saved"
TAX_RATE_ENDED = "tax-rate-ended"
COMMISSION_ENDED = "commission-ended"
RULE_ADDED = "rule-added"
RULE_ENDED = "rule-ended"
RUN_BEFORE = "run-before"
PAYOUT_FAILED = "payout-failed"
FILE_MADE = "file-made"
FILE_EXECUTED = "file-executed"
FILE_REJECTED = "file-rejected"
RECEIPT_ASSIGNED = "receipt-assigned"
RECEIPT_RETURNED = "receipt-returned"
REFUND_SENT = "refund-sent"
CAPTURE_FAILED = "capture-failed"
CAPTURE_TAKEN = "capture-taken"
REFUND_FAILED = "refund-failed"
REFUND_SETTLED = "refund-settled"
CASH_RECEIVED = "cash-received"
PARCEL_REFUSED = "parcel-refused"
CREDIT_GRANTED = "credit-granted"
CREDIT_PROPOSED = "credit-proposed"
LOOKED_AGAIN = "looked-again"
CALLED_OFF = "called-off"
OFFER_SAVED = "offer-saved"
CANCELLED_NOT_REFUNDED = "cancelled-not-refunded"
REFUND_MADE = "refund-made"
REFUND_UNDER_WAY = "refund-under-way"
REFUND_DECLINED = "refund-declined"

CHANGED_FIRST = NoticeView(
    "Somebody else changed this first. The form says how it stands now: change it again.",
    "warn",
    "Nothing was changed",
)
"""Told at once, with the form as it stands now."""

NOTICES = {
    LETTER_RESENT: NoticeView("The letter is on its way again.", "ok"),
    PASSWORD_CHANGED: NoticeView("Your password is changed. Sign in with it.", "ok"),
    SIGNED_OUT: NoticeView("You are signed out.", "ok"),
    REGISTERED: NoticeView("Your account is made, and you are signed in.", "ok"),
    ADDED: NoticeView("It is in your bag.", "ok"),
    CONNECTED: NoticeView("The account is ready: you can be paid to it.", "ok"),
    NOT_CONNECTED_YET: NoticeView("The account isn't ready yet: there is more to be told.", "info"),
    CANCELLED: NoticeView("The order is cancelled. What was paid goes back the way it came.", "ok"),
    CANCELLED_NOT_REFUNDED: NoticeView(
        "The order is cancelled. The provider declined to send the money back: the market knows,"
        " and looks after that.",
        "warn",
    ),
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
    PAYOUT_RECALLED: NoticeView("The provider gave it back; its money is the seller's again."),
    PAYOUT_RETRIED: NoticeView("There is a new payout in its place."),
    PAYOUTS_HELD: NoticeView("This seller is paid nothing until you let it."),
    PAYOUTS_FREED: NoticeView("This seller's payouts go on."),
    MOVEMENT_BOOKED: NoticeView("The movement is explained and booked."),
    MOVEMENT_PROPOSED: NoticeView("It is more than one person may explain: a second has to agree."),
    MOVEMENT_REJECTED: NoticeView("The proposal is dropped; the movement waits again."),
    MOVEMENTS_FETCHED: NoticeView("What the provider tells is here, and matched where it fits."),
    GIVEN_BACK_RESOLVED: NoticeView("It waits no more; nothing was booked by that."),
    MATCHED_AGAIN: NoticeView("What waits was held against the books once more."),
    CARD_STOPPED: NoticeView("The card can't be spent any more. What it holds is still owed."),
    CARD_TAKEN_BACK: NoticeView("The card is taken back. What was left on it is on its way."),
    CARD_EXTENDED: NoticeView("The card is good for longer, with all that was left on it."),
    PAYOUTS_GO_ON: NoticeView("Your payouts go on."),
    GIFT_SENT: NoticeView("We have written down where the card goes."),
    PLAN_AGREED: NoticeView("The plan is in force, in place of the one before."),
    PLAN_ENDED: NoticeView("The plan is over: all that becomes available goes to the debt first."),
    PREPARED: NoticeView("It is prepared. Nothing is booked before a second person agrees."),
    ADJUSTMENT_BOOKED: NoticeView("It is booked."),
    ADJUSTMENT_REJECTED: NoticeView("It is turned down; nothing was booked."),
    TAX_FILED: NoticeView("It is written down, and its figures are kept as they are."),
    TAX_HOLD_LIFTED: NoticeView("Nothing is withheld from this seller any more."),
    TAX_HOLD_RESTORED: NoticeView("It is taken back."),
    PROPOSED: NoticeView("It is proposed. Nothing changes before a second person agrees."),
    PROPOSAL_APPROVED: NoticeView("It is approved, and done."),
    PROPOSAL_REJECTED: NoticeView("It is turned down; nothing was changed."),
    COMMISSION_CHANGED: NoticeView("The rule stands, for sales to come."),
    COMMISSION_ENDED: NoticeView("The rule is out of force. What was sold keeps it."),
    TAX_IDENTITY_SAVED: NoticeView("Who you are is saved, and kept encrypted."),
    LETTERHEAD_SAVED: NoticeView("Saved. It stands on the papers that are issued from now on."),
    TAX_RATE_SAVED: NoticeView("The rate stands, for sales to come."),
    TAX_RATE_ENDED: NoticeView("The rate has ended. What was sold keeps it."),
    RULE_ADDED: NoticeView("The rule is in force for releases to come."),
    RULE_ENDED: NoticeView("The rule is out of force. What was kept back stays until its day."),
    RUN_BEFORE: NoticeView("This run was begun before; there is one, not two.", "info"),
    PAYOUT_FAILED: NoticeView("It is marked as failed; its money is the seller's again."),
    FILE_MADE: NoticeView("The file is made. Download it and give it to the bank."),
    FILE_EXECUTED: NoticeView("The file is carried out: its payments are paid."),
    FILE_REJECTED: NoticeView("The file is refused; its money is the sellers' again."),
    RECEIPT_ASSIGNED: NoticeView("The transfer belongs to this order now."),
    RECEIPT_RETURNED: NoticeView("It is marked as sent back."),
    REFUND_SENT: NoticeView("The refund is marked as sent."),
    CAPTURE_FAILED: NoticeView("Nothing was taken: what waits can be sent, or cancelled."),
    CAPTURE_TAKEN: NoticeView("The money is booked as taken: what waits can be sent."),
    REFUND_FAILED: NoticeView("The refund is marked as failed; what it had taken went back."),
    REFUND_SETTLED: NoticeView("The refund is marked as arrived."),
    CASH_RECEIVED: NoticeView("The parcel is handed over and paid."),
    PARCEL_REFUSED: NoticeView("The parcel is called off; its goods are back."),
    CREDIT_PROPOSED: NoticeView(
        "It is more than one person may give away within a day: the marketplace has to agree first."
    ),
    CREDIT_GRANTED: NoticeView("The credit is granted; it can be spent at once."),
    OFFER_SAVED: NoticeView("What is for sale is saved.", "ok"),
    CALLED_OFF: NoticeView("The units are called off: they are back on sale, and never charged."),
    REFUND_MADE: NoticeView("The refund is made, and told to the buyer.", "ok"),
    REFUND_UNDER_WAY: NoticeView("The refund is on its way; its state follows the provider."),
    REFUND_DECLINED: NoticeView(
        "The provider declined the refund. Nothing moved, and what it had taken went back.", "bad"
    ),
    LOOKED_AGAIN: NoticeView("The provider was asked; this is how the account stands now."),
}
