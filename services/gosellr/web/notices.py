"""What a page says once after a form was sent and the browser was led on."""

from gosellr.web.views import NoticeView

PLACED = "placed"
SIGNED_OUT = "signed-out"
REGISTERED = "registered"
ADDED = "added"
CANCELLED = "cancelled"
CONNECTED = "connected"
NOT_CONNECTED_YET = "not-connected-yet"

NOTICES = {
    SIGNED_OUT: NoticeView("You are signed out.", "ok"),
    REGISTERED: NoticeView("Your account is made, and you are signed in.", "ok"),
    ADDED: NoticeView("It is in your bag.", "ok"),
    CONNECTED: NoticeView("The account is ready: you can be paid to it.", "ok"),
    NOT_CONNECTED_YET: NoticeView("The account isn't ready yet: there is more to be told.", "info"),
    CANCELLED: NoticeView("The order is cancelled. What was paid goes back the way it came.", "ok"),
}
