"""How a result shows itself in a notebook: a small table of escaped text, without any script.

>>> print(card("Plan", [("columns", "a < b")]))
<div><p><b>Plan</b></p><table><tr><th>columns</th><td>a &lt; b</td></tr></table></div>
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

INTERNAL = "INTERNAL: not to be shared"
_MOST_ROWS = 20


def card(
    title: str,
    facts: Iterable[tuple[str, object]] = (),
    *,
    header: Sequence[str] = (),
    rows: Sequence[Sequence[object]] = (),
    internal: bool = False,
) -> str:
    """A title, facts and a table as HTML.

    Args:
        title: What it is.
        facts: Names and values.
        header: Names of the table's columns.
        rows: The table's rows; of a longer one the first are shown and the rest counted.
        internal: Whether it must stay inside; it is marked so.
    """
    mark = f" <b>({escape(INTERNAL)})</b>" if internal else ""
    told = "".join(
        f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in facts
    )
    return (
        f"<div><p><b>{escape(title)}</b>{mark}</p>{_table(told)}{_table(_body(header, rows))}</div>"
    )


def _body(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    head = f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in header)}</tr>" if header else ""
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in rows[:_MOST_ROWS]
    )
    left = len(rows) - _MOST_ROWS
    return head + body + (f"<tr><td>… and {left} more</td></tr>" if left > 0 else "")


def _table(rows: str) -> str:
    return f"<table>{rows}</table>" if rows else ""


def _cell(value: object) -> str:
    return escape(f"{value:.4g}" if isinstance(value, float) else str(value))
