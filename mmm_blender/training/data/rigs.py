"""Joint names of the captured skeletons that are known here."""

from __future__ import annotations

from dataclasses import dataclass

from .asf_amc import UNIT_METRES

SIDES = ("left", "right")


@dataclass(frozen=True)
class Rig:
    """Names of a captured skeleton's joints. ``{}`` in a limb name stands for a side of
    ``sides`` (left, right). toe may be None. scale: the file's unit in metres, roughly.
    world_frames: in its zero pose, a T-pose that faces +Z, all joint frames are the world's, so
    that hinges need not be measured. own_sizes: takes keep the proportions of different people, so
    each is scaled by its own legs."""

    name: str
    pelvis: str
    spine: str
    chest: str
    neck: str
    head: str
    collar: str
    upper_arm: str
    forearm: str
    hand: str
    thigh: str
    shin: str
    foot: str
    toe: str | None
    sides: tuple[str, str]
    scale: float
    world_frames: bool = False
    own_sizes: bool = False

    def on(self, joint: str, side: str) -> str:
        """The source name of a limb joint (``"thigh"``) on ``"left"`` or ``"right"``."""
        return str(getattr(self, joint)).format(self.sides[SIDES.index(side)])

    def joints(self) -> set[str]:
        """Source names of all joints that a take must have."""
        trunk = {self.pelvis, self.spine, self.chest, self.neck, self.head}
        limbs = ["collar", "upper_arm", "forearm", "hand", "thigh", "shin", "foot"]
        limbs += ["toe"] if self.toe else []
        return trunk | {self.on(limb, side) for limb in limbs for side in SIDES}


BANDAI = Rig(
    "bandai", "Hips", "Spine", "Chest", "Neck", "Head", "Shoulder_{}", "UpperArm_{}",
    "LowerArm_{}", "Hand_{}", "UpperLeg_{}", "LowerLeg_{}", "Foot_{}", "Toes_{}", ("L", "R"), 0.01,
)  # fmt: skip
CMU_DAZ = Rig(
    "cmu", "hip", "abdomen", "chest", "neck", "head", "{}Collar", "{}Shldr", "{}ForeArm",
    "{}Hand", "{}Thigh", "{}Shin", "{}Foot", "{}Foot/End Site", ("l", "r"), 0.0095,
)  # fmt: skip
DEEPMIMIC = Rig(
    "deepmimic", "root", "root", "chest", "neck", "neck", "chest", "{}_shoulder", "{}_elbow",
    "{}_wrist", "{}_hip", "{}_knee", "{}_ankle", None, ("left", "right"), 1.0,
)  # fmt: skip
ASF = Rig(
    "asf", "root", "upperback", "thorax", "lowerneck", "head", "{}clavicle", "{}humerus",
    "{}radius", "{}hand", "{}femur", "{}tibia", "{}foot", "{}toes", ("l", "r"), UNIT_METRES,
    own_sizes=True,
)  # fmt: skip
"""CMU's and HDM05's ASF skeletons."""
# its collars lie forward of SMPL's and are turned back by 40 degrees: they follow the chest
SKILLMIMIC = Rig(
    "skillmimic", "pelvis", "spine", "chest", "neck", "head", "chest", "{}_shoulder", "{}_elbow",
    "{}_wrist", "{}_hip", "{}_knee", "{}_ankle", "{}_foot", ("left", "right"), 1.0, True,
)  # fmt: skip
ROTATION_VECTORS = Rig(
    "cmu rotation vectors", "hips", "spine", "chest", "neck", "head", "{}_collar", "{}_shoulder",
    "{}_elbow", "{}_wrist", "{}_hip", "{}_knee", "{}_ankle", "{}_foot", ("left", "right"), 1.0,
)  # fmt: skip
# standing people hardly bend their knees: hinges could not be measured
REACT_IDLE = Rig(
    "reactidle", "pelvis", "spine", "spine.001", "neck", "face", "shoulder.{}", "upper_arm.{}",
    "forearm.{}", "forearm.{}/End Site", "thigh.{}", "shin.{}", "foot.{}", "foot.{}/End Site",
    ("L", "R"), 1.1, True, True,
)  # fmt: skip
CMU_MOTION_BUILDER = Rig(
    "cmu motion builder", "Hips", "Spine", "Spine1", "Neck", "Head", "{}Shoulder", "{}Arm",
    "{}ForeArm", "{}Hand", "{}UpLeg", "{}Leg", "{}Foot", "{}ToeBase", ("Left", "Right"),
    UNIT_METRES, own_sizes=True,
)  # fmt: skip
STYLE100 = Rig(
    "100style", "Hips", "Chest2", "Chest4", "Neck", "Head", "{}Collar", "{}Shoulder", "{}Elbow",
    "{}Wrist", "{}Hip", "{}Knee", "{}Ankle", "{}Toe", ("Left", "Right"), 0.01, True,
)  # fmt: skip
