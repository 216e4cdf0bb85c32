"""Reads the body of an answer, unpacked, up to a limit: a small compressed one may stand for any size.

httpx unpacks whatever arrives in one go, however much it becomes: a megabyte took 2.4 gigabytes of memory. What is not
here: what the text of a body means (see `pages`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import httpx

ENCODING = "gzip"
"""The only compression that is asked for."""

_PACKED = ("gzip", "x-gzip", "deflate")
_PIECE = 1024 * 1024
"""Bytes that are unpacked at a time."""


class TooLargeBody(Exception):  # noqa: N818 - named for what happened, as the errors of this package
    """A body is larger than the limit."""


class DamagedBody(Exception):  # noqa: N818
    """A compressed body cannot be unpacked."""


def read_body(response: httpx.Response, most_bytes: int) -> bytes:
    """The unpacked body.

    Args:
        response: An answer that is being streamed.
        most_bytes: The limit.

    Raises:
        TooLargeBody: It is larger.
        DamagedBody: It is damaged, or packed in a way that was not asked for.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in (*_PACKED, "identity", ""):
        raise DamagedBody
    # What answers inside of this process is in memory already.
    arriving = [response.content] if response.is_stream_consumed else response.iter_raw()
    body = bytearray()
    try:
        for piece in _unpacked(arriving) if encoding in _PACKED else arriving:
            body += piece
            if len(body) > most_bytes:
                raise TooLargeBody
    except zlib.error:
        raise DamagedBody from None
    return bytes(body)


def _unpacked(arriving: Iterable[bytes]) -> Iterator[bytes]:
    """The unpacked pieces of a body, none larger than `_PIECE`."""
    # 32 more than the largest window: the header says whether it is gzip or zlib.
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    has_begun = False
    for raw in arriving:
        has_begun = True
        waiting = raw
        while waiting and not unpacker.eof:
            yield unpacker.decompress(waiting, _PIECE)
            waiting = unpacker.unconsumed_tail
    while piece := unpacker.decompress(b"", _PIECE):
        yield piece
    if has_begun and not unpacker.eof:
        raise DamagedBody
