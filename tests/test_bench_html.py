"""The pieces that the benchmarks' pages are made of."""

import base64
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reenact.bench import html


class Reader(HTMLParser):
    """What a browser would see: texts, tags with their attributes, and whether every tag that is opened is closed."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_is_whole_and_shows_the_texts_as_they_are() -> None:
    document = html.page(
        "a < b & c",
        html.heading("<b>no tag</b>"),
        html.paragraph('"quoted"'),
        html.table(("name", "dB"), [("one", "1.0"), ("two", ("-2.0", "bad"))], "mean"),
        html.facts({"cores": 2, "gpus": [], "packages": {"numpy": "1.26"}, "memory_gb": None}),
        html.picture('a"b.jpg', "a sheet"),
        html.video("c.mp4"),
    )
    seen = Reader(document)
    assert seen.open == []
    shown = " ".join(seen.texts)
    for words in ("a < b & c", "<b>no tag</b>", '"quoted"', "-2.0", "mean", "numpy 1.26", "none", "memory gb"):
        assert words in shown
    assert ("td", {"class": "bad"}) in seen.tags
    sources = [attributes["src"] for _, attributes in seen.tags if "src" in attributes]
    assert sources == ['a"b.jpg', "c.mp4"]
    assert "http" not in document
    assert "<script" not in document


def test_rows_and_looks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells came, expected 2"):
        html.table(("a", "b"), [("1",)])
    with pytest.raises(ValueError, match="looks 'odd'"):
        html.table(("a",), [(("1", "odd"),)])


def test_files_can_be_put_into_the_page_and_the_page_is_written_whole(tmp_path: Path) -> None:
    address = html.inline(b"\x89PNG", "image/png")
    kind, data = address.split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == b"\x89PNG"
    html.write(tmp_path / "page.html", html.page("t"))
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OSError, match=r"folder\.html"):
        html.write(tmp_path / "folder.html", "t")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.html", "page.html"]
