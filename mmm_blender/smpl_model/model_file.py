"""Body model files (.npz, .pkl) as plain arrays, read without running code from them.

The published SMPL files are pickles of NumPy arrays, SciPy sparse matrices and, in the older ones,
chumpy arrays. ``pickled_arrays`` knows these few names, and any other is refused by name; SciPy and
chumpy need not be installed, because nothing that a pickle names is ever called.
"""

from __future__ import annotations

import lzma
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..common.arrays import AnyArray
from ..common.errors import MMMError
from ..common.pickle_data import BoundedStream, read_pickle
from ..common.untrusted import is_file
from .pickled_arrays import PythonObjectsError, dense, known_names

MOST_BYTES = 2**30
"""Of a model file: the largest published one has half of that."""

_MOST_ARRAY_BYTES = 2**27
"""Of one array: 400 shapes of 10,475 vertices are 100 MB."""

_KNOWN = frozenset(known_names())
# all that Python's and NumPy's readers raise at bytes that make no sense
_DAMAGE = (
    *(EOFError, AttributeError, ImportError, IndexError, KeyError),
    *(TypeError, ValueError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError),
    RuntimeError,  # an encrypted archive, an unknown compression, or arrays nested without end
)


def read_arrays(path: Path, names: Mapping[str, bool]) -> dict[str, AnyArray]:
    """The arrays called ``names`` of a body model file; True marks those that it must have.

    MMMError says what is wrong with the file.
    """
    try:
        if not is_file(path):
            raise MMMError(f"There is no file {path}: choose an SMPL, SMPL-H or SMPL-X model file.")
        if path.stat().st_size > MOST_BYTES:
            raise _damaged(path)
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
    if archive.zip.getinfo(f"{name}.npy").file_size > _MOST_ARRAY_BYTES:
        raise _damaged(path)
    try:
        return cast(AnyArray, archive[name])
    except ValueError as error:
        if "Object arrays" in str(error):
            raise _refusal(path.name, f"Python objects in '{name}'") from error
        raise


def _read_pickle(path: Path, names: Mapping[str, bool]) -> dict[str, AnyArray]:
    with path.open("rb") as file:
        stream = BoundedStream(file, path.stat().st_size)
        content = read_pickle(stream, _KNOWN, lambda name: _refusal(path.name, name))
    if not isinstance(content, dict):
        raise TypeError("not a dictionary of arrays")
    entries = cast(dict[object, object], content)
    return {name: _dense(path, name, entries[name]) for name in names if name in entries}


def _dense(path: Path, name: str, value: object) -> AnyArray:
    try:
        return dense(value)
    except PythonObjectsError as error:
        raise _refusal(path.name, f"Python objects in '{name}'") from error


def _refusal(file_name: str, what: str) -> MMMError:
    return MMMError(
        f"{file_name} asks for {what}, which no body model needs: it was not opened, because it "
        "could run code on this machine."
    )
