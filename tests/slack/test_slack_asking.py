"""What only looks like a note among agents is asked about before it goes to the customer, and nothing else is."""

from __future__ import annotations

import pytest

from relay.sandbox.slack.typed import as_blocks, as_stored
from relay.slack.asking import COLLEAGUE, INSIDE_LINK, MENTION, NOTE, TEAM, called_first, note_like

# Two languages at least of English, German, French, Spanish and Portuguese for each kind.
NOTES = {
    "@sam can you look at this?": MENTION,
    "@Lisa kannst du das bitte prüfen": MENTION,
    "@équipe-facturation regardez ça": MENTION,
    "(note) he has called three times": NOTE,
    "(Notiz) Kunde ist verärgert": NOTE,
    "[nota] cliente de la cuenta grande": NOTE,
    "(interno) não prometer reembolso": NOTE,
    "*(note)* do not refund": NOTE,
    "note - do not refund": NOTE,
    "Notiz - bitte nicht erstatten": NOTE,
    "nota \u2013 no devolver el dinero": NOTE,
    "NOTE: she is a journalist": NOTE,
    "Note to self: check the invoice": NOTE,
    "remarque : client difficile": NOTE,
    "internal he is in the wrong plan": NOTE,
    "Internal: refund limit is 50": NOTE,
    "intern: hat schon zweimal angerufen": NOTE,
    "interne : ne pas rembourser": NOTE,
    "Interno: cliente sin contrato": NOTE,
    "Uso interno: verificar contrato": NOTE,
    "vertraulich: kündigt zum Quartal": NOTE,
    "don't send yet, waiting for legal": NOTE,
    "FYI this is the one from last week": NOTE,
    "fyi team, he is a big account": NOTE,
    "Zur Info an alle: Kunde droht mit Anwalt": TEAM,
    "Team, can somebody take this one?": TEAM,
    "Hey Kollegen, wer kennt sich damit aus?": TEAM,
    "L'équipe : qui s'en occupe ?": TEAM,
    "Pessoal, alguém pode ajudar?": TEAM,
    "Equipo, ¿quién lo toma?": TEAM,
    "see https://acme.slack.com/archives/C1/p1700000000000100": INSIDE_LINK,
    "http://wiki.internal/refunds says no": INSIDE_LINK,
    "steht in https://10.0.3.4/doku": INSIDE_LINK,
    "https://dashboard.example/conversations/77 is the same man": INSIDE_LINK,
}
REPLIES = (
    "Hello Anna, how can I help you?",
    "Note that we are closed on Sunday.",
    "Notes from our call are attached.",
    "Internal server errors should be gone now.",
    "Internal storage is 64 GB, and you can add a card.",
    "International shipping takes five days.",
    "Internet Explorer is not supported any more.",
    "Team plans start at ten seats.",
    "Teams can be renamed in your settings.",
    "Our team looks into it right now.",
    "I have asked the team, and they say it works again.",
    "Please write to billing@example.com about that.",
    "You can follow us as @acme on Instagram.",
    "Your price is 20 @ 5.99 each.",
    "> what you wrote\nYes, that is right.",
    "See https://help.example.com/refunds for the details.",
    "https://www.example.com/track?id=4711 is where your parcel is.",
    "Guten Tag Frau Weber, das Paket ist unterwegs.",
    "Internationale Lieferungen dauern fünf Tage.",
    "Notieren Sie sich bitte diese Nummer: 4711.",
    "Hinweise finden Sie auf der Rückseite.",
    "Das Team kümmert sich gerade darum.",
    "Bonjour, votre colis est en route.",
    "Notez bien ce numéro : 4711.",
    "L'équipe regarde cela tout de suite.",
    "Hola, su paquete está en camino.",
    "Notará la diferencia en su próxima factura.",
    "El equipo lo está revisando.",
    "Olá, seu pedido já foi enviado.",
    "Notamos o problema e já foi corrigido.",
    "Intern positions are listed on our careers page.",
    "Colega de quarto não é problema, pode vir também.",
)
HOSTS = ("dashboard.example",)


def looks(text: str) -> str:
    stored = as_stored(text)
    return note_like(as_blocks(stored), stored, HOSTS)


@pytest.mark.parametrize(("text", "reason"), NOTES.items(), ids=NOTES)
def test_what_looks_like_a_note_is_asked_about(text: str, reason: str) -> None:
    """And the reason is one that its author recognises."""
    assert looks(text) == reason


@pytest.mark.parametrize("text", REPLIES)
def test_a_plain_reply_is_not(text: str) -> None:
    """Who is asked about every other reply stops reading the question."""
    assert looks(text) == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Sam, is he right?", "sam"),
        ("Hey Sam Weber - can you look?", "sam weber"),
        ("*Sam*: look", ""),
        ("zoë: see above", "zoë"),
        ("Yes, that is so", "yes"),
        ("Hello Anna, how are you", "anna"),
        ("We think that, all in all, it works", ""),
    ],
)
def test_the_name_it_begins_with(text: str, name: str) -> None:
    """Whether it is a colleague's, the store knows."""
    stored = as_stored(text)
    assert called_first(as_blocks(stored), stored) == name
    assert COLLEAGUE


def test_it_is_quick_with_anything() -> None:
    """Whatever was pasted: only the first words are looked at."""
    for text in ("@" * 100_000, "hey " * 50_000, "(" * 100_000, "sam " * 50_000, "- " * 100_000):
        assert looks(text) in ("", MENTION)
