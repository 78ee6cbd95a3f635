"""What stands before and after every view of the page: who may see it, and what a browser may do with it."""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlencode, urlsplit

from flask import Response, current_app, g, redirect, request
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from relay.kommunicate.parse import MAX_BODY
from relay.web.refusals import Refusals
from relay.web.status.session import Session, Sessions
from relay.web.status.throttle import Throttle
from relay.wiring import Relay

DOORS = "relay.doors"  # the key in an app's extensions
COOKIE = "relay_session"
FRAGMENT = "X-Relay-Fragment"  # a request of the page's own script
LARGEST_FORM = 3 * MAX_BODY + 4096  # bytes: a webhook's body whose every character is written as %XX
LARGEST_LOGIN = 8192
TURN = 0.5  # seconds to wait for the page's connection: the thread that waits is one of those that webhooks need
STALE = "This form is too old. Go back, load the page again, and repeat it."
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # stricter, and browsers would not say by which scheme a form was sent
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
}
_OWN_PATH = re.compile(r"/(?:[a-z0-9][a-z0-9/-]{0,100})?(?:\?[A-Za-z0-9=&%+._~-]{0,300})?", re.ASCII)


class Doors:
    """Sessions and tries of this process, and its store by one connection at a time: webhooks have the others."""

    def __init__(self, relay: Relay) -> None:
        self.relay, self.store = relay, relay.store.share(1, TURN)
        password = relay.settings.admin_password
        self.sessions = None if not password else Sessions(password)
        self.throttle, self.refusals = Throttle(), Refusals()

    def session(self) -> Session | None:
        """Whoever sends this request, if they are signed in."""
        cookie = request.cookies.get(COOKIE, "")
        if self.sessions is None or not cookie:
            return None
        return self.sessions.read(cookie, self.relay.clock.now())


def doors() -> Doors:
    """Those of this app."""
    found: Doors = current_app.extensions[DOORS]
    return found


def only_signed_in() -> AnyResponse | None:
    """Before a view: everybody else is sent to sign in, and a form must bear its token."""
    session = doors().session()
    if session is None:
        if FRAGMENT in request.headers:
            raise Unauthorized("You are signed out.")
        return redirect(_login(), 303)
    g.session = session
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        limit_form(LARGEST_FORM)
        check_form_token(session)
    return None


def limit_form(most: int) -> None:
    """Read no more than so many bytes of this request."""
    request.max_content_length = most
    request.max_form_memory_size = most
    if request.content_length is not None and request.content_length > most:
        raise RequestEntityTooLarge(f"That is larger than {most:,} bytes.")


def check_form_token(session: Session) -> None:
    """Raise Forbidden for a form that no page of this session has shown."""
    sent = request.form.get("token", "").encode("utf-8", "replace")
    if not hmac.compare_digest(sent, session.form_token.encode()):
        raise Forbidden(STALE)


def own_path(path: str) -> str:
    """The path if it leads to a page of ours, else the front page."""
    return path if _OWN_PATH.fullmatch(path) else "/"


def _login() -> str:
    """The form to sign in with, which leads back here where that can be asked for again."""
    path = request.full_path.rstrip("?") if request.query_string else request.path
    returns = request.method == "GET" and own_path(path) != "/"
    return f"/login?{urlencode({'next': path})}" if returns else "/login"


def is_https(public_url: str | None) -> bool:
    """True where whoever sends a form does so over https: behind a proxy only their browser tells, in `Origin`."""
    origin = request.headers.get("Origin") or public_url or ""
    try:
        return request.is_secure or urlsplit(origin).scheme == "https"
    except ValueError:
        return request.is_secure


def protect(response: Response) -> Response:
    """After a view: nothing foreign, nothing inline, nothing kept."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response
