"""What makes two values equal, and how they are written."""

from __future__ import annotations

import re
from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from samklang.core import markup
from samklang.core.rules import Accepts
from samklang.core.values import KINDS, e164, normal_form, normal_forms, two_decimals, written_form

PHONE_TEXT = st.builds(
    str.__add__, st.sampled_from(["", "+", "+47 ", "0047", "00"]), st.text("0123456789 -().", max_size=14)
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blank", [None, "", "   ", "\t\n", "\u00a0"])
def test_null_blank_and_white_space_are_one_value_in_every_kind(kind: str, blank: str | None) -> None:
    assert normal_form(kind, blank, "NO") is None


@pytest.mark.parametrize(
    ("kind", "raw", "form"),
    [
        ("text", "  Storgata  1 ", "Storgata  1"),
        ("text", "Cafe\u0301", "Caf\u00e9"),
        ("code", " Ab 12-c ", "Ab 12-c"),
        ("email", " Kari.Nordmann@Example.COM ", "kari.nordmann@example.com"),
        ("country", "no", "NO"),
        ("country", "Norway", "NO"),
        ("country", "NOR", "NO"),
        ("country", "xk", "XK"),
        ("country", " Utlandet ", "Utlandet"),
        ("country", "578", "578"),
        ("money", "99", "99.00"),
        ("money", "99.005", "99.01"),
        ("money", "99.0049", "99.00"),
        ("money", "-0.001", "0.00"),
        ("money", "1e-05", "0.00"),
        ("money", "-12.345", "-12.35"),
        ("money", " 99,50 ", "99,50"),
        ("money", "NaN", "NaN"),
        ("money", "1e99", "1e99"),
        ("cost", "12.5", "12.50"),
        ("html", "<p>Varm &amp; god</p><p>genser</p>", "Varm & god genser"),
        ("html", "a\n\n  b", "a b"),
        ("html", "5 < 7 & R&D", "5 < 7 & R&D"),
        ("html", "<div>en</div><span>to</span>", "en to"),
    ],
)
def test_the_normal_form_is(kind: str, raw: str, form: str) -> None:
    assert normal_form(kind, raw, "NO") == form


def test_markup_without_text_is_empty() -> None:
    assert normal_form("html", "<p><br></p>") is None


@pytest.mark.parametrize(
    ("raw", "region", "form"),
    [
        ("22 33 44 55", "NO", "+4722334455"),
        ("+47 22 33 44 55", "SE", "+4722334455"),
        ("0047 (22) 33.44-55", "NO", "+4722334455"),
        ("4722334455", "NO", "+4722334455"),
        ("070-123 45 67", "SE", "+46701234567"),
        ("+1 (613) 450-5293", "NO", "+16134505293"),
        ("02000", "NO", "+4702000"),
        ("+383 44 123 456", "NO", "+38344123456"),
    ],
)
def test_a_phone_number_is_compared_in_e164_by_the_country_it_belongs_to(raw: str, region: str, form: str) -> None:
    assert normal_form("phone", raw, region) == form


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("22334455", ""),
        ("22334455", "ZZ"),
        ("070-123 45 67", "NO"),
        ("123", "NO"),
        ("555-1234", "US"),
        ("22334455 x5", "NO"),
        ("22334455,12", "NO"),
        ("22334455;99887766", "NO"),
        ("22334455 / 99887766", "NO"),
        ("22334455 99887766", "NO"),
        ("tlf 22334455", "NO"),
        ("1-800-FLOWERS", "US"),
        ("+1234abcd", "NO"),
    ],
)
def test_text_that_is_not_exactly_one_whole_number_is_compared_as_it_stands(raw: str, region: str) -> None:
    assert e164(raw, region) is None
    assert normal_form("phone", f" {raw} ", region) == raw


@given(PHONE_TEXT)
def test_norwegian_numbers_come_out_as_the_phone_library_reads_them(text: str) -> None:
    read = e164(text.strip(), "NO")
    try:
        number = phonenumbers.parse(text, "NO", keep_raw_input=True)
    except phonenumbers.NumberParseException:
        assert read is None
        return
    as_read = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert read in (None, as_read)
    if phonenumbers.is_valid_number(number) and not re.search(r"(\d)\1{5}|^0?1234567", as_read.removeprefix("+47")):
        assert read == as_read
    if not phonenumbers.is_possible_number(number):
        assert read is None


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("00000000", "NO"),
        ("11111111", "NO"),
        ("99999999", "NO"),
        ("12345678", "NO"),
        ("12345678", "SE"),
        ("00000000", "SE"),
        ("123 456 789", "PL"),
        ("+47 00000000", "NO"),
    ],
)
def test_filler_is_no_phone_number(raw: str, country: str) -> None:
    assert normal_form("phone", raw, country, "NO") == raw


@pytest.mark.parametrize("country", ["SE", "DK", "DE", "GB", "US", "FI"])
@pytest.mark.parametrize("raw", ["91 23 45 67", "41234567", "\u200b91234567"])
def test_a_norwegian_mobile_on_a_foreign_address_is_nobodys_number_there(raw: str, country: str) -> None:
    assert normal_form("phone", raw, country, "NO") == raw.strip("\u200b")


@pytest.mark.parametrize(
    ("raw", "country", "home", "form"),
    [
        ("91 23 45 67", "NO", "NO", "+4791234567"),
        ("+47 91 23 45 67", "DK", "NO", "+4791234567"),
        ("+45 91 23 45 67", "DK", "NO", "+4591234567"),
        ("32 12 34 56", "DK", "NO", "+4532123456"),
        ("070-123 45 67", "SE", "NO", "+46701234567"),
        ("91 23 45 67", "DK", "DK", "+4591234567"),
        ("70 123 45 67", "NO", "SE", "70 123 45 67"),
        ("613 450-5293", "CA", "US", "+16134505293"),
    ],
)
def test_a_number_that_can_belong_to_one_country_only_does(raw: str, country: str, home: str, form: str) -> None:
    assert normal_form("phone", raw, country, home) == form


UNSEEN = "\u200b\u200c\u200d\u200e\u202a\u202c\u2060\u2066\u2069\ufeff\u00ad\u034f\ufe0f\U000e0100\x00\x1d"


@pytest.mark.parametrize("character", UNSEEN)
@pytest.mark.parametrize(
    ("kind", "plain"),
    [("email", "kari@post.no"), ("code", "AB-1"), ("phone", "+4722334455"), ("country", "NO"), ("money", "99.00")],
)
def test_what_nobody_sees_is_no_part_of_a_value_compared_or_written(kind: str, plain: str, character: str) -> None:
    typed = f"{character} {plain[:2]}{character}{plain[2:]} {character}"
    accepts = Accepts(form=kind if kind in ("email", "phone") else "text")

    assert normal_form(kind, typed, "NO") == plain
    assert normal_form(kind, character, "NO") is None
    assert written_form(kind, typed, accepts=accepts, region="NO") == plain


def test_a_joiner_keeps_its_meaning_in_text_and_letters_that_look_alike_are_different() -> None:
    persian, two_words = (
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645",
    )
    assert normal_form("text", persian) == written_form("text", persian, accepts=Accepts(), region="NO") == persian
    assert normal_form("text", persian) != normal_form("text", two_words)
    assert normal_form("code", "\u0410B-1") != normal_form("code", "AB-1")
    assert normal_form("code", "\u0663-\u0600") == "\u0663-\u0600"  # a mark that is shown


@given(st.from_regex(r"(\+47|0047)? ?[2-9]\d{2}[ .-]?\d\d ?\d{3}", fullmatch=True))
def test_every_eight_digit_number_is_read_the_short_way_as_the_long_one(text: str) -> None:
    text = text.translate({d: str(int(chr(d))) for d in map(ord, text) if chr(d).isdigit()})
    number = phonenumbers.parse(text, "NO")
    assert e164(text, "NO") == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@given(st.sampled_from(KINDS), st.text(max_size=40), st.sampled_from(["NO", "SE", ""]))
def test_a_normal_form_is_its_own_normal_form(kind: str, raw: str, region: str) -> None:
    form = normal_form(kind, raw, region)
    assert normal_form(kind, form, region) == form


@given(st.sampled_from(KINDS), st.lists(st.one_of(st.none(), st.text(max_size=12), PHONE_TEXT)))
def test_a_column_gives_what_its_values_give_one_by_one(kind: str, raw: list[str | None]) -> None:
    assert normal_forms(kind, raw, "NO") == [normal_form(kind, value, "NO") for value in raw]


def test_each_phone_of_a_column_is_read_in_its_own_region() -> None:
    raw = ["22334455", "070-123 45 67", None, "22334455"]
    assert normal_forms("phone", raw, ["NO", "SE", "NO", None]) == ["+4722334455", "+46701234567", None, "22334455"]


def test_an_empty_column_stays_empty() -> None:
    assert normal_forms("phone", [], "NO") == []


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of value"):
        normal_form("fax", "1")


@pytest.mark.parametrize(
    ("kind", "raw", "accepts", "written"),
    [
        ("text", " Cafe\u0301 ", Accepts(), "Caf\u00e9"),
        ("code", " Ab 1 ", Accepts(), "Ab 1"),
        ("email", " Kari@Example.com ", Accepts(form="email"), "Kari@Example.com"),
        ("phone", "22 33 44 55", Accepts(form="phone"), "+4722334455"),
        ("phone", " ring Kari ", Accepts(), "ring Kari"),
        ("country", "norway", Accepts(form="country"), "NO"),
        ("html", "Varm <3\nog god\n\nTo & to", Accepts(form="html"), "<p>Varm &lt;3<br>og god</p><p>To &amp; to</p>"),
        ("html", "<p>alt</p>", Accepts(form="html"), "<p>alt</p>"),
        ("html", "<p>Varm</p><p>og&nbsp;god</p>", Accepts(), "Varm\nog god"),
    ],
)
def test_the_written_form_is(kind: str, raw: str, accepts: Accepts, written: str) -> None:
    assert written_form(kind, raw, accepts=accepts, region="NO") == written


@given(
    st.sampled_from([kind for kind in KINDS if kind not in ("money", "cost")]),
    st.text(max_size=60),
    st.sampled_from(["text", "html"]),
)
def test_what_is_written_equals_what_was_read(kind: str, raw: str, form: str) -> None:
    assume(kind != "html" or not markup.is_html(raw))  # a target may not take markup, or not all of it
    written = written_form(kind, raw, accepts=Accepts(form=form), region="NO")
    assert normal_form(kind, written, "NO") == normal_form(kind, raw, "NO")


@given(st.text(alphabet="ab <>&;/\n#1p", max_size=30).filter(lambda text: not markup.is_html(text)))
def test_a_text_survives_the_way_to_html_and_back(text: str) -> None:
    there = markup.to_html(text)
    back = markup.plain_text(there)
    assert normal_form("html", there) == normal_form("html", text)
    assert normal_form("html", back) == normal_form("html", text)


@given(st.decimals(min_value=-(10**7), max_value=10**7, places=4))
def test_money_never_moves_by_more_than_half_an_oere(amount: Decimal) -> None:
    assert abs(float(two_decimals(amount)) - float(amount)) <= 0.00501
