"""Infer hints about a column's values from its name.

Hints help to decide; they never decide alone.
"""

from __future__ import annotations

import re
from functools import cache

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\x00-\x7f]+")
_ID_WORDS = frozenset(
    {
        *(
            "id",
            "ids",
            "uuid",
            "guid",
            "uid",
            "pid",
            "key",
            "pk",
            "hash",
            "identifier",
            "kennung",
            "编号",
            "号",
        ),
        *(
            "mrn",
            "ssn",
            "dni",
            "imsi",
            "imei",
            "msisdn",
            "iban",
            "vin",
            "login",
            "username",
            "idno",
        ),
    }
)
_NUMBER_WORDS = frozenset(
    {
        *("no", "nr", "num", "number", "nummer", "code", "ref", "reference", "token"),
        *("nro", "numero", "número", "numéro", "codigo", "código"),
    }
)
# Last words of a document's or a person's number, and things numbered in place of a person.
_NUMBERED = re.compile(r".+[^a-z](?:no|nr|nro|number|nummer|numero)|.{3,}(?:number|nummer)")
_PLACES = re.compile(
    "haus|house|phone|telefon|mobil|handy|fax|room|zimmer|line|zeile|page|seite|floor|etage|track|chapter|version|build"
    "|week|woche|month|monat|day|year|jahr|quarter|hour|seat|platz|row|column|pos|item|artikel|product|part|lot|batch"
    "|model|visit|total|population|lfd|running|store|shop|branch|filial|flight|gate|serial|step|attempt|level|game|round|lap"
)
# Last words of names whose numbers measure or count, and name nothing: login_count, key_rate.
_MEASURES = frozenset(
    {
        *(
            "count",
            "counts",
            "rate",
            "ratio",
            "share",
            "length",
            "size",
            "age",
            "amount",
            "balance",
        ),
        *(
            "total",
            "sum",
            "mean",
            "average",
            "avg",
            "min",
            "max",
            "limit",
            "score",
            "rating",
            "figure",
            "figures",
            "flag",
        ),
        *(
            "days",
            "hours",
            "minutes",
            "seconds",
            "months",
            "years",
            "items",
            "visits",
            "orders",
            "anzahl",
            "betrag",
        ),
    }
)
# Usual subjects of a table, the likelier first; then things a person may have several of.
_PEOPLE = (
    *(
        "customer",
        "client",
        "user",
        "person",
        "member",
        "patient",
        "subscriber",
        "employee",
        "student",
        "citizen",
    ),
    *(
        "participant",
        "respondent",
        "subject",
        "claimant",
        "insured",
        "policyholder",
        "applicant",
        "borrower",
        "guest",
    ),
    *(
        "buyer",
        "payer",
        "player",
        "driver",
        "owner",
        "tenant",
        "donor",
        "voter",
        "resident",
        "emp",
        "subj",
        "uid",
        "mrn",
    ),
    *(
        "ssn",
        "dni",
        "imsi",
        "msisdn",
        "login",
        "username",
        "mitarbeiter",
        "nutzer",
        "benutzer",
        "mieter",
        "klant",
        "kd",
    ),
    *(
        "kunde",
        "kunden",
        "cliente",
        "client",
        "utilisateur",
        "patienten",
        "客户",
        "用户",
        "клиент",
        "cust",
        "usr",
    ),
    *(
        "account",
        "acct",
        "household",
        "hh",
        "konto",
        "visitor",
        "device",
        "card",
        "contract",
        "policy",
        "session",
    ),
)
_GLUED = re.compile(
    rf"({'|'.join(_PEOPLE)}|order|session|invoice|ticket|transaction|booking|case)"
    r"s?(id|no|nr|num|number|key|uuid|code|nummer)"
)
_THINGS = frozenset(
    {
        *(
            "product",
            "item",
            "article",
            "brand",
            "company",
            "firm",
            "shop",
            "store",
            "branch",
            "city",
            "town",
            "country",
        ),
        *(
            "region",
            "state",
            "file",
            "host",
            "domain",
            "category",
            "group",
            "campaign",
            "channel",
            "plan",
            "model",
            "make",
        ),
        *("event", "page", "table", "column", "team", "school", "hotel", "drug", "course", "game"),
    }
)
_ZIP = frozenset(
    {"zip", "zipcode", "postcode", "postal", "postalcode", "plz", "cep", "pincode", "postleitzahl"}
)
_PHONE = frozenset(
    {
        "phone",
        "tel",
        "telephone",
        "mobile",
        "fax",
        "cell",
        "telefon",
        "handy",
        "msisdn",
        "phonenumber",
    }
)
_BIRTH = frozenset(
    {
        "dob",
        "birth",
        "born",
        "birthday",
        "birthdate",
        "dateofbirth",
        "geburtsdatum",
        "geburtstag",
        "geb",
    }
)
_QUASI = frozenset(
    {
        *(
            "age",
            "alter",
            "gender",
            "sex",
            "geschlecht",
            "ethnicity",
            "race",
            "nationality",
            "citizenship",
        ),
        *(
            "city",
            "town",
            "county",
            "municipality",
            "marital",
            "occupation",
            "profession",
            "job",
            "religion",
        ),
        *("latitude", "longitude", "lat", "lon", "lng"),
        *(
            "ort",
            "wohnort",
            "stadt",
            "gemeinde",
            "beruf",
            "familienstand",
            "nationalität",
            "staatsangehörigkeit",
        ),
    }
)
_NAME = frozenset(
    {
        "name",
        "firstname",
        "lastname",
        "surname",
        "fullname",
        "forename",
        "vorname",
        "nachname",
        "姓名",
    }
)
_ADDRESS = frozenset({"address", "addr", "street", "adresse", "strasse", "straße"})
_MACHINE = frozenset({"ip", "mac", "email", "mail", "web", "url", "wallet", "ipv", "ipaddress"})
_EMAIL = frozenset({"email", "mail", "emailaddress"})
_DURATION = frozenset(
    {"duration", "elapsed", "runtime", "length", "dauer", "took", "uptime", "lap", "split"}
)


@cache
def words(name: str) -> frozenset[str]:
    """Words of a name in small letters: customerId and CUSTOMER_ID are alike."""
    found = {word.lower() for word in WORD.findall(name)}
    return frozenset(found | {"".join(word.lower() for word in WORD.findall(name))})


def names_id(name: str) -> bool:
    """Whether a column may name one of many things: an id, a key, a customer's number."""
    found = words(name)
    if _last(name) in _MEASURES:
        return False
    return bool(
        found & _ID_WORDS or _GLUED.fullmatch(max(found, key=len, default="")) or names_number(name)
    )


def _last(name: str) -> str:
    """Last word of a name in small letters; empty where it has none."""
    return next((word.lower() for word in reversed(WORD.findall(name))), "")


def names_number(name: str) -> bool:
    """Whether a column may hold the number of a person or of a document."""
    found = words(name)
    if found & _NUMBER_WORDS and (
        found & set(_PEOPLE) or found & {"order", "invoice", "ticket", "contract"}
    ):
        return True
    parts = " ".join(WORD.findall(name)).lower()
    return bool(_NUMBERED.fullmatch(parts)) and not _PLACES.search(parts)


def person_rank(name: str) -> int | None:
    """Rank of a column's name among names for a table's people, 0 the likeliest; else None."""
    longest = max(words(name), key=len, default="")
    for rank, person in enumerate(_PEOPLE):
        if person in words(name) or (_GLUED.fullmatch(longest) and longest.startswith(person)):
            return rank
    return None


def names_serial(name: str) -> bool:
    """Whether a number in a column may be a serial number."""
    return names_id(name) or bool(words(name) & _NUMBER_WORDS)


def names_zip(name: str) -> bool:
    """Whether a column may hold postcodes."""
    return bool(words(name) & _ZIP)


def names_phone(name: str) -> bool:
    """Whether a column may hold telephone numbers."""
    return bool(words(name) & _PHONE)


def names_birth(name: str) -> bool:
    """Whether a column may hold days of birth."""
    return bool(words(name) & _BIRTH)


def names_email(name: str) -> bool:
    """Whether a column may hold e-mail addresses."""
    return bool(words(name) & _EMAIL)


def names_person(name: str) -> bool:
    """Whether a column may hold names of people."""
    found = words(name)
    return bool(found & _NAME) and not found & _THINGS


def names_address(name: str) -> bool:
    """Whether a column may hold addresses of houses: not of machines or mailboxes."""
    found = words(name)
    return bool(found & _ADDRESS) and not found & _MACHINE


def names_duration(name: str) -> bool:
    """Whether a clock's text in a column may tell how long something took."""
    return bool(words(name) & _DURATION)


def names_quasi(name: str) -> bool:
    """Whether a column may tell something that others know of a person."""
    return bool(words(name) & _QUASI) or names_zip(name) or names_birth(name)
