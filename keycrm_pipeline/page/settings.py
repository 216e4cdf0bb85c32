"""Where the page is served, whom it lets in, and what it needs from outside.

What is not here: the settings of a shop, which are in its profile.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from keycrm_pipeline.language import _
from keycrm_pipeline.other_sites import THIS_MACHINE
from keycrm_pipeline.profile import DEFAULT_BASE_URL, Settings

PORT = 3001
DAGSTER = "http://127.0.0.1:3000"
LOOPBACK = "127.0.0.1"


class PageError(Exception):
    """The page cannot be served like this; the text says why and what to do."""


@dataclass(frozen=True)
class PageSettings:
    """How the page is served.

    Attributes:
        settings: Where profiles and data are.
        dagster: Address of Dagster's page, without a slash at the end.
        host: The address to listen on.
        port: The port to listen on.
        host_names: Names by which browsers may call the page besides those of this machine.
        password_file: The password's hash; without it nobody is asked for one.
        clock: Returns the current time, aware.
        keycrm_url: Address of KeyCRM's API for new profiles.
        dagster_link: Address by which browsers reach Dagster's page, without a slash at the end; None to find out.
    """

    settings: Settings
    dagster: str = DAGSTER
    host: str = LOOPBACK
    port: int = PORT
    host_names: tuple[str, ...] = ()
    password_file: Path | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    keycrm_url: str = DEFAULT_BASE_URL
    dagster_link: str | None = None

    def __post_init__(self) -> None:
        """Refuses to show the books to a network without a password.

        Raises:
            PageError: The address is not of this machine alone, and there is no password file.
        """
        if not is_loopback(self.host) and self.password_file is None:
            raise PageError(
                _(
                    "The page would be open to everybody who can reach {host}. Give it a password: "
                    "keycrm-pipeline page --set-password --password-file FILE, then start it with "
                    "--password-file FILE.",
                    host=self.host,
                )
            )
        for address in (self.dagster, self.dagster_link):
            if address is not None and not address.startswith(("http://", "https://")):
                raise PageError(
                    _(
                        "{dagster} is no address of Dagster's page; it begins with http:// or https://.",
                        dagster=address,
                    )
                )

    @property
    def allowed_hosts(self) -> list[str]:
        """Hosts that are answered; another one may be of a page that rebinds its own name to this machine."""
        own = [] if self.host in ("0.0.0.0", "::") else [self.host]  # noqa: S104 - compared, not bound
        return list(dict.fromkeys([*THIS_MACHINE, *own, *self.host_names]))

    def dagster_for(self, host: str | None) -> str | None:
        """Address of Dagster's page for a browser; None if that browser cannot reach it.

        A Dagster that only this machine reaches is linked to by the name with which the browser called this page, and
        not at all for a browser that came from elsewhere, such as through a proxy.

        Args:
            host: The host by which the browser called the page.
        """
        if self.dagster_link is not None:
            return self.dagster_link
        parts = urlsplit(self.dagster)
        if not is_loopback(parts.hostname or ""):
            return self.dagster
        if host is None or not is_loopback(host):
            return None
        name = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{name}{f':{parts.port}' if parts.port else ''}{parts.path}"

    @property
    def cookie(self) -> str:
        """Name of the cookie; browsers share cookies between the ports of a machine."""
        return f"keycrm_page_{self.port}"

    @property
    def address(self) -> str:
        """Where people open the page."""
        host = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
