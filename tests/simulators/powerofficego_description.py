"""PowerOffice Go's own description as a judge of answers, and the tables of the sheet about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import yaml

Json = dict[str, Any]
FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
COLUMNS = ("property", "type", "nullable", "max_length", "read_only", "post", "patch", "note")
TABLES = ("customer", "address", "contact person", "product", "product group")


class Description:
    """:param text: the OpenAPI file."""

    def __init__(self, text: str) -> None:
        self.content: Json = yaml.safe_load(text)
        self._schemas = _json_schema(self.content["components"])
        # a reference cannot be nullable in OpenAPI 3.0; that a customer may have no address is the sheet's (2, PATCH)
        customer = self._schemas["schemas"]["CustomerDto"]["properties"]
        customer["MailAddress"] = {"anyOf": [customer["MailAddress"], {"type": "null"}]}
        self._checker = jsonschema.FormatChecker([])
        for name, form in FORMATS.items():
            self._checker.checks(name)(
                lambda value, form=form: not isinstance(value, str) or bool(form.fullmatch(value))
            )

    def schema(self, name: str) -> Json:
        found: Json = self.content["components"]["schemas"][name]
        return found

    def operation(self, method: str, template: str) -> Json:
        found: Json = self.content["paths"][template][method.lower()]
        return found

    def template(self, path: str) -> str:
        """The described path that this one is, case and all but a number aside."""
        known = {template.lower(): template for template in self.content["paths"]}
        return known[re.sub(r"/\d+$", "/{id}", path.removeprefix("/v2").lower())]

    def parameters(self, template: str) -> set[str]:
        """The names of the query of a list; the paging object is sent flat (sheet 2)."""
        names = {parameter["name"] for parameter in self.operation("GET", template)["parameters"]}
        paging = self.schema("ResourceParameters")["properties"]
        return names - {"resourceParameter"} | {name for name, node in paging.items() if not node.get("readOnly")}

    def check(self, schema: Json, value: Any) -> None:
        """:raises jsonschema.ValidationError: the value is not as described."""
        whole = {**_json_schema(schema), "components": self._schemas}
        jsonschema.Draft202012Validator(whole, format_checker=self._checker).validate(value)

    def check_object(self, name: str, value: Any) -> None:
        """:param name: of a schema. :raises jsonschema.ValidationError: the value is not as described."""
        self.check({"$ref": f"#/components/schemas/{name}"}, value)

    def check_answer(self, method: str, template: str, status: int, value: Any) -> None:
        """:raises AssertionError: the status is not declared, or has another body.
        :raises jsonschema.ValidationError: the body is not as described."""
        responses = self.operation(method, template)["responses"]
        assert str(status) in responses, f"{method} {template} does not declare {status}"
        described = responses[str(status)].get("content", {}).get("application/json", {}).get("schema")
        if described is None:
            # no schema: no body, or what the gateway says by itself (sheet 1), or the problem of a missing object
            assert value is None or "statusCode" in value or value["Title"] == "Object(s) not found"
        else:
            self.check(described, value)


def _json_schema(node: Any) -> Any:
    """A schema of OpenAPI 3.0 as one of JSON Schema: `nullable` is a type of its own there."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {name: _json_schema(value) for name, value in node.items() if name != "example"}
    if node.get("nullable") is True and "type" in node:
        result["type"] = [node["type"], "null"]
        if "enum" in node:
            result["enum"] = [*node["enum"], None]
    return result


def sheet_tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The tables of properties in the sheet, in its order."""
    tables: list[list[dict[str, str]]] = []
    for line in (folder / "poweroffice.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" |")] if line.startswith("|") else []
        if cells[:3] == ["Property", "Type", "Nullable"]:
            tables.append([])
            fresh = True
        elif cells and not cells[0].startswith("-") and tables and fresh:
            tables[-1].append(dict(zip(COLUMNS, [cell.strip("| ") for cell in cells], strict=False)))
        elif not cells:
            fresh = False
    return dict(zip(TABLES, tables, strict=True))
