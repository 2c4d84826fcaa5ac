"""A message as bytes, and back.

    4 bytes  MAGIC
    4 bytes  length of the header, unsigned, little-endian
    header   UTF-8 JSON: {"type", "fields", "arrays": {name: [dtype, shape]}}
    arrays   raw little-endian values, C order, in the order of "arrays"

Nothing is pickled, so reading a message cannot run code.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import numpy as np

from ..common.arrays import AnyArray
from .protocol import MESSAGE_TYPES, FailureKind, JsonObject, Message, ProtocolError

MAGIC = b"MMM\x01"
_FRAME = struct.Struct("<4sI")
_MAX_HEADER_BYTES = 16 * 2**20  # a prompt or a recipe is a few kilobytes
_MAX_ARRAY_BYTES = 2**30  # one body model is a few megabytes
_FLOAT_DTYPE = "<f8"
_INT_DTYPE = "<i8"


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_mapping_of(value: object, check: Callable[[object], bool]) -> bool:
    if not isinstance(value, dict):
        return False
    entries = cast(dict[object, object], value)
    return all(isinstance(key, str) and check(entry) for key, entry in entries.items())


def _is_sequence_of(value: object, check: Callable[[object], bool]) -> bool:
    return isinstance(value, list | tuple) and all(map(check, cast(list[object], value)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_array(value: object, dtype: str) -> bool:
    return isinstance(value, np.ndarray) and cast(AnyArray, value).dtype == np.dtype(dtype)


# keyed by the annotation as it is written in the dataclasses above
_CHECKS: dict[str, Callable[[object], bool]] = {
    "int": _is_int,
    "int | None": lambda value: value is None or _is_int(value),
    "float": _is_number,
    "bool": lambda value: isinstance(value, bool),
    "FailureKind": lambda value: isinstance(value, str) and value in frozenset(FailureKind),
    "str": _is_text,
    "tuple[str, ...]": lambda value: _is_sequence_of(value, _is_text),
    "tuple[int, ...]": lambda value: _is_sequence_of(value, _is_int),
    "tuple[float, ...]": lambda value: _is_sequence_of(value, _is_number),
    "dict[str, str]": lambda value: _is_mapping_of(value, _is_text),
    "JsonObject": lambda value: _is_mapping_of(value, lambda _: True),
    "JsonObject | None": lambda value: value is None or _is_mapping_of(value, lambda _: True),
    "FloatArray": lambda value: _is_array(value, _FLOAT_DTYPE),
    "IntArray": lambda value: _is_array(value, _INT_DTYPE),
}
_ARRAY_DTYPES = {"FloatArray": _FLOAT_DTYPE, "IntArray": _INT_DTYPE}


def _build(name: str, values: dict[str, object]) -> Message:
    """The message ``name`` from its fields, each of its declared type."""
    cls = MESSAGE_TYPES.get(name)
    if cls is None:
        raise ProtocolError(f"A message of unknown type {name!r} arrived: restart Blender.")
    declared = {f.name: str(f.type) for f in dataclasses.fields(cls)}
    if declared.keys() != values.keys():
        odd = ", ".join(sorted(declared.keys() ^ values.keys()))
        raise ProtocolError(f"A {name} message does not fit in: {odd}; restart Blender.")
    for key, annotation in declared.items():
        _check_field(name, key, annotation, values[key])
        if annotation.startswith("tuple"):
            values[key] = tuple(cast(list[object], values[key]))
        elif annotation == "FailureKind":
            values[key] = FailureKind(cast(str, values[key]))
    return cast(Callable[..., Message], cls)(**values)


def _check_field(message: str, name: str, annotation: str, value: object) -> None:
    if not _CHECKS[annotation](value):
        raise ProtocolError(f"A {message} message has a {name} that is no {annotation}.")


# --- bytes ---------------------------------------------------------------------------------------


@dataclass
class _Header:
    """The JSON part of a frame."""

    type: str
    fields: JsonObject = field(default_factory=dict[str, Any])
    arrays: dict[str, tuple[str, list[int]]] = field(
        default_factory=dict[str, tuple[str, list[int]]]
    )


def encode(message: Message) -> bytes:
    """The frame of one message. Raises ProtocolError for a field of the wrong type."""
    header = _Header(type(message).__name__)
    blobs: list[bytes] = []
    for entry in dataclasses.fields(message):
        dtype = _ARRAY_DTYPES.get(str(entry.type))
        value = _widened(getattr(message, entry.name), dtype)
        _check_field(header.type, entry.name, str(entry.type), value)
        if dtype is None:
            header.fields[entry.name] = value
        else:
            header.arrays[entry.name] = (dtype, list(value.shape))
            blobs.append(value.tobytes())
    text = _header_text(header)
    if len(text) > _MAX_HEADER_BYTES or max(map(len, blobs), default=0) > _MAX_ARRAY_BYTES:
        raise ProtocolError(f"A {header.type} message cannot be sent: it is too long.")
    return b"".join([_FRAME.pack(MAGIC, len(text)), text, *blobs])


def _widened(value: Any, dtype: str | None) -> Any:
    """An array of another width in the one that is sent; anything else as it is."""
    if dtype is None or not isinstance(value, np.ndarray):
        return value
    array = cast(AnyArray, value)
    return array.astype(dtype) if np.can_cast(array.dtype, dtype, "same_kind") else array


def _header_text(header: _Header) -> bytes:
    try:
        return json.dumps(vars(header)).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"A {header.type} message cannot be sent: {error}.") from error


def write_message(stream: BinaryIO, message: Message) -> None:
    """Send one message; see ``write_frame``. Raises ProtocolError as ``encode`` does."""
    write_frame(stream, encode(message))


def write_frame(stream: BinaryIO, frame: bytes) -> None:
    """Send an encoded message and flush it. Raises OSError when the other side has gone."""
    rest = memoryview(frame)
    while rest:
        # an unbuffered pipe may take a part only
        rest = rest[stream.write(rest) or 0 :]
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Wait for one message; None at a clean end of the stream, ProtocolError for anything else."""
    start = _read_exactly(stream, _FRAME.size, may_end=True)
    if not start:
        return None
    magic, header_bytes = cast(tuple[bytes, int], _FRAME.unpack(start))
    if magic != MAGIC or header_bytes > _MAX_HEADER_BYTES:
        raise ProtocolError("The other process sent something that is no message: restart Blender.")
    header = _parse_header(_read_exactly(stream, header_bytes))
    values: dict[str, object] = dict(header.fields)
    for name, (dtype, shape) in header.arrays.items():
        values[name] = _read_array(stream, dtype, shape)
    return _build(header.type, values)


def _parse_header(text: bytes) -> _Header:
    try:
        content = cast(JsonObject, json.loads(text))
        header = _Header(
            str(content["type"]),
            dict(content["fields"]),
            {
                str(name): (str(dtype), [int(n) for n in shape])
                for name, (dtype, shape) in dict(content["arrays"]).items()
            },
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ProtocolError("A damaged message arrived: restart Blender.") from error
    return header


def _read_array(stream: BinaryIO, dtype: str, shape: list[int]) -> AnyArray:
    if dtype not in _ARRAY_DTYPES.values() or any(n < 0 for n in shape):
        raise ProtocolError(f"An array of type {dtype!r} and shape {shape} arrived.")
    count = 1
    for n in shape:  # Python integers: a forged shape cannot overflow them
        count *= n
    size = count * np.dtype(dtype).itemsize
    if size > _MAX_ARRAY_BYTES:
        raise ProtocolError(f"An array of {size} bytes arrived: more than a message may have.")
    # frombuffer's view of the bytes is read-only; a copy is the caller's own
    return np.frombuffer(_read_exactly(stream, size), dtype=dtype).reshape(shape).copy()


def _read_exactly(stream: BinaryIO, count: int, may_end: bool = False) -> bytes:
    """``count`` bytes; b"" at the end of the stream if it may end here."""
    parts: list[bytes] = []
    missing = count
    while missing:
        part = stream.read(missing)
        if not part:
            if may_end and not parts:
                return b""
            raise ProtocolError("The other process ended in the middle of a message.")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
