"""The tensors in a file of ``torch.save``, read without torch's loader: nothing in it is called.

Both of the file's forms are known: an archive (since torch 1.6), and what was written before. Types
and shapes are read as text and whole numbers, and checked against the bytes of their storage.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor

from ...common.pickle_data import BoundedStream, Made, Name, Persistent, PickleError, read_pickle

MOST_BYTES = 2**32
"""Of a file: the published ones have some hundred megabytes."""

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_LENGTH = struct.Struct("<q")
_STORAGE_FIELDS = 5  # "storage", type, key, device, count
_KINDS: Mapping[str, torch.dtype] = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}
_DICTIONARY = "collections.OrderedDict"
_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_KNOWN = frozenset((*_KINDS, _DICTIONARY, _TENSOR, _PARAMETER))

Refusal: TypeAlias = Callable[[str], Exception]
_Storages: TypeAlias = Callable[[str], bytes]


@dataclass(frozen=True)
class _Storage:
    """What a tensor lies in. count: of its numbers."""

    kind: torch.dtype
    key: str
    count: int


def read_tensor_file(path: Path, refusal: Refusal) -> object:
    """The file's content: dictionaries, lists, plain values, and tensors on the CPU.

    Raises what ``refusal`` makes of the first name in it that is not one of a tensor's, ValueError
    (PickleError, BadZipFile and others) where it is no such file, and OSError.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise PickleError("too large a file")
    if not zipfile.is_zipfile(path):
        return _read_stream(path, size, refusal)
    with zipfile.ZipFile(path) as archive:
        return _read_archive(archive, size, refusal)


def _read_archive(archive: zipfile.ZipFile, size: int, refusal: Refusal) -> object:
    """Members are kept as they are, so what is read is never more than the file has."""
    pickled = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
    if pickled is None or any(each.compress_type for each in archive.infolist()):
        raise PickleError("no archive of tensors")
    if sum(each.file_size for each in archive.infolist()) > size:
        raise PickleError("members that lie over each other")
    text = archive.read(pickled)
    content = read_pickle(BoundedStream(io.BytesIO(text), len(text)), _KNOWN, refusal)
    folder = pickled.removesuffix("data.pkl")
    return _Reading(lambda key: archive.read(f"{folder}data/{key}")).value(content)


def _read_stream(path: Path, size: int, refusal: Refusal) -> object:
    """The older form: five pickles, and then the storages one behind the other."""
    with path.open("rb") as file:
        stream = BoundedStream(file, size)
        magic, _version, _system, content, keys = (
            read_pickle(stream, _KNOWN, refusal) for _ in range(5)
        )
        if magic != _MAGIC_NUMBER or not isinstance(keys, list):
            raise PickleError("no file of tensors")
        wanted = {each.key: each for each in _storages(content)}
        kept = {key: _next_storage(stream, wanted[key]) for key in cast("list[str]", keys)}
    return _Reading(kept.__getitem__).value(content)


def _next_storage(stream: BoundedStream, storage: _Storage) -> bytes:
    (count,) = _LENGTH.unpack(stream.read(_LENGTH.size))
    if count != storage.count:
        raise PickleError("a storage of another length")
    return stream.read(storage.count * storage.kind.itemsize)


def _storages(content: object) -> Iterator[_Storage]:
    """Every storage that a content names, each object looked at once."""
    seen: set[int] = set()
    waiting = [content]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Persistent):
            yield _storage(each)
        elif isinstance(each, dict | list | tuple | Made) and id(each) not in seen:
            seen.add(id(each))
            waiting += _parts(each)


def _parts(value: Any) -> list[object]:
    if isinstance(value, Made):
        return [*value.arguments, *value.items.values()]
    return list(value.values() if isinstance(value, dict) else value)


def _storage(reference: object) -> _Storage:
    key = reference.key if isinstance(reference, Persistent) else None
    fields = cast("tuple[Any, ...]", key if isinstance(key, tuple) else ())
    if len(fields) < _STORAGE_FIELDS or any(each is not None for each in fields[_STORAGE_FIELDS:]):
        raise PickleError("a storage of an unknown form")
    _, kind, name, _, count = fields[:_STORAGE_FIELDS]
    if not isinstance(kind, Name) or not isinstance(name, str) or not _is_size(count):
        raise PickleError("a storage of an unknown form")
    return _Storage(_KINDS[kind.text], name, count)


def _is_size(value: object) -> bool:
    return type(value) is int and value >= 0


class _Reading:
    """Values of a file. read: the bytes of a storage, by its key; each is read once."""

    def __init__(self, read: _Storages) -> None:
        self._read = read
        self._kept: dict[_Storage, Tensor] = {}

    def value(self, content: Any, depth: int = 0) -> object:
        """A part of the file with its tensors: dictionaries in dictionaries, no deeper; what lies
        in lists and other objects stays a description."""
        if isinstance(content, Made) and content.name == _DICTIONARY:
            content = content.items
        if isinstance(content, dict) and depth <= 1:
            entries = cast("dict[object, object]", content)
            return {name: self.value(each, depth + 1) for name, each in entries.items()}
        if isinstance(content, Made) and content.name in (_TENSOR, _PARAMETER):
            return self._tensor(content)
        return content

    def _tensor(self, made: Made) -> Tensor:
        if made.name == _PARAMETER:
            inner = made.arguments[0]
            if not isinstance(inner, Made) or inner.name != _TENSOR:
                raise PickleError("a parameter that is no tensor")
            made = inner
        reference, start, sizes, strides = cast("tuple[Any, ...]", made.arguments)[:4]
        values = self._values(_storage(reference))
        if not all(map(_is_size, (start, *sizes, *strides))) or len(sizes) != len(strides):
            raise PickleError("a tensor of an unknown form")
        last = start + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
        if math.prod(sizes) > len(values) or (math.prod(sizes) and last >= len(values)):
            raise PickleError("a tensor beyond its storage")
        return values.as_strided(sizes, strides, start).clone()

    def _values(self, storage: _Storage) -> Tensor:
        if storage not in self._kept:
            content = self._read(storage.key)
            if len(content) != storage.count * storage.kind.itemsize:
                raise PickleError("a storage of another length")
            flat = torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else None
            empty = torch.empty(0, dtype=storage.kind)
            self._kept[storage] = empty if flat is None else flat.view(storage.kind)
        return self._kept[storage]
