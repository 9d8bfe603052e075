"""Whatever a mapping file holds: a mapping, or an error that names the file and the line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from samklang.core.mapping import Mapping
from samklang.core.mapping_file import parse_mapping
from samklang.errors import ConfigurationError, MappingError
from samklang.mapping_files import load_mapping

FOLDER = Path(__file__).parents[2] / "include" / "mappings"
REAL = {entity: (FOLDER / f"{entity}.yaml").read_text() for entity in ("customers", "products")}
PIECES = st.sampled_from(
    [":", "- ", "{", "}", "[", "]", '"', "'", "&a ", "*a", "<<: *a", "!!python/object:os.system ", "!!set ", "? ", "|",
     ">", "%YAML 1.1\n", "---\n", "...\n", "\t", "\x00", "\ufeff", "\u2028", "\x85", "\ud800", "\\", "#", "~", "null",
     "true", "20%", "999999999999d", "\n", "  ", "limits", "fields", "match", "0x1F", "1e999", "@daily", "* * * * *"]
)  # fmt: skip


def read(text: str) -> Mapping | MappingError:
    started = time.process_time()
    try:
        return parse_mapping(text, file="customers.yaml")
    except MappingError as error:
        told = error
    finally:
        assert time.process_time() - started < 5
    assert 1 <= told.line <= text.count("\n") + 3  # other line ends count as lines too
    assert f"customers.yaml, line {told.line}: " in str(told)
    assert told.remedy
    return told


@given(st.one_of(st.text(max_size=80), st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=30).map("".join)))
def test_any_text_is_a_mapping_or_an_error_with_its_line(text: str) -> None:
    read(text)


@st.composite
def damaged(draw: Any) -> str:
    """A real file with characters and lines taken away, doubled, or put in."""
    text = REAL[draw(st.sampled_from(sorted(REAL)))]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:start] + text[start + draw(st.integers(1, 20)) :]
            case 1:
                text = text[:start] + draw(st.one_of(PIECES, st.text(max_size=5))) + text[start:]
            case 2:
                lines = text.split("\n")
                del lines[start % len(lines)]
                text = "\n".join(lines)
            case _:
                lines = text.split("\n")
                lines.insert(start % len(lines), lines[(start * 7) % len(lines)])
                text = "\n".join(lines)
    return text


@given(damaged())
def test_a_damaged_file_is_a_mapping_or_an_error_with_its_line(text: str) -> None:
    found = read(text)

    if isinstance(found, Mapping):
        assert found.fields
        assert set(found.match) <= {f.name for f in found.fields}


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), PIECES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)


@given(st.data())
def test_any_value_behind_any_key_is_taken_or_refused_where_it_stands(data: st.DataObject) -> None:
    content = yaml.safe_load(REAL[data.draw(st.sampled_from(sorted(REAL)))])
    places = [(content, key) for key in content]
    places += [(entry, key) for entry in content["fields"] for key in entry] + [(content["limits"], "part")]
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(VALUES)

    read(yaml.safe_dump(content, allow_unicode=data.draw(st.booleans())))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "{" * 20_000,
        "- " * 20_000,
        "a: " * 5_000,
        "&a [*a]",
        "x: &x [" + ",".join(["*x"] * 100) + "]",
        "a: &a [x]\n"
        + "".join(f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)),
        "limits: &l {part: *l}\nentity: customers\nmatch: [A]\nfields: [{powerofficego: A, shopify: a}]",
        "entity: customers\nmatch: &m [*m]\nfields: *m",
    ],
    ids=range(9),
)
def test_a_file_made_to_hurt_ends_in_an_error(text: str) -> None:
    assert isinstance(read(text), MappingError)


@given(st.binary(max_size=60))
def test_any_bytes_on_disk_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("mappings")
    (folder / "customers.yaml").write_bytes(content)

    with pytest.raises(ConfigurationError) as refused:
        load_mapping("customers", folder)
    assert refused.value.remedy
