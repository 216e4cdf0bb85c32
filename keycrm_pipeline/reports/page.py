"""Renders the exchange report as one self-contained HTML file: no network, no script, no other file.

This module combines figures, sections and the template, and writes the file. The figures are in `figures`,
their arrangement in `sections`.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.language import Language
from keycrm_pipeline.period import Period
from keycrm_pipeline.reports.elements import Writer
from keycrm_pipeline.reports.figures import read_figures
from keycrm_pipeline.reports.headline import facts, notices, tiles
from keycrm_pipeline.reports.sections import all_sections
from keycrm_pipeline.reports.wording import Wording

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from keycrm_pipeline.reading import Books

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Not allowed in HTML, but names in a shop may contain them."""

_LONG_PIECE = re.compile(r"\S{30}(?=\S)")
"""A part of a word that is longer than any number or name, after which a line may end."""

ORDER_PATH = "/app/orders/view/{order_id}"
"""Where KeyCRM's web interface seems to show an order, which is not confirmed: a shop with other addresses sets
`keycrm_url` to the whole address with `{order_id}` in it."""


def order_address(keycrm_url: str | None, order_id: int) -> str | None:
    """The address of an order in the shop's KeyCRM, or None if the profile has none.

    Args:
        keycrm_url: The profile's setting: the address of the web interface, or a pattern with `{order_id}`.
            Anything but http and https is not linked and gives None.
        order_id: The order.
    """
    if not keycrm_url or not keycrm_url.startswith(("https://", "http://")):
        return None
    pattern = keycrm_url if "{order_id}" in keycrm_url else keycrm_url.rstrip("/") + ORDER_PATH
    return pattern.replace("{order_id}", str(order_id))


def render_report(
    books: Books,
    period: Period,
    *,
    now: datetime,
    language: Language = "uk",
    is_working: bool = True,
) -> str:
    """The exchange report of a period as one HTML document.

    The database is open only while the figures are read. The report contains no phones and no e-mails; it names buyers
    only where the names of one contact disagree.

    Args:
        books: The books of the shop.
        period: The local days.
        now: The current time, with its time zone; the age of unpaid orders is counted from it.
        language: Language of words, numbers and dates; names from the shop are not translated.
        is_working: Whether an exchange may be running. If not, exchanges logged as running were killed, and
            are shown as failed.

    Raises:
        WarehouseError: The file is missing, busy or unreadable.
    """
    profile = books.workspace.profile
    writer = Writer(
        Formatter(language),
        Wording(language, profile.words),
        profile.timezone,
        partial(order_address, profile.keycrm_url),
    )
    today = now.astimezone(profile.zone).date()
    with books.reading() as connection:
        figures = read_figures(connection, period, profile=profile, today=today, is_working=is_working)
    write, words = writer.write, writer.words
    document = (
        _environment()
        .get_template("report.html.j2")
        .render(
            language=language,
            words=words,
            profile=profile.name,
            period=write.period(period),
            compared=words["compared_with"].format(period=write.period(figures.before))
            if figures.is_before_known
            else "",
            made=words["made_at"].format(instant=write.instant(now, profile.timezone)),
            footer=words["footer"].format(database=books.workspace.database.name),
            facts=facts(figures, writer),
            notices=notices(figures, writer),
            tiles=tiles(figures, writer),
            sections=all_sections(figures, writer),
        )
    )
    return _CONTROL_CHARACTERS.sub("", document)


def write_report(path: Path, document: str) -> None:
    """Replace a report's file, readable by its owner only.

    A reader sees either the old or the new document, never half of one; if writing fails, the old one is kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp creates files with mode 0600, and a rename within a folder is atomic.
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


def _breakable(text: str) -> Markup:
    """The text of a table's cell, in which lines may end inside very long words and inside no others.

    A browser left to itself breaks a word when its column is narrow, and half an order number reads as another one.
    """
    from markupsafe import Markup, escape

    return escape(_LONG_PIECE.sub("\\g<0>\u200b", text)).replace("\u200b", Markup("<wbr>"))


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
    # Drawings are made by this program and contain no text from the shop.
    environment.filters["drawing"] = Markup
    environment.filters["breakable"] = _breakable
    return environment
