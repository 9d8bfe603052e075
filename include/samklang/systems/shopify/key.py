"""The definition of our key: a metafield of type `id`, which makes its values unique. (sheet: Shopify 4)"""

from __future__ import annotations

from samklang.errors import ConfigurationError, ProtocolError, RejectedError
from samklang.systems.base import Memory
from samklang.systems.shopify.answers import SYSTEM, code_of
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.documents import KEY, NAMESPACE, make_definition, read_definition
from samklang.systems.shopify.values import dig

WRONG_TYPE_REMEDY = (
    f"Delete the metafield definition {NAMESPACE}.{KEY} in the shop's settings (Custom data), with its metafields; "
    "the next run makes it with the type id."
)


def ensure_definition(client: ShopifyClient, owner: str, memory: Memory) -> None:
    """Make the definition once per shop.

    :param owner: `CUSTOMER` or `PRODUCT`. :param memory: holds that it is there.
    :raises ConfigurationError: it exists with another type. :raises RejectedError: the shop refuses it.
    """
    if memory.get(_name(owner)) == "yes":
        return
    # made twice it is TAKEN the second time, so the request may be repeated
    payload = client.write([make_definition(owner)], operation="MakeDefinition", safe=True, partial=False).call(0) or {}
    errors = payload.get("userErrors") or []
    codes = {code_of(error) for error in errors}
    if "TAKEN" in codes:
        _check_type(client, owner)
    elif errors:
        raise RejectedError(
            f"The shop refuses the metafield definition {NAMESPACE}.{KEY} ({', '.join(sorted(codes))}).", system=SYSTEM
        )
    elif not isinstance(payload.get("createdDefinition"), dict):
        raise ProtocolError("MakeDefinition: no definition in the answer.", system=SYSTEM)
    memory[_name(owner)] = "yes"


def forget_definition(owner: str, memory: Memory) -> None:
    """Somebody has deleted it."""
    memory.pop(_name(owner), None)


def _check_type(client: ShopifyClient, owner: str) -> None:
    kind = type_of(client.run([read_definition(owner)], operation="ReadDefinition").call(0))
    if kind != "id":
        raise ConfigurationError(
            f"The shop has a metafield definition {NAMESPACE}.{KEY} of type {kind} for {owner.lower()}s; it must be "
            "of type id.",
            remedy=WRONG_TYPE_REMEDY,
        )


def type_of(definition: object) -> str | None:
    """What kind of values a definition takes."""
    name = dig(definition, ("type", "name"))
    return name if isinstance(name, str) else None


def _name(owner: str) -> str:
    return f"shopify.key_definition.{owner.lower()}"
