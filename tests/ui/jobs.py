"""Jobs in the windowed Blender: presses that begin one, their end, and a worker that is held."""

from __future__ import annotations

from collections.abc import Callable

from tests.ui.rig import Rig

MODULE = "bl_ext.user_default.mmm_blender"
SESSION = f"import sys; session = sys.modules['{MODULE}.blender.jobs.session'].session\n"
PYTHON_PATH = f"bpy.context.preferences.addons['{MODULE}'].preferences.python_path"
JOB_SECONDS = 240.0  # with a cold start of the worker on a busy machine


def begin_job(rig: Rig, press: Callable[[], object]) -> None:
    """Press until a job has begun; it may have ended by then."""
    rig.ask(SESSION + "kept['job'] = session.job")
    begun = SESSION + "answer = session.job is not kept['job']"
    rig.press_until(press, lambda: rig.ask(begun), "a job")


def run_job(rig: Rig, press: Callable[[], object]) -> None:
    """Press, and wait for the end of the job that it began."""
    begin_job(rig, press)
    rig.wait_until(lambda: not is_busy(rig), JOB_SECONDS, "the job's end")


def press_generate(rig: Rig) -> None:
    """By mouse, in the tab that is open."""
    rig.click(*rig.find_button("bpy.ops.mmm.generate"))


def is_busy(rig: Rig) -> bool:
    """A job runs."""
    return rig.ask(SESSION + "answer = session.busy")


def notice(rig: Rig) -> str:
    """What was said last."""
    return rig.ask(SESSION + "answer = session.notice.text")


def shut_down(rig: Rig) -> None:
    """No job is left, and no worker."""
    rig.ask(SESSION + "session.shut_down()")


def hold_worker(rig: Rig) -> None:
    """Have a worker that stands still: the next job does not end by itself."""
    rig.ask(SESSION + f"import pathlib; session.check(pathlib.Path({PYTHON_PATH}))")
    rig.wait_until(lambda: bool(worker_processes(rig)), JOB_SECONDS, "the worker's process")
    for process in worker_processes(rig):
        rig.run(f"kill -STOP {process}")


def let_worker_go(rig: Rig) -> None:
    """Undo ``hold_worker``, if the process is still there."""
    for process in worker_processes(rig):
        rig.run(f"kill -CONT {process} || true")


def worker_processes(rig: Rig) -> list[str]:
    """Ids of the worker's processes: the root has its own, and this Python only runs workers."""
    python = rig.ask("answer = " + PYTHON_PATH)
    running = rig.run(
        "for each in /proc/[0-9]*; do "
        f"if {{ tr '\\0' '\\n' <$each/cmdline | head -n 1 | grep -qxF {python} && "
        "grep -q '^State:.[^Z]' $each/status; } 2>/dev/null; then basename $each; fi; done"
    )
    return running.split()
