"""What an import brings into `sys.modules`, and in which order, worked out from what each module imports.

The order is that in which the modules finish: the import system moves each to the end when it is done. See
docs/design/shelf.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Closures:
    """The imports of a trial: for each module the names that it imports, in order; names that fail are among them."""

    def __init__(self, edges: Mapping[str, Sequence[str]], failed: Iterable[str]) -> None:
        self._edges = edges
        self._failed = set(failed)

    def order(self, name: str) -> tuple[list[str], list[str]]:
        """The modules that importing `name` adds: as they are begun, and as they are finished."""
        visited: set[str] = set()
        begun: list[str] = []
        order: list[str] = []
        pending: list[tuple[str, Iterator[str]]] = [("", _with_packages([name]))]
        while pending:
            current, wanted = pending[-1]
            following = next(wanted, None)
            if following is None:
                pending.pop()
                if current and current not in self._failed:
                    order.append(current)
            elif following in self._edges and following not in visited:
                visited.add(following)
                begun.append(following)
                pending.append((following, _with_packages(self._edges[following])))
        return begun, order

    def imports(self, name: str) -> list[str]:
        """What it asks for by itself, in order."""
        return list(_with_packages([name, *self._edges.get(name, ())]))

    def reaches(self, name: str) -> set[str]:
        """Every name that importing `name` may ask for, itself, failures and what was there before included."""
        found: set[str] = set()
        pending = [name]
        while pending:
            current = pending.pop()
            if current not in found:
                found.add(current)
                pending += _with_packages([current, *self._edges.get(current, ())])
        return found


def _with_packages(names: Iterable[str]) -> Iterator[str]:
    """Each name after those of the packages that it is in, as the import system goes about it."""
    for name in names:
        end = name.find(".")
        while end >= 0:
            yield name[:end]
            end = name.find(".", end + 1)
        yield name
