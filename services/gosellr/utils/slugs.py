"""Readable addresses out of any title, in any script."""

import unicodedata

# Latin letters which Unicode doesn't decompose into a plain letter and a mark.
_LATIN_LETTERS = str.maketrans(
    {
        "ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o",
        "đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "þ": "th", "Þ": "th", "ł": "l", "Ł": "l",
        "ħ": "h", "Ħ": "h", "ı": "i", "ŧ": "t", "Ŧ": "t", "ŋ": "n", "Ŋ": "n",
    }
)  # fmt: skip
# Signs inside a word: "Bob's" is one word and not two.
_APOSTROPHES = frozenset("'’ʼ‘`´")


def fold_latin(text: str) -> str:
    """Return the text in lower case and with Latin letters stripped of their accents.

    Compatibility forms (full width, ligatures, superscripts) become plain. The marks of other
    scripts carry meaning (Hindi vowels, Cyrillic й, Japanese が) and stay.
    """
    folded: list[str] = []
    after_latin = True
    for character in unicodedata.normalize("NFKD", text).translate(_LATIN_LETTERS):
        if unicodedata.category(character).startswith("M"):
            if not after_latin:
                folded.append(character)
            continue
        after_latin = not character.isalpha() or _is_latin(character)
        folded.append(character)
    return unicodedata.normalize("NFC", "".join(folded).lower())


def slugify(text: str, *, fallback: str, max_length: int = 80) -> str:
    """Return the text as a slug: letters and digits of any script, words joined by a hyphen.

    A long text is cut between words where that costs less than half of it. When nothing is
    left, the slug is that of `fallback`; ValueError when nothing is left of that either.
    """
    slug = _cut(_words_joined(text), max_length) or _cut(_words_joined(fallback), max_length)
    if not slug:
        raise ValueError("the fallback of a slug needs a letter or a digit")
    return slug


def with_suffix(slug: str, number: int, *, max_length: int = 80) -> str:
    """Return the slug with a number behind it, shortened so that both fit: lamp, 2 → lamp-2."""
    suffix = f"-{number}"
    if number < 1 or len(suffix) >= max_length:
        raise ValueError("a slug's suffix counts from 1 and leaves room for the slug")
    return slug[: max_length - len(suffix)].rstrip("-") + suffix


def _is_latin(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith("LATIN ")


def _words_joined(text: str) -> str:
    kept: list[str] = []
    for character in fold_latin(text):
        category = unicodedata.category(character)
        if category[0] in "LN" or (category[0] == "M" and kept and kept[-1] != "-"):
            kept.append(character)
        # Format characters, such as the joiners of Persian and Hindi, sit inside words.
        elif character not in _APOSTROPHES and category != "Cf" and kept and kept[-1] != "-":
            kept.append("-")
    return "".join(kept).strip("-")


def _cut(slug: str, max_length: int) -> str:
    if len(slug) <= max_length:
        return slug
    head = slug[:max_length]
    boundary = head.rfind("-")
    if slug[max_length] != "-" and boundary >= max_length // 2:
        head = head[:boundary]
    return head
