"""Which values are keys, and what can be read out of those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.emails import addresses, is_address, meant
from samklang.core.keys import is_no_key, key_in, read_out
from samklang.core.values import KINDS, normal_form

OLA = "ola@eksempel.no"
NOISE = [
    "Ola Nordmann <ola@eksempel.no>",
    "ola@eksempel.no;",
    "ola@eksempel.no (jobb)",
    "ola @eksempel.no",
    "ola@ eksempel . no",
    "o la@eksempel.no",
    "mailto:ola@eksempel.no",
    "mailto:ola@eksempel.no?subject=Hei",
    "E-post: ola@eksempel.no",
    '"ola@eksempel.no"',
    "'ola@eksempel.no'",
    "\u00abola@eksempel.no\u00bb",
    "\u2019ola@eksempel.no\u2019",
    "<ola@eksempel.no>",
    "ola@eksempel.no.",
    "ola@eksempel.no, ola@jobb.no",
    "ola@jobb.no / ola@eksempel.no",
    "ola (at) eksempel.no",
    "ola at eksempel.no",
    "ola@@eksempel.no",
    "ola@eksempel..no",
    "ola@eksempel,no",
    "ola\uff20eksempel\uff0eno",
]


@pytest.mark.parametrize("raw", NOISE)
def test_an_address_with_anything_around_it_is_no_key_and_can_be_read_out(raw: str) -> None:
    normal = normal_form("email", raw)

    assert key_in("email", normal) is None
    assert is_no_key("email", normal)
    assert OLA in read_out("email", normal, [])


@pytest.mark.parametrize(
    "raw",
    [OLA, " Ola@Eksempel.NO ", "ola@eksempel.no\u200b", "\ufeffola@eksempel.no", "o'brien@x.no", "ola.@x.no",
     "k\u00e5re@bl\u00e5b\u00e6r.no", "ola+butikk@post.x.no", "a_b-c@my_firm.no"],
)  # fmt: skip
def test_one_address_is_a_key(raw: str) -> None:
    normal = normal_form("email", raw)

    assert key_in("email", normal) == normal
    assert not is_no_key("email", normal)
    assert read_out("email", normal, []) == []


@pytest.mark.parametrize("raw", ["ukjent", "-", "foo@", "@bar.no", "foo@bar", "@", "ola at"])
def test_noise_is_no_key_and_nobody_is_read_out_of_it(raw: str) -> None:
    assert is_no_key("email", normal_form("email", raw))
    assert read_out("email", normal_form("email", raw), []) == []


@pytest.mark.parametrize(
    ("raw", "region", "numbers"),
    [
        ("99887766 / 22334455", "NO", ["+4799887766", "+4722334455"]),
        ("Ola: 99 88 77 66 (jobb)", "NO", ["+4799887766"]),
        ("91234567", "DK", ["+4591234567", "+4791234567"]),
        ("22334455 x5", "NO", ["+4722334455"]),
        ("ring Kari", "NO", []),
    ],
)
def test_numbers_can_be_read_out_of_what_is_not_one_number(raw: str, region: str, numbers: list[str]) -> None:
    normal = normal_form("phone", raw, region, "NO")

    assert is_no_key("phone", normal)
    assert read_out("phone", normal, [region, "NO"]) == numbers


def test_a_code_is_a_key_whatever_it_holds_but_nothing_that_nobody_sees() -> None:
    assert key_in("code", normal_form("code", "A-1, B/2 ; 3")) == "A-1, B/2 ; 3"
    assert key_in("text", normal_form("text", "AB\u200d1")) == "AB1"
    assert key_in("text", normal_form("text", "\u200d")) is None
    assert not is_no_key("text", normal_form("text", "\u200d"))


@given(st.sampled_from(KINDS), st.text(max_size=60), st.sampled_from(["NO", "SE", ""]))
def test_a_value_is_a_key_or_none_and_what_is_read_out_is_one(kind: str, raw: str, region: str) -> None:
    normal = normal_form(kind, raw, region, "NO")
    parts = read_out(kind, normal, [region, "NO"])

    assert not (parts and key_in(kind, normal))
    if kind == "email":
        assert all(is_address(part) for part in parts)


@given(st.text(alphabet="ab@.,; <>()'-\u00e5", max_size=40))
def test_addresses_that_are_found_are_addresses(text: str) -> None:
    assert all(is_address(one) for one in addresses(text))
    assert set(addresses(text)) <= set(meant(text)) | {one for one in addresses(text) if not one.isascii()}


def test_a_megabyte_without_an_address_is_read_at_once() -> None:
    assert read_out("email", "a" * 1_000_000, []) == []
    assert not is_address("a." * 500_000 + "@" + "b." * 500_000)
