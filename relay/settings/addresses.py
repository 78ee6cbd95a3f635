"""The base addresses of the vendors' APIs."""

from __future__ import annotations

from urllib.parse import urlsplit

from relay.settings.variables import Reader

KOMMUNICATE_API = "https://services.kommunicate.io"
SLACK_API = "https://slack.com/api/"


def api_url(reader: Reader, name: str, default: str) -> str:
    """The address in a variable, or its default."""
    value = reader.env.get(name) or default
    try:
        url = urlsplit(value)
        fits = url.scheme in ("http", "https") and url.hostname and value.split() == [value] and url.port != 0
    except ValueError:
        fits = False
    if not fits:
        reader.note("bad_url", name, f"{name} is not an http or https address.", f"Remove it to get {default}.")
        return default
    return value
