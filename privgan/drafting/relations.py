"""Find which table each table belongs to, by its keys. INTERNAL: it compares real values.

Names come first: ``customer``, ``customer_id`` or ``customerId`` names the rows of ``customers``,
and so does a column of the key's own name. A table without such a column is tried by its values,
which must all be keys of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from privgan.drafting.key_columns import KeyColumn, thing_of
from privgan.errors import TableError
from privgan.files.documents import shown
from privgan.naming import parameter

_ENOUGH = 0.5  # Of the rows with a value; a column of the same name that fits less names others.


@dataclass(frozen=True, kw_only=True, eq=False)
class Link:
    """A column of a table whose values name rows of another.

    Attributes:
        column: The column that names them.
        key: The other table's key.
        by_name: Whether the names say so, too.
    """

    column: KeyColumn
    key: KeyColumn
    by_name: bool

    @property
    def child(self) -> str:
        """The table whose rows belong to the other's."""
        return self.column.table

    @property
    def parent(self) -> str:
        """The table whose key is named."""
        return self.key.table

    def __str__(self) -> str:
        """Column and key, as ``orders.customer -> customers.id``."""
        return f"{self.child}.{self.column.name} -> {self.parent}.{self.key.name}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Relations:
    """How tables hang together: a tree.

    Attributes:
        root: The table that no other lends a key to.
        unit: The root's key.
        parents: Of each other table the link to its parent, parents first.
        passed: Links to tables further up, which a tree has no use for.
    """

    root: str
    unit: str
    parents: Mapping[str, Link]
    passed: tuple[Link, ...] = ()

    def key_of(self, table: str) -> KeyColumn | None:
        """The key by which other tables name a table's rows; None where none does."""
        return next((link.key for link in self.parents.values() if link.parent == table), None)


def relations(columns: Mapping[str, Sequence[KeyColumn]]) -> Relations:
    """Find how tables hang together.

    Args:
        columns: Of each table the columns that may be keys.

    Raises:
        TableError: no key is found, keys go in a circle, a table has two parents, or several tables
            could be the root. It tells names and never a value.
    """
    found = _one_key_each(_one_direction([*_links(columns)]))
    _check_some(found, columns)
    kept = [link for link in found if not _leads_over(link, found)]
    passed = tuple(link for link in found if link not in kept)
    _check_circles(kept)
    parents = _one_parent_each(kept)
    roots = [name for name in columns if name not in parents]
    if len(roots) > 1:
        told = f"{_listed(roots)} could each be the root, for none of them names rows of another"
        raise TableError(f"{told}; {_found(found)}; {_choose()}")
    ordered = sorted(parents, key=lambda name: _depth(name, parents))
    tree = {name: parents[name] for name in ordered}
    unit = next(link.key.name for link in tree.values() if link.parent == roots[0])
    return Relations(root=roots[0], unit=unit, parents=tree, passed=passed)


def _links(columns: Mapping[str, Sequence[KeyColumn]]) -> Iterator[Link]:
    """Every link by name, and by values of tables that have none by name."""
    named = [*_by_name(columns)]
    linked, used = {link.child for link in named}, {(key.table, key.name) for key in _keys(named)}
    yield from named
    things = {thing_of(name) for name in columns}
    for child in columns:
        for column in () if child in linked else columns[child]:
            taken = (child, column.name) in used or column.named in things
            if not taken and (column.id_like or not column.numeric):
                yield from _by_values(column, columns)


def _keys(links: Sequence[Link]) -> Iterator[KeyColumn]:
    return (link.key for link in links)


def _by_name(columns: Mapping[str, Sequence[KeyColumn]]) -> Iterator[Link]:
    for key in _other_keys(columns):
        for column in _others(key.table, columns):
            if column.named != key.named:
                continue
            if column.found_in(key) >= _ENOUGH * column.values.rows:
                yield Link(column=column, key=key, by_name=True)


def _by_values(column: KeyColumn, columns: Mapping[str, Sequence[KeyColumn]]) -> Iterator[Link]:
    for key in _other_keys(columns):
        if key.table != column.table and column.within(key) and len(column.texts) > 1:
            yield Link(column=column, key=key, by_name=False)


def _other_keys(columns: Mapping[str, Sequence[KeyColumn]]) -> Iterator[KeyColumn]:
    return (column for some in columns.values() for column in some if column.a_key)


def _others(table: str, columns: Mapping[str, Sequence[KeyColumn]]) -> Iterator[KeyColumn]:
    return (column for name, some in columns.items() if name != table for column in some)


def _one_direction(links: Sequence[Link]) -> list[Link]:
    """Links without those that another turns round, where names or values tell which is right.

    A key that two tables have in common, once in each row, makes either the other's parent.
    """
    backwards = {(link.column, link.key): link for link in links}
    return [
        link
        for link in links
        if (other := backwards.get((link.key, link.column))) is None or _rank(link) >= _rank(other)
    ]


def _rank(link: Link) -> tuple[bool, bool]:
    return link.key.own and not link.column.own, link.column.within(link.key)


def _one_key_each(links: Sequence[Link]) -> list[Link]:
    """Links to one key of each parent, by one column of each child."""
    best: dict[str, KeyColumn] = {}
    for parent in {link.parent: None for link in links}:
        of_parent = [link for link in links if link.parent == parent]
        best[parent] = max((link.key for link in of_parent), key=lambda key: _worth(key, of_parent))
    left = [link for link in links if link.key is best[link.parent]]
    return [link for pair in _pairs(left) for link in _best_columns(pair)]


def _worth(key: KeyColumn, links: Sequence[Link]) -> tuple[int, bool, bool]:
    named = {link.child for link in links if link.key is key and link.by_name}
    return len(named), key.own, key.id_like


def _pairs(links: Sequence[Link]) -> list[list[Link]]:
    """Links of each child and parent."""
    pairs: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        pairs.setdefault((link.child, link.parent), []).append(link)
    return list(pairs.values())


def _best_columns(links: Sequence[Link]) -> list[Link]:
    """The link of a child to its parent; TableError where two columns name it equally well."""
    worth = [(link.by_name, link.column.id_like) for link in links]
    best = [link for link, each in zip(links, worth, strict=True) if each == max(worth)]
    if len(best) > 1:
        names = _listed([link.column.name for link in best])
        told = f"columns {names} of {shown(best[0].child)} all name rows of"
        raise TableError(
            f"{told} {shown(best[0].parent)}; a row belongs to one; leave the others out of the"
            " table, or write the schema by hand"
        )
    return best


def _check_some(links: Sequence[Link], columns: Mapping[str, Sequence[KeyColumn]]) -> None:
    """TableError where a table has no key in common with any other."""
    if not links:
        told = f"no key is found that joins the tables {_listed(list(columns))}"
        raise TableError(
            f"{told}; a key stands in each row of one table, once, and names its rows in another."
            f"{_repeating(columns)} If these are the parts of one table, give them the same columns"
        )
    joined = {name for link in links for name in (link.child, link.parent)}
    apart = [name for name in columns if name not in joined]
    if apart:
        told = f"no key is found that joins {_listed(apart)} to another table; {_found(links)}"
        raise TableError(f"{told}.{_repeating(columns)} {_choose().capitalize()}")


def _repeating(columns: Mapping[str, Sequence[KeyColumn]]) -> str:
    """What keys by their names lack to be some, as a sentence."""
    found = [
        f"{column.name} of {name}"
        for name, some in columns.items()
        for column in some
        if column.own and not column.unique
    ]
    told = "is missing in some rows or stands in several, so that it is no key"
    return f" {_listed(found)} {told}." if found else ""


def _leads_over(link: Link, links: Sequence[Link]) -> bool:
    """Whether another parent of the same table leads up to this one."""
    nearer = [other.parent for other in links if other.child == link.child and other is not link]
    return any(link.parent in _above(parent, links, link.child) for parent in nearer)


def _above(table: str, links: Sequence[Link], start: str) -> set[str]:
    """All tables above one; the way does not lead over the one where it starts."""
    found: set[str] = set()
    waiting = [table]
    while waiting:
        name = waiting.pop()
        for link in links:
            if link.child == name and link.parent not in found and link.parent != start:
                found.add(link.parent)
                waiting.append(link.parent)
    return found


def _check_circles(links: Sequence[Link]) -> None:
    for link in links:
        way = [link.child]
        while way:
            above = next((other.parent for other in links if other.child == way[-1]), None)
            if above is None:
                break
            if above in way:
                circle = [*way[way.index(above) :], above]
                told = f"the keys go in a circle ({' under '.join(map(shown, circle))})"
                raise TableError(
                    f"{told}: {_found(links)}; one table must name rows of no other; leave the"
                    " column out that does"
                )
            way.append(above)


def _one_parent_each(links: Sequence[Link]) -> dict[str, Link]:
    parents: dict[str, Link] = {}
    for link in links:
        first = parents.setdefault(link.child, link)
        if first is not link:
            names = _listed([first.parent, link.parent])
            told = f"the table {shown(link.child)} has two parents, {names}"
            raise TableError(f"{told} ({first}, {link}); {_choose()}")
    return parents


def _depth(name: str, parents: Mapping[str, Link]) -> int:
    return 1 + _depth(parents[name].parent, parents) if name in parents else 0


def _choose() -> str:
    return f"name the tables that belong together with {parameter('tables', 'A,B,…')}"


def _found(links: Sequence[Link]) -> str:
    return f"found: {', '.join(map(str, links))}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names))
