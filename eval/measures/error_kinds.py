"""Classifies and weighs word errors by rules, without a human judge."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, pairwise
from typing import Literal, get_args

from eval.measures.accuracy import Pair, wer_of_long
from eval.normalization.normalize import normalize, word_key
from streaming.recognizer import primary

Kind = Literal["number", "negation", "name", "inflection", "function", "content"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WEIGHTS: Mapping[Kind, float] = {
    "number": 1.0,
    "negation": 1.0,
    "name": 1.0,
    "content": 0.5,
    "function": 0.25,
    "inflection": 0.25,
}
"""The NER model's serious, standard and minor error (Romero-Fresco & Martínez 2015).

There a person judges how each error affects the meaning; here the kind of word decides.
"""

STRETCH = 5
"""So many successive spoken words of which none is shown right are a lost stretch.

The NER model counts errors in what captions hold (its N is the number of their words), so its
weights are those of an utterance that was recognised. Where none was, as in captions that are
missing, stop early or are in another language, each spoken word counts as in the word error rate.
"""

_NEGATIONS = {
    "en": "no not never none nobody nothing nowhere neither nor without hardly",
    "fr": "ne non pas jamais rien aucun aucune ni sans guère nul nulle",
}
_FUNCTION_WORD_LISTS = {
    "en": """a an the and or but if then than as of at by for with about into to from in on up out
        off over under i you he she it we they me him her us them my your his its our their this
        that these those who whom which what am is are was were be been being have has had having
        do does did will would shall should can could may might must so too very just there here
        when where why how all any both each few more most other some such only own same because
        while until upon unto yes""",
    "fr": """le la les l un une des du de d au aux et ou mais donc or car si que qu qui quoi dont où
        à en dans par pour avec sur sous entre vers chez je j tu il elle on nous vous ils elles me
        m te t se s lui leur y ce c cet cette ces mon ma mes ton ta tes son sa ses notre nos votre
        vos leurs est es suis sont sommes êtes était étaient été être ai as a avons avez ont avait
        avaient avoir eu sera fait faire comme aussi très plus moins bien là ici tout toute tous
        toutes même quand comment alors puis oui""",
}
FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    tag: frozenset(words.split()) for tag, words in _FUNCTION_WORD_LISTS.items()
}
_ENDINGS = {
    "en": {"", "s", "es", "ed", "d", "ing", "er", "est", "ly", "ies", "y", "ied", "n", "en", "e"},
    "fr": {
        *("", "s", "x", "e", "es", "é", "ée", "és", "ées", "er", "ez", "ent", "ons", "ai", "as"),
        *("a", "ait", "ais", "aient", "ions", "iez", "ant", "ants", "ante", "antes", "al", "aux"),
        *("ale", "ales", "t", "le", "les", "ne", "nes", "ra", "rait", "ront", "i", "is", "it"),
        *("ie", "ies", "if", "ive", "ifs", "ives", "r", "u", "ue", "us", "ues"),
    },
}
_STEM = 3  # letters that two forms of one word must share


@dataclass(frozen=True, slots=True)
class KindCounts:
    """Errors by kind of word. Can be added: ``sum(…, KindCounts())``.

    weight: the sum of the errors' weights, where a word in a lost stretch weighs 1.
    """

    errors: Mapping[Kind, int] = field(default_factory=dict)
    weight: float = 0.0

    def __add__(self, other: KindCounts) -> KindCounts:
        errors = Counter(self.errors) + Counter(other.errors)
        return KindCounts(errors, self.weight + other.weight)


def kinds(pairs: Iterable[Pair], language: str, *, names: Collection[str] = ()) -> KindCounts:
    """Classify the errors of an alignment. names: normalised words that are proper names.

    The heavier side of a substitution counts: "not" heard as "now" is a negation error.
    """
    found = KindCounts()
    runs = [(right, list(run)) for right, run in groupby(pairs, key=_is_right)]
    any_right = any(right for right, _ in runs)
    for run in (run for right, run in runs if not right):
        each = [kind_of(pair, language, names=names) for pair in run]
        spoken = sum(pair.reference is not None for pair in run)
        lost = spoken >= STRETCH or not any_right
        weights = (
            1.0 if lost and pair.reference is not None else WEIGHTS[kind]
            for pair, kind in zip(run, each, strict=True)
        )  # fmt: skip
        found += KindCounts(Counter(each), sum(weights))
    return found


def _is_right(pair: Pair) -> bool:
    return pair.reference == pair.hypothesis


def kind_of(pair: Pair, language: str, *, names: Collection[str] = ()) -> Kind:
    """Return the kind of one error; without word lists, all but numbers are content."""
    words = [word for word in (pair.reference, pair.hypothesis) if word is not None]
    tag = primary(language)
    if any(any(letter.isdigit() for letter in word) for word in words):
        return "number"
    if any(word in _negations(tag) or word.startswith("n'") for word in words):
        return "negation"
    if any(word in names for word in words):
        return "name"
    if len(words) == 2 and _one_stem(words[0], words[1], _ENDINGS.get(tag, set())):
        return "inflection"
    if all(_is_function_word(word, tag) for word in words):
        return "function"
    return "content"


def names_in(text: str, language: str) -> set[str]:
    """Return the normalised words that are capitalised inside a sentence, and never lower-case.

    Empty if the text has no capitals, or only capitals, because names cannot be told then, and in
    languages without word lists: German has capitals on all nouns. "I" is not a name in English.
    """
    words = text.split()
    if primary(language) not in FUNCTION_WORDS or not is_cased(text):
        return set()
    lower = {word_key(word) for word in words if word[:1].islower()}
    found = set()
    for before, word in pairwise(words):
        begins = before.rstrip("\"'”’»)")[-1:] in ".!?…:—–-"
        letters = word.lstrip("\"'“«([")
        if not begins and letters[:1].isupper() and word_key(word) not in lower:
            found.update(normalize(word, language))
    return {word for word in found if word not in ("i", "am", "have", "will", "would", "had")}


def _is_function_word(word: str, tag: str) -> bool:
    known = FUNCTION_WORDS.get(tag, frozenset())
    return word in known or all(part in known for part in word.split("'"))


@cache
def _negations(tag: str) -> frozenset[str]:
    return frozenset(_NEGATIONS.get(tag, "").split())


def _one_stem(one: str, other: str, endings: Collection[str]) -> bool:
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    if same < _STEM:
        return False

    def ends(word: str, at: int) -> bool:
        # "running" and "runs": a doubled letter is part of neither ending.
        doubled = word[at : at + 1] == word[at - 1]
        return word[at:] in endings or (doubled and word[at + 1 :] in endings)

    return any(ends(one, at) and ends(other, at) for at in {same, max(same - 1, _STEM)})


@dataclass(frozen=True, slots=True)
class Spelling:
    """How correct words are written. Can be added: ``sum(…, Spelling())``.

    words: correct words that could be compared; cased_wrong: those with different capitals.
    marks: words after which either side has a punctuation mark; marks_wrong: those where the two
    differ. Their ratio is the punctuation error rate of Meister et al. 2023.
    """

    words: int = 0
    cased_wrong: int = 0
    marks: int = 0
    marks_wrong: int = 0

    def __add__(self, other: Spelling) -> Spelling:
        return Spelling(
            self.words + other.words,
            self.cased_wrong + other.cased_wrong,
            self.marks + other.marks,
            self.marks_wrong + other.marks_wrong,
        )


_MARKS = ".,;:!?…"
_WORDS_A_MARK = 40  # with fewer marks they are abbreviations in unpunctuated text


def is_cased(text: str) -> bool:
    """Return whether capitals are meaningful in it."""
    return text not in (text.lower(), text.upper())


def spelling(reference: str, shown: str) -> Spelling:
    """Compare capitals and punctuation of the words that are otherwise equal.

    A reference without capitals does not count for capitals, one without marks does not count for
    punctuation, and the end of one that ends without a mark is ignored, because it was cut there.
    """
    cased = is_cased(reference)
    words = reference.split()
    marked = 0 < len(words) <= _WORDS_A_MARK * sum(_mark(word) != "" for word in words)
    if not (cased or marked):
        return Spelling()
    texts = [[w for w in text.split() if word_key(w)] for text in (reference, shown)]
    pairs = wer_of_long(*([word_key(word) for word in text] for text in texts)).alignment
    left, right = map(iter, texts)
    compared = cased_wrong = marks = marks_wrong = 0
    remain = len(texts[0])
    for pair in pairs:
        written = next(left) if pair.reference is not None else ""
        said = next(right) if pair.hypothesis is not None else ""
        remain -= pair.reference is not None
        if pair.reference == pair.hypothesis:
            compared += cased
            cased_wrong += cased and _letters(written) != _letters(said)
            ours, theirs = _mark(written), _mark(said)
            if marked and (ours or (theirs and remain)):
                marks += 1
                marks_wrong += ours != theirs
    return Spelling(compared, cased_wrong, marks, marks_wrong)


def _mark(word: str) -> str:
    """Return the last punctuation mark, ignoring quotes and brackets."""
    bare = word.rstrip("\"'”’»)").replace("...", "…")
    return bare[len(bare.rstrip(_MARKS)) :][-1:]


def _letters(word: str) -> str:
    return "".join(c for c in word if unicodedata.category(c)[0] == "L")
