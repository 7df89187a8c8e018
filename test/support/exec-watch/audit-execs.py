"""
Writes down every successful execve of this machine, all namespaces, with all its arguments: the kernel's own audit records, read from
netlink without a daemon. `audit-execs.py FILE` prints "watching", or "cannot: why" and ends 3; it ends when its stdin does, and then puts
the kernel's audit back as it was. One JSON line for each execve: {"pid": 1, "argv": ["sh", "-c", "…"]}, bytes as latin-1.
Last line of stdout: {"lost": n}, records that the kernel could not keep, as far as it counts them.

The first watch is the one whom the kernel waits for (unicast: it keeps records until they are read, and holds the process that
execs when too many wait). Further ones of the same machine read the multicast copy, which tells when it dropped some. A machine with an
audit daemon of its own is left alone: every execve would go into its log.

Sources: include/uapi/linux/audit.h, kernel/audit.c, kernel/auditsc.c (audit_log_execve_info) of Linux 6.x.
"""
import errno
import json
import os
import platform
import re
import select
import signal
import socket
import struct
import sys
import time

NETLINK_AUDIT = 9
GET, SET, ADD_RULE, DEL_RULE, LIST_RULES = 1000, 1001, 1011, 1012, 1013
SYSCALL, EXECVE, END_OF_EVENT = 1300, 1309, 1320
READLOG = 1
ENABLED, PID, BACKLOG_LIMIT = 1, 4, 16
KEY = "belay-exec-watch-"
BACKLOG = 32768
RECEIVE_BYTES = 64 << 20
# Architecture as audit names it → numbers of execve and execveat.
CALLS = {
    "x86_64": {0xC000003E: (59, 322), 0x40000003: (11, 358)},
    "aarch64": {0xC00000B7: (221, 281), 0x40000028: (11, 387)},
}
STATUS = struct.Struct("=10I")


class Refused(Exception):
    pass


class Netlink:
    """One socket of the audit subsystem."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT)
        self.socket.bind((0, 0))
        self.number = 0

    def ask(self, kind, payload=b""):
        """What the kernel answers; OSError when it refuses. Only for a socket to which no records come yet."""
        self.number += 1
        head = struct.pack("=IHHII", 16 + len(payload), kind, 0x5, self.number, 0)
        self.socket.sendto(head + payload, (0, 0))
        answers, acknowledged, done = [], False, kind != LIST_RULES
        while not (acknowledged and done and (answers or kind != GET)):
            if not select.select([self.socket], [], [], 5)[0]:
                raise Refused("the kernel's audit does not answer")
            data = self.socket.recv(65536)
            _, answer, _, number, _ = struct.unpack_from("=IHHII", data)
            if number != self.number:
                continue
            if answer == 2:
                code = -struct.unpack_from("=i", data, 16)[0]
                if code:
                    raise OSError(code, os.strerror(code))
                acknowledged = True
            elif answer == 3:
                done = True
            else:
                answers.append(data[16:])
        return answers

    def status(self):
        """enabled, pid, backlog limit, lost."""
        values = STATUS.unpack_from(self.ask(GET)[0].ljust(STATUS.size, b"\0"))
        return {"enabled": values[1], "pid": values[3], "backlog": values[5], "lost": values[6]}

    def set(self, mask, enabled=0, pid=0, backlog=0):
        self.ask(SET, STATUS.pack(mask, enabled, 0, pid, 0, backlog, 0, 0, 0, 0))


def rule(arch, calls, key):
    """struct audit_rule_data: always, at the end of these calls, on this architecture."""
    mask = [0] * 64
    for call in calls:
        mask[call // 32] |= 1 << (call % 32)
    fields = [11, 210] + [0] * 62
    values = [arch, len(key)] + [0] * 62
    flags = [0x40000000] * 2 + [0] * 62
    return struct.pack("=3I256I I", 4, 2, 2, *mask, *fields, *values, *flags, len(key)) + key


def own_rules(control):
    """Rules of watches of this kind: process id, what `enabled` and the backlog limit were before the first of them, rule."""
    found = []
    for data in control.ask(LIST_RULES):
        match = re.search(KEY.encode() + rb"(\d+)-(\d+)-(\d+)", data)
        if match:
            found.append((int(match[1]), int(match[2]), int(match[3]), data))
    return found


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}")


class Watch:
    def __init__(self, file):
        calls = CALLS.get(platform.machine())
        if calls is None:
            raise Refused(f"the numbers of execve on {platform.machine()} are not known here")
        self.control = Netlink()
        now = self.control.status()
        if now["enabled"] == 2:
            raise Refused("the rules of the kernel's audit are locked until the next boot")
        others = own_rules(self.control)
        # What the first of them found, also when it was killed and put nothing back.
        self.found = others[0][1:3] if others else (now["enabled"], now["backlog"])
        for pid, _, _, data in others:
            if not is_alive(pid):
                self.control.ask(DEL_RULE, data)
        others = [other for other in others if is_alive(other[0])]
        if now["pid"] and is_alive(now["pid"]) and now["pid"] not in [pid for pid, *_ in others]:
            raise Refused(f"an audit daemon (process {now['pid']}) has this machine's records")
        self.lost_before = now["lost"]
        self.dropped = 0
        self.file = open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="latin-1")
        self.parts, self.pids = {}, {}
        self.records = Netlink()
        for option in (33, socket.SO_RCVBUF):  # SO_RCVBUFFORCE first
            try:
                self.records.socket.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BYTES)
                break
            except OSError:
                continue
        self.is_waited_for = False
        if not self.take_over():
            self.records.socket.setsockopt(270, 1, READLOG)
        self.control.set(BACKLOG_LIMIT, backlog=max(BACKLOG, now["backlog"]))
        key = f"{KEY}{os.getpid()}-{self.found[0]}-{self.found[1]}".encode()
        self.rules = [rule(arch, numbers, key) for arch, numbers in calls.items()]
        for one in self.rules:
            self.control.ask(ADD_RULE, one)
        self.control.set(ENABLED, enabled=1)

    def take_over(self):
        """Becomes the one whom the kernel waits for. The socket that asks is the one that gets the records."""
        payload = STATUS.pack(PID, 0, 0, os.getpid(), 0, 0, 0, 0, 0, 0)
        taker = self.records.socket
        taker.sendto(struct.pack("=IHHII", 16 + len(payload), SET, 0x5, 1, 0) + payload, (0, 0))
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if not select.select([taker], [], [], 1)[0]:
                continue
            data = taker.recv(65536)
            if struct.unpack_from("=H", data, 4)[0] != 2:
                self.note(data)
                continue
            code = -struct.unpack_from("=i", data, 16)[0]
            if code not in (0, errno.EEXIST):
                raise OSError(code, os.strerror(code))
            self.is_waited_for = code == 0
            return self.is_waited_for
        raise Refused("the kernel's audit does not answer")

    def note(self, data):
        kind = struct.unpack_from("=H", data, 4)[0]
        if kind not in (SYSCALL, EXECVE, END_OF_EVENT):
            return
        text = data[16:]
        serial = text[text.find(b":") + 1 : text.find(b")")]
        if kind == SYSCALL:
            match = re.search(rb" pid=(\d+)", text)
            self.pids[serial] = int(match[1]) if match else 0
        elif kind == EXECVE:
            args = self.parts.setdefault(serial, {})
            for index, part, value in re.findall(rb' a(\d+)(?:\[(\d+)\])?=("[^"]*"|[0-9A-F]+)', text):
                plain = value[1:-1] if value[:1] == b'"' else bytes.fromhex(value.decode())
                args[(int(index), int(part or 0))] = plain
        else:
            pid, args = self.pids.pop(serial, 0), self.parts.pop(serial, None)
            if args is not None:
                self.write(pid, args)

    def write(self, pid, args):
        argv = [b""] * (max(index for index, _ in args) + 1 if args else 0)
        for index, part in sorted(args):
            argv[index] += args[(index, part)]
        json.dump({"pid": pid, "argv": [arg.decode("latin-1") for arg in argv]}, self.file, ensure_ascii=False)
        self.file.write("\n")

    def go_on(self):
        """Until stdin ends."""
        looked = time.monotonic()
        while True:
            ready, _, _ = select.select([self.records.socket, sys.stdin], [], [], 1)
            if self.records.socket in ready:
                self.read_what_is_there()
                self.file.flush()
            if not self.is_waited_for and time.monotonic() - looked > 1:
                looked = time.monotonic()
                if self.take_over():
                    self.records.socket.setsockopt(270, 2, READLOG)
            if sys.stdin in ready and not os.read(0, 4096):
                return

    def read_what_is_there(self):
        for _ in range(2000):
            try:
                self.note(self.records.socket.recv(65536, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self.dropped += 1

    def end(self):
        for one in self.rules:
            self.control.ask(DEL_RULE, one)
        until = time.monotonic() + 5
        while time.monotonic() < until and select.select([self.records.socket], [], [], 0.2)[0]:
            self.read_what_is_there()
        lost = self.control.status()["lost"] - self.lost_before
        if self.is_waited_for:
            self.control.set(PID, pid=0)
        if not [pid for pid, *_ in own_rules(self.control) if is_alive(pid)]:
            self.control.set(ENABLED | BACKLOG_LIMIT, enabled=self.found[0], backlog=self.found[1])
        self.records.socket.close()
        self.file.close()
        return lost + self.dropped


signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of stdin is the end
try:
    watch = Watch(sys.argv[1])
except (OSError, Refused) as error:
    print(f"cannot: {error}", flush=True)
    sys.exit(3)
print("watching", flush=True)
try:
    watch.go_on()
finally:
    print(json.dumps({"lost": watch.end()}), flush=True)
