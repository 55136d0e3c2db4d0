"""Rows of spellings: those of one utterance, separated by "↔", and those of different ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures.accuracy import wer
from eval.measures.error_kinds import kinds
from eval.normalization.normalize import normalize

EQUAL = {
    "en": """
        we cannot go ↔ we can not go ↔ we can't go
        okay let us go then ↔ OK let us go then ↔ O.K. let's go then
        well and then I don't know ↔ well… and then I don't know... ↔ Well... and then I don't know…
        all right ↔ alright
        c'mon, gimme more, lemme see ↔ come on, give me more, let me see
        I hafta get outta here ↔ I have to get out of here
        tell 'em ↔ tell them
        ten per cent of ↔ ten percent of ↔ 10% of ↔ 10 % of
        one per cent ↔ 1%
        a few per cent ↔ a few percent
        the U.S.A. and the UK ↔ the USA and the U.K.
        the U. S. A. won ↔ the USA won
        J. R. R. Tolkien ↔ J.R.R. Tolkien ↔ JRR Tolkien
        at 9 a.m. and 5 p.m. ↔ at 9 AM and 5 PM ↔ at 9am and 5pm ↔ at nine a.m. and five p.m.
        a Ph.D. student, i.e. me ↔ a PhD student, ie me
        e.g. this ↔ eg this
        Dr. Hale and Mr. Roy ↔ Doctor Hale and Mister Roy ↔ Dr Hale and Mr Roy
        etc. ↔ et cetera
        France vs. Spain ↔ France versus Spain
        R&D ↔ R and D
        an e-mail ↔ an email
        a hundred dollars ↔ $100 ↔ one hundred dollars ↔ 100 dollars
        a hundred and five ↔ 105
        a thousand people ↔ 1,000 people ↔ one thousand people
        at three thirty a hundred people ↔ at 3:30, 100 people
        a million people ↔ 1 million people ↔ 1,000,000 people
        a million-dollar house ↔ a million dollar house ↔ $1 million house
        half a million ↔ 500,000
        five million dollars ↔ $5 million ↔ $5m ↔ $5M
        two and a half ↔ 2.5 ↔ 2½ ↔ 2 1/2
        100 € ↔ €100 ↔ a hundred euros
        three thirty in the afternoon ↔ 3:30 in the afternoon
        five thirty p.m. ↔ 5:30 pm ↔ 5:30 P.M. ↔ 5.30pm
        nine oh five ↔ 9:05
        three o'clock ↔ 3 o'clock ↔ 3:00
        three p.m. ↔ 3:00 p.m. ↔ 3 o'clock pm
        five to ten people ↔ 5-10 people ↔ 5–10 people ↔ 5 to 10 people
        ten to fifteen percent ↔ 10-15%
        fifty-fifty ↔ 50-50 ↔ 50/50
        two plus two ↔ 2 + 2
        number one ↔ #1
        ten kilometers ↔ 10 km ↔ 10km ↔ ten kilometres ↔ ten km
        a ten kilometer run ↔ a 10 km run
        one kilogram ↔ 1 kg
        fifty grams ↔ 50 g
        a five G network ↔ a 5G network
        thirty miles per hour ↔ 30 mph
        ninety kilometers per hour ↔ 90 km/h ↔ 90 kph
        ten square meters ↔ 10 m² ↔ 10 m2
        twenty degrees Celsius ↔ 20 °C ↔ 20°C
        twenty degrees ↔ 20°
        sixteen gigabytes ↔ 16 GB
    """,
    "fr": """
        il a dit qu'on ne doit pas ↔ il a dit qu’« on ne doit pas » ↔ il a dit qu'"on ne doit pas"
        deux millions d'habitants ↔ 2 millions d'habitants ↔ 2 000 000 d'habitants
        un million de gens ↔ 1 million de gens ↔ 1 000 000 de gens
        deux milliards d'euros ↔ 2 milliards d'euros ↔ 2 Md€ ↔ 2 Mds€
        trois virgule cinq millions de personnes ↔ 3,5 millions de personnes
        un million et demi ↔ 1,5 million ↔ 1 500 000
        un milliard deux cents millions ↔ 1,2 milliard ↔ 1 milliard 200 millions
        deux millions cinq cent mille ↔ 2 millions 500 mille ↔ 2,5 millions
        dix mille ↔ 10 mille ↔ 10 000
        cinquante mille euros ↔ 50 k€ ↔ 50 000 €
        vers 14 h 30 ↔ vers 14:30 ↔ vers 14h30 ↔ vers quatorze heures trente
        à quatorze heures ↔ à 14h ↔ à 14h00 ↔ à 14:00
        quatorze heures cinq ↔ 14h05 ↔ 14:05
        à une heure ↔ à 1 h ↔ à 1h
        vingt et une heures ↔ 21 h
        trois kilomètres ↔ 3 km ↔ trois km
        un kilomètre ↔ 1 km
        deux kilos ↔ 2 kg ↔ deux kilogrammes
        vingt degrés ↔ 20 °C ↔ 20° ↔ vingt degrés Celsius
        dix centimètres ↔ 10 cm
        dix mètres carrés ↔ 10 m² ↔ 10 m2
        quatre-vingt-dix kilomètres à l'heure ↔ 90 km/h ↔ 90 kilomètres heure
        dix minutes ↔ 10 min
        cinq pour cent ↔ 5 % ↔ 5%
        quatre-vingts euros cinquante ↔ 80,50 € ↔ 80 € 50 ↔ 80,50€
        un euro ↔ 1 €
        cinquante centimes ↔ 0,50 €
        une fois ↔ 1 fois
        la deuxième fois ↔ la 2e fois ↔ la 2ème fois
        le troisième ↔ le 3ème ↔ le 3e ↔ le 3ᵉ
        le premier ↔ le 1er
        les premiers ↔ les 1ers
        la première ↔ la 1re ↔ la 1ère
        le vingt et unième siècle ↔ le XXIe siècle ↔ le 21e siècle ↔ le xxie siècle
        la cinquième République ↔ la Ve République ↔ la 5e République
        François premier ↔ François Ier
        Louis quatorze ↔ Louis XIV
        dix à quinze personnes ↔ 10-15 personnes ↔ 10 à 15 personnes
        les clés ↔ les clefs
        un événement ↔ un évènement
        je préférerais ↔ je préfèrerais
        le maître connaît l'île ↔ le maitre connait l'ile
        s'il vous plaît ↔ s'il vous plait
        en août, ça coûte ↔ en aout, ça coute
        la boîte ambiguë ↔ la boite ambigüe
        le dîner brûle sûrement ↔ le diner brule surement
        le week-end ↔ le weekend ↔ le week end
        la plate-forme ↔ la plateforme
        la S.N.C.F. ↔ la SNCF
        O.K. ↔ okay ↔ OK
        etc. ↔ et cetera ↔ et cætera
        M. Roy ↔ monsieur Roy ↔ Mr Roy
        n° 5 ↔ nº 5 ↔ numéro cinq
    """,
    "de": """
        zwei Millionen Menschen ↔ 2 Millionen Menschen ↔ 2.000.000 Menschen
        eine Milliarde ↔ 1 Milliarde
        zwei Komma fünf Millionen ↔ 2,5 Millionen
        vierzehn Uhr dreißig ↔ 14:30 Uhr ↔ 14.30 Uhr
        vierzehn Uhr ↔ 14:00 Uhr
        zum Beispiel ↔ z. B. ↔ z.B.
        fünf bis zehn Leute ↔ 5-10 Leute
        zehn Kilometer ↔ 10 km
        die U.S.A. ↔ die USA
        okay ↔ OK
    """,
    "es": """
        dos millones ↔ 2 millones
        mil millones ↔ 1000 millones
        un millón quinientos mil ↔ 1 millón 500000
        diez kilómetros ↔ 10 km
    """,
    "it": """
        due milioni ↔ 2 milioni
        cinque percento ↔ 5 % ↔ cinque per cento
    """,
    "nl": "twee miljoen ↔ 2 miljoen",
    "pt": "dois milhões ↔ 2 milhões",
}
DIFFERENT = {
    "en": """
        I can go ↔ I can't go
        fifteen ↔ fifty
        9 a.m. ↔ 9 p.m.
        3:30 ↔ 3:13
        3:00 ↔ 3:30
        two million ↔ two billion
        $100 ↔ €100
        one percent ↔ one
        ten percent ↔ ten
        five to ten ↔ five or ten
        all right ↔ right
        ok ↔ ok'd
        a hundred ↔ a thousand
        a man ↔ one man
        10 km ↔ 10 cm
        10 km ↔ 10 km/h
        20 °C ↔ 20 °F
        I. I think ↔ ii think
        the US ↔ the UK
        555-1234 ↔ 555 to 1234
        3-2 ↔ 3 to 2
    """,
    "fr": """
        14 h 30 ↔ 14 h 13
        14 h 30 ↔ 14 h
        2 millions ↔ 2 milliards
        2 millions ↔ 2
        des millions ↔ 1 million
        cent ↔ sans
        neuf heures ↔ neuf euros
        il a ↔ il à
        ou ↔ où
        du ↔ dû
        sur ↔ sûr
        mur ↔ mûr
        jeune ↔ jeûne
        il croit ↔ il croît
        il fut ↔ il fût
        l'élève ↔ l'élevé
        un homme ↔ une homme
        la vie ↔ la 6e
        ce siècle ↔ 100e siècle
        2e ↔ 3e
        la deuxième ↔ deux
        80,50 € ↔ 80 €
        80,50 € ↔ 85,00 €
        3 km ↔ 3 kg
        20 °C ↔ 20 °F
        clé ↔ clés
        XX ↔ 20
    """,
    "de": "2 Millionen ↔ 2 Milliarden",
}


def rows(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(tag, row.strip()) for tag, text in texts.items() for row in text.strip().split("\n")]


@pytest.mark.parametrize(("language", "row"), rows(EQUAL))
def test_all_spellings_of_one_utterance_give_the_same_words(language: str, row: str) -> None:
    first, *others = (normalize(text, language) for text in row.split(" ↔ "))
    assert first
    assert others == [first] * len(others)


@pytest.mark.parametrize(("language", "row"), rows(DIFFERENT))
def test_different_speech_gives_different_words(language: str, row: str) -> None:
    one, other = row.split(" ↔ ")
    assert normalize(one, language) != normalize(other, language)


@pytest.mark.parametrize("language", EQUAL)
@given(st.data())
def test_spellings_stay_equal_within_a_sentence(language: str, data: st.DataObject) -> None:
    spoken = [row.split(" ↔ ") for tag, row in rows(EQUAL) if tag == language]
    chosen = data.draw(st.lists(st.sampled_from(spoken), max_size=4))
    one, other = (
        " so ".join(["so", *(data.draw(st.sampled_from(row)) for row in chosen), "so"])
        for _ in range(2)
    )
    assert normalize(one, language) == normalize(other, language)


@pytest.mark.parametrize("language", EQUAL)
@given(st.data())
def test_what_is_normalised_stays_as_it_is(language: str, data: st.DataObject) -> None:
    spoken = [text for tag, row in rows(EQUAL) if tag == language for text in row.split(" ↔ ")]
    chosen = data.draw(st.lists(st.sampled_from(spoken), max_size=4))
    words = normalize(" so ".join(["so", *chosen, "so"]), language)
    assert normalize(" ".join(words), language) == words


def test_a_negation_that_is_spelled_otherwise_is_no_error() -> None:
    said, shown = (normalize(text, "en") for text in ("we cannot go", "we can not go"))
    assert not kinds(wer(said, shown).alignment, "en").errors
