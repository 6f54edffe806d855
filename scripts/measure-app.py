"""Measures the release build of the app beside an empty Tauri app: memory of the whole process tree, and the time until
the window is seen and until it shows what it has to show. Then what the hidden app costs with many accounts: how often it
wakes and what it writes while nothing changes, and the processor time that one change by `mcm` takes it, the tray's menu
included. Each on a private desktop; prints medians and ratios.

Run with e2e/python and the benchmark program `growth`, which fills a home with accounts. Only figures of one run are worth comparing; nothing is asserted.
"""

import mmap
import os
import re
import shutil
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "e2e"))

from app import descendants, web_processes  # noqa: E402
from desktop import Desktop  # noqa: E402
from tray import TrayHost  # noqa: E402
from waiting import until  # noqa: E402

RELEASE = ROOT / "target" / "release"
GROWTH = sys.argv[1]
RUNS = int(os.environ.get("RUNS", "5"))
# How many accounts, and how many targets each has.
SIZES = [(3, 12), (1_000, 12), (1_000, 60), (10_000, 12)]
# Seconds without any change, and how many changes follow.
IDLE = 20
CHANGES = 5
# Seconds between two looks at the screen.
LOOK = 0.004
# How long nothing may change before a start, or memory, counts as settled.
SETTLED = 1.5
# The part of the screen that is compared: the middle of the window, where the list of accounts is.
LEFT, TOP, WIDTH, HEIGHT = 220, 30, 600, 600


class Screen:
    """The pixels of a private screen, read from its memory, so that looking costs the server nothing."""

    def __init__(self, desktop):
        with open(desktop.folder / "Xvfb_screen0", "rb") as file:
            self.memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # The header of an X window dump: its length, and where the rows begin and how long they are.
        header = struct.unpack(">25I", self.memory[:100])
        self.begin, self.row = header[0] + header[19] * 12, header[12]

    def look(self):
        """Every third row of the middle."""
        rows = range(TOP, TOP + HEIGHT, 3)
        return b"".join(
            self.memory[
                self.begin + row * self.row + LEFT * 4 : self.begin + row * self.row + (LEFT + WIDTH) * 4
            ]
            for row in rows
        )

    def changes(self, last, awaited=0):
        """The pictures after the last one, each with its time, until the expected number came and no more follow."""
        seen, since = 0, time.perf_counter()
        deadline = since + 30
        while seen < awaited or time.perf_counter() < since + SETTLED:
            assert time.perf_counter() < deadline, "nothing new is seen, or it does not come to rest"
            time.sleep(LOOK)
            now = self.look()
            if now != last:
                last, since, seen = now, time.perf_counter(), seen + 1
                yield since, now

    def settled(self):
        """The picture once nothing changes any more: a starting desktop draws by itself."""
        last = self.look()
        for _, last in self.changes(last):
            pass
        return last


def start(desktop, command, env):
    """Starts a program with a window. Returns it, and the seconds until its window was visible and until it was drawn in
    its final form."""
    screen = Screen(desktop)
    before = screen.settled()
    began = time.perf_counter()
    program = desktop.start(*command, log="app", env=env)
    changes = list(screen.changes(before, awaited=1))
    (seen, _), (_, last) = changes[0], changes[-1]
    # A clock or a caret does not count: the first picture that equals the last one but for a hundredth.
    drawn = next(at for at, picture in changes if differs(picture, last) < 0.01)
    return program, seen - began, drawn - began


def differs(one, other):
    """The share of pixels that differ, from a sample."""
    samples = range(0, len(one), 4 * 7)
    return sum(one[at : at + 4] != other[at : at + 4] for at in samples) / len(samples)


def memory(pid):
    """The settled memory of a process and those below it, in MiB: shared, resident, private and written."""
    last, since = None, time.monotonic()
    deadline = since + 30
    while time.monotonic() < deadline:
        now = tree(pid)
        if last is None or abs(now["PSS"] - last["PSS"]) > 1:
            last, since = now, time.monotonic()
        elif time.monotonic() > since + SETTLED:
            break
        time.sleep(0.1)
    return last


def tree(pid):
    total = {"PSS": 0, "RSS": 0, "dirty": 0}
    for one in [pid, *descendants(pid)]:
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        for name, field in [("PSS", "Pss"), ("RSS", "Rss"), ("dirty", "Private_Dirty")]:
            total[name] += int(re.search(rf"^{field}: +(\d+) kB", rollup, re.MULTILINE).group(1)) / 1024
    return total


def open_then_hide(name, command, env, prepare=None):
    """One life: opened, closed so that the tray stays."""
    desktop, tray = desktop_with_tray(prepare)
    try:
        program, seen, drawn = start(desktop, command, env)
        opened = memory(program.pid)
        until("the window is closed", lambda: is_closed(desktop, name))
        until("the web view is gone", lambda: not web_processes(program.pid))
        hidden = memory(program.pid)
        return {"seen": seen, "drawn": drawn, "open": opened, "hidden": hidden}
    finally:
        tray.close()
        desktop.close()


def is_closed(desktop, name):
    """Whether a window is gone. One that exists is asked to close; it may not be listening yet."""
    found = desktop.run(
        "xdotool", "search", "--onlyvisible", "--name", f"^{name}$", check=False
    ).stdout.split()
    for window in found:
        desktop.run("wmctrl", "-i", "-c", window, check=False)
    return not found


def start_hidden(command, env, prepare=None):
    desktop, tray = desktop_with_tray(prepare)
    try:
        program = desktop.start(*command, "--hidden", log="app", env=env)
        until("the icon is in the tray", tray.items)
        settled = memory(program.pid)
        assert not web_processes(program.pid), "a hidden start needs no web view"
        return settled
    finally:
        tray.close()
        desktop.close()


def desktop_with_tray(prepare):
    desktop = Desktop()
    if prepare:
        prepare(desktop)
    return desktop, TrayHost(desktop)


def accounts(count, targets):
    """Fills the home of a desktop with this many accounts, each with so many targets."""

    def prepare(desktop):
        home = desktop.folder / "mcm"
        subprocess.run([GROWTH, "fill", home / "data", str(count), str(targets)], check=True)
        desktop.env["MCM_HOME"] = str(home)

    return prepare


def idle(count, targets):
    """The hidden app: wake-ups a second and bytes written while nothing changes, and the milliseconds of processor time
    that one change by another process takes it."""
    desktop, tray = desktop_with_tray(accounts(count, targets))
    try:
        program = desktop.start(RELEASE / "multi-cloud-manager", "--hidden", log="app")
        until("the icon is in the tray", tray.items)
        memory(program.pid)
        before, began = (wakes(program.pid), written(program.pid)), time.perf_counter()
        time.sleep(IDLE)
        seconds = time.perf_counter() - began
        after = wakes(program.pid)
        # A thread that ended meanwhile takes its count along; the others are compared one by one.
        woken = sum(count - before[0].get(thread, 0) for thread, count in after.items())
        wrote = written(program.pid) - before[1]
        spent = processor_time(program.pid)
        for number in range(CHANGES):
            rename = [RELEASE / "mcm", "rename", "ada@customer-00000.example", f"Renamed {number}"]
            desktop.run(*map(str, rename))
            time.sleep(1)
        spent = processor_time(program.pid) - spent
        return {"woken": woken / seconds, "wrote": wrote, "change": spent * 1e3 / CHANGES}
    finally:
        tray.close()
        desktop.close()


def wakes(pid):
    """How often each thread of a process has waited and was woken."""
    threads = {
        thread.parent.name: thread.read_text() for thread in Path(f"/proc/{pid}/task").glob("*/status")
    }
    switches = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)
    return {name: int(switches.search(text).group(1)) for name, text in threads.items()}


def written(pid):
    """The bytes that a process has written, to whatever."""
    return int(re.search(r"^write_bytes: (\d+)", Path(f"/proc/{pid}/io").read_text(), re.MULTILINE).group(1))


def processor_time(pid):
    """The seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median(runs):
    """The median of runs, field by field."""
    if isinstance(runs[0], dict):
        return {name: median([run[name] for run in runs]) for name in runs[0]}
    return statistics.median(runs)


def say(what, value, base=None, unit="MiB"):
    ratio = f"   {value / base:5.2f} times the empty app" if base else ""
    print(f"{what:<44} {value:8.1f} {unit}{ratio}", flush=True)


def say_memory(what, value, base=None):
    for kind, words in [("PSS", "PSS"), ("RSS", "RSS"), ("dirty", "private, written")]:
        say(f"{what}, {words}", value[kind], base and base[kind])


def chromium():
    """A Chromium app window with one static page, where it is installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print(f"{'a Chromium app window':<44} not installed")
        return
    desktop = Desktop()
    try:
        page = ROOT / "src-tauri/bench/empty/page/index.html"
        flags = [
            "--no-sandbox",
            "--no-first-run",
            f"--user-data-dir={desktop.folder}/chromium",
            "--window-size=1200,760",
        ]
        started, seen, drawn = start(desktop, [program, *flags, f"--app=file://{page}"], {})
        say_memory("a Chromium app window", memory(started.pid))
        say("a Chromium app window, drawn", drawn * 1e3, unit="ms")
    finally:
        desktop.close()


def main():
    apps = {"empty": ("Empty App", RELEASE / "empty-app", None)}
    for count, targets in SIZES:
        name = f"{count:,} x {targets}"
        apps[name] = ("Multi-Cloud Manager", RELEASE / "multi-cloud-manager", accounts(count, targets))
    # Alternating, so that other load on the machine affects all alike.
    lives = {which: [] for which in apps}
    hidden = {which: [] for which in apps}
    for _ in range(RUNS):
        for which, (name, binary, prepare) in apps.items():
            lives[which].append(open_then_hide(name, [binary], {}, prepare))
            hidden[which].append(start_hidden([binary], {}, prepare))
    lives = {which: median(runs) for which, runs in lives.items()}
    hidden = {which: median(runs) for which, runs in hidden.items()}
    for which in apps:
        base = None if which == "empty" else lives["empty"]
        say(f"{which}: window on the screen", lives[which]["seen"] * 1e3, base and base["seen"] * 1e3, "ms ")
        say(f"{which}: drawn with its data", lives[which]["drawn"] * 1e3, base and base["drawn"] * 1e3, "ms ")
        say_memory(f"{which}: open", lives[which]["open"], base and base["open"])
        say_memory(f"{which}: closed, in the tray", lives[which]["hidden"], base and base["hidden"])
        say_memory(f"{which}: started hidden", hidden[which], None if which == "empty" else hidden["empty"])
    for count, targets in SIZES:
        found = idle(count, targets)
        name = f"{count:,} x {targets}: hidden"
        say(f"{name}, woken", found["woken"], unit="times a second")
        say(f"{name}, written while idle", found["wrote"], unit="bytes")
        say(f"{name}, one change by mcm", found["change"], unit="ms of processor time")
    chromium()


main()
