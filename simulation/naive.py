"""A two-way sync as a good engineer writes it in a day: requests, pandas, retries, a file of links, the newer wins.

No base, no intent, no expectation: that is what everybody begins with. `python -m simulation.naive` plays it through
the same traces, before the same oracle, as the product.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pandas as pd
import requests
from rich.console import Console
from rich.progress import track
from rich.table import Table

from simulation.machine import Machine, small_pages
from simulation.maker import make_trace
from simulation.memory_path import MemoryPath
from simulation.opening import GO, SHOP
from simulation.run import play
from simulation.runs import Killed, Task
from simulation.shrink import kinds
from simulation.store_view import StoreView
from simulation.trace import Trace
from simulation.world import World

log = logging.getLogger(__name__)
Row = dict[str, Any]
Rows = dict[str, Row]

FIELDS = {
    "EmailAddress": "email",
    "PhoneNumber": "phone",
    "FirstName": "firstName",
    "LastName": "lastName",
    "MailAddress.AddressLine1": "address1",
    "MailAddress.AddressLine2": "address2",
    "MailAddress.City": "city",
    "MailAddress.ZipCode": "zip",
    "MailAddress.CountryCode": "countryCode",
}
ADDRESS = [name for name in FIELDS if name.startswith("MailAddress.")]
CUSTOMERS = """query($after: String) { customers(first: 250, after: $after) {
  nodes { id email phone firstName lastName updatedAt
          defaultAddress { id address1 address2 city zip countryCodeV2 } }
  pageInfo { hasNextPage endCursor } } }"""
CREATE = """mutation($input: CustomerInput!) {
  customerCreate(input: $input) { customer { id } userErrors { field message } } }"""
UPDATE = """mutation($input: CustomerInput!) {
  customerUpdate(input: $input) { customer { id } userErrors { field message } } }"""
NEW_ADDRESS = """mutation($customerId: ID!, $address: MailingAddressInput!) {
  customerAddressCreate(customerId: $customerId, address: $address, setAsDefault: true) { userErrors { message } } }"""
ADDRESS_UPDATE = """mutation($customerId: ID!, $id: ID!, $address: MailingAddressInput!) {
  customerAddressUpdate(customerId: $customerId, addressId: $id, address: $address) { userErrors { message } } }"""


class NaiveSync:
    """One run. :param links: a JSON file, from PowerOffice Go's id to Shopify's."""

    def __init__(self, session: requests.Session, sleep: Callable[[float], None], links: MemoryPath) -> None:
        self._session = session
        self._sleep = sleep
        self._file = links
        self._links: dict[str, str] = orjson.loads(links.read_bytes()) if links.exists() else {}

    def run(self) -> None:
        """Read both sides, then one customer after the other; one that is refused is logged, and the next one comes."""
        self._sign_in()
        go, shop = self._read_go(), self._read_shop()
        by_email = {row["email"]: i for i, row in shop.items() if row["email"]}
        taken = set(self._links.values())
        for go_id, row in go.items():
            twin = self._links.get(str(go_id)) or by_email.get(row["email"])
            try:
                if twin in shop:
                    taken.add(str(twin))
                    self._link(str(go_id), str(twin))
                    self._bring_together(str(go_id), row, str(twin), shop[twin])
                elif twin is None:
                    self._link(str(go_id), self._create_in_shop(row))
            except requests.HTTPError as error:
                log.warning("customer %s: %s", go_id, error)
        for shop_id, row in shop.items():
            try:
                if str(shop_id) not in taken and row["firstName"] and row["lastName"]:
                    self._link(self._create_in_go(row), str(shop_id))
            except requests.HTTPError as error:
                log.warning("customer %s: %s", shop_id, error)

    def _bring_together(self, go_id: str, row: Row, shop_id: str, other: Row) -> None:
        differing = [name for name in FIELDS.values() if row[name] != other[name]]
        if differing and row["changed"] >= other["changed"]:
            self._update_shop(shop_id, other["address_id"], row, differing)
        elif differing:
            self._update_go(go_id, row["has_address"], other, differing)

    # --- the systems

    def _call(self, method: str, url: str, **arguments: Any) -> requests.Response:
        """Three tries, as everybody does it."""
        for wait in (1.0, 2.0, None):
            try:
                response = self._session.request(method, url, timeout=30, **arguments)
                if response.status_code != 429 and response.status_code < 500:
                    response.raise_for_status()
                    return response
            except requests.ConnectionError:
                pass
            except requests.Timeout:
                pass
            if wait is not None:
                self._sleep(wait)
        raise RuntimeError(f"{method} {url} failed")

    def _sign_in(self) -> None:
        self._session.headers["Ocp-Apim-Subscription-Key"] = "sub"
        form = {"grant_type": "client_credentials"}
        token = self._call("POST", f"{GO}/OAuth/Token", data=form, auth=("app", "client")).json()["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["X-Shopify-Access-Token"] = "shpat_simulated"

    def _read_go(self) -> Rows:
        rows: list[dict[str, Any]] = []
        number = 1
        while True:
            reply = self._call("GET", f"{GO}/v2/Customers", params={"PageNumber": str(number), "PageSize": "5000"})
            page = reply.json() if reply.content else []
            rows += [row for row in page if row["IsPerson"] and not row["IsArchived"]]
            if len(page) < 5000:
                break
            number += 1
        return _by_id([_of_go(row) for row in rows])

    def _read_shop(self) -> Rows:
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            page = self._graphql(CUSTOMERS, {"after": after})["customers"]
            rows += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return _by_id([_of_shop(row) for row in rows])
            after = page["pageInfo"]["endCursor"]

    def _graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        for _ in range(5):
            body = self._call(
                "POST", f"{SHOP}/admin/api/2026-10/graphql.json", json={"query": query, "variables": variables}
            ).json()
            if "errors" not in body:
                return dict(body["data"])
            self._sleep(2.0)
        raise RuntimeError("GraphQL failed")

    def _create_in_shop(self, row: Row) -> str | None:
        values = {name: row[name] for name in ("email", "phone", "firstName", "lastName") if row[name]}
        address = {FIELDS[name]: row[FIELDS[name]] for name in ADDRESS if row[FIELDS[name]]}
        if address:
            values["addresses"] = [address]
        made = self._graphql(CREATE, {"input": values})["customerCreate"]["customer"]
        return str(made["id"].rpartition("/")[2]) if made else None

    def _create_in_go(self, row: Row) -> str:
        values = _nested({name: row[short] for name, short in FIELDS.items() if row[short]})
        if not {"City", "ZipCode"} <= values.get("MailAddress", {}).keys():
            values.pop("MailAddress", None)
        made = self._call("POST", f"{GO}/v2/Customers", json={**values, "IsPerson": True}).json()
        return str(made["Id"])

    def _update_shop(self, shop_id: str, address_id: str | None, row: Row, names: list[str]) -> None:
        gid = f"gid://shopify/Customer/{shop_id}"
        address = {FIELDS[name]: row[FIELDS[name]] for name in ADDRESS if FIELDS[name] in names}
        own = {name: row[name] for name in names if name not in address}
        if own:
            self._graphql(UPDATE, {"input": {"id": gid, **own}})
        if address and address_id:
            self._graphql(ADDRESS_UPDATE, {"customerId": gid, "id": address_id, "address": address})
        elif address:
            self._graphql(NEW_ADDRESS, {"customerId": gid, "address": address})

    def _update_go(self, go_id: str, has_address: bool, row: Row, names: list[str]) -> None:
        wanted = {name: row[short] for name, short in FIELDS.items() if short in names}
        patch = [
            {"op": "replace", "path": "/" + name.replace(".", "/"), "value": value}
            for name, value in wanted.items()
            if name not in ADDRESS or has_address
        ]
        address = {name.partition(".")[2]: row[FIELDS[name]] for name in ADDRESS if row[FIELDS[name]]}
        if not has_address and {"City", "ZipCode"} <= address.keys():
            patch.append({"op": "add", "path": "/MailAddress", "value": address})
        if patch:
            headers = {"Content-Type": "application/json-patch+json"}
            self._call("PATCH", f"{GO}/v2/Customers/{go_id}", data=orjson.dumps(patch), headers=headers)

    def _link(self, go_id: str, shop_id: str | None) -> None:
        if shop_id is not None and self._links.get(go_id) != shop_id:
            self._links[go_id] = shop_id
            self._file.write_bytes(orjson.dumps(self._links))


def _by_id(rows: list[dict[str, Any]]) -> Rows:
    columns = ["id", "changed", "address_id", "has_address", *FIELDS.values()]
    frame = pd.DataFrame(rows, columns=columns, dtype=object).drop_duplicates("id").set_index("id")
    return {str(i): dict(row) for i, row in frame.astype(object).where(frame.notna(), None).to_dict("index").items()}


def _of_go(row: dict[str, Any]) -> dict[str, Any]:
    address = row.get("MailAddress") or {}
    values = {
        short: _tidy(row.get(n) if "." not in n else address.get(n.partition(".")[2])) for n, short in FIELDS.items()
    }
    values["email"] = values["email"] and values["email"].lower()
    values["phone"] = values["phone"] and values["phone"].replace(" ", "").replace("0047", "+47")
    return values | {
        "id": str(row["Id"]),
        "changed": row["LastChangedDateTimeOffset"][:19],
        "has_address": bool(address),
    }


def _of_shop(row: dict[str, Any]) -> dict[str, Any]:
    address = row["defaultAddress"] or {}
    values = {short: _tidy(row[short]) for short in ("email", "phone", "firstName", "lastName")}
    values |= {short: _tidy(address.get(short)) for short in ("address1", "address2", "city", "zip")}
    values |= {"countryCode": address.get("countryCodeV2"), "address_id": address.get("id")}
    values["email"] = values["email"] and values["email"].lower()
    return values | {"id": row["id"].rpartition("/")[2], "changed": row["updatedAt"][:19]}


def _tidy(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        head, _, tail = name.partition(".")
        if tail:
            nested.setdefault(head, {})[tail] = value
        else:
            nested[head] = value
    return nested


class NaiveWorld(World):
    """The same world, with the script in the place of the product."""

    def _work(self, task: Task) -> None:
        del task

        def sync() -> None:
            session = requests.Session()
            session.mount("http://", self.wire)
            try:
                NaiveSync(session, self.clock.sleep, MemoryPath(self.disk, "/links.json")).run()
            except Killed:
                raise
            except Exception as error:
                raise OSError("the script ended with a traceback") from error

        self._attempt("sync", sync)

    def _again(self, name: str, number: int | None) -> None:
        """The script has no tasks."""

    def store_view(self) -> StoreView:
        file = MemoryPath(self.disk, "/links.json")
        try:
            links = orjson.loads(file.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):  # not there yet, or cut short by a death
            links = {}
        return StoreView(list(links.items()), linked_at=dict.fromkeys(links.items(), 0.0))


def compare(seeds: range, machine: Machine) -> tuple[Counter[str], Counter[str]]:
    """Traces with a broken promise, by promise: of the script, and of the product. Customers only."""
    script, product = Counter[str](), Counter[str]()
    for seed in track(seeds, "traces", console=Console(stderr=True)):
        trace = make_trace(seed, entity="customers")
        script.update(kinds(play_naive(trace, machine)))
        product.update(kinds(play(trace, machine).violations))
    return script, product


def play_naive(trace: Trace, machine: Machine) -> tuple[str, ...]:
    with small_pages(50):
        return tuple(NaiveWorld(trace, machine).play())


PROMISES = {
    "doubled": "a customer made twice",
    "lost": "an edit lost without a word",
    "invented": "a value that nobody typed",
    "unequal": "two sides left unequal without a word",
    "forgotten": "a record left out without a word",
    "mislinked": "two people linked",
    "restless": "never comes to rest",
    "stuck": "fails without any fault",
    "echo": "writes though nothing changed",
    "unasked": "more written than the limits allow",
    "busy": "more requests than it needs",
    "deleted": "a record deleted",
}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m simulation.naive", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    script, product = compare(range(options.first_seed, options.first_seed + options.seeds), Machine())
    table = Table("of 1,000 traces, those with …", "script", "Samklang", title="A script of a day, and the product")
    for promise, words in PROMISES.items():
        if script[promise] or product[promise]:
            scaled = [f"{count[promise] * 1000 / options.seeds:.0f}" for count in (script, product)]
            table.add_row(words, *scaled)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
