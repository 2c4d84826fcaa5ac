"""A real Ray cluster of two machines, played by this one: two ``ray start`` on the loopback, each
with its own temporary folder and one CPU."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_STORE = 80_000_000  # bytes: clips do not travel through it
_SECONDS = 400.0
_QUICK_DEATH = {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "3"}
"""A node that is gone counts as dead after seconds instead of half a minute."""


class RayNode:
    """A ``ray start --block`` and all that it started."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._log = log.open("w", encoding="utf-8")
        self._command, self._environment = command, {**os.environ, **environment}
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
        )

    def start_again_if_ended(self) -> None:
        """Ray gives up on a node after 15 s, which a busy machine needs for its start alone."""
        if self.process.poll() is not None:
            self.kill()
            self.process = self._started()

    @property
    def is_making(self) -> bool:
        """Whether one of its actors makes a shard now: Ray writes that into the process' title."""
        return any(
            "ClipActor.make" in _title(process) for process in _processes_of(self.process.pid)
        )

    def killed_while_making(self) -> bool:
        """``kill``, if it makes a shard at this moment: it is stopped for the look."""
        if not self.is_making:
            return False
        self._signal(signal.SIGSTOP)
        if not self.is_making:
            self._signal(signal.SIGCONT)
            return False
        self.kill()
        return True

    def kill(self) -> None:
        """SIGKILL to every process of the node, as when its power goes."""
        self._signal(signal.SIGSTOP)  # nobody starts another one
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        for process in _processes_of(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(process, number)


@dataclass(frozen=True)
class Machine:
    """prefix: a command that runs the node's own. environment: more variables of the node."""

    name: str
    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


class Cluster:
    """The head, and nodes that join it. environment: for whoever wants to join."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{_free_port()}"
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": uuid.uuid4().hex,
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        port = self.address.split(":")[1]
        self.head = self._start("head", ["--head", f"--port={port}", "--include-dashboard=false"])
        self.wait_for(1)

    @contextmanager
    def joined_by(self, *machines: Machine) -> Generator[list[RayNode]]:
        """These machines beside the head, while the block runs."""
        nodes: list[RayNode] = []
        try:
            for each in machines:  # one after another: their starts are all that is slow
                options = [f"--address={self.address}"]
                nodes.append(self._start(each.name, options, each.prefix, each.environment))
                self.wait_for(1 + len(nodes), nodes[-1])
            yield nodes
        finally:
            for node in nodes:
                node.kill()
            self.wait_for(1)

    def _start(
        self,
        name: str,
        options: Sequence[str],
        prefix: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> RayNode:
        command = [
            *prefix,
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block"),
            *("--node-ip-address=127.0.0.1", "--num-cpus=1", f"--object-store-memory={_STORE}"),
            f"--temp-dir={self.folder / name}",
            *options,
        ]
        environment = {**_QUICK_DEATH, **self.environment, **(more or {})}
        return RayNode(command, self.folder / f"{name}.log", environment)

    def wait_for(self, nodes: int, joining: RayNode | None = None) -> None:
        """Until so many machines are alive."""
        program = (
            "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False); "
            "print(sum(node['Alive'] for node in ray.nodes()))"
        )
        until = time.monotonic() + _SECONDS
        found = ""
        while time.monotonic() < until:
            asked = subprocess.run(
                [sys.executable, "-c", program, self.address],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, **self.environment},
            )
            found = asked.stdout.strip()
            if found == str(nodes):
                return
            if joining:
                joining.start_again_if_ended()
            time.sleep(0.5)
        raise AssertionError(f"{found} nodes are alive, not {nodes}; see {self.folder}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _title(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _processes_of(session: int) -> list[int]:
    """All processes of a session, also those whose parents have ended (Linux)."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
                if int(stat.rpartition(")")[2].split()[3]) == session:
                    found.append(int(entry.name))
    return found
