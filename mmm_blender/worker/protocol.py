"""What Blender and the worker say to each other: a closed set of messages.

A message is one frozen dataclass; ``wire`` turns it into bytes and back. The client numbers jobs
(``job``), and answers carry the same number. Both sides refuse a message that they do not know, a
field too many or too few, and a value of another type.

Array suffixes: T frames, J joints, V vertices, F faces, L token places, P body parts, 3 xyz,
4 quaternion w first. Model space: metres, Y up (see ``geometry.conventions``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias, get_args

import numpy as np

from ..common.arrays import FloatArray, IntArray
from ..common.errors import MMMError
from ..geometry.clip import MotionClip
from .preview_messages import Finish, Previewed

PROTOCOL_VERSION = 6
"""Raised with every change of a message or of the framing; the two sides must agree."""

JsonObject: TypeAlias = dict[str, Any]


class FailureKind(StrEnum):
    """Why a job ended without a result, so that the panel can offer the button that helps."""

    BAD_REQUEST = "bad_request"
    """What the person asked for cannot be done; the sentence says why."""
    BUNDLE = "bundle"
    """The weights are missing, damaged or of another version."""
    OUT_OF_MEMORY = "out_of_memory"
    """The memory of the device is exhausted; the sentence offers the CPU."""
    DEVICE = "device"
    """A GPU failed: no kernels for it in this build, or its driver; the sentence offers the CPU."""
    CANCELLED = "cancelled"
    ENVIRONMENT = "environment"
    """This Python cannot run the model, or another version of the add-on answers."""
    BLOCKED = "blocked"
    """The system did not let the worker start; the next press tries again."""
    WORKER_ENDED = "worker_ended"
    """The process crashed or was killed; the next job starts a new one."""
    INTERNAL = "internal"
    """A bug: the log has the traceback."""


# Stages of a job, as Progress names them.
STAGE_LOADING, STAGE_GENERATING, STAGE_IMPORTING = "loading", "generating", "importing"

MOST_TAKES, MOST_TRIES = 8, 32
"""Motions of one job, and motions that are tried for one whose prompt claims something."""

AUTO_DEVICE = "auto"
"""The first GPU if there is one, then Apple's MPS, then the CPU."""


class ProtocolError(MMMError):
    """The bytes are not a message of this protocol."""


class WorkerError(MMMError):
    """A job failed, for a reason of the kind ``kind``."""

    def __init__(self, message: str, kind: FailureKind) -> None:
        super().__init__(message)
        self.kind = kind


def sampled() -> IntArray:
    """Tokens (0, 0): none are given, so they are sampled."""
    return np.zeros((0, 0), dtype=np.int64)


def _no_rotations() -> FloatArray:
    return np.zeros((0, 0, 0, 4))


def _no_roots() -> FloatArray:
    return np.zeros((0, 0, 3))


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
    0 for one a core. idle_minutes: memory is freed after that long without a job (the next
    job loads the bundle again), 0 or less for never.
    """

    path: str
    device: str = AUTO_DEVICE
    threads: int = 0
    idle_minutes: float = 0.0


@dataclass(frozen=True, eq=False)
class Generate:
    """One motion from one prompt with the bundle of the last LoadBundle.

    Answered by Progress messages, then Generated or Failed with the same job number.
    sampler: fields of the bundle's SamplerConfig to change, None for none. fps: rate of the answer,
    0 for the model's own. pin_feet: feet on the floor are kept in place. tokens_LP: tokens of an
    earlier answer to be decoded again without sampling (a replay); (0, 0) to sample.
    conditions: what the motion has to meet, as ``to_json`` of ``geometry.editing.conditions`` gives
    it. With a path the answer stands on it, seconds may exceed the bundle's longest clip, and 0
    means as long as the path takes; with a pose to start from it stands where that does.
    takes: how many motions are wanted, 1 to MOST_TAKES, of this seed and the next ones.
    preview: Previewed is sent meanwhile, of the first of them; the result is the same.
    loop: the motion is to go round, with no conditions; the answer ends with its first frame, a
    round later. loop_span: of an earlier answer's recipe, with its tokens_LP; () for a new loop.
    """

    prompt: str
    seconds: float
    seed: int = 0
    sampler: JsonObject | None = None
    fps: float = 0.0
    pin_feet: bool = True
    tokens_LP: IntArray = field(default_factory=sampled)
    conditions: JsonObject = field(default_factory=dict[str, Any])
    takes: int = field(default=1, kw_only=True)
    preview: bool = field(default=False, kw_only=True)
    loop: bool = field(default=False, kw_only=True)
    loop_span: tuple[int, ...] = field(default=(), kw_only=True)
    job: int = field(default=0, kw_only=True)


@dataclass(frozen=True, eq=False)
class Edit:
    """Cells of a motion, regenerated with the bundle of the last LoadBundle. Answered as Generate.

    rotations_TJ4, root_T3, fps: the motion that is there, as the fields of a MotionClip, with
    frames (of any content) where it is to grow. mask_TJ: (T, 22), 1 where a joint's rotation is
    regenerated, 0 where it is kept bit for bit; mask_root_T: (T,), the same for the pelvis' place.
    prompt: "" for what fits in without a text. moves_after: the motion may end elsewhere than the
    frames behind the mask begin; Generated.ground_move tells what carries those there.
    sampler, pin_feet, tokens_LP, takes, preview: as in Generate. conditions: but for starts and
    ends; in the space of the motion, pins in its seconds, times of a path from the mask's start on.
    """

    rotations_TJ4: FloatArray
    root_T3: FloatArray
    fps: float
    mask_TJ: IntArray
    mask_root_T: IntArray
    prompt: str = ""
    seed: int = 0
    sampler: JsonObject | None = None
    pin_feet: bool = True
    moves_after: bool = False
    tokens_LP: IntArray = field(default_factory=sampled)
    conditions: JsonObject = field(default_factory=dict[str, Any])
    takes: int = field(default=1, kw_only=True)
    preview: bool = field(default=False, kw_only=True)
    job: int = field(default=0, kw_only=True)


@dataclass(frozen=True, eq=False)
class GenerateSequence:
    """Several prompts in a row as one motion. Answered as Generate is.

    prompts, seconds, seeds: one for each segment; the segments' borders lie at the sums of
    seconds. sampler, fps, pin_feet, tokens_LP: as in Generate; takes too, with the next seeds of
    all segments. conditions: the same; path, start and end are those of the whole.
    """

    prompts: tuple[str, ...]
    seconds: tuple[float, ...]
    seeds: tuple[int, ...]
    fps: float = 0.0
    sampler: JsonObject | None = None
    pin_feet: bool = True
    tokens_LP: IntArray = field(default_factory=sampled)
    conditions: JsonObject = field(default_factory=dict[str, Any])
    takes: int = field(default=1, kw_only=True)
    preview: bool = field(default=False, kw_only=True)
    job: int = field(default=0, kw_only=True)


@dataclass(frozen=True)
class LoadBodyModel:
    """Read a person's own SMPL, SMPL-H or SMPL-X file (.npz or .pkl).

    betas: shape coefficients, as many as wanted. gender: "neutral", "female" or "male".
    Answered by BodyModelLoaded or Failed with the same job number.
    """

    path: str
    betas: tuple[float, ...] = ()
    gender: str = "neutral"
    job: int = field(default=0, kw_only=True)


@dataclass(frozen=True)
class ImportCheckpoint:
    """Turn a published checkpoint into a bundle in the new folder ``out``; needs torch.

    tokenizer, transformer: the authors' .pth files. mean, std: of the features, .npy. clip: the
    folder of CLIP ViT-B/32. heads: of the transformer's attention. name: what the bundle is called.
    Answered by Progress, then CheckpointImported or Failed with the same job number.
    """

    tokenizer: str
    transformer: str
    mean: str
    std: str
    clip: str
    out: str
    name: str
    heads: int = 16
    job: int = field(default=0, kw_only=True)


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

    torch_version: "" for none. reason: why this Python makes no motion, "" where it makes one.
    devices: id ("cpu", "cuda:0", "mps") to a name for people.
    """

    package_version: str
    torch_version: str
    devices: dict[str, str]
    reason: str = ""
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class BundleLoaded:
    """info: name, hash, licence, layout, parts, min_seconds, max_seconds, parameters, device.

    Its ``edits`` lists the body parts of a mask that the bundle can make: "all", "lower", "upper".
    """

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
    tokens_LP: the token grid. recipe: JSON with the keys bundle, bundle_hash, sampler (all of its
    settings), device, threads, torch_version, addon_version, tokens (L rows of P numbers),
    pin_feet, fps, and what was asked for: prompt, seconds, seed, of a loop also loop_span (first
    and stop of the sampled motion's frames) and seam (see ``seam_ratio``); of an Edit prompt, seed,
    moves_after, and arrival_mps, how fast the body was led to arrive (m/s); of a GenerateSequence
    prompts, seconds, seeds; of all conditions. notes: sentences of what could not be met.
    ground_move: of an Edit with moves_after, what carries the kept frames behind the mask to
    where the motion arrives: a turn in radians about +Y through the origin, then x and z in metres.

    N further takes: more_rotations_NTJ4, more_roots_NT3, and in ``more`` the lists recipes, notes
    and ground_moves. ``takes`` gives all of them.
    """

    job: int
    rotations_TJ4: FloatArray
    root_T3: FloatArray
    fps: float
    twist_estimated: bool
    tokens_LP: IntArray
    recipe: JsonObject
    notes: tuple[str, ...] = ()
    ground_move: tuple[float, ...] = (0.0, 0.0, 0.0)
    more_rotations_NTJ4: FloatArray = field(default_factory=_no_rotations)
    more_roots_NT3: FloatArray = field(default_factory=_no_roots)
    more: JsonObject = field(default_factory=dict[str, Any])

    @property
    def takes(self) -> tuple[Generated, ...]:
        """This and the further takes, each as an answer of its own."""
        return (self, *(self._take(index) for index in range(len(self.more_rotations_NTJ4))))

    def _take(self, index: int) -> Generated:
        recipe = self.more["recipes"][index]
        return Generated(
            self.job,
            self.more_rotations_NTJ4[index],
            self.more_roots_NT3[index],
            self.fps,
            self.twist_estimated,
            np.array(recipe["tokens"], dtype=np.int64),
            recipe,
            tuple(self.more["notes"][index]),
            tuple(self.more["ground_moves"][index]),
        )

    @property
    def clip(self) -> MotionClip:
        """The motion."""
        return MotionClip(self.rotations_TJ4, self.root_T3, self.fps, self.twist_estimated)


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
class CheckpointImported:
    """A bundle was written. folder: where."""

    job: int
    folder: str


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

    message: one sentence for the person.
    """

    job: int | None
    kind: FailureKind
    message: str


MotionMessage: TypeAlias = Generate | Edit | GenerateSequence
"""Whatever is answered by a Generated."""

JobMessage: TypeAlias = MotionMessage | LoadBodyModel | ImportCheckpoint
"""Whatever is a job: it has a number and one end."""
JobResult: TypeAlias = Generated | BodyModelLoaded | CheckpointImported

ClientMessage: TypeAlias = Hello | LoadBundle | JobMessage | Cancel | Finish | Shutdown
WorkerMessage: TypeAlias = Ready | BundleLoaded | Progress | Previewed | JobResult | Status | Failed
Message: TypeAlias = ClientMessage | WorkerMessage

MESSAGE_TYPES: dict[str, type[Message]] = {cls.__name__: cls for cls in get_args(Message)}
