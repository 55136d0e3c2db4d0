"""Tells speech from hypotheses that the model makes up from noise or music."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from streaming.embedded.alignment import key
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.segments import CHUNK_MS, SpeechSegment

NOTHING = Hypothesis((), ())

_VOICE = 0.5
_LEAST = 6  # chunks: 0.2 s


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model must be sure of, to be believed.

    sure: the least mean probability of a few words, or of words from little voice;
    sure_if_short: of a few words from a short voice. few: words. little, short: chunks of voice.
    a_word: the fewest chunks of voice for each word beyond a few: 4 is 8 words a second, twice as
    fast as people read aloud. phrase: words that may be repeated three times at the end.
    pace: characters a second that people say at least, by which a longer phrase is repeated.
    inventions: phrases that the model makes up, and that are left out at the end.
    """

    sure: float = 0.35
    sure_if_short: float = 0.4
    few: int = 2
    little: int = 32
    short: int = 16
    a_word: int = 4
    phrase: int = 3
    pace: float = 13.0
    inventions: Sequence[str] = ()


def plausible(answer: Hypothesis, segment: SpeechSegment, until: int, limits: Limits) -> Hypothesis:
    """Return ``answer`` without what the audio up to chunk ``until`` does not support.

    Nothing remains if the detector found hardly any voice, if there are more words than anybody
    says in that much voice, or if a few words have low probability: from music the model makes
    "You" with a probability of 0.2, and ten words from half a second of voice. Where audio is cut
    off, the model says "it was the season of light." three times, in several successive
    hypotheses. So of a phrase repeated three times at the end those repetitions stay for which
    there is voice beyond that of the other words, and of a longer one only they are counted.
    "No, no, no." may be real.
    """
    voiced = sum(p >= _VOICE for p in segment.voice[: until - segment.start])
    if voiced < _LEAST or not answer.words:
        return NOTHING
    sure = fmean(word.probability for word in answer.words)
    count = len(answer.words)
    doubted = sure < limits.sure and (count <= limits.few or voiced < limits.little)
    doubted |= sure < limits.sure_if_short and count <= limits.few and voiced < limits.short
    spare = voiced * CHUNK_MS / 1000 * limits.pace if answer.complete else 0.0
    kept, phrase = _said(answer, spare, least=limits.phrase)
    counted = kept if phrase > limits.phrase else count  # a sentence that the model says over
    if doubted or counted > voiced / limits.a_word + limits.few:
        return NOTHING
    words = answer.words[:kept]
    words = words[: len(words) - invented([word.text for word in words], limits.inventions)]
    return Hypothesis(words, answer.tokens, answer.complete)


def invented(words: Sequence[str], inventions: Sequence[str]) -> int:
    """Return the number of words at the end that are one of ``inventions``."""
    phrases = {_bare(phrase.split()) for phrase in inventions}
    longest = max(map(len, phrases), default=0)
    ends = range(1, min(len(words), longest) + 1)
    return max((n for n in ends if _bare(words[-n:]) in phrases), default=0)


def _bare(words: Sequence[str]) -> str:
    return "".join(map(key, words))


def _said(answer: Hypothesis, characters: float, *, least: int) -> tuple[int, int]:
    """Return the number of words without repetitions that are no speech.

    characters: as many as were said at least. The second number is as ``once`` has it.
    """
    kept, period = once(
        [key(word.text) for word in answer.words], least=least if answer.complete else 1
    )
    lengths = [len(word.text) + 1 for word in answer.words]
    while kept < len(lengths) and sum(lengths[:kept]) < characters:
        kept = min(kept + period, len(lengths))
    return kept, period


def once(words: Sequence[str], *, least: int = 1) -> tuple[int, int]:
    """Return the number of words left after reducing a phrase that ends it three times or more.

    The second number is that of the phrase's words, 0 if there is none. least: words in a phrase.
    """
    for period in range(least, len(words) // 3 + 1):
        end = len(words)
        while end > period and words[end - period - 1] == words[end - 1]:
            end -= 1
        if len(words) - end >= 2 * period:
            return end, period
    return len(words), 0


INVENTIONS = (
    "Amara.org",
    "Subtitles by the Amara.org community",
    "Thanks for watching",
    "Thanks for watching and I'll see you in the next video",
    "Thank you for watching",
    "Thank you so much for watching",
    "Please subscribe",
    "Don't forget to like and subscribe",
    "Abonnez-vous",
    "Abonnez-vous à la chaîne",
    "Merci d'avoir regardé",
    "Merci d'avoir regardé cette vidéo",
    "Merci d'avoir regardé la vidéo",
    "N'oubliez pas de vous abonner",
    "Sous-titrage FR",
    "Sous-titrage MFP",
    "Sous-titrage Société Radio-Canada",
    "Sous-titrage ST' 501",
    "Sous-titres par la communauté d'Amara.org",
    "Sous-titres réalisés par la communauté d'Amara.org",
    "Sous-titres réalisés para la communauté d'Amara.org",
    "Sous-titres par Jérémy Diaz",
    "Untertitel der Amara.org-Community",
    "Untertitel im Auftrag des ZDF für funk",
    "Untertitel im Auftrag des ZDF, 2017",
    "Untertitelung des ZDF, 2020",
    "Untertitelung aufgrund der Amara.org-Community",
    "Vielen Dank fürs Zuschauen",
    "Gracias por ver el video",
    "Suscríbete al canal",
    "Suscríbete",
    "Subtítulos por la comunidad de Amara.org",
    "Subtítulos realizados por la comunidad de Amara.org",
    "Sottotitoli creati dalla comunità Amara.org",
    "Sottotitoli e revisione a cura di QTSS",
    "Legendas pela comunidade Amara.org",
    "Ondertiteld door de Amara.org gemeenschap",
    "Ondertitels ingediend door de Amara.org gemeenschap",
    "Napisy stworzone przez społeczność Amara.org",
    "Субтитры сделал DimaTorzok",
    "Субтитры создавал DimaTorzok",
    "Продолжение следует",
    "ご視聴ありがとうございました",
    "チャンネル登録お願いします",
    "谢谢观看",
    "謝謝觀看",
    "感谢观看",
    "字幕由Amara.org社区提供",
    "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    "시청해주셔서 감사합니다",
    "구독과 좋아요 부탁드립니다",
)
"""What Whisper says where nobody speaks, learnt from the subtitles of films.

Thanks to the audience, and credits of those who made subtitles. A phrase is left out only if it is
the whole end of a hypothesis, and is none that somebody says in a meeting: "Thank you." stays.
"""
