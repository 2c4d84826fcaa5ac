"""A hundred times something ends, stops or cancels the worker, at any moment of any kind of job:
each job ends exactly once, with its result or one sentence, and the next press works.

``MMM_FAULTS`` says how many times (20 if not given).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from mmm_blender.worker import protocol as p
from mmm_blender.worker.client import WorkerClient
from tests.worker import fake_worker
from tests.worker.test_client import BUNDLE, PYTHON, ends, poll_until, processes

TIMES = int(os.environ.get("MMM_FAULTS", "20"))
PROMPTS = ("walk", "longer", "memory", "bug", "print", "crash")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")


def disturb(client: WorkerClient, job: int, dice: random.Random) -> None:
    """One of the things that happen to a process."""
    match dice.randrange(5):
        case 0:
            os.kill(processes(client), signal.SIGKILL)
        case 1:
            os.kill(processes(client), signal.SIGTERM)
        case 2:
            pid = processes(client)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.05)
            os.kill(pid, signal.SIGCONT)
        case 3:
            client.cancel(job)
        case _:
            client.send(p.Cancel(job + 1))


def test_whatever_happens_to_the_worker_each_job_ends_once() -> None:
    dice = random.Random(int(os.environ.get("MMM_FAULTS_SEED", "0")))
    client = WorkerClient(PYTHON, fake_worker.BOOTSTRAP)
    try:
        for _ in range(TIMES):
            job = client.new_job()
            client.submit(p.Generate(dice.choice(PROMPTS), 1.0, job=job), BUNDLE)
            until = time.monotonic() + dice.uniform(0.0, 0.6)
            messages: list[p.WorkerMessage] = []
            while time.monotonic() < until:
                messages += client.poll()
                time.sleep(0.01)
            if not any(map(ends(job), messages)):
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    disturb(client, job, dice)
                messages += poll_until(client, ends(job))
            ended = [each for each in messages if ends(job)(each)]
            assert len(ended) == 1
            if isinstance(ended[0], p.Failed):
                assert "Set Up" not in ended[0].message, ended[0].message
                assert "No weights" not in ended[0].message, ended[0].message
        assert isinstance(client.run_blocking(p.Generate("walk", 1.0), BUNDLE), p.Generated)
    finally:
        client.stop()


FRAGILE = """\
import signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as some Blenders leave it
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from mmm_blender.worker import protocol as p
from mmm_blender.worker.client import WorkerClient
client = WorkerClient(Path(sys.executable), "import time; time.sleep(600)")  # reads nothing
client.submit(p.Generate("walk " * 100_000, 1.0), p.LoadBundle("starter"))
connection = client._connection
connection._process.kill()
for thread in connection._threads:
    thread.join()
client.stop()
del client, connection
print("lives")
"""


def test_a_killed_worker_does_not_end_the_program_that_was_writing_to_it() -> None:
    """Before: Blender 4.3 was gone, with the scene."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [PYTHON, "-c", FRAGILE, root], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "lives\n", "")
