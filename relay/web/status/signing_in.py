"""Signing in and out."""

from __future__ import annotations

import hmac
import math
import secrets

import structlog
from flask import Blueprint, Response, g, redirect, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from relay.clock import monotonic
from relay.web.refusals import as_field
from relay.web.status.guard import COOKIE, LARGEST_LOGIN, doors, is_https, limit_form, only_signed_in, own_path, protect
from relay.web.status.pages import refused
from relay.web.status.render import page
from relay.web.status.session import KNOWN_FOR, LASTS, Sessions

FORM_COOKIE = "relay_login"  # what the form of one who is not signed in yet must repeat
BROWSER_COOKIE = "relay_browser"  # of a browser in which somebody has signed in; it opens nothing
FORM_LASTS = 3600  # seconds
WRONG, REPEAT = "That is not the password.", "The form was too old. Please try again."

signing_in = Blueprint("signing_in", __name__)
signing_in.after_request(protect)
signing_in.register_error_handler(HTTPException, refused)
log = structlog.get_logger()


@signing_in.get("/login")
def login() -> AnyResponse:
    """The form; whoever is signed in needs none."""
    return redirect("/", 303) if doors().session() is not None else _form()


@signing_in.post("/login")
def sign_in() -> AnyResponse:
    """Begin a session for whoever knows the password; who tries too often has to wait."""
    limit_form(LARGEST_LOGIN)
    known, sent = request.cookies.get(FORM_COOKIE, ""), request.form.get("token", "")
    if not known or not hmac.compare_digest(_bytes(sent), _bytes(known)):
        return _form(REPEAT, 403)
    throttle, address, browser = doors().throttle, request.remote_addr or "", _known_browser()
    wait = throttle.attempt(address, monotonic(), browser)
    if wait > 0:
        return _too_early(address, math.ceil(wait))
    expected = doors().relay.settings.admin_password or ""
    if not hmac.compare_digest(_bytes(request.form.get("password", "")), _bytes(expected)):
        left_out = doors().refusals.note(address)
        if left_out is not None:
            log.warning("login.refused", address=address, **as_field(left_out))
        return _form(WRONG, 401)
    throttle.right(address, browser)
    log.info("login.accepted", address=address)
    return _begin_session()


@signing_in.post("/logout")
def sign_out() -> AnyResponse:
    """End the session in this browser."""
    sent_away = only_signed_in()
    if sent_away is not None:
        return sent_away
    g.session = None
    response = redirect("/login", 303)
    response.delete_cookie(COOKIE, samesite="Strict", httponly=True)
    return response


def _begin_session() -> AnyResponse:
    relay, sessions = doors().relay, _sessions()
    response = redirect(own_path(request.form.get("next", "")), 303)
    now, secure = relay.clock.now(), is_https(relay.settings.public_url)
    for name, cookie, lasts in (
        (COOKIE, sessions.begin(now), LASTS),
        (BROWSER_COOKIE, sessions.remember(now), KNOWN_FOR),
    ):
        response.set_cookie(name, cookie, max_age=int(lasts), httponly=True, secure=secure, samesite="Strict")
    response.delete_cookie(FORM_COOKIE, samesite="Strict", httponly=True)
    return response


def _known_browser() -> str | None:
    """Which browser asks, where somebody has signed in with it before."""
    cookie = request.cookies.get(BROWSER_COOKIE, "")
    return _sessions().browser(cookie, doors().relay.clock.now()) if cookie else None


def _sessions() -> Sessions:
    found = doors().sessions
    if found is None:
        raise NotFound
    return found


def _form(said: str = "", status: int = 200) -> Response:
    """The form with a token of its own: nothing of the password is in it, so it may be given to anybody."""
    known = secrets.token_urlsafe(24)
    where = own_path(request.values.get("next", ""))
    response = page("login.html", status, said=said, login_token=known, next=where)
    secure = is_https(doors().relay.settings.public_url)
    response.set_cookie(FORM_COOKIE, known, max_age=FORM_LASTS, httponly=True, secure=secure, samesite="Strict")
    return response


def _too_early(address: str, seconds: int) -> Response:
    left_out = doors().refusals.note(address)
    if left_out is not None:
        log.warning("login.slowed", address=address, seconds=seconds, **as_field(left_out))
    unit = "second" if seconds == 1 else "seconds"
    response = _form(f"Too many wrong passwords. Try again in {seconds} {unit}.", 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
