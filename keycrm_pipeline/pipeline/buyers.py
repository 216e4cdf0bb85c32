"""Asks KeyCRM for the custom fields of buyers, if the profile names any (R3).

KeyCRM does not send them with orders. 50 buyers cost one request, so each is asked for once a day at most, and only if
an order of an exchange is theirs. A key that may not read them stops no exchange.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import msgspec

from keycrm_pipeline.crm.errors import AuthenticationError, KeyCrmError
from keycrm_pipeline.crm.values import whole
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import buyers as store

KNOWN_FOR = timedelta(days=1)
"""How long what KeyCRM answered counts."""

STORED_TOGETHER = 1000
"""Buyers whose answers are stored together: what a killed load has to ask for again."""

_log = logging.getLogger(__name__)


def refresh(session: Session) -> int:
    """Asks for the buyers of the selected orders that nobody has asked for lately; to be called after `select_orders`.

    Returns:
        For how many it asked.

    Raises:
        AuthenticationError: The key is refused.
    """
    if session.is_rebuild or not session.profile.names_fields_of_buyers:
        return 0
    with session.warehouse.reading() as connection:
        asked = store.buyers_to_ask(connection, since=session.now - KNOWN_FOR)
    if not asked:
        return 0
    try:
        with session.client() as client:
            for start in range(0, len(asked), STORED_TOGETHER):
                part = asked[start : start + STORED_TOGETHER]
                answered: dict[int, str | None] = dict.fromkeys(part)
                for row in client.buyers(part):
                    buyer_id = whole(row.get("id"))
                    if buyer_id in answered:
                        fields = {"custom_fields": row.get("custom_fields")}
                        answered[buyer_id] = msgspec.json.encode(fields).decode()
                with session.warehouse.writing() as connection:
                    store.store_buyers(connection, answered, now=session.now)
    except AuthenticationError:
        raise
    except KeyCrmError as error:
        _log.warning("The custom fields of buyers could not be read: %s", error)
    return len(asked)
