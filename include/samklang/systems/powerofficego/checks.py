"""What a first run needs of PowerOffice Go, thing by thing; nothing here raises."""

from __future__ import annotations

from samklang.errors import RemoteError, SamklangError
from samklang.systems.base import Check
from samklang.systems.powerofficego.client import SYSTEM, PowerOfficeGoClient


def check_access(client: PowerOfficeGoClient, path: str, privilege: str) -> list[Check]:
    """Keys, integration, privileges and a first read of one list.

    :param privilege: `Customer` or `Product`; with `_Full` at its end it allows writing (sheet: 1).
    """
    name = path.strip("/").lower()
    try:
        client.sign_in()
    except SamklangError as error:
        return [_failed(f"{SYSTEM}: keys", error)]
    checks = [Check(f"{SYSTEM}: keys", True, "a token was issued")]
    try:
        info = client.get_object("/ClientIntegrationInformation")
    except SamklangError as error:
        return [*checks, _failed(f"{SYSTEM}: integration", error)]
    checks.append(Check(f"{SYSTEM}: integration", True, f"client {info.get('ClientId')}"))
    checks.append(_check_read(client, path, name))
    checks.append(_check_write(_names(info.get("ValidPrivileges")), _names(info.get("InvalidPrivileges")), privilege))
    return checks


def _check_read(client: PowerOfficeGoClient, path: str, name: str) -> Check:
    title = f"{SYSTEM}: read {name}"
    try:
        client.get(path, {"PageSize": "1", "PageNumber": "1"})
    except SamklangError as error:
        return _failed(title, error)
    return Check(title, True, "the list can be read")


def _check_write(valid: set[str], invalid: set[str], privilege: str) -> Check:
    full = f"{privilege}_Full"
    title = f"{SYSTEM}: privilege {full}"
    if full in valid:
        return Check(title, True, "granted")
    if full in invalid:
        return Check(
            title,
            False,
            "granted, but the client lacks the module that it needs",
            "Have the client subscribe to the module in PowerOffice Go.",
        )
    if privilege in valid:
        return Check(
            title,
            False,
            f"only {privilege} is granted: reading works, writing does not",
            f"Add {full} to the integration's privileges, or set share for this side to false in the mapping.",
        )
    return Check(title, False, "not granted", f"Add {full} to the integration's privileges.")


def _names(value: object) -> set[str]:
    return {str(name) for name in value} if isinstance(value, list) else set()


def _failed(title: str, error: SamklangError) -> Check:
    remedy = error.remedy
    if not remedy and isinstance(error, RemoteError) and not error.final:
        remedy = "Try again; if it stays, see whether PowerOffice Go can be reached from here."
    return Check(title, False, error.message, remedy)
