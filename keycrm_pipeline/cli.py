"""The commands: their options, language and exit codes. What they do is in `commands`.

Heavy imports are inside the commands: `status` must answer at once, and never imports Dagster.
Exit codes: 0 succeeded, 1 failed, 2 wrong usage or profile. With `--json`, standard output contains one JSON object and
nothing else, even if a command fails or is used wrongly.

Language: `--lang` decides; then `language` in the profile's file; then the environment (LANGUAGE, LC_ALL, LC_MESSAGES,
LANG); then the profile's own, which is Ukrainian in Kyiv's time zone. JSON is English unless `--lang` says otherwise,
because programs read it. Help and messages are written here in English, as `keycrm_pipeline.language` wants them.
"""

from __future__ import annotations

import contextlib
import copy
import gettext
import inspect
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from keycrm_pipeline.commands.days import day, month_argument
from keycrm_pipeline.commands.interruption import INTERRUPTED, output_is_complete
from keycrm_pipeline.commands.progress import shown_progress
from keycrm_pipeline.commands.streams import open_closed_streams, replace_unprintable_letters
from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.kinds import DECIDING_DAYS, EXPORT_FORMATS, DecidingDay, ExportFormat
from keycrm_pipeline.language import (
    DOMAIN,
    LANGUAGES,
    LOCALE_DIRECTORY,
    Language,
    _,
    language_of_environment,
    message,
    speak,
    speaking,
)
from keycrm_pipeline.period import DAY, Period, month_of
from keycrm_pipeline.pipeline.syncs import SYNCS, Sync
from keycrm_pipeline.profile import (
    DEFAULT_BASE_URL,
    DEFAULT_REQUESTS_PER_MINUTE,
    DEFAULT_TIMEZONE,
    DEMO,
    MOST_REQUESTS_PER_MINUTE,
    STARTED_BY_UP_VARIABLE,
    KeyNotStoredError,
    MissingKeyError,
    Profile,
    ProfileError,
    Settings,
    SettingsError,
    Workspace,
    language_of_zone,
    load_profile,
    profile_names,
    settings_from_environment,
    write_demo_profile,
)
from keycrm_pipeline.run.imports import loading_for_good, without_pandas
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.words import WordSet

if TYPE_CHECKING:
    from keycrm_pipeline.orchestration.launch import Outcome
    from keycrm_pipeline.run.move import Destination
    from keycrm_pipeline.sandbox.shop import CreatedBetween

FAILED = 1
WRONG_USAGE = 2
_JSON = "--json"
_LANGUAGE = "--lang"
_CLICKS_LANGUAGE = "LANGUAGE"
"""The variable by which gettext chooses a catalogue for click's own words; programs that a command starts follow it."""

_EXCHANGES = ("load", *(sync.name for sync in SYNCS))
"""Commands that print the keys of a load, even if none took place."""

_ORDER = (
    *("up", "page", "demo"),
    *("init", "key", "check", "load", "order", "status", "review", "rebuild"),
    *("report", "export", "reconcile", "month"),
    *("changes", "recent", "sweep", "catalogue"),
    "sandbox",
)
"""The order of use: looking around, a new shop, its documents, what the schedules do, and what developers need."""


def _print_json(value: dict[str, Any]) -> None:
    from keycrm_pipeline.commands.output import print_json

    print_json(value)
    output_is_complete()


def _stop(reason: str | Exception, code: int, as_json: bool, **more: Any) -> NoReturn:
    """Ends the command with an error in words; `more` are further keys of the JSON object."""
    from keycrm_pipeline.commands.output import error_in_words

    reason = error_in_words(reason)
    if as_json:
        _print_json({"status": "failed", **more, "error": reason})
    # Of what it has stopped, `up` says so itself.
    elif code != INTERRUPTED or STARTED_BY_UP_VARIABLE not in os.environ:
        click.echo(_("Error: {message}", message=reason), err=True)
    sys.exit(code)


def _stop_without_output(error: OSError) -> NoReturn:
    """Ends the command when the file that its output goes to takes no more: JSON cannot say so."""
    from keycrm_pipeline.commands.output import in_these_words
    from keycrm_pipeline.commands.streams import drop_output
    from keycrm_pipeline.sentences.failures import cause_of

    cause = in_these_words(cause_of(error).text(current_formatter()))
    drop_output()
    said = _(
        "What the command says cannot be written: {cause}. What was stored is safe; `keycrm-pipeline status` shows "
        "the last exchange.",
        cause=cause,
    )
    click.echo(_("Error: {message}", message=said), err=True)
    sys.exit(FAILED)


def _empty_summary(command: str | None, profile: str | None = None) -> dict[str, Any]:
    """The keys besides `status` and `error` that `command` prints when it could not start: programs expect them."""
    if command not in _EXCHANGES:
        return {}
    from keycrm_pipeline.commands.output import failed_load

    return failed_load(profile)


def stopped_by_hand(asked: Sequence[str], profile: str | None = None) -> NoReturn:
    """Ends the program that was called with these arguments, after Ctrl-C."""
    _stop(
        _("Stopped by hand. What was stored is safe."),
        INTERRUPTED,
        _JSON in asked,
        **_empty_summary(_command_in(asked), profile),
    )


def _command_in(arguments: Sequence[str]) -> str | None:
    """The name of the command, which `--lang` may precede."""
    behind = arguments[2:] if arguments[:1] == [_LANGUAGE] else arguments
    return next((argument for argument in behind if not argument.startswith("-")), None)


@dataclass
class _Asked:
    """What is known of the language before a profile is opened, and then of the profile.

    Attributes:
        language: What `--lang` says; None without it.
        of_output: English for JSON, which programs read, else None.
        of_environment: What the environment says; None if it decides nothing.
        profile: Name of the profile that a command is about; None until that is known.
    """

    language: Language | None
    of_output: Language | None
    of_environment: Language | None
    profile: str | None = None

    def for_profile(self, profile: Profile) -> Language:
        """The language in which a command speaks about a profile."""
        return (
            self.language or self.of_output or profile.language or self.of_environment or profile.own_language
        )


def _asked_language(arguments: Sequence[str]) -> Language | None:
    """The value of `--lang`, wherever it stands: help and errors need it before click has read the arguments."""
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _equals, joined = option.partition("=")
        if name == _LANGUAGE:
            return next((known for known in LANGUAGES if known == (joined or value)), None)
    return None


def _speak(language: Language, words: WordSet = "bas") -> None:
    """Chooses the language of the process, of click's own words, and of the programs that it starts."""
    speak(language, words)
    os.environ[_CLICKS_LANGUAGE] = language


@contextlib.contextmanager
def _speaking(language: Language) -> Iterator[None]:
    """Chooses the language for one command; whoever runs a command in its own process gets the earlier one back."""
    before = os.environ.get(_CLICKS_LANGUAGE)
    gettext.bindtextdomain(DOMAIN, str(LOCALE_DIRECTORY))
    domain = gettext.textdomain()
    gettext.textdomain(DOMAIN)
    try:
        with speaking(language):
            _speak(language)
            yield
    finally:
        gettext.textdomain(domain)
        if before is None:
            os.environ.pop(_CLICKS_LANGUAGE, None)
        else:
            os.environ[_CLICKS_LANGUAGE] = before


class _Option(click.Option):
    """An option whose help is a message."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help in the current language."""
        shown = copy.copy(self)
        shown.help = self.help and _(self.help)
        return click.Option.get_help_record(shown, ctx)


def _option(*names: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*names, cls=_Option, **attributes)


def _help_of(command: click.Command) -> str:
    """The help of a command in the current language; its docstring is the message."""
    return _(inspect.cleandoc(command.help or ""))


def _write_help(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    shown = copy.copy(command)
    shown.help = _help_of(command)
    click.Command.format_help_text(shown, ctx, formatter)


class _Path(click.Path):
    """A path of which `~` is the home directory: no shell replaces it in `--out=~/exports` or in quotes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, without `~`."""
        return super().convert(os.path.expanduser(value), param, ctx)  # noqa: PTH111 - Path fails at `~nobody`


class _Command(click.Command):
    """A command with the option `--lang`, whose help is a message."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params.append(_language_option())

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what the command does in the current language."""
        _write_help(self, ctx, formatter)


def _language_option() -> _Option:
    """Read by `_asked_language`; here click checks its value, and help shows it."""
    return _Option(
        [_LANGUAGE],
        type=click.Choice(LANGUAGES),
        expose_value=False,
        help=message("Language: Ukrainian or English."),
    )


class _Commands(click.Group):
    """The group of commands, which reports every error in words, or as JSON with `--json`."""

    command_class = _Command

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params.append(_language_option())

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes what the program does in the current language."""
        _write_help(self, ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of use."""
        del ctx
        return sorted(self.commands, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes each command with all that its first paragraph says."""
        with formatter.section(_("Commands")):
            formatter.write_dl(
                [
                    (name, _help_of(self.commands[name]).partition("\n\n")[0])
                    for name in self.list_commands(ctx)
                ]
            )

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        """Runs a command and ends the process with its exit code."""
        open_closed_streams()
        replace_unprintable_letters()
        asked = list(sys.argv[1:] if args is None else args)
        as_json = _JSON in asked
        language = _asked_language(asked)
        known = _Asked(language, "en" if as_json else None, language_of_environment(os.environ))
        more |= {"standalone_mode": False}
        # What a service manager sends stops a command as Ctrl-C does; a command that does otherwise sets its own.
        on_interrupt = signal.getsignal(signal.SIGINT)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and callable(on_interrupt):
            signal.signal(signal.SIGTERM, on_interrupt)
        with _speaking(known.language or known.of_output or known.of_environment or "en"):
            try:
                self._run(asked, as_json, known, *rest, **more)
            except OSError as error:
                # `_run` lets nothing pass but a file that takes no more of what is printed into it.
                _stop_without_output(error)

    def _run(self, asked: list[str], as_json: bool, known: _Asked, *rest: Any, **more: Any) -> NoReturn:
        def empty() -> dict[str, Any]:
            return _empty_summary(_command_in(asked), known.profile)

        try:
            code = super().main(asked, *rest, obj=known, **more) or 0
            output_is_complete()
            sys.exit(code)
        except click.ClickException as error:
            if as_json:
                _stop(error.format_message(), error.exit_code, as_json, **empty())
            error.show()
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            stopped_by_hand(asked, known.profile)
        except MessageError as error:
            _stop(error, WRONG_USAGE if isinstance(error, SettingsError) else FAILED, as_json, **empty())
        except Exception as error:
            # Reported in words: values may be personal data.
            from keycrm_pipeline.run.errors import unexpected
            from keycrm_pipeline.sentences.failures import NO_SPACE
            from keycrm_pipeline.stopping import is_stop

            if is_stop(error):
                stopped_by_hand(asked, known.profile)
            if isinstance(error, OSError) and error.errno in NO_SPACE and error.filename is None:
                raise
            _stop(unexpected(error), FAILED, as_json, **empty())


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
                _("Name a profile with --profile: {names}.", names=", ".join(names))
                if names
                else _(
                    "There is no profile in {directory}. Create one with `keycrm-pipeline init --profile NAME`.",
                    directory=settings.profiles_directory,
                )
            )
        name = names[0]
    return load_profile(name, settings)


def _speak_of(profile: Profile) -> None:
    """Chooses the language and the words of a command about a profile, and notes which one that is."""
    asked: _Asked = click.get_current_context().obj
    asked.profile = profile.name
    _speak(asked.for_profile(profile), profile.words)


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options `--profile` and `--json`, and opens the profile; a bad one is wrong usage."""

    @_option("--profile", metavar="NAME", help=message("The profile; not needed when there is only one."))
    @_option(_JSON, "as_json", is_flag=True, help=message("Print one JSON object and nothing else."))
    @wraps(function)
    def wrapped(profile: str | None, as_json: bool, **arguments: Any) -> None:
        settings = settings_from_environment(os.environ)
        try:
            chosen = _chosen_profile(profile, settings)
        except ProfileError as error:
            empty = _empty_summary(click.get_current_context().info_name)
            _stop(error, WRONG_USAGE, as_json, **empty | {"profile": profile})
        _speak_of(chosen)
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
@_option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help=message("Show the versions of this program, of Dagster and of DuckDB."),
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
    from keycrm_pipeline.commands.output import error_in_words, failed_load, print_left_out, print_summary

    profile = workspace.profile

    if outcome.is_stopped and STARTED_BY_UP_VARIABLE in os.environ:
        sys.exit(INTERRUPTED)
    if outcome.summary is None:
        error = outcome.error or _("The exchange could not be started.")
        code = INTERRUPTED if outcome.is_stopped else FAILED
        _stop(error, code, as_json, **failed_load(profile.name))
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
            click.echo(_("Error: {message}", message=error_in_words(outcome.error)), err=True)
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
            _(
                "The period ends in the future: {last}. Today is {today} ({timezone}).",
                last=last,
                today=today,
                timezone=profile.timezone,
            )
        )
    if first < profile.start_date:
        raise click.UsageError(
            _(
                "The period begins on {first}, before the profile's start_date {start_date}. Choose a later day, or "
                "move start_date in the profile.",
                first=first,
                start_date=profile.start_date,
            )
        )
    return period


@main.command()
@_option("--from", "first_day", type=day, required=True, help=message("First day, such as 26.10.2026."))
@_option("--to", "last_day", type=day, required=True, help=message("Last day, included."))
@_command
def load(workspace: Workspace, first_day: date, last_day: date, as_json: bool) -> None:
    """Loads a period, both days included, and prints the exchange summary."""
    _run(workspace, "load", as_json, _checked_period(workspace.profile, first_day, last_day))


@main.command()
def demo() -> None:
    """Loads the demo shop's last 30 days and prints the exchange summary; needs neither a key nor an account."""
    from keycrm_pipeline.run.demo_files import write_demo_files

    settings = settings_from_environment(os.environ)
    try:
        write_demo_profile(settings)
        workspace = Workspace(load_profile(DEMO, settings), settings)
        period = workspace.period_or_last_days(None, None, datetime.now(UTC))
        write_demo_files(workspace, period)
    except ProfileError as error:
        _stop(error, WRONG_USAGE, as_json=False)
    _speak_of(workspace.profile)
    _run(workspace, "load", False, period)


def _sync_command(sync: Sync) -> None:
    @main.command(name=sync.name, help=sync.description)
    @_command
    def run_sync(workspace: Workspace, as_json: bool) -> None:
        _run(workspace, sync.name, as_json)


for _sync in SYNCS:
    if not _sync.takes_orders and _sync.name not in ("catalogue", "rebuild"):
        _sync_command(_sync)


@main.command()
@_option("--dry-run", "is_trial", is_flag=True, help=message("Say what it would change, and change nothing."))
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
        _stop(error, FAILED, as_json, profile=workspace.profile.name, error_coded=error.message.dump())
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
    help=message("Also give cards made from KeyCRM the names that their products have there now."),
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
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    click.echo(_("Cards renamed: {number}.", number=renamed), err=as_json)


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
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(check_as_json(workspace.profile, found))
    else:
        print_check(workspace.profile, found)
    if not found.is_ready:
        sys.exit(FAILED)


@main.command()
@_option(
    "--to",
    "destination",
    type=click.Choice(("lake", "file")),
    required=True,
    help=message("Where to: the lake of this installation, or <profile>.duckdb in the data directory."),
)
@_command
def move(workspace: Workspace, destination: Destination, as_json: bool) -> None:
    """Moves the books between a file and a lake, and notes it in the profile; the old books stay as they are."""
    from keycrm_pipeline.run.errors import ExchangeError, StoppedError
    from keycrm_pipeline.run.move import move as move_books
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        moved = move_books(workspace, destination)
    except StoppedError:
        raise KeyboardInterrupt from None
    except ProfileError as error:
        _stop(error, WRONG_USAGE, as_json, profile=workspace.profile.name)
    except (ExchangeError, WarehouseError) as error:
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json({"profile": workspace.profile.name, **asdict(moved), "error": None})
        return
    write = current_formatter()
    click.echo(
        _(
            "Moved to {new}: {rows} rows of {tables} tables, equal in number and content. {old} stays as it was; "
            "remove it when you need it no more.",
            new=moved.new,
            rows=write.number(moved.copied.rows),
            tables=write.number(moved.copied.tables),
            old=moved.old,
        )
    )


@main.command()
@_command
def status(workspace: Workspace, as_json: bool) -> None:
    """Shows the last exchange and what needs your attention."""
    from keycrm_pipeline.commands.status import print_status, read_status, status_as_json
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        found = read_status(workspace)
    except WarehouseError as error:
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(status_as_json(found))
    else:
        print_status(found)


@main.command()
@_option("--kind", help=message("Only this kind, such as rejected_order."))
@_option(
    "--done",
    "done",
    metavar="PRODUCT",
    type=int,
    help=message(
        "Tick off a promoted or renamed product, or one with a shared SKU, by its number, once its card was checked."
    ),
)
@_command
def review(workspace: Workspace, kind: str | None, done: int | None, as_json: bool) -> None:
    """Lists what needs your attention; --done ticks off a product that was promoted, renamed or has a shared SKU."""
    from keycrm_pipeline.commands.status import (
        print_review_list,
        read_review,
        review_as_json,
        tick_off,
    )
    from keycrm_pipeline.schemas.ops import REVIEW_KINDS
    from keycrm_pipeline.warehouse.errors import WarehouseError

    if kind is not None and kind not in REVIEW_KINDS:
        raise click.UsageError(
            _("There is no kind {kind}. The kinds are {kinds}.", kind=kind, kinds=", ".join(REVIEW_KINDS))
        )
    try:
        if done is not None and not tick_off(workspace, done):
            raise click.UsageError(
                _(
                    "Product {number} is not on the list as product_promoted, product_renamed or shared_sku.",
                    number=done,
                )
            )
        found = read_review(workspace, kind)
    except WarehouseError as error:
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    if as_json:
        _print_json(review_as_json(workspace.profile, found))
    else:
        print_review_list(found)


@main.command()
@_option("--profile", "name", required=True, metavar="NAME", help=message("Name of the new profile."))
@_option(
    "--base-url",
    default=DEFAULT_BASE_URL,
    show_default=True,
    help=message("Address of KeyCRM's API, or `sandbox`."),
)
@_option(
    "--requests-per-minute",
    type=click.IntRange(1, MOST_REQUESTS_PER_MINUTE),
    show_default=str(DEFAULT_REQUESTS_PER_MINUTE),
    help=message("Requests per minute that the key allows."),
)
@_option(
    "--key-stdin", "reads_key", is_flag=True, help=message("Read the key from standard input and store it.")
)
@_option("--yes", "takes_defaults", is_flag=True, help=message("Ask nothing, and use the defaults."))
def init(
    name: str, base_url: str, requests_per_minute: int | None, reads_key: bool, takes_defaults: bool
) -> None:
    """Asks for the key and a few settings, reads the account, and writes a commented profile ready to edit."""
    from keycrm_pipeline.commands.init import next_steps, write_profile
    from keycrm_pipeline.commands.key import read_key
    from keycrm_pipeline.crm.errors import KeyCrmError
    from keycrm_pipeline.run.new_profile import Connection, NewProfileError

    settings = settings_from_environment(os.environ)
    asked: _Asked = click.get_current_context().obj
    # A new profile is in the default time zone until somebody edits it.
    _speak(asked.language or asked.of_environment or language_of_zone(DEFAULT_TIMEZONE))
    key = read_key() if reads_key else None
    try:
        path = write_profile(
            name,
            settings,
            os.environ,
            Connection(base_url, requests_per_minute, key),
            asks=not takes_defaults and sys.stdin.isatty(),
            language=asked.language,
        )
        steps = next_steps(Workspace(load_profile(name, settings), settings), path, os.environ)
    except NewProfileError as error:
        raise click.UsageError(str(error)) from None
    except (MissingKeyError, KeyNotStoredError, KeyCrmError, ProfileError) as error:
        _stop(error, FAILED, as_json=False)
    click.echo(steps)


@main.command()
@_option("--remove", "is_removed", is_flag=True, help=message("Remove the stored key."))
@_command
def key(workspace: Workspace, is_removed: bool, as_json: bool) -> None:
    """Stores the profile's API key in a file that only you can read; a key that is stored already is replaced."""
    from keycrm_pipeline.commands.key import change_key, print_change

    try:
        change = change_key(workspace, os.environ, is_removed=is_removed)
    except KeyNotStoredError as error:
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
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
                _(
                    "{name} is not the name of a host. Give it as browsers see it, without https:// and port: "
                    "exchange.shop.example",
                    name=repr(name),
                )
            )
    return names


@main.command()
@_option(
    "--port",
    type=click.IntRange(1, 65534),
    default=3000,
    show_default=True,
    help=message("Port of Dagster's page on 127.0.0.1; the exchange page has the next one."),
)
@_option(
    "--host-name",
    "host_names",
    metavar="NAME",
    multiple=True,
    callback=_host_names,
    help=message(
        "A further name by which browsers call Dagster's page, such as that of a proxy; may be repeated."
    ),
)
def up(port: int, host_names: tuple[str, ...]) -> None:
    """Starts both pages, the daemon and, in a new directory, the demo shop; Ctrl-C stops everything."""
    from keycrm_pipeline.commands.up import UpError, run_everything

    try:
        run_everything(port, host_names)
    except (UpError, ProfileError) as error:
        _stop(error, FAILED, as_json=False)
    # Whenever it was stopped: in its first seconds nobody could tell a start that was stopped from one that was not.
    sys.exit(INTERRUPTED)


@main.command()
@_option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help=message("Port on 127.0.0.1."),
)
@_option("--requests-per-minute", type=click.IntRange(min=1), help=message("Answer 429 above this rate."))
@_option(
    "--orders-per-day",
    type=click.IntRange(0, 1000),
    default=40,
    show_default=True,
    help=message("Size of the shop; a year of 100 a day is about 36,000 orders."),
)
@_option(
    "--created-between",
    type=click.Choice(("created_at", "ordered_at")),
    default="created_at",
    show_default=True,
    help=message(
        "The date that the filter of this name goes by: KeyCRM's documents say one, its answers the other."
    ),
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
        _stop(error, FAILED, as_json=False)


@main.command()
@_option("--from", "first_day", type=day, required=True, help=message("First day, such as 26.10.2026."))
@_option("--to", "last_day", type=day, required=True, help=message("Last day, included."))
@_option(
    "--format",
    "export_format",
    type=click.Choice(EXPORT_FORMATS),
    default=EXPORT_FORMATS[0],
    show_default=True,
)
@_option("--organisation", help=message("Only the orders of this legal entity; default: all orders."))
@_option(
    "--by",
    "decided_by",
    type=click.Choice(DECIDING_DAYS),
    default=DECIDING_DAYS[0],
    show_default=True,
    help=message("The day that decides: of the order, of a payment, of the shipment, or of the completion."),
)
@_option(
    "--stages",
    multiple=True,
    metavar="STAGE",
    help=message(
        "Only orders in this stage; may be repeated. Default: hand_over.stages of the profile, else all."
    ),
)
@_option(
    "--since-last",
    is_flag=True,
    help=message("Only what is new or changed since it was last exported in this format."),
)
@_option(
    "--dry-run",
    is_flag=True,
    help=message("Write nothing: count, and list what is not exported and why."),
)
@_option(
    "--out",
    type=_Path(file_okay=False, path_type=Path),
    help=message("Directory; default: exports in the data directory."),
)
@_command
def export(
    workspace: Workspace,
    first_day: date,
    last_day: date,
    export_format: ExportFormat,
    organisation: str | None,
    decided_by: DecidingDay,
    stages: tuple[str, ...],
    since_last: bool,
    dry_run: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Writes the documents of a period as files for the accounting system."""
    period = _checked_period(workspace.profile, first_day, last_day)
    from keycrm_pipeline.commands.files import export_as_json, print_export
    from keycrm_pipeline.exports import ExportError, export_period
    from keycrm_pipeline.run.output import EXPORTS, delivered_to
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        result = export_period(
            workspace,
            period,
            export_format=export_format,
            organisation=organisation,
            decided_by=decided_by,
            stages=stages,
            since_last=since_last,
            dry_run=dry_run,
            directory=out,
            now=datetime.now(UTC),
        )
    except (ExportError, WarehouseError) as error:
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    names = [file.name for file in result.files]
    delivered = delivered_to(workspace.settings, EXPORTS, names) if out is None else []
    if as_json:
        _print_json(export_as_json(workspace.profile.name, period, result, delivered))
    else:
        print_export(result, delivered)


@main.command()
@_option("--from", "first_day", type=day, help=message("First day; default: 30 days up to the last day."))
@_option("--to", "last_day", type=day, help=message("Last day, included; default: today."))
@_option(
    "--out",
    type=_Path(dir_okay=False, path_type=Path),
    help=message("File; default: reports in the data directory."),
)
@_command
def report(
    workspace: Workspace,
    first_day: date | None,
    last_day: date | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Writes the exchange report as one HTML file."""
    now = datetime.now(UTC)
    # The file is the shop's, wherever the command runs: what the terminal speaks does not decide.
    language = click.get_current_context().obj.language or workspace.profile.own_language
    try:
        period = workspace.period_or_last_days(first_day, last_day, now)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _checked_period(workspace.profile, period.first, period.last)
    from keycrm_pipeline.commands.files import report_as_json
    from keycrm_pipeline.reports.files import ReportError, report_period
    from keycrm_pipeline.run.output import REPORTS, delivered_to
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        path = report_period(workspace, period, language=language, path=out, now=now)
    except (ReportError, WarehouseError) as error:
        _stop(error, FAILED, as_json, profile=workspace.profile.name)
    delivered = delivered_to(workspace.settings, REPORTS, [path.name]) if out is None else []
    if as_json:
        _print_json(report_as_json(workspace.profile.name, period, path, delivered))
    else:
        for place in (path, *delivered):
            click.echo(str(place))


@main.command()
@click.argument("typed", metavar="[MONTH]", required=False, callback=month_argument)
@_option(
    "--format",
    "export_format",
    type=click.Choice(EXPORT_FORMATS),
    help=message("Compare with what was exported in this format; default: that of the month's last export."),
)
@_option("--workbook", "is_written", is_flag=True, help=message("Also write the workbook «Закриття місяця»."))
@_option(
    "--out",
    type=_Path(file_okay=False, path_type=Path),
    help=message("Directory of the workbook; default: exports in the data directory."),
)
@_command
def month(
    workspace: Workspace,
    typed: Period | None,
    export_format: ExportFormat | None,
    is_written: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Says what is left to do before a month, such as 2026-10, can be closed, and adds up its payments."""
    profile = workspace.profile
    today = datetime.now(UTC).astimezone(profile.zone).date()
    chosen = typed or month_of(today.replace(day=1) - DAY)
    if chosen.first > today:
        raise click.UsageError(_("The month has not begun yet: {month}.", month=f"{chosen.first:%Y-%m}"))
    if chosen.last < profile.start_date:
        raise click.UsageError(
            _(
                "The month {month} lies before the profile's start_date {start_date}.",
                month=f"{chosen.first:%Y-%m}",
                start_date=profile.start_date,
            )
        )
    from keycrm_pipeline.commands.month import month_as_json, print_month
    from keycrm_pipeline.exports import ExportError
    from keycrm_pipeline.exports.month import read_month
    from keycrm_pipeline.exports.month_workbook import write_month
    from keycrm_pipeline.warehouse.errors import WarehouseError

    try:
        found = read_month(workspace, chosen, today=today, export_format=export_format)
        path = write_month(workspace, found, out) if is_written else None
    except (ExportError, WarehouseError) as error:
        _stop(error, FAILED, as_json, profile=profile.name)
    if as_json:
        _print_json(month_as_json(found, path))
    else:
        print_month(found, path)
    if not found.is_done:
        sys.exit(FAILED)


@main.command()
@_option("--from", "first_day", type=day, help=message("First day; default: 30 days up to the last day."))
@_option("--to", "last_day", type=day, help=message("Last day, included; default: today."))
@_option(
    "--out",
    type=_Path(dir_okay=False, path_type=Path),
    help=message("Also write all lines to this file, .xlsx or .csv."),
)
@_command
def reconcile(
    workspace: Workspace,
    first_day: date | None,
    last_day: date | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Reads the registers of carriers and banks, and compares the payments of a period with the money that came."""
    now = datetime.now(UTC)
    profile = workspace.profile
    try:
        period = workspace.period_or_last_days(first_day, last_day, now)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _checked_period(profile, period.first, period.last)
    if not profile.reconciliation.is_used:
        _stop(
            _(
                "The profile {profile} compares nothing: set reconciliation.external_transactions or "
                "reconciliation.registers (docs/settings.md).",
                profile=profile.name,
            ),
            WRONG_USAGE,
            as_json,
            profile=profile.name,
        )
    with without_pandas():
        from keycrm_pipeline.commands.reconcile import print_reconciliation, reconciliation_as_json
        from keycrm_pipeline.exports.errors import ExportError
        from keycrm_pipeline.exports.reconciliation import write_reconciliation
        from keycrm_pipeline.pipeline.reconciliation import reconcile_again
        from keycrm_pipeline.run.session import open_warehouse
        from keycrm_pipeline.warehouse.errors import WarehouseError
        from keycrm_pipeline.warehouse.reconciliation_lines import counts_by_kind, lines_of_period

        try:
            problems = reconcile_again(workspace, now=now)
            with open_warehouse(workspace).reading() as connection:
                counts = counts_by_kind(connection, period)
                lines = lines_of_period(connection, period)
            path = None if out is None else write_reconciliation(profile, period, lines, out)
        except (ExportError, WarehouseError) as error:
            _stop(error, FAILED, as_json, profile=profile.name)
    if as_json:
        _print_json(reconciliation_as_json(profile.name, period, counts, lines, path, problems))
    else:
        print_reconciliation(period, counts, lines, path)
        for problem in problems:
            click.echo(_("Error: {message}", message=problem.text(current_formatter())), err=True)
    if problems:
        sys.exit(FAILED)


def _set_password(path: Path | None) -> None:
    """Asks for a password and writes its hash.

    Raises:
        click.UsageError: No file was named.
    """
    from keycrm_pipeline.page.passwords import write_password

    if path is None:
        raise click.UsageError(_("Name the file for the password's hash: --password-file FILE."))
    write_password(path, click.prompt(_("Password of the page"), hide_input=True, confirmation_prompt=True))
    click.echo(
        _(
            "The hash is in {path}. Start the page with: keycrm-pipeline page --password-file {path}",
            path=path,
        )
    )


@main.command()
@_option("--port", type=click.IntRange(1, 65535), default=3001, show_default=True)
@_option("--host", default="127.0.0.1", show_default=True, help=message("Address to listen on."))
@_option(
    "--host-name",
    "host_names",
    metavar="NAME",
    multiple=True,
    callback=_host_names,
    help=message("A further name by which browsers call the page, such as that of a proxy; may be repeated."),
)
@_option(
    "--dagster",
    default="http://127.0.0.1:3000",
    show_default=True,
    help=message("Address of the running Dagster."),
)
@_option(
    "--dagster-link",
    metavar="URL",
    help=message(
        "Address by which browsers reach Dagster's page; by default it is linked to on this machine only."
    ),
)
@_option(
    "--password-file",
    type=_Path(dir_okay=False, path_type=Path),
    help=message(
        "Ask for the password whose hash is in this file; needed with another --host than this machine's own."
    ),
)
@_option(
    "--set-password",
    is_flag=True,
    help=message("Ask for a password, write its hash to --password-file, and end."),
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

        serve(
            served,
            lambda address: click.echo(_("The exchange page: {address} (Ctrl-C stops it)", address=address)),
        )
    except PageError as error:
        _stop(error, WRONG_USAGE, as_json=False)


if __name__ == "__main__":
    main()
