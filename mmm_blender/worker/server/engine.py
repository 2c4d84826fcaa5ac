"""What the worker computes: devices, the bundle in memory, generating, body models.

The processor needs ONNX Runtime alone. torch is imported only where it is asked for: for a GPU, or
in a Python that has no ONNX Runtime.
"""

from __future__ import annotations

import gc
import importlib.util
import platform
import re
import sys
import traceback
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ...common.errors import MMMError
from ...common.package import package_version
from ...motion.runtime.cores import physical_cores
from ...motion.runtime.opening import TORCH, has_library, library_for
from ...motion.sampling.noise import SAMPLER_VERSION
from ...smpl_model.body_model import load_body_model
from ..install_errors import visual_c_sentence
from ..preview_messages import Previewed
from ..protocol import (
    AUTO_DEVICE,
    STAGE_GENERATING,
    STAGE_LOADING,
    BodyModelLoaded,
    CheckpointImported,
    FailureKind,
    Generated,
    ImportCheckpoint,
    LoadBodyModel,
    LoadBundle,
    MotionMessage,
    Ready,
    Status,
    WorkerError,
)
from .memory import resident_mb
from .service import IsCancelled, OnProgress, Watcher
from .torch_devices import cuda_devices, device_error, fallback_note

if TYPE_CHECKING:
    from ...motion.pipeline.pipeline import MotionPipeline
    from ...motion.pipeline.previews import Previews
    from .handlers import Motion

CPU, CUDA, MPS = "cpu", "cuda", "mps"
_Result = TypeVar("_Result")
_BYTES_A_MIB = 2**20
_GPU_LINE = re.compile(r"^(?:cuda|hip)\b.*$", re.MULTILINE)  # of torch's version.py
_DEVICE_FAILURES = (FailureKind.OUT_OF_MEMORY, FailureKind.DEVICE)


@dataclass(frozen=True)
class _Held:
    """The bundle in memory. key: folder, device, threads and what its files looked like. device:
    never AUTO_DEVICE."""

    key: tuple[object, ...]
    device: str
    generator: MotionPipeline


class MotionEngine:
    """One bundle on one device at a time."""

    def __init__(self) -> None:
        self._params: LoadBundle | None = None
        self._held: _Held | None = None
        self._used_device = CPU  # also by a bundle whose loading failed
        self._watcher: Watcher | None = None  # of the job that runs
        self._given_up: set[str] = set()  # GPUs that failed while the choice was automatic

    def describe(self) -> Ready:
        """The devices of this Python, or the reason why there are none."""
        try:
            found = devices()
        except WorkerError as error:
            return Ready(package_version(), _torch_version(), {}, str(error))
        return Ready(package_version(), _torch_version(), found)

    def load(self, params: LoadBundle) -> dict[str, Any]:
        """Hold the bundle, unless it is held already just so."""
        self._params = params
        device = _resolve(params.device, self._given_up)
        path = Path(params.path)
        key = (path, device, params.threads, _stamp(path))
        if self._held is None or self._held.key != key:
            self.free()
            self._used_device = device
            generator = self._or_free(lambda: _load_generator(path, device, params.threads))
            self._held = _Held(key, device, generator)
        assert self._held is not None
        networks = self._held.generator.model.networks
        return self._held.generator.info | {
            "device": device,
            "threads": networks.threads,
            "library": networks.library,
        }

    def generate(
        self,
        request: MotionMessage,
        on_progress: OnProgress,
        cancelled: IsCancelled,
        watcher: Watcher | None = None,
    ) -> Generated:
        """One motion; the bundle is loaded again if it was freed."""
        self._watcher = watcher
        if self._params is None:
            raise WorkerError(
                "No weights were chosen: choose some in the MMM panel.", FailureKind.BUNDLE
            )
        try:
            return self._attempt(self._params, request, on_progress, cancelled)
        except WorkerError as error:
            automatic = self._params.device == AUTO_DEVICE and self._used_device != CPU
            if not automatic or error.kind not in _DEVICE_FAILURES:
                raise
            failure = error
        return self._on_the_cpu(failure, request, on_progress, cancelled)

    def _attempt(
        self,
        params: LoadBundle,
        request: MotionMessage,
        on_progress: OnProgress,
        cancelled: IsCancelled,
    ) -> Generated:
        on_progress(0, 0, STAGE_GENERATING if self._held else STAGE_LOADING)
        self.load(params)
        return self._or_free(lambda: self._run(request, on_progress, cancelled))

    def _on_the_cpu(
        self,
        failure: WorkerError,
        request: MotionMessage,
        on_progress: OnProgress,
        cancelled: IsCancelled,
    ) -> Generated:
        """The job again on the processor, with a note of why. A card that is only too full for
        this motion is tried again by the next one."""
        params = self._params
        assert params is not None
        if failure.kind is FailureKind.DEVICE:
            self._given_up.add(self._used_device)
        note = fallback_note(failure, _name_of(self._used_device))
        on_cpu = replace(params, device=CPU)
        try:
            made = self._attempt(on_cpu, request, on_progress, cancelled)
        finally:
            self._params = params  # what was chosen
        return replace(made, notes=(*made.notes, note))

    def _or_free(self, work: Callable[[], _Result]) -> _Result:
        """What ``work`` gives; if the device fails in it, the next job starts afresh."""
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            traceback.print_exception(error)  # to standard error, which is the log
            _drop_frames(error)
            failure = device_error(error, self._used_device, _name_of(self._used_device))
        self.free()  # out of the except block, which keeps what failed alive
        raise failure

    def _run(
        self, request: MotionMessage, on_progress: OnProgress, cancelled: IsCancelled
    ) -> Generated:
        held = self._held
        assert held is not None
        from ...motion.sampling.sampler import Cancelled  # noqa: PLC0415  # takes a while
        from .takes import generated, make_takes  # noqa: PLC0415  # as above

        def on_step(step: int, steps: int) -> None:
            on_progress(step, steps, STAGE_GENERATING)

        previews = None if self._watcher is None else _previews(request, self._watcher)
        try:
            made = make_takes(held.generator, request, on_step, cancelled, previews)
        except Cancelled as error:
            raise WorkerError("Cancelled.", FailureKind.CANCELLED) from error
        recipes = [_recipe(held, request, motion) for motion in made]
        return generated(request.job, made, recipes)

    def body_model(self, request: LoadBodyModel) -> BodyModelLoaded:
        """Read a person's own body model file."""
        body = load_body_model(Path(request.path), request.betas, request.gender)
        return BodyModelLoaded(job=request.job, **vars(body))

    def import_checkpoint(
        self, request: ImportCheckpoint, on_progress: OnProgress
    ) -> CheckpointImported:
        """Turn published files into a bundle, which needs torch."""
        if not has_library(TORCH):
            raise WorkerError(
                "Importing a published checkpoint needs PyTorch: press Set Up in the preferences, "
                "then import again.",
                FailureKind.BAD_REQUEST,
            )
        from .checkpoints import run_import  # noqa: PLC0415  # needs torch

        return run_import(request, on_progress)

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


def _previews(request: MotionMessage, watcher: Watcher) -> Previews:
    """What shows a job's previews, if it wants any, and asks whether they are enough."""
    from ...motion.pipeline.previews import Preview, Previews  # noqa: PLC0415  # as above

    def show(seen: Preview) -> None:
        watcher.show(Previewed(request.job, seen.joints_TJ3, seen.known_T, seen.fps, seen.start))

    return Previews(show if request.preview else None, watcher.enough)


def devices() -> dict[str, str]:
    """Ids of the devices that can be used here, with names for people."""
    found = {CPU: f"CPU ({platform.processor() or platform.machine()})"}
    try:
        library_for(CPU)
    except MMMError as error:
        raise WorkerError(str(error), FailureKind.ENVIRONMENT) from error
    if not _torch_may_have_gpu():
        return found
    torch = _import_torch()
    found |= cuda_devices(torch)
    if torch.backends.mps.is_available():
        found[MPS] = "Apple GPU (MPS)"
    return found


def _torch_may_have_gpu() -> bool:
    """Whether importing torch, which takes seconds, can show a GPU: a build for the processor
    alone names no CUDA and no ROCm."""
    if not has_library(TORCH):
        return False
    if sys.platform == "darwin":
        return True
    found = importlib.util.find_spec(TORCH)
    place = Path(found.origin).with_name("version.py") if found and found.origin else Path()
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return True
    return any(not line.endswith("None") for line in _GPU_LINE.findall(text))


def _torch_version() -> str:
    """Of the torch that this Python has, "" for none; nothing is imported for it."""
    if not has_library(TORCH):
        return ""
    from importlib import metadata  # noqa: PLC0415  # takes a while

    try:
        return metadata.version(TORCH)
    except metadata.PackageNotFoundError:
        return "unknown"


def _resolve(wanted: str, given_up: Collection[str] = ()) -> str:
    """AUTO_DEVICE to the best there is that was not given up; a device that cannot be used to a
    sentence."""
    if wanted == CPU:
        return CPU  # and no GPU is even asked for
    known = devices()
    if wanted == AUTO_DEVICE:
        return next((name for name in known if name != CPU and name not in given_up), CPU)
    if wanted not in known:
        raise WorkerError(
            f"The device {wanted} cannot be used on this machine: choose "
            f"{' or '.join(known)} in the preferences.",
            FailureKind.BAD_REQUEST,
        )
    return wanted


def _name_of(device: str) -> str:
    """A device's name for people; nothing is tried for it that was not tried before."""
    if device == CPU:
        return "CPU"
    return devices().get(device, device)


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Name, size and time of a bundle's files, so that a new version on disk is noticed."""
    try:
        found = [(str(entry), entry.stat()) for entry in sorted(folder.rglob("*"))]
    except OSError:
        return ()  # loading says what is wrong
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def _load_generator(path: Path, device: str, threads: int) -> MotionPipeline:
    from ...motion.pipeline.pipeline import MotionPipeline  # noqa: PLC0415  # takes a while

    try:
        library = library_for(device)
    except MMMError as error:
        raise WorkerError(str(error), FailureKind.ENVIRONMENT) from error
    if library == TORCH:
        _set_torch_threads(threads)
    try:
        return MotionPipeline.load(path, device, library, threads)
    except ImportError as error:
        raise _lacks(error) from error
    except MMMError as error:
        raise WorkerError(str(error), FailureKind.BUNDLE) from error


def _recipe(held: _Held, request: MotionMessage, motion: Motion) -> dict[str, Any]:
    """All that is needed to make the motion again; see ``protocol.Generated``."""
    info, networks = held.generator.info, held.generator.model.networks
    return motion.params | {
        "bundle": info["name"],
        "bundle_hash": info["hash"],
        "sampler": asdict(motion.sampler),
        "fps": motion.clip.fps,
        "pin_feet": request.pin_feet,
        "conditions": request.conditions,
        "device": held.device,
        "threads": networks.threads,
        # the name is that of the first versions, which had torch alone
        "torch_version": networks.library,
        "sampler_version": SAMPLER_VERSION,
        "addon_version": package_version(),
        "tokens": motion.tokens_LP.tolist(),
    }


def _set_torch_threads(threads: int) -> None:
    """threads: 0 for the machine's cores, which is torch's own choice too."""
    _import_torch().set_num_threads(threads or physical_cores())


def _import_torch() -> Any:
    """torch, or why it cannot be had: missing, or (Windows) without its libraries."""
    try:
        import torch  # noqa: PLC0415  # only now: see the module's docstring
    except (ImportError, OSError) as error:
        raise _lacks(error) from error
    return torch


def _lacks(error: Exception) -> WorkerError:
    sentence = visual_c_sentence("the model", str(error), sys.platform) or (
        f"The Python {sys.executable} lacks what MMM needs ({error}): run Set Up in the "
        "preferences, or choose a Python that has it."
    )
    return WorkerError(sentence, FailureKind.ENVIRONMENT)


def _drop_frames(error: BaseException | None) -> None:
    """Drop what an error's tracebacks hold: the model, and all that it was computing. Clearing the
    frames is not enough: that of a comprehension keeps what it took from around it."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _device_memory_mb(device: str) -> float:
    if device == CPU:
        return 0.0
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
