"""What a target cannot take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.holds import refusal
from samklang.core.rules import Accepts
from samklang.core.values import KINDS

COUNTRIES = Accepts(form="country", choices=frozenset({"NO", "SE"}))


@pytest.mark.parametrize(
    ("kind", "raw", "accepts", "reason"),
    [
        ("phone", "ring Kari", Accepts(form="phone"), "phone_unparsable"),
        ("phone", "22334455 x5", Accepts(form="phone"), "phone_unparsable"),
        ("text", "22 33 44 55", Accepts(form="phone"), "phone_unparsable"),
        ("email", "a@x.no; b@x.no", Accepts(form="email"), "several_emails"),
        ("email", "a@x.no,b@x.no", Accepts(form="email"), "several_emails"),
        ("email", "a@x.no b@x.no", Accepts(form="email"), "several_emails"),
        ("email", "foo@", Accepts(form="email"), "email_invalid"),
        ("email", "@bar.com", Accepts(form="email"), "email_invalid"),
        ("email", "foo@bar", Accepts(form="email"), "email_invalid"),
        ("email", "foo@@bar.com", Accepts(form="email"), "email_invalid"),
        ("email", "foo@bar..com", Accepts(form="email"), "email_invalid"),
        ("email", "o la@x.no", Accepts(form="email"), "email_invalid"),
        ("email", "a@x.no;", Accepts(form="email"), "email_invalid"),
        ("country", "DE", COUNTRIES, "country_unknown"),
        ("country", "Utlandet", COUNTRIES, "country_unknown"),
        ("money", "12,50", Accepts(form="money"), "money_invalid"),
        ("money", "-1", Accepts(form="money"), "money_invalid"),
        ("text", "x" * 256, Accepts(max_length=255), "too_long"),
        ("html", "<" * 100, Accepts(form="html", max_length=300), "too_long"),
        ("text", None, Accepts(clearable=False), "not_clearable"),
        ("text", "  ", Accepts(clearable=False), "not_clearable"),
        ("text", "a", Accepts(writable=False), "not_writable"),
        ("text", None, Accepts(writable=False), "not_writable"),
    ],
)
def test_a_value_the_target_cannot_take_is_held_with_a_reason(
    kind: str, raw: str | None, accepts: Accepts, reason: str
) -> None:
    hold = refusal(kind, raw, accepts=accepts, region="NO")
    assert hold is not None
    assert hold.reason == reason
    assert hold.remedy.endswith(".")


@pytest.mark.parametrize(
    ("kind", "raw", "accepts"),
    [
        ("phone", "22 33 44 55", Accepts(form="phone")),
        ("phone", "ring Kari", Accepts()),
        ("email", " Kari.Nordmann+butikk@Post.Example.no ", Accepts(form="email")),
        ("email", "k\u00e5re@bl\u00e5b\u00e6r.no", Accepts(form="email")),
        ("email", "a@x.no; b@x.no", Accepts()),
        ("country", "norway", COUNTRIES),
        ("money", "0", Accepts(form="money")),
        ("money", "-1", Accepts()),
        ("text", f" {'x' * 255} ", Accepts(max_length=255)),
        ("text", None, Accepts(max_length=3)),
    ],
)
def test_a_value_the_target_takes_is_not_held(kind: str, raw: str | None, accepts: Accepts) -> None:
    assert refusal(kind, raw, accepts=accepts, region="NO") is None


def test_too_long_names_the_length_that_fits() -> None:
    hold = refusal("text", "x" * 256, accepts=Accepts(max_length=255), region="NO")
    assert hold is not None
    assert "at most 255 characters" in hold.remedy


@given(
    st.sampled_from(KINDS),
    st.text(min_size=12, max_size=60),
    st.sampled_from(["text", "email", "phone", "country", "money", "html"]),
)
def test_a_reason_never_carries_the_value(kind: str, raw: str, form: str) -> None:
    hold = refusal(kind, raw, accepts=Accepts(form=form, max_length=10), region="NO")
    assert hold is None or raw.strip() == "" or raw.strip() not in hold.remedy
