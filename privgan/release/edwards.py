"""Which 32 bytes are a point of Ed25519 that can be a public key.

A point whose order is 8 or less lets anybody make signatures that are valid under it, without a
private half. RFC 8032 (5.1.3) refuses a coordinate of p or more, and leaves small orders to the
verifier; Chalkias, Garillot and Nikolaenko 2020 (Taming the many EdDSAs) show why these are to be
refused too. OpenSSL, and with it the ``cryptography`` library, refuses neither.
"""

from __future__ import annotations

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
_SIGN = 1 << 255
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y of all eight points P with 8 P = 0: order 1, 2, 4 (two points), 8 (four points).
SMALL_ORDER = frozenset({1, PRIME - 1, 0, _EIGHTH, PRIME - _EIGHTH})


def weakness(raw: bytes) -> str | None:
    """Why bytes cannot be a public key; None where they can.

    Args:
        raw: An encoded point.
    """
    if len(raw) != 32:
        return f"it has {len(raw)} bytes; a public key has 32"
    y = int.from_bytes(raw, "little") % _SIGN
    if y >= PRIME:
        return "it is not written in the one way in which its point is written"
    if y in SMALL_ORDER:
        return "its point has a small order: anybody can make signatures that it accepts"
    if not _on_curve(y):
        return "it is no point of the curve"
    return None


def _on_curve(y: int) -> bool:
    """Whether x² = (y² - 1) / (d y² + 1) has a root; it divides by no 0, as -1/d has no root."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    return square == 0 or pow(square, (PRIME - 1) // 2, PRIME) == 1
