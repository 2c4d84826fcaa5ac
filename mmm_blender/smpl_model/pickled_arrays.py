"""Arrays that a body model's pickle describes: NumPy's, SciPy's sparse matrices and chumpy's.

Neither package is asked to rebuild them: number types and shapes are read as text and whole
numbers, and checked against the bytes that the pickle holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from ..common.arrays import AnyArray
from ..common.pickle_data import Made

ENCODING = "latin1"
"""Python 2 wrote text and bytes alike; this keeps every byte."""

MOST_CELLS = 2**24
"""Of a sparse matrix: 55 joints of 10,475 vertices are half a million."""

_NUMBER = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
_ORDERS = ("<", ">", "|", "=")
_ARRAY_STATE, _DTYPE_STATE = (
    5,
    5,
)  # version, shape, dtype, column by column, bytes; see _number_type
_COLUMN_ORDER = "F"


class PythonObjectsError(ValueError):
    """An array that holds Python objects, or anything but plain numbers."""


def known_names() -> Iterator[str]:
    """Every global that a body model's pickle may name."""
    for core in ("numpy.core", "numpy._core"):
        yield from (f"{core}.multiarray._reconstruct", f"{core}.multiarray.scalar")
        yield f"{core}.numeric._frombuffer"
    yield from ("numpy.ndarray", "numpy.dtype")
    for kind in ("csc", "csr"):
        yield from (f"scipy.sparse.{kind}.{kind}_matrix", f"scipy.sparse._{kind}.{kind}_matrix")
    yield from ("chumpy.ch.Ch", "chumpy.reordering.Select", "_codecs.encode")
    # Python 3's names, and Python 2's of the same
    yield from ("copyreg._reconstructor", "copy_reg._reconstructor")
    for builtins in ("builtins", "__builtin__"):
        yield from (f"{builtins}.object", f"{builtins}.set", f"{builtins}.bytes")


def dense(value: object) -> AnyArray:
    """The array that a part of a pickle stands for. Raises ValueError, TypeError or KeyError where
    it stands for none, and PythonObjectsError."""
    if not isinstance(value, Made):
        raise TypeError("no array")
    name = _kind(value)
    if name not in _READERS:
        raise TypeError(f"{name} is no array")
    return _READERS[name](value)


def _kind(made: Made) -> str:
    """Which class or function an object comes from, without the module's older name."""
    called = made.name
    if called.endswith("_reg._reconstructor") or called == "copyreg._reconstructor":
        called = cast(Any, made.arguments[0]).text
    return called.rsplit(".", 1)[-1]


def _state(made: Made) -> dict[str, object]:
    if not isinstance(made.state, dict):
        raise TypeError("an object of an unknown state")
    return cast(dict[str, object], made.state)


def _array(made: Made) -> AnyArray:
    """numpy.ndarray of the protocols 0 to 4."""
    if not isinstance(made.state, tuple) or len(cast(Sequence[Any], made.state)) != _ARRAY_STATE:
        raise TypeError("an array of an unknown state")
    _version, shape, dtype, by_columns, content = cast(tuple[Any, ...], made.state)
    return _filled(dtype, shape, content, _COLUMN_ORDER if by_columns else "C")


def _buffer(made: Made) -> AnyArray:
    """numpy.ndarray of protocol 5."""
    content, dtype, shape, order = cast(tuple[Any, ...], made.arguments)
    return _filled(dtype, shape, content, order)


def _filled(dtype: object, shape: object, content: object, order: str) -> AnyArray:
    """An array of exactly these bytes."""
    number = _number_type(dtype)
    sizes = _whole_numbers(shape)
    values = _bytes(content)
    if math.prod(sizes) * number.itemsize != len(values):
        raise ValueError("an array whose shape does not fit its bytes")
    layout = "F" if order == _COLUMN_ORDER else "C"
    return np.frombuffer(values, number).reshape(sizes, order=layout)


def _number_type(described: object) -> np.dtype[Any]:
    """The number type of a pickled numpy.dtype."""
    if not isinstance(described, Made) or _kind(described) != "dtype":
        raise TypeError("no number type")
    code = described.arguments[0]
    state = cast(tuple[Any, ...], described.state or (3, "|", None, None, None))
    if not isinstance(code, str) or len(state) < _DTYPE_STATE:
        raise TypeError("no number type")
    found = _NUMBER.fullmatch(code)
    if found is None or state[1] not in _ORDERS or any(each is not None for each in state[2:5]):
        raise PythonObjectsError(code[:20])
    return np.dtype(str(state[1]).replace("|", "<") + found[1])


def _bytes(content: object) -> bytes:
    """Bytes, in each of the ways in which Pythons have written them."""
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    if isinstance(content, str):
        return content.encode(ENCODING)
    if isinstance(content, Made) and content.name.endswith(".bytes") and not content.arguments:
        return b""
    if isinstance(content, Made) and content.name == "_codecs.encode":
        text, encoding = content.arguments
        if isinstance(text, str) and encoding == ENCODING:
            return text.encode(ENCODING)
    if isinstance(content, list):
        raise PythonObjectsError("a list")
    raise TypeError("no bytes")


def _whole_numbers(shape: object) -> tuple[int, ...]:
    sizes = cast(tuple[Any, ...], shape if isinstance(shape, tuple) else (shape,))
    if not all(type(size) is int and size >= 0 for size in sizes):
        raise TypeError("no shape")
    return sizes


def _sparse_columns(made: Made) -> AnyArray:
    """scipy.sparse.csc_matrix: column c holds data[indptr[c]:indptr[c+1]] at those rows."""
    state = _state(made)
    rows, columns = _whole_numbers(state.get("_shape", state.get("shape")))
    return _spread(state, rows, columns)


def _sparse_rows(made: Made) -> AnyArray:
    """scipy.sparse.csr_matrix: the same with rows and columns exchanged."""
    state = _state(made)
    rows, columns = _whole_numbers(state.get("_shape", state.get("shape")))
    return _spread(state, columns, rows).T


def _spread(state: dict[str, object], rows: int, columns: int) -> AnyArray:
    """(rows, columns)."""
    data, at, starts = (dense(state[key]) for key in ("data", "indices", "indptr"))
    if rows * columns > MOST_CELLS or starts.shape != (columns + 1,) or data.shape != at.shape:
        raise ValueError("a sparse matrix whose parts do not fit")
    counts = np.diff(starts.astype(np.int64))
    inside = (at >= 0) & (at < rows)
    if (counts < 0).any() or counts.sum() != len(data) or not inside.all():
        raise ValueError("a sparse matrix whose parts do not fit")
    result = np.zeros((rows, columns))
    np.add.at(result, (at.astype(np.int64), np.repeat(np.arange(columns), counts)), data)
    return result


def _selection(made: Made) -> AnyArray:
    """chumpy.reordering.Select: some elements of another array, in a shape of its own."""
    state = _state(made)
    chosen = dense(state["a"]).ravel()[dense(state["idxs"])]
    shape = state.get("preferred_shape")
    return chosen if shape is None else chosen.reshape(_whole_numbers(shape))


_Reader: TypeAlias = Callable[[Made], AnyArray]

_READERS: dict[str, _Reader] = {
    "_reconstruct": _array,
    "_frombuffer": _buffer,
    "csc_matrix": _sparse_columns,
    "csr_matrix": _sparse_rows,
    "Ch": lambda made: dense(_state(made)["x"]),
    "Select": _selection,
}
