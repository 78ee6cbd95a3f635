"""S13: off without a password; signed in, slowed, with a token in every form, and nothing foreign on the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from relay.web.refusals import LINES
from relay.web.status.guard import COOKIE, HEADERS
from relay.web.status.session import AHEAD, KNOWN_FOR, LASTS, Sessions
from relay.web.status.signing_in import BROWSER_COOKIE
from relay.web.status.throttle import FORGOTTEN, FREE, MOST, Throttle
from tests.harness import NOON, FakeClock
from tests.web.status.conftest import OPEN, PASSWORD, sign_in, token_in

ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no row of these reaches the database
PageWith = Callable[..., FlaskClient]


@ON_ONE
@pytest.mark.parametrize("password", [None, ""])
def test_without_a_password_there_is_one_page_that_says_what_this_is(page_with: PageWith, password: str | None) -> None:
    client = page_with(admin_password=password)
    response = client.get("/")
    assert response.status_code == 200
    assert "relays customers' chats from Kommunicate to Slack" in response.get_data(as_text=True).replace("&#39;", "'")
    assert "<form" not in response.text
    assert "<a " not in response.text
    for path in (*OPEN[1:], "/login", "/logout", "/dead-letters/1/replay", "/conversations/1"):
        assert (client.get(path).status_code, client.post(path).status_code) == (404, 404)


@ON_ONE
@pytest.mark.parametrize("path", [*OPEN, "/conversations/1", "/conversations?q=jane"])
def test_whoever_is_not_signed_in_is_sent_to_the_form_and_back(page_with: PageWith, path: str) -> None:
    client = page_with()
    sent = client.get(path)
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith("/login")
    form = client.get(sent.headers["Location"])
    where = form.text.partition('name="next" value="')[2].partition('"')[0].replace("&amp;", "&")
    assert client.post("/login", data={"token": token_in(form), "password": PASSWORD, "next": where}).location == path


@ON_ONE
@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nSet-Cookie: a=b", "javascript:x", ""]
)
def test_the_form_leads_nowhere_else(page_with: PageWith, where: str) -> None:
    client = page_with()
    form = {"token": token_in(client.get("/login")), "password": PASSWORD, "next": where}
    assert client.post("/login", data=form).location == "/"


@ON_ONE
@pytest.mark.parametrize("wrong", ["", " ", PASSWORD[:-1], PASSWORD + "x", PASSWORD.upper(), "\ud800", "x" * 5000])
def test_a_wrong_password_opens_nothing(page_with: PageWith, wrong: str) -> None:
    client = page_with()
    form = {"token": token_in(client.get("/login")), "password": wrong.encode("utf-8", "surrogatepass")}
    response = client.post("/login", data=form)
    assert response.status_code == 401
    assert client.get_cookie(COOKIE) is None
    assert client.get("/").status_code == 303


@ON_ONE
def test_wrong_passwords_are_slowed_and_the_right_one_waits_too(page_with: PageWith) -> None:
    client = page_with()
    assert [sign_in(client, "no").status_code for _ in range(5)] == [401] * FREE + [429] * (5 - FREE)
    refused = sign_in(client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 2
    assert "Try again in" in refused.text


@ON_ONE
def test_strangers_do_not_lock_out_a_browser_that_has_signed_in_before(page_with: PageWith) -> None:
    """Behind a proxy all come from one address; its own wrong passwords count for it all the same."""
    client = page_with()
    sign_in(client)
    client.delete_cookie(COOKIE)  # twelve hours later
    known = client.get_cookie(BROWSER_COOKIE)
    stranger = client.application.test_client()
    while sign_in(stranger, "no").status_code != 429:
        pass
    assert sign_in(stranger).status_code == 429
    assert sign_in(client).status_code == 303
    assert known is not None
    assert known.value not in stranger.get("/login").text
    client.delete_cookie(COOKIE)
    assert [sign_in(client, "no").status_code for _ in range(FREE + 1)] == [401] * FREE + [429]


@ON_ONE
@pytest.mark.parametrize("cookie", ["", "x", "1.aaaaaaaaaaaaaaaaaaaaaaaa.b", "\u00e4"])
def test_no_stranger_makes_a_browser_known(page_with: PageWith, cookie: str) -> None:
    client = page_with()
    client.set_cookie(BROWSER_COOKIE, cookie)
    assert [sign_in(client, "no").status_code for _ in range(FREE + 1)] == [401] * FREE + [429]


def test_a_browser_is_known_for_its_time_and_its_cookie_is_no_session() -> None:
    sessions = Sessions(PASSWORD)
    cookie = sessions.remember(NOON)
    assert sessions.browser(cookie, NOON + KNOWN_FOR - 1) is not None
    assert sessions.browser(cookie, NOON + KNOWN_FOR + 1) is None
    assert sessions.read(cookie, NOON) is None
    assert sessions.browser(sessions.begin(NOON), NOON) is None
    assert Sessions("another one").browser(cookie, NOON) is None


@ON_ONE
def test_a_flood_of_tries_fills_no_log(page_with: PageWith, capsys: pytest.CaptureFixture[str]) -> None:
    client = page_with()
    form = {"token": token_in(client.get("/login")), "password": "no"}
    for _ in range(40):
        assert client.post("/login", data=form).status_code in (401, 429)
        form["token"] = client.get_cookie("relay_login").value  # type: ignore[union-attr]
    lines = "".join(capsys.readouterr())
    assert (lines.count("login.refused"), lines.count("login.slowed")) == (FREE, LINES - FREE)


@ON_ONE
def test_a_form_without_its_token_is_refused(page_with: PageWith) -> None:
    client = page_with()
    assert client.post("/login", data={"password": PASSWORD}).status_code == 403
    known = token_in(client.get("/login"))
    assert client.post("/login", data={"password": PASSWORD, "token": known[::-1]}).status_code == 403
    client.delete_cookie("relay_login")
    assert client.post("/login", data={"password": PASSWORD, "token": known}).status_code == 403


@ON_ONE
@pytest.mark.parametrize("path", ["/logout", "/dead-letters/1/replay", "/dead-letters/replay-all", "/try"])
@pytest.mark.parametrize("token", ["", "x", "\ud800", None])
def test_every_form_needs_the_sessions_token(page: FlaskClient, path: str, token: str | None) -> None:
    data = {} if token is None else {"token": token.encode("utf-8", "surrogatepass")}
    assert page.post(path, data=data).status_code == 403
    page.delete_cookie(COOKIE)
    assert page.post(path, data=data).location == "/login"


@ON_ONE
def test_the_cookie_is_of_this_site_and_of_no_script(page_with: PageWith) -> None:
    plain, behind_proxy = page_with(), page_with()
    cookie = sign_in(plain).headers.getlist("Set-Cookie")[0]
    assert {"HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={int(LASTS)}"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    secure = sign_in(behind_proxy, headers={"Origin": "https://relay.example"}).headers.getlist("Set-Cookie")[0]
    assert "Secure" in secure.split("; ")
    assert "Secure" in sign_in(page_with(public_url="https://relay.example")).headers.getlist("Set-Cookie")[0]


@ON_ONE
def test_a_session_ends(page: FlaskClient, clock: FakeClock) -> None:
    assert page.get("/settings").status_code == 200
    clock.advance(LASTS + 1)
    assert page.get("/settings").status_code == 303


@ON_ONE
def test_signing_out_ends_it_in_this_browser(page: FlaskClient) -> None:
    assert page.post("/logout", data={"token": token_in(page.get("/settings"))}).location == "/login"
    assert page.get_cookie(COOKIE) is None
    assert page.get("/settings").status_code == 303


@ON_ONE
def test_all_processes_know_a_session_and_another_password_ends_it(page_with: PageWith) -> None:
    first, second, changed = page_with(), page_with(), page_with(admin_password="another one")
    sign_in(first)
    cookie = first.get_cookie(COOKIE)
    assert cookie is not None
    for client, status in ((second, 200), (changed, 303)):
        client.set_cookie(COOKIE, cookie.value)
        assert client.get("/settings").status_code == status


@pytest.mark.parametrize(
    "change", [str.upper, lambda one: one[:-1], lambda one: "9" + one, lambda one: one[:-4] + "AAAA"]
)
def test_a_cookie_that_was_changed_is_nobodys(change: Callable[[str], str]) -> None:
    sessions = Sessions(PASSWORD)
    cookie = sessions.begin(NOON)
    assert sessions.read(cookie, NOON) is not None
    assert sessions.read(change(cookie), NOON) is None


@pytest.mark.parametrize(("after", "known"), [(0, True), (LASTS - 1, True), (LASTS + 1, False), (-AHEAD - 1, False)])
def test_a_cookie_is_good_for_its_time(after: float, known: bool) -> None:
    sessions = Sessions(PASSWORD)
    assert (sessions.read(sessions.begin(NOON), NOON + after) is not None) is known


@ON_ONE
@pytest.mark.parametrize("path", [*OPEN, "/login", "/page/status.css", "/page/status.js", "/conversations/9"])
def test_nothing_foreign_and_nothing_inline(page: FlaskClient, path: str) -> None:
    response = page.get(path)
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    if response.mimetype == "text/html":
        assert response.headers["Cache-Control"] == "no-store"
        for inline in (" style=", " onclick=", "<style", "javascript:", "<script>"):
            assert inline not in response.text
    response.close()


@ON_ONE
def test_the_pages_script_learns_that_it_is_signed_out(page_with: PageWith) -> None:
    assert page_with().get("/conversations", headers={"X-Relay-Fragment": "1"}).status_code == 401


@ON_ONE
def test_a_form_that_is_too_large_is_refused(page: FlaskClient) -> None:
    assert page.post("/login", data={"password": "x" * 10_000}).status_code == 413
    assert page.post("/try", data={"body": "x" * 900_000}).status_code == 413


def test_each_address_waits_for_itself_and_longer_each_time() -> None:
    throttle, now, waits = Throttle(), 100.0, []
    for _ in range(9):
        assert throttle.attempt("10.0.0.1", now) == 0.0
        waits.append(throttle.attempt("10.0.0.1", now + 0.5) if len(waits) >= FREE - 1 else 0.0)
        now += waits[-1] + 0.6
    assert [round(wait + 0.5) for wait in waits[FREE - 1 :]] == [2, 4, 8, 16, 32, 60, 60]
    assert throttle.attempt("10.0.0.2", now) == 0.0


def test_it_forgets_whoever_was_right_or_has_been_quiet() -> None:
    throttle = Throttle()
    for _ in range(FREE):
        throttle.attempt("::1", 0.0)
    assert throttle.attempt("::1", 0.0) > 0
    assert throttle.attempt("::1", FORGOTTEN + 1) == 0.0
    throttle.right("::1")
    assert len(throttle) == 0


def test_a_network_of_version_6_is_one_address() -> None:
    throttle = Throttle()
    for number in range(FREE):
        throttle.attempt(f"2001:db8::{number:x}", 0.0)
    assert throttle.attempt("2001:db8::ffff", 0.0) > 0
    assert throttle.attempt("::ffff:10.0.0.1", 0.0) == 0.0


def test_all_addresses_together_have_a_pace_and_memory_is_bounded() -> None:
    throttle, now = Throttle(), 0.0
    at_once = sum(throttle.attempt(f"10.0.{number // 256}.{number % 256}", now) == 0.0 for number in range(1000))
    assert at_once <= 21
    assert throttle.attempt("10.0.0.1", now, "a known browser") == 0.0
    for number in range(2 * MOST):
        now += 3.1
        assert throttle.attempt(f"10.1.{number // 256}.{number % 256}", now) == 0.0
    assert len(throttle) <= MOST
