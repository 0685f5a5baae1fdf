"""A renderer for tests: a flat face with 68 landmarks, teeth and eyes; its pictures show person A."""

from pathlib import Path

from people import FACE_A

SOURCE = """
import cv2
import numpy as np

X = [-7.5, -7.3, -7.0, -6.5, -5.8, -4.8, -3.5, -1.8, 0, 1.8, 3.5, 4.8, 5.8, 6.5, 7.0, 7.3, 7.5]
Y = [3.0, 1.0, -1.0, -3.0, -4.5, -6.0, -7.2, -7.9, -8.1, -7.9, -7.2, -6.0, -4.5, -3.0, -1.0, 1.0, 3.0]
JAW = list(zip(X, Y))
BROWS = [(s * x, y) for s in (-1, 1) for x, y in sorted(
    [(5.5, 5.6), (4.6, 6.2), (3.7, 6.3), (2.7, 6.1), (1.8, 5.7)], reverse=s < 0)]
NOSE = [(0, 3.4), (0, 2.4), (0, 1.4), (0, 0.4), (-1.3, -1.0), (-0.7, -1.2), (0, -1.3), (0.7, -1.2), (1.3, -1.0)]
EYES = [(s * x, y) for s in (-1, 1) for x, y in (
    [(4.4, 3.4), (3.8, 3.9), (2.8, 3.9), (1.8, 3.3), (2.7, 3.0), (3.8, 3.0)] if s < 0
    else [(1.8, 3.3), (2.8, 3.9), (3.8, 3.9), (4.4, 3.4), (3.8, 3.0), (2.7, 3.0)])]
LIPS = [(-2.5, -3.5), (-1.5, -2.7), (-0.6, -2.4), (0, -2.5), (0.6, -2.4), (1.5, -2.7), (2.5, -3.5),
        (1.5, -4.3), (0.6, -4.6), (0, -4.7), (-0.6, -4.6), (-1.5, -4.3),
        (-2.2, -3.5), (-0.8, -3.0), (0, -3.0), (0.8, -3.0), (2.2, -3.5), (0.8, -4.0), (0, -4.0), (-0.8, -4.0)]
LANDMARKS = np.array(JAW + BROWS + NOSE + EYES + LIPS, float)
PARTS = {"M_Face": 0, "M_Teeth": 1, "M_ScleraRight": 2, "M_ScleraLeft": 3, "M_BackHead": 4}
QUADS = (  # material, left, right, bottom, top, z
    (0, -8.0, 8.0, -8.5, 9.0, 9.0), (1, -2.0, 2.0, -3.8, -3.2, 9.4), (2, -4.2, -2.0, 3.1, 3.8, 9.4),
    (3, 2.0, 4.2, 3.1, 3.8, 9.4), (4, -8.0, 8.0, -8.5, 9.0, -5.0))


class HeadModel:
    names = [n + s for n in (
        "eyeBlink", "eyeSquint", "eyeWide", "eyeLookOut", "eyeLookIn", "eyeLookUp", "eyeLookDown", "browDown",
        "browInnerUp", "browOuterUp", "cheekPuff", "cheekSquint", "noseSneer", "mouthSmile", "mouthFrown",
        "mouthStretch", "mouthPress", "mouthUpperUp", "mouthLowerDown") for s in ("_L", "_R")] + [
        "jawOpen", "jawLeft", "jawRight", "mouthFunnel", "mouthPucker", "mouthRollLower"]
    materials = PARTS
    landmarks = np.arange(68)

    def __init__(self):
        z = np.full(68, 9.4)
        z[27:36] = 10.5
        corners = [(x, y, q[5]) for q in QUADS for x, y in (
            (q[1], q[3]), (q[2], q[3]), (q[2], q[4]), (q[1], q[4]))]
        self.neutral = np.concatenate([np.c_[LANDMARKS, z], corners])
        first = [68 + 4 * k for k in range(len(QUADS))]
        self.tri = np.array([t for f in first for t in ((f, f + 1, f + 2), (f, f + 2, f + 3))])
        self.material = np.repeat([q[0] for q in QUADS], 2)
        self.uv = np.clip((self.neutral[:, :2] + [8.0, 9.0]) / [16.0, 18.0], 0, 1)
        self.tri_uv, self.vertex_uv = self.tri, self.uv

    def index(self, name):
        return [i for i, n in enumerate(self.names) if name in (n, n[:-2])]

    def expression(self, **amounts):
        e = np.zeros(len(self.names), np.float32)
        for name, amount in amounts.items():
            e[self.index(name)] = amount
        return e

    def shape(self, identity, expression):
        posed = self.neutral.copy()
        shut = expression[self.index("eyeBlink")].mean()
        for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
            posed[upper] += shut * (posed[lower] - posed[upper])
        return posed

    def normals(self, vertices):
        return np.tile([0.0, 0.0, 1.0], (len(vertices), 1))


class Person:
    def __init__(self, model, seed):
        self.skin = np.array([[224.0, 184, 164], [80, 54, 42]][seed % 2])
        self.hair, self.bald, self.hairline = np.array([120.0, 90, 60]), True, 7.0
        self.texture, self.shape, self.seed = np.tile(np.float32(self.skin), (256, 256, 1)), np.zeros(1), seed


class Light:
    def __init__(self, direction, key=0.7, ambient=0.4, colour=None):
        self.direction, self.key, self.ambient, self.colour = np.asarray(direction), key, ambient, colour


def light(seed):
    return Light([0.3, 0.5, 0.8])


def background(seed, size=64):
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def rotation(yaw, pitch, roll):
    y, p, r = np.deg2rad([yaw, pitch, roll])
    a = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    b = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    return a @ b @ np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])


def render(model, person, expression, turned, shift, size, focal=3.3, light=None, background=None, supersample=2):
    face = cv2.resize(cv2.imread(FACE), (size, size))
    move = np.float32([[1, 0, 9 * shift[0]], [0, 1, 9 * shift[1] + person.seed % 7]])
    return cv2.warpAffine(face, move, (size, size), borderMode=cv2.BORDER_REPLICATE), None
"""


def write_renderer(folder: Path) -> Path:
    """A folder that `--renderer` takes."""
    folder.mkdir()
    (folder / "synth.py").write_text(f"FACE = {str(FACE_A)!r}\n{SOURCE}")
    return folder
