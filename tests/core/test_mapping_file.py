"""Reading mapping files: what they say, and what happens when they are wrong."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from samklang.core.mapping import Limits, Mapping
from samklang.core.mapping_file import parse_mapping
from samklang.errors import MappingError

SHIPPED = Path(__file__).parents[2] / "include" / "mappings"

SMALL = """\
entity: products
match: [Code]
fields:
  - {powerofficego: Code, shopify: sku, kind: code}
  - {powerofficego: Name, shopify: title}
"""


def shipped(entity: str) -> str:
    return (SHIPPED / f"{entity}.yaml").read_text(encoding="utf-8")


def parsed(text: str) -> Mapping:
    return parse_mapping(text, file="products.yaml")


def with_line(line: str) -> str:
    """The small mapping with one more key; it stands on line 3."""
    return SMALL.replace("fields:", f"{line}\nfields:")


def with_field(entry: str) -> str:
    """The small mapping with one more field; it stands on line 6."""
    return f"{SMALL}  - {entry}\n"


def test_the_shipped_customers_are_the_specification_and_a_name() -> None:
    mapping = parse_mapping(shipped("customers"), file="customers.yaml")
    table = [(f.names["powerofficego"], f.names["shopify"], f.kind, f.group, f.origin) for f in mapping.fields]
    assert table == [
        ("EmailAddress", "email", "email", None, "specification"),
        ("MailAddress.AddressLine1", "addresses.address1", "text", "address", "specification"),
        ("MailAddress.AddressLine2", "addresses.address2", "text", "address", "specification"),
        ("MailAddress.City", "addresses.city", "text", "address", "specification"),
        ("MailAddress.CountryCode", "addresses.country", "country", "address", "specification"),
        ("MailAddress.ZipCode", "addresses.zip", "text", "address", "specification"),
        ("PhoneNumber", "phone", "phone", None, "specification"),
        ("FirstName", "firstName", "text", None, "extension"),
        ("LastName", "lastName", "text", None, "extension"),
    ]
    assert mapping.match == ("EmailAddress",)
    assert {(f.direction, f.policy, f.clear) for f in mapping.fields} == {("both", "latest", True)}


def test_the_shipped_products_are_name_code_and_price() -> None:
    mapping = parse_mapping(shipped("products"), file="products.yaml")
    assert [(f.names["powerofficego"], f.names["shopify"], f.kind, f.origin) for f in mapping.fields] == [
        ("Name", "title", "text", "extension"),
        ("Code", "sku", "code", "extension"),
        ("UnitPrice", "price", "money", "extension"),
    ]
    assert mapping.match == ("Code",)
    assert mapping.vat.rate(None) is None, "a rate is never guessed"


@pytest.mark.parametrize("entity", ["customers", "products"])
def test_what_the_shipped_files_say_are_the_defaults(entity: str) -> None:
    mapping = parse_mapping(shipped(entity), file=f"{entity}.yaml")
    bare = SMALL.replace("entity: products", f"entity: {entity}")
    default = parse_mapping(bare, file=f"{entity}.yaml")
    for name in ("schedule", "create_in", "create_archived", "share", "full_sync", "policy", "clear", "region"):
        assert getattr(mapping, name) == getattr(default, name), name
    for name in ("full_every", "currency", "vat", "new_product_status", "red_on_quarantine", "freeze_after"):
        assert getattr(mapping, name) == getattr(default, name), name
    assert default.limits == Limits(creates=1000, updates=500, clears=50, link_conflicts=0, part=0.2, gone=10)
    assert replace(mapping.limits, links=None, price_move=None) == default.limits


def test_the_shipped_files_arm_limits_that_a_file_without_the_line_has_not() -> None:
    customers, products = (parse_mapping(shipped(e), file=f"{e}.yaml").limits for e in ("customers", "products"))
    bare = parse_mapping(SMALL, file="products.yaml").limits
    assert (customers.links, customers.price_move) == (1000, None)
    assert (products.links, products.price_move) == (1000, Decimal("0.5"))
    assert (bare.links, bare.price_move) == (None, None)


def test_the_lines_of_the_shipped_products_that_are_off_can_be_switched_on() -> None:
    text = re.sub(r"^(\s*)# (- \{)", r"\1\2", shipped("products"), flags=re.MULTILINE)
    text = re.sub(
        r"^# (vat:|  default:|  groups:|    FOOD:|    BOOKS:|  accounts:|    3\d+:)", r"\1", text, flags=re.MULTILINE
    )
    mapping = parse_mapping(text, file="products.yaml")
    assert [(f.names["powerofficego"], f.names["shopify"], f.kind) for f in mapping.fields[3:]] == [
        ("Gtin", "barcode", "code"),
        ("Description", "descriptionHtml", "html"),
        ("UnitCost", "cost", "cost"),
    ]
    assert mapping.vat.rate("FOOD") == Decimal("0.15")
    assert mapping.vat.rate("BOOKS") == 0
    assert mapping.vat.rate("TOYS") == mapping.vat.rate(None) == Decimal("0.25")
    assert mapping.vat.by_account == {"3020": Decimal("0.15"), "3100": 0}


def test_one_more_line_is_one_more_field() -> None:
    line = "  - {powerofficego: WebsiteUrl, shopify: note, kind: text, origin: extension}\n"
    field = parse_mapping(shipped("customers") + line, file="customers.yaml").field("WebsiteUrl")
    assert field.names == {"powerofficego": "WebsiteUrl", "shopify": "note"}
    assert (field.kind, field.group, field.direction, field.policy, field.clear) == (
        "text",
        None,
        "both",
        "latest",
        True,
    )


def test_everything_a_file_can_say_is_read() -> None:
    mapping = parsed(
        """\
entity: products
schedule: "@hourly"
match: [Code, Gtin]
create_in: []
create_archived: yes
share: {shopify: false}
full_sync: {powerofficego: false}
policy: ask
clear: false
region: se
full_every: 7d
limits: {creates: 1, part: 0.5, gone: 3, links: 7, price_move: 12.5%}
currency: EUR
vat: {default: 12.5%, groups: {007: 0.25, NO: 0%}, accounts: {3000: 25%, 3100: 0.150}}
new_product_status: ACTIVE
red_on_quarantine: true
freeze_after: 0
fields:
  - {powerofficego: Code, shopify: sku, kind: code}
  - powerofficego: Gtin
    shopify: barcode
    direction: to_shopify
    policy: powerofficego
    clear: true
    group: codes
"""
    )
    assert (mapping.schedule, mapping.match, mapping.create_in) == ("@hourly", ("Code", "Gtin"), frozenset())
    assert mapping.create_archived
    assert (mapping.shares("shopify"), mapping.shares("powerofficego")) == (False, True)
    assert (mapping.syncs_all("shopify"), mapping.syncs_all("powerofficego")) == (True, False)
    assert (mapping.policy, mapping.clear, mapping.region) == ("ask", False, "SE")
    assert mapping.full_every == timedelta(days=7)
    assert mapping.limits == Limits(creates=1, part=0.5, gone=3, links=7, price_move=Decimal("0.125"))
    assert (mapping.currency, mapping.new_product_status, mapping.red_on_quarantine) == ("EUR", "ACTIVE", True)
    assert mapping.freeze_after == 0
    assert mapping.vat.default == Decimal("0.125")
    assert [mapping.vat.rate(group) for group in ("007", "NO", "no ", "TOYS")] == [
        Decimal("0.25"),
        0,
        0,
        Decimal("0.125"),
    ]
    assert mapping.vat.by_account == {"3000": Decimal("0.25"), "3100": Decimal("0.15")}
    code, gtin = mapping.fields
    assert (code.policy, code.clear, code.direction) == ("ask", False, "both")
    assert (gtin.policy, gtin.clear, gtin.direction, gtin.group) == ("powerofficego", True, "to_shopify", "codes")


@pytest.mark.parametrize(("one", "other"), [("0.250", "25%"), ("25.0%", "0.25"), ("0.0%", "0"), ("15 %", "0.15")])
def test_two_spellings_of_a_rate_are_one_rate(one: str, other: str) -> None:
    vats = [parsed(with_line(f'vat: {{default: "{rate}"}}')).vat for rate in (one, other)]
    assert vats[0] == vats[1]
    assert str(vats[0].default) == str(vats[1].default)


@pytest.mark.parametrize(
    "vat", ["1", "25%", "{default: 1}", "{default: 1.0}", "{groups: {A: 0.25%}}", "{accounts: {3000: 0.0025}}"]
)
def test_a_rate_that_may_be_meant_otherwise_is_refused_as_unclear(vat: str) -> None:
    with pytest.raises(MappingError, match=r"unclear.*25%"):
        parsed(with_line(f"vat: {vat}"))


@pytest.mark.parametrize("vat", ["{default: 25}", "{default: -1%}", "{groups: {A: 101%}}", "{accounts: {3000: much}}"])
def test_what_is_no_rate_is_refused(vat: str) -> None:
    with pytest.raises(MappingError, match=r"cannot be.*per cent"):
        parsed(with_line(f"vat: {vat}"))


def test_a_group_that_differs_by_case_and_blanks_alone_stands_twice() -> None:
    with pytest.raises(MappingError, match="stands twice"):
        parsed(with_line('vat: {groups: {FOOD: 15%, " food": 25%}}'))


@pytest.mark.parametrize("region", ["NO", "no", '"NO"', "No"])
def test_norway_is_a_country_and_not_false(region: str) -> None:
    assert parsed(with_line(f"region: {region}")).region == "NO"


@pytest.mark.parametrize(
    ("written", "age"),
    [("24h", timedelta(days=1)), ("90m", timedelta(minutes=90)), ("7d", timedelta(days=7)), ("0h", timedelta())],
)
def test_an_age_is_read_in_minutes_hours_or_days(written: str, age: timedelta) -> None:
    assert parsed(with_line(f"full_every: {written}")).full_every == age


@pytest.mark.parametrize("block", ["vat:", "limits:", "share:", "vat:\n  groups:"])
def test_a_block_whose_every_line_is_commented_out_changes_nothing(block: str) -> None:
    assert parsed(with_line(f"{block}\n  # nothing\n")) == parsed(SMALL)


def test_another_pair_of_systems_needs_another_mapping_only() -> None:
    text = SMALL.replace("powerofficego", "ledger").replace("shopify", "webshop") + "policy: webshop\n"
    mapping = parse_mapping(text, file="products.yaml", sides=("ledger", "webshop"))
    assert mapping.create_in == {"webshop"}
    assert mapping.policy == "webshop"
    assert mapping.names("ledger") == ("Code", "Name")


WRONG = {
    "an unknown key": (with_line("polcy: ask"), 3, "`polcy`", "`policy`"),
    "an unknown key of a field": (with_field("{powerofficego: A, shopify: b, knd: text}"), 6, "`knd`", "`kind`"),
    "an unknown limit": (with_line("limits: {create: 1}"), 3, "`create`", "`creates`"),
    "an unknown key of the VAT": (with_line("vat: {standard: 25%}"), 3, "`standard`", "default"),
    "an unknown side": (with_line("share: {shopfy: true}"), 3, "`shopfy`", "`shopify`"),
    "an unknown side of full_sync": (with_line("full_sync: {poweroffice: true}"), 3, "", "`powerofficego`"),
    "an unknown system of a field": (with_field("{powerofficego: A, spotify: b}"), 6, "`spotify`", "`shopify`"),
    "an unknown kind": (with_field("{powerofficego: A, shopify: b, kind: fone}"), 6, "`fone`", "`phone`"),
    "an unknown origin": (with_field("{powerofficego: A, shopify: b, origin: spec}"), 6, "`spec`", "`specification`"),
    "a field without a name on one side": (with_field("{powerofficego: A}"), 6, "no name in shopify", "Add `shopify:"),
    "a field with an empty name": (with_field("{powerofficego: A, shopify: }"), 6, "no value", "Write a value"),
    "a duplicate field": (with_field("{powerofficego: Name, shopify: b}"), 6, "`Name` stands twice", "Remove"),
    "a duplicate twin": (with_field("{powerofficego: A, shopify: title}"), 6, "`title` stands twice", "Remove"),
    "a field that is no block": (with_field("Gtin"), 6, "entry 3 of `fields`", "key: value"),
    "a match key that is not a field": (SMALL.replace("[Code]", "[Cod]"), 2, "`Cod`", "`Code`"),
    "a match key named twice": (SMALL.replace("[Code]", "[Code, Code]"), 2, "twice", "Remove"),
    "no match key": (SMALL.replace("[Code]", "[]"), 2, "names no key", "at least one"),
    "a match that is no list": (SMALL.replace("[Code]", "Code"), 2, "must be a list", "[one, two]"),
    "no fields": ("entity: products\nmatch: [Code]\nfields: []\n", 3, "names no field", "match"),
    "no list of fields": ("entity: products\nmatch: [Code]\n", 1, "`fields` is missing", "Add it"),
    "no match": (SMALL.replace("match: [Code]\n", ""), 1, "`match` is missing", "Add it"),
    "no entity": (SMALL.replace("entity: products\n", ""), 1, "`entity` is missing", "Add it"),
    "an unknown entity": (SMALL.replace("products", "product"), 1, "`product`", "`products`"),
    "a product's key for customers": (SMALL.replace("products", "customers") + "currency: NOK\n", 6, "products", "Rem"),
    "a bad schedule": (with_line('schedule: "*/15 * * *"'), 3, "cron", "five fields"),
    "a minute that no hour has": (with_line('schedule: "75 * * * *"'), 3, "cron", "five fields"),
    "a schedule in seconds": (with_line('schedule: "* * * * * *"'), 3, "cron", "five fields"),
    "a day that no month has": (with_line('schedule: "0 0 31 2 *"'), 3, "cron", "five fields"),
    "an unknown alias": (with_line('schedule: "@sometimes"'), 3, "cron", "five fields"),
    "a bad duration": (with_line("full_every: 24 hours"), 3, "`24 hours`", "`24h`"),
    "a duration without a unit": (with_line("full_every: 24"), 3, "`24`", "`24h`"),
    "a negative duration": (with_line("full_every: -24h"), 3, "`-24h`", "`24h`"),
    "a share over the whole": (with_line("limits: {part: 120%}"), 3, "`120%`", "`20%`"),
    "a share without its sign": (with_line("limits: {part: 20}"), 3, "`20`", "`20%`"),
    "a price move without its sign": (with_line("limits: {price_move: 50}"), 3, "`50`", "`20%`"),
    "half a new link": (with_line("limits: {links: 0.5}"), 3, "`0.5`", "whole number"),
    "a negative share": (with_line("limits: {part: -1%}"), 3, "`-1%`", "`20%`"),
    "a VAT rate without its sign": (with_line("vat: {default: 25}"), 3, "`25`", "%"),
    "a VAT rate that is no number": (with_line("vat: {groups: {A: high}}"), 3, "`high`", "%"),
    "a negative limit": (with_line("limits: {updates: -1}"), 3, "`-1`", "0 or more"),
    "half a limit": (with_line("limits: {updates: 1.5}"), 3, "`1.5`", "whole number"),
    "limits that are no block": (with_line("limits: 20"), 3, "block", "key: value"),
    "creating on an unknown side": (with_line("create_in: [shop]"), 3, "`shop`", "`shopify`"),
    "creating nowhere by leaving it empty": (with_line("create_in:"), 3, "must be a list", "[one, two]"),
    "a wrong policy": (with_line("policy: newest"), 3, "`newest`", "`latest`"),
    "a wrong policy of a field": (with_field("{powerofficego: A, shopify: b, policy: me}"), 6, "`me`", "latest"),
    "a wrong direction": (with_field("{powerofficego: A, shopify: b, direction: shopify}"), 6, "", "`to_shopify`"),
    "a flag that is neither": (with_line("clear: maybe"), 3, "`maybe`", "`true` or `false`"),
    "a list where one value belongs": (with_line("policy: [latest]"), 3, "single value", "one value"),
    "a region that is no country": (with_line("region: ZZ"), 3, "`ZZ`", "NO"),
    "a region that is empty": (with_line("region:"), 3, "no value", "Write a value"),
    "a currency that does not exist": (with_line("currency: KRO"), 3, "`KRO`", "NOK"),
    "an unknown status": (with_line("new_product_status: OPEN"), 3, "`OPEN`", "DRAFT"),
    "a key that stands twice": (with_line("clear: true\nclear: false"), 4, "`clear` stands twice", "Remove"),
    "a key of a field twice": (with_field("{powerofficego: A, shopify: b, shopify: c}"), 6, "twice", "Remove"),
    "a tab": (SMALL + "limits:\n\tcreates: 1\n", 7, "tab", "spaces"),
    "a bracket left open": (with_line("create_in: [shopify"), 4, "not YAML", "bracket"),
    "an unknown anchor": (with_line("policy: *mine"), 3, "not YAML", ""),
    "two documents": (SMALL + "---\nentity: customers\n", 6, "not YAML", ""),
    "a control character": (with_line("policy: la\x07test"), 3, "does not allow", "Remove it"),
    "a text that is no mapping": ("customers\n", 1, "block of keys", "key: value"),
    "an empty file": ("", 1, "empty", "Copy"),
    "only comments": ("# nothing\n\n# here\n", 1, "empty", "Copy"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_with_its_line_and_a_remedy(mistake: str) -> None:
    text, line, message, remedy = WRONG[mistake]
    with pytest.raises(MappingError) as caught:
        parsed(text)
    assert (caught.value.file, caught.value.line) == ("products.yaml", line)
    assert caught.value.message.startswith(f"products.yaml, line {line}: ")
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.remedy


def test_a_mapping_error_survives_the_way_between_processes() -> None:
    with pytest.raises(MappingError) as caught:
        parsed("")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.line) == (str(caught.value), 1)
