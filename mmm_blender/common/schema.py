"""Dataclasses to JSON and back, strictly."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from .errors import MMMError
from .untrusted import MOST_TEXT, clean_text, is_text

GET_AGAIN = "get the weights again"
"""What to do with a bundle that is not as it was saved."""

MEND_BUNDLE = "mend it, or get a bundle that was made for this version of MMM."
"""What to do with a bundle's config that somebody wrote."""


ConfigT = TypeVar("ConfigT")


def to_json(config: Any) -> dict[str, Any]:
    """A config as plain JSON values (tuples become lists)."""
    return dataclasses.asdict(config, dict_factory=_plain)


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in pairs}


def json_hash(values: object) -> str:
    """SHA-256 of JSON values, whatever the order of their keys and the white space in the file."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def from_json(
    cls: type[ConfigT],
    values: object,
    where: str = "config.json",
    *,
    advice: str = MEND_BUNDLE,
    complete: bool = False,
    most_text: int = MOST_TEXT,
) -> ConfigT:
    """A config of class ``cls`` from JSON values; MMMError names what is wrong and where.

    advice: how its sentence ends. complete: every field must be given, whatever its default.
    most_text: characters of a text.
    """
    return _Reader(advice, complete, most_text).read(cls, values, where)


@dataclasses.dataclass(frozen=True)
class _Reader:
    """See ``from_json``."""

    advice: str
    complete: bool
    most_text: int

    def read(self, cls: type[ConfigT], values: object, where: str) -> ConfigT:
        """A dataclass from a JSON object."""
        if not isinstance(values, Mapping):
            raise MMMError(f"{where} must be a JSON object: {self.advice}")
        given = typing.cast("Mapping[str, object]", values)
        fields = {item.name: item for item in dataclasses.fields(typing.cast(Any, cls))}
        needed = {name for name, item in fields.items() if self.complete or _has_no_default(item)}
        self._refuse("unknown", set(given) - set(fields), where)
        self._refuse("missing", needed - set(given), where)
        hints = _hints(cls)
        return cls(
            **{name: self._value(hints[name], given[name], f"{where}: {name}") for name in given}
        )

    def _refuse(self, kind: str, names: set[str], where: str) -> None:
        if names:
            listed = clean_text(", ".join(sorted(map(str, names))))
            raise MMMError(f"{where} has {kind} entries ({listed}): {self.advice}")

    def _value(self, hint: Any, value: object, where: str) -> Any:
        """``value`` as the type ``hint``, or MMMError."""
        if dataclasses.is_dataclass(hint):
            return self.read(typing.cast(type[Any], hint), value, where)
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is types.UnionType:
            return None if value is None else self._value(arguments[0], value, where)
        if origin is tuple and isinstance(value, list | tuple):
            items = typing.cast("list[object]", value)
            return tuple(self._value(arguments[0], item, where) for item in items)
        if origin in (dict, Mapping) and isinstance(value, dict):
            return typing.cast("dict[str, Any]", value)
        if hint is float and type(value) is int:
            return float(value)
        is_fit = hint is not str or is_text(value, self.most_text)
        if isinstance(hint, type) and type(value) is hint and is_fit:
            return value
        raise MMMError(
            f"{where} has a value of the wrong kind ({clean_text(repr(value))}): {self.advice}"
        )


@cache
def _hints(cls: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _has_no_default(item: dataclasses.Field[Any]) -> bool:
    absent = dataclasses.MISSING
    return item.default is absent and item.default_factory is absent
