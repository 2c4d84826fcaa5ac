"""Body model files (.npz, .pkl) as plain arrays, read without running code from them.

The published SMPL files are pickles of NumPy arrays, SciPy sparse matrices and, in the older ones,
chumpy arrays. Our unpickler knows these few names and refuses any other by name; SciPy and chumpy
need not be installed, because small stand-ins take their state.

V vertices, J joints.
"""

from __future__ import annotations

import lzma
import pickle
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ..common.arrays import AnyArray
from ..common.errors import MMMError

# Python 2 wrote text and bytes alike; this keeps every byte
_ENCODING = "latin1"
_NEWEST_PROTOCOL = 5  # NumPy has another way for it
# all that Python's and NumPy's readers raise at bytes that make no sense
_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError),
    *(TypeError, ValueError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError),
    RuntimeError,  # an encrypted archive, an unknown compression, or arrays nested without end
)


def read_arrays(path: Path, names: Mapping[str, bool]) -> dict[str, AnyArray]:
    """The arrays called ``names`` of a body model file; True marks those that it must have.

    MMMError says what is wrong with the file.
    """
    try:
        if not path.is_file():
            raise MMMError(f"There is no file {path}: choose an SMPL, SMPL-H or SMPL-X model file.")
        arrays = _read_npz(path, names) if zipfile.is_zipfile(path) else _read_pickle(path, names)
    except OSError as error:
        if error.errno is None:  # not the system's: bz2's word for damaged bytes
            raise _damaged(path) from error
        raise MMMError(
            f"{path.name} cannot be read ({error.strerror}): mend that first."
        ) from error
    except _DAMAGE as error:
        raise _damaged(path) from error
    missing = sorted(name for name, needed in names.items() if needed and name not in arrays)
    if missing:
        raise MMMError(
            f"{path.name} has no {', '.join(missing)}: choose an SMPL, SMPL-H or SMPL-X model file."
        )
    return arrays


def _damaged(path: Path) -> MMMError:
    return MMMError(
        f"{path.name} is no body model or is damaged: choose an SMPL, SMPL-H or SMPL-X file."
    )


def _read_npz(path: Path, names: Mapping[str, bool]) -> dict[str, AnyArray]:
    """Only the wanted members are opened: the others may be Python objects."""
    with np.load(path, allow_pickle=False) as archive:
        found = [name for name in names if name in archive.files]
        return {name: _member(archive, name, path) for name in found}


def _member(archive: Any, name: str, path: Path) -> AnyArray:
    try:
        return cast(AnyArray, archive[name])
    except ValueError as error:
        if "Object arrays" in str(error):
            raise _refusal(path.name, f"Python objects in '{name}'") from error
        raise


def _read_pickle(path: Path, names: Mapping[str, bool]) -> dict[str, AnyArray]:
    with path.open("rb") as file:
        content: object = _ArrayUnpickler(file, path.name).load()
    if not isinstance(content, dict):
        raise TypeError("not a dictionary of arrays")
    entries = cast(dict[object, object], content)
    return {name: _dense(entries[name]) for name in names if name in entries}


def _refusal(file_name: str, what: str) -> MMMError:
    return MMMError(
        f"{file_name} asks for {what}, which no body model needs: it was not opened, because it "
        "could run code on this machine."
    )


class _StandIn:
    """Takes the place of an object of SciPy or chumpy and only keeps its state."""

    def __init__(self, *_arguments: object) -> None:
        self.state: dict[str, object] = {}

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise TypeError("unknown state")
        self.state = {str(k): v for k, v in cast(dict[object, object], state).items()}

    def dense(self) -> AnyArray:
        """The values as a plain array."""
        raise NotImplementedError


class _SparseColumns(_StandIn):
    """scipy.sparse.csc_matrix: column c holds data[indptr[c]:indptr[c+1]] at those rows."""

    def dense(self) -> AnyArray:
        """(rows, columns)."""
        data, rows, starts = (_dense(self.state[key]) for key in ("data", "indices", "indptr"))
        shape = cast(tuple[int, int], self.state.get("_shape", self.state.get("shape")))
        result = np.zeros(shape)
        columns = np.repeat(np.arange(shape[1]), np.diff(starts))
        np.add.at(result, (rows, columns), data)
        return result


class _SparseRows(_SparseColumns):
    """scipy.sparse.csr_matrix: the same with rows and columns exchanged."""

    def dense(self) -> AnyArray:
        """(rows, columns)."""
        rows, columns = cast(tuple[int, int], self.state.get("_shape", self.state.get("shape")))
        flipped = _SparseColumns()
        flipped.state = self.state | {"_shape": (columns, rows)}
        return flipped.dense().T


class _ChumpyArray(_StandIn):
    """chumpy.ch.Ch: an array called x."""

    def dense(self) -> AnyArray:
        """Any shape."""
        return _dense(self.state["x"])


class _ChumpySelection(_StandIn):
    """chumpy.reordering.Select: some elements of another array, in a shape of its own."""

    def dense(self) -> AnyArray:
        """Any shape."""
        chosen = _dense(self.state["a"]).ravel()[_dense(self.state["idxs"])]
        shape = self.state.get("preferred_shape")
        return chosen if shape is None else chosen.reshape(cast(tuple[int, ...], shape))


def _dense(value: object) -> AnyArray:
    return value.dense() if isinstance(value, _StandIn) else np.asarray(value)


def _reconstruct(cls: type[object], base: type[object], state: object) -> object:
    """What copyreg._reconstructor does, for our stand-ins only."""
    if not issubclass(cls, _StandIn) or base is not object or state is not None:
        raise pickle.UnpicklingError("not a stand-in")
    return cls()


def _bytes(text: str, encoding: str) -> bytes:
    """What _codecs.encode does for the bytes in pickles of protocol 2."""
    if encoding != _ENCODING:
        raise pickle.UnpicklingError("not bytes")
    return text.encode(_ENCODING)


def _no_bytes() -> bytes:
    """How Python 3 writes empty bytes in pickles of protocol 2."""
    return b""


def _scalar(dtype: np.dtype[Any], content: bytes) -> object:
    """A NumPy number."""
    return np.frombuffer(content, dtype)[0]  # refuses Python objects


def _allowed() -> Iterator[tuple[str, Any]]:
    """Every global that a model file may name, and what it gets."""
    for core in ("numpy.core", "numpy._core"):
        yield f"{core}.multiarray._reconstruct", np.ndarray.__reduce__(np.zeros(0))[0]
        yield f"{core}.multiarray.scalar", _scalar
        yield f"{core}.numeric._frombuffer", np.zeros(0).__reduce_ex__(_NEWEST_PROTOCOL)[0]
    yield from (("numpy.ndarray", np.ndarray), ("numpy.dtype", np.dtype))
    for module in ("csc", "_csc"):
        yield f"scipy.sparse.{module}.csc_matrix", _SparseColumns
    for module in ("csr", "_csr"):
        yield f"scipy.sparse.{module}.csr_matrix", _SparseRows
    yield from (
        ("chumpy.ch.Ch", _ChumpyArray),
        ("chumpy.reordering.Select", _ChumpySelection),
        ("_codecs.encode", _bytes),
        ("copyreg._reconstructor", _reconstruct),
        ("copy_reg._reconstructor", _reconstruct),  # Python 2's name of the same
    )
    for builtins in ("builtins", "__builtin__"):  # again Python 3's and 2's
        yield from ((f"{builtins}.object", object), (f"{builtins}.set", set))
        yield f"{builtins}.bytes", _no_bytes


_ALLOWED: dict[str, Callable[..., object]] = dict(_allowed())


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the globals of ``_ALLOWED`` and no other."""

    def __init__(self, file: BinaryIO, file_name: str) -> None:
        super().__init__(file, encoding=_ENCODING)
        self._file_name = file_name

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Called for every global that the file names."""
        name = f"{module_name}.{global_name}"
        if name not in _ALLOWED:
            raise _refusal(self._file_name, name)
        return _ALLOWED[name]
