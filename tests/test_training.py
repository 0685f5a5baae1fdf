"""Training: it learns, goes on after a kill, and what it exports is what it learnt."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from test_training_samples import pack, pairs, psnr

from reenact.cli import main
from reenact.errors import InputError, ModelError

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("onnx")

from reenact.generation.meshwarp import with_rings  # noqa: E402
from reenact.generation.network import Network  # noqa: E402
from reenact.generation.session import Session  # noqa: E402
from reenact.generation.weights import find_model, models_folder, read_model  # noqa: E402
from reenact.tracking.canonical import SIZE, canonical_matrix, to_crop  # noqa: E402
from reenact.training import checkpoint, graph  # noqa: E402
from reenact.training.export import export, export_network  # noqa: E402
from reenact.training.fit import BEST, LAST, Fit, FitConfig  # noqa: E402
from reenact.training.judge import gains, judge, verdict  # noqa: E402
from reenact.training.losses import loss, regions  # noqa: E402
from reenact.training.network import WIDTHS, Portrait, lay, multiply_adds  # noqa: E402
from reenact.training.pack import MARGIN, Person, write_pack  # noqa: E402
from reenact.training.samples import People, batch, batches  # noqa: E402
from reenact.training.shipped import shipped  # noqa: E402

torch.set_num_threads(1)
FAST = FitConfig(batch=2, minutes=60, judge_every=4, warm_up=1, threads=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two: the built-in driver to learn from, and some of her other moments to judge."""
    folder, given = tmp_path_factory.mktemp("data"), pack()
    for name, split, part in (("a", "train", slice(0, None, 2)), ("b", "held", slice(1, None, 2))):
        person = Person(name, "rendered", split)
        write_pack(
            folder / f"{name}.npz", person, list(given.crops[part]), list(given.points[part]), list(given.times[part])
        )
    return folder


def lively(widths: tuple[int, int, int] = (16, 16, 16), seed: int = 0) -> Portrait:
    """A network of random weights that says something."""
    torch.manual_seed(seed)
    network = Portrait(widths).eval()
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network


def steps(count: int):
    """For Fit.run: ends after so many steps."""
    seen = []
    return (lambda line, progress: seen.append(progress.step)), (lambda: bool(seen) and seen[-1] >= count)


def moving():
    """A sample with a wide mouth and its batch."""
    p = pairs()
    sample = p.sample(p.references()[0], int(p.gap.argmax()), True)
    return sample, batch([sample])


# The network


def test_a_fresh_network_leaves_the_base_nearly_as_it_is_but_can_learn() -> None:
    _, b = moving()
    network = Portrait()
    out = lay(b.picture, b.guides, network(b.picture, b.guides))
    assert float((out - b.picture[:, :3]).detach().abs().max()) < 4
    (out * b.weight).sum().backward()
    assert all(float(p.grad.abs().sum()) > 0 for p in network.parameters())


def test_nothing_changes_off_the_gate_and_under_a_pasted_mouth() -> None:
    _, b = moving()
    out = lay(b.picture, b.guides, lively()(b.picture, b.guides))
    changed = (out - b.picture[:, :3]).abs().amax(1)[0] > 0.6
    assert int(changed.sum()) > 1000
    closed = torch.nn.functional.interpolate(b.guides[:, 6:7], size=SIZE, mode="bilinear")[0, 0] == 0
    assert not changed[closed].any()
    assert not changed[b.picture[0, 5] == 255].any()


def test_work_is_counted() -> None:
    """By hand for widths of 16: convolutions at 64, 32 and 16 cells."""
    cells = {64: 64 * 64, 32: 32 * 32, 16: 16 * 16}
    three, one = 9 * 16 * 16, 16 * 16
    expected = cells[64] * (36 * 6 * 16 + 7 * 16 + three * 2 + 9 * 16 * 53)
    expected += cells[32] * (three * 7 + one) + cells[16] * (three * 5 + one)
    assert multiply_adds(Portrait((16, 16, 16)), 256) == expected
    assert multiply_adds(Portrait(WIDTHS[256]), 256) < 0.4e9


def test_the_product_lays_the_answer_as_the_training_did(monkeypatch) -> None:
    """reenact.generation.network at the crop's own scale against reenact.training.network.lay: one level apart."""
    sample, b = moving()
    network = lively()
    with torch.no_grad():
        answer = network(b.picture, b.guides)
        wanted = lay(b.picture, b.guides, answer)[0].permute(1, 2, 0).clamp(0, 255).numpy()
    seen = {}

    class Told:
        entry = find_model("portrait-256")

        def run(self, inputs):
            seen.update(inputs)
            return [a.numpy() for a in answer]

    p = pairs()
    source, target = (p.pack.points[i] for i in (p.references()[0], int(p.gap.argmax())))
    target = target - np.array([MARGIN, MARGIN, 0], np.float32)
    matrix = canonical_matrix(target)
    assert np.allclose(matrix, [[1, 0, 0], [0, 1, 0]], atol=0.01)  # the sample is at the crop's own scale
    assert np.allclose(to_crop(target, matrix), target, atol=0.5)
    meshes = with_rings(source, source), with_rings(target, _resting(source, target))
    base = np.ascontiguousarray(sample.picture[:3].transpose(1, 2, 0))
    got = Network(Told()).improve(base, sample.picture[5], source, target, meshes, (0, 0))
    assert np.abs(seen["picture"][0].astype(int) - sample.picture).mean() < 0.5
    assert np.abs(seen["guides"][0] - sample.guides).max() < 0.05
    away = np.abs(got - wanted)
    assert np.median(away) < 0.6
    assert np.percentile(away, 99) < 3


def _resting(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    from reenact.geometry import fit_similarity
    from reenact.tracking.topology import RIGID

    return fit_similarity(source[RIGID], target[RIGID]).apply(source).astype(np.float32)


def test_a_network_at_rest_is_not_asked() -> None:
    class Silent:
        entry = find_model("portrait-256")

        def run(self, inputs):
            raise AssertionError("asked")

    points = pack().points[0]
    base = pack().crops[0]
    mesh = with_rings(points, points)
    got = Network(Silent()).improve(base, np.zeros(base.shape[:2], np.uint8), points, points, (mesh, mesh), (0, 0))
    assert got is base


# Losses and judgement


def test_the_truth_costs_least_and_blur_and_noise_cost_more() -> None:
    _, b = moving()
    base = b.picture[:, :3]
    nothing = torch.zeros_like(b.truth)
    blurred = torch.nn.functional.avg_pool2d(b.truth, 5, 1, 2)
    noisy = b.truth + 8 * torch.randn(b.truth.shape, generator=torch.Generator().manual_seed(0))
    at = [float(loss(x, base, b.truth, b.weight, nothing)) for x in (b.truth, blurred, noisy, base)]
    assert at[0] < 0.01 < min(at[1:])


def test_scores_are_those_of_hand() -> None:
    sample, b = moving()
    score = judge(None, [sample])
    base, truth = (x.transpose(1, 2, 0) for x in (sample.picture[:3], sample.truth))
    assert score.psnr["face"] == pytest.approx(psnr(base, truth, sample.weight), abs=0.05)
    inside = regions(b.picture, b.weight)
    assert not (inside["face"] & inside["outside"]).any()
    assert (inside["eyes"] | inside["mouth"])[~inside["face"]].sum() == 0
    assert score.sharp["face"] > 0.3


def test_a_loss_anywhere_weighs_more_than_a_gain() -> None:
    assert verdict({"a": {"face": 0.2, "mouth": 0.2, "eyes": 0.2}}) == pytest.approx(0.2)
    assert verdict({"a": {"face": 0.3, "mouth": 0.3, "eyes": -0.3}}) < 0


# Samples by number


def test_batch_number_k_is_the_same_whatever_came_before(data: Path) -> None:
    people = People([data], "train")
    from_start = batches(people, 2, 7, 0.5)
    third = [next(from_start) for _ in range(3)][2]
    resumed = batches(people, 2, 7, 0.5, start=2)
    again = next(resumed)
    for source in (from_start, resumed):
        source.close()
    # a head's turn is fitted by LAPACK, whose last bit depends on where in memory the points lie
    assert all(torch.allclose(a, b, rtol=0, atol=1e-7) for a, b in zip(third, again, strict=True))


def test_nobody_to_learn_from_is_told(data: Path, tmp_path: Path) -> None:
    shutil.copy(data / "a.npz", tmp_path)
    with pytest.raises(InputError, match="no packed people of split 'held'"):
        People([tmp_path], "held")


# Fitting


def test_it_learns_and_keeps_the_best(data: Path, tmp_path: Path) -> None:
    people, judges = People([data], "train"), People([data], "held").judges(4)
    fit = Fit(tmp_path / "run", people, judges, FAST, Portrait((16, 16, 16)))
    first = verdict(gains(fit.network, judges, fit.base))
    reached = fit.run(*steps(24))
    assert reached.step == 24
    assert len(reached.history) == 6
    assert reached.best > first
    assert reached.best > 0
    kept = checkpoint.averaged(tmp_path / "run" / BEST)
    assert verdict(gains(kept, judges, fit.base)) == pytest.approx(reached.best, abs=0.02)
    assert (tmp_path / "run" / "sheet.png").stat().st_size > 10_000


def test_a_stopped_training_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    people, judges = People([data], "train"), People([data], "held").judges(2)
    Fit(tmp_path, people, judges, FAST, Portrait((16, 16, 16))).run(*steps(3))
    fit = Fit(tmp_path, people, judges, FAST)
    assert fit.progress.step == 3
    assert fit.optimiser.state[fit.optimiser.param_groups[0]["params"][0]]["step"] == 3
    assert fit.run(*steps(5)).step == 5
    assert json.loads(str(np.load(tmp_path / LAST)["progress"]))["step"] == 5


def test_it_ends_when_nothing_gets_better(data: Path, tmp_path: Path) -> None:
    people, judges = People([data], "train"), People([data], "held").judges(1)
    config = FitConfig(batch=1, minutes=60, judge_every=1, patience=2, rate=1e-6, threads=1)
    fit = Fit(tmp_path, people, judges, config, Portrait((16, 16, 16)))
    fit.progress.best = 99.0
    assert fit.run(lambda line, progress: None).step == 3


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / LAST, lively(), checkpoint.Progress(step=4))
    assert checkpoint.load(tmp_path / LAST)[1].step == 4
    (tmp_path / LAST).write_bytes((tmp_path / LAST).read_bytes()[:300])
    with pytest.raises(InputError, match=r"last\.npz is not a checkpoint of this training"):
        checkpoint.load(tmp_path / LAST)


# Export


def test_the_onnx_forms_are_the_network(data: Path, tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.npz", lively(), checkpoint.Progress(step=9))
    rows = export(tmp_path / "c.npz", [data], tmp_path / "out", "portrait-256")
    assert [row.form for row in rows] == ["float32", "float16", "int8"]
    assert rows[0].psnr_db > 70
    assert rows[1].psnr_db > 50
    assert rows[2].psnr_db > 38
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "README.md", "manifest.toml", "portrait-256-fp16.onnx", "portrait-256-int8.onnx",
    ]  # fmt: skip
    back = shipped("portrait-256", tmp_path / "out")
    for name, value in lively().state_dict().items():
        assert torch.allclose(back.state_dict()[name], value, atol=1e-3, rtol=1e-3)
    Session(find_model("portrait-256", tmp_path / "out"), "cpu")
    said = (tmp_path / "out" / "README.md").read_text()
    assert "| rendered held | 1 |" in said
    assert "| rendered | 1 |" in said
    assert "| int8 | " in said
    export(tmp_path / "c.npz", [data], tmp_path / "out", "portrait-256")
    again = (tmp_path / "out" / "README.md").read_text()  # in place of what was there, not after it
    assert len(again.splitlines()) == len(said.splitlines())


def test_a_form_that_differs_too_much_is_not_written(tmp_path: Path, monkeypatch) -> None:
    sample, _ = moving()
    monkeypatch.setattr(graph, "FLOW", 400.0)
    with pytest.raises(ModelError, match=r"the float32 form differs from the network: .* nothing was written"):
        export_network(lively(), [sample], [sample], tmp_path / "out", "portrait-256")
    assert not (tmp_path / "out").exists()


def test_the_same_weights_give_the_same_file() -> None:
    weights = {k: v.numpy() for k, v in lively().state_dict().items()}
    assert graph.build(weights, 256) == graph.build(weights, 256)
    wide = onnxruntime.InferenceSession(graph.build(weights, 512), providers=["CPUExecutionProvider"])
    assert [tuple(o.shape) for o in wide.get_outputs()] == [(1, 2, 128, 128), (1, 3, 128, 128), (1, 3, 512, 512)]


def test_the_shipped_network_can_be_trained_on() -> None:
    network = shipped("portrait-256")
    assert network.widths == WIDTHS[256]
    assert len(read_model(find_model("portrait-256"))) < 8_000_000
    assert models_folder().is_dir()


# The commands


def test_the_commands_from_data_to_model(data: Path, tmp_path: Path, capsys) -> None:
    run = ["train", "generator", str(data), "--out", str(tmp_path / "run"), "--minutes", "0.01", "--threads", "1"]
    assert main(run) == 0
    assert "steps in" in capsys.readouterr().out
    assert main(["train", "export", str(tmp_path / "run" / LAST), str(data), "--to", str(tmp_path / "model")]) == 0
    assert "portrait-256 against PyTorch" in capsys.readouterr().out
    assert main(["train", "generator", str(data), "--out", str(tmp_path / "run"), "--kinds", "drawn"]) == 2
    assert "expected real, rendered or both" in capsys.readouterr().err


def test_without_pytorch_the_extra_is_named(data: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["train", "generator", str(data), "--out", str(tmp_path)]) == 2
    assert "training needs torch and onnx: pip install 'reenact[train]'" in capsys.readouterr().err


# On one target


def test_training_on_a_target_puts_a_generator_into_its_bundle(tmp_path: Path, monkeypatch, capsys) -> None:
    from reenact import assets
    from reenact.generation import PortraitGenerator
    from reenact.targets.generator import models_of
    from reenact.targets.library import add_target, find_target, load_target
    from reenact.training import target as on_target

    monkeypatch.setenv("REENACT_HOME", str(tmp_path))
    add_target(assets.VIDEO, "eve", "synthetic")
    monkeypatch.setattr(on_target, "_better", lambda before, after: True)
    assert main(["target", "train", "eve", "--minutes", "0.05", "--threads", "1"]) == 0
    told = capsys.readouterr().out
    assert "kept: eve has a generator of its own" in told
    assert (tmp_path / "targets" / "eve-training.png").is_file()
    bundle = find_target("eve")
    assert models_of(bundle) == bundle.folder
    with load_target("eve") as opened:
        assert opened.models == bundle.folder
        assert PortraitGenerator(opened, models=opened.models).provider == "cpu"
    assert not [p.name for p in (tmp_path / "targets").iterdir() if p.name.startswith(".")]
    assert main(["target", "train", "eve", "--undo"]) == 0
    assert models_of(find_target("eve")) is None
    load_target("eve").close()
    assert main(["target", "train", "eve", "--undo"]) == 2
    assert "no generator of its own" in capsys.readouterr().err


def test_what_is_no_better_changes_nothing(tmp_path: Path, monkeypatch, capsys) -> None:
    from reenact import assets
    from reenact.targets.library import add_target, find_target
    from reenact.training import target as on_target

    monkeypatch.setenv("REENACT_HOME", str(tmp_path))
    before = add_target(assets.VIDEO, "eve", "synthetic").files
    monkeypatch.setattr(on_target, "_better", lambda before, after: False)
    assert main(["target", "train", "eve", "--minutes", "0.03", "--threads", "1"]) == 0
    assert "not kept: eve is no worse as it is" in capsys.readouterr().out
    assert find_target("eve").files == before


def test_a_photo_cannot_be_trained_on(tmp_path: Path, monkeypatch, capsys) -> None:
    from people import FACE_A

    from reenact.targets.library import add_target

    monkeypatch.setenv("REENACT_HOME", str(tmp_path))
    add_target(FACE_A, "anna", "synthetic")
    assert main(["target", "train", "anna"]) != 0
    assert "anna is a photo: training needs a video" in capsys.readouterr().err
