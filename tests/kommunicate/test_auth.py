"""Promise S1: who may come in, exactly."""

from __future__ import annotations

import ast
import base64
import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import EnvironHeaders, Headers

import relay.kommunicate
from relay.errors import Rejected
from relay.kommunicate.auth import check_token

TOKENS = ["abcdef", "old:to:ken"]
SECRET_NAME = re.compile(r"token|secret|credential|password|api_key|signature", re.IGNORECASE)
SOURCES = sorted(Path(relay.kommunicate.__file__).parent.glob("*.py"))


def encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


GOOD = f"Basic {encoded('abcdef')}"

LET_IN = {
    "as documented": {"Authentication": "Basic YWJjZGVm"},
    "usual spelling": {"Authorization": GOOD},
    "lower case name": {"authentication": GOOD},
    "upper case name": {"AUTHENTICATION": GOOD},
    "scheme in any case": {"Authentication": f"bAsIc {encoded('abcdef')}"},
    "blanks around": {"Authentication": f"  Basic   {encoded('abcdef')}  "},
    "the other token, with colons": {"Authentication": f"Basic {encoded('old:to:ken')}"},
    "one of two names matches": {"Authentication": "Basic nonsense", "Authorization": GOOD},
    "the other of two names matches": {"Authentication": GOOD, "Authorization": "Bearer x"},
}
KEPT_OUT = {
    "no headers": {},
    "another header": {"X-Authentication": GOOD},
    "empty": {"Authentication": ""},
    "scheme alone": {"Authentication": "Basic"},
    "scheme and blanks": {"Authentication": "Basic   "},
    "no scheme": {"Authentication": encoded("abcdef")},
    "another scheme": {"Authentication": f"Bearer {encoded('abcdef')}"},
    "token in the clear": {"Authentication": "Basic abcdef"},
    "doubled": {"Authentication": f"{GOOD}, {GOOD}"},
    "doubled inside": {"Authentication": f"Basic {encoded('abcdef')}, {encoded('abcdef')}"},
    "short": {"Authentication": f"Basic {encoded('abcde')}"},
    "long": {"Authentication": f"Basic {encoded('abcdefg')}"},
    "wrong case": {"Authentication": f"Basic {encoded('ABCDEF')}"},
    "wrong case of the base64": {"Authentication": "Basic ywjjzgvm"},
    "user and password": {"Authentication": f"Basic {encoded('user:abcdef')}"},
    "token and empty password": {"Authentication": f"Basic {encoded('abcdef:')}"},
    "latin-1 as WSGI gives it": {"Authentication": "Basic \xe9\xff\x80"},
    "beyond latin-1": {"Authentication": "Basic \u2603"},
    "a lone surrogate": {"Authentication": "Basic \ud800"},
    "NUL": {"Authentication": "Basic \x00"},
}


def refused(headers, tokens=TOKENS) -> Rejected:
    with pytest.raises(Rejected) as caught:
        check_token(headers, tokens)
    return caught.value


@pytest.mark.parametrize("headers", LET_IN.values(), ids=LET_IN)
def test_it_lets_in_whoever_knows_a_token(headers):
    check_token(headers, TOKENS)
    check_token(Headers(headers), TOKENS)


@pytest.mark.parametrize("headers", KEPT_OUT.values(), ids=KEPT_OUT)
def test_it_keeps_everybody_else_out_with_401(headers):
    error = refused(headers)
    assert (error.status, error.code) == (401, "unauthorized")


@pytest.mark.parametrize("tokens", [[], [""], ["  "], ["", ""]])
@pytest.mark.parametrize("value", [GOOD, "Basic ", "Basic", f"Basic {encoded('  ')}"])
def test_it_fails_closed_without_a_token(tokens, value):
    assert refused({"Authentication": value}, tokens).status == 401


def test_it_reads_the_headers_of_a_real_request():
    check_token(EnvironHeaders({"HTTP_AUTHENTICATION": GOOD}), TOKENS)


def test_a_header_given_twice_is_refused():
    assert refused(Headers([("Authentication", GOOD), ("Authentication", GOOD)])).status == 401


def test_tokens_beyond_ascii_work():
    check_token({"Authentication": f"Basic {encoded('schlüssel-☃')}"}, ["schlüssel-☃"])


@pytest.mark.parametrize("value", ["", "Bearer sent-by-them", "Basic sent-by-them"])
def test_the_refusal_repeats_neither_what_was_sent_nor_what_was_expected(value):
    error = refused({"Authentication": value}, ["expected-by-us"])
    assert "sent-by-them" not in str(error)
    assert "expected-by-us" not in str(error)


@given(st.text(), st.text())
def test_it_never_raises_anything_but_rejected(value, token):
    with contextlib.suppress(Rejected):
        check_token({"Authentication": value}, [token])


def secrets_compared(tree: ast.AST) -> list[str]:
    """Names that sound secret and take part in a comparison other than `is`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops
        ):
            for part in (node.left, *node.comparators):
                inner = [getattr(leaf, "id", "") or getattr(leaf, "attr", "") for leaf in ast.walk(part)]
                found += [name for name in inner if SECRET_NAME.search(name)]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_secret_is_compared_by_an_operator(path):
    assert secrets_compared(ast.parse(path.read_text())) == []


@pytest.mark.parametrize("code", ["token == x", "x != self.api_key", "secret in tokens", "f(password) == b"])
def test_that_check_can_fail(code):
    assert secrets_compared(ast.parse(code))


def test_the_token_check_uses_compare_digest():
    auth = next(path for path in SOURCES if path.name == "auth.py")
    assert "hmac.compare_digest(" in auth.read_text()
