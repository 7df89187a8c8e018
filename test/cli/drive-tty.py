"""Runs a program on a pseudo-terminal and types keys once a pattern has appeared. JSON on stdin, JSON on stdout."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

request = json.load(sys.stdin)
rows, columns = map(int, request["size"].split("x"))
keys = [(pattern.encode(), typed.encode()) for pattern, typed in request["keys"]]

pid, terminal = pty.fork()
if pid == 0:
    # Give the parent time to set the size.
    time.sleep(0.2)
    os.execv(request["argv"][0], request["argv"])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

output = b""
seen = 0
until = time.time() + request["timeoutSeconds"]
while True:
    if time.time() > until:
        os.kill(pid, signal.SIGKILL)
        output += b"\n[killed: it took too long]"
        break
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        output += chunk
    if keys and re.search(keys[0][0], output[seen:]):
        seen = len(output)
        time.sleep(0.3)
        os.write(terminal, keys.pop(0)[1])

_, status = os.waitpid(pid, 0)
json.dump({"code": os.waitstatus_to_exitcode(status), "output": output.decode(errors="replace")}, sys.stdout)
