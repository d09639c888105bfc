"""What buyers say about what they bought, in words that fit the stars."""

import random

_TITLES = {
    5: ("Exactly right", "Better than the picture", "Would buy again", "A small joy", "Lovely",
        "Worth every cent", "Perfect present", "My new favourite"),
    4: ("Very good", "Nearly perfect", "Happy with it", "Good, with one small thing", "Solid"),
    3: ("It's all right", "Mixed feelings", "Fine for the price", "Not what I had in mind"),
    2: ("Expected more", "Disappointed", "Looks better than it is"),
    1: ("Broke in the first week", "Not as described", "Sent it back"),
}  # fmt: skip

_OPENINGS = {
    5: ("I use it every day and still notice how well it is made.",
        "Arrived a day early, wrapped as if it were for the queen.",
        "Bought one for myself, then two more for friends.",
        "My partner was sceptical. My partner now says it was their idea.",
        "You can tell that somebody cared.",
        "The third thing I have from this shop, and again no complaints.",
        "Even nicer in the hand than on the screen."),
    4: ("Does what it should and looks good doing it.",
        "Good quality, and the shop answered my question within the hour.",
        "I'd give it four and a half if I could.",
        "Well made; took me a few days to get used to it.",
        "Exactly as described, delivery could have been quicker."),
    3: ("Not bad, but not what I'd call special.",
        "The colour is darker than in the picture.",
        "Smaller than I thought, my fault for not measuring.",
        "Works, though the finish is a little rough."),
    2: ("There was a scratch on it, and the box was fine.",
        "It came late and without a word.",
        "The description promises more than the thing keeps."),
    1: ("It lasted four days.",
        "This isn't what I ordered, and getting an answer took a week.",
        "Cracked when I unpacked it."),
}  # fmt: skip

_ENDINGS = {
    5: ("Thank you!", "I'll be back.", "Recommended without a but.", "Ten out of ten.",
        "The handwritten note in the parcel made my day.", ""),
    4: ("I'd buy it again.", "One star off for the packaging.", "Recommended.", ""),
    3: ("I'm keeping it.", "For the price it's fair.", ""),
    2: ("The shop offered a part of the money back, which was fair.", "I expected better.", ""),
    1: ("The refund, to be fair, came at once.", "I wouldn't order it again.", ""),
}  # fmt: skip

# How often each number of stars is given by those who were, on the whole, pleased so much.
_SPREADS = {
    "loved": ((5, 72), (4, 20), (3, 5), (2, 2), (1, 1)),
    "liked": ((5, 52), (4, 30), (3, 11), (2, 4), (1, 3)),
    "mixed": ((5, 32), (4, 30), (3, 20), (2, 10), (1, 8)),
}


def stars(chance: random.Random, *, quality: float) -> int:
    """A rating, the better the likelier for something good."""
    mood = "loved" if quality > 4.4 else "liked" if quality > 4.0 else "mixed"
    ratings, weights = zip(*_SPREADS[mood], strict=True)
    [rating] = chance.choices(ratings, weights)
    return int(rating)


def review_words(chance: random.Random, *, rating: int) -> tuple[str, str]:
    """A title and a text; some people leave it at the stars."""
    if chance.random() < 0.18:
        return "", ""
    title = chance.choice(_TITLES[rating]) if chance.random() < 0.7 else ""
    body = f"{chance.choice(_OPENINGS[rating])} {chance.choice(_ENDINGS[rating])}"
    return title, body.strip()
