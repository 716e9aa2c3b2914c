"""Bodies of bounded size, time and unpacked size; all of them together take bounded memory."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request

from regress.config import AccessConfig

_MB = 1_000_000
_TOGETHER = 8
"""How many of the largest bodies may be here at once; who comes then is asked to come again."""


class Uploads:
    """How much may come in."""

    def __init__(self, access: AccessConfig) -> None:
        self._packed = access.upload_mb * _MB
        self._unpacked = access.unpacked_mb * _MB
        self._seconds = access.upload_seconds
        self._room = _TOGETHER * self._packed

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytearray]:
        """The body as it came, while the context lasts.

        HTTPException: 413 too large, 408 too slow, 415 packed in another way, 429 too many at once.
        """
        _encoding(request)
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._packed:
            raise self._too_large()
        data = bytearray()
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in request.stream():
                    self._take(data, chunk)
            yield data
        except TimeoutError:
            raise HTTPException(408, f"A body must be here within {self._seconds} s") from None
        finally:
            self._room += len(data)

    def _take(self, data: bytearray, chunk: bytes) -> None:
        if len(data) + len(chunk) > self._packed:
            raise self._too_large()
        if len(chunk) > self._room:
            raise HTTPException(429, "Too many bodies at once: try again", {"Retry-After": "2"})
        self._room -= len(chunk)
        data += chunk

    def _too_large(self) -> HTTPException:
        return HTTPException(413, f"A body has at most {self._packed // _MB} MB: [access] upload_mb")

    def unpack(self, request: Request, data: bytearray) -> bytes:
        """What a body says; HTTPException 413 where little became too much, 400 where it is damaged."""
        if _encoding(request) != "gzip":
            return bytes(data)
        unpacker = zlib.decompressobj(wbits=31)  # gzip's header and checksum
        try:
            told = unpacker.decompress(data, self._unpacked + 1)
        except zlib.error as error:
            raise HTTPException(400, f"The body is no gzip: {error}") from error
        if len(told) > self._unpacked:
            most = self._unpacked // _MB
            raise HTTPException(413, f"A body has at most {most} MB unpacked: [access] unpacked_mb")
        if not unpacker.eof or unpacker.unused_data:
            raise HTTPException(400, "The body is no gzip: it is cut off, or more follows")
        return told


def _encoding(request: Request) -> str:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("gzip", "identity"):
        taken = {"Accept-Encoding": "gzip, identity"}
        raise HTTPException(415, "A body is packed with gzip, or not at all", taken)
    return encoding
