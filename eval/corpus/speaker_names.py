"""Names of speakers: in front of a text, and written in several ways for one person."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from eval.corpus.transcript import Label
from eval.normalization.basic import without_asides

_LONGEST = 60
_LONGEST_OFFICE = 200
_WORDS = 6
_LABEL = re.compile(
    rf"(?:>>+\s*|[-–—]\s+)?(\[[^\[\]:\n]{{1,{_LONGEST}}}\]|(?:[^\W_]|\+\d)[^:\n<>{{}}]{{0,{_LONGEST_OFFICE}}}?)"
    r"(?:\s?(?::\s+|\uff1a\s*)|\t\s*)(?=\S)"
)
# Records of parliaments and courts: "M. Jean Dupont, ministre. Oui", "Mr. SMITH. Yes", "Q. Yes".
_BEFORE_NAMES = r"(?:MM?\.|M(?:mes?|lles?|e)|M(?:rs?|s)\.?|Dr\.?|Sen\.|Rep\.)"
_CHAIR = "The [A-Z]{4,}(?: pro tempore)?"
_RECORDED = re.compile(
    rf"({_BEFORE_NAMES}\s[^.:!?…\n]{{1,100}}|{_CHAIR}|[QAR])\.\s+(?:[–—-]\s+)?(?=\S)"
)
_FORMAL = re.compile(rf"{_BEFORE_NAMES}\s|{_CHAIR}")
_SEVERAL_WORDS = re.compile(rf"(?!{_FORMAL.pattern}).*[ _]")
_OFFICE = re.compile(rf"{_BEFORE_NAMES}\sl[ea]\s(\w+)")
# "The Chair of the Committee on …", "Mme la présidente de la commission des …"
_LONG_OFFICE = re.compile(
    rf"(?:{_BEFORE_NAMES}\s)?(?:(?:[Tt]he|[Ll][ae])\s|[Ll]['’])?"
    r"(?P<office>\w+)(?:[\s-]\w+)?\s(?:(?:of|for|from|to|du|des?|pour|chargée?|auprès|à)\s|d['’]).*"
)
# "(she/her)", "[External]", ", Company", "| Company", "@ Company", "- Company"
_ADDED = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])|\s*(?:,|\||@|/| [-–—] ).*$")
_SENTENCE = re.compile(r"[^\W\d_]{4,}[.!?…]|[!?…]")
_PARTICLES = "de du des la le l d von van der den di da al el the of pro tempore"
_ROLES = """
ambassador anchor attorney caller candidate chair chairman chairwoman clerk commissioner counsel
court guest host instructor interviewee interviewer minister moderator narrator officer panelist
presenter president questioner reporter representative respondent secretary speaker spokesperson
student teacher unknown voice witness
animateur animatrice auditeur auditrice avocat avocate candidat candidate commissaire conseiller
conseillère député députée directeur directrice enquêteur enquêtrice enseignant enseignante
étudiant étudiante greffier greffière inconnu inconnue intervenant intervenante interviewé
interviewée intervieweur intervieweuse invité invitée journaliste juge locuteur locutrice maire
ministre modérateur modératrice narrateur narratrice présentateur présentatrice président
présidente procureur professeur rapporteur rapporteure rapporteuse répondant répondante
représentant représentante secrétaire sénateur sénatrice témoin voix vice
"""
"""What people are called in transcripts instead of by their names, also in lower case."""
_SIDES = "question answer réponse frage antwort pregunta respuesta"
_BESIDE_NAMES, _OFFICES = frozenset(_PARTICLES.split()), frozenset(_ROLES.split())
_AS_NAMES = _OFFICES | frozenset(_SIDES.split())
_OFTEN = 0.8
"""Share of texts with a name in front in a file that has one in front of each text."""
_NO_NAME = (".", ",", ";", "!", "?", "…")


def label_of(text: str) -> tuple[str, str] | None:
    """Split "Ann Lee (she/her): Hello" or "M. Dupont. Oui" into name and text, or return None."""
    if (match := _RECORDED.match(text)) and _is_recorded(match[1]):
        return " ".join(match[1].split()), text[match.end() :]
    if not (match := _LABEL.match(text)):
        return None
    name = " ".join(match[1].strip("[] ").split())
    bare = _ADDED.sub("", name).strip()
    long = len(bare.split()) > _WORDS or len(name) > _LONGEST
    if not bare or (long and not _is_formal(name)) or _SENTENCE.search(bare):
        return None
    if bare.replace(".", "").replace(",", "").isdecimal():
        return None  # "10:30 we begin"
    return name, text[match.end() :]


def _is_formal(name: str) -> bool:
    """Return whether it is an office, or a name after "M." or "Mr.", so that it may be long."""
    named = _FORMAL.match(name) and looks_like_a_name(name)
    return bool(named) or _is_office(name)


def _is_office(name: str) -> bool:
    office = _LONG_OFFICE.fullmatch(name)
    return office is not None and office["office"].lower() in _OFFICES


def _is_recorded(name: str) -> bool:
    """Return whether it is a name with at most an office, and not "M. le ministre, mes amis"."""
    _, comma, office = name.partition(", ")
    offices = _AS_NAMES | {"garde", "premier", "première"}
    return looks_like_a_name(name) and (not comma or re.split(r"[\s-]", office)[0] in offices)


def names_of(texts: Sequence[str]) -> frozenset[str]:
    """Return the names with which texts begin; none if these are not names.

    They are if nearly all texts begin with one, if several of them come again and again, or if
    three texts begin as in a record of a parliament.
    """
    texts = [text for text in texts if without_asides(text).strip()]
    names = Counter(one[0] for one in map(label_of, texts) if one)
    alike = all(map(looks_like_a_name, names))
    uses = sum(names.values())
    # "Note: …" alone is no name, nor is "M. le ministre. …", "Ann Lee: …" is.
    sure = alike and (len(texts) > 2 or all(map(_SEVERAL_WORDS.match, names)))
    if uses >= _OFTEN * len(texts) and (sure or uses >= 3 * len(names)):
        return frozenset(names)
    again = {name: uses for name, uses in names.items() if uses > 1 and looks_like_a_name(name)}
    formal = {name: uses for name, uses in names.items() if _FORMAL.match(name)}
    asked = {name for name, uses in again.items() if uses > 2 and is_surely_a_name(name)}
    if len(again) > 1 or asked:
        return frozenset(again.keys() | set(filter(is_surely_a_name, names)))
    return frozenset(formal if sum(formal.values()) > 2 else ())


def mostly_labelled(texts: Sequence[str]) -> bool:
    """Return whether nearly all texts begin with a name."""
    texts = [text for text in texts if without_asides(text).strip()]
    begun = sum(bool(one) for one in map(label_of, texts))
    return bool(names_of(texts)) and begun >= _OFTEN * len(texts)


def is_a_name(line: str) -> bool:
    """Return whether a line of its own may be a name."""
    label = None if line.endswith(_NO_NAME) else label_of(f"{line}: x")
    return bool(label and label[1] == "x" and looks_like_a_name(label[0]))


def is_surely_a_name(line: str) -> bool:
    """Return whether speech hardly ever begins so: "Ann Lee", "ANN", "Speaker 1", and not "So"."""
    capitals = line == "Q" or (len(line) > 2 and line.isupper())
    return is_a_name(line) and bool(capitals or _SEVERAL_WORDS.match(line) or _is_role(line))


def _is_role(name: str) -> bool:
    return name.lower() in _AS_NAMES or bool(_FORMAL.match(name))


def names_above(texts: Sequence[Sequence[str]]) -> bool:
    """Return whether nearly all of some texts have a name as first line, and few as the second."""
    under = [lines[1] for lines in texts if len(lines) > 1 and is_a_name(lines[0])]
    often = len(under) > 1 and len(under) >= _OFTEN * len(texts)
    return often and 2 * sum(map(is_a_name, under)) < len(under)


CONTEXT = 3


def labels_of(lines: Iterable[str], names: Collection[str]) -> Iterator[Label]:
    """Return what may be a name in front of a line: among ``names``, like a name, or one word."""
    before = ""
    for line in lines:
        name, text = label_of(line) or ("", line)
        words = without_asides(text).split()
        if name and (name in names or looks_like_a_name(name) or len(name.split()) == 1):
            yield Label(name, before, " ".join(words[:CONTEXT]), name in names)
        before = " ".join(words[-CONTEXT:]) or before


def looks_like_a_name(name: str) -> bool:
    """Return whether it is written as names are: with capitals, or a role such as "guest"."""
    if _is_office(name):
        return True
    if office := _OFFICE.match(name):
        return office[1] in _AS_NAMES
    words = [word for word in re.split(r"[\s_.'’-]+", _ADDED.sub("", name)) if word]
    named = {word for word in words if not word[0].islower() or word in _AS_NAMES}
    return bool(named) and {*words} - named <= _BESIDE_NAMES


def _key(name: str) -> frozenset[str]:
    """Return the words of a name without accents and case: "Lee, Ann" is "Ann Lee"."""
    flat = unicodedata.normalize("NFKD", name).casefold()
    return frozenset(re.findall(r"\w+", "".join(c for c in flat if not unicodedata.combining(c))))


def _bare(name: str) -> frozenset[str]:
    return _key(_ADDED.sub("", name)) or _key(name)


def matched(ours: Iterable[str], theirs: Iterable[str]) -> Mapping[str, str]:
    """Return for each name of ``theirs`` the one of ``ours`` that it certainly stands for.

    Equal but for case, accents, order of its words and additions such as "(she/her)" or a company;
    or with more given than the other ("Ann", "Ann Lee"), if only one can be meant on each side.
    """
    known = [name for name in dict.fromkeys(ours) if name]
    found: dict[str, str] = {}
    for name in (name for name in dict.fromkeys(theirs) if name):
        for likeness in (_same, _same_words, _within):
            fits = [one for one in known if likeness(one, name)]
            if len(fits) == 1:
                found[name] = fits[0]
            if fits:
                break
    taken = Counter(found.values())
    return {
        name: one
        for name, one in found.items()
        if taken[one] == 1 or _same(one, name) or _same_words(one, name)
    }


def _same(one: str, other: str) -> bool:
    return one == other


def _same_words(one: str, other: str) -> bool:
    return bool({_key(one), _bare(one)} & {_key(other), _bare(other)})


def _within(one: str, other: str) -> bool:
    ours, theirs = _bare(one), _bare(other)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)
