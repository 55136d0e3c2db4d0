"""What Whisper says where nobody speaks, learnt from the subtitles of films.

Thanks to the audience, and credits of those who made subtitles. A phrase is left out only if it is
the whole end of a hypothesis, and is none that somebody says in a meeting: "Thank you." stays.
"""

from __future__ import annotations

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
)
