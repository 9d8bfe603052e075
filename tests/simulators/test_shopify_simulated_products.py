"""Products, variants, stock items and metafields, where no recording already says so."""

from __future__ import annotations

from typing import Any

import pytest
from shopify_shop import SET_PRODUCT, Shop

BULK_UPDATE = """mutation ($productId: ID!, $variants: [ProductVariantsBulkInput!]!, $part: Boolean) {
  productVariantsBulkUpdate(productId: $productId, variants: $variants, allowPartialUpdates: $part) {
    product { id updatedAt } productVariants { id price sku } userErrors { field message code } } }"""
ITEM = """mutation ($id: ID!, $input: InventoryItemInput!) { inventoryItemUpdate(id: $id, input: $input) {
  inventoryItem { id updatedAt unitCost { amount currencyCode } } userErrors { field message } } }"""
UPDATE = """mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) {
  product { id title handle status updatedAt } userErrors { field message } } }"""
METAFIELDS = """mutation ($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) {
  metafields { value compareDigest namespace } userErrors { field message code } } }"""
READ = "query ($id: ID!) { product(id: $id) { updatedAt variants(first: 5) { nodes { updatedAt } } } }"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def sizes(*names: str) -> dict[str, Any]:
    return {
        "productOptions": [{"name": "Size", "values": [{"name": name} for name in names]}],
        "variants": [{"optionValues": [{"optionName": "Size", "name": name}], "price": "10"} for name in names],
    }


def test_a_product_without_variants_has_one_of_its_own(shop: Shop) -> None:
    product = shop.create_product(title="Kopp")
    (variant,) = product["variants"]["nodes"]
    assert product["options"][0]["name"] == "Title"
    assert (variant["title"], variant["price"], variant["sku"]) == ("Default Title", "0.00", None)


def test_variants_that_are_not_listed_are_deleted_and_without_a_list_all_stay(shop: Shop) -> None:
    product = shop.create_product(title="Genser", **sizes("S", "M", "L"))
    key = {"id": product["id"]}
    kept = shop.data(SET_PRODUCT, identifier=key, input={"title": "Ullgenser"})["productSet"]["product"]
    assert len(kept["variants"]["nodes"]) == 3
    fewer = shop.data(SET_PRODUCT, identifier=key, input=sizes("S", "M"))["productSet"]["product"]
    assert [row["id"] for row in fewer["variants"]["nodes"]] == [row["id"] for row in product["variants"]["nodes"][:2]]


def test_options_cannot_be_set_without_variants(shop: Shop) -> None:
    wrong = {"title": "Genser", "productOptions": sizes("S")["productOptions"]}
    (error,) = shop.data(SET_PRODUCT, input=wrong)["productSet"]["userErrors"]
    assert error == {
        "field": ["input", "variants"],
        "message": "Variants input is required when updating product options",
        "code": "VARIANTS_INPUT_MISSING",
    }


def test_a_product_needs_a_title_and_an_unknown_id_is_never_created(shop: Shop) -> None:
    (blank,) = shop.data(SET_PRODUCT, input={"vendor": "X"})["productSet"]["userErrors"]
    assert blank["message"] == "Title can't be blank"
    key = {"id": "gid://shopify/Product/1"}
    (unknown,) = shop.data(SET_PRODUCT, identifier=key, input={"title": "X"})["productSet"]["userErrors"]
    assert unknown["code"] == "PRODUCT_DOES_NOT_EXIST"
    assert shop.simulator.state()["products"] == []


def test_handles_are_unique_and_a_number_at_the_end_counts_up(shop: Shop) -> None:
    assert [shop.create_product(title="Kopp blå")["handle"] for _ in range(3)] == [
        "kopp-blå",
        "kopp-blå-1",
        "kopp-blå-2",
    ]


def test_an_upsert_by_custom_id_writes_the_metafield_and_finds_the_product_again(shop: Shop) -> None:
    shop.define("PRODUCT")
    key = {"customId": {"namespace": "gogo", "key": "number", "value": "7"}}
    first = shop.data(SET_PRODUCT, identifier=key, input={"title": "Kopp"})["productSet"]["product"]
    again = shop.data(SET_PRODUCT, identifier=key, input={"title": "Stor kopp"})["productSet"]["product"]
    assert (again["id"], again["title"]) == (first["id"], "Stor kopp")
    assert shop.simulator.state()["products"][0]["metafields"] == {"gogo.number": "7"}


def test_an_upsert_by_custom_id_with_metafields_must_name_its_own_without_a_type(shop: Shop) -> None:
    shop.define("PRODUCT")
    own = {"namespace": "gogo", "key": "number", "value": "7"}
    other = {"namespace": "gogo", "key": "colour", "value": "red", "type": "single_line_text_field"}
    codes = [
        [
            error["code"]
            for error in shop.data(
                SET_PRODUCT, identifier={"customId": own}, input={"title": "Kopp", "metafields": rows}
            )["productSet"]["userErrors"]
        ]
        for rows in ([other], [{**own, "type": "id"}, other], [own, other])
    ]
    assert codes == [["METAFIELD_MISMATCH"], ["METAFIELD_MISMATCH"], []]


def test_a_price_below_zero_is_refused_and_nothing_of_the_call_is_written(shop: Shop) -> None:
    product = shop.create_product(title="Genser", **sizes("S", "M"))
    first, second = product["variants"]["nodes"]
    rows = [{"id": first["id"], "price": "99"}, {"id": second["id"], "price": "-1"}]
    payload = shop.data(BULK_UPDATE, productId=product["id"], variants=rows)["productVariantsBulkUpdate"]
    assert payload["userErrors"] == [
        {
            "field": ["variants", "1", "price"],
            "message": "Price must be greater than or equal to 0",
            "code": "GREATER_THAN_OR_EQUAL_TO",
        }
    ]
    assert [row["price"] for row in shop.simulator.state()["products"][0]["variants"]] == ["10.00", "10.00"]


def test_a_partial_update_writes_the_good_rows_when_it_is_allowed(shop: Shop) -> None:
    product = shop.create_product(title="Genser", **sizes("S", "M"))
    first, second = product["variants"]["nodes"]
    rows = [{"id": first["id"], "price": "99.5", "inventoryItem": {"sku": "G-S"}}, {"id": second["id"], "price": "-1"}]
    payload = shop.data(BULK_UPDATE, productId=product["id"], variants=rows, part=True)["productVariantsBulkUpdate"]
    written, left = payload["productVariants"]
    assert written == {"id": first["id"], "price": "99.50", "sku": "G-S"}
    assert (left["id"], left["price"]) == (second["id"], second["price"])
    assert len(payload["userErrors"]) == 1


def test_a_variant_of_another_product_does_not_exist_in_this_one(shop: Shop) -> None:
    one, other = shop.create_product(title="Kopp"), shop.create_product(title="Skål")
    rows = [{"id": other["variants"]["nodes"][0]["id"], "price": "1"}]
    (error,) = shop.data(BULK_UPDATE, productId=one["id"], variants=rows)["productVariantsBulkUpdate"]["userErrors"]
    assert (error["field"], error["code"]) == (["variants", "0", "id"], "PRODUCT_VARIANT_DOES_NOT_EXIST")
    gone = shop.data(BULK_UPDATE, productId="gid://shopify/Product/1", variants=rows)["productVariantsBulkUpdate"]
    assert gone["userErrors"][0]["code"] == "PRODUCT_DOES_NOT_EXIST"


def test_a_new_price_moves_the_clocks_of_variant_and_product(shop: Shop) -> None:
    product = shop.create_product(title="Kopp")
    shop.pass_time(60)
    shop.data(
        BULK_UPDATE, productId=product["id"], variants=[{"id": product["variants"]["nodes"][0]["id"], "price": "5"}]
    )
    read = shop.data(READ, id=product["id"])["product"]
    assert read["updatedAt"] == read["variants"]["nodes"][0]["updatedAt"] == "2026-11-23T12:01:00Z"


@pytest.mark.parametrize(("moves", "clock"), [(False, "2026-11-23T12:00:00Z"), (True, "2026-11-23T12:01:00Z")])
def test_whether_a_cost_moves_the_products_clock_is_a_switch(moves: bool, clock: str) -> None:
    shop = Shop(cost_moves_product=moves)
    product = shop.create_product(title="Kopp")
    shop.pass_time(60)
    item = product["variants"]["nodes"][0]["inventoryItem"]["id"]
    changed = shop.data(ITEM, id=item, input={"cost": "25.98"})["inventoryItemUpdate"]["inventoryItem"]
    assert changed["unitCost"] == {"amount": "25.98", "currencyCode": "NOK"}
    assert changed["updatedAt"] == "2026-11-23T12:01:00Z"
    assert shop.data(READ, id=product["id"])["product"]["updatedAt"] == clock


def test_a_cost_below_zero_or_of_an_unknown_item_is_refused(shop: Shop) -> None:
    item = shop.create_product(title="Kopp")["variants"]["nodes"][0]["inventoryItem"]["id"]
    below = shop.data(ITEM, id=item, input={"cost": -1})["inventoryItemUpdate"]["userErrors"]
    assert below == [{"field": ["input", "cost"], "message": "Cost must be greater than or equal to 0"}]
    unknown = shop.data(ITEM, id="gid://shopify/InventoryItem/1", input={"cost": 1})["inventoryItemUpdate"]
    message = "The product couldn't be updated because it does not exist."
    assert unknown["userErrors"] == [{"field": ["id"], "message": message}]


def test_a_product_is_updated_by_id_and_keeps_its_handle(shop: Shop) -> None:
    product = shop.create_product(title="Kopp")
    after = shop.data(UPDATE, product={"id": product["id"], "title": "Stor kopp", "status": "ARCHIVED"})
    assert after["productUpdate"]["product"]["handle"] == "kopp"
    assert (after["productUpdate"]["product"]["title"], after["productUpdate"]["product"]["status"]) == (
        "Stor kopp",
        "ARCHIVED",
    )
    gone = shop.data(UPDATE, product={"id": "gid://shopify/Product/1", "title": "X"})["productUpdate"]
    assert gone["userErrors"] == [{"field": ["id"], "message": "Product does not exist"}]


def test_metafields_are_written_all_or_none(shop: Shop) -> None:
    customer = shop.create_customer(firstName="Kari")["id"]
    good = {"ownerId": customer, "key": "hash", "value": "1", "type": "single_line_text_field"}
    payload = shop.data(METAFIELDS, metafields=[good, {**good, "key": "other", "type": "nonsense"}])["metafieldsSet"]
    assert payload["metafields"] == []
    assert [(error["field"], error["code"]) for error in payload["userErrors"]] == [
        (["metafields", "1", "type"], "INCLUSION")
    ]
    assert shop.simulator.state()["customers"][0]["metafields"] == {}
    written = shop.data(METAFIELDS, metafields=[good])["metafieldsSet"]["metafields"]
    assert written[0]["namespace"].startswith("app--")


def test_a_metafield_is_written_only_over_what_was_read(shop: Shop) -> None:
    customer = shop.create_customer(firstName="Kari")["id"]
    row = {"ownerId": customer, "key": "hash", "value": "1", "type": "single_line_text_field", "compareDigest": None}
    first = shop.data(METAFIELDS, metafields=[row])["metafieldsSet"]["metafields"][0]
    stale = shop.data(METAFIELDS, metafields=[row])["metafieldsSet"]
    assert [error["code"] for error in stale["userErrors"]] == ["STALE_OBJECT"]
    again = {**row, "value": "2", "compareDigest": first["compareDigest"]}
    assert shop.data(METAFIELDS, metafields=[again])["metafieldsSet"]["userErrors"] == []


def test_a_custom_id_cannot_be_given_to_two_owners(shop: Shop) -> None:
    shop.define()
    one, other = (shop.create_customer(firstName=name)["id"] for name in ("Kari", "Anne"))
    rows = [{"ownerId": owner, "namespace": "gogo", "key": "number", "value": "1"} for owner in (one, other)]
    assert shop.data(METAFIELDS, metafields=rows)["metafieldsSet"]["userErrors"][0]["code"] == "TAKEN"
    assert shop.data(METAFIELDS, metafields=rows[:1])["metafieldsSet"]["userErrors"] == []
    assert shop.data(METAFIELDS, metafields=rows[1:])["metafieldsSet"]["userErrors"][0]["code"] == "TAKEN"


def test_a_definition_can_be_read_back_and_made_only_once(shop: Shop) -> None:
    shop.define()
    document = """query ($identifier: MetafieldDefinitionIdentifierInput!) {
      metafieldDefinition(identifier: $identifier) { key type { name } capabilities { uniqueValues { enabled } } }
      metafieldDefinitions(first: 5, ownerType: CUSTOMER, namespace: "gogo") { nodes { key } } }"""
    read = shop.data(document, identifier={"ownerType": "CUSTOMER", "namespace": "gogo", "key": "number"})
    assert read["metafieldDefinition"] == {
        "key": "number",
        "type": {"name": "id"},
        "capabilities": {"uniqueValues": {"enabled": True}},
    }
    assert read["metafieldDefinitions"] == {"nodes": [{"key": "number"}]}
    assert shop.define() == ["Key is in use for Customer metafields on the 'gogo' namespace."]
