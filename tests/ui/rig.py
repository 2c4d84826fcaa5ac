"""A Blender with a window on a screen without a monitor, driven by mouse, keys and questions."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
PICTURES = CHECKOUT / "out" / "ui"

WIDTH, HEIGHT = 1600, 900  # pixels of the screen and of Blender's window
START_SECONDS = 120.0  # software OpenGL on a busy machine
ANSWER_SECONDS = 60.0
LOOK_SECONDS = 0.05
SETTLE_SECONDS = 0.3  # an event and the redraw after it
SEARCH_STEP = 12  # pixels between two places where a button is looked for; buttons are 20 high
TAB_COLUMN = 8  # pixels from the sidebar's right edge to the middle of its tabs
BUTTON_COLUMN = 46  # and to the small buttons at the right of a row


class RigError(Exception):
    """The windowed Blender did not do what it was told."""


class Rig:
    """Use as a context manager: every process inside the root ends with the block.

    alone: the root has no network, and no Python but Blender's own.
    """

    def __init__(self, root: Path, folder: Path, alone: bool = False) -> None:
        self._root = root
        self._alone = alone
        self.clicks = 0  # of the mouse's left button
        self.folder = folder  # seen under the same path inside the root
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        environment = Path(sys.prefix).resolve()  # .venv may be a link to that of another checkout
        pythons = [] if self._alone else [environment, Path(sys.base_prefix)]
        seen_inside = [CHECKOUT, self.folder, *pythons]
        options = ["--no-network"] if self._alone else []
        command = [HERE / "in_root.sh", *options, self._root, *filter(_is_not_usr, seen_inside)]
        self._shell = subprocess.Popen(
            [*map(str, command), "--", "/bin/bash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.kill()
        self._shell.wait()

    def run(self, command: str) -> str:
        """Run a shell command inside the root; returns what it printed."""
        assert self._shell.stdin is not None
        mark = f"rig-{next(self._numbers)}-done"
        self._shell.stdin.write(f"{{ {command}\n}} </dev/null; echo; echo {mark} $?\n")
        self._shell.stdin.flush()
        printed, status = self._read_until(mark)
        if status != 0:
            raise RigError(f"{command!r} failed with status {status}: {printed}")
        return printed

    def open_blender(self) -> None:
        """Start the screen and Blender on it, and wait until Blender answers."""
        display = self.folder / "display"
        log = self.folder / "blender.log"
        self.run(
            f"exec 3>{display}; Xvfb -displayfd 3 -screen 0 "
            f"{WIDTH}x{HEIGHT}x24 +extension GLX >{self.folder}/xvfb.log 2>&1 &\n"
            f"while [ ! -s {display} ]; do sleep 0.1; done; export DISPLAY=:$(cat {display})"
        )
        self.run(
            f"blender --no-window-focus --window-geometry 0 0 {WIDTH} {HEIGHT} "
            f"--python {HERE / 'inside_blender.py'} -- {self.folder} >{log} 2>&1 &"
        )
        self.ask("answer = bpy.app.version_string", START_SECONDS)

    def ask(self, source: str, seconds: float = ANSWER_SECONDS) -> Any:
        """Run Python inside Blender, between two redraws; returns what it left in `answer`."""
        name = f"{next(self._numbers):06d}"
        unfinished = self.folder / f"{name}.part"
        unfinished.write_text(source, encoding="utf-8")
        unfinished.rename(self.folder / f"ask-{name}.py")
        reply = self.folder / f"answer-{name}.json"
        self.wait_until(reply.exists, seconds, f"an answer to {source!r}")
        answer = json.loads(reply.read_text(encoding="utf-8"))
        if "error" in answer:
            raise RigError(answer["error"])
        return answer["value"]

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Look again and again; fails with what was waited for, and Blender's last lines."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RigError(f"waited {seconds:.0f} s for {what}; Blender said:\n{self.log()}")
            time.sleep(LOOK_SECONDS)

    def log(self) -> str:
        """The last lines that Blender printed."""
        log = self.folder / "blender.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    @property
    def root_name(self) -> str:
        """Of the folder with this Blender: trixie or sid."""
        return self._root.name

    def move(self, x: int, y: int) -> None:
        """Put the mouse somewhere: pixels from the upper left."""
        self.run(f"xdotool mousemove {x} {y}")

    def click(self, x: int, y: int) -> None:
        """Press and release the left button somewhere."""
        self.clicks += 1
        # Blender must see the mouse arrive before the press, or another region gets it.
        self.run(f"xdotool mousemove {x - 1} {y} sleep 0.1 mousemove {x} {y} sleep 0.1 click 1")
        time.sleep(SETTLE_SECONDS)

    def key(self, combination: str) -> None:
        """Press a key such as 'ctrl+z' where the mouse is."""
        self.run(f"xdotool key {combination}")
        time.sleep(SETTLE_SECONDS)

    def screenshot(self, name: str) -> None:
        """Keep the whole screen as a PNG in out/ui, apart for each Blender."""
        shot = self.folder / "shot.png"
        self.run(f"import -window root {shot}")
        path = PICTURES / self._root.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(shot.read_bytes())

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the left button at one place and release it at another."""
        (x0, y0), (x1, y1) = start, end
        middle = f"{(x0 + x1) // 2} {(y0 + y1) // 2}"
        self.run(
            f"xdotool mousemove {x0} {y0} sleep 0.2 mousedown 1 sleep 0.2 mousemove {middle} "
            f"sleep 0.2 mousemove {x1} {y1} sleep 0.2 mouseup 1"
        )
        time.sleep(SETTLE_SECONDS)

    def choose_in_context_menu(self, x: int, y: int, command: str) -> None:
        """Press the right button somewhere, and the left one on the line that runs a command."""
        self.ask("bpy.context.window_manager.clipboard = ''")
        self.run(f"xdotool mousemove {x} {y} sleep 0.2 click 3 sleep 0.8")
        for below in range(0, HEIGHT - y, SEARCH_STEP):
            self.run(f"xdotool mousemove {x + 10} {y + below} sleep 0.05 key ctrl+c sleep 0.05")
            if self.ask("answer = bpy.context.window_manager.clipboard").startswith(command):
                self.run("xdotool click 1")
                time.sleep(SETTLE_SECONDS)
                return
        self.screenshot("context_menu.png")
        raise RigError(f"the context menu shows no line that runs {command}")

    def region(self, kind: str, editor: str = "VIEW_3D") -> tuple[int, int, int, int]:
        """Left, top, right, bottom of a region of an editor on the screen."""
        x, y, width, height = self.ask(
            f"r = region({kind!r}, {editor!r}); answer = [r.x, r.y, r.width, r.height]"
        )
        return x, HEIGHT - y - height, x + width, HEIGHT - y

    def settle(self) -> None:
        """Wait until Blender has drawn what was changed."""
        time.sleep(SETTLE_SECONDS)
        self.ask("")

    def open_sidebar_tab(self, name: str) -> None:
        """Open the 3D view's sidebar and click along its tabs until the one of that name is up."""
        self.ask("view()['area'].spaces.active.show_region_ui = True")
        self.settle()
        _left, top, right, bottom = self.region("UI")
        for y in range(top + SEARCH_STEP, bottom, SEARCH_STEP):
            self.click(right - TAB_COLUMN, y)
            if self.ask("answer = region('UI').active_panel_category") == name:
                return
        raise RigError(f"the sidebar has no tab {name}")

    def find_button(self, command: str) -> tuple[int, int]:
        """Place of a sidebar button: Ctrl C over it copies the Python command that it runs."""
        left, top, right, bottom = self.region("UI")
        self.ask("bpy.context.window_manager.clipboard = ''")
        columns = ((left + right) // 2, right - BUTTON_COLUMN)
        for x, y in itertools.product(columns, range(top + SEARCH_STEP, bottom, SEARCH_STEP)):
            self.run(f"xdotool mousemove {x} {y} sleep 0.05 key ctrl+c sleep 0.05")
            if self.ask("answer = bpy.context.window_manager.clipboard").startswith(command):
                return x, y
        raise RigError(f"the sidebar shows no button that runs {command}")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "BLENDER_USER_RESOURCES": str(self.folder / "user"),
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
        }

    def _read_until(self, mark: str) -> tuple[str, int]:
        lines: list[str] = []
        for line in self._lines():
            if line.startswith(mark):
                return "".join(lines).strip(), int(line.split()[1])
            lines.append(line)
        raise RigError(f"the shell inside the root ended: {''.join(lines)}")

    def _lines(self) -> Iterator[str]:
        assert self._shell.stdout is not None
        return iter(self._shell.stdout.readline, "")


def _is_not_usr(folder: Path) -> bool:
    """The root has a /usr of its own."""
    return folder != Path("/usr")
