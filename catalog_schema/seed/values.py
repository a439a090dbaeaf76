"""What a catalog holds: words, texts, tags, prices and moments, among them those that break careless code.

Responsible for single values and how frequent they are; how they make up rows is said in `tables`.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from random import Random

from catalog_schema.seed.pools import SIZE, even, mixed, zipf


def _words(text: str) -> list[str]:
    return text.split()


AWKWARD = (
    "",
    " ",
    " leading and trailing ",
    "comma, separated, name",
    "O'Neill's \"best\" mug",
    r"back\slash \N \. C:\temp\new",
    "tab\there",
    "two\nlines",
    "carriage\r\nreturn",
    "percent %s %(name)s {brace} $1 ${x}",
    "'; DROP TABLE products; --",
    "NULL",
    "null\u200bwidth",
    "Crème brûlée",
    "Cre\u0300me bru\u0302le\u0301e",
    "مقلاة كبيرة",
    "מחבת \u202bגדולה\u202c",  # noqa: RUF001 - Hebrew on purpose
    "鍋の蓋",
    "🫕👩\u200d🍳🏳️\u200d🌈",
    "Z\u0351\u036ba\u0363\u0308lgo",
    "ß ẞ ı İ ſ K",  # noqa: RUF001 - letters whose case does not come back
    "\ufeffbyte order mark",
    "\U0010fffd last",
    "x" * 400,
)
"""Texts that careless quoting, splitting, folding or trimming damages."""

_ADJECTIVES = _words(
    "Amber Arctic Blue Bold Bright Calm Classic Clever Compact Cosy Crisp Deep Eco Fine Fresh Gentle Golden Grand "
    "Green Happy Light Little Lunar Modern Noble Nordic Plain Quiet Royal Rustic Silver Urban"
)
_THINGS = _words(
    "Backpack Basket Blanket Bottle Bowl Brush Candle Chair Clock Cushion Desk Fork Glass Grinder Hammer Jacket "
    "Kettle Knife Lamp Mirror Mug Notebook Pan Pen Plate Rug Scarf Shelf Spoon Table Towel Vase"
)
TAGS = (
    *_words(
        "sale new gift kitchen home eco garden office kids travel outdoor winter summer vegan handmade vintage wood "
        "steel glass cotton wool bestseller limited bundle refurbished imported local fragile heavy waterproof"
    ),
    "gift idea",
    " spaced ",
    r"back\slash",
    'quo"ted',
    "o'clock",
    "{braces}",
    "NULL",
    "été",
    "🎁",
    "هدية",
)
"""Tags, the commonest first; none has a comma, since the catalog once kept them as comma text."""
_SENTENCES = (
    "Made to last.",
    "A gift for those who have everything.",
    "Wipe clean with a damp cloth.",
    "Ships flat, assembled in ten minutes.",
    "Designed in a small studio by the sea.",
    "The colour may differ slightly from the picture.",
    "Free of plastics.",
    "Not suitable for children under three years.",
)
_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)

Texts = list[str | None]


@cache
def names() -> Texts:
    """Return names of products: one in forty is awkward."""
    plain = [f"{adjective} {thing} {size}" for adjective, thing, size in product(_ADJECTIVES, _THINGS, range(1, 33))]
    return mixed((975, plain), (25, AWKWARD))


@cache
def descriptions() -> Texts:
    """Return descriptions: a tenth NULL, some empty, some awkward, the rest of one to three sentences."""
    plain = [" ".join(sentences) for count in (1, 2, 3) for sentences in product(_SENTENCES, repeat=count)]
    return mixed((830, plain), (100, (None,)), (40, ("",)), (30, AWKWARD))


def tag_lists(rng: Random) -> Texts:
    """Return comma texts of tags: some NULL, some empty, most of one to five tags, a few with empty items."""
    tag = zipf(TAGS)
    plain = [",".join(tag[rng.getrandbits(16)] for _ in range(1 + rng.getrandbits(16) % 5)) for _ in range(SIZE // 8)]
    return mixed((830, plain), (100, (None,)), (60, ("",)), (10, ("sale,,new", "sale,", ",sale", ",", " sale , new ")))


def authors() -> Texts:
    """Return names of reviewers: a sixth gave none, and not all who did gave a sensible one."""
    first = _words("Ada Ben Chloé Dmitri Eşe Fatima Gökhan Hana Ivo Jürgen Kai Léa Mio Noor Øyvind Zoë")
    plain = [f"{name} {initial}." for name, initial in product(first, "ABCDEFGHKLMNPRSTVW")]
    return mixed((800, plain), (160, (None,)), (20, ("",)), (20, AWKWARD))


def cents() -> list[int]:
    """Return prices in cents: most of them small and ending in 99, a few zero, a few as large as the column holds."""
    plain = [euros * 100 + 99 for euros in range(500)]
    return mixed((900, zipf(plain)), (80, range(1, 100_001, 7)), (15, (0,)), (5, (2_147_483_647, 1, 9_999_999)))


@cache
def moments() -> list[str]:
    """Return moments in the two years from 2024 on, to the microsecond."""
    count = SIZE // 8
    step = timedelta(days=730) / count
    return even([(_EPOCH + step * position).isoformat(sep=" ") for position in range(count)])


def states() -> list[str]:
    """Return currency, status and weight, tab-separated: what a product has one of a few values for."""
    currency = zipf(("EUR", "USD", "GBP", "CHF", "SEK", "PLN"))[:: SIZE // 32]
    status = ("active",) * 12 + ("retired",) * 3 + ("draft",)
    weight = (r"\N", "0", "12", "80", "250", "499", "1000", "25000")
    return even(["\t".join(row) for row in product(currency, status, weight)])
