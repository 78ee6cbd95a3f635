"""Whether a customer says thanks or goodbye and asks for nothing: "Thanks, bye!" notifies nobody.

Every word of a short message must be in these lists, and at least one must be a closing word; a lone emoji or smiley
closes too. A message with a question mark never closes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

MAX_LENGTH, MAX_COUNT = 80, 10  # characters, words
FEEDBACK = "feedback"  # in the metadata of a rating
# English, German, French, Spanish, Portuguese, Italian, Dutch.
_CLOSING = """
    thanks thank thx thnx ty tysm cheers bye goodbye byebye cya ok okay k okey great perfect super cool awesome nice
    solved done sorted understood excellent brilliant amazing wonderful appreciated
    danke dankeschön dank tschüss tschüß tschüs ciao servus passt klasse prima erledigt verstanden alles klar gerne
    merci parfait génial super revoir bientôt entendu compris
    gracias adiós adios chao vale perfecto genial entendido listo
    obrigado obrigada valeu tchau perfeito entendido beleza ótimo
    grazie arrivederci perfetto capito bene ottimo
    bedankt dankjewel dankuwel doei geweldig prima
"""
_FILLING = """
    you very much so a lot for the your help all again and have good day evening weekend night one too i it is that was
    got works now fine everything no more problem to
    vielen herzlichen schönen schöne guten tag abend wochenende noch für die hilfe ihre ihnen euch dir und auch ist das
    funktioniert jetzt gut sehr wieder auf wiedersehen bis bald lieben liebe grüße
    beaucoup bonne bon journée soirée week end pour votre aide au à vous et tout est ça marche très bien mille
    muchas mil por su tu ayuda todo muy bien hasta luego pronto buen buena día dia tarde noche y
    muito por sua ajuda tudo bem bom boa até logo dia noite tarde e
    mille molte per il tuo suo aiuto tutto buona giornata serata a presto e molto
    u wel veel voor je hulp fijne dag nog heel erg
"""
CLOSING, FILLING = frozenset(_CLOSING.split()), frozenset(_FILLING.split())
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_SMILE = re.compile(r"[:;=8x]['\u2019]?-?[)dp(3*]|<3|\^_?\^", re.IGNORECASE)
_ASKS = re.compile(r"[?\u037e\u061f\uff1f]")


def closes(text: str, metadata: Mapping[str, Any], more: Collection[str] = ()) -> bool:
    """Return True if a customer's message asks for nothing; `more` are further closing words, in lower case."""
    if metadata.get(FEEDBACK):
        return True
    said = unicodedata.normalize("NFKC", text).casefold().strip()
    if not said or len(said) > MAX_LENGTH or _ASKS.search(said):
        return False
    if said.rstrip(" .!") in more:
        return True
    words = _WORD.findall(_SMILE.sub(" ", said))
    if not words:
        return _is_sign(said)
    closing = CLOSING.union(more)
    known = all(word in closing or word in FILLING for word in words)
    return len(words) <= MAX_COUNT and known and any(word in closing for word in words) and not _has_number(said)


def _is_sign(said: str) -> bool:
    """A smiley, or only emoji: no letter, number or bare punctuation."""
    rest = _SMILE.sub("", said)
    signs = [char for char in rest if unicodedata.category(char) in ("So", "Sk")]
    return (bool(signs) or rest != said) and not any(char.isalnum() for char in rest)


def _has_number(said: str) -> bool:
    return any(char.isdigit() for char in said)
