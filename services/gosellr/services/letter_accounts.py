"""Letters to people about their own accounts."""

from collections.abc import Iterator, Mapping

from gosellr.models.events import FactType, RecordedFact
from gosellr.services.letter_drafts import Composer
from gosellr.services.letter_facts import Draft, Subjects, moment
from gosellr.utils.letters import Audience, LetterKind, plain


def welcome(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Somebody made an account: its address hears of it, whoever typed it. Whom a main system
    vouches for was welcomed there."""
    person = subjects.people.get(fact.aggregate_id)
    if person is not None and "issuer" not in fact.data:
        yield Draft(
            kind=LetterKind.WELCOME,
            audience=Audience.MEMBER,
            recipient=person.email,
            context={"name": plain(person.name), "path": "/"},
        )


def password_changed(fact: RecordedFact, subjects: Subjects) -> Iterator[Draft]:
    """Whoever owns an account hears that its password is another one."""
    person = subjects.people.get(fact.aggregate_id)
    if person is not None:
        yield Draft(
            kind=LetterKind.PASSWORD_CHANGED,
            audience=Audience.MEMBER,
            recipient=person.email,
            context={
                "name": plain(person.name),
                "changed_at": moment(fact.occurred_at),
                "path": "/account",
            },
        )


ABOUT_ACCOUNTS: Mapping[FactType, Composer] = {
    FactType.ACCOUNT_REGISTERED: welcome,
    FactType.ACCOUNT_PASSWORD_CHANGED: password_changed,
}
