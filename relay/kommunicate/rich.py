"""Rich messages (cards, lists, buttons, forms, pictures) as readable lines.

Source: docs.kommunicate.io/docs/message-types and ACTIONABLE_MESSAGE_TEMPLATE of Kommunicate-Web-SDK. Templates 1, 2, 4
and 5 (old travel cards) and unknown ones are not supported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from relay.jsontext import loads_leniently
from relay.kommunicate import html
from relay.kommunicate.text import link, one_line, web_url

RICH = "300"  # metadata.contentType; the message's own contentType stays 0
MAX_LINES = 100
MAX_READ = 20_000  # characters of HTML that are read
QUESTION = "buttonLabel"  # above the buttons
BORDER = "———"  # between the cards of a carousel
MAX_FIELD = 3000  # characters of one title, label or description

Item = Mapping[str, Any]


def is_rich(metadata: Mapping[str, Any]) -> bool:
    """Return True for Kommunicate's rich messages."""
    return one_line(metadata.get("contentType")) == RICH


def words(metadata: Mapping[str, Any], *, has_text: bool) -> str:
    """Return a rich message as lines; if nothing is readable, a pointer to Kommunicate, or "" beside a text."""
    template = one_line(metadata.get("templateId"), 20)
    items = _items(loads_leniently(metadata.get("payload"), times=2))
    lines = list(islice(_lines(template, metadata, items), MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:] = ["(more: open it in Kommunicate)"]
    if lines or has_text:
        return "\n".join(lines)
    return f"(rich message of type {template or 'unknown'}: open it in Kommunicate)"


def _lines(template: str, metadata: Item, items: list[Item]) -> Iterator[str]:
    reader = TEMPLATES.get(template)
    if reader is None:
        return
    yield from filter(None, (_first(item, QUESTION) for item in (metadata, *items)))
    yield from filter(None, reader(items))


def _items(value: Any) -> list[Item]:
    """Return the objects of a list, or the object itself as the only one."""
    return [item for item in (value if isinstance(value, list) else [value]) if item and isinstance(item, dict)]


def _child(item: Item, *path: str) -> Item:
    for name in path:
        value = loads_leniently(item.get(name))
        item = value if isinstance(value, dict) else {}
    return item


def _first(item: Item, *names: str) -> str:
    """Return the first of these fields with text, as one line."""
    return next((found for name in names if (found := one_line(_read(item.get(name)), MAX_FIELD))), "")


def _description(item: Item) -> Iterator[str]:
    """Yield the description's lines."""
    written = _read(item.get("description"))
    lines = written.splitlines() if isinstance(written, str) else [written]
    return (one_line(line, MAX_FIELD) for line in lines)


def _read(value: Any) -> Any:
    # Clients render them as HTML, whatever the template.
    return html.read(value[:MAX_READ], declared=True) if isinstance(value, str) else value


def _url(item: Item) -> str | None:
    action = _child(item, "action")
    places = (item.get("url"), action.get("url"), _child(action, "payload").get("url"))
    return next((url for place in places if (url := web_url(place))), None)


def _buttons(items: list[Item]) -> Iterator[str]:
    """Yield a line for each button that opens a page, then one with all buttons that only send text."""
    options = []
    for item in items:
        label, url = _first(item, "name", "title", "message"), _url(item)
        if url:
            yield link(label, url)
        elif label:
            options.append(label)
    if options:
        yield f"Options: {', '.join(options)}"


def _list(items: list[Item]) -> Iterator[str]:
    for item in items:
        yield _first(item, "headerText")
        for element in _items(item.get("elements")):
            yield f"• {_titled(element)}"
        yield from _buttons(_items(item.get("buttons")))


def _titled(item: Item) -> str:
    title, description = _first(item, "title"), _first(item, "description")
    return link(": ".join(part for part in (title, description) if part), _url(item))


def _dialog(items: list[Item]) -> Iterator[str]:
    for item in items:
        yield _first(item, "title")
        yield from _description(item)
        yield from _buttons(_items(item.get("buttons")))


def _cards(items: list[Item]) -> Iterator[str]:
    for number, item in enumerate(items):
        if number:
            yield BORDER
        heading = (_first(item, "title"), _first(item, "titleExt"), _first(_child(item, "header"), "overlayText"))
        yield link(" · ".join(part for part in heading if part), _url(item))
        yield _first(item, "subtitle")
        yield from _description(item)
        yield from _buttons(_items(item.get("buttons")))


def _media(kind: str) -> Callable[[list[Item]], Iterator[str]]:
    def lines(items: list[Item]) -> Iterator[str]:
        for item in items:
            label = _first(item, "caption")
            yield link(f"{kind}: {label}" if label else kind, web_url(item.get("url")))

    return lines


def _form(items: list[Item]) -> Iterator[str]:
    """Yield the labels a customer sees and the choices; never a value, which may be a secret."""
    fields = [field for field in map(_form_field, items) if field]
    if fields:
        yield "Form:"
        yield from fields


def _form_field(item: Item) -> str:
    data = {**item, **_child(item, "data")}
    if _first(item, "type").lower() in ("hidden", "submit") or _first(data, "type").lower() == "hidden":
        return ""
    label = _first(data, "label", "title", "placeholder")
    choices = ", ".join(filter(None, (_first(option, "label") for option in _items(data.get("options")))))
    parts = ": ".join(part for part in (label, choices) if part)
    return f"• {parts}" if parts else ""


TEMPLATES: Mapping[str, Callable[[list[Item]], Iterator[str]]] = {
    "3": _buttons,
    "6": _buttons,
    "7": _list,
    "8": _dialog,
    "9": _media("Image"),
    "10": _cards,
    "11": _buttons,
    "12": _form,
    "13": _buttons,
    "14": _media("Video"),
}
