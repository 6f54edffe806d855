"""Prints an apt sources list of the backports for Debian 13, at the mirror and with the key that this machine uses.

`scripts/cross-toolchain` takes the standard library's source from there, and apt verifies it.
"""

import pathlib
import re
import sys

SUITE = "trixie-backports"
APT = pathlib.Path("/etc/apt")


def stanzas():
    """Yields the address and the key file of each source of this machine."""
    for path in sorted(APT.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(\S+)", stanza, re.M))
            if fields.get("Types", "").startswith("deb") and "URIs" in fields:
                yield fields["URIs"], fields.get("Signed-By")
    for path in [APT / "sources.list", *sorted(APT.glob("sources.list.d/*.list"))]:
        lines = path.read_text().splitlines() if path.exists() else []
        for line in lines:
            entry = re.match(r"deb(?:\s+\[([^\]]*)\])?\s+(\S+)", line)
            if entry:
                key = re.search(r"signed-by=(\S+)", entry[1] or "")
                yield entry[2], key and key[1]


def main():
    """Writes one line for the first mirror of Debian itself."""
    for address, key in stanzas():
        if address.rstrip("/").endswith("/debian"):
            option = f"[signed-by={key}] " if key else ""
            print(f"deb {option}{address} {SUITE} main")
            return
    sys.exit("No mirror of Debian is among this machine's package sources.")


main()
