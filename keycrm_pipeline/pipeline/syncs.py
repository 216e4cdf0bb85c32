"""The table of the syncs, which keep the books up to date between loads, and of the rebuild. Each is one exchange.

Each is implemented in the module of its name, which is imported when it runs, see `stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keycrm_pipeline.run.session import Session


def _changes(session: Session) -> Mapping[str, Any]:
    from keycrm_pipeline.pipeline import changes

    return changes.run(session)


def _recent(session: Session) -> Mapping[str, Any]:
    from keycrm_pipeline.pipeline import recent

    return recent.run(session)


def _sweep(session: Session) -> Mapping[str, Any]:
    from keycrm_pipeline.pipeline import sweep

    return sweep.run(session)


def _catalogue(session: Session) -> Mapping[str, Any]:
    from keycrm_pipeline.pipeline import catalogue

    return catalogue.run(session)


def _rebuild(session: Session) -> Mapping[str, Any]:
    from keycrm_pipeline.pipeline import rebuild

    return rebuild.run(session)


@dataclass(frozen=True)
class Sync:
    """One sync.

    Attributes:
        name: Name of its command, of its job (after the profile's name), and the kind of its exchanges.
        run: Does its work in a session, and returns numbers by label.
        description: What it does, in a sentence.
    """

    name: str
    run: Callable[[Session], Mapping[str, Any]]
    description: str


SYNCS = (
    Sync(
        "changes",
        _changes,
        "Picks up orders of any day that changed since the last exchange, and orders entered late.",
    ),
    Sync(
        "recent",
        _recent,
        "Compares the recent days and all open orders again, whatever KeyCRM says about changes.",
    ),
    Sync(
        "sweep",
        _sweep,
        "Finds orders that KeyCRM no longer has: each is confirmed by id and marked, never deleted.",
    ),
    Sync(
        "catalogue",
        _catalogue,
        "Refreshes KeyCRM's categories, and the products and offers that occur in orders.",
    ),
    Sync(
        "rebuild",
        _rebuild,
        "Derives all accounting tables again from the raw payloads, without a request, keeping card ids.",
    ),
)
"""All of them, in the order in which they are shown."""
