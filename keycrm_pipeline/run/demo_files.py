"""Puts the files of the demo shop beside its profile: registers, and rates for its orders in euros.

A real shop gets such files from its carrier, its acquirer and the НБУ. What is in them is in `sandbox.registers`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from keycrm_pipeline.accounting.days import order_day
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import SANDBOX, ProfileError, Workspace
from keycrm_pipeline.profile.problems import Problem
from keycrm_pipeline.profile.workspace import PROFILES_VARIABLE
from keycrm_pipeline.sandbox.registers import rates_file, register_files
from keycrm_pipeline.sandbox.shop import OrderFilter, read_moment
from keycrm_pipeline.sandbox.transport import demo_shop
from keycrm_pipeline.sentences.failures import cause_of
from keycrm_pipeline.sentences.profiles import Allowed, Wrong

RATES_FILE = "euro.json"


def write_demo_files(workspace: Workspace, period: Period) -> None:
    """Writes registers and rates for the demo shop's orders of a period, and replaces those that it wrote before.

    A profile of another account has none.

    Raises:
        ProfileError: They cannot be written.
    """
    if workspace.profile.base_url != SANDBOX:
        return
    shop = demo_shop()
    found = shop.select(OrderFilter(created=period.instants(workspace.profile.zone)))
    # Orders that were entered late belong to days that nobody loads.
    days = set(period.days)
    orders = [
        order
        for order in shop.records(found.ids(0, len(found)))
        if order_day(
            read_moment(order["ordered_at"]), read_moment(order["created_at"]), workspace.profile.zone
        )
        in days
    ]
    files = {
        workspace.registers_directory / name: content
        for name, content in register_files(orders, period.last).items()
    }
    # Orders of these days are paid some days before or after them.
    spare = timedelta(days=31)
    rates = rates_file(period.first - spare, period.last)
    files[workspace.own_rates_directory / RATES_FILE] = rates
    for path, content in files.items():
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(content)
        path.chmod(0o600)
    except OSError as error:
        problem = Problem(
            "",
            Wrong.FILE_NOT_WRITTEN.message(reason=cause_of(error)),
            Allowed.SET_VARIABLE.message(variable=PROFILES_VARIABLE),
        )
        raise ProfileError(path, [problem]) from None
