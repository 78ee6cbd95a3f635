"""Who says thanks or goodbye asks for nothing; who asks, asks."""

from __future__ import annotations

import pytest

from relay.kommunicate.closing import closes

_CLOSING = """
    Thanks, bye!|Thank you very much|thx|ok|OK, great, thanks a lot!|perfect 👍|👍|❤️🙏|:)|:-D|Great, that works now.
    Danke!|Vielen Dank und schönen Tag noch|Alles klar, danke|Tschüss|Super, vielen Dank für die Hilfe 🙂
    Merci beaucoup, bonne journée !|Parfait, merci|Au revoir|Muchas gracias|Vale, perfecto|¡Gracias!
    Muito obrigado, até logo|Obrigada!|Grazie mille|Perfetto, grazie, buona giornata|Bedankt|Cheers
"""
_ASKING = """
    thanks, but it still fails|Thanks?|ok?|ok but when|Where is my parcel|no|yes|5|??|!|...|it is broken again
    Danke, aber es geht nicht|Merci, mais ça ne marche pas|gracias, no funciona|thanks 12345|Is it done?|please call me
    thank you, one more question: what now|help|I have a problem|Problem|hello|hi|day|bonne question|more|🤔?
    ok thanks https://example.com
"""
CLOSING, ASKING = (
    [one.strip() for line in lines.strip().splitlines() for one in line.split("|")] for lines in (_CLOSING, _ASKING)
)


@pytest.mark.parametrize("text", CLOSING)
def test_thanks_and_goodbye_close(text: str) -> None:
    assert closes(text, {})


@pytest.mark.parametrize("text", ASKING)
def test_anything_that_may_be_a_question_does_not(text: str) -> None:
    assert not closes(text, {})


def test_a_rating_closes_and_the_settings_may_add_words() -> None:
    """In lower case, and whole phrases too."""
    assert closes("Rated 1 of 5: useless", {"feedback": '{"rating": 1}'})
    assert closes("Kiitos!", {}, {"kiitos"})
    assert closes("hyvää päivänjatkoa", {}, {"hyvää päivänjatkoa"})
    assert not closes("Kiitos!", {})


def test_what_is_long_does_not() -> None:
    assert not closes("thanks " * 40, {})
