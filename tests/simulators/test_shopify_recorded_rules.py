"""What recordings of real stores show, one by one. Each test names its recording, as the recorder called it."""

from __future__ import annotations

from typing import Any

import pytest
from shopify_shop import CREATE, SET, SET_PRODUCT, UPDATE, Shop

LONG = "x" * 256
BLANK = dict.fromkeys(("address1", "address2", "city", "company", "zip", "phone"), " ")
ADDRESS = {"address1": "20 Blvd", "city": "Vancouver", "countryCode": "CA", "provinceCode": "BC"}

UPDATE_PRODUCT = """mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) {
  product { title vendor productType handle } userErrors { field message } } }"""
METAFIELDS = """mutation ($rows: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $rows) {
  metafields { value } userErrors { field message code } } }"""
DEFINE = """mutation ($definition: MetafieldDefinitionInput!) { metafieldDefinitionCreate(definition: $definition) {
  createdDefinition { id } userErrors { field message code } } }"""


def errors(payload: dict[str, Any]) -> list[tuple[list[str], str]]:
    return [(error["field"], error["message"]) for error in payload["userErrors"]]


def create(**values: Any) -> list[tuple[list[str], str]]:
    return errors(Shop().data(CREATE, input=values)["customerCreate"])


def set_product(**values: Any) -> list[tuple[list[str], str]]:
    return errors(Shop().data(SET_PRODUCT, input=values)["productSet"])


# --- customers


def test_customer_set_tells_a_wrong_province_below_its_input() -> None:
    """Recording: 2025-01 customer-address-country-province-validation, `customerSetWrongProvinceCountry`."""
    shop = Shop()
    customer = shop.create_customer(firstName="Kari")
    wrong = {"address1": "8 Wrong", "city": "Chicago", "countryCode": "US", "provinceCode": "ON"}
    payload = shop.data(SET, identifier={"id": customer["id"]}, input={"addresses": [wrong]})["customerSet"]
    assert errors(payload) == [(["input", "addresses", "0", "province"], "Province is invalid")]
    assert create(email="a@b.example", addresses=[wrong]) == [(["addresses", "0", "province"], "Province is invalid")]


def test_customer_set_takes_a_blank_address_that_customer_create_refuses() -> None:
    """Recording: 2025-01 customer-address-input-validation, `customerSetNestedBlank`, `customerCreateNestedBlank`."""
    shop = Shop()
    customer = shop.create_customer(firstName="Kari", email="kari@example.com")
    values = {"email": "kari@example.com", "addresses": [BLANK]}
    payload = shop.data(SET, identifier={"id": customer["id"]}, input=values)["customerSet"]
    assert payload["userErrors"] == []
    (address,) = payload["customer"]["addresses"]
    assert payload["customer"]["defaultAddress"] == {"id": address.pop("id")}
    assert set(address.values()) == {None}
    refused = create(email="ola@example.com", addresses=[BLANK])
    assert refused == [(["addresses", "0"], "Customer address cannot be blank.")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"city": "<script>"}, "City cannot contain HTML tags"),
        ({"city": "https://evil.example"}, "City cannot contain URL"),
        ({"zip": "H0H 0H0 https://x"}, "Zip cannot contain URL"),
        ({"phone": "<a>+1 613"}, "Phone cannot contain HTML tags"),
        ({"address1": "100 Main 😀"}, "Address1 cannot contain emojis"),
        ({"address1": LONG}, "Address1 is too long (maximum is 255 characters)"),
    ],
)
def test_lines_of_addresses_that_are_refused(line: dict[str, str], message: str) -> None:
    """Recording: 2025-01 customer-address-input-validation, `addressCreate…`."""
    refused = create(email="ola@example.com", addresses=[{**line, "countryCode": "CA"}])
    assert refused == [(["addresses", "0", *line], message)]


def test_equal_addresses_of_an_update_are_one() -> None:
    """Recording: 2025-01 customer-input-addresses-parity, `update`."""
    shop = Shop()
    customer = shop.create_customer(firstName="Hermes")
    payload = shop.data(UPDATE, input={"id": customer["id"], "addresses": [ADDRESS, ADDRESS]})["customerUpdate"]
    assert [address["address1"] for address in payload["customer"]["addresses"]] == ["20 Blvd"]


def test_ids_of_parts_are_refused_on_creation_one_kind_at_a_time() -> None:
    """Recording: 2025-01 customer-create-rejects-nested-ids, `both`, `address`."""
    row = {"id": "gid://shopify/MailingAddress/1?model_name=CustomerAddress", "address1": "1 Spear St"}
    expected = [(["addresses", "0", "id"], "Cannot specify address ID on creation")]
    assert create(email="har@example.com", addresses=[row]) == expected


@pytest.mark.parametrize(
    ("tags", "kept"), [(["a, b , c"], ["a", "b", "c"]), (["VIP", "vip"], ["VIP"]), (["Zulu", "alpha", " x ", ""], None)]
)
def test_tags_are_split_at_commas(tags: list[str], kept: list[str] | None) -> None:
    """Recordings: 2025-01 customer-tag-note-limits-parity, `commaSplit`, `caseDedupe`; and
    customer-input-validation-parity,
    `tagNormalization`."""
    assert Shop().create_customer(firstName="Kari", tags=tags)["tags"] == (kept or ["alpha", "x", "Zulu"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"tags": [",".join(f"tag-{n}" for n in range(251))]}, (["tags"], "Tags cannot be more than 250")),
        ({"note": "N" * 5001}, (["note"], "Note is too long (maximum is 5000 characters)")),
    ],
)
def test_limits_of_tags_and_notes(values: dict[str, Any], expected: tuple[list[str], str]) -> None:
    """Recording: 2025-01 customer-tag-note-limits-parity, `tooManyTags`, `tooLongNoteCreate`."""
    assert create(firstName="Kari", **values) == [expected]


def test_an_oversized_tag_is_told_of_all_tags() -> None:
    """Recording: 2025-01 customer-input-validation-parity, `oversizedTag`."""
    assert create(firstName="Kari", tags=[LONG]) == [(["tags"], "Tags is too long (maximum is 255 characters)")]


def test_a_blank_note_stays_blank_where_blank_names_are_null() -> None:
    """Recording: 2025-01 customer-input-validation-parity, `blankScalarNormalization`."""
    made = Shop().create_customer(email="kari@example.com", firstName="   ", lastName="", note="", phone="")
    assert (made["note"], made["firstName"], made["lastName"], made["phone"]) == ("", None, None, None)


def test_who_has_nothing_but_a_number_is_called_by_it() -> None:
    """Recording: 2025-01 customer-update-requires-identity."""
    assert Shop().create_customer(phone="+14158103301")["displayName"] == "+1 415-810-3301"


# --- products


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"title": LONG},
            [
                (["input", "title"], "is too long (maximum is 255 characters)"),
                (["input"], "Handle is too long (maximum is 255 characters)"),
            ],
        ),
        ({"title": "A", "handle": LONG}, [(["input"], "Handle is too long (maximum is 255 characters)")]),
        ({"title": "A", "vendor": LONG}, [(["input"], "Vendor is too long (maximum is 255 characters)")]),
        (
            {"title": "A", "productType": LONG},
            [
                (["input"], "Product type is too long (maximum is 255 characters)"),
                (["input"], "Custom product type is too long (maximum is 255 characters)"),
            ],
        ),
    ],
)
def test_product_set_tells_long_texts_at_its_input(
    values: dict[str, str], expected: list[tuple[list[str], str]]
) -> None:
    """Recording: 2025-01 product-set-input-length-validation."""
    assert set_product(**values) == expected


def test_costs_that_product_set_refuses() -> None:
    """Recording: 2025-01 product-set-shape-validator-parity, `inventoryItemCost`."""
    rows = [
        {"optionValues": [{"optionName": "Color", "name": name}], "inventoryItem": {"cost": cost}}
        for name, cost in (("Red", "-1"), ("Blue", "1000000000000000000"))
    ]
    options = [{"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]}]
    payload = Shop().data(SET_PRODUCT, input={"title": "A", "productOptions": options, "variants": rows})
    expected = ("must be greater than or equal to 0", "must be less than 1000000000000000000")
    assert payload["productSet"]["userErrors"] == [
        {
            "field": ["input", "variants", str(at), "inventoryItem", "cost"],
            "message": f"Cost per item {message}",
            "code": "INVALID_VARIANT",
        }
        for at, message in enumerate(expected)
    ]


def test_too_many_variants_fail_the_whole_request() -> None:
    """Recording: 2025-01 product-set-shape-validator-parity, `variantLimit`."""
    rows = [{"optionValues": [{"optionName": "Title", "name": f"Variant {n}"}]} for n in range(2049)]
    answer = Shop().ask(SET_PRODUCT, {"input": {"title": "A", "variants": rows}})
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["message"] == "The input array size of 2049 is greater than the maximum allowed of 2048."
    assert error["path"] == ["productSet", "input", "variants"]
    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_an_unknown_product_is_told_at_its_id() -> None:
    """Recording: 2025-01 product-set-shape-validator-parity, `unknownProduct`."""
    refused = set_product(id="gid://shopify/Product/999999999999", title="A")
    assert refused == [(["input", "id"], "Product does not exist")]


def test_variants_of_the_same_choices_are_refused() -> None:
    """Recording: 2025-01 product-set-duplicate-variants-parity."""
    options = [{"name": "Size", "values": [{"name": "S"}]}, {"name": "Color", "values": [{"name": "Red"}]}]
    row = {"optionValues": [{"optionName": "Size", "name": "S"}, {"optionName": "Color", "name": "Red"}]}
    message = "The variant 'S / Red' already exists. Please change at least one option value."
    refused = set_product(title="A", productOptions=options, variants=[row, row])
    assert refused == [(["input", "variants", "1"], message)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"title": ""}, [(["title"], "Title can't be blank")]),
        ({"title": LONG}, [(["title"], "Title is too long (maximum is 255 characters)")]),
        ({"handle": LONG}, [(["handle"], "Handle is too long (maximum is 255 characters)")]),
        ({"vendor": LONG}, [(["vendor"], "Vendor is too long (maximum is 255 characters)")]),
        (
            {"productType": LONG},
            [
                (["productType"], "Product type is too long (maximum is 255 characters)"),
                (["customProductType"], "Custom product type is too long (maximum is 255 characters)"),
            ],
        ),
    ],
)
def test_product_update_answers_the_product_beside_its_refusal(
    values: dict[str, str], expected: list[tuple[list[str], str]]
) -> None:
    """Recordings: 2025-01 product-update-blank-title-parity, product-update-input-length-validation,
    product-update-too-long-handle-parity."""
    shop = Shop()
    product = shop.create_product(title="Seed", vendor="Hermes")
    payload = shop.data(UPDATE_PRODUCT, product={"id": product["id"], **values})["productUpdate"]
    assert errors(payload) == expected
    assert (payload["product"]["title"], payload["product"]["vendor"]) == ("Seed", "Hermes")


def test_a_partial_update_answers_refused_variants_as_they_stand() -> None:
    """Recording: 2026-04 product-variants-bulk-update-allow-partial-and-error-order, `partialUpdate`."""
    shop = Shop()
    rows = [{"optionValues": [{"optionName": "Color", "name": name}], "price": "11.00"} for name in ("Red", "Blue")]
    options = [{"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]}]
    product = shop.create_product(title="A", productOptions=options, variants=rows)
    ids = [variant["id"] for variant in product["variants"]["nodes"]]
    document = """mutation ($id: ID!, $rows: [ProductVariantsBulkInput!]!) {
      productVariantsBulkUpdate(productId: $id, variants: $rows, allowPartialUpdates: true) {
        product { id } productVariants { id price } userErrors { field message code } } }"""
    sent = [{"id": ids[0], "price": "9.99"}, {"id": ids[1], "price": "-1.00"}]
    payload = shop.data(document, id=product["id"], rows=sent)["productVariantsBulkUpdate"]
    assert payload["product"] == {"id": product["id"]}
    assert [(row["id"], row["price"]) for row in payload["productVariants"]] == [(ids[0], "9.99"), (ids[1], "11.00")]
    assert errors(payload) == [(["variants", "1", "price"], "Price must be greater than or equal to 0")]


# --- metafields


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number_integer", "not a number", "Value must be an integer."),
        ("boolean", "yes", "Value must be true or false."),
        ("color", "blue", "Value must be a hex color code."),
        ("date", "2026/06/21", "Value must be in YYYY-MM-DD format."),
        ("single_line_text_field", "Line\nBreak", "Value must be a single line text string."),
    ],
)
def test_values_of_metafields_fit_their_types(kind: str, value: str, message: str) -> None:
    """Recording: 2025-01 metafields-set-input-validation, `invalidValue…`."""
    shop = Shop()
    owner = shop.create_product(title="A")["id"]
    row = {"ownerId": owner, "namespace": "loyalty", "key": "tier", "type": kind, "value": value}
    payload = shop.data(METAFIELDS, rows=[row])["metafieldsSet"]
    expected = {"field": ["metafields", "0", "value"], "message": message, "code": "INVALID_VALUE"}
    assert payload == {"metafields": [], "userErrors": [expected]}


def test_metafields_beside_one_of_an_unknown_owner_are_not_written() -> None:
    """Recording: 2025-01 metafields-set-owner-existence-atomicity, `mixedInvalid`."""
    shop = Shop()
    owner = shop.create_product(title="A")["id"]
    row = {"namespace": "loyalty", "key": "tier", "type": "single_line_text_field", "value": "gold"}
    owners = (owner, "gid://shopify/Product/999999999999")
    payload = shop.data(METAFIELDS, rows=[{**row, "ownerId": one} for one in owners])["metafieldsSet"]
    expected = {"field": ["metafields", "1", "ownerId"], "message": "Owner does not exist.", "code": "INVALID_VALUE"}
    assert payload == {"metafields": [], "userErrors": [expected]}
    assert shop.simulator.state()["products"][0]["metafields"] == {}


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"namespace": "my space"}, "namespace", "INVALID_CHARACTER"),
        ({"key": "bad.key!"}, "key", "INVALID_CHARACTER"),
        ({"name": LONG}, "name", "TOO_LONG"),
        ({"namespace": "ab"}, "namespace", "TOO_SHORT"),
    ],
)
def test_definitions_are_limited_in_characters_and_length(values: dict[str, str], field: str, code: str) -> None:
    """Recording: 2025-01 metafield-definition-create-input-validation."""
    definition = {"name": "X", "namespace": "loyalty", "key": "tier", "ownerType": "PRODUCT"} | values
    payload = Shop().data(DEFINE, definition={**definition, "type": "single_line_text_field"})
    found = [(error["field"], error["code"]) for error in payload["metafieldDefinitionCreate"]["userErrors"]]
    assert found == [(["definition", field], code)]


def test_an_owner_type_has_256_definitions_at_most() -> None:
    """Recording: 2026-04 metafield-definition-resource-type-limit, `limitAttempt`."""
    shop = Shop()
    assert not any(shop.define("PRODUCT", f"key_{n:03}") for n in range(256))
    assert shop.define("PRODUCT", "one_more") == ["Stores can only have 256 definitions for each store resource."]
    assert shop.define("CUSTOMER", "one_more") == []
