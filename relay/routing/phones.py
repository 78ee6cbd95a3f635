"""Phone numbers: those that are unmistakable, and those identified by the words before them or by their country's
format.

The library's own `PhoneNumberMatcher` needs to be told a country, matches order numbers of that country's length, and
takes a third of a second per 10 kB of digits; so candidates are found here, and the library judges them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from relay.routing.numbers import LONGEST_ROW
from relay.routing.views import matches

Span = tuple[int, int]

MOST_JUDGED = 40  # candidates that the library judges in one text; beyond that, all plausible ones are hidden
MOST_READ = 300  # candidates that are read in one text; everything after them is hidden
LEAST, MOST = 7, 15  # digits, by E.164
HOME_LEAST, HOME_MOST = 9, 12  # including the 0 of the national format

_ROW = re.compile(r"\d(?:[ \t().\-/]{0,3}+\d){5,}+")
_LEADS = re.compile(r"(?:\+|\+ ?\(|\()\Z")
_GROUP = re.compile(r"\d+")
_SENTENCES = re.compile(r"\n|[!?]\s|\w{5}\.\s")
_BEFORE = 40  # characters that are read before a candidate
# Countries whose national numbers begin with a 0.
_TRUNK = (
    *("DE", "AT", "CH", "FR", "GB", "IE", "NL", "BE", "IT", "SE", "FI"),
    *("AU", "NZ", "JP", "KR", "IN", "ZA", "TR", "BR"),
)
_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])\d{3}[ .-]\d{4}")
_AREA = re.compile(r"\(0?\d{2,4}\)[ -]?\d[\d .-]{4,12}\d")
# A date, an IP address, a decimal: separate words that no phone number spans.
_OTHERS = re.compile(
    r"(?<!\S)(?:(?:(?:19|20)\d\d|[0-3]?\d)([./-])[0-3]?\d\1(?:(?:19|20)\d\d|\d\d?)|\d{1,3}(?:\.\d{1,3}){3}|(?:0|[1-9]\d*)\.\d+)(?![^\s,;:!?)]|[.:]\S)"
)
_PHONE_WORDS = (
    r"phone|mobile?|cell|whats ?app|\bwa\.me|handy|fon|rufnummer|r(?:ü|ue)ckruf|celular|m[oó]vil|portable|"
    r"gsm|fax|\btel|\bcall(?: me| us)?|\bsms|\btext me|\bring me|ruf[te]? mich|appel|ll[aá]m|"
    r"telefoon|puhelin|тел|电话|電話|手机|手機|핸드폰|전화|هاتف|फ़ोन|फोन"
)
_OTHER_WORDS = (
    r"order|bestell|auftrag|vorgang|invoice|rechnung|factur|pedido|commande|ticket|tracking|sendung|paket|parcel|shipment|"
    r"\bref(?:erence|erenz|\b)|kundenn|(?:customer|case|article|policy|contract|flight) (?:no|nu|id)|account|konto|"
    r"\bsku\b|isbn|imei|serial|serien|artikel|version|\bip\b|booking|buchung|reserv|vertrag|ordine|заказ|订单|注文"
)
_NUMBER_WORDS = r"#|№|\bn[ro]?\.|\bno:|\bnr\b|\bn[º°]|\bid\b"  # for a phone, or for anything else
_CALLED = f"(?i)({_PHONE_WORDS})|({_OTHER_WORDS})|({_NUMBER_WORDS})"
_NEAR, _NEXT = 16, 4  # characters from such a word to the number


def phone_numbers(text: str) -> Iterator[Span]:
    """Yield the positions of phone numbers; in doubt, a number with a + is one, and a number called an order is not."""
    judge, text = _Judge(), _OTHERS.sub(lambda found: "x" * len(found[0]), text)
    for row in _ROW.finditer(text):
        if row.end() - row.start() > LONGEST_ROW:
            yield row.start(), len(text)
            return
        lead = _LEADS.search(text, max(0, row.start() - 3), row.start())
        start = lead.start() if lead else row.start()
        if not (text[start - 1 : start].isalnum() or text[start - 1 : start] in ("_", "=")):
            groups = [found.span() for found in _GROUP.finditer(text, row.start(), row.end())]
            yield from _in_row(text, start, groups, judge)
        if judge.to_read <= 0:
            yield row.end(), len(text)
            return


class _Judge:
    """The library, limited to so many calls per text, and the number of candidates that may be read."""

    def __init__(self) -> None:
        self._left, self.to_read = MOST_JUDGED, MOST_READ

    def says(
        self, digits: str, regions: Sequence[str | None], *, loosely: bool = False, of_mobiles: bool = False
    ) -> bool:
        """`loosely`: a plausible length suffices; `of_mobiles`: as a single group, it is as often a phone's as an
        order's.
        """
        if self._left <= 0:
            return True
        self._left -= 1
        return any(_is_number(digits, region, loosely=loosely, of_mobiles=of_mobiles) for region in regions)


@lru_cache(maxsize=4096)
def _is_number(digits: str, region: str | None, *, loosely: bool, of_mobiles: bool) -> bool:
    import phonenumbers  # imported here: only those who redact phone numbers pay for it

    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return False
    if loosely:
        return phonenumbers.is_possible_number(number)
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if of_mobiles:
        return phonenumbers.number_type(number) in kinds
    return phonenumbers.is_valid_number(number)


def _in_row(text: str, start: int, groups: Sequence[Span], judge: _Judge) -> Iterator[Span]:
    first = 0
    while first < len(groups):
        begin = start if first == 0 else groups[first][0]
        last = _last_group(text, begin, groups, first, judge)
        if last is not None:
            yield begin, groups[last][1]
        first = first + 1 if last is None else last + 1
        while first < len(groups) and not _may_begin(text, groups[first][0]):
            first += 1
        if judge.to_read <= 0:
            break


def _may_begin(text: str, at: int) -> bool:
    """After other text, a number must show that it begins: with a 0, or a bracket."""
    return (text[at] == "0" and text[at - 1] in " \t") or text[at - 1] == "("


def _last_group(text: str, begin: int, groups: Sequence[Span], first: int, judge: _Judge) -> int | None:
    """The last group of the longest number that begins here; None if there is none."""
    digits, ends = "", []
    for index in range(first, len(groups)):
        digits += text[slice(*groups[index])]
        if len(digits) > MOST + 2:
            break
        if len(digits) >= LEAST - 1:
            ends.append((index, digits))
    called = _called(text, begin) if ends else None
    judge.to_read -= bool(ends)
    for index, read in reversed(ends):
        whole = index == len(groups) - 1 or text[groups[index][1]] in " \t"
        if _is_phone(text[begin : groups[index][1]], read, judge, called=called, whole=whole):
            return index
    return None


def _is_phone(written: str, digits: str, judge: _Judge, *, called: bool | None, whole: bool) -> bool:
    if written.startswith("+"):
        return LEAST <= len(digits) <= MOST and judge.says(f"+{digits}", (None,), loosely=True)
    if called is not None or not whole:
        return bool(called) and whole and len(digits) <= MOST
    if digits.startswith("00"):
        return judge.says(f"+{digits[2:]}", (None,))
    if len(digits) < LEAST:
        return False
    if _AMERICAN.fullmatch(written) or _AREA.fullmatch(written):
        return True
    at_home = digits.startswith("0") and HOME_LEAST <= len(digits) <= HOME_MOST
    return at_home and judge.says(digits, _TRUNK, of_mobiles=written == digits)


def _called(text: str, begin: int) -> bool | None:
    """True if the words before call it a phone number, False if they call it something else, None for neither."""
    before = _SENTENCES.split(text[max(0, begin - _BEFORE) : begin])[-1]
    told: bool | None = None
    for found in matches(_CALLED, before):
        away = len(before) - found.end()
        if found.start(1) >= 0:
            told = True
        elif (found.start(2) >= 0 and away <= _NEAR) or (told is None and found.start(3) >= 0 and away <= _NEXT):
            told = False
    return told
