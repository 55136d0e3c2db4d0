"""Tells by their words in which language sentences are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eval.measures.error_kinds import FUNCTION_WORDS
from eval.normalization.normalize import word_key

_FEWEST = 3
"""Words that must be in one language and not in another before it is told from that."""
_SEVERAL = 2
"""Words that must be in one language before it is guessed."""
_SHARE = 0.3
"""Of all words, at least so many must be in the language."""
_TIMES = 2
"""So many times as many as are in the other and not in the one."""

# The most frequent words, with those that tell neighbours apart ("non", "não").
_FREQUENT = {
    "de": """der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine
        ist sind war waren wird werden wurde hat haben hatte sein ich du er sie es wir ihr mich mir
        dich dir sich uns euch mein dein unser auf aus bei mit nach von vom zu zum zur für über
        unter durch gegen ohne um an am im als auch noch schon nur so wie was wer wo wenn dass weil
        kann können muss will soll sehr mehr doch ja nein hier dort dann man alle diese dieser""",
    "es": """el los las unos unas y o pero no es son era fue ser está están estaba ha han había hay
        yo tú él ella nosotros ellos ellas usted ustedes me te se nos lo le les mi tu su sus del al
        con por para sin sobre entre desde hasta como más muy también ya sí qué quién dónde cuando
        porque este esta esto ese esa eso todo todos la de que en un una si bien aquí ahora hacer
        tiene tienen puede pueden""",
    "it": """il lo gli uno una e ed o ma non è sono era erano sei siamo ha hanno ho abbiamo aveva io
        tu lui lei noi voi loro mi ti si ci vi ne mio tuo suo del dello della dei degli delle al
        allo alla ai agli alle dal dalla nel nella nei nelle sul sulla con per tra fra di da che chi
        cosa come dove quando perché più molto anche già questo questa questi quello quella tutto
        tutti la le un in se sì bene qui ora può essere stato""",
    "nl": """de het een en of maar niet geen is zijn was waren wordt worden heeft hebben had ik jij
        je hij zij ze wij we jullie u mij me hem haar ons mijn jouw onze van voor met naar bij uit
        op aan in om over onder door tegen zonder als ook nog al maar zo hoe wat wie waar wanneer
        omdat dat die dit deze er kan kunnen moet wil zou zal zeer meer veel te ja nee hier daar dan
        men alle""",
    "pt": """o os as um uma uns umas e ou mas não é são era foi ser está estão estava tem têm havia
        há eu tu ele ela nós eles elas você vocês me te se nos lhe meu minha teu seu sua seus do da
        dos das no na nos nas ao à pelo pela com por para sem sobre entre desde até de que em como
        mais muito também já sim quem onde quando porque este esta isto esse essa isso tudo todos
        aqui agora fazer pode""",
}
# Known only in order not to be taken for their neighbours.
_NEIGHBOURS = {
    "af": """die nie het is en van om te wat vir op met in sal kan moet deur hierdie wees geen aan
        as n""",
    "ca": """el els la les un una i o no és amb per a del dels al als que es pot aquest aquesta ha
        han hi des fer on són està tots més""",
    "da": """at og det en et den de er var ikke kan skal vil til for af med på om som der fra ved
        hvis eller når ingen blev være har over under i jeg du vi""",
    "gl": """o a os as un unha e ou non é do da dos das no na nos nas ao que se por para con de
        cando máis esta este son está están ten pode""",
    "nb": """å og det en et den de er var ikke kan skal vil til for av med på om som fra ved hvis
        eller når ingen ble være har over under i jeg du vi skulle noe""",
    "oc": """lo la los las un una e o es pas de del dels al a dins per amb que se aquesta aqueste
        son quand mai""",
    "ro": """și nu este în la de pe cu un o al a ale ai că să pentru din sunt fi fost va care ce
        cel sau se mai""",
    "sv": """att och det en ett den de är var inte kan ska vill till för av med på om som från vid
        eller när ingen blev vara har över under i jag du vi""",
}
# Beside the function words by which errors are classified.
_MORE = {
    "en": """know like going want people because about thank thanks please hello good now well then
        much many get got two three see come back really first time""",
    "fr": """ça ils sais pense veux peux peut dit voilà merci bonjour parce quelque chose trois
        beaucoup encore toujours jamais rien pas non ne n accord aujourd été faut va vais voir
        dire""",
}
_WORDS = {
    **{tag: FUNCTION_WORDS[tag] | frozenset(more.split()) for tag, more in _MORE.items()},
    **{tag: frozenset(words.split()) for tag, words in (_FREQUENT | _NEIGHBOURS).items()},
}
_APART = re.compile(r"[\s'\u2019-]+")


def likely_language(text: str) -> str | None:
    """Return the tag of the language that the text is certainly in; None if that cannot be told.

    Known are those that have a normaliser.
    """
    words = _words(text)
    found = _known(words)
    for tag, own in found.items():
        if len(own) >= max(_FEWEST, _SHARE * len(words)) and all(
            _certain(own, others, tag, other) for other, others in found.items() if other != tag
        ):
            return tag if tag not in _NEIGHBOURS else None
    return None


def closest_language(text: str) -> str | None:
    """Return the tag of the language that has most words of a text, if it has several, or None."""
    known = _known([word for word in _words(text) if len(word) > 1])
    found = {tag: len(own) for tag, own in known.items()}
    most = max(found, key=lambda tag: found[tag])  # English, if others have no more
    return most if found[most] >= _SEVERAL and most not in _NEIGHBOURS else None


def _words(text: str) -> list[str]:
    words = map(word_key, _APART.split(text))
    return [word for word in words if word and not word.isdigit()]


def _known(words: Sequence[str]) -> dict[str, list[str]]:
    return {tag: [word for word in words if word in known] for tag, known in _WORDS.items()}


def _certain(own: list[str], others: list[str], tag: str, other: str) -> bool:
    """Return whether words tell one language from another."""
    ours = sum(word not in _WORDS[other] and len(word) > 1 for word in own)
    theirs = sum(word not in _WORDS[tag] for word in others)
    return ours >= max(_FEWEST, _TIMES * theirs)
