"""Times `mcm` with 1 account and with thousands, in turns; prints medians and their ratios to one account.

Expects what `scripts/bench` has prepared: a signed-in MCM_HOME, the keychain and the sandbox clouds.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 60
AT_ONCE = 60
AT_ONCE_ROUNDS = 9
MCM = os.path.abspath("target/release/mcm")
SIZES = [(0, 0), (1_000, 12), (1_000, 60), (10_000, 12)]
COMMANDS = {
    "token": [MCM, "token", "contoso"],
    "credential-process": [MCM, "credential-process", "contoso-production"],
    "accounts": [MCM, "accounts"],
    "whoami": [MCM, "whoami"],
    "completion": [MCM, "--", "mcm", "token", "con"],
    "rename": [MCM, "rename", "ada@contoso.example", "Contoso"],
    "use": [MCM, "use", "ada@contoso.example"],
}


def main(growth):
    """Fills homes with the benchmark program `growth`, and times every command in each."""
    home = Path(os.environ["MCM_HOME"])
    homes = {}
    for count, targets in SIZES:
        homes[count, targets] = copy = home.with_name(f"mcm-{count}-{targets}")
        shutil.copytree(home, copy)
        if count:
            subprocess.run([growth, "fill", copy / "data", str(count), str(targets)], check=True)
    print(f"{'milliseconds':<24}" + "".join(f"{f'1 + {count} x {targets}':>24}" for count, targets in SIZES))
    for name, command in COMMANDS.items():
        times = {size: [] for size in homes}
        for round in range(ROUNDS):
            for size, folder in homes.items():
                # A second name each time, so that every rename changes something.
                renamed = [*command[:-1], f"Contoso {round}"] if name == "rename" and round % 2 else command
                times[size].append(run(renamed, folder, name))
        line(name, {size: statistics.median(taken) for size, taken in times.items()})
    rounds = [
        {size: renames_at_once(folder, round) for size, folder in homes.items()}
        for round in range(AT_ONCE_ROUNDS)
    ]
    line(
        f"{AT_ONCE} renames at once",
        {size: statistics.median(taken[size] for taken in rounds) for size in homes},
    )
    sizes = {size: (folder / "data/accounts.db").stat().st_size for size, folder in homes.items()}
    print(f"{'database, KB':<24}" + "".join(f"{size / 1000:>24.0f}" for size in sizes.values()))
    for folder in homes.values():
        shutil.rmtree(folder)


def line(name, medians):
    """Prints one line of the table, each median with its ratio to the first."""
    one = next(iter(medians.values()))
    cells = [f"{seconds * 1e3:12.2f} ({seconds / one:5.2f} x)" for seconds in medians.values()]
    print(f"{name:<24}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


def environment(folder, name):
    """The variables of a command in a home."""
    shell = {"MCM_COMPLETE": "bash", "_CLAP_COMPLETE_INDEX": "2", "_CLAP_IFS": "\n"}
    return os.environ | {"MCM_HOME": str(folder)} | (shell if name == "completion" else {})


def run(command, folder, name):
    """The seconds of one run."""
    env = environment(folder, name)
    start = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def renames_at_once(folder, round):
    """The seconds until the last of many processes has ended. The writes of other programs to the same disk count too."""
    env = environment(folder, "rename")
    start = time.perf_counter()
    processes = [
        subprocess.Popen(
            [MCM, "rename", "ada@contoso.example", f"Contoso {round} {number}"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for number in range(AT_ONCE)
    ]
    failed = sum(process.wait() != 0 for process in processes)
    if failed:
        print(f"{failed} of {AT_ONCE} renames failed")
    return time.perf_counter() - start


main(*sys.argv[1:])
