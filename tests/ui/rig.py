"""A Blender with a window on a screen without a monitor, driven by mouse, keys and questions."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
PICTURES = CHECKOUT / "out" / "ui"

WIDTH, HEIGHT = 1600, 900  # pixels of the screen and of Blender's window
START_SECONDS = 120.0  # software OpenGL on a busy machine
ANSWER_SECONDS = 180.0
LOOK_SECONDS = 0.02
SETTLE_SECONDS = 0.2  # what Blender draws in steps: tabs, panels, tooltips
PRESSES = 3
PRESS_SECONDS = 15.0  # after that a press counts as lost
SEARCH_STEP = 12  # pixels between two places where a button is looked for; buttons are 20 high
TAB_COLUMN = 8  # pixels from the sidebar's right edge to the middle of its tabs
BUTTON_COLUMN = 46  # and to the small buttons at the right of a row
CLIPBOARD = "answer = bpy.context.window_manager.clipboard"


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
        """Run Python inside Blender, between two redraws and after all that was pressed before;
        returns what it left in `answer`."""
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

    def press_until(self, press: Callable[[], object], done: Callable[[], bool], what: str) -> None:
        """Press, and again only where it did nothing: without a monitor an event is lost at times.

        ``done`` must be false before the press, and stay true after it."""
        for _ in range(PRESSES - 1):
            press()
            with suppress(RigError):
                return self.wait_until(done, PRESS_SECONDS, what)
        press()
        return self.wait_until(done, PRESS_SECONDS, what)

    def log(self) -> str:
        """The last lines that Blender printed."""
        log = self.folder / "blender.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    @property
    def root_name(self) -> str:
        """Of the folder with this Blender: trixie or sid."""
        return self._root.name

    def move(self, x: int, y: int) -> None:
        """Put the mouse somewhere: pixels from the upper left. Blender has seen it on return."""
        self.event(f"mousemove {x} {y}")

    def event(self, words: str) -> None:
        """Something of the mouse or the keys, as xdotool calls it, until Blender has handled it."""
        self.run(f"xdotool {words}")
        self.ask("")

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Press and release a button of the mouse somewhere: 1 left, 3 right."""
        self.clicks += button == 1
        # Blender must see the mouse arrive before the press, or another region gets it.
        self.move(x - 1, y)
        self.move(x, y)
        self.event(f"click {button}")
        self.settle()

    def key(self, combination: str) -> None:
        """Press a key such as 'ctrl+z' where the mouse is."""
        self.event(f"key {combination}")
        self.settle()

    def key_in_view(self, combination: str) -> None:
        """Press a key with the mouse over the scene."""
        left, top, right, bottom = self.region("WINDOW")
        self.move((left + right) // 2, (top + bottom) // 2)
        self.key(combination)

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
        for words in (
            f"mousemove {x0} {y0}",
            "mousedown 1",
            f"mousemove {middle}",
            f"mousemove {x1} {y1}",
            "mouseup 1",
        ):
            self.event(words)
        self.settle()

    def choose_in_context_menu(self, x: int, y: int, command: str) -> None:
        """Press the right button somewhere, and the left one on the line that runs a command."""
        lines = [(x + 10, below) for below in range(y, HEIGHT, SEARCH_STEP)]
        for _ in range(PRESSES):
            self.click(x, y, button=3)
            if self.find_command(lines, command):
                self.event("click 1")
                return self.settle()
        self.screenshot("context_menu.png")
        raise RigError(f"the context menu shows no line that runs {command}")

    def find_command(
        self, places: Iterable[tuple[int, int]], command: str
    ) -> tuple[int, int] | None:
        """The first of some places with a button that runs a Python command, where the mouse stays:
        Ctrl C over a button copies what it runs."""
        self.ask("bpy.context.window_manager.clipboard = ''")
        for x, y in places:
            self.run(f"xdotool mousemove {x} {y} sleep 0.05 key ctrl+c")
            if self.ask(CLIPBOARD).startswith(command):
                return x, y
        return None

    def pixels(self, area: tuple[int, int, int, int]) -> str:
        """Stands for what is seen in a part of the screen (left, top, right, bottom)."""
        left, top, right, bottom = area
        crop = f"{right - left}x{bottom - top}+{left}+{top}"
        return self.run(f"import -window root -crop {crop} +repage rgb:- | md5sum")

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
        for _ in range(PRESSES):
            for y in range(top + SEARCH_STEP, bottom, SEARCH_STEP):
                self.click(right - TAB_COLUMN, y)
                if self.ask("answer = region('UI').active_panel_category") == name:
                    return
        raise RigError(f"the sidebar has no tab {name}")

    def find_button(self, command: str) -> tuple[int, int]:
        """Place of the sidebar's button that runs a Python command."""
        for _ in range(PRESSES):  # it may not be drawn yet
            left, top, right, bottom = self.region("UI")
            columns = ((left + right) // 2, right - BUTTON_COLUMN)
            rows = range(top + SEARCH_STEP, bottom, SEARCH_STEP)
            if found := self.find_command(itertools.product(columns, rows), command):
                return found
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
