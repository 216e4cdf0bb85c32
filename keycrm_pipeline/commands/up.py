"""`up`: starts and stops the whole product: both pages, the daemon and, on the first start, a load of the demo shop.

Ctrl-C, SIGTERM and closing the terminal end it and everything it started, including children of children. What is
not here: what Dagster loads, where the instance is and which runs died with an earlier start
(`keycrm_pipeline.orchestration`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING

from keycrm_pipeline.commands.output import error_in_words
from keycrm_pipeline.language import _
from keycrm_pipeline.profile import (
    DEMO,
    HOME_VARIABLE,
    SANDBOX,
    STARTED_BY_UP_VARIABLE,
    MissingKeyError,
    ProfileError,
    Settings,
    Workspace,
    dagster_home,
    load_profile,
    load_profiles,
    settings_from_environment,
    write_demo_profile,
)
from keycrm_pipeline.stopping import STOP_SIGNALS, undisturbed, waits_for_import

if TYPE_CHECKING:
    from keycrm_pipeline.orchestration.ended_exchanges import EndedExchanges

HOST = "127.0.0.1"
"""Dagster's page has no login, so both are only served to this machine."""

LOCK = "running.lock"
"""In DAGSTER_HOME. Locked while any process of a start is alive: two daemons would run everything twice."""

READY_WITHIN_SECONDS = 180
"""A slow machine needs almost a minute to load everything for the first time."""

STOP_WITHIN_SECONDS = 20
"""A stopped run needs a moment to record that in the exchange log and on the page."""

POLL_SECONDS = 0.2
LOOK_EVERY_SECONDS = 5


class UpError(Exception):
    """The product could not start, or one of its services ended; the text says what to do."""


class StopAskedError(KeyboardInterrupt):
    """A stop was requested; where nobody waits for it any more, it ends the command as Ctrl-C does."""


class StopRequest:
    """Whether somebody wants the product to stop, and by which signal."""

    def __init__(self) -> None:
        self._asked_by: str | None = None

    def take_signals(self) -> None:
        """From here on each of the signals that stop the product raises `StopAskedError`."""
        # Needed when a shell started this in the background with SIGINT ignored; children then get the default handler.
        for number in STOP_SIGNALS:
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked_by = signal.Signals(number).name
        if not waits_for_import(number, frame):
            # A second signal cuts short the orderly stop that the first one started.
            self.raise_if_asked()

    def raise_if_asked(self) -> None:
        """Stops here if a library has swallowed what was raised when the signal came.

        Raises:
            StopAskedError: A signal came; the text is its name.
        """
        if self._asked_by is not None:
            raise StopAskedError(self._asked_by)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def exchange_page_port(port: int) -> int:
    """The port of the exchange page, next to that of Dagster's page."""
    return port + 1


def check_port(port: int) -> None:
    """Makes sure that a page can use its port.

    Raises:
        UpError: The port is in use.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Like the web server: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise UpError(
                _(
                    "Port {port} is reserved for the administrator. Choose another one, such as 3001: "
                    "keycrm-pipeline up --port 3001, or make run PORT=3001",
                    port=port,
                )
            ) from None
        except OSError:
            raise UpError(
                _(
                    "Port {port} on {host} is in use by another program, perhaps an earlier start of this one. Stop "
                    "that program, or choose another port: keycrm-pipeline up --port {other}, or make run PORT={other}",
                    port=port,
                    host=HOST,
                    other=port + 2,
                )
            ) from None


@contextlib.contextmanager
def only_start(home: Path) -> Iterator[IO[str]]:
    """Holds the lock of a DAGSTER_HOME; processes that inherit the open file hold it too.

    Raises:
        UpError: An earlier start, or a process left over from it, is still running.
    """
    path = home / LOCK
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UpError(
                _(
                    "This product is already running on {home} (processes {processes}). Stop it with Ctrl-C where it "
                    "was started, or kill these processes.",
                    home=home,
                    processes=file.read().strip() or _("unknown"),
                )
            ) from None
        file.truncate(0)
        yield file


def wants_first_load(settings: Settings) -> bool:
    """Whether the demo shop exists and has never been loaded successfully: the page would be empty."""
    from keycrm_pipeline.reading import books_of
    from keycrm_pipeline.reading.databases import has_books
    from keycrm_pipeline.warehouse.errors import WarehouseError
    from keycrm_pipeline.warehouse.exchanges import last_succeeded_exchange

    try:
        profile = load_profile(DEMO, settings)
    except ProfileError:
        # Removed, or reported with the other invalid profiles.
        return False
    if profile.base_url != SANDBOX:
        return False
    workspace = Workspace(profile, settings)
    try:
        if not has_books(workspace):
            return True
        with books_of(workspace).reading() as connection:
            return last_succeeded_exchange(connection) is None
    except WarehouseError:
        # The load reports it better.
        return True


class Services:
    """The processes of the product, each with its children in a process group of its own."""

    def __init__(self, lock: IO[str], environment: Mapping[str, str]) -> None:
        self._lock = lock
        self._environment = dict(environment)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._work: set[str] = set()

    def start(
        self,
        name: str,
        command: list[str],
        variables: Mapping[str, str] | None = None,
        *,
        is_service: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Starts a program; in its own group it does not receive Ctrl-C, so that the stop is orderly.

        Of the variables, those count that the environment does not have.

        What it says on standard output is left out: `up` says what a person needs to know. Errors are shown. What is
        no service may end while the others go on.
        """
        # A stop between the start of a process and its entry here would leave it running.
        with undisturbed():
            process = subprocess.Popen(  # noqa: S603 - programs of this environment
                command,
                env={**(variables or {}), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[self._lock.fileno()],
            )
            self._processes[name] = process
            if not is_service:
                self._work.add(name)
        self._lock.write(f"{process.pid} ")
        self._lock.flush()
        return process

    def ended(self) -> str | None:
        """Which service has ended, as a sentence; None while all are running."""
        for name, process in self._processes.items():
            if process.poll() is not None and name not in self._work:
                return _("{name} ended unexpectedly (exit code {code})", name=name, code=process.returncode)
        return None

    def stop(self) -> None:
        """Stops everything: first with SIGTERM, then by killing what does not stop in time."""
        try:
            self._signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_WITHIN_SECONDS
            while self._alive() and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
        except StopAskedError:
            _say(_("Killing the remaining processes."))
        finally:
            self._signal(signal.SIGKILL)
            for process in self._processes.values():
                process.wait()

    def _alive(self) -> bool:
        """Whether any process in the groups is still running, including children of children."""
        alive = False
        for process in self._processes.values():
            process.poll()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, 0)
                alive = True
        return alive

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            # The group no longer exists, or (macOS) contains only ended processes.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)


def is_answering(port: int) -> bool:
    """Whether Dagster's page and the exchange page answer."""
    try:
        for address in (f"{HOST}:{port}/server_info", f"{HOST}:{exchange_page_port(port)}/"):
            with urllib.request.urlopen(f"http://{address}", timeout=5) as answer:
                if answer.status != HTTPStatus.OK:
                    return False
    except (urllib.error.URLError, OSError):
        return False
    return True


def prepare_queue(settings: Settings) -> None:
    """Sets the limit of one run at a time per profile before the daemon first looks at its queue."""
    from keycrm_pipeline.orchestration.dagster_internals import make_pools_known
    from keycrm_pipeline.orchestration.instance import open_instance
    from keycrm_pipeline.orchestration.profile_assets import ProfileAssets

    with open_instance() as instance:
        make_pools_known(
            instance,
            [ProfileAssets(Workspace(profile, settings)).pool for profile in load_profiles(settings)[0]],
        )


def end_runs_that_died(settings: Settings, *, report: bool) -> None:
    """Ends runs that died with a daemon: they would block the queue of their profile for ever."""
    from keycrm_pipeline.orchestration.instance import end_dead_runs, open_instance

    with open_instance() as instance:
        ended = end_dead_runs(instance, settings, at_start_of_page=True)
    if ended and report:
        _say(
            _("Runs of an earlier start that died with it and are marked failed: {count}.", count=len(ended))
        )


def say_what_ended(exchanges: EndedExchanges) -> None:
    """Says a line for each exchange that ended; what keeps it from doing so does not stop the product."""
    try:
        for line in exchanges.lines(datetime.now(UTC)):
            _say(line)
    except Exception:  # noqa: BLE001 - Dagster's storage may be busy; the next look finds the same
        return


def serve(
    services: Services,
    port: int,
    host_names: Sequence[str],
    exchanges: EndedExchanges,
    stop: StopRequest,
    *,
    loads_demo: bool,
) -> str:
    """Starts both pages and the daemon, waits until one of them ends and returns which.

    Once they answer, the demo month is loaded if that is asked for: the page shows how it comes.
    """
    from keycrm_pipeline.orchestration import dagster_page
    from keycrm_pipeline.orchestration.dagster_internals import DAEMON_MODULE, DAEMON_VARIABLES
    from keycrm_pipeline.orchestration.instance import shipped_workspace

    # Events are on the page; the terminal shows exchanges and errors. Without this, each code server that is no longer
    # needed would write a warning, every minute: "No heartbeat received".
    quiet = (
        "--log-level",
        "error",
        "--code-server-log-level",
        "error",
        "--workspace",
        str(shipped_workspace()),
    )
    names = [f"{dagster_page.HOST_NAME}={name}" for name in host_names]
    address = (*names, "--host", HOST, "--port", str(port), "--dagster-log-level", "warning")
    exchange_page = ("--port", str(exchange_page_port(port)), "--dagster", f"http://{HOST}:{port}")
    services.start(_("The exchange page"), [sys.executable, "-m", "keycrm_pipeline", "page", *exchange_page])
    services.start(_("Dagster's page"), [sys.executable, "-m", dagster_page.MODULE, *address, *quiet])
    services.start(_("The daemon"), [sys.executable, "-m", DAEMON_MODULE, "run", *quiet], DAEMON_VARIABLES)
    _say(_("Starting the pages and the daemon."))
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    is_ready = False
    next_look = 0.0
    while (ended := services.ended()) is None:
        stop.raise_if_asked()
        if not is_ready and is_answering(port):
            exchange_address = f"http://{HOST}:{exchange_page_port(port)}"
            _say(_("Ready: the exchange page at {address}", address=exchange_address))
            _say(
                _(
                    "       Dagster's page at {address} (Ctrl-C stops everything)",
                    address=f"http://{HOST}:{port}",
                )
            )
            is_ready = True
            if loads_demo:
                _say(_("Loading the demo shop's last 30 days (on the first start only)."))
                services.start("demo", [sys.executable, "-m", "keycrm_pipeline", "demo"], is_service=False)
        if not is_ready and time.monotonic() > deadline:
            return _("The pages did not answer within {seconds} seconds", seconds=READY_WITHIN_SECONDS)
        if time.monotonic() >= next_look:
            say_what_ended(exchanges)
            next_look = time.monotonic() + LOOK_EVERY_SECONDS
        time.sleep(POLL_SECONDS if not is_ready else 1)
    return ended


def run_everything(port: int, host_names: Sequence[str] = ()) -> None:
    """Starts everything and returns after somebody has stopped it.

    The first start in a directory writes what is missing there: the profile of the demo shop and Dagster's settings.

    Args:
        port: The port of Dagster's page; the exchange page has the next one.
        host_names: Names besides those of this machine by which browsers call Dagster's page.

    Raises:
        UpError: It could not start, or a service ended unexpectedly.
    """
    stop = StopRequest()
    try:
        stop.take_signals()
        _run(port, host_names, stop)
    except StopAskedError:
        _say(_("Stopped."))


def _run(port: int, host_names: Sequence[str], stop: StopRequest) -> None:
    from keycrm_pipeline.orchestration.ended_exchanges import EndedExchanges
    from keycrm_pipeline.orchestration.instance import (
        full_home_in_words,
        open_instance,
        prepare_dagster_home,
    )
    from keycrm_pipeline.orchestration.profile_assets import PAGE_VARIABLE

    for used in (port, exchange_page_port(port)):
        check_port(used)
    settings = settings_from_environment(os.environ)
    # Only where there are no profiles yet: whoever removed the demo shop does not want it back.
    if not settings.profiles_directory.exists():
        _say(_("Wrote {path}: the demo shop.", path=write_demo_profile(settings)))
    home = dagster_home(os.environ)
    os.environ[HOME_VARIABLE] = str(home)
    os.environ[STARTED_BY_UP_VARIABLE] = "true"
    os.environ.setdefault(PAGE_VARIABLE, f"http://{HOST}:{exchange_page_port(port)}")
    with full_home_in_words(home):
        prepare_dagster_home(home)
    with full_home_in_words(home), only_start(home) as lock:
        services = Services(lock, os.environ)
        lock.write(f"{os.getpid()} ")
        lock.flush()
        say_what_is_wrong_with_profiles(settings)
        try:
            end_runs_that_died(settings, report=True)
            prepare_queue(settings)
            loads_demo = wants_first_load(settings)
            with open_instance() as instance:
                exchanges = EndedExchanges(instance, settings, datetime.now(UTC))
                failure = serve(services, port, host_names, exchanges, stop, loads_demo=loads_demo)
        except StopAskedError as asked:
            _say(f"\n{_('Stopping ({signal}).', signal=asked)}")
            failure = None
        finally:
            services.stop()
        end_runs_that_died(settings, report=False)
    if failure is not None:
        raise UpError(_("{failure}; everything else was stopped too.", failure=failure))
    _say(_("Stopped."))


def say_what_is_wrong_with_profiles(settings: Settings) -> None:
    """Says the mistakes of profiles, and which profiles have no key: neither is loaded, and the others are."""
    profiles, errors = load_profiles(settings)
    for error in errors:
        _say(error_in_words(error))
    for profile in profiles:
        try:
            Workspace(profile, settings).api_key(os.environ)
        except MissingKeyError as missing:
            reason = error_in_words(missing)
            _say(f"{reason} {_('Until then nothing is loaded automatically for this profile.')}")
