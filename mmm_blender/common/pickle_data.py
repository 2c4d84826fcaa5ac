"""What a pickle says, as plain data: nothing that it names is imported or called.

A machine for the opcodes of protocols 0 to 5, as ``pickletools`` documents them. Where a pickle
asks for an object, the machine notes what it asked for (``Made``); its reader decides what, if
anything, that stands for. Python's own unpickler calls what the pickle names, with the pickle's
arguments, and lets it reserve memory by the gigabyte.
"""

from __future__ import annotations

import codecs
import pickletools
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, TypeAlias, cast

MOST_STEPS: Final = 300_000
"""Opcodes of a pickle that is read; a body model or a checkpoint has some thousands."""

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
_DAMAGE = (LookupError, TypeError, ValueError, OverflowError, AttributeError, struct.error)


class PickleError(ValueError):
    """The bytes are no pickle, or one that no reader of ours knows."""


@dataclass(frozen=True)
class Name:
    """A global that the pickle names, "module.name"."""

    text: str


@dataclass(frozen=True)
class Persistent:
    """An object that lies outside the pickle. key: what the pickle calls it."""

    key: object


@dataclass(eq=False)
class Made:
    """An object that the pickle asks for: a call of ``name``, then a state and items for it."""

    name: str
    arguments: tuple[object, ...]
    state: object = None
    items: dict[Key, object] = field(default_factory=dict["Key", object])


Key: TypeAlias = str | bytes | int | float | None
"""What keys a dictionary may have: hashing a tuple of tuples can take for ever."""


class BoundedStream:
    """A file that never reserves more than is left in it. size: in bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    def read(self, count: int) -> bytes:
        """At most ``count`` bytes."""
        return self._file.read(max(0, min(count, self._size - self._file.tell())))

    def readline(self) -> bytes:
        """The rest of a line."""
        return self._file.readline()


def read_pickle(
    stream: BoundedStream, known: Collection[str], refusal: Callable[[str], Exception]
) -> object:
    """The pickle's content up to its STOP: dict, list, tuple, str, bytes, numbers, bool, None,
    ``Name``, ``Made`` and ``Persistent``. Sets become lists.

    Raises what ``refusal`` makes of the first global that is not ``known``, and PickleError.
    """
    machine = _Machine(known, refusal)
    try:
        for _ in range(MOST_STEPS):
            opcode = _OPCODES[stream.read(1).decode("latin-1")]
            argument = None if opcode.arg is None else _argument(opcode, stream)
            if opcode.name == "STOP":
                return machine.stack.pop()
            _STEPS[opcode.name](machine, argument)
    except _DAMAGE as error:
        raise PickleError(f"no pickle: {error}") from error
    raise PickleError(f"more than {MOST_STEPS} steps")


def _argument(opcode: Any, stream: BoundedStream) -> object:
    if opcode.name == "STRING":  # pickletools takes ASCII only, and Python 2 wrote any byte
        escaped = stream.readline().strip()[1:-1]
        return cast(Any, codecs).escape_decode(escaped)[0].decode("latin-1")
    return opcode.arg.reader(stream)


class _Machine:
    """A stack of values, the marks in it, and the values that were given a number."""

    def __init__(self, known: Collection[str], refusal: Callable[[str], Exception]) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.numbered: dict[int, Any] = {}
        self._known, self._refusal = known, refusal

    def since_mark(self) -> list[Any]:
        """Takes off what lies above the last mark."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def last(self, count: int) -> list[Any]:
        """Takes off ``count`` values."""
        return [self.stack.pop() for _ in range(count)][::-1]

    def name(self, text: str) -> Name:
        """A global, if it is known."""
        if text not in self._known:
            raise self._refusal(text)
        return Name(text)

    def make(self, called: object, arguments: object) -> None:
        """Note a call."""
        if not isinstance(called, Name) or not isinstance(arguments, tuple):
            raise TypeError("a call of what has no name")
        self.stack.append(Made(called.text, cast("tuple[object, ...]", arguments)))

    def fill(self, pairs: list[Any]) -> None:
        """Items of the dictionary, or of the object, on top."""
        target = self.stack[-1]
        items = target.items if isinstance(target, Made) else target
        if not isinstance(items, dict) or len(pairs) % 2:
            raise TypeError("items of what has none")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, Key):
                raise TypeError("a key that is no text and no number")
            cast("dict[Key, object]", items)[key] = value

    def extend(self, values: list[Any]) -> None:
        """Members of the list on top; those of an object are nobody's."""
        if not isinstance(self.stack[-1], Made):
            cast("list[Any]", self.stack[-1]).extend(values)

    def build(self, state: object) -> None:
        """The state of the object on top."""
        if not isinstance(self.stack[-1], Made):
            raise TypeError("a state of what is no object")
        self.stack[-1].state = state


_Step: TypeAlias = Callable[[_Machine, Any], object]


def _nothing(_machine: _Machine, _argument: Any) -> None:
    pass


def _push(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


def _pushed(value: Callable[[], Any]) -> _Step:
    return lambda machine, _: machine.stack.append(value())


def _gathered(machine: _Machine, kind: Callable[[list[Any]], Any]) -> None:
    machine.stack.append(kind(machine.since_mark()))


def _tuple_of(count: int) -> _Step:
    return lambda machine, _: machine.stack.append(tuple(machine.last(count)))


def _dictionary(machine: _Machine, _argument: Any) -> None:
    pairs = machine.since_mark()
    machine.stack.append({})
    machine.fill(pairs)


def _pop(machine: _Machine, _argument: Any) -> None:
    """Takes off the top, which may be a mark."""
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.stack.pop()


def _number(machine: _Machine, argument: Any) -> None:
    at = len(machine.numbered) if argument is None else int(argument)
    machine.numbered[at] = machine.stack[-1]


def _stack_global(machine: _Machine, _argument: Any) -> None:
    module, name = machine.last(2)
    machine.stack.append(machine.name(f"{module}.{name}"))


def _object(machine: _Machine, _argument: Any) -> None:
    called, *arguments = machine.since_mark()
    machine.make(called, tuple(arguments))


def _instance(machine: _Machine, argument: Any) -> None:
    machine.make(machine.name(argument.replace(" ", ".", 1)), tuple(machine.since_mark()))


def _new_with_names(machine: _Machine, _argument: Any) -> None:
    called, arguments, _named = machine.last(3)
    machine.make(called, arguments)


def _all_named(names: str, step: _Step) -> dict[str, _Step]:
    return dict.fromkeys(names.split(), step)


_STEPS: dict[str, _Step] = {
    **_all_named("PROTO FRAME", _nothing),
    **_all_named("INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT", _push),
    **_all_named("STRING BINSTRING SHORT_BINSTRING UNICODE", _push),
    **_all_named("BINUNICODE SHORT_BINUNICODE BINUNICODE8", _push),
    **_all_named("BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8", _push),
    **_all_named("NONE", _pushed(lambda: None)),
    **_all_named("NEWTRUE", _pushed(lambda: True)),
    **_all_named("NEWFALSE", _pushed(lambda: False)),
    **_all_named("EMPTY_LIST EMPTY_SET", _pushed(list[Any])),
    **_all_named("EMPTY_DICT", _pushed(dict[Key, Any])),
    **_all_named("EMPTY_TUPLE", _pushed(tuple[Any, ...])),
    **_all_named("LIST FROZENSET", lambda machine, _: _gathered(machine, list)),
    **_all_named("TUPLE", lambda machine, _: _gathered(machine, tuple)),
    **_all_named("TUPLE1", _tuple_of(1)),
    **_all_named("TUPLE2", _tuple_of(2)),
    **_all_named("TUPLE3", _tuple_of(3)),
    **_all_named("DICT", _dictionary),
    **_all_named("SETITEM", lambda machine, _: machine.fill(machine.last(2))),
    **_all_named("SETITEMS", lambda machine, _: machine.fill(machine.since_mark())),
    **_all_named("APPEND", lambda machine, _: machine.extend(machine.last(1))),
    **_all_named("APPENDS ADDITEMS", lambda machine, _: machine.extend(machine.since_mark())),
    **_all_named("MARK", lambda machine, _: machine.marks.append(len(machine.stack))),
    **_all_named("POP", _pop),
    **_all_named("POP_MARK", lambda machine, _: machine.since_mark()),
    **_all_named("DUP", lambda machine, _: machine.stack.append(machine.stack[-1])),
    **_all_named("PUT BINPUT LONG_BINPUT MEMOIZE", _number),
    **_all_named(
        "GET BINGET LONG_BINGET", lambda machine, at: machine.stack.append(machine.numbered[at])
    ),
    **_all_named(
        "GLOBAL", lambda machine, text: _push(machine, machine.name(text.replace(" ", ".", 1)))
    ),
    **_all_named("STACK_GLOBAL", _stack_global),
    **_all_named("REDUCE NEWOBJ", lambda machine, _: machine.make(*machine.last(2))),
    **_all_named("NEWOBJ_EX", _new_with_names),
    **_all_named("OBJ", _object),
    **_all_named("INST", _instance),
    **_all_named("BUILD", lambda machine, _: machine.build(machine.stack.pop())),
    **_all_named("PERSID", lambda machine, key: machine.stack.append(Persistent(key))),
    **_all_named(
        "BINPERSID", lambda machine, _: machine.stack.append(Persistent(machine.stack.pop()))
    ),
}
