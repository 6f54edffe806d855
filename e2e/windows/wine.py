"""Windows programs on Linux: one wine prefix, its registry, and the paths that its programs see."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from desktop import ROOT

WINE = "/usr/lib/wine/wine64"
PREFIX = Path(os.environ.get("WINEPREFIX", ROOT / "target/cross/wine"))
USER = PREFIX / "drive_c/users" / os.environ.get("USER", "root")
PROGRAMS = ("multi-cloud-manager.exe", "mcm.exe", "mcm-full.exe")


class Wine:
    """Runs programs on a desktop's screen. `env` is what every one of them inherits."""

    def __init__(self, desktop):
        self.desktop = desktop
        self.env = desktop.env | {"WINEPREFIX": str(PREFIX), "WINEDEBUG": "-all"}
        # They name files of Linux, which no program finds on Windows.
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            self.env.pop(name, None)
        # The prefix belongs to the user who made it; the desktop's home is another one.
        self.env["HOME"] = str(Path.home())
        self.env["WINEDLLOVERRIDES"] = "mscoree,mshtml,winemenubuilder.exe="

    def start(self, *command, **env):
        """Starts a program: its own file, or a name on the prefix's PATH."""
        return subprocess.Popen(
            [WINE, *(str(word) for word in command)],
            env=self.env | env,
            cwd=self.desktop.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command, check=True, patience=180, **env):
        """Runs a program to its end and returns its status and output."""
        program = self.start(*command, **env)
        stdout, stderr = program.communicate(timeout=patience)
        done = subprocess.CompletedProcess(command, program.returncode, stdout, stderr)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{stdout}{stderr}"
        return done

    def registry(self, key, value=None):
        """The values of a key as text, or one of them; None when it is not there."""
        query = ("reg", "query", key, *(("/v", value) if value else ()))
        done = self.run(*query, check=False)
        if done.returncode != 0:
            return None
        if value is None:
            return done.stdout
        found = re.search(r"REG_(?:EXPAND_)?(?:SZ|DWORD) {4}(.*)", done.stdout)
        return found and found.group(1).rstrip("\r")

    def set_path(self, text, kind="REG_EXPAND_SZ"):
        """Writes the user's own PATH."""
        self.run("reg", "add", r"HKCU\Environment", "/v", "Path", "/t", kind, "/d", text, "/f")

    def close(self):
        """Ends what still runs in the prefix."""
        subprocess.run(["/usr/lib/wine/wineserver", "-k"], env=self.env, check=False)


def windows_path(path):
    """A file of Linux as Windows programs name it."""
    return "Z:" + str(path).replace("/", "\\")


def make_installer(programs, folder):
    """The installer of some programs."""
    installer = folder / "installer" / "multi-cloud-manager_x64-setup.exe"
    quick = os.environ | {"QUICK": "1"}
    subprocess.run([ROOT / "scripts/windows-installer", programs, installer], check=True, env=quick)
    return installer


def stand_ins(folder):
    """Small programs with the names of ours, which print their name, and stay with the argument `stay`."""
    source = folder / "stand-in.c"
    source.write_text(
        "#include <stdio.h>\n#include <string.h>\n#include <windows.h>\n"
        "int main(int count, char **words) {\n"
        '  printf("%s\\n", strrchr(words[0], 92) ? strrchr(words[0], 92) + 1 : words[0]);\n'
        "  fflush(stdout);\n"
        '  if (count > 1 && !strcmp(words[1], "stay")) Sleep(INFINITE);\n'
        "  return 0;\n}\n"
    )
    programs = folder / "programs"
    programs.mkdir()
    first, *others = (programs / name for name in PROGRAMS)
    subprocess.run(["x86_64-w64-mingw32-gcc", "-s", "-o", first, source], check=True)
    for other in others:
        shutil.copy(first, other)
    return programs
