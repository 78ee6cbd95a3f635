"""E-mail addresses, and secrets: tokens by their prefix, passwords by the words before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relay.routing.views import hits

Span = tuple[int, int]

_LOCAL = r"[^\s@<>()\[\]\\,;:\"“”\u2018\u2019«»/?&=|]"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_AT = re.compile(r"@|%40|[\[(] ?at ?[\])] ?", re.IGNORECASE)
_BEFORE = re.compile(rf"{_LOCAL}{{1,64}} ?\Z")
_BEHIND = re.compile(
    rf"(?:{_LABEL}\.){{1,8}}(?:xn--[a-z0-9-]{{1,59}}|[^\W\d_]{{2,63}})|\[?(?:\d{{1,3}}\.){{3}}\d{{1,3}}\]?"
    rf"|{_LABEL}(?: ?[\[(] ?(?:dot|\.) ?[\])] ?{_LABEL}){{1,4}}",
    re.IGNORECASE,
)
_LONGEST = 64  # characters of an address before its sign
MOST_SIGNS = 500  # in one text; everything after them is hidden


def emails(text: str) -> Iterator[Span]:
    """Yield the positions of e-mail addresses, including those with `%40` or `[at]`."""
    for number, sign in enumerate(_AT.finditer(text)):
        if number >= MOST_SIGNS:
            yield max(0, sign.start() - _LONGEST), len(text)
            return
        before = _BEFORE.search(text, max(0, sign.start() - _LONGEST), sign.start())
        behind = _BEHIND.match(text, sign.end()) if before else None
        local = before[0].lstrip(".!#$*+-{}~^`'") if before else ""
        if local.rstrip() and behind is not None:
            yield sign.start() - len(local), behind.end()


_TOKENS = (
    r"xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}",  # Slack
    r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+",
    r"sk-(?:[A-Za-z]{2,10}-)?[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,}",  # Stripe
    r"gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}",
    r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA)[A-Z2-7]{16}\b",  # AWS
    r"AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}",  # Google
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|key-[0-9a-f]{32}\b|SK[0-9a-f]{32}\b",  # SendGrid, Mailgun, Twilio
    r"(?:npm_|py[p]i-)[A-Za-z0-9_-]{30,}|dop_v1_[0-9a-f]{32,}|hf_[A-Za-z0-9]{30,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-f]{30,}",
    r"\d{8,10}:[A-Za-z0-9_-]{35}\b",  # Telegram
    r"eyJ[A-Za-z0-9_-]{8,4096}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+)?",  # JSON Web Tokens
)
_BEGINNINGS = (
    r"xox[a-z]-|xapp-|hooks\.slack\.com/|sk-|(?:sk|rk|pk)_(?:live|test)_|whsec_|gh[a-z]_|github_pat_|glpat-|"
    r"A[A-Z]{3}[A-Z2-7]|AIza|ya29\.|GOCSPX-|SG\.|key-|SK[0-9a-f]|npm_|py[p]i-|dop_v1_|hf_|shp[a-z]{2}_|"
    r"[0-9]{8,10}:[A-Za-z]|eyJ|://|[Bb][Ee][Aa][Rr][Ee][Rr][ \t]|[Bb][Aa][Ss][Ii][Cc][ \t]"
)
_TOKEN = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_TOKENS)})")
_BEARER = re.compile(
    r"(?:bearer|basic)[ \t]{1,9}((?=[A-Za-z0-9._~+/=-]{0,40}\d)[A-Za-z0-9._~+/=-]{16,})", re.IGNORECASE
)
_IN_ADDRESS = re.compile(r"://[^\s/:@]{0,80}:([^\s/@]{1,200})@")
_PEM = "-----BEGIN "
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{1,40}-----")
_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}(?:KEY|KEY BLOCK|CERTIFICATE)-----")
_WORDS = (
    r"pass ?words?|passwd|pwd|pass ?(?:code|phrase|wort)|passwort|kennwort|losungswort|zugangscode|mot de passe|mdp|"
    r"contrase(?:ñ|n)a|clave|senha|palavra-passe|wachtwoord|l(?:ö|o)senord|adgangskode|passord|salasana|has(?:ł|l)o|heslo|"
    r"jelsz(?:ó|o)|parol(?:a|ă|e)|(?:ş|s)ifre|kata sandi|m(?:ậ|a)t kh(?:ẩ|a)u|пароль|密码|密碼|パスワード|비밀번호|"
    r"كلمة (?:المرور|السر)|סיסמ[אה]|पासवर्ड|κωδικός"
    r"|pin(?: ?code)?|cvv2?|cvc2?|otp|2fa(?: code)?|secret(?: key)?|token|security code|einmalpasswort|"
    r"(?:api|access|auth|private|client)[ _-]?(?:key|token|secret)"
)
_IS = r"is|ist|lautet|est|es|é|è|är|er|on|to|jest|je|это|是|は"
_VALUE = r"(\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|'[^'\n]{1,200}'|«[^»\n]{1,200}»|[^\s\"“”«»]{2,200})"
_BLANKS = r"[ \t]{0,3}"
_NAMED = re.compile(
    rf"(?:{_WORDS}|pass|pw)[\"']?{_BLANKS}(?:(?:{_IS}){_BLANKS})?[:=]{_BLANKS}\n?{_VALUE}", re.IGNORECASE
)
_SAID = re.compile(rf"(?:{_WORDS})[ \t]{{1,3}}((?:{_IS})[ \t]{{1,3}})?{_VALUE}", re.IGNORECASE)
_WHEN = re.compile(r"[\d./:-]*[./:-][\d./:-]*")  # a date or a time is not a password
_ENDS = ".,;)]}"
# Possible tokens in one text, and words that announce a password; everything after them is hidden.
MOST_HINTS, MOST_WORDS = 1000, 300


def secrets(text: str) -> Iterator[Span]:
    """Yield the positions of tokens, keys and passwords; for a password, only the value."""
    yield from _keys(text)
    yield from _tokens(text)
    yield from _passwords(text)


def _tokens(text: str) -> Iterator[Span]:
    behind = 0
    for number, (start, _) in enumerate(hits(_BEGINNINGS, text)):
        if number >= MOST_HINTS:
            yield start, len(text)
            return
        if start < behind:
            continue
        found, group = _TOKEN.match(text, start), 0
        if found is None:
            found, group = _BEARER.match(text, start) or _IN_ADDRESS.match(text, start), 1
        if found is not None:
            yield found.span(group)
            behind = found.end()


def _passwords(text: str) -> Iterator[Span]:
    looked = 0
    for start, _ in hits(f"(?i){_WORDS}|pass|pw", text):
        if text[start - 1 : start].isalpha():
            continue
        looked += 1
        if looked > MOST_WORDS:
            yield start, len(text)
            return
        if found := _NAMED.match(text, start):
            yield _value(found, 1)
        elif (found := _SAID.match(text, start)) and _is_made_up(found[2], said=bool(found[1])):
            yield _value(found, 2)


def _keys(text: str) -> Iterator[Span]:
    """Blocks of a PEM file; an unclosed one extends to the end."""
    start = 0
    while (at := text.find(_PEM, start)) >= 0:
        begin = _PEM_BEGIN.match(text, at)
        if begin is None:
            start = at + 1
            continue
        end = _PEM_END.search(text, begin.end())
        start = end.end() if end else len(text)
        yield at, start


def _value(found: re.Match[str], group: int) -> Span:
    start, _ = found.span(group)
    return start, start + max(1, len(found[group].rstrip(_ENDS)))


def _is_made_up(value: str, *, said: bool) -> bool:
    """True for a string that is not a natural word: digits or signs among the letters; `said`: "is" comes before it."""
    inner = value.strip(_ENDS + "!?([{\"'“”«»")
    if len(inner) < 4 or inner.startswith(("http", "[")) or _WHEN.fullmatch(inner):
        return False
    has_sign = re.search(r"[^\w\s.,'\u2019/-]", inner) is not None
    return has_sign or (any(char.isdigit() for char in inner) and (said or not inner.isdigit() or len(inner) <= 8))
