"""Digests of ids that only who has the key can make: the same id has the same digest, and none leads back to it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import Literal

from taxonomy.errors import InputError

_KEY = re.compile(r"[0-9a-f]{64}")
_DIGITS = 32

IdKind = Literal["conversation", "user"]


class KeyedIds:
    """Digests by one key (HMAC, RFC 2104, with SHA-256).

    Attributes
    ----------
    known : dict of (str, str) to str
        The ids that have a digest so far, by their kind and digest.
    """

    def __init__(self, key: str) -> None:
        self._key = bytes.fromhex(key)
        self.known: dict[tuple[IdKind, str], str] = {}

    def digest(self, kind: IdKind, id: str) -> str:
        """Return the digest of an id, 32 hex digits."""
        message = f"{kind}\0{id}".encode(errors="surrogatepass")
        found = hmac.new(self._key, message, hashlib.sha256).hexdigest()[:_DIGITS]
        self.known[kind, found] = id
        return found


def new_key() -> str:
    """Return a random key, as 64 hex digits."""
    return secrets.token_hex(32)


def read_key(path: Path) -> str:
    """Return the key in a file.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the key can't be read ({getattr(error, 'strerror', None) or 'it is no text'})"
        raise InputError(problem, path=str(path), remedy="give the file private/key of an extraction") from error
    if _KEY.fullmatch(key) is None:
        remedy = "give the file private/key of an extraction"
        raise InputError("the file holds no key of 64 hex digits", path=str(path), remedy=remedy)
    return key
