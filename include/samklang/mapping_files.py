"""Where the mapping files lie, and reading them."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from pathlib import Path

from samklang.core.mapping import Mapping
from samklang.core.mapping_file import parse_mapping
from samklang.errors import ConfigurationError

SETTING = "SAMKLANG_MAPPINGS"
_DEFAULT = Path("include/mappings")


def mappings_folder(environ: MappingOf[str, str]) -> Path:
    """The folder with `customers.yaml` and `products.yaml`.

    `SAMKLANG_MAPPINGS` names it; else it is `include/mappings` of the project. The project is the checkout that this
    package runs from; where the package is installed elsewhere, the working directory or `$AIRFLOW_HOME`.

    :raises ConfigurationError: there is no such folder.
    """
    home = Path(environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    named = environ.get(SETTING, "").strip()
    if named:
        candidates = [base / Path(named).expanduser() for base in (Path.cwd(), home)]
    else:
        candidates = [base / _DEFAULT for base in (*_checkout(), Path.cwd(), home)]
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise ConfigurationError(
        f"The folder of the mapping files is missing; looked at {', '.join(map(str, dict.fromkeys(candidates)))}.",
        remedy=f"Set {SETTING} to the folder that holds customers.yaml and products.yaml.",
    )


def load_mapping(entity: str, folder: Path) -> Mapping:
    """Read `<entity>.yaml`.

    :raises ConfigurationError: the file is missing or cannot be read.
    :raises MappingError: the file is wrong, or of another entity.
    """
    file = folder / f"{entity}.yaml"
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            f"The mapping file {file} is missing.",
            remedy=f"Copy the one that Samklang ships to that place, or set {SETTING} to the folder that holds it.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The mapping file {file} cannot be read ({type(error).__name__}).",
            remedy="Make it a text file in UTF-8 that this user may read.",
        ) from None
    return parse_mapping(text, file=str(file), expected=entity)


def _checkout() -> tuple[Path, ...]:
    """The project that holds this package as `include/samklang`, if it is not installed elsewhere."""
    include = Path(__file__).resolve().parents[1]
    return (include.parent,) if include.name == "include" else ()
