"""The table of the syncs, which keep the books up to date between loads, and of the rebuild. Each is one exchange.

Each is implemented in the module of its name, which is imported when it runs, see `stages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.language import message

if TYPE_CHECKING:
    from keycrm_pipeline.run.session import Session


@dataclass(frozen=True)
class Sync:
    """One sync.

    Attributes:
        name: Name of its command, of its job (after the profile's name), and the kind of its exchanges.
        description: What it does, in a sentence; a message.
        takes_orders: Whether it works on orders that somebody names.
        may_rename: Whether it gives cards the names that their products have in KeyCRM, if somebody asks for it.
    """

    name: str
    description: str
    takes_orders: bool = False
    may_rename: bool = False

    def run(self, session: Session) -> Mapping[str, Any]:
        """Does its work in a session, and returns numbers by label."""
        numbers: Mapping[str, Any] = import_module(f"{__package__}.{self.name}").run(session)
        return numbers


SYNCS = (
    Sync(
        "changes",
        message("Picks up orders of any day that changed since the last exchange, and orders entered late."),
    ),
    Sync(
        "recent",
        message("Compares the recent days and all open orders again, whatever KeyCRM says about changes."),
    ),
    Sync(
        "sweep",
        message(
            "Finds orders that KeyCRM no longer has, which are confirmed by id and marked, and those no load has "
            "returned."
        ),
    ),
    Sync(
        "order",
        message(
            "Loads single orders again, by their numbers in KeyCRM; one of a day that was never loaded is kept raw."
        ),
        takes_orders=True,
    ),
    Sync(
        "catalogue",
        message("Refreshes KeyCRM's categories, and the products and offers that occur in orders."),
        may_rename=True,
    ),
    Sync(
        "rebuild",
        message(
            "Derives all accounting tables again from the raw payloads, without a request, keeping card ids."
        ),
    ),
)
"""All of them, in the order in which they are shown."""
