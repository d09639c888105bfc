import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.slugs import fold_latin, slugify, with_suffix


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Crème brûlée & Co.", "creme-brulee-co"),
        ("  Größe XL -- Straße  ", "grosse-xl-strasse"),
        ("Łódź, Ærø, İstanbul, ısı", "lodz-aero-istanbul-isi"),
        ("Bob's lamp", "bobs-lamp"),
        ("Bob’s lamp", "bobs-lamp"),
        ("ＦＵＬＬ １２", "full-12"),
        ("10 m² ½", "10-m2-1-2"),
        ("مصباح نحاسي", "مصباح-نحاسي"),
        ("می\u200cخواهم", "میخواهم"),
        ("soft\u00adly", "softly"),
        ("真鍮のランプ", "真鍮のランプ"),
        ("がぎぐ", "がぎぐ"),
        ("한국 램프", "한국-램프"),
        ("हिन्दी दीपक", "हिन्दी-दीपक"),
        ("Чай чёрный", "чай-чёрный"),
        ("🔥 Hot 🔥", "hot"),
    ],
)
def test_slugify(text: str, slug: str) -> None:
    assert slugify(text, fallback="item") == slug


def test_empty_texts_use_the_fallback() -> None:
    assert slugify("🔥 !!", fallback="Product 7") == "product-7"
    with pytest.raises(ValueError, match="fallback"):
        slugify("", fallback="--")


def test_long_titles_are_cut_between_words_where_that_is_cheap() -> None:
    assert slugify("alpha beta gamma", fallback="x", max_length=12) == "alpha-beta"
    assert slugify("alpha beta gamma", fallback="x", max_length=10) == "alpha-beta"
    assert slugify("a" + "b" * 30, fallback="x", max_length=12) == "a" + "b" * 11
    assert slugify("al " + "b" * 30, fallback="x", max_length=12) == "al-" + "b" * 9


@given(text=st.text(), length=st.integers(1, 90))
def test_slugs_are_short_clean_and_stable(text: str, length: int) -> None:
    slug = slugify(text, fallback="item", max_length=length)
    assert 1 <= len(slug) <= length
    assert slug == slug.strip("-")
    assert "--" not in slug
    assert slug == slug.lower()
    assert {unicodedata.category(character)[0] for character in slug} <= set("LNM") | {"P"}
    assert all(c == "-" for c in slug if unicodedata.category(c)[0] == "P")
    assert slugify(slug, fallback="item", max_length=length) == slug


@given(text=st.text())
def test_folding_is_stable(text: str) -> None:
    once = fold_latin(text)
    assert fold_latin(once) == once


@given(slug=st.from_regex(r"[a-z]{1,40}(-[a-z]{1,40})?", fullmatch=True), number=st.integers(1))
def test_suffix_fits_and_stays_whole(slug: str, number: int) -> None:
    result = with_suffix(slug, number % 10**6 + 1, max_length=40)
    head, _, tail = result.rpartition("-")
    assert len(result) <= 40
    assert tail == str(number % 10**6 + 1)
    assert slug.startswith(head)
    assert head == head.rstrip("-") != ""


def test_suffix_is_readable() -> None:
    assert with_suffix("lamp", 2) == "lamp-2"
    with pytest.raises(ValueError, match="counts from 1"):
        with_suffix("lamp", 0)
    with pytest.raises(ValueError, match="leaves room"):
        with_suffix("lamp", 1234, max_length=5)
