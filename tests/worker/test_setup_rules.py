"""What Set Up does and says when the world is not as it should be: pip and the driver are stubs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.worker import cuda_builds, setup_checks
from mmm_blender.worker import installer as e
from mmm_blender.worker.download_meter import DownloadMeter
from mmm_blender.worker.install_errors import NoBuildError, failure_sentence
from mmm_blender.worker.package_sources import PYTORCH_CPU_INDEX, check_wheels
from tests.worker.stub_python import WORKING_PROBE, Answers, commands, stub_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stub is a script with #!")

PATIENCE_SECONDS = 600.0
RTX_50 = "NVIDIA GeForce RTX 5090, 12.0, 32607, {driver}"
CUDA_WHEEL = {"name": "torch", "version": "2.13.0", "requires_dist": [
    "filelock", 'nvidia-cublas==13.1; platform_system == "Linux"', 'x; extra == "x"']}  # fmt: skip


def set_up(
    folder: Path,
    answers: Answers | None = None,
    flavour: str = e.CPU,
    probe: dict[str, Any] = WORKING_PROBE,
    report: dict[str, Any] | None = None,
) -> e.SetupProgress:
    """A set-up to its end with a pip that answers as the table says."""
    python = stub_python(folder / "stub", answers, probe, report)
    setup = e.EnvironmentSetup(e.EnvironmentParams(folder / "made", python, flavour))
    setup.start()
    return setup.wait(PATIENCE_SECONDS)


def said(folder: Path, lines: Sequence[str]) -> str:
    """The sentence of a set-up whose installation of torch ends with these lines."""
    progress = set_up(folder, {"--no-deps torch==": (lines, 1)})
    assert progress.state == e.FAILED
    assert not list((folder / "made").glob("env-*")) and not list((folder / "made").glob("down*"))
    return progress.message


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines that nvidia-smi says; a test puts them in."""
    lines: list[str] = []
    real = subprocess.run

    def run(command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        if command[0] != "nvidia-smi":
            return real(command, **options)
        if not lines:
            raise FileNotFoundError(2, "No such file or directory")
        return subprocess.CompletedProcess(command, 0, "\n".join(lines), "")

    monkeypatch.setattr(subprocess, "run", run)
    return lines


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: NewConnectionError('x')", "index could not be reached"),
        ("ERROR: Connection broken: IncompleteRead(5 bytes read)", "index could not be reached"),
        ("WARNING: SSLError(SSLCertVerificationError(1, 'self-signed'))", "certificate"),
        ("WARNING: ProxyError('Tunnel connection failed: 407')", "proxy let nothing through"),
        ("ERROR: [WinError 5] Access is denied: 'C:\\\\x'", "antivirus, a policy or another"),
        ("ERROR: [WinError 225] the file contains a virus", "press Set Up again"),
        ("ERROR: torch-cp312.whl is not a supported wheel on this platform.", "another Python"),
        ("ERROR: No matching distribution found for torch==2.13.0", "choose another index"),
        ("HINT: this system does not have Windows Long Path support enabled", "long paths"),
        ("ERROR: something new", "something new): look into its log"),
    ],
)
def test_what_pip_says_becomes_a_sentence_of_its_own(line: str, words: str, tmp_path: Path) -> None:
    assert words in said(tmp_path, [line])


def test_silence_is_a_sentence_too() -> None:
    assert "status 3" in str(failure_sentence([], 3))
    assert "venv package" in str(failure_sentence(["Error: [python, -m, ensurepip] ..."], 1))
    assert isinstance(failure_sentence(["No matching distribution found for x"], 1), NoBuildError)


def test_a_second_press_works_where_an_antivirus_held_the_first(tmp_path: Path) -> None:
    assert "press Set Up again" in said(tmp_path, ["ERROR: [WinError 32] in use"])
    assert set_up(tmp_path).state == e.DONE
    assert e.environment_python(tmp_path / "made") is not None


def test_the_processor_never_takes_a_build_with_cuda(tmp_path: Path) -> None:
    progress = set_up(tmp_path, report={"install": [{"metadata": CUDA_WHEEL}]})
    assert progress.state == e.FAILED
    assert "Only a build of PyTorch with CUDA can be had there (nvidia-cublas==13.1;" in (
        progress.message
    )
    torch = [words for words in commands(tmp_path / "stub") if "torch==2.13.0" in words]
    assert [("--dry-run" in words) for words in torch] == [True]  # nothing was installed


def test_a_build_of_another_index_is_known_by_its_version(tmp_path: Path) -> None:
    metadata = {"name": "torch", "version": "2.13.0+cu130", "requires_dist": []}
    assert (
        "(torch 2.13.0+cu130)"
        in set_up(tmp_path, report={"install": [{"metadata": metadata}]}).message
    )


def test_on_linux_the_index_of_small_builds_is_the_only_one_for_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert set_up(tmp_path).state == e.DONE
    torch = [words for words in commands(tmp_path / "stub") if "torch==2.13.0" in words]
    assert len(torch) == 2
    assert all("--no-deps" in words for words in torch)
    assert all(words[words.index("--index-url") + 1] == PYTORCH_CPU_INDEX for words in torch)
    assert "ready" in set_up(tmp_path).message


@pytest.mark.parametrize(
    ("line", "tags"),
    [
        (RTX_50.format(driver="580.65"), ["cu130", "cu128"]),
        (RTX_50.format(driver="570.86.15"), ["cu128"]),
        ("NVIDIA GeForce RTX 3090, 8.6, 24576, 535.104", ["cu128", "cu126"]),
        ("NVIDIA GeForce GTX 1080, 6.1, 8192, 560.1", ["cu126"]),
        ("NVIDIA H100 80GB HBM3, 9.0, 81559, 580.1", ["cu130", "cu128", "cu126"]),
    ],
)
def test_a_card_gets_a_build_with_kernels_for_it(
    line: str, tags: list[str], driver: list[str]
) -> None:
    driver.append(line)
    (card,) = cuda_builds.find_cards()
    urls = [build.index_url for build in cuda_builds.builds_for(card)]
    assert [url.rpartition("/")[2] for url in urls] == tags


def test_the_card_with_the_most_memory_decides(driver: list[str]) -> None:
    driver += ["Quadro, 6.1, 4096, 580.1", RTX_50.format(driver="580.1"), "no card at all"]
    assert [card.name for card in cuda_builds.find_cards()] == ["NVIDIA GeForce RTX 5090", "Quadro"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "driver does not answer"),
        ("NVIDIA-SMI has failed", "does not answer (NVIDIA-SMI has failed)"),
        (RTX_50.format(driver="470.1"), "too old (470): update it to 525 or newer"),
        ("GeForce GTX 680, 3.0, 2048, 580.1", "no kernels for the GeForce GTX 680"),
    ],
)
def test_before_gigabytes_are_fetched_the_driver_is_asked(
    line: str, words: str, tmp_path: Path, driver: list[str]
) -> None:
    driver += [line] if line else []
    progress = set_up(tmp_path, flavour=e.CUDA)
    assert progress.state == e.FAILED and words in progress.message
    assert "processor" in progress.message
    assert not (tmp_path / "stub" / "commands").exists()  # no environment was begun


def test_where_an_index_lacks_the_version_the_next_is_asked(
    tmp_path: Path, driver: list[str]
) -> None:
    driver.append(RTX_50.format(driver="580.1"))
    probe = WORKING_PROBE | {"cuda": "12.8", "cards": [["RTX 5090", ""]]}
    missing = (["ERROR: No matching distribution found for torch==2.13.0"], 1)
    assert set_up(tmp_path, {"torch== cu130": missing}, e.CUDA, probe).state == e.DONE
    urls = [words[words.index("--index-url") + 1] for words in commands(tmp_path / "stub")
            if "torch==2.13.0" in words]  # fmt: skip
    assert [url.rpartition("/")[2] for url in urls] == ["cu130", "cu128"]


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ([["RTX", "CUDA error: no kernel image is available for execution"]], "has no kernels"),
        ([["RTX", "CUDA out of memory. Tried to allocate"]], "memory is exhausted"),
        ([["RTX", "CUDA error: unknown error\nadvice"]], "driver reports an error: CUDA error: un"),
        ([], "PyTorch sees no NVIDIA GPU here"),
    ],
)
def test_one_kernel_is_run_before_the_environment_counts(
    cards: list[list[str]], words: str, tmp_path: Path, driver: list[str]
) -> None:
    driver.append(RTX_50.format(driver="580.1"))
    progress = set_up(tmp_path, None, e.CUDA, WORKING_PROBE | {"cuda": "13.0", "cards": cards})
    assert progress.state == e.FAILED and words in progress.message
    assert e.environment_python(tmp_path / "made") is None


def test_one_card_that_works_is_enough(tmp_path: Path, driver: list[str]) -> None:
    driver.append(RTX_50.format(driver="580.1"))
    cards = [["Old", "CUDA error: no kernel image"], ["RTX", ""]]
    probe = WORKING_PROBE | {"cuda": "13.0", "cards": cards}
    assert set_up(tmp_path, None, e.CUDA, probe).state == e.DONE


def test_a_missing_visual_c_runtime_is_named(tmp_path: Path) -> None:
    error = "DLL load failed while importing _C: The specified module could not be found."
    probe = WORKING_PROBE | {"system": "win32", "errors": {"torch": error}}
    assert "Visual C++ Redistributable" in set_up(tmp_path, probe=probe).message


def test_an_intel_mac_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(setup_checks.platform, "machine", lambda: "x86_64")
    assert "Macs with an Intel processor" in set_up(tmp_path).message


def test_a_translocated_blender_is_told(tmp_path: Path) -> None:
    moved = tmp_path / "AppTranslocation" / "1234"
    assert "move Blender into Applications" in set_up(moved).message


def test_wheels_for_another_python_are_told(tmp_path: Path) -> None:
    for name in ("torch-2.13.0-cp311-cp311-win_amd64.whl", "sympy-1-py3-none-any.whl",
                 "safetensors-0.8.0-cp38-abi3-win_amd64.whl"):  # fmt: skip
        (tmp_path / name).touch()
    check_wheels(tmp_path, (3, 11, 9))
    with pytest.raises(MMMError, match=r"are for Python 3\.11, and this Blender has 3\.13"):
        check_wheels(tmp_path, (3, 13, 0))


def test_windows_long_paths_are_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_checks.sys, "platform", "win32")
    monkeypatch.setattr(setup_checks, "long_paths_allowed", lambda: False)
    params = e.EnvironmentParams(tmp_path, Path("python"))
    setup_checks.check_system(params, Path("C:/short/env-1234"))
    with pytest.raises(MMMError, match="long paths setting, or choose a folder with a shorter"):
        setup_checks.check_system(params, Path("C:/" + "long/" * 40))


def test_a_python_that_a_policy_stops_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "python").mkdir()
    else:
        (tmp_path / "python").touch()
    setup = e.EnvironmentSetup(e.EnvironmentParams(tmp_path / "made", tmp_path / "python"))
    setup.start()
    assert "does not let" in setup.wait(PATIENCE_SECONDS).message


def test_the_bar_moves_with_the_bytes_and_tells_the_time_left(tmp_path: Path) -> None:
    now = [0.0]
    meter = DownloadMeter(tmp_path, 50e6, lambda: now[0])
    assert meter.text() == "" and meter.fraction() == 0.0
    now[0] = 1.0
    meter.hear("Downloading torch-2.13.0-cp311.whl (100.0 MB)")
    (tmp_path / "pip-unpack").mkdir()
    (tmp_path / "pip-unpack" / "torch.whl").write_bytes(b"\0" * 25_000_000)
    assert meter.text() == "25 of 100 MB" and meter.fraction() == 0.25
    now[0] = 11.0
    assert meter.text() == "25 of 100 MB, 30 s left"
    (tmp_path / "pip-unpack" / "torch.whl").unlink()  # unpacked: the bar never goes back
    assert meter.fraction() == 0.25
    now[0] = 101.0
    assert meter.text().endswith("5 min left")


@pytest.mark.parametrize(
    ("flavour", "free", "needed"), [(e.CPU, 1.9, "2 GB"), (e.CUDA, 8.9, "9 GB")]
)
def test_the_disk_check_knows_how_large_a_build_is(
    flavour: str, free: float, needed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(_folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free * 1e9)

    monkeypatch.setattr(setup_checks.shutil, "disk_usage", usage)
    sentence = set_up(tmp_path, flavour=flavour).message
    assert f"needs {needed} on the disk of" in sentence
    assert f"{free} GB are free: make room there." in sentence
    assert not (tmp_path / "stub" / "commands").exists()  # nothing was even asked for


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("a file")
    progress = set_up(tmp_path)
    assert progress.state == e.FAILED
    assert f"cannot be written to {tmp_path / 'made'} (" in progress.message


def test_a_build_that_nobody_knows_is_a_sentence(tmp_path: Path) -> None:
    assert "no build called rocm: use cpu or cuda." in set_up(tmp_path, flavour="rocm").message
