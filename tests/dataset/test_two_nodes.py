"""A data set on a real Ray cluster of two nodes: order, death, and nodes that do not fit.

About two minutes, most of it Ray's own starts: MMM_RAY_NODES=1 asks for it, as .ci/run does.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray", reason="the extra 'cluster' is not installed in this Python")
if not sys.platform.startswith("linux"):
    pytest.skip("two nodes on one machine need Linux", allow_module_level=True)
if not os.environ.get("MMM_RAY_NODES"):
    pytest.skip(".ci/run starts the nodes, with MMM_RAY_NODES=1", allow_module_level=True)

from tests.dataset.conftest import all_clips
from tests.dataset.two_nodes import Cluster, Machine

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "tools" / "generate_dataset.py"
ROWS = 320
SHARD = 8
PATIENCE_SECONDS = 400.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(Path(tmp_path_factory.mktemp("ray")))
    yield started
    started.head.kill()


@pytest.fixture(scope="module")
def rows() -> list[str]:
    return [f"c{n},a person walks,{3 + n % 7},{n}" for n in range(ROWS)]


class Asks:
    """Runs the command in a process of its own, in a folder where no package lies."""

    def __init__(self, cluster: Cluster, folder: Path, bundle: Path) -> None:
        self.cluster, self.folder, self.bundle = cluster, folder, bundle

    def start(self, rows: list[str], out: str, *more: str) -> subprocess.Popen[str]:
        # a shell lets what it starts in the background ignore Ctrl-C, and that is inherited
        signal.signal(signal.SIGINT, signal.default_int_handler)
        table = self.folder / f"{out}.csv"
        table.write_text("\n".join(["name,prompt,seconds,seed", *rows]), encoding="utf-8")
        named = {
            "--prompts": table,
            "--out": self.folder / out,
            "--bundle": self.bundle,
            "--ray": self.cluster.address,
            "--rows-per-shard": SHARD,
        }
        options = [str(word) for pair in named.items() for word in pair]
        return subprocess.Popen(
            [sys.executable, str(COMMAND), *options, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, **self.cluster.environment},
        )

    def run(self, rows: list[str], out: str, *more: str) -> tuple[int, str]:
        """Exit status and what was said."""
        started = self.start(rows, out, *more)
        said = "".join(started.communicate(timeout=PATIENCE_SECONDS))
        return started.returncode, said

    def report(self, out: str) -> dict[str, Any]:
        return json.loads((self.folder / out / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def asks(cluster: Cluster, tmp_path: Path, tiny_bundle: Path) -> Asks:
    return Asks(cluster, tmp_path, tiny_bundle)


def wait_until(seen: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not seen():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)


def check_whole(asks: Asks, out: str, names: set[str]) -> None:
    """Every row is there, no key twice, nothing half-written."""
    clips = all_clips(asks.folder / out)
    assert {clip.name for clip in clips} == names
    assert set(Counter(clip.key for clip in clips).values()) == {1}
    assert not list((asks.folder / out / "shards").glob(".*.part"))


def test_a_node_dies_and_orders_differ_and_the_tokens_are_the_same(
    asks: Asks, cluster: Cluster, rows: list[str]
) -> None:
    names = {row.split(",")[0] for row in rows}
    with cluster.joined_by(Machine("dies")) as [node]:
        started = asks.start(rows, "killed")
        wait_until(node.killed_while_making)
        said = "".join(started.communicate(timeout=PATIENCE_SECONDS))
    assert started.returncode == 0, said
    assert "An actor ended while it made" in said
    check_whole(asks, "killed", names)
    report = asks.report("killed")
    assert len(report["nodes"]) == 2
    assert report["counts"]["made"] == ROWS
    few = random.Random(1).sample(rows, 50)
    assert asks.run(few, "alone")[0] == 0
    made = {clip.key: clip for clip in all_clips(asks.folder / "killed")}
    for clip in all_clips(asks.folder / "alone"):
        np.testing.assert_array_equal(clip.tokens_LP, made[clip.key].tokens_LP)


def test_ctrl_c_keeps_what_is_whole_and_a_second_run_goes_on(asks: Asks, rows: list[str]) -> None:
    broken = [*rows[:100], "c,,1,0", *rows[100:]]
    started = asks.start(broken, "stopped")
    shards = asks.folder / "stopped" / "shards"
    wait_until(lambda: len(list(shards.glob("*.parquet"))) >= 3)
    started.send_signal(signal.SIGINT)
    said = "".join(started.communicate(timeout=PATIENCE_SECONDS))
    assert started.returncode == 130
    assert said.splitlines()[-1].endswith("what is whole stays, run it again to go on.")
    assert asks.report("stopped")["stopped_by"] == "Ctrl-C"
    before = {path: path.read_bytes() for path in asks.folder.glob("stopped/shards/*.parquet")}
    status, said = asks.run(broken, "stopped")
    assert status == 1, said
    assert all(path.read_bytes() == content for path, content in before.items())
    check_whole(asks, "stopped", {row.split(",")[0] for row in rows})
    report = asks.report("stopped")
    assert report["counts"]["stored_before"] == SHARD * len(before)
    assert [failure["line"] for failure in report["failures"]] == [102]


def with_another_version(folder: Path) -> Machine:
    """A node whose Python finds another version of the package first."""
    shutil.copytree(
        ROOT / "mmm_blender", folder / "mmm_blender", ignore=shutil.ignore_patterns("__pycache__")
    )
    manifest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    changed = re.sub(r'(?m)^version = ".*"', 'version = "9.9.9"', manifest)
    (folder / "blender_manifest.toml").write_text(changed, encoding="utf-8")
    return Machine("version", environment={"PYTHONPATH": str(folder)})


def with_a_mount(name: str, folder: Path, options: str) -> Machine:
    """A node that sees an empty file system of its own in a folder."""
    mount = f'mount -t tmpfs -o {options} none "{folder}" && exec "$@"'
    return Machine(name, ("unshare", "-m", "sh", "-c", mount, "sh"))


@pytest.fixture
def may_mount() -> None:
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("a node with a disk of its own needs the right to mount")


@pytest.mark.usefixtures("may_mount")
def test_nodes_that_do_not_fit_are_left_out_with_a_sentence_each(
    asks: Asks, cluster: Cluster, rows: list[str]
) -> None:
    shards = asks.folder / "odd" / "shards"
    shards.mkdir(parents=True)
    with cluster.joined_by(
        with_another_version(asks.folder / "elsewhere"),
        with_a_mount("full", shards, "size=8k"),
        with_a_mount("lacks", asks.bundle, "size=1m"),
    ):
        status, said = asks.run(rows, "odd")
    assert status == 0, said
    assert said.count(" is left out: ") == 3
    assert "is left out: it has another version of MMM (9.9.9, " in said
    assert f"is left out: it cannot write {shards}" in said
    assert "(No space left on device): free space there." in said
    assert f"is left out: There are no weights in {asks.bundle}" in said
    check_whole(asks, "odd", {row.split(",")[0] for row in rows})
