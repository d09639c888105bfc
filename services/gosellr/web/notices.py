"""What a page says once after a form was sent and the browser was led on."""

from gosellr.web.views import NoticeView

PLACED = "placed"
SIGNED_OUT = "signed-out"
REGISTERED = "registered"
ADDED = "added"
CANCELLED = "cancelled"

NOTICES = {
    SIGNED_OUT: NoticeView("You are signed out.", "ok"),
    REGISTERED: NoticeView("Your account is made, and you are signed in.", "ok"),
    ADDED: NoticeView("It is in your bag.", "ok"),
    CANCELLED: NoticeView("The order is cancelled. What was paid goes back the way it came.", "ok"),
}
