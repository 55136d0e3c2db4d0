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
        so, er, I was, erm, there ↔ so umm I was uhh there ↔ so I was uhm there ↔ so I was there
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
        the ninth ↔ the 9th
        the twenty-first ↔ the 21st ↔ the twenty first
        May third ↔ May 3rd ↔ May 3
        Jan. 5 ↔ January 5 ↔ January fifth ↔ January 5th
        nine a m ↔ 9 am ↔ 9 a.m. ↔ 9AM ↔ 9 A.M. ↔ 9 a m
        nine thirty a m ↔ 9:30 AM ↔ 9.30 am
        from nine a m to five p m ↔ from 9am-5pm ↔ from 9 a.m. to 5 p.m.
        from ten thirty to twelve thirty ↔ from 10:30-12:30
        three quarters of it ↔ 3/4 of it ↔ three-quarters of it ↔ ¾ of it
        two thirds of it ↔ 2/3 of it ↔ two-thirds of it ↔ ⅔ of it
        a half ↔ 1/2 ↔ one half ↔ ½
        a third of them ↔ 1/3 of them ↔ one third of them ↔ ⅓ of them
        half an hour ↔ ½ an hour ↔ 1/2 an hour
        two and three quarters ↔ 2 3/4 ↔ 2¾
        a million and a half people ↔ 1.5 million people ↔ one and a half million people
        nine out of ten ↔ 9 out of 10 ↔ 9/10
        three to two ↔ 3:2 ↔ 3 to 2
        fifty percent ↔ 50 % ↔ 50%
        twenty twenty-four ↔ 2024 ↔ two thousand and twenty-four
        the nineteen eighties ↔ the 1980s ↔ the 1980's
        the eighties ↔ the 80s ↔ the '80s ↔ the 80's
        zero six twelve ↔ 06 12 ↔ oh six twelve ↔ 0612
        five five five one two three four ↔ 555-1234 ↔ 5551234
        version two point zero ↔ version 2.0
        zero point five ↔ 0.5 ↔ .5
        minus five degrees ↔ -5 degrees ↔ -5°
        plus five ↔ +5
        C plus plus ↔ C++
        five dollars and fifty cents ↔ $5.50 ↔ five dollars fifty
        fifty cents ↔ 50¢ ↔ $0.50
        five to ten dollars ↔ $5-10 ↔ $5-$10
        fifty kilometres per hour ↔ 50 km/h ↔ 50 kilometers an hour
        five hundred square feet ↔ 500 sq ft ↔ 500 sq. ft.
        six foot two ↔ 6'2"
        three gigahertz ↔ 3 GHz
        the number one song ↔ the No. 1 song ↔ the #1 song
        the F B I and the U N ↔ the FBI and the UN ↔ the F.B.I. and the U.N. ↔ the F-B-I and the U-N
        a T V ↔ a TV ↔ a T.V.
        M P three ↔ MP3 ↔ MP 3
        B M double u ↔ BMW ↔ B-M-W
        World War Two ↔ World War II ↔ World War 2
        Henry the eighth ↔ Henry VIII ↔ Henry the 8th
        on Main Street ↔ on Main St.
        example dot com ↔ example.com ↔ Example.com
        w w w dot example dot org slash help ↔ www.example.org/help ↔ https://www.example.org/help
        anna at example dot com ↔ anna@example.com
        etcetera ↔ etc. ↔ et cetera
        wifi ↔ Wi-Fi ↔ wi fi
        co-workers ↔ coworkers ↔ co workers
        good-bye ↔ goodbye
        any more ↔ anymore
        every day, every one ↔ everyday, everyone
        rock and roll ↔ rock 'n' roll ↔ rock & roll
        I was goin' home doin' nothin' ↔ I was going home doing nothing
        y'know ↔ you know
        'cos ↔ because
        mister, doctor, missus ↔ Mr., Dr., Mrs. ↔ Mr, Dr, Mrs
    """,
    "fr": """
        l'art. 12, le 3 sept. et le 3 janv. ↔ l'article douze, le 3 septembre et le 3 janvier
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
        les agent·e·s ↔ les agents
        les agent.e.s ↔ les agents
        les agent-e-s ↔ les agents
        les agent(e)s ↔ les agents
        les ami/e/s ↔ les amis
        tou·te·s ↔ tous
        un·e directeur·rice ↔ un directeur
        les citoyen•ne•s ↔ les citoyens
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
        le neuvième ↔ le 9e ↔ le 9ème ↔ le 9ième
        neuf heures trente ↔ 9 h 30 ↔ 9h30 ↔ 9:30
        les trois quarts du temps ↔ les 3/4 du temps ↔ les trois-quarts du temps ↔ les ¾ du temps
        les deux tiers ↔ les 2/3 ↔ les ⅔
        un tiers ↔ 1/3 ↔ ⅓
        un demi ↔ 1/2 ↔ ½
        une demi-heure ↔ 1/2 heure ↔ ½ heure
        quinze sur vingt ↔ 15/20 ↔ 15 sur 20
        vingt-quatre heures sur vingt-quatre ↔ 24h/24 ↔ 24 h/24 ↔ 24h sur 24
        sept jours sur sept ↔ 7j/7 ↔ 7 jours sur 7
        cinquante pour cent ↔ 50 pourcent ↔ 50%
        zéro six douze ↔ 06 12
        zéro six douze trente-quatre cinq sept ↔ 06 12 34 5 7
        zéro six douze seize vingt trente ↔ 06 12 16 20 30 ↔ 06.12.16.20.30 ↔ 0612162030
        cinq euros cinquante ↔ 5,50 € ↔ 5€50
        cinq euros ↔ 5 EUR ↔ 5€ ↔ €5
        deux dollars ↔ $2 ↔ 2 $
        dix livres ↔ £10 ↔ 10 £
        deux millions de dollars ↔ $2 millions ↔ 2 millions $
        un million d'euros ↔ 1 000 000 € ↔ 1 M€
        deux millions d'habitants ↔ 2 000 000 habitants
        trois virgule cinq ↔ 3,5 ↔ 3.5
        version deux point zéro ↔ version 2.0
        le quarante-neuf trois ↔ le 49.3
        moins cinq degrés ↔ -5 °C
        deux plus deux égale quatre ↔ 2 + 2 = 4
        trois fois deux ↔ 3 x 2
        cinquante kilomètres par heure ↔ 50 km/h ↔ 50 km à l'heure ↔ 50 kilomètres-heure
        un mètre quatre-vingts ↔ 1,80 m ↔ 1m80 ↔ 1 m 80
        deux mètres vingt ↔ 2 m 20 ↔ 2,20 m
        un litre et demi ↔ 1,5 litre ↔ 1,5 l
        trente-trois centilitres ↔ 33 cl
        page trente-deux ↔ p. 32
        numéro cinq ↔ no 5 ↔ N°5
        exemple point com ↔ exemple.com
        w w w point exemple point fr ↔ www.exemple.fr ↔ trois w point exemple point fr
        anna arobase exemple point fr ↔ anna@exemple.fr
        un e-mail ↔ un email
        docteur Roy, professeur Roy ↔ Dr Roy, Pr Roy ↔ Dr. Roy, Pr. Roy
        avec maître Roy ↔ avec Me Roy
        boulevard Voltaire, avenue Foch ↔ bd Voltaire, av. Foch
        Saint Denis, Sainte Marie ↔ St Denis, Ste Marie ↔ Saint-Denis, Sainte-Marie
        aujourd'hui ↔ aujourd’hui ↔ aujourd' hui
        le cœur ↔ le coeur ↔ LE CŒUR
        l'École ↔ L'ÉCOLE ↔ l'école ↔ l'Ecole ↔ L'ECOLE
        les États ↔ les Etats ↔ les ETATS
        ça va ↔ Ca va ↔ CA VA
        y a-t-il ↔ y a t-il ↔ y a t'il
        la C G T, la T V A ↔ la CGT, la TVA ↔ la C.G.T., la T.V.A. ↔ la C-G-T, la T-V-A
        l'I A ↔ l'IA ↔ l'I.A.
        la BMW ↔ la B M double v
        etc. ↔ etcetera ↔ et cétéra
        le Wi-Fi ↔ le wifi
        un tee-shirt ↔ un t-shirt ↔ un tshirt
        le porte-parole ↔ le porteparole
        le covoiturage ↔ le co-voiturage ↔ le co voiturage
        un chariot de nénuphars ↔ un charriot de nénufars
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
        beispiel Punkt com ↔ beispiel.com
        anna at beispiel Punkt de ↔ anna@beispiel.de
        fünfzig Kilometer pro Stunde ↔ 50 km/h
        eine E-Mail ↔ eine Email
        zwei Drittel ↔ 2/3 ↔ ⅔
        drei Viertel ↔ 3/4
        okay ↔ OK
    """,
    "es": """
        dos millones ↔ 2 millones
        mil millones ↔ 1000 millones
        un millón quinientos mil ↔ 1 millón 500000
        diez kilómetros ↔ 10 km
        ejemplo punto com ↔ ejemplo.com
        cincuenta kilómetros por hora ↔ 50 km/h
        dos tercios ↔ 2/3
        señor Roy, doctora Roy ↔ Sr. Roy, Dra. Roy
        etcétera ↔ etc.
        Estados Unidos ↔ EE. UU. ↔ EE.UU.
        el noveno ↔ el 9º ↔ el 9.º
        número cinco ↔ n.º 5 ↔ nº 5
    """,
    "it": """
        due milioni ↔ 2 milioni
        cinque percento ↔ 5 % ↔ cinque per cento
        cinquanta chilometri all'ora ↔ 50 km/h
        signor Roy, signora Roy, eccetera ↔ sig. Roy, sig.ra Roy, ecc.
    """,
    "nl": """
        twee miljoen ↔ 2 miljoen
        vijftig kilometer per uur ↔ 50 km/h
        mevrouw Roy, bijvoorbeeld ↔ mevr. Roy, bijv.
    """,
    "pt": """
        dois milhões ↔ 2 milhões
        cinquenta quilómetros por hora ↔ 50 km/h
        senhor Roy, doutora Roy ↔ Sr. Roy, Dra. Roy
    """,
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
        plan B I made ↔ plan BI made
        three two ↔ 3:2
        ninth ↔ nine
        a third ↔ third
        a half ↔ half
        $5.50 ↔ $5
        06 12 ↔ 6 12
        2.0 ↔ 20
        -5 degrees ↔ 5 degrees
        World War I ↔ World War II
        Henry VII ↔ Henry VIII
        Henry I think ↔ Henry the first think
        example.com ↔ example.org
        the end.It ↔ the end dot it
        3/4 ↔ 1/4
        3/4 ↔ 4/3
        on 3/4 ↔ on three quarters
        the 1980s ↔ 1980
        nine out of ten ↔ nine tenths
        email ↔ mail
        going home ↔ go home
        10k ↔ 10,000
        No. 5 came ↔ number 5 came
        half past nine ↔ 9:30
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
        3:2 ↔ 3 à 2
        neuf heures trente ↔ neuf heures et demie
        un e-mail ↔ un mail
        2 m 20 ↔ 2 m²
        2/3 ↔ 3/2
        le 3/4 ↔ le trois quarts
        neuvième ↔ neuf
        06 12 ↔ 6 12
        -5 °C ↔ 5 °C
        exemple.com ↔ exemple.fr
        5 € ↔ 5 $
        15 sur 20 ↔ 15 à 20
        A mangé ↔ à mangé
        elle ↔ élle
        un litre ↔ un litre et demi
        le non 5 ↔ le numéro 5
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


def test_a_sentence_may_begin_with_a_capital_without_its_accent() -> None:
    assert normalize("Bien. A bientôt", "fr") == normalize("Bien. À bientôt", "fr")


def test_a_negation_that_is_spelled_otherwise_is_no_error() -> None:
    said, shown = (normalize(text, "en") for text in ("we cannot go", "we can not go"))
    assert not kinds(wer(said, shown).alignment, "en").errors
