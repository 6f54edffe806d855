"""A private desktop for one test: screen, window manager, session bus, keychain and folders."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from waiting import until

ROOT = Path(__file__).resolve().parent.parent
BINARIES = ROOT / "target" / "debug"
SHOTS = Path(__file__).resolve().parent / "shots"
KEYCHAIN_SERVICE = "io.github.multicloudmanager.dev"
SCHEME = "io.github.multicloudmanager"

# All that a test inherits. A variable of the machine, such as the `CI` of a service that builds software, changes what
# mcm does.
INHERITED = ("PATH", "PYENV_ROOT", "TMPDIR", "USER", "LOGNAME", "SHELL", "TERM", "RUST_BACKTRACE")


class Desktop:
    """Everything lives below one temporary folder. After `close` nothing runs."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="mcm-e2e-"))
        self.running = []
        home = self.folder / "home"
        self.env = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self.env |= {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "LC_ALL": "C.UTF-8",
        }
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            Path(self.env[name]).mkdir(parents=True, mode=0o700, exist_ok=True)
        try:
            self._start_screen()
            self._start_bus()
            self._start_keychain()
            self.start("openbox", log="openbox")
        except BaseException:
            self.close()
            raise

    def start(self, *command, log, env=None, **options):
        """Starts a program that ends with the desktop."""
        output = open(self.folder / f"{log}.log", "ab")
        program = subprocess.Popen(
            [str(word) for word in command],
            env=self.env | (env or {}),
            cwd=self.folder,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", output),
            stderr=output,
            **options,
        )
        self.running.append(program)
        return program

    def run(self, *command, check=True, patience=30):
        """Runs a program to its end and returns its output."""
        done = subprocess.run(
            [str(word) for word in command],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def close(self):
        for program in reversed(self.running):
            program.terminate()
        for program in reversed(self.running):
            try:
                program.wait(timeout=5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_screen(self):
        read, write = os.pipe()
        screen = (
            "Xvfb",
            "-displayfd",
            write,
            "-screen",
            "0",
            "1280x800x24",
            "-nolisten",
            "tcp",
            "-fbdir",
            self.folder,
        )
        self.start(*screen, log="screen", pass_fds=[write])
        os.close(write)
        with open(read, encoding="ascii") as number:
            self.env["DISPLAY"] = ":" + number.readline().strip()

    def _start_bus(self):
        address = f"unix:path={self.folder}/run/bus"
        bus = self.start(
            "dbus-daemon",
            "--session",
            "--nofork",
            "--print-address=1",
            f"--address={address}",
            log="bus",
            stdout=subprocess.PIPE,
        )
        self.env["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().decode().strip()

    def _start_keychain(self):
        keychain = self.start(
            "gnome-keyring-daemon",
            "--foreground",
            "--unlock",
            "--components=secrets",
            log="keychain",
            stdin=subprocess.PIPE,
        )
        keychain.stdin.write(b"open sesame")
        keychain.stdin.close()
        owner = (
            "gdbus",
            "call",
            "--session",
            "--dest",
            "org.freedesktop.DBus",
            "--object-path",
            "/",
            "--method",
            "org.freedesktop.DBus.NameHasOwner",
            "org.freedesktop.secrets",
        )
        until("the keychain runs", lambda: "true" in self.run(*owner).stdout)

    def keychain_entries(self):
        """The names of this app's entries in the keychain."""
        found = self.run("secret-tool", "search", "--all", "service", KEYCHAIN_SERVICE, check=False)
        lines = (found.stdout + found.stderr).splitlines()
        return sorted(line.split(" = ", 1)[1] for line in lines if line.startswith("attribute.username"))

    def windows(self):
        """The ids of the dashboard's visible windows."""
        return self.run(
            "xdotool", "search", "--onlyvisible", "--name", "^Multi-Cloud Manager$", check=False
        ).stdout.split()

    def close_window(self, number):
        """Closes a window as its frame's button does: the window manager asks the program to close it. `xdotool
        windowclose` would disconnect the program instead, and the keys for it do nothing in some sessions."""
        self.run("wmctrl", "-i", "-c", number)

    def active_window(self):
        """The title of the window that has the keyboard."""
        return self.run("xdotool", "getactivewindow", "getwindowname", check=False).stdout.strip()

    def is_drawn(self):
        """Whether the middle of the screen, where the dashboard is, shows more than a background."""
        colours = self.run("import", "-window", "root", "-crop", "800x500+240+150", "-format", "%k", "info:-")
        return int(colours.stdout) > 16

    def shot(self, name):
        """Saves a picture of the whole screen."""
        SHOTS.mkdir(exist_ok=True)
        self.run("import", "-window", "root", SHOTS / f"{name}.png")

    def still_shot(self, name):
        """Saves a picture of the whole screen once nothing moves."""
        self.shot(name)

        def stands_still():
            self.shot(f"{name}-again")
            difference = self.difference(name, f"{name}-again")
            (SHOTS / f"{name}-again.png").replace(SHOTS / f"{name}.png")
            return difference == 0

        until("the screen stands still", stands_still, look=0.2)

    def difference(self, one, other):
        """The number of pixels of two pictures that differ by more than a shade."""
        compared = self.run(
            "compare",
            "-metric",
            "AE",
            "-fuzz",
            "8%",
            SHOTS / f"{one}.png",
            SHOTS / f"{other}.png",
            "null:",
            check=False,
        )
        return int(float(compared.stderr.split()[0]))
