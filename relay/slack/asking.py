"""Recognises messages that only look like a note among agents; the author is asked before they go to the customer.

A note is marked as one (`relay.slack.notes`); these are written in haste: "@sam" typed as plain text, "(note) ...",
"Sam, is he right?". The author is asked privately. An unnecessary question costs a click, a missing one a customer's
trust; but people who are asked about every other reply stop reading the question, so only the first words count, and
links.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import urlsplit

from relay.slack.mrkdwn import to_elements
from relay.slack.notes import first_words
from relay.slack.reply_text import leaves
from relay.slack.reply_words import Node, string

MENTION = "it begins with @name"
NOTE = "it begins like a note"
TEAM = "it speaks to the team"
COLLEAGUE = "it speaks to a colleague"
INSIDE_LINK = "it has a link that only your team can open"

# English, German, French, Spanish, Portuguese; compared in lower case.
_NOTE = (
    r"notes?|notiz(?:en)?|hinweis|remarques?|notas?|memo|fyi|zk|z\. ?k\.|zur kenntnis|zur info(?:rmation)?|pour info|"
    r"para info(?:rmaci[oó]n)?|para informa[cç][aã]o"
)
_INSIDE = (
    r"internal(?:ly)?|intern|en interne|interne|interno|interna|uso interno|"
    r"confidential|vertraulich|confidentiel(?:le)?|confidencial|"
    r"not for (?:the )?customers?|don'?t send|do not send|nicht senden|nicht schicken|ne pas envoyer|"
    r"no enviar|n[aã]o enviar"
)
_COLLEAGUES = (
    r"team|folks|colleagues|kolleg(?:en|innen)|leute|l'?[eé]quipe|[eé]quipe|coll[eè]gues|equipo|equipe|compañer[oa]s|"
    r"colegas|pessoal"
)
_GREETING = r"(?:(?:hi|hey|hello|hallo|moin|salut|bonjour|hola|oi|ol[aá]|dear|fyi|zur info|pour info|para info)[ ,]+)?"
_TO = r"(?:(?:an (?:alle|das)|à|a|al|ao|to|for|für|pour|para)\s+(?:the |das |les? |el |o )?)?"
_END = r"\s*(?:$|[,:;!?.\n\u2013\u2014-])"

# Technical senses in which the same word begins a normal sentence.
_THINGS = (
    r"server|servers|error|errors|storage|memory|drive|disk|battery|microphone|camera|speakers?|revenue|medicine|"
    r"temperature|combustion|antenna|clock|fan|sd|ssd|gps|wiring|review|process|processes|policy|policies|teams?|tests?|positions?|programs?"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"@\s?[^\W\d_]", MENTION),
        (rf"[(\[{{*_]+\s*(?:{_NOTE}|{_INSIDE})\b", NOTE),
        (rf"(?:{_NOTE})\s*(?:[\u2013\u2014:|>]|-(?!\w)|=>)", NOTE),
        (r"(?:note to self|fyi|zk|z\. ?k\.)\b", NOTE),
        (rf"(?:{_INSIDE})\b(?!-)(?!\s+(?:{_THINGS})\b)", NOTE),
        (rf"{_GREETING}{_TO}(?:{_COLLEAGUES}){_END}", TEAM),
        (rf"(?:fyi|zur info|zur info an|pour info|para info)\s+{_TO}(?:{_COLLEAGUES}|all|alle|everyone)\b", TEAM),
    )
)
# "Sam, ..." or "Hey Sam Weber - ..."; the store knows whose name it is.
_CALLED = re.compile(
    rf"{_GREETING}(?P<name>[^\W\d_][\w'\u2019.-]*(?: [^\W\d_][\w'\u2019.-]*)?)\s*(?:[,:;]|\s[\u2013\u2014-]\s)"
)
_OPENING = 200  # characters in which it must begin


def note_like(blocks: Sequence[Node], text: str, inside_hosts: Collection[str]) -> str:
    """Returns why a message looks like a note, "" if it does not; `inside_hosts` are the team's own."""
    said = first_words(blocks, text, _OPENING)
    for pattern, reason in _RULES:
        if any(pattern.match(each) for each in said):
            return reason
    return INSIDE_LINK if any(_is_inside(url, inside_hosts) for url in _links(blocks, text)) else ""


def called_first(blocks: Sequence[Node], text: str) -> str:
    """Returns the name that a message begins with, in lower case, as in "Sam, ..."; "" if there is none."""
    found = next((found for each in first_words(blocks, text, _OPENING) if (found := _CALLED.match(each))), None)
    return found["name"] if found else ""


def _links(blocks: Sequence[Node], text: str) -> Iterator[str]:
    for element in leaves([*blocks, *to_elements(text)]):
        if string(element, "type") == "link":
            yield string(element, "url")


def _is_inside(url: str, inside_hosts: Collection[str]) -> bool:
    """Slack's own pages, the dashboard, and hosts outside the public internet."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    if not host or url.startswith("mailto:"):
        return False
    if host in inside_hosts or host.endswith((".slack.com", ".internal", ".local", ".lan", ".corp", ".intranet")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host
