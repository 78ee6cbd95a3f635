"""The relay's address, as somebody reached it."""

from __future__ import annotations

import ipaddress
import re

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](?::[0-9]{1,5})?", re.ASCII)


def reached_at(host: str) -> str | None:
    """The relay's address for somebody who reached it under this `Host`; None if it is invalid.

    Slack only calls https addresses, so a proxy in front always serves https.
    """
    if not _HOST.fullmatch(host):
        return None
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    if "." not in name and not name.startswith("[") and name != "localhost":
        return None  # a name that only the proxy knows
    return f"{'http' if _is_number(name.strip('[]')) or name == 'localhost' else 'https'}://{host}"


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
