"""Renders the exchange report as one HTML file that needs nothing else: no network, no script, no other file.

What belongs here: putting figures, sections and the template together, and writing the file. What does not:
which figures there are (see `figures`), how they are arranged (see `sections`).
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from keycrm_pipeline.reports.elements import Writer
from keycrm_pipeline.reports.figures import read_figures
from keycrm_pipeline.reports.formatting import Formatter, Language
from keycrm_pipeline.reports.headline import facts, notices, tiles
from keycrm_pipeline.reports.sections import all_sections
from keycrm_pipeline.reports.wording import Wording

if TYPE_CHECKING:
    from jinja2 import Environment

    from keycrm_pipeline.profile import Profile
    from keycrm_pipeline.warehouse.connection import Warehouse

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""No document in HTML may hold them; names of a shop do."""

ORDER_PATH = "/app/orders/view/{order_id}"
"""Where KeyCRM's web interface is believed to show an order. Not confirmed by its makers: a shop whose
addresses look otherwise writes the whole address, with `{order_id}` in it, into `keycrm_url`."""


def order_address(keycrm_url: str | None, order_id: int) -> str | None:
    """The address of an order in the shop's KeyCRM, or None when the profile names none.

    Args:
        keycrm_url: The profile's setting: the address of the web interface, or a pattern that holds
        `{order_id}`.
            Anything but http and https is no address to lead to and gives None.
        order_id: The order.
    """
    if not keycrm_url or not keycrm_url.startswith(("https://", "http://")):
        return None
    pattern = keycrm_url if "{order_id}" in keycrm_url else keycrm_url.rstrip("/") + ORDER_PATH
    return pattern.replace("{order_id}", str(order_id))


def _addresses(keycrm_url: str | None) -> Callable[[int], str | None]:
    def address(order_id: int) -> str | None:
        return order_address(keycrm_url, order_id)

    return address


def render_report(
    *,
    profile: Profile,
    warehouse: Warehouse,
    period_from: date,
    period_to: date,
    now: datetime,
    language: Language = "uk",
    is_working: bool = True,
) -> str:
    """The exchange report of a period as one HTML document.

    The file is held open only while the figures are read. The report names no phone and no e-mail; buyers are
    counts.

    Args:
        profile: The shop.
        warehouse: Its database.
        period_from: First day.
        period_to: Last day, included.
        now: Time at which the report is made, with its zone; the ages of unpaid orders are counted from it.
        language: Language of words, numbers and dates; what comes from the shop stays as it is.
        is_working: Whether a process may be doing the work of an exchange that the log says is running; else it was
            killed, and reads failed.

    Raises:
        ValueError: The period ends before it begins.
        WarehouseError: The file is missing, busy or unreadable.
    """
    if period_to < period_from:
        raise ValueError(f"The period ends ({period_to}) before it begins ({period_from}).")
    writer = Writer(Formatter(language), Wording(language), profile.timezone, _addresses(profile.keycrm_url))
    today = now.astimezone(profile.zone).date()
    with warehouse.reading() as connection:
        figures = read_figures(
            connection, period_from=period_from, period_to=period_to, today=today, is_working=is_working
        )
    write, words = writer.write, writer.words
    document = (
        _environment()
        .get_template("report.html.j2")
        .render(
            language=language,
            words=words,
            profile=profile.name,
            period=write.period(period_from, period_to),
            compared=words["compared_with"].format(
                period=write.period(figures.before_from, figures.before_to)
            ),
            made=words["made_at"].format(instant=write.instant(now, profile.timezone)),
            footer=words["footer"].format(database=warehouse.path.name),
            facts=facts(figures, writer),
            notices=notices(figures, writer),
            tiles=tiles(figures, writer),
            sections=all_sections(figures, writer),
        )
    )
    return _CONTROL_CHARACTERS.sub("", document)


def write_report(path: Path, document: str) -> None:
    """Replaces a report's file by a new one, readable by its owner only.

    A reader sees the old document or the new one, never a half; when writing fails, the old one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes files with mode 0600, and in the same folder a rename is atomic.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("keycrm_pipeline.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Drawings are ours and hold no text of the shop.
    environment.filters["drawing"] = Markup
    return environment
