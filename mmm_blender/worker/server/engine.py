"""The torch side of the worker: devices, the bundle in memory, generating, body models.

torch is imported on the first use, so that a Python without it can say so in a sentence.
"""

from __future__ import annotations

import gc
import platform
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...common.errors import MMMError
from ...common.package import package_version
from ...smpl_model.body_model import load_body_model
from ..protocol import (
    AUTO_DEVICE,
    STAGE_GENERATING,
    STAGE_LOADING,
    BodyModelLoaded,
    FailureKind,
    Generated,
    LoadBodyModel,
    LoadBundle,
    MotionMessage,
    Ready,
    Status,
    WorkerError,
)
from .memory import resident_mb
from .service import IsCancelled, OnProgress

if TYPE_CHECKING:
    from ...motion.pipeline.pipeline import MotionPipeline
    from .handlers import Motion

CPU, CUDA, MPS = "cpu", "cuda", "mps"
_Result = TypeVar("_Result")
_BYTES_A_MIB = 2**20
_MEMORY_WORDS = ("out of memory", "not enough memory", "can't allocate memory")


@dataclass(frozen=True)
class _Held:
    """The bundle in memory. stamp: what its files looked like; device: never AUTO_DEVICE."""

    path: Path
    stamp: tuple[tuple[str, int, int], ...]
    device: str
    generator: MotionPipeline


class TorchEngine:
    """One bundle on one device at a time."""

    def __init__(self) -> None:
        self._params: LoadBundle | None = None
        self._held: _Held | None = None
        self._used_device = CPU  # also by a bundle whose loading failed
        self._own_threads = 0  # torch's choice, known once it is imported

    def describe(self) -> Ready:
        """This Python's torch and devices, or the reason why there are none."""
        try:
            torch = _import_torch()
        except WorkerError as error:
            return Ready(package_version(), "", {}, str(error))
        return Ready(package_version(), str(torch.__version__), devices())

    def load(self, params: LoadBundle) -> dict[str, Any]:
        """Hold the bundle, unless it is held already just so."""
        self._params = params
        torch = _import_torch()
        self._own_threads = self._own_threads or torch.get_num_threads()
        torch.set_num_threads(params.threads if params.threads > 0 else self._own_threads)
        device = _resolve(params.device)
        path = Path(params.path)
        stamp = _stamp(path)
        if not self._holds(path, device, stamp):
            self.free()
            self._used_device = device
            generator = self._or_free(lambda: _load_generator(path, device))
            self._held = _Held(path, stamp, device, generator)
        assert self._held is not None
        return self._held.generator.info | {"device": device, "threads": torch.get_num_threads()}

    def generate(
        self, request: MotionMessage, on_progress: OnProgress, cancelled: IsCancelled
    ) -> Generated:
        """One motion; the bundle is loaded again if it was freed."""
        if self._params is None:
            raise WorkerError(
                "No bundle was chosen: choose one in the MMM panel.", FailureKind.BUNDLE
            )
        on_progress(0, 0, STAGE_GENERATING if self._held else STAGE_LOADING)
        self.load(self._params)
        return self._or_free(lambda: self._run(request, on_progress, cancelled))

    def _or_free(self, work: Callable[[], _Result]) -> _Result:
        """What ``work`` gives; if the device fails in it, the next job starts afresh."""
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            print(error, file=sys.stderr)
            _clear_frames(error)
            failure = told_if_memory(error, self._used_device)
        self.free()  # out of the except block, which keeps what failed alive
        raise failure

    def _run(
        self, request: MotionMessage, on_progress: OnProgress, cancelled: IsCancelled
    ) -> Generated:
        held = self._held
        assert held is not None
        from ...motion.sampling.sampler import Cancelled  # noqa: PLC0415  # needs torch
        from .takes import generated, make_takes  # noqa: PLC0415  # as above

        def on_step(step: int, steps: int) -> None:
            on_progress(step, steps, STAGE_GENERATING)

        try:
            made = make_takes(held.generator, request, on_step, cancelled)
        except Cancelled as error:
            raise WorkerError("Cancelled.", FailureKind.CANCELLED) from error
        recipes = [_recipe(held, request, motion) for motion in made]
        return generated(request.job, made, recipes)

    def body_model(self, request: LoadBodyModel) -> BodyModelLoaded:
        """Read a person's own body model file."""
        body = load_body_model(Path(request.path), request.betas, request.gender)
        return BodyModelLoaded(job=request.job, **vars(body))

    def status(self) -> Status:
        """Memory in use."""
        if self._held is None:
            return Status("", resident_mb())
        held = self._held
        return Status(
            held.device, resident_mb(), _device_memory_mb(held.device), held.generator.info["name"]
        )

    def free(self) -> None:
        """Drop the bundle and give the device its memory back."""
        self._held = None
        gc.collect()
        _empty_cache(self._used_device)

    def _holds(self, path: Path, device: str, stamp: object) -> bool:
        held = self._held
        return held is not None and (held.path, held.device, held.stamp) == (path, device, stamp)


def devices() -> dict[str, str]:
    """Ids of the devices that torch can use here, with names for people."""
    torch = _import_torch()
    found = {CPU: f"CPU ({platform.processor() or platform.machine()})"}
    try:
        found |= _cuda_names(torch.cuda)
    except (RuntimeError, torch.cuda.DeferredCudaCallError) as error:
        # a driver in a bad state (after an update, or sleep): the CPU works all the same
        print(f"No NVIDIA GPU can be used: {error}", file=sys.stderr)
    if torch.backends.mps.is_available():
        found[MPS] = "Apple GPU (MPS)"
    return found


def _cuda_names(cuda: Any) -> dict[str, str]:
    return {f"{CUDA}:{n}": str(cuda.get_device_name(n)) for n in range(cuda.device_count())}


def _resolve(wanted: str) -> str:
    """AUTO_DEVICE to the best there is; a device that cannot be used to a sentence."""
    if wanted == CPU:
        return CPU  # and no GPU is even asked for
    known = devices()
    if wanted == AUTO_DEVICE:
        return next((name for name in known if name != CPU), CPU)
    if wanted not in known:
        raise WorkerError(
            f"The device {wanted} cannot be used on this machine: choose "
            f"{' or '.join(known)} in the preferences.",
            FailureKind.BAD_REQUEST,
        )
    return wanted


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of a bundle's files, so that a new version on disk is noticed."""
    try:
        found = [(str(entry), entry.stat()) for entry in sorted(folder.rglob("*"))]
    except OSError:
        return ()  # loading says what is wrong
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def _load_generator(path: Path, device: str) -> MotionPipeline:
    try:
        from ...motion.pipeline.pipeline import MotionPipeline  # noqa: PLC0415  # needs torch
    except ImportError as error:
        raise _lacks(error) from error
    try:
        return MotionPipeline.load(path, device)
    except MMMError as error:
        raise WorkerError(str(error), FailureKind.BUNDLE) from error


def _recipe(held: _Held, request: MotionMessage, motion: Motion) -> dict[str, Any]:
    """All that is needed to make the motion again; see ``protocol.Generated``."""
    torch = _import_torch()
    info = held.generator.info
    return motion.params | {
        "bundle": info["name"],
        "bundle_hash": info["hash"],
        "sampler": asdict(motion.sampler),
        "fps": motion.clip.fps,
        "pin_feet": request.pin_feet,
        "conditions": request.conditions,
        "device": held.device,
        "threads": int(torch.get_num_threads()),
        "torch_version": str(torch.__version__),
        "addon_version": package_version(),
        "tokens": motion.tokens_LP.tolist(),
    }


def _import_torch() -> Any:
    """torch, or why it cannot be had: missing, or (Windows) without its libraries."""
    try:
        import torch  # noqa: PLC0415  # only now: see the module's docstring
    except (ImportError, OSError) as error:
        raise _lacks(error) from error
    return torch


def _lacks(error: Exception) -> WorkerError:
    return WorkerError(
        f"The Python {sys.executable} lacks what MMM needs ({error}): run Set Up in the "
        "preferences, or choose a Python that has it.",
        FailureKind.ENVIRONMENT,
    )


def told_if_memory(error: Exception, device: str) -> Exception:
    """A sentence for a lack of memory; any other error as it is."""
    text = str(error).lower()
    if not isinstance(error, MemoryError) and not any(words in text for words in _MEMORY_WORDS):
        return error
    advice = (
        "close other programs or ask for a shorter motion"
        if device == CPU
        else "choose the CPU as device in the preferences, or ask for a shorter motion"
    )
    return WorkerError(f"The memory of {device} is exhausted: {advice}.", FailureKind.OUT_OF_MEMORY)


def _clear_frames(error: BaseException | None) -> None:
    """Drop what an error's tracebacks hold: the model, and all that it was computing."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _device_memory_mb(device: str) -> float:
    torch = _import_torch()
    if device.startswith(CUDA):
        return float(torch.cuda.memory_reserved(device)) / _BYTES_A_MIB
    if device == MPS:
        return float(torch.mps.driver_allocated_memory()) / _BYTES_A_MIB
    return 0.0


def _empty_cache(device: str) -> None:
    try:
        if device.startswith(CUDA):
            _import_torch().cuda.empty_cache()
        elif device == MPS:
            _import_torch().mps.empty_cache()
    except RuntimeError as error:  # a device that failed for good cannot even free its memory
        print(error, file=sys.stderr)
