"""Fits reenact/retarget/population.npz: from landmarks and skin to expression weights and pose.

    python -m reenact.training.population RENDERER FOLDER reenact/retarget/population.npz

FOLDER holds what reenact.training.acted made with RENDERER.  A quarter of the people after the other is left out of a
fit, to print how far it carries; the file gets a fit on all.
"""

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reenact.errors import InputError
from reenact.geometry import eye_distance, rotation_vector
from reenact.retarget.neutral import Resting, head_pose
from reenact.retarget.population import Population, features, population
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, RIGHT_EYE, RIGID
from reenact.training.acted import PICTURE
from reenact.training.rendering.renderer import load_renderer
from reenact.training.rendering.surface import CAMERA_CM, CENTRE
from reenact.types import POINTS, FaceView

BASIS = 80  # landmark displacements that are told apart
_FOCAL = 3.3  # of the picture's width: the renderer's own
_RIDGE, _BEND_RIDGE = 0.1, 1e-3
_FOLDS = 4
_NEAREST = 4  # vertices that carry a landmark
_AJAR = 0.25  # weight of jawOpen from which the inner lips can be seen
_UPRIGHT = np.diag([1.0, -1.0, -1.0])  # the renderer's axes (y up, z to the camera) to the picture's

Array = npt.NDArray[np.float64]


class Person(NamedTuple):
    """A file of reenact.training.acted."""

    grey: npt.NDArray[np.uint8]
    points: Any
    framed: Any
    expression: Any
    pose_deg: Any
    shift_cm: Any
    shape: Any


class Told(NamedTuple):
    """Of every shot but those at rest: what landmarks tell, and what is true.

    expression (m, 1434), pose (m, 6) turn, shift, log scale;  weights (m, k), true_pose (m, 6), bend (m, 1434);
    person (m,)
    """

    expression: Array
    pose: Array
    weights: Array
    true_pose: Array
    bend: Array
    person: Any


def read_people(folder: Path) -> list[Person]:
    """Raises InputError where there are none."""
    found = []
    for path in sorted(folder.glob("p*.npz")):
        with np.load(path, allow_pickle=False) as data:
            found.append(Person(*(data[name] for name in Person._fields)))
    if not found:
        raise InputError(f"{folder} holds nobody: make people with `python -m reenact.training.acted`")
    return found


def relative(resting: Resting, shot: Array) -> tuple[Array, Array]:
    """What reenact.retarget.Retarget reads from a shot: expression (1434,), and turn, shift, log scale (6,)."""
    found = resting.relative(shot)
    return found.expression.reshape(-1), np.concatenate(
        [rotation_vector(found.turn), found.shift, [np.log(found.scale)]]
    )


def seen(posed: Array, turned: Array, shift: Array) -> tuple[Array, Array]:
    """Places (n, 3) cm of the head's own axes -> pixels (n, 2) of the picture and distances (n,) from its camera."""
    world = (posed - CENTRE) @ turned.T + shift
    far = CAMERA_CM - world[:, 2]
    scale = _FOCAL * PICTURE / far
    return np.stack([PICTURE / 2 + scale * world[:, 0], PICTURE / 2 - scale * world[:, 1]], 1), far


def carriers(module: Any, model: Any, people: list[Person]) -> Array:
    """(478, V): how much each vertex of the head model carries each landmark, by where they are seen at rest.

    Closed lips hide their inner edge: it is looked for where the jaw is down.  An iris is carried by its own vertices.
    """
    total = np.zeros((POINTS, len(model.neutral)))
    counted = np.zeros(POINTS)
    face = np.unique(model.tri[model.material == model.materials["M_Face"]])
    inner = np.isin(np.arange(POINTS), INNER_LIPS)
    jaw = model.names.index("jawOpen")
    for person in people:
        for i, expression in enumerate(person.expression):
            use = ~inner if i == 0 else inner & (expression[jaw] >= _AJAR)
            if not use.any():
                continue
            posed = model.shape(person.shape, expression)
            turned = module.rotation(*person.pose_deg[i])
            places, _ = seen(posed, turned, person.shift_cm[i])
            towards = face[(model.normals(posed)[face] @ turned.T)[:, 2] > 0.05]
            for landmark in np.flatnonzero(use):
                apart = np.linalg.norm(places[towards] - person.framed[i, landmark, :2], axis=1)
                near = np.argpartition(apart, _NEAREST)[:_NEAREST]
                share = 1 / np.maximum(apart[near], 0.3)
                total[landmark, towards[near]] += share / share.sum()
                counted[landmark] += 1
    total /= np.maximum(counted, 1)[:, None]
    for side, points in (("Right", range(468, 473)), ("Left", range(473, 478))):
        own = np.unique(model.tri[model.material == model.materials[f"M_Iris{side}"]])
        for landmark in points:
            total[landmark] = 0
            total[landmark, own] = 1 / len(own)
    return total


def modes_of(model: Any, carried: Array, people: list[Person]) -> Array:
    """(k, 478, 3): what each expression moves, head axes, IOD."""
    axes = np.mean([head_pose(p.points[0]).rotation for p in people], axis=0)
    u, _, vt = np.linalg.svd(axes)
    iod = np.mean([np.linalg.norm(np.diff(carried[[33, 263]] @ model.shape(p.shape, p.expression[0]), axis=0))
                   for p in people])  # fmt: skip
    moved = np.stack([carried @ mode for mode in model.expressions.astype(np.float64)])
    modes: Array = moved @ _UPRIGHT / iod @ (u @ vt)
    return modes


def tell(module: Any, model: Any, carried: Array, people: list[Person]) -> Told:
    rows: list[tuple[Any, ...]] = []
    still = np.zeros(len(model.names))
    for number, person in enumerate(people):
        neutral = person.framed[0].astype(np.float64)
        axes, iod, centre = head_pose(neutral).rotation, eye_distance(neutral), neutral[RIGID].mean(0)
        still_face = Resting(neutral)
        resting = carried @ model.shape(person.shape, still)
        at = [module.rotation(*pose) for pose in person.pose_deg]
        before, far = seen(resting, at[0], person.shift_cm[0])
        for i in range(1, len(at)):
            after, now = seen(resting, at[i], person.shift_cm[i])
            rotation = _UPRIGHT @ (at[i] @ at[0].T) @ _UPRIGHT
            shift = (after[RIGID].mean(0) - before[RIGID].mean(0)) / iod
            scale = far[RIGID].mean() / now[RIGID].mean()
            solid = scale * ((neutral - centre) @ rotation.T) + centre
            solid[:, :2] += shift * iod
            beside = (after - solid[:, :2]) - (before - neutral[:, :2])
            bend = np.c_[beside, np.zeros(POINTS)] @ rotation @ axes / iod / scale
            true = np.concatenate([rotation_vector(axes.T @ rotation @ axes), shift, [np.log(scale)]])
            told = relative(still_face, person.framed[i].astype(np.float64))
            rows.append((*told, person.expression[i].astype(np.float64), true, bend.reshape(-1), number))
    return Told(*(np.array(column) for column in zip(*rows, strict=True)))


def ridge(x: Array, y: Array, weight: float) -> Array:
    solved: Array = np.linalg.solve(x.T @ x + weight * np.eye(x.shape[1]), x.T @ y)
    return solved


def fit_bend(told: Told) -> Array:
    """(9, 1434): what a turn, linear and quadratic, shows beside itself; see reenact.retarget.population.pose_part."""
    x, y, z = told.true_pose[:, :3].T
    terms = np.stack([x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)
    bend = ridge(terms, told.bend, _BEND_RIDGE).reshape(9, POINTS, 3)
    for ring, iris in ((RIGHT_EYE, slice(468, 473)), (LEFT_EYE, slice(473, 478))):
        bend[:, iris] = bend[:, ring].mean(1, keepdims=True)
    flat: Array = bend.reshape(9, -1)
    return flat


def error(weights: Array, true: Array, modes: Array) -> float:
    """Mean distance in the picture of the face's points from where they truly are, percent of the IOD."""
    apart = ((weights - true) @ modes.reshape(len(modes), -1)).reshape(-1, POINTS, 3)[:, :468, :2]
    return float(100 * np.linalg.norm(apart, axis=-1).mean())


def measure(people: list[Person], told: Told, learnt: Population) -> tuple[Array, Array]:
    """Features without and with the skin's, (m, b + 3) and (m, b + 6 + k)."""
    from reenact.retarget.skin import Skin

    whole = np.eye(2, 3)
    mesh, skin = [], []
    shot = 0
    for person in people:
        reference = Skin(FaceView(person.grey[0], whole), person.points[0], learnt)
        for i in range(1, len(person.grey)):
            measured = reference.measure(FaceView(person.grey[i], whole), person.points[i])
            turn = told.pose[shot, :3]
            mesh.append(features(told.expression[shot], turn, None, learnt))
            skin.append(features(told.expression[shot], turn, measured, learnt))
            shot += 1
    return np.array(mesh, np.float64), np.array(skin, np.float64)


def main(renderer: Path, folder: Path, output: Path) -> None:
    module = load_renderer(renderer)
    model = module.HeadModel()
    people = read_people(folder)
    carried = carriers(module, model, people)
    modes = modes_of(model, carried, people)
    told = tell(module, model, carried, people)
    basis = np.linalg.svd(told.expression, full_matrices=False)[2][:BASIS]
    bend = fit_bend(told)
    points = population().points  # chosen once by hand: brows, lids, lips, nose, cheeks, chin, and the skull's own
    none = np.zeros(0, np.float32)
    learnt = Population(basis.astype(np.float32), modes.astype(np.float32), none, none, bend.astype(np.float32), points)
    wanted = np.concatenate([told.weights, told.true_pose - told.pose], axis=1)
    maps = {}
    for name, x in zip(("from_mesh", "from_skin"), measure(people, told, learnt), strict=True):
        left = np.zeros_like(wanted)
        for fold in range(_FOLDS):
            trained = told.person % _FOLDS != fold
            left[~trained] = x[~trained] @ ridge(x[trained], wanted[trained], _RIDGE)
        count = told.weights.shape[1]
        off = np.degrees(np.abs(left - wanted)[:, count : count + 3].mean(0))
        print(f"{name}, left-out people: {error(left[:, :count], told.weights, modes):.3f} % IOD, "
              f"pose {off[0]:.2f}, {off[1]:.2f}, {off[2]:.2f} degrees")  # fmt: skip
        maps[name] = ridge(x, wanted, _RIDGE).astype(np.float16)
    arrays = {"basis": basis, "modes": modes.reshape(len(modes), -1), "bend": bend}
    np.savez_compressed(
        output, points=points.astype(np.int16), **maps, **{k: v.astype(np.float16) for k, v in arrays.items()}
    )


if __name__ == "__main__":
    main(*(Path(a) for a in sys.argv[1:4]))
