"""Text in pictures of their own: fonts that have Chinese characters, and labels that have room."""

from __future__ import annotations

from unicodedata import east_asian_width

# The reports' fonts, with those that have Chinese characters.
FONTS = (
    "system-ui, 'DejaVu Sans', 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC',"
    " 'Microsoft YaHei', 'WenQuanYi Zen Hei', sans-serif"
)


def breadth(text: str) -> int:
    """Width of a text in the columns of a terminal; a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def cut_to(text: str, room: int) -> str:
    """A text that has room, by the width of its characters."""
    kept = ""
    for character in text:
        if breadth(kept) + breadth(character) > room:
            return f"{kept}…"
        kept += character
    return kept
