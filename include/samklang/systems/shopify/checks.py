"""What a first run needs of a shop, thing by thing; nothing here raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from samklang.errors import RemoteError, SamklangError
from samklang.systems.base import Check
from samklang.systems.shopify import documents
from samklang.systems.shopify.answers import PROTECTED_DATA, SYSTEM
from samklang.systems.shopify.client import ShopifyClient
from samklang.systems.shopify.documents import Call
from samklang.systems.shopify.key import WRONG_TYPE_REMEDY, type_of

_PROBE = Call(
    "customers",
    "nodes { id firstName lastName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } "
    "defaultAddress { address1 zip } }",
    constants="first: 1, sortKey: ID",
)
"""The protected fields of one customer (sheet: Shopify 1)."""


def check_access(client: ShopifyClient, entity: str, owner: str, fields: Sequence[str]) -> list[Check]:
    """Token, scopes, protected data and the definition of our key.

    :param owner: what our key stands on; :param fields: the mapped ones.
    """
    try:
        client.sign_in()
        found = client.run([documents.SCOPES], operation="Scopes").call(0)
    except SamklangError as error:
        return [_failed(f"{SYSTEM}: token", error)]
    listed = found.get("accessScopes") if isinstance(found, dict) else None
    scopes = listed if isinstance(listed, list) else []
    granted = {str(scope.get("handle")) for scope in scopes if isinstance(scope, dict)}
    # writing implies reading
    granted |= {f"read_{scope.removeprefix('write_')}" for scope in granted if scope.startswith("write_")}
    checks = [Check(f"{SYSTEM}: token", True, "the shop takes it")]
    checks += [_check_scope(scope, granted) for scope in _scopes(entity, fields)]
    if entity == "customers" and "read_customers" in granted:
        checks.append(_guarded(f"{SYSTEM}: protected customer data", lambda name: _check_protected(client, name)))
    checks.append(_guarded(f"{SYSTEM}: definition of our key", lambda name: _check_definition(client, owner, name)))
    return checks


def _scopes(entity: str, fields: Sequence[str]) -> list[str]:
    scopes = [f"read_{entity}", f"write_{entity}"]
    return [*scopes, "write_inventory"] if "cost" in fields else scopes


def _check_scope(scope: str, granted: set[str]) -> Check:
    title = f"{SYSTEM}: scope {scope}"
    if scope in granted:
        return Check(title, True, "granted")
    remedy = f"Add {scope} to the app's access scopes, and install the app again or have the change approved."
    if scope.startswith("write_"):
        remedy += " Or set share for this side to false in the mapping."
    return Check(title, False, "not granted", remedy)


def _check_protected(client: ShopifyClient, title: str) -> Check:
    denied = client.run([_PROBE], operation="ProbeProtectedData").denied
    if denied:
        names = ", ".join(sorted({path[-1] for path in denied if path}))
        return Check(title, False, f"the app may not see {names or 'customers'}", PROTECTED_DATA)
    return Check(title, True, "the app may see names, addresses, e-mails and phones")


def _check_definition(client: ShopifyClient, owner: str, title: str) -> Check:
    definition = client.run([documents.read_definition(owner)], operation="ReadDefinition").call(0)
    if definition is None:
        return Check(title, True, "it will be made before the first record is created")
    kind = type_of(definition)
    if kind != "id":
        return Check(title, False, f"it exists with the type {kind} instead of id", WRONG_TYPE_REMEDY)
    return Check(title, True, "it exists")


def _guarded(title: str, check: Callable[[str], Check]) -> Check:
    try:
        return check(title)
    except SamklangError as error:
        return _failed(title, error)


def _failed(title: str, error: SamklangError) -> Check:
    remedy = error.remedy
    if not remedy and isinstance(error, RemoteError) and not error.final:
        remedy = "Try again; if it stays, see whether Shopify can be reached from here."
    return Check(title, False, error.message, remedy)
