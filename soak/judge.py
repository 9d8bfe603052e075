"""Is everything as it was promised? A reader of both systems' records and write logs, that asks the engine nothing but
what it believes to be still open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from samklang.demo import equality
from soak import edits
from soak.edits import Demand, Json
from soak.place import DAGS, ENDED, Place


def judge(place: Place, entities: list[str], runs: list[tuple[str, str]], demands: list[Demand]) -> list[str]:
    """:param runs: dag id and run id of all runs of the round. :returns: what is not as promised, in words."""
    go, shop = place.state()
    return [
        *doubled(place, go, shop),
        *unequal(entities, go, shop),
        *lost(demands, go, shop),
        *still_open(place, entities),
        *still_running(place, runs),
    ]


def doubled(place: Place, go: Json, shop: Json) -> Iterator[str]:
    """Records that we made twice for one origin: with the same key, or saying the same."""
    made = {
        side: {(w["entity"], w["id"].rpartition("/")[2]) for w in writes if w["action"] == "create"}
        for side, writes in place.writes().items()
    }
    keys: Counter[tuple[str, Any]] = Counter()
    twins: Counter[tuple[Any, ...]] = Counter()
    for entity in DAGS:
        for record in shop[entity]:
            if (entity, record["legacyResourceId"]) in made["shopify"]:
                keys["shopify", equality.metafield(record) or f"no key on {record['id']}"] += 1
                twins["shopify", *(field.read["shopify"](record) for field in edits.FIELDS[entity]), _sku(record)] += 1
        for record in go[entity]:
            if (entity, str(record["Id"])) in made["powerofficego"]:
                key = record["ExternalImportReference"] if entity == "customers" else record["Code"]
                keys["powerofficego", key or f"no key on {record['Id']}"] += 1
                read = (field.read["powerofficego"](record) for field in edits.FIELDS[entity])
                twins["powerofficego", *read, record.get("Code")] += 1
    yield from (f"made twice in {side}: {key}" for (side, key), number in keys.items() if number > 1)
    yield from (f"two that say the same in {one[0]}" for one, number in twins.items() if number > 1)
    emails = Counter(_email(c["EmailAddress"]) for c in go["customers"])
    for record in go["customers"]:
        email = _email(record["EmailAddress"])
        if email and emails[email] > 1 and ("customers", str(record["Id"])) in made["powerofficego"]:
            yield f"made in powerofficego beside another with the same e-mail: {record['Id']}"


def unequal(entities: list[str], go: Json, shop: Json) -> Iterator[str]:
    """What differs without a reason that the demo's reader knows."""
    keys = [key for r in shop["customers"] + shop["products"] if (key := equality.metafield(r))]
    references = [c["ExternalImportReference"] for c in go["customers"] if c["ExternalImportReference"]]
    client_id = keys[0].rpartition("-")[0] if keys else ""
    shop_id = references[0].split(":")[1] if references else ""
    results = []
    if "customers" in entities:
        results.append(equality.customers(go["customers"], shop["customers"], client_id, shop_id))
    if "products" in entities:
        results.append(equality.products(go["products"], shop["products"], client_id))
    for result in results:
        yield from (f"unequal without a reason: {what} {ids} {name}" for what, ids, name in result.faults)


def lost(demands: list[Demand], go: Json, shop: Json) -> Iterator[str]:
    """What people typed and does not stand on both sides."""
    for demand in demands:
        side, record_id = demand.origin
        in_shop, in_go = edits.by_key(demand.entity, go, shop)
        twin = demand.twin or (in_shop if side == "powerofficego" else in_go).get(record_id, "")
        go_id, shop_id = (record_id, twin) if side == "powerofficego" else (twin, record_id)
        records = {
            "powerofficego": next((r for r in go[demand.entity] if str(r["Id"]) == go_id), None),
            "shopify": next((r for r in shop[demand.entity] if r["legacyResourceId"] == shop_id), None),
        }
        for where, record in records.items():
            what = f"{demand.field.name} of {demand.entity} {go_id or '?'} / {shop_id or '?'}, typed in {side}"
            if record is None:
                yield f"no twin in {where}: {what}"
            elif demand.field.read[where](record) not in demand.accepted:
                yield f"lost in {where}: {what}"


def still_open(place: Place, entities: list[str]) -> Iterator[str]:
    for entity in entities:
        pending = place.status(entity)["pending_intents"]
        if pending:
            yield f"{pending} open intents of {entity}"


def still_running(place: Place, runs: list[tuple[str, str]]) -> Iterator[str]:
    for dag_id, run_id in runs:
        for task in place.airflow.api.tasks(dag_id, run_id):
            if task["state"] not in ENDED:
                yield f"{dag_id}.{task['task_id']} is still {task['state']}"
    yield from (f"a task's process is left: {process.pid}" for process in place.tasks_at_work().values())


def _sku(record: Json) -> str | None:
    return record["variants"][0]["sku"] if "variants" in record else None


def _email(value: str | None) -> str:
    return (value or "").strip().lower()
