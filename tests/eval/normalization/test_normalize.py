import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from whisper_normalizer.english import EnglishTextNormalizer

from eval.normalization.english import by_whisper
from eval.normalization.normalize import NoNormalizer, normalize, spoken_key, word_key


def test_english_is_compared_without_case_punctuation_and_fillers() -> None:
    words = normalize("Uh, Mr. Hale can't — I MEAN, won't!", "en")
    assert " ".join(words) == "mister hale can not i mean will not"


def test_numbers_are_compared_as_digits() -> None:
    assert normalize("four thousand, two hundred", "en") == normalize("4,200", "en") == ["4200"]


_PARTS = [
    *(
        "It's the one",
        "dog",
        "colour",
        "archaeology",
        "flyer",
        "Mr.",
        "St. John's",
        "can't",
        "o'clock",
    ),
    *("twenty-one", "two hundred", "and", "a half", "point", "five", "oh", "double", "dollars"),
    *("percent", "o'clock", "gonna", "they've", "been", "1984", "3.5", "4,000", "5 th", "s", "B12"),
    *("$5", "(aside)", "[noise]", "'tis", "cats'", "é", "“so”", "...", "- ", "5%", "minus", "per"),
]


@given(st.lists(st.tuples(st.sampled_from(_PARTS), st.sampled_from([" ", ", ", ". ", "-", " "]))))
def test_english_in_parts_is_made_comparable_as_by_whisper(parts: list[tuple[str, str]]) -> None:
    text = "".join(map("".join, parts))
    assert by_whisper(text.lower()) == EnglishTextNormalizer()(text).split()


def test_a_region_does_not_change_the_normaliser() -> None:
    assert normalize("Colour", "en-GB") == normalize("color", "en")


def test_a_language_without_normaliser_is_named() -> None:
    with pytest.raises(NoNormalizer, match="'pl'; there is one for: en, fr, de"):
        normalize("ta szkoła", "pl")


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "Der Damm, neunzehnhundertdreiundsechzig", "der Damm 1963"),
        ("de", "einundzwanzig Prozent", "21%"),
        ("de", "äh, der dritte Mann", "Der 3. Mann"),
        ("de", "zwei Hunde, ähm, zehn Euro", "2 Hunde 10 €"),
        ("de-AT", "Nord-Süd-Achse [Gelächter]", "nord süd achse"),
        ("es", "«mil novecientos sesenta y tres»", "1963"),
        ("es", "¿Cierto? Cien por ciento.", "cierto 100 %"),
        ("es", "diez mil euros", "10 000 €"),
        ("it", "l’uomo, ventuno per cento", "l'uomo 21 %"),
        ("nl", "eenentwintig, hm, procent", "21%"),
        ("pt", "vinte e um por cento", "21 %"),
    ],
)
def test_spellings_of_one_utterance_are_one(language: str, one: str, other: str) -> None:
    assert normalize(one, language) == normalize(other, language) != []


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("de", "ein Mann, eine Frau", ["ein", "mann", "eine", "frau"]),
        ("es", "un hombre y una mujer", ["un", "hombre", "y", "una", "mujer"]),
        ("pt", "em casa", ["em", "casa"]),
        ("it", "un uomo", ["un", "uomo"]),
        ("nl", "een man", ["een", "man"]),
    ],
)
def test_an_article_is_no_number(language: str, text: str, words: list[str]) -> None:
    assert normalize(text, language) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("L’école, c'est fini !", "l'école c' est fini"),
        ("le cœur, Œdipe", "le coeur oedipe"),
        ("quatre-vingt-dix-sept euros", "97 €"),
        ("mille deux cents", "1 200"),
        ("un million cinq cent mille", "1.500.000"),
        ("trois virgule cinq pour cent", "3,5 %"),
        ("quatorze heures trente", "14h30"),
        ("le troisième jour", "le 3e jour"),
        ("la première fois", "la 1ère fois"),
        ("euh je, heu, mmh, crois", "Je crois."),
        ("deux chats et un chien", "2 chats et 1 chien"),
        ("M. Martin et Mme Roy", "monsieur Martin et madame Roy"),
        ("porte-monnaie", "porte monnaie"),
        ("[rires] bonjour", "bonjour"),
        ("soixante et onze", "septante et un"),
    ],
)
def test_spellings_of_one_french_utterance_are_one(one: str, other: str) -> None:
    assert normalize(one, "fr") == normalize(other, "fr-FR") != []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("aujourd'hui l'eau, s'il", ["aujourd'hui", "l'eau", "s'il"]),
        ("cent", ["100"]),
        ("pour cent", ["pour", "cent"]),
        ("élève", ["élève"]),
        ("un, deux, trois", ["un", "deux", "3"]),
        ("une", ["une"]),
    ],
)
def test_french_words_stay_what_they_are(text: str, words: list[str]) -> None:
    assert normalize(text, "fr") == words


@given(st.text(st.sampled_from("aéœ l'’-,.0123 eu%h")))
def test_french_made_comparable_is_comparable(text: str) -> None:
    once = normalize(text, "fr")
    assert all(word and word == word.lower() and " " not in word for word in once)


def test_spellings_of_one_spoken_word_have_one_key() -> None:
    assert spoken_key("Mr.", "en") == spoken_key("mister", "en")
    assert spoken_key("M.", "fr") == spoken_key("monsieur", "fr")
    assert spoken_key("Can't", "en") == "can not"
    assert spoken_key("Uh,", "en") == ""


def test_a_word_key_has_no_case_and_no_punctuation() -> None:
    assert word_key("“Don't!”") == word_key("dont") == "dont"
    assert word_key("—") == ""
    assert word_key("5 €") != word_key("5")


@given(st.text())
@example("C:\u0327")
@example("<:")
@example("ŉ")
def test_a_word_key_is_its_own_key(word: str) -> None:
    assert word_key(word_key(word)) == word_key(word)
