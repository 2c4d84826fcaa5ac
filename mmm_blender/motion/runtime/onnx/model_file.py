"""An ONNX model written byte by byte: the few messages of its format that our graphs use.

The graphs of MMM's networks are made here, in code, from a bundle's config and the shapes of its
weights: a bundle brings numbers and no graph, so that there is none that could be bad. Numbers of
the messages' fields are those of onnx.proto (ONNX IR version 10).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ....common.arrays import AnyArray

MICROSOFT = "com.microsoft"
"""Domain of ONNX Runtime's own operators."""

_IR_VERSION, _OPSET, _MICROSOFT_OPSET = 10, 21, 1
_VARINT, _FIXED32, _BYTES = 0, 5, 2  # wire types of protobuf
_FLOAT, _FLOAT16, _INT64, _INT32 = 1, 10, 7, 6  # TensorProto.DataType
_EXTERNAL = 1  # TensorProto.DataLocation
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7
_KINDS: Mapping[type[np.generic], int] = {
    np.float32: _FLOAT,
    np.float16: _FLOAT16,
    np.int64: _INT64,
    np.int32: _INT32,
}
_GIVEN = "given by the program"  # the place of external numbers: never a file

Attribute = float | int | Sequence[int]


def _varint(value: int) -> bytes:
    value &= 2**64 - 1  # negative numbers are written as 64 bits
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def _text(number: int, value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _float(2, value) + _number(20, _ATTRIBUTE_FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    numbers = b"".join(_number(8, each) for each in value)
    return _text(1, name) + numbers + _number(20, _ATTRIBUTE_INTS)


def _value_info(name: str, kind: int, shape: Iterable[str | int]) -> bytes:
    dims = b"".join(
        _text(1, _text(2, each) if isinstance(each, str) else _number(1, each)) for each in shape
    )
    return _text(1, name) + _text(2, _text(1, _number(1, kind) + _text(2, dims)))


@dataclass
class Graph:
    """An ONNX graph in the making. weights: float32 arrays that the session is given beside it.

    Every method that makes a value returns its name.
    """

    name: str
    weights: dict[str, AnyArray] = field(default_factory=dict[str, AnyArray])
    _nodes: list[bytes] = field(default_factory=list[bytes])
    _constants: list[bytes] = field(default_factory=list[bytes])
    _inputs: list[bytes] = field(default_factory=list[bytes])
    _outputs: list[bytes] = field(default_factory=list[bytes])
    _count: int = 0

    def input(self, name: str, shape: Sequence[str | int], kind: type[np.generic]) -> str:
        """A value that is given at every run; names stand for sizes that may change."""
        self._inputs.append(_value_info(name, _KINDS[kind], shape))
        return name

    def output(self, value: str, name: str, shape: Sequence[str | int]) -> None:
        """A float32 value that a run returns."""
        self._nodes.append(_text(1, value) + _text(2, name) + _text(4, "Identity"))
        self._outputs.append(_value_info(name, _FLOAT, shape))

    def weight(self, name: str, values: AnyArray) -> str:
        """Trained numbers as float32; they are given to the session beside the graph."""
        if values.dtype == np.float16:  # widened when the session opens, far sooner than by NumPy
            self.weights[name] = np.ascontiguousarray(values)
            return self.node("Cast", name, to=_FLOAT)
        self.weights[name] = np.ascontiguousarray(values, dtype=np.float32)
        return name

    def constant(self, *numbers: int) -> str:
        """A small list of whole numbers."""
        name = self._name("c")
        values = np.array(numbers, dtype=np.int64)
        self._constants.append(
            _number(1, len(values))
            + _number(2, _INT64)
            + _text(8, name)
            + _text(9, values.tobytes())
        )
        return name

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Attribute) -> str:
        """One operator with one output; "" for an input that is left out."""
        return self.nodes(kind, 1, *inputs, domain=domain, **attributes)[0]

    def nodes(
        self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: Attribute
    ) -> tuple[str, ...]:
        """One operator with several outputs."""
        names = tuple(self._name("v") for _ in range(outputs))
        self._nodes.append(
            b"".join(_text(1, each) for each in inputs)
            + b"".join(_text(2, each) for each in names)
            + _text(4, kind)
            + b"".join(_text(5, _attribute(*each)) for each in attributes.items())
            + (_text(7, domain) if domain else b"")
        )
        return names

    def content(self) -> bytes:
        """The model as a file holds it, without its weights."""
        graph = (
            b"".join(_text(1, each) for each in self._nodes)
            + _text(2, self.name)
            + b"".join(_text(5, each) for each in self._constants)
            + b"".join(_text(5, _external(*each)) for each in self.weights.items())
            + b"".join(_text(11, each) for each in self._inputs)
            + b"".join(_text(12, each) for each in self._outputs)
        )
        opsets = (("", _OPSET), (MICROSOFT, _MICROSOFT_OPSET))
        return (
            _number(1, _IR_VERSION)
            + _text(7, graph)
            + b"".join(_text(8, _text(1, name) + _number(2, version)) for name, version in opsets)
        )

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"


def _external(name: str, values: AnyArray) -> bytes:
    """A weight whose numbers are given to the session by name."""
    place = _text(13, _text(1, "location") + _text(2, _GIVEN))
    dims = b"".join(_number(1, each) for each in values.shape)
    return (
        dims
        + _number(2, _KINDS[values.dtype.type])
        + _text(8, name)
        + place
        + _number(14, _EXTERNAL)
    )
