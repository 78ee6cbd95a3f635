"""One element of rich text as the text a customer reads in a chat widget: no ids, nothing of Slack's, and no markup
except for code: Kommunicate's widget renders Markdown, and would change `__init__`.

https://docs.slack.dev/reference/block-kit/block-elements/rich-text-section-element lists the elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from relay.slack.blocks import utc_minute
from relay.slack.text import clean_line

Node = Mapping[str, Any]
Names = Mapping[str, str]  # resolved names: the id of a user, group or channel, and its name

_LATEST = 10**11  # seconds; beyond any moment people write about
_TONES = range(2, 7)  # Slack's numbering; Unicode has five
_TONE_IN_NAME = re.compile(r"::skin-tone-([2-6])")
_CODE_POINT = re.compile(r"[0-9A-Fa-f]{1,6}")
_TONED = re.compile("[\U0001f3fb-\U0001f3ff]")
_SHORTCODE = re.compile(r":([a-z0-9_+'-]{1,64}):(?::skin-tone-([2-6]):)?")
_FENCE = re.compile("`+")
_BETWEEN_DIGITS = re.compile(r"[\s()./-]")


def words(element: Node, names: Names) -> str:
    """Returns the text of an element; for an unknown kind its text, or nothing."""
    return _WORDS.get(string(element, "type"), _linked)(element, names)


def string(node: Node, key: str) -> str:
    """Returns a field if it is text, otherwise ""."""
    value = node.get(key)
    return value if isinstance(value, str) else ""


def with_emoji(text: str) -> str:
    """Returns text with emoji for Slack's emoji names; other words between colons stay."""
    if not _SHORTCODE.search(text):
        return text
    from emoji import emojize  # imported here: it takes 6 MB, and few messages need it

    def drawn(found: re.Match[str]) -> str:
        name = f":{found[1]}:"
        sign = emojize(name, language="alias")
        return found[0] if sign == name else _toned(sign, int(found[2] or 0))

    return _SHORTCODE.sub(drawn, text)


def fenced(text: str) -> tuple[str, str]:
    """Returns the fence for multi-line code, and the one for inline code, that the text does not contain."""
    longest = max(map(len, _FENCE.findall(text)), default=0)
    return "`" * max(3, longest + 1), "`" * (longest + 1)


def _typed(element: Node, _names: Names) -> str:
    typed, style = string(element, "text"), element.get("style")
    if not (isinstance(style, dict) and style.get("code") is True and typed.strip()):
        return typed
    _, fence = fenced(typed)
    return f"{fence} {typed} {fence}" if len(fence) > 1 else f"{fence}{typed}{fence}"


def _linked(element: Node, _names: Names) -> str:
    label = string(element, "text") or string(element, "fallback") or string(element, "label")
    return _with_url(label, string(element, "url"))


def _with_url(label: str, url: str) -> str:
    """Returns both, or the one that contains the other: no character of the label is lost."""
    address = url.removeprefix("mailto:").removeprefix("tel:")
    if not label.strip():
        return address
    if not url or label in (url, address) or _is_spaced(label, url):
        return label
    return label if _is_completed(label, url) else f"{label} ({url})"


def _is_spaced(label: str, url: str) -> bool:
    """True if this is a telephone number as people write it."""
    return url.startswith("tel:") and _BETWEEN_DIGITS.sub("", label) == url.removeprefix("tel:")


def _is_completed(label: str, url: str) -> bool:
    """True if the url is what Slack makes of a typed "example.com", or of a file name."""
    return url in {scheme + label + end for scheme in ("", "http://", "https://") for end in ("", "/")}


def _emoji(element: Node, _names: Names) -> str:
    name = string(element, "name")
    drawn = _drawn(string(element, "unicode"))
    if drawn:
        return _toned(drawn, _tone(element, name))
    return f":{name}:" if name else ""


def _drawn(code_points: str) -> str:
    """Returns the characters of "1f468-200d-1f469", or "" if it is not such a list."""
    points = code_points.split("-")
    if not all(_CODE_POINT.fullmatch(point) for point in points):
        return ""
    numbers = [int(point, 16) for point in points]
    printable = all(0x20 < number < 0x110000 and not 0xD800 <= number < 0xE000 for number in numbers)
    return "".join(map(chr, numbers)) if printable else ""


def _tone(element: Node, name: str) -> int:
    in_name = _TONE_IN_NAME.search(name)
    tone = int(in_name[1]) if in_name else element.get("skin_tone")
    return tone if isinstance(tone, int) and tone in _TONES else 0


def _toned(drawn: str, tone: int) -> str:
    """Adds a skin tone to an emoji whose characters do not include one."""
    if not tone or _TONED.search(drawn):
        return drawn
    # A tone follows the person and replaces the variation selector.
    return drawn[0] + chr(0x1F3FB + tone - _TONES.start) + drawn[1:].removeprefix("\ufe0f")


_one_line = lru_cache(maxsize=256)(clean_line)  # a message may mention somebody thousands of times


def _mention(key: str, sign: str, nameless: str) -> Callable[[Node, Names], str]:
    def say(element: Node, names: Names) -> str:
        identity, label = string(element, key), string(element, "text")
        for name in (names.get(identity, ""), "" if label == identity else label):
            if line := _one_line(name).removeprefix(sign):
                return sign + line
        return sign + nameless

    return say


def _broadcast(element: Node, _names: Names) -> str:
    everyone = clean_line(string(element, "range"))
    return f"@{everyone}" if everyone else ""


def _date(element: Node, _names: Names) -> str:
    return _with_url(string(element, "fallback") or _moment(element.get("timestamp")), string(element, "url"))


def _moment(timestamp: Any) -> str:
    # The customer's time zone is unknown: name the zone.
    return utc_minute(timestamp) if isinstance(timestamp, int) and 0 <= timestamp < _LATEST else ""


def _color(element: Node, _names: Names) -> str:
    return string(element, "value")


_SOMEBODY = _mention("user_id", "@", "someone")
_WORDS: dict[str, Callable[[Node, Names], str]] = {
    "text": _typed,
    "link": _linked,
    "emoji": _emoji,
    "user": _SOMEBODY,
    "canvas_user_mention": _SOMEBODY,
    "usergroup": _mention("usergroup_id", "@", "someone"),
    "team": _mention("team_id", "@", "someone"),
    "channel": _mention("channel_id", "#", "channel"),
    "broadcast": _broadcast,
    "date": _date,
    "color": _color,
}
