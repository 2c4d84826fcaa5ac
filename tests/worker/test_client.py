"""The client against a real process (with a fake engine): start, poll, cancel, death, restart."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.worker import client as client_module
from mmm_blender.worker import protocol as p
from mmm_blender.worker.client import WorkerClient
from tests.worker import fake_worker

PATIENCE_SECONDS = 120.0
PYTHON = Path(sys.executable)
BUNDLE = p.LoadBundle("starter")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def client() -> Iterator[WorkerClient]:
    worker = WorkerClient(PYTHON, fake_worker.BOOTSTRAP)
    yield worker
    worker.stop()


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def poll_until(
    client: WorkerClient, wanted: Callable[[p.WorkerMessage], bool]
) -> list[p.WorkerMessage]:
    """All messages up to and with the wanted one."""
    messages: list[p.WorkerMessage] = []

    def arrived() -> bool:
        messages.extend(client.poll())
        return any(map(wanted, messages))

    wait(arrived)
    return messages


def ends(job: int) -> Callable[[p.WorkerMessage], bool]:
    return lambda m: isinstance(m, p.Generated | p.Failed) and m.job == job


def submit(client: WorkerClient, prompt: str) -> int:
    job = client.new_job()
    client.submit(p.Generate(prompt, 1.0, seed=5, job=job), BUNDLE)
    return job


def failure(client: WorkerClient, prompt: str) -> p.Failed:
    job = submit(client, prompt)
    end = next(m for m in poll_until(client, ends(job)) if ends(job)(m))
    assert isinstance(end, p.Failed)
    return end


def generated(client: WorkerClient, prompt: str) -> p.Generated:
    return client.run_blocking(p.Generate(prompt, 1.0, seed=5), BUNDLE)


def processes(client: WorkerClient) -> int:
    connection = client._connection  # pyright: ignore[reportPrivateUsage]  # the process is hidden
    assert connection is not None
    return connection._process.pid  # pyright: ignore[reportPrivateUsage]  # as above


def test_a_job_goes_from_start_to_result(client: WorkerClient) -> None:
    job = submit(client, "walk")
    assert client.busy
    messages = poll_until(client, ends(job))
    assert client.ready is not None and client.ready.devices == {"cpu": "CPU"}
    assert client.bundle_info == {"name": "starter", "loads": 1}
    steps = [m.step for m in messages if isinstance(m, p.Progress) and m.job == job]
    assert steps == [1, 2, 3, 4]
    (result,) = [m for m in messages if isinstance(m, p.Generated)]
    assert result.root_T3.tolist() == [[5.0] * 3] * 20
    assert not client.busy
    wait(lambda: client.poll() or client.status == p.Status("cpu", 1.0, bundle="starter"))


def test_starting_and_polling_return_at_once() -> None:
    client = WorkerClient(PYTHON, "import time\ntime.sleep(600)")  # never greets
    job = submit(client, "walk")
    assert client.poll() == []
    client.cancel(job)
    assert client.alive and client.ready is None
    client.stop()


def test_a_bundle_is_loaded_once(client: WorkerClient) -> None:
    generated(client, "walk")
    generated(client, "walk")
    assert client.bundle_info == {"name": "starter", "loads": 1}


def test_the_program_sees_neither_the_current_folder_nor_the_input(
    client: WorkerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "queue.py").write_text("raise SystemExit('shadowed')")
    recipe = generated(client, "walk").recipe
    assert str(tmp_path) not in recipe["path"] and "" not in recipe["path"]
    assert recipe["stdin"] == ""


def test_threads_sleep_while_they_wait_unless_told_otherwise(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert generated(client, "walk").recipe["waiting"] == "PASSIVE"
    client.stop()
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert generated(client, "walk").recipe["waiting"] == "ACTIVE"


def test_a_stray_print_does_not_break_the_protocol(client: WorkerClient) -> None:
    assert generated(client, "print").root_T3.shape == (20, 3)
    wait(lambda: "and one of a library" in client.log_tail)
    assert "a stray print" in client.log_tail


def test_a_job_without_a_number_gets_a_new_one(client: WorkerClient) -> None:
    jobs = [client.submit(p.Generate("walk", 1.0), BUNDLE) for _ in range(2)]
    assert len({*jobs, client.new_job()}) == 3
    assert poll_until(client, ends(jobs[1]))


def test_cancel_ends_a_job_between_two_steps(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "OBEY_SECONDS", PATIENCE_SECONDS)
    job = submit(client, "slow")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    worker = processes(client)
    client.cancel(job)
    last = poll_until(client, ends(job))
    assert p.Failed(job, p.FailureKind.CANCELLED, "Cancelled.") in last
    generated(client, "walk")
    assert processes(client) == worker  # it obeyed, so it lived on


def test_a_worker_that_ignores_cancel_is_killed_after_a_while(client: WorkerClient) -> None:
    job = submit(client, "stuck")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    worker = processes(client)
    client.cancel(job)
    began = time.monotonic()
    assert p.Failed(job, p.FailureKind.CANCELLED, "Cancelled.") in poll_until(client, ends(job))
    assert time.monotonic() - began >= client_module.OBEY_SECONDS
    assert not client.alive and not client.busy
    generated(client, "walk")
    assert processes(client) != worker


def test_the_press_after_a_cancel_works_even_if_the_worker_is_stuck(client: WorkerClient) -> None:
    stuck = submit(client, "stuck")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    client.cancel(stuck)
    walk = submit(client, "walk")  # before the two seconds are over
    messages = poll_until(client, ends(walk))
    assert p.Failed(stuck, p.FailureKind.CANCELLED, "Cancelled.") in messages
    assert [m.job for m in messages if isinstance(m, p.Generated)] == [walk]


def test_a_job_cancelled_in_the_queue_never_begins(client: WorkerClient) -> None:
    first, second = submit(client, "slow"), submit(client, "walk")
    client.cancel(second)
    client.cancel(first)
    messages = poll_until(client, ends(second))
    assert p.Failed(second, p.FailureKind.CANCELLED, "Cancelled.") in messages
    assert not [m for m in messages if isinstance(m, p.Progress) and m.job == second]


def test_a_job_cancelled_in_the_queue_costs_the_running_one_nothing(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running = submit(client, f"until {tmp_path / 'go'}")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    worker = processes(client)
    waiting = submit(client, "walk")
    monkeypatch.setattr(client_module, "OBEY_SECONDS", -1.0)  # none is left
    client.cancel(waiting)
    poll_until(client, lambda m: isinstance(m, p.Progress))
    assert processes(client) == worker and client.alive
    monkeypatch.setattr(client_module, "OBEY_SECONDS", PATIENCE_SECONDS)
    (tmp_path / "go").touch()
    messages = poll_until(client, ends(waiting))
    assert [m.job for m in messages if isinstance(m, p.Generated)] == [running]
    assert p.Failed(waiting, p.FailureKind.CANCELLED, "Cancelled.") in messages
    assert processes(client) == worker and not client.busy


def test_a_message_that_cannot_be_sent_is_told_at_once(client: WorkerClient) -> None:
    seconds: Any = np.float32(1.0)
    with pytest.raises(p.ProtocolError, match="seconds that is no float"):
        client.run_blocking(p.Generate("walk", seconds), BUNDLE)
    assert not client.busy
    generated(client, "walk")


@pytest.mark.parametrize("minutes", [-1.0, math.nan, math.inf, -math.inf, 1e300])
def test_no_idle_time_ends_the_worker(client: WorkerClient, minutes: float) -> None:
    params = p.LoadBundle("starter", idle_minutes=minutes)
    for _ in range(2):
        client.run_blocking(p.Generate("walk", 0.1), params)
    assert client.bundle_info == {"name": "starter", "loads": 1}


def test_a_torch_that_breaks_on_sight_is_told() -> None:
    broken = fake_worker.BOOTSTRAP.replace(
        "main(FakeEngine)", "FakeEngine.describe = lambda self: 1 / 0\nmain(FakeEngine)"
    )
    client = WorkerClient(PYTHON, broken)
    client.start()
    poll_until(client, lambda m: isinstance(m, p.Ready))
    assert client.ready is not None and "ZeroDivisionError" in client.ready.reason
    generated(client, "walk")  # what can still be done is done
    client.stop()


def test_paths_in_any_script_reach_the_worker_and_its_log(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")  # where Python's UTF-8 mode is off by default
    path = "/home/Zoë/動き weights"
    request = p.Generate("echo " + path, 0.1)
    assert client.run_blocking(request, p.LoadBundle(path)).recipe["utf8"] == 1
    assert client.bundle_info == {"name": path, "loads": 1}
    wait(lambda: path in client.log_tail)


def test_a_crash_is_one_sentence_and_the_next_press_works(client: WorkerClient) -> None:
    failed = failure(client, "crash")
    assert failed.kind == p.FailureKind.WORKER_ENDED
    assert "the graphics driver said no" in failed.message and "try again" in failed.message
    assert "graphics driver" in client.log_tail
    assert generated(client, "walk").job != failed.job


def test_killed_in_mid_run_begins_again_once_and_is_then_told(client: WorkerClient) -> None:
    job = submit(client, "slow")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    first = processes(client)
    kill(first)
    wait(lambda: client.poll() == [] and processes(client) != first)  # its last words are heard
    poll_until(client, lambda m: isinstance(m, p.Progress))
    kill(processes(client))
    messages = poll_until(client, ends(job))
    assert [m.kind for m in messages if isinstance(m, p.Failed)] == [p.FailureKind.WORKER_ENDED]
    assert client.poll() == []
    generated(client, "walk")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_killed_in_mid_run_the_job_is_done_all_the_same(
    client: WorkerClient, tmp_path: Path
) -> None:
    job = submit(client, f"until {tmp_path / 'go'}")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    os.kill(processes(client), signal.SIGTERM)
    (tmp_path / "go").touch()
    messages = poll_until(client, ends(job))
    assert not [m for m in messages if isinstance(m, p.Failed)]
    assert client.bundle_info == {"name": "starter", "loads": 1}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_killed_while_it_starts_is_no_fault_of_the_environment(client: WorkerClient) -> None:
    """Before: "The worker cannot run in this Python: run Set Up"."""
    job = submit(client, "walk")
    kill(processes(client))
    messages = poll_until(client, ends(job))
    assert not [m for m in messages if isinstance(m, p.Failed)]
    job = submit(client, "slow")
    first = processes(client)
    kill(first)
    said: list[p.WorkerMessage] = []
    wait(lambda: said.extend(client.poll()) or processes(client) != first)
    kill(processes(client))
    failed = next(m for m in poll_until(client, ends(job)) if isinstance(m, p.Failed))
    assert not [m for m in said if isinstance(m, p.Failed | p.Generated)]
    assert failed.kind == p.FailureKind.WORKER_ENDED and "Set Up" not in failed.message


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_worker_that_is_still_dying_gets_bundle_and_job_or_neither(client: WorkerClient) -> None:
    """Before: "No weights were chosen"."""
    generated(client, "walk")
    for _ in range(5):
        os.kill(processes(client), signal.SIGTERM)
        assert isinstance(generated(client, "walk"), p.Generated)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_a_stopped_worker_is_not_waited_for_without_end(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: a script waited for ever."""
    generated(client, "walk")
    stopped = processes(client)
    os.kill(stopped, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(client, "_silence_seconds", 0.2)
        job = submit(client, "walk")
        said: list[p.WorkerMessage] = []
        wait(lambda: said.extend(client.poll()) or processes(client) != stopped)
    messages = poll_until(client, ends(job))
    assert [m.job for m in messages if isinstance(m, p.Generated)] == [job]  # by a new process


def test_no_call_waits_for_a_dying_process(client: WorkerClient) -> None:
    """Before: polling waited for the log of a process whose child kept it open."""
    submit(client, "slow")
    poll_until(client, lambda m: isinstance(m, p.Progress))
    kill(processes(client))
    longest = 0.0
    for _ in range(100):
        began = time.monotonic()
        client.poll()
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.01)
    assert longest < PATIENCE_SECONDS / 4  # before: as long as the child lived


def test_killed_while_idle_concerns_nobody(client: WorkerClient) -> None:
    generated(client, "walk")
    kill(processes(client))
    wait(lambda: not client.alive)
    job = submit(client, "walk")  # before any poll saw the death
    messages = poll_until(client, ends(job))
    assert not [m for m in messages if isinstance(m, p.Failed)]


def kill(pid: int) -> None:
    """As hard as the system can, and wait until it is so."""
    os.kill(pid, 9)
    wait(lambda: not runs(pid))


def runs(pid: int) -> bool:
    """Neither gone nor a zombie that waits for its parent."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return state.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize(
    ("prompt", "kind", "words"),
    [
        ("memory", p.FailureKind.OUT_OF_MEMORY, "choose the CPU"),
        ("bug", p.FailureKind.INTERNAL, "ZeroDivisionError"),
        ("unsendable", p.FailureKind.INTERNAL, "cannot be sent"),
    ],
)
def test_a_failed_job_leaves_the_worker_alive(
    client: WorkerClient, prompt: str, kind: str, words: str
) -> None:
    failed = failure(client, prompt)
    assert failed.kind == kind and words in failed.message
    assert client.alive
    generated(client, "walk")


def test_a_missing_bundle_is_told(client: WorkerClient) -> None:
    client.send(p.LoadBundle("missing"))
    messages = poll_until(client, lambda m: isinstance(m, p.Failed))
    assert p.Failed(None, p.FailureKind.BUNDLE, "There is no bundle: choose another.") in messages


def test_memory_is_freed_when_idle_and_the_next_job_still_works(client: WorkerClient) -> None:
    soon = p.LoadBundle("starter", idle_minutes=0.2 / 60)
    client.run_blocking(p.Generate("walk", 1.0), soon)
    poll_until(client, lambda m: isinstance(m, p.Status) and m.bundle == "")
    client.run_blocking(p.Generate("walk", 1.0), soon)
    assert client.bundle_info == {"name": "starter", "loads": 2}


def test_progress_reaches_a_script(client: WorkerClient) -> None:
    seen: list[p.Progress] = []
    request = p.Generate("walk", 1.0)
    client.run_blocking(request, BUNDLE, seen.append)
    assert [m.step for m in seen] == [1, 2, 3, 4]


def test_a_script_gets_failures_as_exceptions(client: WorkerClient) -> None:
    with pytest.raises(p.WorkerError, match="choose the CPU") as raised:
        generated(client, "memory")
    assert raised.value.kind == p.FailureKind.OUT_OF_MEMORY
    with pytest.raises(p.WorkerError, match="FileNotFoundError"):
        client.load_body_model_blocking(p.LoadBodyModel("none.npz"))


def test_a_python_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    client = WorkerClient(tmp_path / "no-python")
    with pytest.raises(p.WorkerError, match=r"cannot be run.*Set Up") as raised:
        client.start()
    assert raised.value.kind == p.FailureKind.ENVIRONMENT and not client.alive


def test_a_python_without_numpy_is_a_sentence() -> None:
    client = WorkerClient(PYTHON, "raise ModuleNotFoundError(\"No module named 'numpy'\")")
    failed = failure(client, "walk")
    assert failed.kind == p.FailureKind.ENVIRONMENT
    assert "No module named 'numpy'" in failed.message and "Set Up" in failed.message


def test_a_program_that_speaks_something_else_is_a_sentence() -> None:
    client = WorkerClient(PYTHON, "print('Welcome to the machine')")
    failed = failure(client, "walk")
    assert failed.kind == p.FailureKind.ENVIRONMENT and "no message" in failed.message


def test_another_version_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "package_version", lambda: "0.0.1")
    client = WorkerClient(PYTHON, fake_worker.BOOTSTRAP)
    failed = failure(client, "walk")
    assert failed.kind == p.FailureKind.ENVIRONMENT
    assert "version 0.0.1" in failed.message and "restart Blender" in failed.message
    assert failed.message.count(".") - failed.message.count("0.0.1") * 2 <= 3


def test_stop_ends_the_process(client: WorkerClient) -> None:
    for prompt in ("walk", "stuck"):
        submit(client, prompt)
        poll_until(client, lambda m: isinstance(m, p.Progress))
        worker = processes(client)
        client.stop()
        wait(lambda worker=worker: not runs(worker))


HOST = """\
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from mmm_blender.worker import protocol as p
from mmm_blender.worker.client import WorkerClient
from tests.worker import fake_worker
client = WorkerClient(Path(sys.executable), fake_worker.BOOTSTRAP)
client.submit(p.Generate({prompt!r}, 1.0), p.LoadBundle("starter"))
while not any(isinstance(m, p.Progress) for m in client.poll()):
    time.sleep(0.01)
print(client._connection._process.pid, flush=True)
{rest}
time.sleep(60)
"""
FORK = """\
import os
if os.fork() == 0:  # the child has copies of the worker's pipes
    sys.stdin.read()
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")
@pytest.mark.parametrize(
    ("prompt", "rest"),
    [("slow", ""), ("stuck", ""), ("stuck", FORK)],
    ids=["in mid-run", "in a step that hangs", "with its pipes held open by a fork"],
)
def test_the_worker_ends_when_blender_is_killed(prompt: str, rest: str) -> None:
    script = HOST.format(root=str(ROOT), prompt=prompt, rest=rest)
    host = subprocess.Popen(
        [PYTHON, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert host.stdout is not None and host.stdin is not None
    worker = int(host.stdout.readline())
    assert runs(worker)
    host.kill()
    host.wait()
    wait(lambda: not runs(worker))
    host.stdout.close()
    host.stdin.close()  # that ends the fork
