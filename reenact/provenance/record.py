"""What is recorded of a rendering: who was shown, who agreed, who drove, and with what it was made.

No picture and no face data is part of it: ingredients are named by their SHA-256, never by a thumbnail.
"""

import datetime
import hashlib
import mimetypes
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reenact.errors import SourceError, TargetError
from reenact.provenance.watermark_payload import SIGNER_BITS, UNSIGNED
from reenact.targets.consent import Consent
from reenact.version import __version__

if TYPE_CHECKING:
    from reenact.config import GeneratorConfig
    from reenact.finish import Finish
    from reenact.playing import Playing
    from reenact.targets.library import OpenTarget

LABEL = "reenact.rendering"  # of the assertion that holds the record
FORMAT = 1
LIVE_CAMERA = "a live camera"
NOTHING, MOUTH, PICTURE = "nothing", "the inside of the mouth", "the picture"
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED = _IPTC + "compositeWithTrainedAlgorithmicMedia"
UNTRAINED = _IPTC + "compositeSynthetic"  # at least one part is synthetic, none of it learnt


@dataclass(frozen=True, slots=True)
class Shown:
    """A target that is shown: its name, "photo" or "video", the SHA-256 of its source file, and who agreed.

    label  whether the visible label is on its pictures
    """

    name: str
    kind: str
    sha256: str
    consent: Consent
    media_type: str = ""
    label: bool = False


@dataclass(frozen=True, slots=True)
class Driver:
    """What drove: "a live camera", or a file by its SHA-256.

    shown  what of the driver's own picture may be in the output: NOTHING, MOUTH, or, in the demonstration, PICTURE
    """

    what: str
    sha256: str = ""
    media_type: str = ""
    shown: str = NOTHING


@dataclass(frozen=True, slots=True)
class Made:
    """The generator: its model's name and SHA-256 ("" for none), and whether it was learnt from examples."""

    name: str
    sha256: str
    trained: bool


@dataclass(frozen=True, slots=True)
class Record:
    """All that is signed about one file.

    label      what was asked for, one of reenact.config.LABELS; what was drawn is known of each target
    watermark  whether it is in the pictures
    signer     short id of the signer as the watermark carries it, hexadecimal, "" where it carries none
    when       the moment of signing, by this machine's clock: nobody vouches for it
    """

    command: str
    targets: tuple[Shown, ...]
    driver: Driver
    generators: tuple[Made, ...]
    label: str
    watermark: bool
    signer: str = ""
    when: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))

    def __post_init__(self) -> None:
        if not self.targets or not all(isinstance(shown.consent, Consent) for shown in self.targets):
            raise TargetError("nothing is signed without a target that has a consent entry")

    @property
    def drawn(self) -> str:
        """Whether the visible label is in the pictures: "on", "off", or "changed" where only some targets have it."""
        labels = {shown.label for shown in self.targets}
        return "changed" if len(labels) > 1 else "on" if True in labels else "off"

    def statement(self) -> dict[str, Any]:
        """The record as JSON values, as it stands in the manifest."""
        return {
            "format": FORMAT,
            "command": self.command,
            "engine": {"name": "reenact", "version": __version__},
            "when": self.when.isoformat(timespec="seconds"),
            "targets": [_statement(shown) for shown in self.targets],
            "driver": asdict(self.driver),
            "generators": [asdict(made) for made in self.generators],
            "label": self.drawn,
            "label_option": self.label,
            "watermark": self.watermark,
            "signer": self.signer,
        }


def _statement(shown: Shown) -> dict[str, Any]:
    consent = {key: value for key, value in asdict(shown.consent).items() if value or key != "agreement"}
    if not shown.consent.agreement_sha256:
        consent.pop("agreement_sha256", None)
    said = {"name": shown.name, "kind": shown.kind, "sha256": shown.sha256}
    return {**said, "consent": consent, "label": shown.label}


def shown(target: "OpenTarget", label: bool = False) -> Shown:
    """The record of an open target; `label`: whether the visible one is on its pictures."""
    bundle = target.bundle
    media_type = _type(Path(bundle.source_name))
    return Shown(bundle.name, bundle.kind, bundle.source_sha256, bundle.consent, media_type, label)


def driver_file(path: Path, shown: str = NOTHING) -> Driver:
    """The record of a driver's file, see Driver.  Raises SourceError where it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({(error.strerror or str(error)).lower()})") from None
    return Driver("a file", digest, _type(path), shown)


def driver_camera(camera: str, shown: str = NOTHING) -> Driver:
    """The record of `--camera`: a file that is played as one has a hash, anything else is a live camera."""
    from reenact.assets import DRIVER

    path = DRIVER if camera == "demo" else Path(camera)
    return driver_file(path, shown) if path.is_file() else Driver(LIVE_CAMERA, shown=shown)


def made_by(config: "GeneratorConfig", target: "OpenTarget", provider: str = "cpu") -> Made:
    """The record of the generator that plays a target with this configuration, on this provider."""
    from reenact.generation.weights import find_model

    if not config.network:
        return Made("mesh warp", "", False)
    entry = find_model(config.model, target.models)
    if provider != "cpu" and entry.on_gpu is not None:  # as reenact.generation.session chooses
        entry = find_model(entry.on_gpu, entry.path.parent)
    return Made(entry.name, entry.sha256, True)


class Ledger:
    """Gathers what there will be to record while it is shown: a live call may change its target.

    driver  gives the driver's record for what of its own picture may be shown
    config  of the generators
    label   whether the visible one is on all pictures, whatever the target; otherwise each target's own counts
    """

    def __init__(
        self,
        command: str,
        driver: Callable[[str], Driver],
        config: "GeneratorConfig",
        *,
        label: bool = False,
    ) -> None:
        self._command, self._driver, self._config = command, driver, config
        self._label, self._asked, self._watermark, self._signer = label, "off", False, ""
        self._shows: list[tuple[Shown, Made, bool]] = []

    def finished_by(self, finish: "Finish | None") -> None:
        """What label was asked for, and what watermark the pictures carry."""
        self._asked = "off" if finish is None else finish.label
        self._watermark = finish is not None and finish.watermark
        signer = finish.signer if finish is not None and finish.watermark else UNSIGNED
        self._signer = "" if signer == UNSIGNED else f"{signer:0{SIGNER_BITS // 4}x}"

    def add(self, playing: "Playing") -> None:
        """A target with its generator, from now on shown."""
        target: OpenTarget = playing.target  # type: ignore[assignment]
        made = made_by(self._config, target, getattr(playing.generator, "provider", "cpu"))
        self._shows.append((shown(target, self._label or playing.label), made, playing.mouth))

    def from_now(self) -> Callable[[], Record]:
        """What gives the record of a file that begins now, whenever it ends: of what is shown now, and was since.

        It raises TargetError where nothing was.
        """
        start = max(0, len(self._shows) - 1)
        return lambda: self._record(self._shows[start:])

    def _record(self, shows: list[tuple[Shown, Made, bool]]) -> Record:
        mouth = any(mouth for *_, mouth in shows)
        return Record(
            self._command,
            tuple(dict.fromkeys(target for target, *_ in shows)),
            self._driver(MOUTH if mouth else NOTHING),
            tuple(dict.fromkeys(made for _, made, _ in shows)),
            self._asked,
            self._watermark,
            self._signer,
        )


def _type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or ""


def manifest(record: Record, title: str) -> dict[str, Any]:
    """The C2PA manifest definition: actions, ingredients, and the record itself.

    A video target is opened and edited (it is the parent), everything else is created of its parts: C2PA 2.2, 18.15.
    """
    edits = len(record.targets) == 1 and record.targets[0].kind == "video"
    ingredients = [
        _ingredient(f"target{i}", f"target: {shown.name}", shown.sha256, shown.media_type, edits and "parentOf")
        for i, shown in enumerate(record.targets)
    ]
    role = "inputTo" if record.driver.shown == NOTHING else False
    title_of_driver = f"driver: {record.driver.what}"
    ingredients.append(_ingredient("driver", title_of_driver, record.driver.sha256, record.driver.media_type, role))
    return {
        "claim_generator_info": [{"name": "reenact", "version": __version__}],
        "title": title,
        "ingredients": ingredients,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(record, edits)}},
            {"label": LABEL, "data": record.statement()},
        ],
    }


def _ingredient(label: str, title: str, sha256: str, media_type: str, role: str | bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"label": label, "title": title, "relationship": role or "componentOf"}
    if sha256:
        entry["instance_id"] = f"nih:sha-256;{sha256}"  # RFC 6920, section 7
    if media_type:
        entry["format"] = media_type
    return entry


def _actions(record: Record, edits: bool) -> list[dict[str, Any]]:
    when = record.when.isoformat(timespec="seconds")
    agent = {"name": "reenact", "version": __version__}
    source = TRAINED if any(made.trained for made in record.generators) else UNTRAINED
    targets = [f"target{i}" for i in range(len(record.targets))]
    act = {"when": when, "softwareAgent": agent, "digitalSourceType": source}
    if edits:
        actions = [
            {"action": "c2pa.opened", "parameters": {"ingredientIds": targets}},
            {"action": "c2pa.edited", **act, "parameters": {"ingredientIds": ["driver"]}},
        ]
    else:
        actions = [{"action": "c2pa.created", **act, "parameters": {"ingredientIds": [*targets, "driver"]}}]
    if record.watermark:
        actions.append({"action": "c2pa.watermarked.unbound", "when": when, "softwareAgent": agent})
    return actions
