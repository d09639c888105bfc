"""The words of the market: real ones for what is named, made-up ones for the long tail."""

from itertools import product
from random import Random

# Roots, the branches below them, and what is sold in each.
TREE: dict[str, dict[str, tuple[str, ...]]] = {
    "Living": {
        "Lighting": ("floor lamp", "lantern", "pendant", "sconce", "candle"),
        "Seating": ("armchair", "stool", "bench", "sofa", "footrest"),
        "Storage": ("shelf", "cabinet", "basket", "chest", "rack"),
        "Decor": ("vase", "mirror", "picture frame", "clock", "cushion"),
    },
    "Kitchen": {
        "Cookware": ("saucepan", "skillet", "casserole", "wok", "kettle"),
        "Tableware": ("plate", "bowl", "mug", "pitcher", "tray"),
        "Cutlery": ("chef knife", "spoon", "fork", "peeler", "ladle"),
        "Pantry": ("jar", "tin", "bottle", "grinder", "scale"),
    },
    "Clothing": {
        "Tops": ("shirt", "sweater", "hoodie", "blouse", "vest"),
        "Bottoms": ("trousers", "skirt", "shorts", "leggings", "jeans"),
        "Outerwear": ("jacket", "coat", "parka", "raincoat", "cape"),
        "Accessories": ("scarf", "hat", "glove", "belt", "backpack"),
    },
    "Garden": {
        "Planting": ("planter", "pot", "trellis", "seed tray", "hanging basket"),
        "Tools": ("spade", "rake", "pruner", "trowel", "wheelbarrow"),
        "Outdoor": ("hammock", "parasol", "fire bowl", "deck chair", "picnic table"),
        "Watering": ("watering can", "hose", "sprinkler", "rain barrel", "nozzle"),
    },
    "Music": {
        "Strings": ("guitar", "violin", "ukulele", "banjo", "harp"),
        "Winds": ("flute", "clarinet", "harmonica", "recorder", "trumpet"),
        "Percussion": ("drum", "cajon", "tambourine", "cymbal", "xylophone"),
        "Gear": ("amplifier", "metronome", "music stand", "capo", "tuner"),
    },
    "Play": {
        "Puzzles": ("jigsaw", "brain teaser", "cube", "maze", "tangram"),
        "Games": ("chess set", "domino", "card game", "dice game", "board game"),
        "Building": ("building block", "train set", "marble run", "castle", "robot kit"),
        "Soft Toys": ("teddy bear", "rabbit", "dragon", "puppet", "doll"),
    },
    "Sport": {
        "Running": ("running shoe", "headband", "water belt", "pacer watch", "gaiter"),
        "Camping": ("tent", "sleeping bag", "camp stove", "headlamp", "cooler"),
        "Cycling": ("bike helmet", "pannier", "bell", "saddle", "pump"),
        "Fitness": ("dumbbell", "yoga mat", "kettlebell", "resistance band", "skipping rope"),
    },
    "Office": {
        "Writing": ("fountain pen", "pencil", "marker", "notebook", "sketchbook"),
        "Desk": ("desk", "desk organiser", "monitor stand", "letter tray", "footstool"),
        "Paper": ("envelope", "postcard", "planner", "calendar", "notepad"),
        "Craft": ("loom", "brush", "easel", "sewing kit", "yarn"),
    },
}

ADJECTIVES = (
    "classic", "modern", "rustic", "slim", "compact", "folding", "handmade", "vintage", "nordic",
    "solid", "light", "heavy", "quiet", "bright", "soft", "sturdy", "elegant", "simple", "round",
    "square", "tall", "small", "large", "wide", "narrow", "deep", "portable", "stackable",
    "waterproof", "foldable", "polished", "brushed", "woven", "knitted", "quilted", "padded",
    "striped", "plain", "premium", "everyday",
)  # fmt: skip
MATERIALS = (
    "oak", "steel", "cotton", "linen", "wool", "glass", "ceramic", "leather", "bamboo", "brass",
    "walnut", "copper", "felt", "canvas", "marble", "rattan", "cork", "silk", "pine", "aluminium",
    "granite", "jute", "velvet", "beech",
)  # fmt: skip
COLOURS = (
    "black", "white", "grey", "blue", "green", "red", "brown", "beige", "yellow", "pink", "purple",
    "orange",
)  # fmt: skip
SIZES = ("S", "L")
BRAND_COUNT = 200

_PLAIN_TEXT = (
    "design quality home use made hand care finish surface shape colour edge weight size price"
    " comfort style room table wall floor kitchen garden family friend gift summer winter spring"
    " autumn morning evening water heat cold dry clean wash wipe store carry hang fold open close"
    " turn press hold fit match mix work play rest travel city forest river mountain sea stone wood"
    " metal fabric paper thread seam button zip handle lid base frame leg top side corner line"
    " pattern detail tone shade natural durable gentle firm smooth rough warm cool safe easy quick"
    " slow long short thick thin high low new old young fresh rare common local fair trade maker"
    " workshop tradition craft tool machine test year month week day hour minute number set pair"
    " piece part box bag pack order return repair replace spare guarantee advice guide recipe tip"
    " idea plan detail choice range series edition limited special daily weekend holiday party"
    " breakfast dinner coffee tea bread fruit herb flower leaf tree bird cat dog horse child adult"
    " beginner expert teacher student artist designer cook gardener runner rider player"
)
_ONSETS = ("b", "br", "d", "dr", "f", "fl", "g", "gl", "k", "kr", "l", "m", "n", "p", "pl", "r",
           "s", "sk", "st", "t", "tr", "v", "w", "z")  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u")
_ENDINGS = ("rk", "lm", "nto", "va", "lix", "mbra", "nd", "rio", "sk", "tal", "xo", "pha")
_TAIL_COUNT = 2_400


def _made_up() -> list[str]:
    words = [
        "".join(parts)
        for parts in product(_ONSETS, _VOWELS, ("l", "m", "r", "n"), _VOWELS, _ENDINGS)
    ]
    Random(20).shuffle(words)
    return words


def _names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    words = list(dict.fromkeys(_made_up()))
    brands = tuple(word.capitalize() for word in words[:BRAND_COUNT])
    return brands, tuple(words[BRAND_COUNT : BRAND_COUNT + _TAIL_COUNT])


BRANDS, TAIL = _names()

NOUNS = tuple(noun for branches in TREE.values() for nouns in branches.values() for noun in nouns)


def _ranked() -> tuple[str, ...]:
    """The words of descriptions, commonest first: plain ones, then what names goods, the tail."""
    named = [*MATERIALS, *ADJECTIVES, *COLOURS, *(word for noun in NOUNS for word in noun.split())]
    Random(30).shuffle(named)
    return tuple(dict.fromkeys([*_PLAIN_TEXT.split(), *named, *TAIL]))


DESCRIBING = _ranked()
