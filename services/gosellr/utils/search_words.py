"""What was typed, as words to look for."""

_BEGINNING_LENGTH_MIN = 2


def is_plain(words: str) -> bool:
    """Whether a query has no operators, which mean more than the words beside each other."""
    return all(
        any(map(str.isalnum, word)) and word[0] != "-" and '"' not in word and word != "or"
        for word in words.split()
    )


def plain_words(words: str) -> list[str]:
    """The words that are looked for, without operators and what they exclude."""
    kept = (word for word in words.split() if word[0] != "-" and word != "or")
    return [
        part
        for word in kept
        for part in "".join(sign if sign.isalnum() else " " for sign in word).split()
    ]


def ways_to_write(words: str) -> list[str]:
    """The query, and the same with two of its words written as one: a smart watch is a smartwatch
    as well."""
    if not is_plain(words):
        return [words]
    typed = words.split()
    joined = (
        " ".join([*typed[:at], typed[at] + typed[at + 1], *typed[at + 2 :]])
        for at in range(len(typed) - 1)
        if typed[at].isalpha() and typed[at + 1].isalpha()
    )
    return [words, *list(joined)[:4]]


def beginning(words: str) -> tuple[str | None, str | None]:
    """What stands before the last word, and the last word as the beginning of one."""
    *head, last = words.split()
    if not is_plain(words) or len(last) < _BEGINNING_LENGTH_MIN or not last.isalnum():
        return None, None
    return " ".join(head), f"'{last}':*"
