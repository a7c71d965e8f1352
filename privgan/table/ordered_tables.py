"""Check the ``order`` and ``history`` of related tables; report every mistake with its line.

One table alone may have them, and its parent is the root: its rows are a customer's history.
"""

from __future__ import annotations

from collections.abc import Iterator

from privgan.files.documents import Document, DocumentPath, shown
from privgan.files.json_types import JsonMapping
from privgan.table.history_file import HISTORY, ORDER

_FEWEST = 2
# Facts of a history that stand elsewhere where it is a related table's.
_ELSEWHERE = {
    "constant": "what is constant within a customer is a column of the parent's table",
    "longest": "state longest beside history, for it is the table's own",
}


def order_mistakes(document: Document, tables: str) -> Iterator[str]:
    """Mistakes in which tables have an order.

    Args:
        document: A schema file that lists related tables.
        tables: The key of their list.
    """
    items = document.data[tables]
    roots = [item["name"] for item in items if "parent" not in item]
    ordered = [index for index, item in enumerate(items) if "parent" in item and _has_order(item)]
    for index in ordered:
        item, path = items[index], (tables, index)
        parent = item["parent"]["table"]
        if parent not in roots:
            told = (
                f"has an order, and its parent {shown(parent)} has a parent too; only rows right"
                f" under {shown(roots[0])} can have one; leave order and history out here"
            )
            yield _mistake(document, (*path, ORDER), item, told)
        yield from _own_mistakes(document, path, item)
    for index in ordered[1:]:
        first = shown(items[ordered[0]]["name"])
        told = f"has an order, and {first} has one; one table alone may; leave it out in the other"
        yield _mistake(document, (tables, index, ORDER), items[index], told)


def _has_order(item: JsonMapping) -> bool:
    return ORDER in item or HISTORY in item


def _own_mistakes(document: Document, path: DocumentPath, item: JsonMapping) -> Iterator[str]:
    stated = item.get(HISTORY, True)
    for key, told in _ELSEWHERE.items():
        if stated is not True and key in stated:
            where = (*path, HISTORY, key)
            yield _mistake(document, where, item, f"{HISTORY}.{key} is left out here: {told}")
    if item.get("longest", _FEWEST) < _FEWEST:
        told = f"longest: found {item['longest']}, allowed: at least {_FEWEST} with a history"
        yield _mistake(document, (*path, "longest"), item, told)


def _mistake(document: Document, path: DocumentPath, item: JsonMapping, told: str) -> str:
    return document.mistake(path, f"table {shown(item['name'])}: {told}")
