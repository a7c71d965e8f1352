"""Invented names and addresses for the demo; every address is in a domain reserved for examples (RFC 2606)."""

from __future__ import annotations

import numpy

from privgan.demo.network import Codes

_FIRST_NAMES = {
    "female": "Alma Amira Anna Beth Carla Clara Dora Edith Elena Emma Fatima Greta Hanna Ida Ines Jana Julia Karin "
    "Laura Lena Maria Mei Mina Nadia Nina Olga Paula Rosa Sara Sofia Tara Vera Yara Zoe",
    "male": "Adam Ali Anton Ben Bruno Carl Daniel David Emil Erik Felix Georg Hugo Ivan Jan Jonas Karim Leo Luca "
    "Marco Max Milan Nils Noah Omar Oscar Paul Pedro Ravi Samuel Simon Theo Tom Viktor Wei Yusuf",
    "diverse": "Alex Ari Charlie Eden Jules Kai Kim Lou Luka Micha Nika Noa Robin Sam Sascha Toni",
}
_LAST_NAMES = """
Abel Adler Akin Albers Almeida Bauer Becker Berg Blanc Bosch Brandt Brown Campos Chen Costa Cruz Dahl Davis
Demir Diaz Eder Engel Evans Fischer Fontana Franke Garcia Gomez Graf Haas Hansen Hughes Ibrahim Ito Jansen
Jensen Kaya Keller Khan Klein Koch Kowal Lang Larsen Leroy Lopez Marin Martin Meyer Moreau Nagy Novak Okafor
Olsen Patel Peters Popov Reyes Ricci Romano Roth Santos Sato Schmidt Silva Singh Smith Stein Tanaka Torres
Varga Vogel Wagner Walker Weber Wolf Wong Yilmaz Young Ziegler
"""
_DOMAINS = ("example.com", "example.org", "example.net")


def invent_names(gender: Codes, genders: tuple[str, ...], rng: numpy.random.Generator) -> list[str]:
    """A first name fitting each row's gender, and a last name."""
    last_names = _LAST_NAMES.split()
    pools = [_FIRST_NAMES[name].split() for name in genders]
    sizes = numpy.array([len(pool) for pool in pools])
    first = rng.integers(0, sizes[gender]) + (numpy.cumsum(sizes) - sizes)[gender]
    last = rng.integers(0, len(last_names), len(gender))
    names = [name for pool in pools for name in pool]
    return [f"{names[one]} {last_names[other]}" for one, other in zip(first.tolist(), last.tolist(), strict=True)]


def invent_emails(names: list[str], rng: numpy.random.Generator) -> list[str]:
    """An address made from each name and the row's serial number, so that no address repeats."""
    domains = rng.integers(0, len(_DOMAINS), len(names)).tolist()
    return [
        f"{name.lower().replace(' ', '.')}{serial}@{_DOMAINS[domain]}"
        for serial, (name, domain) in enumerate(zip(names, domains, strict=True), start=1)
    ]
