"""Serves the page with uvicorn, in this process, until it is stopped.

What is not here: what `make run` starts beside it.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from keycrm_pipeline.language import _
from keycrm_pipeline.page.application import create_application
from keycrm_pipeline.page.passwords import read_password
from keycrm_pipeline.page.profiles import read_profiles
from keycrm_pipeline.page.rendering import prepare
from keycrm_pipeline.page.settings import PageError, PageSettings


def _open_port(page: PageSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in page.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((page.host, page.port))
    except OSError as error:
        opened.close()
        raise PageError(
            _(
                "The page cannot use port {port} on {host} ({reason}). Stop the program that uses it, "
                "or choose another port: keycrm-pipeline page --port {other}",
                port=page.port,
                host=page.host,
                reason=error.strerror,
                other=page.port + 1,
            )
        ) from None
    opened.set_inheritable(True)
    return opened


@contextlib.contextmanager
def listening(page: PageSettings) -> Iterator[Callable[[], None]]:
    """Opens the port, and gives what then serves the page until SIGINT or SIGTERM; browsers can connect already.

    Raises:
        PageError: The port is in use, or the password file is missing or unusable.
    """
    if page.password_file is not None:
        read_password(page.password_file)
    application = create_application(page)
    config = uvicorn.Config(
        application,
        # Addresses hold no names, and even so nobody needs a list of who looked at which order.
        access_log=False,
        log_level="warning",
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    with _open_port(page) as opened:
        opened.listen(config.backlog)
        server = uvicorn.Server(config)
        try:
            yield lambda: server.run(sockets=[opened])
        finally:
            server.should_exit = True


def serve(page: PageSettings, ready: Callable[[str], None] = lambda _address: None) -> None:
    """Serves the page until SIGINT or SIGTERM.

    Args:
        page: How it is served.
        ready: Called with the address once browsers can connect.

    Raises:
        PageError: As for `listening`.
    """
    with listening(page) as run:
        # What is slow the first time is done before anybody waits for it: DuckDB, templates, names of months.
        prepare()
        read_profiles(page)
        ready(page.address)
        # uvicorn raises it again after it has stopped in order.
        with contextlib.suppress(KeyboardInterrupt):
            run()
