"""The KeyCRM side: a client that reads orders, reference lists and the catalogue within a request budget.

What belongs here: everything that knows KeyCRM's routes, parameters, limits and faults. What does not: what
an order means for the books (see `books`), storing anything (see `warehouse`), and Dagster.

Errors are known at once, the rest when it is first used: Dagster loads the definitions for each run, and the HTTP
client with what it brings along takes as long as all of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.crm.errors import (
    AuthenticationError,
    KeyCrmError,
    RequestRefused,
    TransportFailure,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    from keycrm_pipeline.crm.budget import RequestBudget, Statistics, budget_key, shared_budget
    from keycrm_pipeline.crm.client import KeyCrmClient
    from keycrm_pipeline.crm.pages import CrmRow, IdPage, OrderPage, OrderRow, PageRecord
    from keycrm_pipeline.crm.values import parse_instant

__all__ = [
    "AuthenticationError",
    "CrmRow",
    "IdPage",
    "KeyCrmClient",
    "KeyCrmError",
    "OrderPage",
    "OrderRow",
    "PageRecord",
    "RequestBudget",
    "RequestRefused",
    "Statistics",
    "TransportFailure",
    "UnexpectedAnswer",
    "budget_key",
    "parse_instant",
    "shared_budget",
]

_HOMES = {
    "budget": ("RequestBudget", "Statistics", "budget_key", "shared_budget"),
    "client": ("KeyCrmClient",),
    "pages": ("CrmRow", "IdPage", "OrderPage", "OrderRow", "PageRecord"),
    "values": ("parse_instant",),
}
"""Module of this package -> what it offers here."""


def __getattr__(name: str) -> Any:
    """Loads what is asked for the first time."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
