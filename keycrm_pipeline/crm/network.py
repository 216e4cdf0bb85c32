"""How requests leave this machine: certificates, the proxy, and a deadline for each whole answer.

What belongs here: what the environment says about the network, and sockets. What does not: requests, retries and
what an answer means (see `connection`).
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.sentences.client import Client, Variable

_SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


class Deadline(threading.local):
    """Until when the current thread's request may be reading, on the clock `time.monotonic`; None for ever."""

    at: float | None = None

    @property
    def has_passed(self) -> bool:
        """Whether the answer has taken too long."""
        return self.at is not None and time.monotonic() >= self.at


class _TimedStream(httpcore.NetworkStream):
    """A stream whose reads end at the deadline.

    The read timeout of httpx begins again with each byte, and headers and 1xx answers are read inside httpcore.
    """

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has arrived, waiting until the deadline at most."""
        if self._deadline.has_passed:
            raise httpcore.ReadTimeout
        if self._deadline.at is not None:
            left = max(0.001, self._deadline.at - time.monotonic())
            timeout = left if timeout is None else min(timeout, left)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(self, *arguments: Any, **named: Any) -> httpcore.NetworkStream:
        """The encrypted stream over this one, with the same deadline."""
        return _TimedStream(self._stream.start_tls(*arguments, **named), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What the stream knows of its socket."""
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.SyncBackend):
    """Opens connections whose reads end at the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        try:
            stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        except UnicodeError:
            # What sockets say of a name that no host can have, such as one with two dots in a row.
            raise httpcore.ConnectError from None
        return _TimedStream(stream, self._deadline)


class _Transport(httpx.HTTPTransport):
    """The transport of httpx; it has no public way to use other sockets (httpx 0.28, httpcore 1.0)."""

    def __init__(self, deadline: Deadline, proxy: httpx.Proxy | None, limits: httpx.Limits) -> None:
        super().__init__(proxy=proxy, limits=limits)
        self._pool._network_backend = _TimedBackend(deadline)


def open_transport(base_url: str, deadline: Deadline, limits: httpx.Limits) -> httpx.BaseTransport:
    """Connections to KeyCRM as the environment asks for: `HTTPS_PROXY` and its like, `SSL_CERT_FILE`.

    Args:
        base_url: The address of the API.
        deadline: Set by the thread that makes a request; ends the reads of that request.
        limits: How many connections there may be.

    Raises:
        KeyCrmError: A variable of the environment is unusable; its value is not shown, for it may hold a password.
    """
    variable, address = _proxy_of(base_url)
    proxy = None
    if address is not None:
        try:
            proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        except (ValueError, httpx.InvalidURL):
            raise _unusable(variable, Variable.NO_PROXY_ADDRESS) from None
    try:
        return _Transport(deadline, proxy, limits)
    except ImportError:
        raise _unusable(variable, Variable.SOCKS_PROXY) from None
    except ValueError:
        raise _unusable(variable, Variable.NO_PROXY_ADDRESS) from None
    except OSError:
        # Also `ssl.SSLError`. These two are all that httpx reads for certificates, in this order.
        variable = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), "")
        if not variable:
            raise
        raise _unusable(variable, Variable.NO_CERTIFICATES) from None


def _unusable(variable: str, reason: Variable) -> KeyCrmError:
    return KeyCrmError(Client.VARIABLE_UNUSABLE.message(variable=variable, reason=reason.message()))


def is_loopback(host: str) -> bool:
    """Whether an address stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_certificate_refused(error: BaseException) -> bool:
    """Whether a connection failed because the other side's certificate is not one that is trusted."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _proxy_of(url: str) -> tuple[str, str | None]:
    """The name of the variable that sets the proxy for an address, and its value; None if no proxy is to be used."""
    parts = urlsplit(url)
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        # A proxy could not reach this machine, and would read the key.
        return "", None
    proxies = getproxies()
    for kind in (parts.scheme, "all"):
        if proxies.get(kind):
            name = f"{kind}_proxy"
            shown = name if os.environ.get(name) else name.upper()
            return shown, None if proxy_bypass(parts.hostname or "") else proxies[kind]
    return "", None
