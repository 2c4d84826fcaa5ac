"""The real worker, networks and all, with a tiny random bundle."""

from __future__ import annotations

import json
import math
import sys
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from mmm_blender.common import package
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline
from mmm_blender.motion.runtime.cores import physical_cores
from mmm_blender.motion.sampling.noise import SAMPLER_VERSION
from mmm_blender.worker import client as client_module
from mmm_blender.worker import protocol as p
from mmm_blender.worker.client import BOOTSTRAP, WorkerClient
from mmm_blender.worker.server import engine as engine_module
from mmm_blender.worker.server.engine import MotionEngine, devices
from mmm_blender.worker.server.memory import resident_mb
from mmm_blender.worker.server.torch_devices import cuda_devices, device_error
from tests.smpl_model import body_files
from tests.worker.tiny_bundle import save_tiny_bundle

PYTHON = Path(sys.executable)
PROMPT = "a person walks."
HIDDEN = ("torch", "safetensors", "ftfy", "regex", "onnx", "google", "transformers")
WITHOUT = "import sys\nsys.modules.update(dict.fromkeys({names}))\n" + BOOTSTRAP
MANY_STEPS = 1_000  # as many as a config may ask for
PATIENCE_SECONDS = 240.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def client() -> Iterator[WorkerClient]:
    worker = WorkerClient(PYTHON)
    yield worker
    worker.stop()


@pytest.fixture
def engine() -> Iterator[MotionEngine]:
    threads = torch.get_num_threads()
    yield MotionEngine()
    torch.set_num_threads(threads)


def load(bundle: Path) -> p.LoadBundle:
    return p.LoadBundle(str(bundle), "cpu", threads=1)


def request(client: WorkerClient, **changes: Any) -> p.Generate:
    return replace(p.Generate(PROMPT, 2.0, seed=11, job=client.new_job()), **changes)


def quietly(_step: int, _steps: int, _stage: str) -> None:
    """No progress is looked at."""


def generate(engine: MotionEngine) -> p.Generated:
    return engine.generate(p.Generate(PROMPT, 1.0), quietly, lambda: False)


def test_a_prompt_becomes_a_clip(client: WorkerClient, bundle: Path) -> None:
    seen: list[p.Progress] = []
    answer = client.run_blocking(request(client), load(bundle), seen.append)
    clip = MotionClip(answer.rotations_TJ4, answer.root_T3, answer.fps, answer.twist_estimated)
    assert clip.seconds == 2.0 and not clip.twist_estimated
    assert {m.stage for m in seen} <= {p.STAGE_LOADING, p.STAGE_GENERATING}
    steps = [m.step for m in seen if m.steps]
    assert steps == list(range(seen[-1].steps + 1))
    assert client.ready is not None and client.ready.torch_version == str(torch.__version__)
    assert client.ready.devices["cpu"].startswith("CPU")


def test_the_worker_says_what_the_generator_says(client: WorkerClient, bundle: Path) -> None:
    answer = client.run_blocking(request(client), load(bundle))
    ours = MotionPipeline.load(bundle, threads=1).generate(GenerateRequest(PROMPT, 2.0, 11))
    assert np.array_equal(answer.tokens_LP, ours.tokens_LP)
    assert np.array_equal(answer.rotations_TJ4, ours.clip.rotations_TJ4)
    assert np.array_equal(answer.root_T3, ours.clip.root_T3)


def test_the_recipe_makes_the_same_clip_again(client: WorkerClient, bundle: Path) -> None:
    first = client.run_blocking(request(client, sampler={"temperature": 0.5}), load(bundle))
    recipe = json.loads(json.dumps(first.recipe))
    assert recipe["sampler"]["temperature"] == 0.5
    assert recipe["bundle"] == "tiny" and len(recipe["bundle_hash"]) == 64
    assert recipe["device"] == "cpu" and recipe["threads"] == 1
    assert recipe["torch_version"] == f"onnxruntime {onnxruntime.__version__}"
    assert recipe["sampler_version"] == SAMPLER_VERSION
    assert recipe["addon_version"] == package.package_version()
    assert recipe["tokens"] == first.tokens_LP.tolist()
    wanted = {key: recipe[key] for key in ("prompt", "seconds", "seed", "sampler")}
    again = client.run_blocking(request(client, **wanted), load(bundle))
    assert np.array_equal(again.rotations_TJ4, first.rotations_TJ4)
    other = client.run_blocking(request(client, seed=12), load(bundle))
    assert not np.array_equal(other.tokens_LP, first.tokens_LP)


def test_bundle_and_memory_are_reported(client: WorkerClient, bundle: Path) -> None:
    client.run_blocking(request(client), load(bundle))
    info = client.bundle_info
    assert info is not None
    assert (info["name"], info["licence"], info["layout"]) == ("tiny", "CC0-1.0", "smpl_269")
    assert info["parts"] == ["lower", "upper"] and info["max_seconds"] == 9.8
    assert info["device"] == "cpu" and info["threads"] == 1
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := client.status) is None or not status.bundle:
        assert time.monotonic() < deadline
        client.poll()
    assert (status.device, status.bundle, status.device_memory_mb) == ("cpu", "tiny", 0.0)
    assert 50 < status.memory_mb < 1024


def test_cancel_between_steps_leaves_the_worker_warm(
    client: WorkerClient, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "OBEY_SECONDS", PATIENCE_SECONDS)
    job = request(client, seconds=9.8, sampler={"steps": MANY_STEPS})
    client.submit(job, load(bundle))
    steps = end = None
    began = time.monotonic()
    while end is None:
        assert time.monotonic() - began < PATIENCE_SECONDS
        for message in client.poll():
            if isinstance(message, p.Progress) and message.step > 2 and steps is None:
                steps, began = message.steps, time.monotonic()
                client.cancel(job.job)
            if isinstance(message, p.Failed):
                end = message
    assert end == p.Failed(job.job, p.FailureKind.CANCELLED, "Cancelled.")
    assert client.alive
    client.run_blocking(request(client), load(bundle))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": "  "}, "prompt is empty"),
        ({"prompt": "walk " * 2000}, "10,000 characters"),
        ({"seconds": 0.0}, "0.2 to 9.8 seconds"),
        ({"seconds": -1.0}, "0.2 to 9.8 seconds"),
        ({"seconds": math.nan}, "0.2 to 9.8 seconds"),
        ({"seconds": 60.0}, "0.2 to 9.8 seconds"),
        ({"seed": -1}, "seed"),
        ({"sampler": {"speed": 3}}, "speed"),
        ({"sampler": {"temperature": -1.0}}, "temperature"),
        ({"sampler": {"steps": "many"}}, "steps"),
    ],
)
def test_bad_input_is_one_sentence(
    client: WorkerClient, bundle: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(p.WorkerError, match=words) as raised:
        client.run_blocking(request(client, **changes), load(bundle))
    assert raised.value.kind == p.FailureKind.BAD_REQUEST
    assert client.alive


def test_an_unknown_device_is_one_sentence(client: WorkerClient, bundle: Path) -> None:
    with pytest.raises(
        p.WorkerError, match="device tpu:9 cannot be used on this machine"
    ) as raised:
        client.run_blocking(request(client), p.LoadBundle(str(bundle), "tpu:9"))
    assert raised.value.kind == p.FailureKind.BAD_REQUEST


def truncate(bundle: Path) -> None:
    file = bundle / "transformer.safetensors"
    file.write_bytes(file.read_bytes()[:-10])


def flip(bundle: Path) -> None:
    file = bundle / "tokenizer.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))


def age(bundle: Path) -> None:
    config = json.loads((bundle / "config.json").read_text(encoding="utf-8"))
    (bundle / "config.json").write_text(json.dumps(config | {"version": 99}), encoding="utf-8")


def empty(bundle: Path) -> None:
    for file in sorted(bundle.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()


@pytest.mark.parametrize(
    ("damage", "words"),
    [(truncate, "truncated"), (flip, "hash"), (age, "version 99"), (empty, "no weights in")],
)
def test_a_bad_bundle_is_one_sentence_and_a_good_one_loads_after_it(
    client: WorkerClient, bundle: Path, tmp_path: Path, damage: Any, words: str
) -> None:
    bad = save_tiny_bundle(tmp_path / "bad")
    client.run_blocking(request(client), load(bad))
    damage(bad)  # while it is in memory: the change on disk is noticed
    with pytest.raises(p.WorkerError, match=words) as raised:
        client.run_blocking(request(client), load(bad))
    assert raised.value.kind == p.FailureKind.BUNDLE
    client.run_blocking(request(client), load(bundle))


def test_new_weights_in_the_same_folder_are_noticed(engine: MotionEngine, tmp_path: Path) -> None:
    first = engine.load(load(save_tiny_bundle(tmp_path / "b")))
    assert engine.load(load(tmp_path / "b")) == first
    second = engine.load(load(save_tiny_bundle(tmp_path / "b", seed=1)))
    assert second["hash"] != first["hash"]


def test_freed_memory_is_filled_again_by_the_next_job(engine: MotionEngine, bundle: Path) -> None:
    engine.load(load(bundle))
    assert engine.status().bundle == "tiny"
    engine.free()
    assert engine.status() == p.Status("", engine.status().memory_mb)
    stages: list[str] = []

    def note(_step: int, _steps: int, stage: str) -> None:
        stages.append(stage)

    engine.generate(p.Generate(PROMPT, 1.0), note, lambda: False)
    assert stages[0] == p.STAGE_LOADING and p.STAGE_GENERATING in stages
    assert engine.status().bundle == "tiny"


def test_no_bundle_is_one_sentence(engine: MotionEngine) -> None:
    with pytest.raises(p.WorkerError, match="No weights were chosen"):
        generate(engine)


def test_out_of_memory_is_told_and_frees_the_bundle(
    engine: MotionEngine, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    engine.load(load(bundle))
    with monkeypatch.context() as patched:
        patched.setattr(MotionPipeline, "generate", exhausted)
        with pytest.raises(p.WorkerError, match="memory of cpu is exhausted") as raised:
            generate(engine)
    assert raised.value.kind == p.FailureKind.OUT_OF_MEMORY
    assert engine.status().bundle == ""
    assert generate(engine).fps == 20.0


@pytest.mark.parametrize("cause", ["CUDA out of memory.", "an illegal instruction"])
def test_memory_is_given_back_only_when_nothing_holds_the_model(
    engine: MotionEngine, bundle: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    watched: list[weakref.ref[object]] = []
    emptied: list[tuple[str, list[object]]] = []

    def deep() -> None:
        activations = torch.zeros(9)
        watched.append(weakref.ref(activations))
        raise RuntimeError("a first one")

    def exhausted(self: MotionPipeline, *_arguments: object) -> None:
        watched.append(weakref.ref(self))
        try:
            deep()
        except RuntimeError as error:
            raise RuntimeError(cause) from error

    def note(device: str) -> None:
        emptied.append((device, [ref() for ref in watched]))

    engine.load(load(bundle))
    monkeypatch.setattr(MotionPipeline, "generate", exhausted)
    monkeypatch.setattr(engine_module, "_empty_cache", note)
    with pytest.raises((p.WorkerError, RuntimeError)):
        generate(engine)
    assert emptied == [("cpu", [None, None])]


def test_a_bundle_too_large_for_its_device_leaves_no_memory_there(
    engine: MotionEngine, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[weakref.ref[object]] = []
    emptied: list[tuple[str, list[object]]] = []

    def exhausted(*_arguments: object) -> MotionPipeline:
        weights = torch.zeros(9)
        watched.append(weakref.ref(weights))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def note(device: str) -> None:
        emptied.append((device, [ref() for ref in watched]))

    monkeypatch.setattr(engine_module, "devices", lambda: {"cpu": "", "cuda:0": ""})
    monkeypatch.setattr(MotionPipeline, "load", exhausted)
    monkeypatch.setattr(engine_module, "_empty_cache", note)
    with pytest.raises(p.WorkerError, match="memory of cuda:0 is exhausted: choose the CPU"):
        engine.load(replace(load(bundle), device="cuda:0"))
    assert emptied == [("cpu", []), ("cuda:0", [None])]
    engine.free()
    assert emptied[-1][0] == "cuda:0"


def test_a_cache_that_cannot_be_emptied_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "empty_cache", broken)
    engine_module._empty_cache("cuda:0")  # pyright: ignore[reportPrivateUsage]  # needs no GPU so


@pytest.fixture
def gpu_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that was built for GPUs, and that nobody asked for them before."""
    cuda_devices.cache_clear()
    monkeypatch.setattr(engine_module, "_torch_may_have_gpu", lambda: True)


@pytest.fixture
def broken_gpu(monkeypatch: pytest.MonkeyPatch, gpu_build: None) -> None:
    """A driver that was updated under our feet: the GPU is counted and then says nothing."""

    def fail(_device: object = None) -> str:
        raise RuntimeError("CUDA unknown error - this may be due to an incorrectly set up system")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", fail)


def test_a_broken_gpu_leaves_the_cpu(engine: MotionEngine, bundle: Path, broken_gpu: None) -> None:
    assert list(devices()) == ["cpu"]
    assert engine.describe().devices.keys() == {"cpu"} and not engine.describe().reason
    for device in ("cpu", p.AUTO_DEVICE):
        assert engine.load(replace(load(bundle), device=device))["device"] == "cpu"
    with pytest.raises(p.WorkerError, match=r"cuda:0 cannot be used on this machine: choose cpu"):
        engine.load(replace(load(bundle), device="cuda:0"))


def test_who_wants_the_cpu_wakes_no_gpu(
    engine: MotionEngine, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> int:
        raise AssertionError("CUDA was asked")

    monkeypatch.setattr(torch.cuda, "device_count", never)
    assert engine.load(load(bundle))["device"] == "cpu"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_a_full_gpu_offers_the_cpu(error: Exception) -> None:
    told = device_error(error, "cuda:0", "RTX")
    assert isinstance(told, p.WorkerError) and told.kind == p.FailureKind.OUT_OF_MEMORY
    assert "choose the CPU" in str(told)
    assert "choose the CPU" not in str(device_error(error, "cpu", "CPU"))


def test_another_error_is_not_taken_for_memory() -> None:
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert device_error(error, "cuda:0", "RTX") is error


def test_threads_are_set_and_go_back_to_the_machines_cores(
    engine: MotionEngine, bundle: Path
) -> None:
    own = physical_cores()
    params = load(bundle)
    assert engine.load(replace(params, threads=own + 1))["threads"] == own + 1
    assert engine.load(replace(params, threads=0))["threads"] == own


def test_auto_is_the_first_gpu_or_the_cpu(engine: MotionEngine, bundle: Path) -> None:
    best = next((name for name in devices() if name != "cpu"), "cpu")
    assert engine.load(replace(load(bundle), device=p.AUTO_DEVICE))["device"] == best


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_gpu_generates_and_gives_its_memory_back(engine: MotionEngine, bundle: Path) -> None:
    assert engine.load(replace(load(bundle), device="cuda:0"))["device"] == "cuda:0"
    assert generate(engine).recipe["device"] == "cuda:0"
    assert engine.status().device_memory_mb > 0
    engine.free()
    assert torch.cuda.memory_reserved("cuda:0") == 0


def without(*names: str) -> str:
    """The worker's first lines in a Python that lacks these packages."""
    return WITHOUT.format(names=names)


def test_a_python_with_numpy_and_onnx_runtime_alone_generates(
    client: WorkerClient, bundle: Path
) -> None:
    bare = WorkerClient(PYTHON, without(*HIDDEN))
    try:
        made = bare.run_blocking(request(bare), load(bundle))
        assert bare.ready is not None and bare.ready.torch_version == ""
        assert list(bare.ready.devices) == ["cpu"] and not bare.ready.reason
    finally:
        bare.stop()
    ours = client.run_blocking(request(client), load(bundle))
    assert np.array_equal(made.tokens_LP, ours.tokens_LP)
    assert np.array_equal(made.rotations_TJ4, ours.rotations_TJ4)


def test_a_python_without_onnx_runtime_takes_torch(client: WorkerClient, bundle: Path) -> None:
    old = WorkerClient(PYTHON, without("onnxruntime"))
    try:
        made = old.run_blocking(request(old), load(bundle))
        assert made.recipe["torch_version"] == f"torch {torch.__version__}"
    finally:
        old.stop()
    ours = client.run_blocking(request(client), load(bundle))
    assert np.array_equal(made.tokens_LP, ours.tokens_LP)
    assert np.abs(made.rotations_TJ4 - ours.rotations_TJ4).max() < 1e-4
    assert np.abs(made.root_T3 - ours.root_T3).max() < 1e-4


def test_a_python_that_can_run_no_networks_says_so(bundle: Path) -> None:
    client = WorkerClient(PYTHON, without("onnxruntime", "torch"))
    try:
        with pytest.raises(p.WorkerError, match=r"no onnxruntime.*Set Up") as raised:
            client.run_blocking(request(client), load(bundle))
        assert raised.value.kind == p.FailureKind.ENVIRONMENT
        assert client.ready is not None and "onnxruntime" in client.ready.reason
        assert client.ready.devices == {}
    finally:
        client.stop()


def test_a_body_model_comes_through_the_pipe(client: WorkerClient, tmp_path: Path) -> None:
    content = body_files.arrays("smpl")
    file = body_files.write_npz(tmp_path / "SMPL_MALE.npz", content)
    params = p.LoadBodyModel(str(file), (1.0,), "male")
    body = client.load_body_model_blocking(params)
    assert body.kind == "smpl" and body.vertices_V3.shape == content["v_template"].shape
    expected = content["v_template"] + content["shapedirs"][..., 0]
    assert np.abs(body.vertices_V3 - expected).max() < 1e-5


def test_a_file_that_is_no_body_model_is_one_sentence(client: WorkerClient, tmp_path: Path) -> None:
    (tmp_path / "cat.pkl").write_bytes(b"meow")
    params = p.LoadBodyModel(str(tmp_path / "cat.pkl"))
    with pytest.raises(p.WorkerError, match=r"cat.pkl is no body model") as raised:
        client.load_body_model_blocking(params)
    assert raised.value.kind == p.FailureKind.BAD_REQUEST


def test_resident_memory_grows_with_what_is_held() -> None:
    before = resident_mb()
    held = np.ones(100 * 2**20 // 8)  # over 32 MiB no allocator takes it from what was freed
    grown = resident_mb() - before
    assert 90 < grown < 130 and held[0] == 1.0
