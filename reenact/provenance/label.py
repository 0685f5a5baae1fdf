"""The visible label: a small card in the corner that says, in the viewers' language, that the picture is made.

The words are drawn already: labels.png holds a row for each language, in the order of LANGUAGES, made by
benchmarks/make_labels.py.  So every script looks right without its font, and without a library that sets it.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from reenact.config import LABELS
from reenact.errors import InputError
from reenact.provenance.languages import LANGUAGES
from reenact.types import Pixels

ROW = 64  # pixels of a row of labels.png; the letters' size is 40 of them
NOT_NEEDED = ("self", "synthetic")  # consent kinds whose pictures deceive nobody about somebody else
_WORDS = Path(__file__).with_name("labels.png")
_PART, _LEAST, _MOST_WIDE = 0.042, 18, 0.6  # of the shorter side; pixels; of the picture's width
_GROUND, _INK = (24, 22, 20), (245, 245, 245)
_COVER = 150  # of 255, of the ground


def label_due(label: str, consent: str) -> bool:
    """Whether the label is drawn: `label` is one of reenact.config.LABELS, `consent` the target's kind of consent.

    "auto" draws it unless the target is the user's own face or nobody's.
    """
    if label not in LABELS:
        raise InputError(f"the label is {label!r}: expected one of {', '.join(LABELS)}")
    return label == "on" or (label == "auto" and consent not in NOT_NEEDED)


class Label:
    """Draws the label on pictures of one size.

    size      (width, height), pixels
    language  one of LANGUAGES
    Raises InputError for another language.
    """

    def __init__(self, size: tuple[int, int], language: str) -> None:
        words = _words(language)
        width, height = size
        high = max(_LEAST, round(_PART * min(size)))
        scale = min(high / ROW, _MOST_WIDE * width / (words.shape[1] + ROW))
        fitted = max(1, round(scale * words.shape[1])), max(4, round(scale * ROW))
        small = cv2.resize(words, fitted, interpolation=cv2.INTER_AREA)
        edge = max(2, small.shape[0] // 3)
        self._layer = _card(small)[: max(1, height - edge), : max(1, width - edge)]
        self._left = self._top = min(edge, height - 1, width - 1)

    def draw(self, pixels: Pixels) -> Pixels:
        """Draws it on (H, W, 3) uint8 BGR of the label's size, in place; returns it."""
        from reenact.generation.over import lay_over

        high, wide = self._layer.shape[:2]
        lay_over(pixels[self._top : self._top + high, self._left : self._left + wide], self._layer)
        return pixels


def _card(words: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(h, w, 4) uint8 BGRA, straight alpha: the words, ink where (h, w) uint8 is 255, on a card with round corners."""
    high, wide = words.shape[0], words.shape[1] + words.shape[0]
    radius, sharp = high // 4, 4
    ground = np.zeros((sharp * high, sharp * wide), np.uint8)
    corner, far = sharp * radius, (sharp * (wide - radius) - 1, sharp * (high - radius) - 1)
    cv2.rectangle(ground, (corner, 0), (far[0], sharp * high), 255, -1)
    cv2.rectangle(ground, (0, corner), (sharp * wide, far[1]), 255, -1)
    for x in (corner, far[0]):
        for y in (corner, far[1]):
            cv2.circle(ground, (x, y), corner, 255, -1)
    cover = cv2.resize(ground, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32) * (_COVER / 255)
    ink = np.zeros((high, wide), np.float32)
    ink[:, high // 2 : high // 2 + words.shape[1]] = words
    alpha = ink + cover * (1 - ink / 255)  # Porter, Duff, SIGGRAPH 1984: over
    part = (ink / np.maximum(alpha, 1))[:, :, None]
    layer = np.empty((high, wide, 4), np.uint8)
    layer[:, :, :3] = np.rint(np.array(_INK) * part + np.array(_GROUND) * (1 - part))
    layer[:, :, 3] = np.rint(alpha)
    return layer


@lru_cache(maxsize=4)
def _words(language: str) -> npt.NDArray[np.uint8]:
    """(ROW, w) uint8: the words of a language, white on black."""
    if language not in LANGUAGES:
        raise InputError(f"the label's language is {language!r}: expected one of {', '.join(LANGUAGES)}")
    rows = cv2.imdecode(np.frombuffer(_WORDS.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    top = ROW * list(LANGUAGES).index(language)
    row = rows[top : top + ROW]
    return np.ascontiguousarray(row[:, : int(np.flatnonzero(row.any(0)).max()) + 1])
