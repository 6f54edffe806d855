"""Times `mcm credential-process` for an AWS role, and for a role of IAM Identity Center with a few and with thousands listed.

Expects what `scripts/bench` has prepared. The argument is the benchmark program `growth`, which fills a list of roles. Prints
medians, taken in turns, and their ratios to the AWS role's.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "200"))
MCM = os.path.abspath(os.environ.get("BENCH_MCM", "target/release/mcm"))
ROLE = "an AWS role"
PAIR = "a role of Identity Center"
MANY = "the same of 3,000"
PROCESS = [MCM, "credential-process"]


def main(growth):
    """Copies the home, lists 3,000 roles in the copy, and runs the three commands in turns."""
    home = Path(os.environ["MCM_HOME"])
    many = home.with_name("mcm-3000-roles")
    shutil.copytree(home, many)
    subprocess.run([growth, "fill-center", many / "data", "1000", "3"], check=True)
    pair = "identity-center/012345678901/ReadOnly"
    commands = {
        ROLE: ([*PROCESS, "contoso-production"], home),
        PAIR: ([*PROCESS, pair], home),
        MANY: ([*PROCESS, pair], many),
    }
    for command, folder in commands.values():
        seconds(command, folder)
    runs = [
        {name: seconds(command, folder) for name, (command, folder) in commands.items()}
        for _ in range(ROUNDS)
    ]
    medians = {name: statistics.median(taken[name] for taken in runs) for name in commands}
    for name, median in medians.items():
        ratio = median / medians[ROLE]
        print(f"{'mcm credential-process, ' + name:<52} {median * 1e3:8.2f} ms  {ratio:5.2f} of {ROLE}")
    print(f"{MANY} beside {PAIR}: {medians[MANY] / medians[PAIR]:.2f}")
    shutil.rmtree(many)


def seconds(command, folder):
    """The seconds of one run."""
    env = os.environ | {"MCM_HOME": str(folder)}
    start = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


main(*sys.argv[1:])
