"""What a running program holds: handles, processes, memory, and objects on the session bus."""

import os
import re
from collections import Counter
from pathlib import Path

from app import descendants, program_of
from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from waiting import until

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

# Files that WebKit opens once, to see how much memory the machine has left.
LOOKED_AT_BY_WEBKIT = re.compile(r"handle (/proc/(meminfo|zoneinfo|N/cgroup)|/sys/fs/cgroup/.*)")


class Holdings:
    """Inspects one process and those below it, from outside."""

    def __init__(self, desktop, pid):
        self.pid = pid
        # Connections that send requests and answer none.
        self.silent = set()
        self.bus = open_dbus_connection(desktop.env["DBUS_SESSION_BUS_ADDRESS"])

    def counts(self):
        """Counts open handles by kind, processes by program, and objects on the bus, the keychain's sessions
        included, because its clients open them."""
        return self.handles() + self.processes() + self.objects()

    def settles_at(self, counts, allowed=Counter()):
        """Waits until no count exceeds the former one plus what is allowed."""
        grown = Counter()

        def has_not_grown():
            nonlocal grown
            grown = self.counts() - counts - allowed
            return not grown

        try:
            until("what was opened is closed again", has_not_grown)
        except AssertionError:
            raise AssertionError(f"more than before: {dict(grown)}") from None

    def handles(self):
        kinds = Counter()
        for handle in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                kinds[f"handle {without_numbers(os.readlink(handle))}"] += 1
            except FileNotFoundError:
                continue  # Closed in the meantime, or the handle of this listing itself.
        return Counter(
            {kind: count for kind, count in kinds.items() if not LOOKED_AT_BY_WEBKIT.fullmatch(kind)}
        )

    def processes(self):
        return Counter(f"process {Path(program_of(pid)).name}" for pid in descendants(self.pid))

    def objects(self):
        mine = [name for name in self._names() if self._process_of(name) == self.pid]
        paths = [path for name in mine for path in self._paths(name, "/")]
        rules = sum(self._rules(name) for name in mine)
        sessions = self._paths("org.freedesktop.secrets", "/org/freedesktop/secrets/session")
        totals = {"connection": len(mine), "match rule": rules, "keychain session": len(sessions) - 1}
        return Counter(f"object {without_numbers(path)}" for path in paths) + Counter(totals)

    def memory(self):
        """The memory that the process has written, in MiB, without its share of mapped files, which others change."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss_Anon: +(\d+) kB", rollup, re.MULTILINE).group(1)) / 1024

    def close(self):
        self.bus.close()

    def _names(self):
        reply = self.bus.send_and_get_reply(message_bus.ListNames(), timeout=10)
        return [name for name in reply.body[0] if name.startswith(":")]

    def _process_of(self, name):
        reply = self.bus.send_and_get_reply(message_bus.GetConnectionUnixProcessID(name), timeout=10)
        return reply.body[0] if reply.header.message_type == MessageType.method_return else None

    def _rules(self, name):
        """The number of signals that a connection listens for, according to the bus."""
        stats = DBusAddress(
            "/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus.Debug.Stats"
        )
        reply = self.bus.send_and_get_reply(
            new_method_call(stats, "GetConnectionStats", "s", (name,)), timeout=10
        )
        return reply.body[0]["MatchRules"][1] if reply.header.message_type == MessageType.method_return else 0

    def _paths(self, name, path):
        """The paths of an object and those below it."""
        if name in self.silent:
            return []
        call = new_method_call(DBusAddress(path, name, INTROSPECTABLE), "Introspect")
        try:
            reply = self.bus.send_and_get_reply(call, timeout=3)
        except TimeoutError:
            self.silent.add(name)
            return []
        if reply.header.message_type == MessageType.error:
            return []
        below = re.findall(r'<node name="([^"]+)"', reply.body[0])
        return [path, *(one for child in below for one in self._paths(name, f"{path.rstrip('/')}/{child}"))]


def without_numbers(name):
    """Replaces numbers that only distinguish one object from the next, such as a window's."""
    return re.sub(r"[0-9]+", "N", name)
