"""GPUs that fail in every way, played by a stub of the driver."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmm_blender.motion.pipeline.pipeline import MotionPipeline
from mmm_blender.worker import protocol as p
from mmm_blender.worker.server import engine as engine_module
from mmm_blender.worker.server.engine import MotionEngine
from mmm_blender.worker.server.torch_devices import cuda_devices, device_error, fallback_note

NO_KERNEL = "CUDA error: no kernel image is available for execution on the device\nadvice"
DRIVER = "CUDA driver version is insufficient for CUDA runtime version"
MEMORY = "CUDA out of memory. Tried to allocate 2.00 GiB"
GIB = 2**30


class StubTorch:
    """Cards as (name, GiB, what a kernel says; "" for nothing)."""

    def __init__(self, *cards: tuple[str, int, str], counting: str = "") -> None:
        self._cards, self._counting = cards, counting
        self.cuda = SimpleNamespace(
            device_count=self._count,
            get_device_name=lambda index: cards[index][0],  # pyright: ignore[reportUnknownLambdaType]
            get_device_properties=self._properties,
        )

    def _count(self) -> int:
        if self._counting:
            raise RuntimeError(self._counting)
        return len(self._cards)

    def _properties(self, index: int) -> Any:
        return SimpleNamespace(total_memory=self._cards[index][1] * GIB)

    def ones(self, shape: tuple[int, int], device: str) -> Any:
        error = self._cards[int(device.partition(":")[2])][2]
        if error:
            raise RuntimeError(error)
        return np.ones(shape)


def test_the_largest_card_comes_first_and_one_that_fails_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    torch = StubTorch(("Small", 8, ""), ("Newest", 32, NO_KERNEL), ("Large", 24, ""))
    assert cuda_devices(torch) == {"cuda:2": "Large", "cuda:0": "Small"}
    assert "GPU 1 is left out, as this build of PyTorch has no kernels" in capsys.readouterr().err


def test_a_driver_that_cannot_even_count_leaves_the_cpu(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cuda_devices(StubTorch(counting=DRIVER)) == {}
    assert DRIVER in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NO_KERNEL, "The RTX cannot be used, as this build of PyTorch has no kernels for it: gen"),
        (DRIVER, "as its driver reports an error: CUDA driver version is insufficient"),
    ],
)
def test_an_error_of_the_device_is_a_sentence_that_offers_the_cpu(error: str, words: str) -> None:
    told = device_error(RuntimeError(error), "cuda:0", "RTX")
    assert isinstance(told, p.WorkerError) and told.kind is p.FailureKind.DEVICE
    assert words in str(told) and "\n" not in str(told)
    plain = RuntimeError(error)
    assert device_error(plain, "cpu", "CPU") is plain


class StubPipeline:
    """Generates on the CPU, and says an error on any GPU."""

    def __init__(self, device: str, error: str) -> None:
        self.device, self.error = device, error
        self.info = {"name": "stub", "hash": ""}
        self.model = SimpleNamespace(networks=SimpleNamespace(threads=1, library="stub"))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Devices that a bundle was loaded on. The machine has a GPU whose error a test chooses."""
    return []


def prepared(
    monkeypatch: pytest.MonkeyPatch, loaded: list[str], error: str, folder: Path, device: str
) -> MotionEngine:
    def load(_path: Path, device: str, _threads: int) -> Any:
        loaded.append(device)
        return StubPipeline(device, error)

    def run(self: MotionEngine, request: p.Generate, *_more: Any) -> p.Generated:
        held: Any = self._held  # pyright: ignore[reportPrivateUsage]  # in the place of its method
        if held.device != "cpu":
            raise RuntimeError(error)
        none = np.zeros((0, 0), dtype=np.int64)
        return p.Generated(
            request.job, np.zeros((1, 22, 4)), np.zeros((1, 3)), 20.0, False, none, {}, ("said",)
        )

    monkeypatch.setattr(engine_module, "devices", lambda: {"cpu": "CPU", "cuda:0": "RTX"})
    monkeypatch.setattr(engine_module, "_load_generator", load)
    monkeypatch.setattr(engine_module, "_empty_cache", lambda _device: None)  # pyright: ignore[reportUnknownLambdaType]
    monkeypatch.setattr(MotionEngine, "_run", run)
    engine = MotionEngine()
    engine.load(p.LoadBundle(str(folder), device))
    return engine


def generate(engine: MotionEngine) -> p.Generated:
    def report(_step: int, _steps: int, _stage: str) -> None:
        pass

    return engine.generate(p.Generate("x", 2.0, job=1), report, lambda: False)


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (NO_KERNEL, "as this build of PyTorch has no kernels for it: the CPU made this"),
        (DRIVER, "its driver reports an error"),
        (MEMORY, "The CPU made this motion, as the memory of the RTX is exhausted."),
    ],
)
def test_under_automatic_the_cpu_takes_over_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    loaded: list[str],
    tmp_path: Path,
    error: str,
    note: str,
) -> None:
    engine = prepared(monkeypatch, loaded, error, tmp_path, p.AUTO_DEVICE)
    made = generate(engine)
    assert made.notes[0] == "said" and note in made.notes[1]
    assert loaded == ["cuda:0", "cpu"]
    again = error == MEMORY
    more = generate(engine)  # a card that failed is not tried again, one that was full is
    assert loaded == (["cuda:0", "cpu"] * 2 if again else ["cuda:0", "cpu"])
    assert len(more.notes) == (2 if again else 1)


def test_a_chosen_gpu_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, loaded: list[str], tmp_path: Path
) -> None:
    engine = prepared(monkeypatch, loaded, NO_KERNEL, tmp_path, "cuda:0")
    with pytest.raises(p.WorkerError, match="generate on the CPU") as caught:
        generate(engine)
    assert caught.value.kind is p.FailureKind.DEVICE and loaded == ["cuda:0"]


def test_other_errors_are_not_taken_for_the_devices(
    monkeypatch: pytest.MonkeyPatch, loaded: list[str], tmp_path: Path
) -> None:
    engine = prepared(monkeypatch, loaded, "shapes cannot be multiplied", tmp_path, p.AUTO_DEVICE)
    with pytest.raises(RuntimeError, match="shapes"):
        generate(engine)
    assert loaded == ["cuda:0"]


def test_the_note_says_the_reason_alone() -> None:
    error = device_error(RuntimeError(DRIVER), "cuda:0", "RTX")
    assert isinstance(error, p.WorkerError)
    note = fallback_note(error, "RTX")
    assert note.endswith("the CPU made this motion, and makes the next ones.")
    assert "log" not in note


def test_a_missing_visual_c_runtime_is_named_for_the_zips_own_runtime(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What Windows says of a wheel whose libraries it cannot load."""

    def fail(*_arguments: object) -> Any:
        raise ImportError("DLL load failed while importing onnxruntime_pybind11_state")

    monkeypatch.setattr(MotionPipeline, "load", fail)
    monkeypatch.setattr(engine_module.sys, "platform", "win32")
    with pytest.raises(p.WorkerError, match=r"Visual C\+\+ Redistributable") as caught:
        MotionEngine().load(p.LoadBundle(str(tmp_path), "cpu"))
    assert caught.value.kind is p.FailureKind.ENVIRONMENT
