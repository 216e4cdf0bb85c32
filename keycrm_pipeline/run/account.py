"""What a KeyCRM account lists for the mapping in its profile: statuses, payment methods, users, categories, sources.

Read from KeyCRM, or from the copies that the last load has stored; both are read alike. What is not here: how the
profile maps them (`commands.check`, `page.setting_forms`), and storing them (`pipeline.extraction`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.accounting.payment_methods import proposed_kind
from keycrm_pipeline.accounting.statuses import group_name, source_name, status_name
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.crm.pages import CrmRow
from keycrm_pipeline.crm.reference_lists import OPTIONAL, REFERENCE_ROUTES
from keycrm_pipeline.crm.values import text, whole
from keycrm_pipeline.kinds import PaymentKind
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.client import open_client
from keycrm_pipeline.warehouse.reference_lists import reference_lists_refreshed_at, reference_rows

if TYPE_CHECKING:
    import duckdb

LISTS = ("statuses", "sources", "categories", "users", "payment_methods", "delivery_services")

Rows = Sequence[Mapping[str, Any]]

NUMBERS = ("group_id", "parent_id")
TEXTS = ("name", "full_name", "alias", "driver", "currency_code")
"""Displayed fields of reference rows; each may be of another type, or missing."""


@dataclass(frozen=True)
class ListedStatus:
    """A status of an order.

    Attributes:
        status_id: KeyCRM's id.
        name: Its name in Ukrainian.
        group_id: Its group; None when KeyCRM names none.
        group: Name of a known group.
    """

    status_id: int
    name: str
    group_id: int | None
    group: str | None


@dataclass(frozen=True)
class ListedCategory:
    """A category of products.

    Attributes:
        category_id: KeyCRM's id.
        name: Its name.
        parent_id: The category that contains it; None for one at the top.
    """

    category_id: int
    name: str
    parent_id: int | None


@dataclass(frozen=True)
class Account:
    """The lists of an account, each in KeyCRM's order.

    Attributes:
        statuses: Statuses of orders.
        payment_methods: Id -> name.
        proposed_kinds: Id of a payment method -> the kind that its name suggests, if any.
        managers: Id of a user -> name; None if KeyCRM shows no users to this key.
        categories: Categories of products.
        sources: Id -> name.
        read_at: When the lists were read from KeyCRM, aware; of several times the oldest.
    """

    statuses: tuple[ListedStatus, ...]
    payment_methods: Mapping[int, str]
    proposed_kinds: Mapping[int, PaymentKind]
    managers: Mapping[int, str] | None
    categories: tuple[ListedCategory, ...]
    sources: Mapping[int, str]
    read_at: datetime


def read_account(client: KeyCrmClient) -> tuple[dict[str, Rows], dict[str, str]]:
    """Reads the account's reference lists.

    Returns:
        List name -> rows, and for each optional list that KeyCRM refused, its name -> the reason.

    Raises:
        KeyCrmError: The key is refused, KeyCRM cannot be reached, or it refuses a list that a load needs.
    """
    found: dict[str, Rows] = {}
    refused: dict[str, str] = {}
    for number, list_name in enumerate(LISTS):
        progress.lists(number, len(LISTS))
        try:
            found[list_name] = _readable(client.reference_rows(REFERENCE_ROUTES[list_name]))
        except KeyCrmError as error:
            if list_name not in OPTIONAL:
                raise
            refused["managers" if list_name == "users" else list_name] = str(error)
    progress.lists(len(LISTS), len(LISTS))
    return found, refused


def fetch_account(workspace: Workspace, environ: Mapping[str, str], clock: Callable[[], datetime]) -> Account:
    """Asks KeyCRM for the account's lists.

    Args:
        workspace: The profile and its places.
        environ: The environment, which may contain the key.
        clock: Returns the current time, aware.

    Raises:
        MissingKeyError: There is no usable key.
        KeyCrmError: The key is refused, or KeyCRM cannot be reached.
    """
    with open_client(workspace, environ) as client:
        found, _refused = read_account(client)
    return account_of(found, clock())


def stored_account(connection: duckdb.DuckDBPyConnection) -> Account | None:
    """The lists as the last loads have stored them; None before the first one."""
    read_at = reference_lists_refreshed_at(connection)
    if "statuses" not in read_at:
        return None
    stored: dict[str, list[Mapping[str, Any]]] = {list_name: [] for list_name in read_at}
    for list_name, row_id, payload in reference_rows(connection):
        fields = json.loads(payload)
        stored[list_name].append(_fields(row_id, fields if isinstance(fields, dict) else {}))
    return account_of(stored, min(read_at.values()))


def account_of(found: Mapping[str, Rows], read_at: datetime) -> Account:
    """The lists that `read_account` has returned, with a name for each row.

    Args:
        found: List name -> rows; one that KeyCRM refused is missing.
        read_at: When they were read, aware.
    """
    return Account(
        statuses=tuple(
            ListedStatus(
                row["id"],
                status_name(row.get("name"), row.get("alias")) or f"Статус {row['id']}",
                row.get("group_id"),
                group_name(row.get("group_id")),
            )
            for row in found.get("statuses", ())
        ),
        payment_methods={
            row["id"]: row.get("name") or f"Спосіб оплати {row['id']}"
            for row in found.get("payment_methods", ())
        },
        proposed_kinds={
            row["id"]: kind
            for row in found.get("payment_methods", ())
            if (kind := proposed_kind(row.get("name") or ""))
        },
        managers={row["id"]: row.get("full_name") or f"Користувач {row['id']}" for row in found["users"]}
        if "users" in found
        else None,
        categories=tuple(
            ListedCategory(row["id"], row.get("name") or f"Категорія {row['id']}", row.get("parent_id"))
            for row in found.get("categories", ())
        ),
        sources={row["id"]: source_name(row["id"], row.get("name")) for row in found.get("sources", ())},
        read_at=read_at,
    )


def _readable(rows: Iterable[CrmRow]) -> Rows:
    """The rows with a readable id, their fields parsed as in a load."""
    return [_fields(row.row_id, row) for row in rows if row.row_id is not None]


def _fields(row_id: int, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row_id,
        **{key: whole(row.get(key)) for key in NUMBERS},
        **{key: text(row.get(key)) for key in TEXTS},
    }
