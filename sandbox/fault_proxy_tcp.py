"""The fault proxy for any protocol that asks and answers over TCP, such as MySQL's: passes bytes on, and counts turns.

A turn begins with what the client says after the target spoke, and ends when the target answers; each turn draws one fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from sandbox.fault_proxy_dice import Fault, FaultDice

LOOPBACK = "127.0.0.1"
BEGINNING = 4096  # bytes of a request that the dice see
_CHUNK = 256 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)  # closing sends RST instead of FIN


def reset(transport: asyncio.BaseTransport | None) -> None:
    """End a connection as a crash does: RST, and nothing that still waits is sent."""
    if not isinstance(transport, asyncio.Transport):
        return
    found: socket.socket | None = transport.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):  # closed by the other side meanwhile
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


class TcpRelay:
    """Passes the turns of connections on to a target."""

    def __init__(self, target: tuple[str, int], dice: FaultDice) -> None:
        self._target = target
        self._dice = dice
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> asyncio.Server:
        """Listen on a loopback port."""
        return await asyncio.start_server(self._serve, LOOPBACK, port, backlog=1024)

    def reset_all(self) -> None:
        """Reset every connection."""
        for task in tuple(self._tasks):
            task.cancel()

    async def close(self) -> None:
        """Reset every connection and wait until they are gone."""
        self.reset_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine of the loop runs in a task"
        self._tasks.add(task)
        self._dice.counts["connections"] += 1
        try:
            await self._connect(reader, writer)
        except OSError:
            self._dice.counts["target_away"] += 1
        except asyncio.CancelledError:
            pass  # reset_all: the connection ends below, and with it this task
        finally:
            reset(writer.transport)
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        talk = _Talk(self._dice)
        pumps = {
            asyncio.create_task(talk.pass_requests(reader, target_writer)),
            asyncio.create_task(talk.pass_answers(target_reader, writer)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            target_writer.close()


class _Talk:
    """One connection: the turn that is on, and its fault. A pump that returns ends the connection."""

    def __init__(self, dice: FaultDice) -> None:
        self._dice = dice
        self._is_asking = False
        self._fault = Fault.NONE

    async def pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            if not self._is_asking:
                self._is_asking = True
                self._fault = self._dice.draw(chunk[:BEGINNING])
            if self._fault is Fault.RESET:
                return
            if self._fault is Fault.HALF_REQUEST:
                writer.write(chunk[: len(chunk) // 2])
                await writer.drain()
                return
            if self._fault is Fault.DELAY:
                await asyncio.sleep(self._dice.delay_seconds)
            writer.write(chunk)
            await writer.drain()

    async def pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            fault, self._fault, self._is_asking = self._fault, Fault.NONE, False
            if fault is Fault.ACCEPT_THEN_RESET:
                return
            if fault is Fault.HALF_ANSWER:
                writer.write(chunk[: len(chunk) // 2])
                await writer.drain()
                return
            writer.write(chunk)
            await writer.drain()
