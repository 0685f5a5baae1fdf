"""The card that stands in for a picture that cannot be trusted, and for one that has ended."""

import cv2
import numpy as np

from reenact.types import Pixels

_GROUND, _RULE, _TEXT = (38, 34, 30), (150, 120, 60), (225, 225, 225)
_NAME = "reenact"


def slate(size: tuple[int, int]) -> Pixels:
    """(H, W, 3) uint8 BGR for size (width, height): a plain dark card with the product's name."""
    width, height = size
    card = np.full((height, width, 3), _GROUND, np.uint8)
    font = cv2.FONT_HERSHEY_DUPLEX
    (wide, high), _ = cv2.getTextSize(_NAME, font, 1.0, 1)
    scale = min(width * 0.36 / wide, height * 0.2 / high)
    thick = max(1, round(1.3 * scale))
    (wide, high), _ = cv2.getTextSize(_NAME, font, scale, thick)
    left, base = (width - wide) // 2, (height + high) // 2
    cv2.putText(card, _NAME, (left, base), font, scale, _TEXT, thick, cv2.LINE_AA)
    rule = max(1, height // 160)
    cv2.rectangle(card, (left, base + high // 2), (left + wide, base + high // 2 + rule - 1), _RULE, -1)
    return card
