"""Dataclasses to JSON and back, strictly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from .errors import MMMError
from .untrusted import clean_text, is_text

GET_AGAIN = "get the bundle again"
"""What to do with a bundle that is not as it was saved."""


ConfigT = TypeVar("ConfigT")


def to_json(config: Any) -> dict[str, Any]:
    """A config as plain JSON values (tuples become lists)."""
    return dataclasses.asdict(config, dict_factory=_plain)


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in pairs}


def json_hash(values: object) -> str:
    """SHA-256 of JSON values, whatever the order of their keys and the white space in the file."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def from_json(cls: type[ConfigT], values: object, where: str = "config.json") -> ConfigT:
    """A config of class ``cls`` from JSON values; MMMError names what is wrong and where."""
    if not isinstance(values, Mapping):
        raise MMMError(f"{where} must be a JSON object: {GET_AGAIN}.")
    given = typing.cast("Mapping[str, object]", values)
    fields = {item.name: item for item in dataclasses.fields(typing.cast(Any, cls))}
    _refuse("unknown", set(given) - set(fields), where)
    _refuse("missing", {name for name, item in fields.items() if _needed(item)} - set(given), where)
    hints = typing.get_type_hints(cls)
    return cls(**{name: _read(hints[name], given[name], f"{where}: {name}") for name in given})


def _needed(item: dataclasses.Field[Any]) -> bool:
    absent = dataclasses.MISSING
    return item.default is absent and item.default_factory is absent


def _refuse(kind: str, names: set[str], where: str) -> None:
    if names:
        listed = clean_text(", ".join(sorted(map(str, names))))
        raise MMMError(
            f"{where} has {kind} entries ({listed}): mend them, or get a bundle that was made "
            "for this version of MMM."
        )


def _read(hint: Any, value: object, where: str) -> Any:
    """``value`` as the type ``hint``, or MMMError."""
    if dataclasses.is_dataclass(hint):
        return from_json(typing.cast(type[Any], hint), value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return None if value is None else _read(arguments[0], value, where)
    if origin is tuple and isinstance(value, list | tuple):
        items = typing.cast("list[object]", value)
        return tuple(_read(arguments[0], item, where) for item in items)
    if origin is dict and isinstance(value, dict):
        return typing.cast("dict[str, Any]", value)
    if hint is float and type(value) is int:
        return float(value)
    if isinstance(hint, type) and type(value) is hint and (hint is not str or is_text(value)):
        return value
    raise MMMError(f"{where} has a value of the wrong kind ({clean_text(repr(value))}): mend it.")
