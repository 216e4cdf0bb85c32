"""Opens the KeyCRM client of a profile: the real API, a server that speaks it, or the demo shop in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from keycrm_pipeline.crm.budget import shared_budget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.connection import BYTES_PER_MEGABYTE
from keycrm_pipeline.profile import SANDBOX, Workspace

SANDBOX_URL = "https://sandbox.invalid/v1"


def open_client(workspace: Workspace, environ: Mapping[str, str]) -> KeyCrmClient:
    """A client of the profile's account; it shares one request budget with all others of the same key.

    Raises:
        MissingKeyError: No API key is set.
    """
    profile = workspace.profile
    key = workspace.api_key(environ)
    transport = None
    base_url = profile.base_url
    if profile.base_url == SANDBOX:
        from keycrm_pipeline.sandbox.transport import demo_transport

        transport = demo_transport()
        base_url = SANDBOX_URL
    budget_key = hashlib.sha256(f"{base_url} {key}".encode()).hexdigest()
    return KeyCrmClient(
        base_url=base_url,
        api_key=key,
        budget=shared_budget(budget_key, profile.requests_per_minute),
        transport=transport,
        largest_answer=profile.largest_answer_megabytes * BYTES_PER_MEGABYTE,
    )


def count_statuses(workspace: Workspace, environ: Mapping[str, str]) -> int:
    """Tests the profile's key with one request, for the shortest list, and returns how many statuses there are.

    Raises:
        MissingKeyError: No API key is set.
        KeyCrmError: KeyCRM refuses the key, or cannot be reached.
    """
    with open_client(workspace, environ) as client:
        return len(client.reference_rows("/order/status"))
