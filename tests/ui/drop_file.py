"""Drags a file over a window and drops it there, as a file manager does: XDND, the source's side.

    python drop_file.py FILE X Y      (pixels of the screen; DISPLAY names it)

Runs inside the root with Blender's own Python; only the standard library and libX11.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

_ANSWER_SECONDS = 20.0
_VERSION = 3
_SELECTION_CLEAR, _SELECTION_REQUEST, _SELECTION_NOTIFY, _CLIENT_MESSAGE = 29, 30, 31, 33
_REPLACE, _BYTES = 0, 8

x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
x11.XInternAtom.restype = x11.XDefaultRootWindow.restype = ctypes.c_ulong
x11.XCreateSimpleWindow.restype = ctypes.c_ulong


class Message(ctypes.Structure):
    """XClientMessageEvent with 32-bit data."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
    )


class Request(ctypes.Structure):
    """XSelectionRequestEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("owner", ctypes.c_ulong),
        ("requestor", ctypes.c_ulong),
        ("selection", ctypes.c_ulong),
        ("target", ctypes.c_ulong),
        ("property", ctypes.c_ulong),
        ("time", ctypes.c_ulong),
    )


class Notify(ctypes.Structure):
    """XSelectionEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("requestor", ctypes.c_ulong),
        ("selection", ctypes.c_ulong),
        ("target", ctypes.c_ulong),
        ("property", ctypes.c_ulong),
        ("time", ctypes.c_ulong),
    )


class Event(ctypes.Union):
    """XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("message", Message),
        ("request", Request),
        ("notify", Notify),
        ("room", ctypes.c_long * 24),
    )


class Drag:
    """One file on its way."""

    def __init__(self, file: Path) -> None:
        self._content = f"{file.as_uri()}\r\n".encode()
        self._display = ctypes.c_void_p(x11.XOpenDisplay(None))
        self._screen = x11.XDefaultRootWindow(self._display)
        self._window = x11.XCreateSimpleWindow(self._display, self._screen, 0, 0, 1, 1, 0, 0, 0)
        x11.XSetSelectionOwner(
            self._display, self._atom("XdndSelection"), ctypes.c_ulong(self._window), 0
        )

    def drop(self, x: int, y: int) -> None:
        """Enter the window at a place of the screen, and let go there."""
        target = self._window_at(x, y)
        kind = self._atom("text/uri-list").value
        place = (x << 16) | y
        self._send(target, "XdndEnter", _VERSION << 24, kind, 0, 0)
        for _ in range(3):  # as a mouse that comes to rest
            self._send(target, "XdndPosition", 0, place, 0, self._atom("XdndActionCopy").value)

            if not self._wait_for("XdndStatus")[1] & 1:
                sys.exit("the window takes no file there")
        self._send(target, "XdndDrop", 0, 0, 0, 0)
        self._wait_for("XdndFinished")

    def _atom(self, name: str) -> ctypes.c_ulong:
        return ctypes.c_ulong(x11.XInternAtom(self._display, name.encode(), 0))

    def _window_at(self, x: int, y: int) -> int:
        """The window of a program at a place of the screen."""
        child, unused = ctypes.c_ulong(), ctypes.c_int()
        x11.XTranslateCoordinates(
            self._display, ctypes.c_ulong(self._screen), ctypes.c_ulong(self._screen), x, y,
            ctypes.byref(unused), ctypes.byref(unused), ctypes.byref(child),
        )  # fmt: skip
        return child.value

    def _send(self, target: int, name: str, *data: int) -> None:
        event = Event()
        message = event.message
        message.type, message.window, message.format = _CLIENT_MESSAGE, target, 32
        message.message_type = self._atom(name).value
        message.data[:] = [self._window, *data]
        x11.XSendEvent(self._display, ctypes.c_ulong(target), 0, 0, ctypes.byref(event))
        x11.XFlush(self._display)

    def _wait_for(self, name: str) -> list[int]:
        """The data of the window's answer; meanwhile the file's address is handed out."""
        wanted, end, event = self._atom(name).value, time.monotonic() + _ANSWER_SECONDS, Event()
        while time.monotonic() < end:
            while x11.XPending(self._display):
                x11.XNextEvent(self._display, ctypes.byref(event))
                if event.type == _SELECTION_REQUEST:
                    self._hand_out(event.request)
                if event.type == _CLIENT_MESSAGE and event.message.message_type == wanted:
                    return list(event.message.data)
            time.sleep(0.01)
        sys.exit(f"the window did not answer with {name}")

    def _hand_out(self, request: Request) -> None:
        x11.XChangeProperty(
            self._display, ctypes.c_ulong(request.requestor), ctypes.c_ulong(request.property),
            ctypes.c_ulong(request.target), _BYTES, _REPLACE, self._content, len(self._content),
        )  # fmt: skip
        event = Event()
        answer = event.notify
        answer.type, answer.requestor = _SELECTION_NOTIFY, request.requestor
        answer.selection, answer.target = request.selection, request.target
        answer.property, answer.time = request.property, request.time
        x11.XSendEvent(self._display, ctypes.c_ulong(request.requestor), 0, 0, ctypes.byref(event))
        x11.XFlush(self._display)


if __name__ == "__main__":
    Drag(Path(sys.argv[1])).drop(int(sys.argv[2]), int(sys.argv[3]))
