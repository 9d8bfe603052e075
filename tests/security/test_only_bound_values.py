"""No value becomes a part of SQL, of a GraphQL document or of a JSON Patch path."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.systems.base import Change
from samklang.systems.powerofficego.patch import build_patch
from samklang.systems.powerofficego.schema import CUSTOMER
from samklang.systems.shopify import documents

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "include" / "samklang"
EXECUTES = {"text", "exec_driver_sql", "execute", "executemany", "executescript", "read_sql", "literal_column"}
CONSTANT_PARTS = {
    ("store/database.py", "PRAGMA {pragma}"),
    ("store/database.py", "SET LOCAL lock_timeout = {round(patience * 1000) or 1}; {_WATCH}"),
    ("store/traces.py", "SET lock_timeout = '{_PATIENCE}"),
    ("store/traces.py", "VACUUM (FULL) {table}"),
    ("store/traces.py", "VACUUM (ANALYZE) {table}"),
    ("store/migrations.py", "ALTER TABLE {table} ADD COLUMN {definition}"),
}
"""Put together from constants of the same function, or of the store's schema."""
UNSAFE = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "pickle.load", "pickle.loads", "marshal.loads", "eval"}


def modules() -> list[Path]:
    """All that runs for users; the demo makes a database of its own on this machine."""
    return [path for path in PACKAGE.rglob("*.py") if not {"simulators", "demo"} & set(path.parts)]


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_no_sql_text_is_put_together_from_values() -> None:
    executed, built = 0, set()
    for path in modules():
        for name, call in calls(path):
            if name.rpartition(".")[2] not in EXECUTES or not call.args:
                continue
            executed += 1
            told = call.args[0]
            is_call = isinstance(told, ast.Call) and ast.unparse(told.func).endswith((".format", "'.join"))
            if is_call or isinstance(told, ast.JoinedStr | ast.BinOp):
                built.add((str(path.relative_to(PACKAGE)), ast.unparse(told).strip("f'\"")))
    assert executed > 50
    assert built == CONSTANT_PARTS


def test_the_rules_of_the_linter_on_sql_parsers_and_shells_stay_on() -> None:
    import tomllib

    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert set(lint["ignore"]) & {"S", "S608", "S501", "S502", "S506", "S314", "S301", "S602"} == set()
    assert not [glob for glob in lint["per-file-ignores"] if glob.startswith("include")]
    for path in modules():
        assert not re.search(r"noqa: .*S(608|50\d|506|31\d|30\d|60[245])", path.read_text()), path


def test_nothing_is_read_with_a_loader_that_can_run_code() -> None:
    parsed = 0
    for path in modules():
        for name, call in calls(path):
            assert name not in UNSAFE, path
            assert not name.startswith(("xml.", "ElementTree.", "lxml.", "minidom.")), path
            loader = next((ast.unparse(k.value) for k in call.keywords if k.arg == "Loader"), "Safe")
            assert "Safe" in loader, path
            parsed += name.startswith("yaml.")
    assert parsed > 0


# --- JSON Patch


FIELDS = sorted(CUSTOMER)
values = st.text(max_size=40)


@given(
    st.lists(st.tuples(st.sampled_from(["FirstName", "EmailAddress", "MailAddress.City"]), values, values), min_size=1),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_a_json_patch_names_only_properties_that_are_known(rows: list[tuple[str, str, str]], has_address: bool) -> None:
    changes = [Change(name, expected, value) for name, expected, value in {row[0]: row for row in rows}.values()]
    paths = {operation["path"] for operation in build_patch(changes, CUSTOMER, has_address=has_address)}
    known = {"/" + name.replace(".", "/") for name in FIELDS} | {"/MailAddress"}
    assert paths <= known


# --- GraphQL


@given(values, values, values)
@settings(max_examples=50, deadline=None)
def test_a_graphql_document_is_the_same_whatever_the_values_are(first: str, second: str, key: str) -> None:
    def document(one: str, two: str, three: str) -> str:
        identifier = documents.custom_id(three)
        queries = [documents.nodes([one, two], "...CustomerParts")]
        text, sent = documents.compose(queries, operation="Q")
        assert sorted(str(value) for value in sent.values()) == [str([one, two])]
        assert identifier["customId"]["value"] == three
        return text

    assert document(first, second, key) == document("a", "b", "c")


@pytest.mark.parametrize("text", ['x" ) { shop { id } } #', "\\", "\n", "'"])
def test_the_one_text_that_stands_in_a_bulk_query_is_quoted(text: str) -> None:
    from graphql import parse

    query = documents.bulk_query("customers", "id", text)
    argument = parse(query).definitions[0].selection_set.selections[0].arguments[0]
    assert argument.value.value == text
