"""Lets hosts on both lab networks reach a port of the controller.

    forward.py NAMESPACE PUBLIC_ADDRESS PRIVATE_ADDRESS PORT READY_FILE

Listens on PRIVATE_ADDRESS:PORT inside NAMESPACE and on PUBLIC_ADDRESS:PORT in the root namespace, and connects
every client to 127.0.0.1:PORT in the root namespace. One process in both namespaces, so that the controller
itself still has no route to the private network.
"""

import asyncio
import ctypes
import errno
import os
import socket
import sys

CLONE_NEWNET = 0x40000000


def enter(namespace_file):
    if ctypes.CDLL(None, use_errno=True).setns(namespace_file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"cannot enter {namespace_file.name}")


def listener(address, port):
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((address, port))
    bound.listen(128)
    return bound


async def copy(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def serve(bound, port):
    async def client(reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            # Nothing listens on the controller: the host sees the connection reset, as from a dead service.
            writer.transport.abort()
            return
        await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))
        up_writer.close()
        writer.close()

    server = await asyncio.start_server(client, sock=bound)
    await server.serve_forever()


async def main():
    namespace, public, private, port, ready = sys.argv[1:]
    port = int(port)
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{namespace}") as lab:
        enter(lab)
        listeners = [listener(private, port)]
        enter(home)
    try:
        listeners.append(listener(public, port))
    except OSError as error:
        # The controller's own service listens on every address: it is already reachable there.
        if error.errno != errno.EADDRINUSE:
            raise
    with open(ready, "w") as file:
        file.write(f"{os.getpid()}\n")
    await asyncio.gather(*(serve(bound, port) for bound in listeners))


asyncio.run(main())
