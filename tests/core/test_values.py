"""What makes two values equal, and how they are written."""

from __future__ import annotations

from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import given
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
        ("html", "en<b>kel</b>", "enkel"),
        ("html", "a\n\n  b", "a b"),
        ("html", "5 < 7 & R&D", "5 < 7 & R&D"),
        ("html", "<style>p {}</style>vist<script>x()</script>", "vist"),
        ("html", "<ul><li>en</li><li>to</li></ul>", "en to"),
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
    try:
        number = phonenumbers.parse(text, "NO")
    except phonenumbers.NumberParseException:
        assert e164(text.strip(), "NO") is None
        return
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if possible else None
    assert e164(text.strip(), "NO") == expected


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
    written = written_form(kind, raw, accepts=Accepts(form=form), region="NO")
    assert normal_form(kind, written, "NO") == normal_form(kind, raw, "NO")


@given(st.text(alphabet="ab <>&;/\n#1p", max_size=30))
def test_a_description_survives_the_way_to_html_and_back(text: str) -> None:
    there = markup.to_html(text)
    back = markup.plain_text(there)
    assert normal_form("html", there) == normal_form("html", text)
    assert normal_form("html", back) == normal_form("html", text)


@given(st.decimals(min_value=-(10**7), max_value=10**7, places=4))
def test_money_never_moves_by_more_than_half_an_oere(amount: Decimal) -> None:
    assert abs(float(two_decimals(amount)) - float(amount)) <= 0.00501
