"""Payment cards and bank accounts: digits confirmed by their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

Span = tuple[int, int]

LONGEST_ROW = 10_000  # characters that are only digits and separators
MOST_CHECKED = 500  # sums computed for one text; everything after them is hidden

# Issuer ranges of ISO/IEC 7812 by network, with the lengths that it issues:
# https://en.wikipedia.org/wiki/Payment_card_number#Issuer_identification_number_(IIN)
# Not airlines' UATP (any 15 digits after a 1), which would match one in ten unrelated ids.
_LONG = range(16, 20)
_RANGES: tuple[tuple[str, str, Sequence[int]], ...] = (
    ("2200", "2204", _LONG),  # Mir
    ("2221", "2720", (16,)),  # Mastercard
    ("300", "305", range(14, 20)),  # Diners Club
    ("3095", "3095", range(14, 20)),
    ("34", "34", (15,)),  # American Express
    ("3528", "3589", _LONG),  # JCB
    ("36", "36", range(14, 20)),
    ("37", "37", (15,)),
    ("38", "39", range(14, 20)),
    ("4", "4", (13, 16, 18, 19)),  # Visa; 13 only in groups, or one in ten German article numbers would match
    ("5018", "5018", range(12, 20)),  # Maestro
    ("5020", "5020", range(12, 20)),
    ("5038", "5038", range(12, 20)),
    ("506", "508", (16, 18, 19)),  # Verve, Elo, RuPay
    ("51", "55", (16,)),  # Mastercard
    ("56", "58", range(13, 20)),  # Maestro
    ("6011", "6011", _LONG),  # Discover
    ("60", "60", (16,)),  # RuPay, Hipercard
    ("62", "62", _LONG),  # UnionPay
    ("6304", "6304", range(12, 20)),  # Maestro
    ("636", "639", (16,)),
    ("644", "659", _LONG),  # Discover, RuPay, Troy, Elo
    ("6759", "6763", range(12, 20)),  # Maestro
    ("8100", "8171", _LONG),  # UnionPay
    ("82", "82", (16,)),  # RuPay
    ("9792", "9792", (16,)),  # Troy
)
_OLD_VISA = 13
_A_LOOK = 0.1  # of the cost of a sum
_GAP = r"[ \t\n\r./|\\()-]"
_ROW = re.compile(rf"\d(?:{_GAP}{{0,3}}+\d){{11,}}+")
_GROUP = re.compile(r"\d+")


def payment_cards(text: str) -> Iterator[Span]:
    """Yield the positions of payment card numbers: a known range, its length, the Luhn sum; in any usual grouping."""
    left: float = MOST_CHECKED
    for found in _ROW.finditer(text):
        if found.end() - found.start() > LONGEST_ROW:
            yield found.start(), len(text)
            return
        row = _Row(text, [group.span() for group in _GROUP.finditer(text, *found.span())])
        first = 0
        while first < len(row.groups):
            if left <= 0:  # nobody reads that many digits
                yield row.groups[first][0], len(text)
                return
            last, checked = row.longest(first)
            left -= checked
            if last is not None:
                yield row.groups[first][0], row.groups[last][1]
            first = first + 1 if last is None else last + 1


class _Row:
    """Groups of digits with little between them."""

    def __init__(self, text: str, groups: Sequence[Span]) -> None:
        self.text, self.groups = text, groups
        self.digits = "".join(text[start:end] for start, end in groups)
        self._begins = [0, *accumulate(end - start for start, end in groups)]
        self._ends = {end: group for group, end in enumerate(self._begins[1:])}

    def longest(self, first: int) -> tuple[int | None, float]:
        """The last group of the longest card that begins with this one, and how many sums that took."""
        begin, checked = self._begins[first], 0.0
        for length in _lengths(self.digits[begin : begin + 4]):
            last = self._ends.get(begin + length)
            if last is not None and self._is_grouped(first, last) and not (length == _OLD_VISA and last == first):
                checked += 1
                if _adds_up(self.digits[begin : begin + length]):
                    return last, checked
        return None, checked + _A_LOOK

    def _is_grouped(self, first: int, last: int) -> bool:
        """Groups of three or more, as on a card; or groups of one size with the same separator."""
        groups = self.groups[first : last + 1]
        sizes = [end - start for start, end in groups]
        if min(sizes[:-1], default=3) >= 3:
            return True
        gaps = {self.text[before[1] : after[0]] for before, after in pairwise(groups)}
        return len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0] and len(gaps) == 1


def _adds_up(digits: str) -> bool:
    from stdnum import luhn  # imported here: only those who redact cards pay for it

    return len(set(digits)) > 1 and luhn.is_valid(digits)


def _lengths(begin: str) -> tuple[int, ...]:
    """The possible lengths of cards with this beginning, longest first."""
    return _LENGTHS.get(begin, ())


def _table() -> dict[str, tuple[int, ...]]:
    table: dict[str, set[int]] = {}
    for low, high, lengths in _RANGES:
        for number in range(int(low.ljust(4, "0")), int(high.ljust(4, "9")) + 1):
            table.setdefault(f"{number:04d}", set()).update(lengths)
    return {begin: tuple(sorted(lengths, reverse=True)) for begin, lengths in table.items()}


_LENGTHS = _table()

_IBAN = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=[Ii][Bb][Aa][Nn]))[A-Za-z]{2}[ .-]?\d{2}(?:[ \t\n\r.-]{0,2}+[A-Za-z0-9]){11,32}+"
)
_ALNUM = re.compile(r"[A-Za-z0-9]+")
_SHORTEST = 15  # Norway's
MOST_IBANS = 50  # candidates examined in one text; the others are hidden


def ibans(text: str) -> Iterator[Span]:
    """Yield the positions of IBANs: their country's length and format, and their check digits."""
    start = looked = 0
    while found := _IBAN.search(text, start):
        looked += 1
        end = found.end() if looked > MOST_IBANS else _iban_end(text, *found.span())
        if end is not None:
            yield found.start(), end
        start = found.start() + 4 if end is None else end


def _iban_end(text: str, start: int, most: int) -> int | None:
    """The end of the longest IBAN that begins here; one that would end inside a word does not count."""
    from stdnum import iban  # as above

    written, found = "", None
    for group in _ALNUM.finditer(text, start, most):
        written += group[0].upper()
        if len(written) >= _SHORTEST and not text[group.end() : group.end() + 1].isalnum() and _leaves_one(written):
            found = group.end() if iban.is_valid(written, check_country=False) else found
    return found


def _leaves_one(written: str) -> bool:
    """The ISO 7064 sum, which the library computes too, but ten times slower."""
    return int("".join(str(int(char, 36)) for char in written[4:] + written[:4])) % 97 == 1
