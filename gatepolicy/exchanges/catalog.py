"""The catalog: one YAML file per exchange. Adding an exchange touches no Python."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatepolicy.documents.load import load_document
from gatepolicy.documents.schema import load_schema
from gatepolicy.documents.source import read_text
from gatepolicy.documents.yaml_tree import parse_yaml
from gatepolicy.errors import InternalError
from gatepolicy.exchanges.alternatives import with_alternatives
from gatepolicy.exchanges.build import build
from gatepolicy.exchanges.exchange import Exchange
from gatepolicy.exchanges.listings import with_listings
from gatepolicy.resources import catalog_directory, schemas_directory


def known_exchanges() -> tuple[str, ...]:
    """The ids of all exchanges, sorted; reads no file."""
    return tuple(sorted(path.stem for path in catalog_directory().glob("*.yaml")))


def load_exchange(exchange_id: str, directory: Path | None = None) -> Exchange:
    """One exchange.

    Args:
        exchange_id: The name of its file.
        directory: Where the file is; the shipped catalog unless given.

    Shipped files are not checked against the schema here: tests and ``gatepolicy check --catalog``
    do that.

    Raises:
        InternalError: The installed catalog file is not what was shipped.
    """
    file = _file(exchange_id, directory)
    return _built(_data(file), file)


def load_catalog(*, validate: bool = False) -> Mapping[str, Exchange]:
    """All exchanges by id.

    Args:
        validate: Check every file against ``schemas/exchange.schema.json``.

    Raises:
        DocumentError: A file is not of the schema.
    """
    if validate:
        text = (schemas_directory() / "exchange.schema.json").read_text(encoding="utf-8")
        schema = load_schema(text)
        for exchange_id in known_exchanges():
            load_document(str(_file(exchange_id)), schema=schema, kind="Exchange")
    return {exchange_id: load_exchange(exchange_id) for exchange_id in known_exchanges()}


def _file(exchange_id: str, directory: Path | None = None) -> Path:
    return (directory or catalog_directory()) / f"{exchange_id}.yaml"


def _data(file: Path) -> Any:
    """What a file holds, upon the file that it is based on."""
    data: Any = parse_yaml(read_text(str(file)), str(file)).data
    if not isinstance(data, dict) or "based_on" not in data:
        return data
    base: Any = _data(file.with_name(f"{data['based_on']}.yaml"))
    return {**base, **data}


def _built(data: Any, file: Path) -> Exchange:
    try:
        return with_listings(with_alternatives(build(data), data), data)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise InternalError(
            f"{file.name} of the exchange catalog cannot be read ({type(error).__name__}: {error})",
            hint="install gatepolicy again",
        ) from error
