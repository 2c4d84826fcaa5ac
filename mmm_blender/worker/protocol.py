"""What Blender and the worker say to each other: a closed set of messages, and their bytes.

A message is one frozen dataclass below. On the wire it is

    4 bytes  MAGIC
    4 bytes  length of the header, unsigned, little-endian
    header   UTF-8 JSON: {"type", "fields", "arrays": {name: [dtype, shape]}}
    arrays   raw little-endian values, C order, in the order of "arrays"

Nothing is pickled, so reading a message cannot run code. Both sides refuse a message that they
do not know, a field too many or too few, and a value of another type.

Array suffixes: T frames, J joints, V vertices, F faces, L token places, P body parts, 3 xyz,
4 quaternion w first. Model space: metres, Y up (see ``geometry.conventions``).
"""

from __future__ import annotations

import dataclasses
import json
import struct
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np

from ..geometry.conventions import AnyArray, FloatArray, IntArray
from ..geometry.errors import MMMError

PROTOCOL_VERSION = 1
"""Raised with every change of a message or of the framing; the two sides must agree."""

MAGIC = b"MMM\x01"
_FRAME = struct.Struct("<4sI")
_MAX_HEADER_BYTES = 16 * 2**20  # a prompt or a recipe is a few kilobytes
_MAX_ARRAY_BYTES = 2**30  # one body model is a few megabytes
_FLOAT_DTYPE = "<f8"
_INT_DTYPE = "<i8"

JsonObject: TypeAlias = dict[str, Any]

# Kinds of failure, so that a shell can offer the right button.
BAD_REQUEST = "bad_request"  # the person's input: said in the sentence
BUNDLE = "bundle"  # weights missing, damaged or of another version
OUT_OF_MEMORY = "out_of_memory"  # the sentence offers the CPU
CANCELLED = "cancelled"
ENVIRONMENT = "environment"  # this Python has no torch, or another version of the add-on answers
WORKER_ENDED = "worker_ended"  # the process crashed or was killed; the next job starts a new one
INTERNAL = "internal"  # a bug: the log has the traceback

FAILURE_KINDS = (
    BAD_REQUEST,
    BUNDLE,
    OUT_OF_MEMORY,
    CANCELLED,
    ENVIRONMENT,
    WORKER_ENDED,
    INTERNAL,
)

# Stages of a job, as Progress names them.
STAGE_LOADING = "loading"
STAGE_GENERATING = "generating"

AUTO_DEVICE = "auto"
"""The first GPU if there is one, then Apple's MPS, then the CPU."""


PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
_MANIFEST = "blender_manifest.toml"


@cache
def package_version() -> str:
    """The version that blender_manifest.toml says, which both sides must share.

    In the installed extension the manifest lies inside the package, in a checkout beside it.
    "unknown" without a manifest: a copy of the package alone still works with itself.
    """
    for folder in (PACKAGE_FOLDER, PACKAGE_FOLDER.parent):
        manifest = folder / _MANIFEST
        if manifest.is_file():
            return str(tomllib.loads(manifest.read_text(encoding="utf-8"))["version"])
    return "unknown"


class ProtocolError(MMMError):
    """The bytes are not a message of this protocol."""


class WorkerError(MMMError):
    """A job failed; ``kind`` is one of FAILURE_KINDS."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


# --- Blender to worker ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """First message of a connection. The worker answers Ready, or Failed(environment)."""

    package_version: str
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class LoadBundle:
    """Hold this bundle in memory. Answered by BundleLoaded, at once when it is held already.

    path: the bundle's folder. device: AUTO_DEVICE or an id of Ready.devices. threads: CPU threads,
    0 for torch's own choice. idle_minutes: memory is freed after that long without a job (the next
    job loads the bundle again), 0 or less for never.
    """

    path: str
    device: str = AUTO_DEVICE
    threads: int = 0
    idle_minutes: float = 0.0


@dataclass(frozen=True)
class Generate:
    """One motion from one prompt with the bundle of the last LoadBundle.

    Answered by Progress messages, then Generated or Failed with the same job number.
    sampler: fields of the bundle's SamplerConfig to change, None for none.
    """

    job: int
    prompt: str
    seconds: float
    seed: int = 0
    sampler: JsonObject | None = None


@dataclass(frozen=True)
class LoadBodyModel:
    """Read a person's own SMPL, SMPL-H or SMPL-X file (.npz or .pkl).

    betas: shape coefficients, as many as wanted. gender: "neutral", "female" or "male".
    Answered by BodyModelLoaded or Failed with the same job number.
    """

    job: int
    path: str
    betas: tuple[float, ...] = ()
    gender: str = "neutral"


@dataclass(frozen=True)
class Cancel:
    """End a job at its next step. The job answers Failed(cancelled), or its result if it won."""

    job: int


@dataclass(frozen=True)
class Shutdown:
    """End the worker (so does the end of its input)."""


# --- worker to Blender ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Ready:
    """The worker understood Hello.

    torch_version: "" when this Python cannot import torch; ``reason`` then says why in a sentence.
    devices: id ("cpu", "cuda:0", "mps") to a name for people.
    """

    package_version: str
    torch_version: str
    devices: dict[str, str]
    reason: str = ""
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class BundleLoaded:
    """info: name, hash, licence, layout, parts, min_seconds, max_seconds, parameters, device."""

    info: JsonObject


@dataclass(frozen=True)
class Progress:
    """``step`` of ``steps`` done (0 of 0: not known yet). stage: one of STAGE_*."""

    job: int
    step: int
    steps: int
    stage: str


@dataclass(frozen=True, eq=False)
class Generated:
    """A finished motion, as the fields of a MotionClip, and how to make it again.

    rotations_TJ4: (T, 22, 4) local rotations, w first. root_T3: pelvis, metres, model space.
    tokens_LP: the token grid. recipe: JSON with the keys prompt, seconds, seed, bundle,
    bundle_hash, sampler (all of its settings), device, threads, torch_version, addon_version and
    tokens (L rows of P numbers).
    """

    job: int
    rotations_TJ4: FloatArray
    root_T3: FloatArray
    fps: float
    twist_estimated: bool
    tokens_LP: IntArray
    recipe: JsonObject


@dataclass(frozen=True, eq=False)
class BodyModelLoaded:
    """A body in rest pose with its skinning, metres, model space.

    kind: "smpl", "smplh" or "smplx". vertices_V3; faces_F3: triangles of vertex indices;
    joints_J3: rest positions; parents_J: -1 for the root; weights_VJ: each row sums to 1.
    """

    job: int
    kind: str
    joint_names: tuple[str, ...]
    vertices_V3: FloatArray
    faces_F3: IntArray
    joints_J3: FloatArray
    parents_J: IntArray
    weights_VJ: FloatArray


@dataclass(frozen=True)
class Status:
    """Sent after each job and when memory was freed.

    memory_mb: main memory of the worker, MiB. device_memory_mb: memory held on the GPU, MiB, 0 on
    the CPU. bundle: name of the bundle in memory, "" for none.
    """

    device: str
    memory_mb: float
    device_memory_mb: float = 0.0
    bundle: str = ""


@dataclass(frozen=True)
class Failed:
    """A job (None: the connection or a LoadBundle) ended without a result.

    kind: one of FAILURE_KINDS. message: one sentence for the person.
    """

    job: int | None
    kind: str
    message: str


ClientMessage: TypeAlias = Hello | LoadBundle | Generate | LoadBodyModel | Cancel | Shutdown
WorkerMessage: TypeAlias = (
    Ready | BundleLoaded | Progress | Generated | BodyModelLoaded | Status | Failed
)
Message: TypeAlias = ClientMessage | WorkerMessage

MESSAGE_TYPES: dict[str, type[Message]] = {
    cls.__name__: cls
    for cls in (
        *(Hello, LoadBundle, Generate, LoadBodyModel, Cancel, Shutdown),
        *(Ready, BundleLoaded, Progress, Generated, BodyModelLoaded, Status, Failed),
    )
}


# --- checks at the door --------------------------------------------------------------------------


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
    "str": _is_text,
    "tuple[str, ...]": lambda value: _is_sequence_of(value, _is_text),
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
