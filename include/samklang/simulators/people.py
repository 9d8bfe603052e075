"""Invented Norwegian persons and goods that both simulators draw from, so that one person can stand in both systems.

Everything follows from a seed and a number: person 17 of seed 1 is the same however many are asked for. Values here
are clean and complete; each simulator dirties its own copy. E-mail addresses are unique and lie in domains that are
reserved for examples.
"""

from __future__ import annotations

import random
from decimal import Decimal
from functools import cache
from typing import NamedTuple


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES = _words(
    "Anne Ingrid Kari Marit Nora Emma Sofie Ida Solveig Åse Bjørg Gro Hilde Tone Silje Maja Thea Astrid Ragnhild Liv "
    "Jan Per Bjørn Ole Lars Kjell Knut Svein Arne Hans Geir Tor Morten Terje Øyvind Håkon Sindre Magnus Aksel Jonas "
    "Eirik Vegard Åsmund Sjur Brage Tiril Oda Vilde Mina Selma Anne-Marie Karl-Johan Synnøve Fatima Amir Zofia Linh"
)
LAST_NAMES = _words(
    "Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Jensen Karlsen Johnsen Pettersen Eriksen Berg "
    "Haugen Hagen Johannessen Andreassen Jacobsen Dahl Jørgensen Halvorsen Henriksen Lund Sørensen Jakobsen Moen "
    "Gundersen Iversen Strand Solberg Svendsen Eide Knutsen Martinsen Bakken Kristoffersen Mathisen Lie Amundsen "
    "Nguyen Rasmussen Lunde Solheim Berge Moe Nygård Bakke Fredriksen Holm Lien Hauge Christensen Andresen Nielsen "
    "Knudsen Evensen Sæther Aas Hanssen Myhre Haugland Thomassen Simonsen Sivertsen Berntsen Danielsen Rønning "
    "Arnesen Sandvik Næss Antonsen Haug Ellingsen Thorsen Edvardsen Vik Birkeland Gulbrandsen Ruud Aasen Strøm Ødegård"
)
DOMAINS = ("epost.example", "post.example", "firma.example", "example.com", "example.org")
STREETS = tuple(street.replace("_", " ") for street in _words(
    "Storgata Kirkegata Skolegata Strandgata Parkveien Bjørkeveien Granveien Furuveien Solbakken Markveien Sjøgata "
    "Industriveien Åsveien Lyngveien Rognebærveien Fjellveien Elvegata Øvregata Nedre_Torggate Dronningens_gate "
    "Kongens_gate Prestegårdsveien Stasjonsveien Myrveien Hagegata"
))  # fmt: skip
PLACES: tuple[tuple[str, str], ...] = (
    ("0155", "Oslo"),
    ("0357", "Oslo"),
    ("0560", "Oslo"),
    ("1338", "Sandvika"),
    ("1530", "Moss"),
    ("1604", "Fredrikstad"),
    ("2003", "Lillestrøm"),
    ("2317", "Hamar"),
    ("2609", "Lillehammer"),
    ("3015", "Drammen"),
    ("3110", "Tønsberg"),
    ("3210", "Sandefjord"),
    ("3717", "Skien"),
    ("4006", "Stavanger"),
    ("4315", "Sandnes"),
    ("4611", "Kristiansand S"),
    ("5003", "Bergen"),
    ("5031", "Bergen"),
    ("5527", "Haugesund"),
    ("6002", "Ålesund"),
    ("6413", "Molde"),
    ("7011", "Trondheim"),
    ("7030", "Trondheim"),
    ("7713", "Steinkjer"),
    ("8006", "Bodø"),
    ("8622", "Mo i Rana"),
    ("9008", "Tromsø"),
    ("9510", "Alta"),
)
# country, prefix of a mobile number, digits that follow it, street, places
ABROAD: tuple[tuple[str, str, int, str, tuple[tuple[str, str], ...]], ...] = (
    ("SE", "+4670", 7, "Storgatan", (("111 22", "Stockholm"), ("411 04", "Göteborg"))),
    ("DK", "+4522", 6, "Nørregade", (("1165", "København K"), ("8000", "Aarhus C"))),
    ("DE", "+49151", 8, "Lindenstraße", (("10969", "Berlin"), ("20095", "Hamburg"))),
    ("GB", "+447400", 6, "High Street", (("EH1 1YZ", "Edinburgh"), ("BS1 4DJ", "Bristol"))),
)
PART_ABROAD = 0.03

GROUPS = {"100": "Mat og drikke", "200": "Klær", "300": "Hus og hjem", "400": "Bøker", "500": "Friluft"}
_GROUP_CODES = tuple(GROUPS)
_GOODS = {
    "100": ("KAF", ("Kaffe", "Te", "Sjokolade", "Honning", "Syltetøy", "Knekkebrød")),
    "200": ("KLE", ("Ullgenser", "Lue", "Votter", "Skjerf", "Regnjakke", "Ullsokker")),
    "300": ("HUS", ("Kopp", "Skål", "Pledd", "Lysestake", "Duk", "Skjærefjøl")),
    "400": ("BOK", ("Kokebok", "Turbok", "Krim", "Barnebok", "Diktsamling", "Atlas")),
    "500": ("TUR", ("Sekk", "Termos", "Sitteunderlag", "Lommelykt", "Sovepose", "Kniv")),
}
_QUALITIES = ("Fjord", "Vidde", "Nordlys", "Skjærgård", "Seter", "Blåbær", "Tind", "Havblikk", "Grønn", "Klassisk")
_TRANSLITERATION = str.maketrans({"æ": "ae", "ø": "o", "å": "a"})


class Person(NamedTuple):
    """:param phone: E.164; :param country: two letters; :param address2: may be empty."""

    number: int
    first_name: str
    last_name: str
    email: str
    phone: str
    address1: str
    address2: str
    city: str
    zip: str
    country: str


class Good(NamedTuple):
    """:param price_net: NOK without tax, two decimals; :param group: a key of `GROUPS`; :param gtin: EAN-13."""

    number: int
    code: str
    name: str
    price_net: Decimal
    group: str
    gtin: str
    description: str


def chance(seed: int, purpose: str, number: int) -> random.Random:
    """A source of chance that depends on nothing but these three."""
    return random.Random((seed * 1_000_003 + number) * 4_294_967_291 + _as_number(purpose))


@cache
def _as_number(purpose: str) -> int:
    return int.from_bytes(purpose.encode(), "big")


def person(seed: int, number: int) -> Person:
    """Person `number` of a seed."""
    pick = chance(seed, "person", number)
    first_name, last_name = pick.choice(FIRST_NAMES), pick.choice(LAST_NAMES)
    local_part = f"{first_name}.{last_name}".lower().translate(_TRANSLITERATION)
    country, prefix, digits, street, places = "NO", "+479", 7, pick.choice(STREETS), PLACES
    if pick.random() < PART_ABROAD:
        country, prefix, digits, street, places = pick.choice(ABROAD)
    zip_code, city = pick.choice(places)
    address2 = f"Leil. {pick.choice('ABCDEH')}{pick.randint(101, 409):04d}" if pick.random() < 0.1 else ""
    return Person(
        number=number,
        first_name=first_name,
        last_name=last_name,
        email=f"{local_part}{number}@{pick.choice(DOMAINS)}",
        phone=f"{prefix}{_scatter(seed, number, digits)}",
        address1=f"{street} {pick.randint(1, 148)}{pick.choice(('', '', '', 'A', 'B'))}",
        address2=address2,
        city=city,
        zip=zip_code,
        country=country,
    )


def people(seed: int, count: int, first: int = 0) -> list[Person]:
    """Persons `first` to `first + count - 1` of a seed."""
    return [person(seed, number) for number in range(first, first + count)]


def good(seed: int, number: int) -> Good:
    """Good `number` of a seed."""
    pick = chance(seed, "good", number)
    group = pick.choice(_GROUP_CODES)
    prefix, kinds = _GOODS[group]
    kind, quality = pick.choice(kinds), pick.choice(_QUALITIES)
    price = Decimal(pick.choice((pick.randint(29, 4999) * 100, pick.randint(1900, 99900)))).scaleb(-2)
    return Good(
        number=number,
        code=f"{prefix}-{number:05d}",
        name=f"{kind} {quality} {number}",
        price_net=price,
        group=group,
        gtin=_gtin(number),
        description=f"{kind} i serien {quality}.",
    )


def goods(seed: int, count: int, first: int = 0) -> list[Good]:
    """Goods `first` to `first + count - 1` of a seed."""
    return [good(seed, number) for number in range(first, first + count)]


def _scatter(seed: int, number: int, digits: int) -> str:
    """Numbers far apart that do not repeat before all of this many digits are used: the factor ends in 1."""
    return f"{(seed * 977 + (number + 1) * 7_654_321) % 10**digits:0{digits}d}"


def _gtin(number: int) -> str:
    body = f"7090{number:08d}"
    digits = body.encode()  # twelve characters, each its digit and 48
    total = sum(digits[::2]) + 3 * sum(digits[1::2]) - 4 * 6 * 48
    return f"{body}{-total % 10}"
