"""What is added to rendered people: each part does what it is for, and leaves the rest alone."""

from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakerenderer import write_renderer

from reenact.errors import InputError
from reenact.training.rendering.acts import FAR_DEG, act
from reenact.training.rendering.camera import Camera, background, light, taken
from reenact.training.rendering.eyes import Lashes, add_lashes
from reenact.training.rendering.glasses import Glasses, draw_glasses
from reenact.training.rendering.hair import add_beard, add_fringe
from reenact.training.rendering.mouth import MouthLight, light_mouth
from reenact.training.rendering.people import PARTS, RenderConfig, shots, somebody
from reenact.training.rendering.renderer import load_renderer
from reenact.training.rendering.skin import FOLDS, Relief, add_relief, places, relief, stirring
from reenact.training.rendering.surface import CAMERA_CM, CENTRE, FOCAL, Surface, look

SIZE = 256
STILL = np.zeros(3)


@pytest.fixture(scope="module")
def synth(tmp_path_factory: pytest.TempPathFactory):
    return load_renderer(write_renderer(tmp_path_factory.mktemp("rendering") / "renderer"))


@pytest.fixture(scope="module")
def model(synth):
    return synth.HeadModel()


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr("reenact.training.rendering.skin._TEXTURE", 256)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def view(synth, model, yaw: float = 0.0, **expression: float) -> Surface:
    return look(model, synth.Person(model, 0), model.expression(**expression), synth.rotation(yaw, 0, 0), STILL, SIZE)


def grey(level: int = 120) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), level, np.uint8)


# The surface


def test_the_surface_is_what_the_camera_sees(synth, model) -> None:
    surface = view(synth, model)
    assert surface.depth[SIZE // 2, SIZE // 2] == pytest.approx(CAMERA_CM - (9.0 - CENTRE[2]), abs=1e-3)
    assert surface.triangle[2, 2] == -1
    assert np.isinf(surface.depth[2, 2])
    column, row, far = surface.seen(np.array([[3.0, 3.5, 9.4]]))[0]
    assert far == pytest.approx(CAMERA_CM - 7.4)
    assert column == pytest.approx(SIZE / 2 + FOCAL * SIZE * 3.0 / far)
    assert row == pytest.approx(SIZE / 2 - FOCAL * SIZE * 5.0 / far)
    assert surface.of("M_ScleraLeft")[int(row), int(column)]
    assert not surface.of("M_Face")[int(row), int(column)]
    assert surface.of("M_BackHead").sum() == 0  # behind the face


def test_places_in_space_and_texture_are_mixed_from_the_corners(synth, model) -> None:
    surface = view(synth, model, yaw=25)
    face = surface.of("M_Face")
    at = surface.seen(surface.mix(surface.posed, face))
    rows, columns = np.nonzero(face)
    assert np.abs(at[:, 0] - columns - 0.5).max() < 0.02
    assert np.abs(at[:, 1] - rows - 0.5).max() < 0.02
    x, y = surface.texture_map(face, 100)
    nose = places(model, 100)[33]
    column, row = surface.seen(np.array([[0.0, -1.3, 9.0]]))[0, :2].astype(int)
    assert (x[row, column], y[row, column]) == pytest.approx(nose, abs=1.5)
    assert x[2, 2] < 0


def test_what_is_behind_the_head_is_hidden(synth, model) -> None:
    surface = view(synth, model)
    before, behind, beside, away = (
        surface.unhidden(surface.seen(np.array([p])))[0]
        for p in ([0, 0, 9.5], [0, 0, 0.0], [9.5, 0, 0.0], [900.0, 0, 0.0])
    )
    assert (before, behind, beside, away) == (True, False, True, False)


# Skin


def bump(depth: float) -> Relief:
    """A ridge down the middle of the face, and nothing that folds."""
    pores = np.zeros((256, 256), np.float32)
    cv2.line(pores, (128, 0), (128, 255), depth, 9)
    return Relief(cv2.GaussianBlur(pores, (0, 0), 3), np.zeros((4, 256, 256), np.float32), np.zeros(4), np.zeros(4))


def test_a_ridge_is_bright_on_the_side_of_the_light(synth, model) -> None:
    surface, calm = view(synth, model), model.expression()
    picture = grey()
    add_relief(picture, surface, bump(0.2), calm, synth.Light([1.0, 0.0, 0.6]))
    line = picture[150, :, 0].astype(int) - 120
    middle = SIZE // 2
    assert line[middle : middle + 8].max() > 10
    assert line[middle - 8 : middle].min() < -10
    off = ~surface.of("M_Face")
    assert (picture[off] == 120).all()
    other = grey()
    add_relief(other, surface, bump(0.2), calm, synth.Light([-1.0, 0.0, 0.6]))
    assert other[150, middle + 4, 0] < 120 < picture[150, middle + 4, 0]


@pytest.mark.parametrize(
    ("fold", "expression"),
    [("forehead", "browOuterUp"), ("frown", "browDown"), ("mouth", "mouthSmile"), ("eyes", "eyeSquint")],
)
def test_folds_come_with_the_expression(synth, model, fold: str, expression: str) -> None:
    skin, _ = relief(model, rng(3), pores=False, wrinkles=False, folds=True)
    lit = synth.Light([0.2, 0.4, 0.8])
    calm, moved = grey(), grey()
    add_relief(calm, view(synth, model), skin, model.expression(), lit)
    surface = view(synth, model, **{expression: 1.0})
    add_relief(moved, surface, skin, model.expression(**{expression: 1.0}), lit)
    assert np.abs(calm.astype(int) - 120).max() <= 1
    changed = np.abs(moved.astype(int) - 120).max(-1)
    assert changed.max() > 8
    x, y = surface.texture_map(surface.of("M_Face"), 256)
    there = cv2.remap(skin.folds[FOLDS.index(fold)], x, y, cv2.INTER_LINEAR) > 0.3
    assert changed[there].mean() > 5 * changed[~there & surface.of("M_Face")].mean()


def test_wrinkles_are_there_at_rest_and_pores_everywhere(model) -> None:
    lined, age = relief(model, rng(1), pores=False, wrinkles=True, folds=False)
    assert lined.rest.min() > 0
    assert not lined.stirred.any()
    assert 0 < age < 1
    smooth, none = relief(model, rng(1), pores=True, wrinkles=False, folds=False)
    assert (none, smooth.rest.any()) == (0.0, False)
    assert smooth.pores[:128, :128].std() > 0.001
    assert smooth.pores[128:, 128:].std() > 0.001
    assert np.array_equal(lined.folds, smooth.folds)  # a part left out leaves the others as they were
    assert stirring(model, model.expression()).tolist() == [0, 0, 0, 0]


# Eyes


def test_lashes_stand_up_on_open_eyes_and_hang_on_shut_ones(synth, model) -> None:
    worn = Lashes(0.8, 0.95, 0.0, np.zeros((2, 64, 4), np.float32))
    drawn = {}
    for shut in (0.0, 1.0):
        surface, picture = view(synth, model, eyeBlink=shut), grey(200)
        add_lashes(picture, surface, worn, (shut, shut))
        picture[surface.of("M_ScleraLeft", "M_ScleraRight")] = 200  # shaded by the lid, see below
        rows, columns = np.nonzero(picture[..., 0] < 170)
        assert len(rows) > 60
        lids = surface.seen(surface.posed[36:48])
        assert columns.min() > lids[:, 0].min() - 12
        assert columns.max() < lids[:, 0].max() + 12
        drawn[shut] = rows - lids[[1, 2, 7, 8], 1].mean()
    assert drawn[0.0].min() < drawn[1.0].min() - 1  # the upper ones' tips
    assert drawn[0.0].mean() < drawn[1.0].mean() - 0.4


def test_the_upper_lid_shades_the_eye(synth, model) -> None:
    surface, picture = view(synth, model), grey(200)
    add_lashes(picture, surface, Lashes(0.0, 0.0, 0.0, np.zeros((2, 0, 4), np.float32)), (0.0, 0.0))
    ball = surface.of("M_ScleraLeft")
    rows = np.nonzero(ball.any(1))[0]
    middle = int(np.nonzero(ball[rows[0]])[0].mean())
    assert int(picture[rows[0], middle, 0]) < int(picture[rows[-1], middle, 0]) - 15
    assert (picture[surface.of("M_Face")] == 200).all()


# Mouth


@pytest.mark.parametrize("skin", [60, 150])
def test_a_mouth_is_as_light_as_told_whatever_the_skin(synth, model, skin: int) -> None:
    surface = view(synth, model)
    teeth = surface.of("M_Teeth")
    for level, low, high in ((0, 0.3, 0.34), (250, 0.85, 1.2)):
        picture = grey(skin)
        picture[teeth] = level
        light_mouth(picture, surface, MouthLight(0.32, 1.2, 0.5))
        luma = float(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[teeth].mean()) / skin
        assert low * 0.9 < luma < high * 1.05
        assert (picture[~teeth] == skin).all()


def test_the_walls_of_the_mouth_are_lit_too(synth) -> None:
    model = synth.HeadModel()
    model.tri, model.tri_uv, model.material = model.tri[2:], model.tri_uv[2:], model.material[2:]  # the face, gone
    surface = view(synth, model)
    picture, wall = grey(120), surface.of("M_BackHead")
    picture[wall] = 0
    light_mouth(picture, surface, MouthLight(0.32, 1.2, 0.5))
    lit = (picture.max(-1) > 0) & wall
    between = surface.seen(surface.posed[60:68])[:, :2]
    rows, columns = np.nonzero(lit)
    assert lit.sum() > 40
    assert rows.min() >= between[:, 1].min() - 2
    assert rows.max() <= between[:, 1].max() + 2
    assert columns.min() >= between[:, 0].min() - 2
    assert columns.max() <= between[:, 0].max() + 2


# Glasses


HORN = Glasses(2.6, 1.9, 0.35, 3.0, (10.0, 10.0, 10.0), 0.0, 0.0, 0.0)


def test_glasses_sit_before_the_eyes_and_an_arm_is_hidden_by_the_head(synth, model) -> None:
    person = synth.Person(model, 0)
    dark = {}
    for yaw in (-35, 0, 35):
        surface, picture = view(synth, model, yaw), grey(200)
        draw_glasses(picture, surface, person, HORN)
        frame = picture[..., 0] < 100
        eyes = surface.seen(surface.posed[36:48])
        assert not frame[: int(eyes[:, 1].min()) - 30].any()
        assert not frame[int(eyes[:, 1].max()) + 30 :].any()
        for eye in (eyes[:6], eyes[6:]):  # rims left and right of each eye, nothing on it
            row, column = int(eye[:, 1].mean()), int(eye[:, 0].mean())
            assert picture[row, column, 0] == 200
            assert frame[row, :column].any()
            assert frame[row, column:].any()
        dark[yaw] = frame
    edge = {yaw: np.flatnonzero(dark[yaw].any(0)) for yaw in dark}
    assert abs(int(dark[35].sum()) - int(dark[-35].sum())) < 0.1 * dark[35].sum()  # mirrored
    head = np.flatnonzero(view(synth, model, 35).of("M_Face").any(0))  # turned: one arm is seen beside it, one not
    assert (edge[35][0] < head[0] - 3) != (edge[35][-1] > head[-1] + 3)


def test_panes_tint_and_reflect(synth, model) -> None:
    person, surface = synth.Person(model, 0), view(synth, model)
    row, column = surface.seen(surface.posed[36:42]).mean(0)[1::-1].astype(int)
    tinted, glaring = grey(200), grey(100)
    draw_glasses(tinted, surface, person, Glasses(2.6, 1.9, 0.1, 3.0, (10.0, 10.0, 10.0), 0.15, 0.0, 0.0))
    assert tinted[row, column, 0] == pytest.approx(200 - 0.15 * 190, abs=1)
    draw_glasses(glaring, surface, person, Glasses(2.6, 1.9, 0.1, 3.0, (10.0, 10.0, 10.0), 0.0, 0.25, 0.5))
    pane = glaring[row - 8 : row + 8, column - 12 : column + 12, 0]
    assert pane.max() > pane.min() + 10


# Hair


@pytest.mark.parametrize("seed", range(4))
def test_a_beard_leaves_lips_and_brow_free_and_is_no_paler_than_the_skin(synth, model, seed: int) -> None:
    person = synth.Person(model, 1)  # dark skin, fair hair
    before = person.texture.copy()
    kind = add_beard(model, person, rng(seed))
    assert kind in ("stubble", "moustache", "goatee", "full")
    changed = np.abs(person.texture - before).max(-1)
    at = places(model, 256).astype(int)
    chin, lip, brow = at[8], at[[48, 54, 51, 57]].mean(0).astype(int), at[19]
    assert changed[lip[1] - 2 : lip[1] + 3, lip[0] - 2 : lip[0] + 3].mean() < 5
    assert changed[: brow[1] + 5].max() == 0
    assert (changed[chin[1] - 6 : chin[1], chin[0] - 6 : chin[0] + 6].mean() > 4) == (kind != "moustache")
    grown = changed > 15
    assert person.texture[grown].mean() < before.mean() + 5


def test_a_fringe_falls_over_the_forehead(synth, model) -> None:
    person = synth.Person(model, 0)
    before = person.texture.copy()
    add_fringe(model, person, rng(2))
    changed = np.abs(person.texture - before).max(-1) > 20
    at = places(model, 256).astype(int)
    assert not person.bald
    assert changed[: at[19][1]].sum() > 300
    assert not changed[at[28][1] :].any()


# Light and camera


@pytest.mark.parametrize("seed", range(12))
def test_the_light_exposes_for_the_face(synth, model, seed: int) -> None:
    for skin, low, high in ((0, 75, 190), (1, 45, 165)):
        person = synth.Person(model, skin)
        lit = light(synth, person, rng(seed))
        luma = float(person.skin @ [0.299, 0.587, 0.114]) * (lit.ambient + 0.6 * lit.key)
        assert low < luma < high


def test_noise_differs_from_picture_to_picture_and_blur_softens() -> None:
    picture = cv2.resize(rng().integers(0, 256, (64, 64, 3), dtype=np.uint8), (SIZE, SIZE))
    noisy = Camera(3.0, 0.0, 95)
    generator = rng(5)
    one, two = (taken(picture, noisy, generator) for _ in range(2))
    assert not np.array_equal(one, two)
    even = np.full((SIZE, SIZE, 3), 120, np.uint8)
    assert 1.2 < (taken(even, noisy, generator).astype(float) - 120).std() < 4
    soft = taken(picture, Camera(0.0, 1.0, 95), rng())
    assert cv2.Laplacian(soft, cv2.CV_64F).std() < 0.8 * cv2.Laplacian(picture, cv2.CV_64F).std()


def test_the_background_is_muted(synth) -> None:
    def colourful(picture: np.ndarray) -> float:
        return float((picture.max(-1).astype(int) - picture.min(-1)).mean())

    assert colourful(background(synth, 3, rng(3))) < 0.7 * colourful(synth.background(3))


# Acts and people


def test_of_twelve_shots_the_first_is_calm_two_gape_and_two_blink(model) -> None:
    blink, jaw = model.index("eyeBlink"), model.index("jawOpen")
    yaws = []
    for seed in range(20):
        generator = rng(seed)
        done = [act(model, generator, k) for k in range(12)]
        assert not done[0].expression.any()
        assert np.abs(done[0].pose_deg).max() < 12
        assert sum(a.expression[jaw].max() >= 0.5 for a in done) >= 2
        assert sum(a.expression[blink].min() >= 0.3 for a in done) == 2
        assert all((a.expression >= 0).all() and (a.expression <= 1).all() for a in done)
        yaws += [a.pose_deg[0] for a in done]
    assert max(np.abs(yaws)) <= FAR_DEG
    assert np.mean(np.abs(yaws) > 20) > 0.1


def test_a_part_left_out_leaves_the_others_as_they_were(synth, model) -> None:
    whole = somebody(synth, model, 6, RenderConfig())
    plain = somebody(synth, model, 6, RenderConfig().without(",".join(PARTS)))
    assert (plain.skin, plain.lashes, plain.mouth, plain.glasses, plain.camera) == (None,) * 5
    assert np.array_equal(plain.behind, synth.background(6))
    assert plain.traits == {"skin": "light", "age": "adult", "glasses": "no", "beard": "no"}
    for part in ("glasses", "beards", "pores"):
        other = somebody(synth, model, 6, RenderConfig().without(part))
        assert other.mouth == whole.mouth
        assert other.camera == whole.camera
        assert other.light.key == whole.light.key
        assert np.array_equal(other.lashes.whims, whole.lashes.whims)
        assert np.array_equal(other.skin.folds, whole.skin.folds)


def test_people_differ_and_one_stays_the_same(synth, model) -> None:
    config = RenderConfig()
    one, again, two = (somebody(synth, model, seed, config) for seed in (8, 8, 10))
    assert one.light.key == again.light.key != two.light.key
    first, same, other = (list(shots(synth, model, w, s, 2)) for w, s in ((one, 8), (again, 8), (two, 10)))
    assert np.array_equal(first, same)
    assert not np.array_equal(first[0], other[0])


def test_parts_and_shots_are_said_and_a_wrong_part_is_told() -> None:
    plain = RenderConfig(shots=7).without("glasses, beards")
    assert (plain.glasses, plain.beards, plain.light, plain.shots) == (False, False, True, 7)
    assert plain.said() == "rendered, 7 shots, without beards, glasses"
    assert tuple(f.name for f in fields(RenderConfig))[:-1] == PARTS
    with pytest.raises(InputError, match="'hats' cannot be left out: expected some of pores, wrinkles"):
        RenderConfig().without("hats")


def test_help_names_every_part() -> None:
    source = (Path(__file__).parents[1] / "reenact/cli/train.py").read_text()
    assert all(part in source for part in PARTS)
