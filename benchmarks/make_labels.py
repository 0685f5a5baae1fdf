#!/usr/bin/env python3
"""Draws the words of the visible label, one row for each language, into reenact/provenance/labels.png.

    make_labels.py FONTS

FONTS is a folder that holds, at any depth, NotoSans-Regular.ttf, the same of NotoSansArabic, NotoSansHebrew and
NotoSansDevanagari, and NotoSansCJK-Regular.ttc (SIL Open Font Licence; a picture of words is no part of a font).
Needs Pillow with Raqm, which sets Arabic and Devanagari; its wheels have it.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from reenact.provenance.label import ROW
from reenact.provenance.languages import LANGUAGES

SIZE = 40
CJK = {"ja": 0, "ko": 1, "zh": 2}  # fonts of the collection
SCRIPTS = {"ar": "Arabic", "he": "Hebrew", "hi": "Devanagari"}
WIDE = 800


def font(folder: Path, language: str) -> ImageFont.FreeTypeFont:
    name = "NotoSansCJK-Regular.ttc" if language in CJK else f"NotoSans{SCRIPTS.get(language, '')}-Regular.ttf"
    path = next(folder.rglob(name), None)
    if path is None:
        raise SystemExit(f"{name} is not in {folder}")
    return ImageFont.truetype(path, SIZE, index=CJK.get(language, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fonts", type=Path)
    folder = parser.parse_args().fonts
    if not features.check("raqm"):
        raise SystemExit("this Pillow has no Raqm: install it from a wheel")
    rows = []
    for language, words in LANGUAGES.items():
        drawn = Image.new("L", (WIDE, ROW))
        ImageDraw.Draw(drawn).text((10, ROW // 2), words, 255, font(folder, language), anchor="lm", language=language)
        row = np.asarray(drawn)
        columns = np.flatnonzero(row.any(0))
        if columns.max() > WIDE - 10:
            raise SystemExit(f"{words!r} is too wide for {WIDE} pixels")
        rows.append(np.roll(row, -columns.min(), axis=1))
    place = Path(__file__).parents[1] / "reenact" / "provenance" / "labels.png"
    Image.fromarray(np.vstack(rows)).save(place, optimize=True)
    print(f"{place}: {len(rows)} languages, {place.stat().st_size} bytes")


if __name__ == "__main__":
    main()
