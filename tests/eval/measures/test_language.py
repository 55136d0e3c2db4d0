import pytest

from eval.measures.language import likely_language

TOLD = {
    "en": "then they said that it was what we had been waiting for",
    "fr": "je ne sais pas ce que vous avez dit dans cette salle",
    "de": "ich weiß nicht was er mit dem alten Haus machen will",
    "es": "la verdad es que no sé por qué lo han hecho así",
    "it": "non so perché questa è la cosa che gli hanno detto della casa",
    "nl": "ik weet niet wat hij met het oude huis zal doen",
    "pt": "não sei o que você fez com a casa que ela tem aqui",
}


@pytest.mark.parametrize(("language", "sentence"), TOLD.items())
def test_one_sentence_tells_its_language(language: str, sentence: str) -> None:
    assert likely_language(sentence) == language


@pytest.mark.parametrize("sentence", TOLD.values())
def test_no_beginning_of_a_sentence_is_taken_for_another_language(sentence: str) -> None:
    words = sentence.split()
    told = {likely_language(" ".join(words[:n])) for n in range(len(words) + 1)}
    assert told == {None, likely_language(sentence)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "oui",
        "on a un car",
        "Bonjour à tous",
        "une émission de la radio",
        "a un ton de més i la casa no és gran",  # Catalan
        "det er en liste over filer som kan brukes for at de skal vises",  # Norwegian
        "se nu este un element ce poate fi la o parte",  # Romanian
        "4 8 15 16 23 42",
    ],
)
def test_what_may_be_another_language_is_not_told(text: str) -> None:
    assert likely_language(text) is None
