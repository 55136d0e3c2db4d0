"""Normalises French, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re

from eval.normalization.basic import bare_words, without_asides
from eval.normalization.rewriting import (
    INITIALS,
    SPELLED_CAPITALS,
    VULGAR_FRACTION,
    addresses,
    fraction,
    range_of_numbers,
    rewritten,
    roman,
    spelled_letters,
    table,
)
from eval.normalization.spelled_numbers import as_digits

# "XXIe", "François Ier", "Louis XIV", in capitals, because "vie" is a word; also "xxie siècle".
_NUMERAL = r"X{0,3}(?:IX|IV|V?I{0,3})"
_ROMAN = re.compile(
    rf"\b(?=[IVX])(?P<ordinal>{_NUMERAL})(?:er|re|ère|e|è|ème|eme|ième)s?\b"
    rf"|\b(?=[ivx])(?P<century>{_NUMERAL.lower()})(?:er|e|è|ème|eme)(?= siècle)"
    rf"|(?<=[a-zà-ÿ] )(?=[IVX]{{2,}}\b)(?P<name>{_NUMERAL})\b"
)
_MONTHS_CUT = {
    "janv": "janvier",
    "févr": "février",
    "avr": "avril",
    "juil": "juillet",
    "sept": "septembre",
    "oct": "octobre",
    "nov": "novembre",
    "déc": "décembre",
}
_PARTS = {
    "2": "demi demis",
    "3": "tiers tiers",
    "4": "quart quarts",
    "5": "cinquième cinquièmes",
    "6": "sixième sixièmes",
    "8": "huitième huitièmes",
}
# What only capitals tell: "Me Roy", "bd Voltaire", and "à" at the beginning of a sentence.
_CASED = table(
    (r"(?i:\bdouble v\b)", "W"),
    SPELLED_CAPITALS,
    (r"\bMe(?= [A-ZÀ-Ý][a-zà-ÿ])", "maître"),
    (r"\b[Bb](?:l?v)?d\.? (?=[A-ZÀ-Ý][a-zà-ÿ])", "boulevard "),
    (r"\bCa\b", "ça"),
    (
        r"((?:^|[.!?:…»«-])\s*)A(?= (?:bientôt|demain|plus|tout|toute|travers|côté|cause|propos"
        r"|partir|quoi|qui|mon|ton|son|notre|votre|ce|cette|ces|chaque|droite|gauche|vous|nous"
        r"|moi|toi|lui|peine|part|moins|table|quel|quelle)\b)",
        r"\1à",
    ),
)
# How "agent·e·s" was said, the spelling does not tell: "agents" is the least that it can be.
_ENDING = r"(?:[nltsf]?e|[nt]?rice|t?ice|euse|ère|esse|ale|ve)"
_INCLUSIVE = re.compile(
    rf"\b(?P<word>[^\W\d_]{{2,}})(?:[·•‧∙⋅][^\W\d_]{{0,4}}?e(?P<plural>[·•‧∙⋅]?s)?(?![\w·•‧∙⋅])"
    rf"|\.(?:{_ENDING}(?P<dots>\.s|s)|e|ne|t?rice)(?![\w.]\w)(?!\w)"
    rf"|-(?:{_ENDING}(?P<lines>-s)|e)(?![\w-])"
    rf"|/(?:{_ENDING}(?P<bars>/s)|e)(?![\w/])"
    rf"|\({_ENDING}\)(?P<brackets>s?)(?!\w))",
    re.IGNORECASE,
)


def _least(match: re.Match[str]) -> str:
    plural = any(match[name] for name in ("plural", "dots", "lines", "bars", "brackets"))
    return match["word"] + ("s" if plural and match["word"][-1] not in "sxSX" else "")


# A syllable that begins with one consonant, or with two such as "gl", comes after "é", never "e".
_OPEN_SYLLABLE = r"(?:[bcdfgjklmnpqrtvz]h?|[bcdfgptv][lr])[aeiouyàâèéêëîïôûù]"
_BEFORE = addresses("arobase", "point") + table(
    ("œ", "oe"),
    ("æ", "ae"),
    (r"\bca(?= (?:va|fait|sera|y)\b)|\bca(?=\s*,)", "ça"),
    # Capitals without accents: "Ecole", "ECOLE".
    (rf"\be(?=(?!mail|nivr|namour|norgueil|gos?\b){_OPEN_SYLLABLE})", "é"),
    (r"\btrois w\b", "www"),
    spelled_letters("aàyô"),
    (r"(?<=[ae] )t'(?=(?:ils?|elles?|on)\b)", "t "),
    (r"(?<!\d)(?<!\d )\bm\.(?=\s|$)|\bmr\b\.?", "monsieur"),
    (r"\bmme\b\.?", "madame"),
    (r"\bmmes\b\.?", "mesdames"),
    (r"\bmlle\b\.?", "mademoiselle"),
    (r"\bmm\.(?=\s|$)", "messieurs"),
    (r"\bdr\b\.?", "docteur"),
    (r"\bpr\b\.?(?= [a-zà-ÿ])", "professeur"),
    (r"\bst[ -](?=[a-zà-ÿ])", "saint "),
    (r"\bste[ -](?=[a-zà-ÿ])", "sainte "),
    (r"\bav\. (?=j\.-c\.)", "avant "),
    (r"\bapr?\. (?=j\.-c\.)", "après "),
    (r"\bj\.-c\.", "jésus christ"),
    (r"\bav\. (?=[a-zà-ÿ])", "avenue "),
    (r"\bp\. ?(?=\d)", "page "),
    (r"\bart\. ?(?=\d|[lrd]\b)", "article "),
    (rf"(?<=\d )({'|'.join(_MONTHS_CUT)})\.(?!\w)", lambda match: _MONTHS_CUT[match[1]]),
    (r"\bp\. ?ex\.", "par exemple"),
    (r"\bc\.-à-d\.", "c'est à dire"),
    (r"\betc\b\.?|\bet ?c(?:ae|[eé])t[eé]ra\b", "et cetera"),
    INITIALS,
    (r"\bokay\b", "ok"),
    (" ?& ?", " et "),
    (r"\bn[°º]\s*|\bno\.? ?(?=\d)", "numéro "),
    # Fractions and rates
    VULGAR_FRACTION,
    (r"\b1/2(?= (?:heure|journée|douzaine|finale|tonne|livre))", "une demi"),
    (r"(?<=\d) ?(?:h|heures)/24\b", " heures sur 24"),
    (r"(?<=\d) ?(?:j|jours)/7\b", " jours sur 7"),
    (r"\b(?<![\d.,:/-])(\d{1,2})/(10|20)(?![\d/])", r"\1 sur \2"),
    (r"\b(un|deux|trois|quatre|cinq|six|sept|huit|neuf)-(?=quarts?\b|tiers\b)", r"\1 "),
    fraction("un", _PARTS, "deux trois quatre cinq six sept"),
    # Telephone numbers
    (r"(?<![\w.,:/-])0[1-9]\d{8}(?!\d)", lambda match: " ".join(re.findall("..", match[0]))),
    # "3.5" is "3,5", but "version 2.0" is said with a point, and article 49.3 with neither.
    (r"(?<![\w.,])(?!49\.3\b)(\d+)\.(?=[1-9](?!\w|[.,/:]\d))", r"\1,"),
    (r"(?<![\w.,])(\d+)\.0(?!\w|[.,/:]\d)", r"\1 point 0"),
    (r"(?<=\d) ?\+ ?(?=\d)|(?<!\S)\+(?=\d)", " plus "),
    (r"(?<=\d) ?= ?(?=\d)", " égale "),
    (r"(?<=\d)(?: x |\s*\u00d7\s*)(?=\d)", " fois "),
    (r"(?<!\S)-(?=\d+(?:,\d+)?\s*(?:°|%|degrés?\b|pour))", "moins "),
    range_of_numbers("à"),
    # Sums
    (r"(?<=\d)\s*%|\bpourcent\b|\bp\. ?cent\b", " pour cent"),
    (r"(?<=\d) ?([$£€]) ?(?=\d\d\b)", r" \1 "),
    (r"(?<!\d)(?<!\d )([$£€]) ?(\d[\d.,]*(?: (?:million|milliard)s?)?)(?!\d)", r"\2 \1"),
    (r"(?<=millions|illiards) ?€|(?<=million|illiard) ?€", " d'euros"),
    (r"(?<=millions|illiards) ?\$|(?<=million|illiard) ?\$", " de dollars"),
    (r"(?<=\d)\s*mds?\s?€", " milliards d'euros"),
    (r"(?<=\d)\s*m€", " millions d'euros"),
    (r"(?<=\d)\s*k€", " mille euros"),
    (r"(?<=\d)\s*(?:€|eur\b)", " euros "),
    ("€", "euros"),
    (r"(?<=\d)\s*\$", " dollars "),
    (r"(?<=\d)\s*£", " livres "),
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
    (r"\bnénufar", "nénuphar"),
    (r"\bcharr?iot", "charriot"),
    (r"\bwi[ -]fi\b", "wifi"),
    (r"\be-? ?mail", "email"),
    (r"\b(?:tee|t)[ -]?shirt", "tshirt"),
    (r"\bweek-? ?end", "weekend"),
    (r"\bplate-? ?forme", "plateforme"),
    (r"\b(anti|co|multi|néo|pluri|rétro|socio)[ -](?=[a-zà-ÿ])", r"\1"),
    (r"\b(auto|micro)[ -](?=entrepr)", r"\1"),
    (r"\bporte[ -](?=monnaie|feuille|manteau|parole|voix|bagage|document)", "porte"),
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
    " centilitre millilitre hectare heure minute seconde"
)
_HALVED = "litre|kilomètre|mètre|kilo|tonne|degré|hectare"


def _and_a_half(match: re.Match[str]) -> str:
    number = {"un": "1", "une": "1", "deux": "2"}.get(match[1], match[1])
    return f"{number},5 {match[2]}"


def _litres(match: re.Match[str]) -> str:
    return f"{match[1]} {({'c': 'centi', 'm': 'milli'} | {'': ''})[match[2]]}litres"


_AFTER = table(
    (r"\b(\d+)\s*(?:e|è|ème|eme|ième|ieme|er|ère|ere|re)s?\b", r"\1e"),
    (r"\b2nd(e?)\b", r"second\1"),
    (r"\bpour 100\b", "pour cent"),
    (r"(?:\b|(?<=\d))(?:km|kilomètres?)(?:/h\b|[ -](?:à l'|par )?heure\b)", " kilomètre heure"),
    (r"\b(\d+),(\d\d)\s*(?:m|mètres?)\b(?!')", r"\1 mètres \2"),
    (r"(\d)\s*m\s*(?=\d\d\b)", r"\1 mètres "),
    (rf"{_NUMBER} ({_HALVED})s? et demie?\b", _and_a_half),
    (rf"{_NUMBER}\s*(k|c|m|)m([²³]|[23]\b)", r"\1 \2m \3"),
    (rf"{_NUMBER}\s*km\b", r"\1 kilomètres"),
    (rf"{_NUMBER}\s*cm\b", r"\1 centimètres"),
    (rf"{_NUMBER}\s*mm\b", r"\1 millimètres"),
    (rf"{_NUMBER}\s*m\b(?!')", r"\1 mètres"),
    (r"(?<=mètres )[²2](?!\d)", "carrés"),
    (r"(?<=mètres )[³3](?!\d)", "cubes"),
    (rf"{_NUMBER}\s*(?:kg|kilogrammes?)\b", r"\1 kilos"),
    (rf"{_NUMBER}\s*g\b", r"\1 grammes"),
    (rf"{_NUMBER}\s*ha\b", r"\1 hectares"),
    (rf"{_NUMBER}\s*([cm]?)l\b(?!')", _litres),
    (rf"{_NUMBER}\s*min\b", r"\1 minutes"),
    (rf"{_NUMBER}\s*sec\b", r"\1 secondes"),
    (rf"{_NUMBER}\s*°\s?f\b", r"\1 degrés fahrenheit"),
    (rf"{_NUMBER}\s*(?:°\s?c\b|°|degrés? celsius\b)", r"\1 degrés "),
    (r"\b0,(\d\d) euros?\b", r"\1 centimes"),
    (r"\b(\d+),(\d\d) (euro|dollar)s?\b", r"\1 \3 \2"),
    # "1 000 000 €" is said as "un million d'euros".
    (r"(?<=\d) d(?:'|e )(?=(?:euro|dollar|livre)s?\b)|(?<=\d000000) d(?:'|e )", " "),
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
    percentages; units, "M." and "Mme" in full; "agent·e·s" as "agents"; one of the spellings of
    before and after 1990. An elided word stays with the next: "l'école" is one word, however the
    apostrophe is written; hyphens separate words. Numbers are joined across word boundaries, so
    the result does not correspond one to one to the words of the text.
    """
    whole = rewritten(_INCLUSIVE.sub(_least, _ELIDED.sub("", text)), _CASED)
    spoken = rewritten(without_asides(_ROMAN.sub(_arabic, whole).lower()), _BEFORE)
    # Before numbers become digits, because "un, deux, trois" are three numbers.
    digits = rewritten(as_digits(spoken, "fr"), _AFTER)
    return [_SMALL.get(word, word) for word in bare_words(digits)]


def _arabic(match: re.Match[str]) -> str:
    numeral = match["ordinal"] or match["century"] or match["name"]
    return f"{roman(numeral)}{'' if match['name'] else 'e'}"


def inclusive(text: str) -> list[str]:
    """Return the words in inclusive spelling ("agent·e·s"), which do not tell what was said.

    They count as their first form alone ("agents").
    """
    return [match[0] for match in _INCLUSIVE.finditer(text)]
