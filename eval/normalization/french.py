"""Normalises French, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re

from eval.normalization.basic import bare_words, without_asides
from eval.normalization.rewriting import INITIALS, range_of_numbers, rewritten, table
from eval.normalization.spelled_numbers import as_digits

# "XXIe", "François Ier", "Louis XIV", in capitals, because "vie" is a word; also "xxie siècle".
_NUMERAL = r"X{0,3}(?:IX|IV|V?I{0,3})"
_ROMAN = re.compile(
    rf"\b(?=[IVX])(?P<ordinal>{_NUMERAL})(?:er|re|ère|e|è|ème|eme|ième)s?\b"
    rf"|\b(?=[ivx])(?P<century>{_NUMERAL.lower()})(?:er|e|è|ème|eme)(?= siècle)"
    rf"|(?<=[a-zà-ÿ] )(?=[IVX]{{2,}}\b)(?P<name>{_NUMERAL})\b"
)
_BEFORE = table(
    ("œ", "oe"),
    ("æ", "ae"),
    (r"(?<!\d)(?<!\d )\bm\.(?=\s)|\bmr\b\.?", "monsieur"),
    (r"\bmme\b\.?", "madame"),
    (r"\bmmes\b\.?", "mesdames"),
    (r"\bmlle\b\.?", "mademoiselle"),
    (r"\bmm\.(?=\s)", "messieurs"),
    (r"\bdr\b\.?", "docteur"),
    (r"\bst-(?=\w)", "saint "),
    (r"\bste-(?=\w)", "sainte "),
    (r"\bav\. (?=j\.-c\.)", "avant "),
    (r"\bapr?\. (?=j\.-c\.)", "après "),
    (r"\bj\.-c\.", "jésus christ"),
    (r"\bp\. ?ex\.", "par exemple"),
    (r"\bc\.-à-d\.", "c'est à dire"),
    (r"\betc\b\.?", "et cetera"),
    (r"\bet caetera\b", "et cetera"),
    INITIALS,
    (r"\bokay\b", "ok"),
    (r"\s*&\s*", " et "),
    (r"\bn[°º]\s*", "numéro "),
    range_of_numbers("à"),
    # Sums
    (r"(?<=\d)\s*%", " pour cent"),
    (r"(?<=\d)\s*mds?\s?€", " milliards d'euros"),
    (r"(?<=\d)\s*m€", " millions d'euros"),
    (r"(?<=\d)\s*k€", " mille euros"),
    (r"(?<=\d)\s*€", " euros "),
    ("€", "euros"),
    (r"(?<=\d)\s*\$", " dollars"),
    # The spellings of 1990: circumflexes on i and u that tell no words apart ("dû", "sûr", "mûr",
    # "jeûne", "croît" keep theirs), è before a mute syllable, and single words.
    (
        r"(?<=a)î(?=tr|n|ch|t[ei])|(?<=[nrl]a)î(?=t\b)|(?<=o)î(?=tr|t[ei])"
        r"|(?<=[cé]cro)î(?=t\b)|(?<=surcro)î(?=t)|\bî(?=l)|(?<=\bd)î(?=n)|(?<=\bg)î(?=t)"
        r"|(?<=ab)î(?=m)|(?<=p)î(?=tr)|(?<=u)î(?=tr)",
        "i",
    ),
    (
        r"(?<=o)û(?=t|l)|(?<=br)û(?=l)|(?<=b)û(?=ch)|(?<=fl)û(?=t)|(?<=ff)û(?=t)|(?<=q)û(?=r)"
        r"|(?<=[drnl])û(?=ment\b)|(?<=\bs)û(?=rement|reté)",
        "u",
    ),
    (r"(?<=év)é(?=nement)|(?<=\br)é(?=glement)|(?<=\bs)é(?=cheresse)|(?<=all)é(?=gement)", "è"),
    (r"(?<=\bc)é(?=leri)|(?<=\bcr)é(?=mer)", "è"),
    (r"é(?=[^\W\daeiouyàâèéêëîïôûù]{1,2}er(?:ai|as|a|ons|ez|ont|ais|ait|ions|iez|aient)\b)", "è"),
    (r"guë", "güe"),
    (r"guïté", "güité"),
    (r"\bclef(?=s?\b)", "clé"),
    (r"\bognon", "oignon"),
    (r"\bweek-? ?end", "weekend"),
    (r"\bplate-? ?forme", "plateforme"),
    (r"'\s+", "'"),
    (r"\b(?:e+u+h+|h+e+u+|h+u+m+|h+m+|m+h+m*|m{2,}h*)\b", " "),
    (r"(?<![\d,.])(\d{1,3}) ?mille\b", r"\g<1>000"),
    # Times of day
    (r"\b(\d{1,2}):(\d\d)(?![\d:])", r"\1 heures \2"),
    (r"(?<=\d)\s*h\s*(?=\d|\b)", " heures "),
)
_NUMBER = r"(\d|\b(?:une?|deux))"
_FEMININE = "heure minute seconde tonne fois personne année semaine journée"
_UNITS = (
    "euro dollar centime degré kilomètre centimètre millimètre mètre kilo gramme tonne litre"
    " hectare heure minute seconde"
)
_AFTER = table(
    (r"\b(\d+)\s*(?:e|è|ème|eme|ième|ieme|er|ère|ere|re)s?\b", r"\1e"),
    (r"\b2nd(e?)\b", r"second\1"),
    (r"\bpour 100\b", "pour cent"),
    (r"\bkm/h\b|(?<=\d)km/h\b", " kilomètre heure"),
    (r"\bkilomètres?[ -](?:à l'|par )heure\b", " kilomètre heure"),
    (rf"{_NUMBER}\s*(k|c|m|)m([²³]|[23]\b)", r"\1 \2m \3"),
    (rf"{_NUMBER}\s*km\b", r"\1 kilomètres"),
    (rf"{_NUMBER}\s*cm\b", r"\1 centimètres"),
    (rf"{_NUMBER}\s*mm\b", r"\1 millimètres"),
    (rf"{_NUMBER}\s*m\b(?!')", r"\1 mètres"),
    (r"(?<=mètres )[²2]", "carrés"),
    (r"(?<=mètres )[³3]", "cubes"),
    (rf"{_NUMBER}\s*(?:kg|kilogrammes?)\b", r"\1 kilos"),
    (rf"{_NUMBER}\s*g\b", r"\1 grammes"),
    (rf"{_NUMBER}\s*ha\b", r"\1 hectares"),
    (rf"{_NUMBER}\s*min\b", r"\1 minutes"),
    (rf"{_NUMBER}\s*sec\b", r"\1 secondes"),
    (rf"{_NUMBER}\s*°\s?f\b", r"\1 degrés fahrenheit"),
    (rf"{_NUMBER}\s*(?:°\s?c\b|°|degrés? celsius\b)", r"\1 degrés "),
    (r"\b0,(\d\d) euros?\b", r"\1 centimes"),
    (r"\b(\d+),(\d\d) (euro|dollar)s?\b", r"\1 \3 \2"),
    (r"(?<=\d) (euro|dollar|heure)s? 0(?=\d)", r" \1 "),
    (r"(?<=\d) (euro|dollar|heure) 0\b", r" \1 "),
    # Not heard: "un kilomètre", "1 km".
    (rf"{_NUMBER} ({_UNITS.replace(' ', '|')})s\b", r"\1 \2"),
    (r"(?<=\d mètre carré)s|(?<=\d kilomètre carré)s|(?<=\d mètre cube)s", ""),
    (rf"(?<![\w.,])1 (?={_FEMININE.replace(' ', '|')})", "une "),
)
# "un" and "une" are different words, so small numbers become words and not digits.
_SMALL = {
    **{"0": "zéro", "1": "un", "2": "deux"},
    **dict.fromkeys(("premier", "première", "premiers", "premières"), "1e"),
    **dict.fromkeys(("deuxième", "deuxièmes"), "2e"),
}


_ELIDED = re.compile(r"(?<=\w')\s*[«“„\"]\s*")  # as in "qu'« on"


def normalize_french(text: str) -> list[str]:
    """Return the words of ``text``, the same for all spellings of one utterance.

    Lower case, no punctuation, "œ" as "oe", no "euh" and the like, nothing in brackets; numbers as
    digits ("quatre-vingt-dix-sept", "97", "2 millions"), also ordinals ("XXIe"), hours, sums and
    percentages; units, "M." and "Mme" in full; one of the spellings of before and after 1990.
    An elided word stays with the next: "l'école" is one word, however the
    apostrophe is written; hyphens separate words. Numbers are joined across word
    boundaries, so the result does not correspond one to one to the words of the text.
    """
    whole = _ELIDED.sub("", text)
    spoken = rewritten(without_asides(_ROMAN.sub(_arabic, whole).lower()), _BEFORE)
    # Before numbers become digits, because "un, deux, trois" are three numbers.
    digits = rewritten(as_digits(spoken, "fr"), _AFTER)
    return [_SMALL.get(word, word) for word in bare_words(digits)]


def _arabic(match: re.Match[str]) -> str:
    numeral = match["ordinal"] or match["century"] or match["name"]
    values = [{"i": 1, "v": 5, "x": 10}[letter] for letter in numeral.lower()]
    signed = [-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True)]
    return f"{sum(signed)}{'' if match['name'] else 'e'}"
