"""Numbers that prove themselves by check digits."""

from __future__ import annotations

import re

_CARD_LENGTHS = range(13, 20)
# ISO 13616: countries, of those that have it, take 15 to 34 characters.
_IBAN_LENGTHS = range(34, 14, -1)
_LEAST_DIGITS = 8


def is_card(digits: str) -> bool:
    """Return whether digits are the number of a payment card, by the formula of Luhn (ISO/IEC 7812-1).

    >>> is_card("4242424242424242"), is_card("4242424242424241")
    (True, False)
    """
    if len(digits) not in _CARD_LENGTHS or len(set(digits)) == 1:
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def valid_iban(text: str) -> str | None:
    """Return the IBAN that a text begins with, None where it begins with none.

    >>> valid_iban("DE89 3704 0044 0532 0130 00 is it"), valid_iban("DE88 3704 0044 0532 0130 00")
    ('DE89370400440532013000', None)
    """
    plain = re.sub(r"\s", "", text).upper()
    for length in _IBAN_LENGTHS:
        start = plain[:length]
        if len(start) == length and sum(map(str.isdigit, start)) >= _LEAST_DIGITS and _remainder(start) == 1:
            return start
    return None


def _remainder(iban: str) -> int:
    return int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97
