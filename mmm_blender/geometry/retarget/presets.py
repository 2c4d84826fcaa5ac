"""Conventions of naming bones, one small JSON file each in ``presets/``.

    {"name": "Mixamo", "sides": ["Left", "Right"],
     "read": {"pelvis": "Hips", "spine": ["Spine", "Spine1"], "shoulder": "{}Arm", ...}}

``{}`` stands for either side. A bone may be spelled in several ways, "neck_01|neck"; case,
separators and a prefix that all bones share do not count. ``write``, where it differs: the bones
that an animator keys. ``root``: the bone that carries the body's place. ``fingers``: bones of each
finger that are keyed, from the palm out. ``needs``: bones by which
the convention is known from others that name some bones alike. ``goals``: see ``LimbControls``.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from ...common.errors import MMMError
from ...common.untrusted import clean_text, file_bytes, is_text, json_value
from .rig_map import CHAINS, LIMB_JOINTS, SIDES, SLOTS, Bones, LimbControls, RigMap

FOLDER = Path(__file__).parent / "presets"

MOST_BYTES = 2**18
"""Of a preset's file."""

_FEW = 3
"""Bones that a rig may lack to be nearly of a convention."""

_MOST_BONES = 64
_MOST_NAME = 255
_SEPARATORS = re.compile(r"[\s_.:|-]+")
_TRUNK = ("pelvis", "spine", "neck", "head")
_SLOT_KEYS = (*_TRUNK, *LIMB_JOINTS)
_GOAL_KEYS = ("joint", "goal", "base", "pole", "toe", "switch_bone", "switch", "fk")
_KEYS = (
    "name",
    "sides",
    "read",
    "write",
    "root",
    "ground",
    "needs",
    "goals",
    "prefixes",
    "fingers",
)
FINGERS = ("thumb", "index", "middle", "ring", "little")


@dataclass(frozen=True)
class Preset:
    """A convention as its file says it; slots by their names without a side. prefixes: whether
    any text may stand before all names."""

    name: str
    read: Mapping[str, Bones]
    sides: tuple[str, str] = ("L", "R")
    write: Mapping[str, Bones] = field(default_factory=dict[str, Bones])
    root: str = ""
    ground: str = ""
    needs: Bones = ()
    goals: tuple[LimbControls, ...] = ()
    prefixes: bool = True
    fingers: Mapping[str, Bones] = field(default_factory=dict[str, Bones])


def simple(name: str) -> str:
    """A bone's name without what spellings differ in: case, width, separators."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name).lower())


# --- a rig's bones -------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def presets() -> tuple[Preset, ...]:
    """All conventions that are known, in the order of their files' names."""
    return tuple(read_preset(path) for path in sorted(FOLDER.glob("*.json")))


def recognise(bones: Collection[str]) -> RigMap | None:
    """The convention that most bones of a rig follow, as a map of them; None where there is none
    with all that a body needs."""
    return _recognise(tuple(bones))


def fingers_named(bones: Collection[str], side: str) -> dict[str, Bones]:
    """Fingers of a side ("left", "right") by the convention that names most of their bones; each
    with two bones or more, empty where no convention names any."""
    names: dict[str, str] = {}
    for bone in bones:
        names.setdefault(simple(bone), bone)
    found = [
        _fingers(preset, prefix, preset.sides[SIDES.index(side)], names)
        for preset in presets()
        if preset.fingers
        for prefix in _prefixes(preset, names)
    ]
    return max(found, key=lambda each: sum(map(len, each.values())), default={})


def _fingers(preset: Preset, prefix: str, side: str, names: Mapping[str, str]) -> dict[str, Bones]:
    chains = {
        finger: tuple(
            filter(None, (_found(each.replace("{}", side), prefix, names) for each in spellings))
        )
        for finger, spellings in preset.fingers.items()
    }
    return {finger: chain for finger, chain in chains.items() if len(chain) > 1}


def nearly(bones: Collection[str]) -> RigMap | None:
    """The convention that a rig would follow if it had a few bones more; None where there is
    none."""
    found = [rig_map for _, rig_map in _all_maps(tuple(bones)) if len(rig_map.lacking) <= _FEW]
    return max(found, key=lambda each: each.joints_found) if found else None


@lru_cache(maxsize=16)
def _recognise(bones: tuple[str, ...]) -> RigMap | None:
    found = [each for each in _all_maps(bones) if not each[1].lacking]
    return max(found, key=_rank)[1] if found else None


def _all_maps(bones: tuple[str, ...]) -> list[tuple[int, RigMap]]:
    names: dict[str, str] = {}
    for bone in bones:
        names.setdefault(simple(bone), bone)
    return [each for preset in presets() for each in _maps(preset, names)]


def _rank(found: tuple[int, RigMap]) -> tuple[int, int, int]:
    """By how telling the convention is, then by joints, then by bones."""
    needs, rig_map = found
    return needs, rig_map.joints_found, sum(map(len, rig_map.read.values()))


def _maps(preset: Preset, names: Mapping[str, str]) -> Iterator[tuple[int, RigMap]]:
    for prefix in _prefixes(preset, names):
        if not all(_found(each, prefix, names) for each in preset.needs):
            continue
        yield len(preset.needs), _map(preset, prefix, names)


def _prefixes(preset: Preset, names: Mapping[str, str]) -> list[str]:
    """What stands before the hips' name in any bone's."""
    if not preset.prefixes:
        return [""]
    spelled = [simple(each) for each in preset.read["pelvis"][0].split("|")]
    return sorted(
        {name.removesuffix(end) for name in names for end in spelled if name.endswith(end)}, key=len
    )


def _found(spellings: str, prefix: str, names: Mapping[str, str]) -> str:
    """The rig's bone of one of several spellings; "" where it has none."""
    keys = (prefix + simple(each) for each in spellings.split("|"))
    return next((names[key] for key in keys if key in names), "")


def _map(preset: Preset, prefix: str, names: Mapping[str, str]) -> RigMap:
    def chain(spellings: Bones, side: str) -> Bones:
        bones = (_found(each.replace("{}", side), prefix, names) for each in spellings)
        return tuple(dict.fromkeys(filter(None, bones)))

    def slots(given: Mapping[str, Bones]) -> dict[str, Bones]:
        sided = {
            f"{side}_{key}": chain(bones, spelled)
            for key, bones in given.items()
            if key in LIMB_JOINTS
            for side, spelled in zip(SIDES, preset.sides, strict=True)
        }
        trunk = {key: chain(bones, "") for key, bones in given.items() if key in _TRUNK}
        return {slot: bones for slot, bones in (trunk | sided).items() if bones}

    def goal(each: LimbControls, side: str, spelled: str) -> LimbControls:
        one = {
            key: _found(getattr(each, key).replace("{}", spelled), prefix, names)
            for key in ("goal", "base", "pole", "toe", "switch_bone")
        }
        return LimbControls(f"{side}_{each.joint}", switch=each.switch, fk=each.fk, **one)

    limbs = [
        goal(each, side, spelled)
        for each in preset.goals
        for side, spelled in zip(SIDES, preset.sides, strict=True)
    ]
    return RigMap(
        name=preset.name,
        read=slots(preset.read),
        write=slots(preset.write),
        root=_found(preset.root, prefix, names) if preset.root else "",
        limbs=tuple(each for each in limbs if each.goal),
        ground=_found(preset.ground, prefix, names) if preset.ground else "",
    )


# --- files ---------------------------------------------------------------------------------------


def read_preset(path: Path) -> Preset:
    """A convention from its file; MMMError says what is wrong with it."""
    return _checked_preset(_file_content(path), path.name)


def read_map(path: Path) -> RigMap:
    """A person's own map from a file that ``map_text`` made; MMMError says what is wrong."""
    return map_from_json(_file_content(path), path.name)


def _file_content(path: Path) -> object:
    try:
        return json_value(file_bytes(path, MOST_BYTES))
    except OSError as error:
        raise MMMError(
            f"{path.name} could not be read ({error.strerror}): choose a map."
        ) from error
    except ValueError as error:
        raise MMMError(f"{path.name} is no map of a rig ({error}): choose another file.") from error


def map_text(rig_map: RigMap) -> str:
    """A map as JSON text, to be kept or given on."""
    content: dict[str, Any] = {
        "map": rig_map.name,
        "read": {slot: list(bones) for slot, bones in rig_map.read.items()},
        "write": {slot: list(bones) for slot, bones in rig_map.write.items()},
        "root": rig_map.root,
        "ground": rig_map.ground,
        "limbs": [{key: getattr(each, key) for key in _GOAL_KEYS} for each in rig_map.limbs],
    }
    return json.dumps(content, ensure_ascii=False, indent=1)


@lru_cache(maxsize=16)
def map_from_text(text: str, where: str) -> RigMap:
    """The reverse of ``map_text``; MMMError says what is wrong with a text."""
    try:
        content = json_value(text)
    except ValueError as error:
        raise MMMError(f"{where} holds no map of a rig ({error}): choose one again.") from error
    return map_from_json(content, where)


def map_from_json(content: object, where: str) -> RigMap:
    """A map from JSON values; MMMError says what is wrong with them."""
    values = _object(content, where)
    _known(values, ("map", "read", "write", "root", "ground", "limbs"), where)
    limbs = values.get("limbs", [])
    if not isinstance(limbs, list) or len(cast("list[object]", limbs)) > _MOST_BONES:
        raise _fault(where, "limbs")
    return RigMap(
        name=_name(values.get("map"), "map", where),
        read=_bones(values.get("read", {}), SLOTS, where),
        write=_bones(values.get("write", {}), SLOTS, where),
        root=_name(values.get("root", ""), "root", where),
        ground=_name(values.get("ground", ""), "ground", where),
        limbs=tuple(_limb(each, where) for each in cast("list[object]", limbs)),
    )


def _checked_preset(content: object, where: str) -> Preset:
    values = _object(content, where)
    _known(values, _KEYS, where)
    sides = _names(values.get("sides", ["L", "R"]), "sides", where)
    if len(sides) != len(SIDES):
        raise _fault(where, "sides")
    read = _bones(values.get("read"), _SLOT_KEYS, where)
    if not read.get("pelvis"):
        raise _fault(where, "pelvis")
    goals = values.get("goals", [])
    if not isinstance(goals, list):
        raise _fault(where, "goals")
    return Preset(
        name=_name(values.get("name"), "name", where),
        read=read,
        sides=(sides[0], sides[1]),
        write=_bones(values.get("write", {}), _SLOT_KEYS, where),
        root=_name(values.get("root", ""), "root", where),
        ground=_name(values.get("ground", ""), "ground", where),
        needs=_names(values.get("needs", []), "needs", where),
        goals=tuple(_limb(each, where) for each in cast("list[object]", goals)),
        prefixes=values.get("prefixes", True) is True,
        fingers=_bones(values.get("fingers", {}), FINGERS, where),
    )


def _fault(where: str, key: str) -> MMMError:
    return MMMError(
        f"{where} is no map of a rig (its entry '{clean_text(key)}' is wrong): mend it."
    )


def _object(content: object, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _fault(where, "whole content")
    return cast("dict[str, Any]", content)


def _known(values: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    if odd := [key for key in values if key not in known]:
        raise _fault(where, odd[0])


def _name(value: object, key: str, where: str) -> str:
    if not isinstance(value, str) or not is_text(value, _MOST_NAME):
        raise _fault(where, key)
    return value


def _names(value: object, key: str, where: str) -> Bones:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or len(cast("list[object]", items)) > _MOST_BONES:
        raise _fault(where, key)
    return tuple(_name(each, key, where) for each in cast("list[object]", items))


def _bones(value: object, known: Sequence[str], where: str) -> dict[str, Bones]:
    values = _object(value, where)
    _known(values, known, where)
    bones = {key: _names(each, key, where) for key, each in values.items()}
    for key, names in bones.items():
        if len(names) > 1 and key not in CHAINS and known is SLOTS and key != "pelvis":
            raise _fault(where, key)
    return {key: names for key, names in bones.items() if names}


def _limb(content: object, where: str) -> LimbControls:
    values = _object(content, where)
    _known(values, _GOAL_KEYS, where)
    fk = values.pop("fk", 1.0)
    if not isinstance(fk, int | float) or isinstance(fk, bool):
        raise _fault(where, "fk")
    if "joint" not in values or "goal" not in values:
        raise _fault(where, "goals")
    return LimbControls(
        fk=float(fk), **{key: _name(each, key, where) for key, each in values.items()}
    )
