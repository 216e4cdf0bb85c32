"""The KeyCRM side: a client that reads orders, reference lists and the catalogue within a request budget.

What belongs here: everything that knows KeyCRM's routes, parameters, limits and faults. What does not: what
an order means for the books (see `books`), storing anything (see `warehouse`), and Dagster.
"""

from __future__ import annotations

from keycrm_pipeline.crm.budget import RequestBudget, Statistics, budget_key, shared_budget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import (
    AuthenticationError,
    KeyCrmError,
    RequestRefused,
    TransportFailure,
    UnexpectedAnswer,
)
from keycrm_pipeline.crm.pages import CrmRow, IdPage, OrderPage, OrderRow, PageRecord, parse_instant

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
