"""The commands: their options and exit codes. What they do is in `commands`.

Heavy imports are inside the commands: `status` must answer at once, and never imports Dagster.
Exit codes: 0 succeeded, 1 failed, 2 wrong usage or profile. With `--json`, standard output contains one JSON object and
nothing else, even if a command fails or is used wrongly.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from keycrm_pipeline.commands.days import day
from keycrm_pipeline.commands.progress import shown_progress
from keycrm_pipeline.commands.streams import replace_unprintable_letters
from keycrm_pipeline.formatting import LANGUAGES, Language
from keycrm_pipeline.kinds import EXPORT_FORMATS, ExportFormat
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.syncs import SYNCS, Sync
from keycrm_pipeline.profile import (
    DEFAULT_BASE_URL,
    DEFAULT_REQUESTS_PER_MINUTE,
    DEMO,
    MOST_REQUESTS_PER_MINUTE,
    KeyNotStoredError,
    MissingKeyError,
    Profile,
    ProfileError,
    Settings,
    Workspace,
    load_profile,
    profile_names,
    settings_from_environment,
    write_demo_profile,
)
from keycrm_pipeline.run.imports import loading_for_good, without_pandas

if TYPE_CHECKING:
    from keycrm_pipeline.orchestration.launch import Outcome
    from keycrm_pipeline.sandbox.shop import CreatedBetween

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
"""What a shell shows for a program that Ctrl-C ended; SIGTERM ends ours in the same way."""

_JSON = "--json"
_EXCHANGES = ("load", *(sync.name for sync in SYNCS))
"""Commands that print the keys of a load, even if none took place."""

_ORDER = (
    *("up", "page", "demo"),
    *("init", "key", "check", "load", "order", "status", "review", "rebuild"),
    *("report", "export"),
    *("changes", "recent", "sweep", "catalogue"),
    "sandbox",
)
"""The order of use: looking around, a new shop, its documents, what the schedules do, and what developers need."""


def _print_json(value: dict[str, Any]) -> None:
    from keycrm_pipeline.commands.output import print_json

    print_json(value)


def _stop(message: str, code: int, as_json: bool, **more: Any) -> NoReturn:
    """Ends the command with an error in words; `more` are further keys of the JSON object."""
    if as_json:
        _print_json({"status": "failed", **more, "error": message})
    else:
        click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def _empty_summary(command: str | None, profile: str | None = None) -> dict[str, Any]:
    """The keys besides `status` and `error` that `command` prints when it could not start: programs expect them."""
    if command not in _EXCHANGES:
        return {}
    from keycrm_pipeline.commands.output import failed_load

    return failed_load(profile)


def stopped_by_hand(asked: Sequence[str]) -> NoReturn:
    """Ends the program that was called with these arguments, after Ctrl-C."""
    command = asked[0] if asked else None
    _stop("Stopped by hand. What was stored is safe.", INTERRUPTED, _JSON in asked, **_empty_summary(command))


class _Commands(click.Group):
    """The group of commands, which reports every error in words, or as JSON with `--json`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of use."""
        del ctx
        return sorted(self.commands, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes each command with all that its first paragraph says."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, (self.commands[name].help or "").partition("\n\n")[0])
                    for name in self.list_commands(ctx)
                ]
            )

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        """Runs a command and ends the process with its exit code."""
        replace_unprintable_letters()
        asked = list(sys.argv[1:] if args is None else args)
        as_json = _JSON in asked
        command = asked[0] if asked else None
        more["standalone_mode"] = False
        # What a service manager sends stops a command as Ctrl-C does; a command that does otherwise sets its own.
        on_interrupt = signal.getsignal(signal.SIGINT)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and callable(on_interrupt):
            signal.signal(signal.SIGTERM, on_interrupt)
        try:
            sys.exit(super().main(asked, *rest, **more) or 0)
        except click.ClickException as error:
            if as_json:
                _stop(error.format_message(), error.exit_code, as_json, **_empty_summary(command))
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            stopped_by_hand(asked)
        except Exception as error:  # noqa: BLE001 - reported in words; values may be personal data
            from keycrm_pipeline.run.errors import unexpected

            _stop(str(unexpected(error)), FAILED, as_json, **_empty_summary(command))


def _chosen_profile(name: str | None, settings: Settings) -> Profile:
    """The profile of that name, or the only one.

    Raises:
        ProfileError: It does not exist, or has mistakes.
        click.UsageError: No name was given, and there is not exactly one profile.
    """
    if name is None:
        names = profile_names(settings)
        if len(names) != 1:
            raise click.UsageError(
                f"Name a profile with --profile: {', '.join(names)}."
                if names
                else f"There is no profile in {settings.profiles_directory}. Create one with "
                "`keycrm-pipeline init --profile NAME`."
            )
        name = names[0]
    return load_profile(name, settings)


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options `--profile` and `--json`, and opens the profile; a bad one is wrong usage."""

    @click.option("--profile", metavar="NAME", help="The profile; not needed when there is only one.")
    @click.option(_JSON, "as_json", is_flag=True, help="Print one JSON object and nothing else.")
    @wraps(function)
    def wrapped(profile: str | None, as_json: bool, **arguments: Any) -> None:
        settings = settings_from_environment(os.environ)
        try:
            chosen = _chosen_profile(profile, settings)
        except ProfileError as error:
            empty = _empty_summary(click.get_current_context().info_name)
            _stop(str(error), WRONG_USAGE, as_json, **empty | {"profile": profile})
        function(Workspace(chosen, settings), as_json=as_json, **arguments)

    return wrapped


def _print_version(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(
            f"keycrm-pipeline {version('keycrm-pipeline')} "
            f"(Dagster {version('dagster')}, DuckDB {version('duckdb')})"
        )
        context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the versions of this program, of Dagster and of DuckDB.",
)
def main() -> None:
    """Brings KeyCRM orders into the books: partners, products, statuses, sources and finished order documents."""
    warnings.filterwarnings("ignore", module="dagster.*")


def _run(
    workspace: Workspace,
    job: str,
    as_json: bool,
    period: Period | None = None,
    order_ids: tuple[int, ...] = (),
) -> None:
    """Runs a job to its end, prints the exchange summary, and ends the process when the job failed."""
    with without_pandas():
        with loading_for_good():
            from keycrm_pipeline.orchestration.launch import run_job

        with shown_progress(workspace.profile.requests_per_minute, bars=not as_json):
            outcome = run_job(workspace, job, period, order_ids)
    _finish(workspace, outcome, as_json, order_ids)


def _finish(workspace: Workspace, outcome: Outcome, as_json: bool, order_ids: tuple[int, ...]) -> None:
    from keycrm_pipeline.commands.output import failed_load, print_left_out, print_summary

    profile = workspace.profile

    if outcome.summary is None:
        error = outcome.error or "The exchange could not be started."
        _stop(error, FAILED, as_json, **failed_load(profile.name))
    if as_json:
        printed = outcome.summary.as_json()
        if not outcome.succeeded:
            printed |= {"status": "failed", "error": outcome.error}
        _print_json(printed)
    else:
        print_summary(outcome.summary)
        if order_ids and outcome.succeeded:
            print_left_out(workspace, order_ids)
        if outcome.error and not outcome.summary.exchange.error:
            click.echo(f"Error: {outcome.error}", err=True)
    if not outcome.succeeded:
        sys.exit(INTERRUPTED if outcome.is_stopped else FAILED)


def _checked_period(profile: Profile, first: date, last: date) -> Period:
    """The requested period.

    Raises:
        click.UsageError: It ends before it begins, is in the future, or before the profile's first day.
    """
    today = datetime.now(UTC).astimezone(profile.zone).date()
    try:
        period = Period(first, last)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if last > today:
        raise click.UsageError(
            f"The period ends in the future: {last}. Today is {today} ({profile.timezone})."
        )
    if first < profile.start_date:
        raise click.UsageError(
            f"The period begins on {first}, before the profile's start_date {profile.start_date}. "
            "Choose a later day, or move start_date in the profile."
        )
    return period


@main.command()
@click.option("--from", "first_day", type=day, required=True, help="First day, such as 26.10.2026.")
@click.option("--to", "last_day", type=day, required=True, help="Last day, included.")
@_command
def load(workspace: Workspace, first_day: date, last_day: date, as_json: bool) -> None:
    """Loads a period, both days included, and prints the exchange summary."""
    _run(workspace, "load", as_json, _checked_period(workspace.profile, first_day, last_day))


@main.command()
def demo() -> None:
    """Loads the demo shop's last 30 days and prints the exchange summary; needs neither a key nor an account."""
    settings = settings_from_environment(os.environ)
    try:
        write_demo_profile(settings)
        workspace = Workspace(load_profile(DEMO, settings), settings)
    except ProfileError as error:
        _stop(str(error), WRONG_USAGE, as_json=False)
    _run(workspace, "load", False, workspace.period_or_last_days(None, None, datetime.now(UTC)))


def _sync_command(sync: Sync) -> None:
    @main.command(name=sync.name, help=sync.description)
    @_command
    def run_sync(workspace: Workspace, as_json: bool) -> None:
        _run(workspace, sync.name, as_json)


for _sync in SYNCS:
    if not _sync.takes_orders and _sync.name not in ("catalogue", "rebuild"):
        _sync_command(_sync)


@main.command()
@click.option("--dry-run", "is_trial", is_flag=True, help="Say what it would change, and change nothing.")
@_command
def rebuild(workspace: Workspace, is_trial: bool, as_json: bool) -> None:
    """Derives all accounting tables again from the raw payloads, without a request, keeping card ids."""
    if not is_trial:
        _run(workspace, "rebuild", as_json)
        return
    from keycrm_pipeline.commands.trial import print_trial, trial_as_json
    from keycrm_pipeline.pipeline.trial import try_rebuild
    from keycrm_pipeline.run.errors import ExchangeError, StoppedError
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        with shown_progress(workspace.profile.requests_per_minute, bars=not as_json, stays=False):
            trial = try_rebuild(workspace)
    except StoppedError:
        raise KeyboardInterrupt from None
    except (ExchangeError, WarehouseError) as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name, error_coded=error.message.dump())
    if as_json:
        _print_json(trial_as_json(workspace.profile, trial))
    else:
        print_trial(trial)


@main.command()
@click.argument("order_ids", metavar="ORDER...", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1))
@_command
def order(workspace: Workspace, order_ids: tuple[int, ...], as_json: bool) -> None:
    """Loads single orders again, by their numbers in KeyCRM."""
    _run(workspace, "order", as_json, order_ids=order_ids)


@main.command()
@click.option(
    "--rename",
    is_flag=True,
    help="Also give cards made from KeyCRM the names that their products have there now.",
)
@_command
def catalogue(workspace: Workspace, rename: bool, as_json: bool) -> None:
    """Refreshes KeyCRM's categories, and the products and offers that occur in orders."""
    _run(workspace, "catalogue", as_json)
    if not rename:
        return
    from keycrm_pipeline.pipeline.catalogue import take_over_names
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        renamed = take_over_names(workspace, now=datetime.now(UTC))
    except WarehouseError as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    click.echo(f"Cards renamed: {renamed}.", err=as_json)


@main.command()
@_command
def check(workspace: Workspace, as_json: bool) -> None:
    """Checks the key and the connection, and lists everything that a profile maps, with ids and what is unmapped."""
    from keycrm_pipeline.commands.check import as_json as check_as_json
    from keycrm_pipeline.commands.check import check_account
    from keycrm_pipeline.commands.output import print_check
    from keycrm_pipeline.crm.errors import KeyCrmError

    try:
        with shown_progress(workspace.profile.requests_per_minute, bars=not as_json, stays=False):
            found = check_account(workspace, os.environ)
    except (MissingKeyError, KeyCrmError) as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(check_as_json(workspace.profile, found))
    else:
        print_check(workspace.profile, found)
    if not found.is_ready:
        sys.exit(FAILED)


@main.command()
@_command
def status(workspace: Workspace, as_json: bool) -> None:
    """Shows the last exchange and what needs your attention."""
    from keycrm_pipeline.commands.status import print_status, read_status, status_as_json
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        found = read_status(workspace)
    except WarehouseError as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(status_as_json(found))
    else:
        print_status(found)


@main.command()
@click.option("--kind", help="Only this kind, such as rejected_order.")
@click.option(
    "--done",
    "done",
    metavar="PRODUCT",
    type=int,
    help="Tick off a promoted or renamed product, or one with a shared SKU, by its number, once its card was checked.",
)
@_command
def review(workspace: Workspace, kind: str | None, done: int | None, as_json: bool) -> None:
    """Lists what needs your attention; --done ticks off a product that was promoted, renamed or has a shared SKU."""
    from keycrm_pipeline.commands.status import (
        print_review_rows,
        read_review,
        review_as_json,
        tick_off,
    )
    from keycrm_pipeline.schemas.ops import REVIEW_KINDS
    from keycrm_pipeline.warehouse.errors import WarehouseError

    if kind is not None and kind not in REVIEW_KINDS:
        raise click.UsageError(f"There is no kind {kind}. The kinds are {', '.join(REVIEW_KINDS)}.")
    try:
        if done is not None and not tick_off(workspace, done):
            raise click.UsageError(
                f"Product {done} is not on the list as product_promoted, product_renamed or shared_sku."
            )
        rows = read_review(workspace, kind)
    except WarehouseError as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(review_as_json(workspace.profile, rows))
    else:
        print_review_rows(rows)


@main.command()
@click.option("--profile", "name", required=True, metavar="NAME", help="Name of the new profile.")
@click.option(
    "--base-url", default=DEFAULT_BASE_URL, show_default=True, help="Address of KeyCRM's API, or `sandbox`."
)
@click.option(
    "--requests-per-minute",
    type=click.IntRange(1, MOST_REQUESTS_PER_MINUTE),
    help=f"Requests per minute that the key allows; default: {DEFAULT_REQUESTS_PER_MINUTE}.",
)
@click.option("--key-stdin", "reads_key", is_flag=True, help="Read the key from standard input and store it.")
@click.option("--yes", "takes_defaults", is_flag=True, help="Ask nothing, and use the defaults.")
def init(
    name: str, base_url: str, requests_per_minute: int | None, reads_key: bool, takes_defaults: bool
) -> None:
    """Asks for the key and a few settings, reads the account, and writes a commented profile ready to edit."""
    from keycrm_pipeline.commands.init import next_steps, write_profile
    from keycrm_pipeline.commands.key import read_key
    from keycrm_pipeline.crm.errors import KeyCrmError
    from keycrm_pipeline.run.new_profile import Connection, NewProfileError

    settings = settings_from_environment(os.environ)
    key = read_key() if reads_key else None
    try:
        path = write_profile(
            name,
            settings,
            os.environ,
            Connection(base_url, requests_per_minute, key),
            asks=not takes_defaults and sys.stdin.isatty(),
        )
        steps = next_steps(Workspace(load_profile(name, settings), settings), path, os.environ)
    except NewProfileError as error:
        raise click.UsageError(str(error)) from None
    except (MissingKeyError, KeyNotStoredError, KeyCrmError, ProfileError) as error:
        _stop(str(error), FAILED, as_json=False)
    click.echo(steps)


@main.command()
@click.option("--remove", "is_removed", is_flag=True, help="Remove the stored key.")
@_command
def key(workspace: Workspace, is_removed: bool, as_json: bool) -> None:
    """Stores the profile's API key in a file that only you can read; a key that is stored already is replaced."""
    from keycrm_pipeline.commands.key import change_key, print_change

    try:
        change = change_key(workspace, os.environ, is_removed=is_removed)
    except KeyNotStoredError as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(change)
    else:
        print_change(change)


def _host_names(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of a proxy in front of a page; a pattern would answer whoever rebinds a name of their own to this machine.

    Raises:
        click.BadParameter: One is no name of a host.
    """
    for name in names:
        if not name or set(name) & set("*/:@ "):
            raise click.BadParameter(
                f"{name!r} is not the name of a host. Give it as browsers see it, without https:// and port: "
                "exchange.shop.example"
            )
    return names


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    default=3000,
    show_default=True,
    help="Port of Dagster's page on 127.0.0.1; the exchange page has the next one.",
)
@click.option(
    "--host-name",
    "host_names",
    metavar="NAME",
    multiple=True,
    callback=_host_names,
    help="A further name by which browsers call Dagster's page, such as that of a proxy; may be repeated.",
)
def up(port: int, host_names: tuple[str, ...]) -> None:
    """Starts both pages, the daemon and, in a new directory, the demo shop; Ctrl-C stops everything."""
    from keycrm_pipeline.commands.up import UpError, run_everything

    try:
        run_everything(port, host_names)
    except (UpError, ProfileError) as error:
        _stop(str(error), FAILED, as_json=False)


@main.command()
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option("--requests-per-minute", type=click.IntRange(min=1), help="Answer 429 above this rate.")
@click.option(
    "--orders-per-day",
    type=click.IntRange(0, 1000),
    default=40,
    show_default=True,
    help="Size of the shop; a year of 100 a day is about 36,000 orders.",
)
@click.option(
    "--created-between",
    type=click.Choice(("created_at", "ordered_at")),
    default="created_at",
    show_default=True,
    help="The date that the filter of this name goes by: KeyCRM's documents say one, its answers the other.",
)
def sandbox(
    port: int, requests_per_minute: int | None, orders_per_day: int, created_between: CreatedBetween
) -> None:
    """Serves the demo shop over HTTP on this machine, speaking KeyCRM's API."""
    from keycrm_pipeline.sandbox.server import SandboxPortError, run_sandbox_server

    try:
        run_sandbox_server(
            port,
            requests_per_minute=requests_per_minute,
            orders_per_day=orders_per_day,
            created_between=created_between,
        )
    except SandboxPortError as error:
        _stop(str(error), FAILED, as_json=False)


@main.command()
@click.option("--from", "first_day", type=day, required=True, help="First day, such as 26.10.2026.")
@click.option("--to", "last_day", type=day, required=True, help="Last day, included.")
@click.option(
    "--format",
    "export_format",
    type=click.Choice(EXPORT_FORMATS),
    default=EXPORT_FORMATS[0],
    show_default=True,
)
@click.option("--organisation", help="Only the orders of this legal entity; default: all orders.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory; default: exports in the data directory.",
)
@_command
def export(
    workspace: Workspace,
    first_day: date,
    last_day: date,
    export_format: ExportFormat,
    organisation: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Writes the documents of a period as files for the accounting system."""
    period = _checked_period(workspace.profile, first_day, last_day)
    from keycrm_pipeline.commands.files import export_as_json, print_export
    from keycrm_pipeline.exports import ExportError, export_period
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        result = export_period(
            workspace,
            period,
            export_format=export_format,
            organisation=organisation,
            directory=out,
            now=datetime.now(UTC),
        )
    except (ExportError, WarehouseError) as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(export_as_json(workspace.profile.name, period, result))
    else:
        print_export(result)


@main.command()
@click.option("--from", "first_day", type=day, help="First day; default: 30 days up to the last day.")
@click.option("--to", "last_day", type=day, help="Last day, included; default: today.")
@click.option("--lang", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File; default: reports in the data directory.",
)
@_command
def report(
    workspace: Workspace,
    first_day: date | None,
    last_day: date | None,
    lang: Language,
    out: Path | None,
    as_json: bool,
) -> None:
    """Writes the exchange report as one HTML file."""
    now = datetime.now(UTC)
    try:
        period = workspace.period_or_last_days(first_day, last_day, now)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _checked_period(workspace.profile, period.first, period.last)
    from keycrm_pipeline.commands.files import report_as_json
    from keycrm_pipeline.reports.files import ReportError, report_period
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        path = report_period(workspace, period, language=lang, path=out, now=now)
    except (ReportError, WarehouseError) as error:
        _stop(str(error), FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(report_as_json(workspace.profile.name, period, path))
    else:
        click.echo(str(path))


def _set_password(path: Path | None) -> None:
    """Asks for a password and writes its hash.

    Raises:
        click.UsageError: No file was named.
    """
    from keycrm_pipeline.page.passwords import write_password

    if path is None:
        raise click.UsageError("Name the file for the password's hash: --password-file FILE.")
    write_password(path, click.prompt("Password of the page", hide_input=True, confirmation_prompt=True))
    click.echo(f"The hash is in {path}. Start the page with: keycrm-pipeline page --password-file {path}")


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=3001, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--host-name",
    "host_names",
    metavar="NAME",
    multiple=True,
    callback=_host_names,
    help="A further name by which browsers call the page, such as that of a proxy; may be repeated.",
)
@click.option(
    "--dagster", default="http://127.0.0.1:3000", show_default=True, help="Address of the running Dagster."
)
@click.option(
    "--dagster-link",
    metavar="URL",
    help="Address by which browsers reach Dagster's page; by default it is linked to on this machine only.",
)
@click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ask for the password whose hash is in this file; needed with another --host than this machine's own.",
)
@click.option(
    "--set-password", is_flag=True, help="Ask for a password, write its hash to --password-file, and end."
)
def page(
    port: int,
    host: str,
    host_names: tuple[str, ...],
    dagster: str,
    dagster_link: str | None,
    password_file: Path | None,
    set_password: bool,
) -> None:
    """Serves the exchange page for people: documents, what needs attention, files, and loading orders."""
    from keycrm_pipeline.page.settings import PageError, PageSettings

    try:
        if set_password:
            _set_password(password_file)
            return
        served = PageSettings(
            settings=settings_from_environment(os.environ),
            dagster=dagster.rstrip("/"),
            dagster_link=None if dagster_link is None else dagster_link.rstrip("/"),
            host=host,
            port=port,
            host_names=host_names,
            password_file=password_file,
        )
        from keycrm_pipeline.page.server import serve

        serve(served, lambda address: click.echo(f"The exchange page: {address} (Ctrl-C stops it)"))
    except PageError as error:
        _stop(str(error), WRONG_USAGE, as_json=False)


if __name__ == "__main__":
    main()
