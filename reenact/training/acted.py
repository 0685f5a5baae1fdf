"""Rendered people whose expressions and poses are known: what reenact.training.population learns from.

    python -m reenact.training.acted RENDERER FOLDER [PEOPLE]

RENDERER is a folder with synth.py (reenact.training.rendering.renderer), with `performance` beside what is asked there.
A file NAME.npz a person holds, first shot at rest:
    grey        (n, 320, 320) uint8, the tracked face's views (reenact.tracking.view)
    points      (n, 478, 3) float32, landmarks in pixels of the view
    framed      (n, 478, 3) float32, the same in pixels of the picture of PICTURE x PICTURE
    expression  (n, k) float32, pose_deg (n, 3), shift_cm (n, 3), shape (60,): what was rendered
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from reenact.config import TrackingConfig
from reenact.errors import InputError
from reenact.tracking.canonical import to_crop
from reenact.training.rendering.acts import act
from reenact.training.rendering.renderer import load_renderer
from reenact.types import FaceTrack, Frame, Pixels

PICTURE = 448  # pixels
_FIRST = 700_000  # the people of the pairs that judge have small numbers
_PLAYED, _POSED = 6, 3  # shots out of a performance, and of one extreme each
_TURN = 25.0  # degrees at most


def make(folder: Path, renderer: Path, people: int) -> None:
    """Renders so many people into a folder, those there already left as they are; the same for the same numbers."""
    from reenact.tracking import FaceMeshTracker

    module = load_renderer(renderer)
    if not hasattr(module, "performance"):
        raise InputError(f"{renderer / 'synth.py'} has no `performance`: people that act cannot be made with it")
    model = module.HeadModel()
    folder.mkdir(parents=True, exist_ok=True)
    with FaceMeshTracker(TrackingConfig(smooth=False, views=True), still=True) as tracker:
        for number in range(people):
            place = folder / f"p{number:04}.npz"
            if not place.exists():
                _make_one(module, model, number, tracker, place)


def _make_one(module: ModuleType, model: Any, number: int, tracker: Any, place: Path) -> None:
    rng = np.random.default_rng([number, 5])
    seed = _FIRST + number
    person = module.Person(model, seed, size=512)
    light, behind = module.light(seed), module.background(seed, PICTURE)
    quality, noise = int(rng.integers(70, 95)), rng.uniform(0, 3)
    kept = []
    for n, (expression, pose, shift) in enumerate(_shots(module, model, rng)):
        turned = module.rotation(*pose)
        picture = module.render(
            model, person, expression, turned, shift, size=PICTURE, supersample=1, light=light, background=behind
        )[0]
        track: FaceTrack | None = tracker.track(Frame(_taken(picture, noise, quality, rng), n, n / 30))
        if track is not None and track.view is not None:
            kept.append((track, expression, pose, shift))
        elif n == 0:
            raise InputError(f"rendered person {number} shows no face at rest: the renderer draws none")
    np.savez_compressed(
        place,
        grey=np.stack([t.view.grey for t, *_ in kept if t.view is not None]),
        points=np.stack([to_crop(t.points, t.view.matrix) for t, *_ in kept if t.view is not None]),
        framed=np.stack([t.points for t, *_ in kept]),
        expression=np.array([e for _, e, _, _ in kept], np.float32),
        pose_deg=np.array([p for _, _, p, _ in kept]),
        shift_cm=np.array([s for _, _, _, s in kept]),
        shape=person.shape,
    )


def _shots(module: ModuleType, model: Any, rng: np.random.Generator) -> list[tuple[Any, Any, Any]]:
    rest = rng.normal(0, 3, 3)
    shots = [(np.zeros(len(model.names), np.float32), rest, np.zeros(3))]
    for _ in range(_PLAYED):
        played = module.performance(model, int(rng.integers(1 << 30)), 60)
        i = int(rng.integers(14, 60))  # it starts at rest
        shots.append((played.expression[i], rest + played.pose_deg[i], played.shift_cm[i]))
    for _ in range(_POSED):
        posed = act(model, rng, int(rng.integers(1, 12)))
        shots.append((posed.expression, np.clip(posed.pose_deg, -_TURN, _TURN), posed.shift_cm))
    return shots


def _taken(picture: Pixels, noise: float, quality: int, rng: np.random.Generator) -> Pixels:
    grainy = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


if __name__ == "__main__":
    make(Path(sys.argv[2]), Path(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 320)
