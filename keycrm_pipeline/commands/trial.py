"""`rebuild --dry-run`: what a rebuild would change, for people and as one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.commands.output import print_row
from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.language import _, message
from keycrm_pipeline.profile import Profile

if TYPE_CHECKING:
    from keycrm_pipeline.pipeline.trial import RebuildTrial

_PARTS = {
    "stage": message("stage (Стадія)"),
    "responsible": message("responsible user or author (Відповідальний, Автор)"),
    "account": message("account (Банк. рахунок/Каса)"),
    "organisation": message("organisation (Організація)"),
    "partner": message("partner (Контрагент)"),
    "comment": message("comment"),
    "sums": message("sums"),
    "goods": message("lines of goods"),
    "services": message("services"),
    "payments": message("payments"),
    "other": message("something else"),
}
"""Part of a document -> what it is called; one document may change in several."""


def trial_as_json(profile: Profile, trial: RebuildTrial) -> dict[str, Any]:
    """The trial as `--json` prints it; `documents` and `movements` have the numbers.

    `parts` says what changes in how many documents.
    """
    documents = asdict(trial.documents)
    return {
        "status": "succeeded",
        "profile": profile.name,
        "documents": {name: documents[name] for name in ("created", "updated", "unchanged", "leaving")},
        "parts": {
            name: {**part, "examples": list(part["examples"])} for name, part in documents["parts"].items()
        },
        "movements": {**asdict(trial.movements), "examples": list(trial.movements.examples)},
        "orders_rejected": trial.counts.orders_rejected,
        "partners_created": trial.counts.partners_created,
        "products_created": trial.counts.products_created,
        "error": None,
    }


def print_trial(trial: RebuildTrial) -> None:
    """Prints the trial for people."""
    documents, number = trial.documents, current_formatter().number
    click.echo(_("A rebuild would do this; nothing was changed:"))
    for label, count in (
        (_("Documents created"), documents.created),
        (_("  changed"), documents.updated),
        (_("  unchanged"), documents.unchanged),
        (_("  leaving the books"), documents.leaving),
        (_("Movements added"), trial.movements.added),
        (_("  removed"), trial.movements.removed),
        (_("Orders rejected"), trial.counts.orders_rejected),
        (_("New partners (Контрагент)"), trial.counts.partners_created),
        (_("New products (Товар)"), trial.counts.products_created),
    ):
        print_row(label, number(count))
    if trial.movements.examples:
        examples = ", ".join(map(str, trial.movements.examples))
        click.echo(_("Movements change for example in orders {examples}.", examples=examples))
    if documents.parts:
        click.echo(_("What changes in the documents:"))
    for name, part in documents.parts.items():
        examples = ", ".join(map(str, part.examples))
        said = _("{part}, for example {examples}", part=_(_PARTS[name]), examples=examples)
        click.echo(f"  {number(part.orders):>8}  {said}")
