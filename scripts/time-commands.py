"""Times whole commands, alternating and fifty at once, with their peak memory; prints medians and ratios."""

import os
import shutil
import statistics
import subprocess
import time

ROUNDS = 200
MCM = "target/release/mcm"
TRUE = "/bin/true"
TOKEN = "mcm token, warm"
PROCESS = "mcm credential-process, warm"
MAIRU = "mairu credential-process, warm agent"
COMMANDS = {
    TRUE: [TRUE],
    TOKEN: [MCM, "token", "contoso"],
    PROCESS: [MCM, "credential-process", "contoso-production"],
    "mcm kube-token for GKE and AKS, warm": [MCM, "kube-token", "contoso"],
    "mcm accounts": [MCM, "accounts"],
}
PYTHON_TOOLS = {
    "az account get-access-token": ["az", "account", "get-access-token"],
    "gcloud auth print-access-token": ["gcloud", "auth", "print-access-token"],
    "aws configure export-credentials": ["aws", "configure", "export-credentials"],
}
# What gcloud and aws accept instead of a sign-in, without a server. az accepts nothing.
IN_PLACE_OF_A_SIGN_IN = {
    "CLOUDSDK_AUTH_ACCESS_TOKEN": "bench",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
}


def run(command, env=None):
    """The seconds of one run, or None when it failed."""
    start = time.perf_counter()
    status = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    return None if status else time.perf_counter() - start


def medians(commands, rounds, env=None):
    """Seconds by name. The commands alternate, so that other load on the machine affects all of them."""
    runs = [{name: run(command, env) for name, command in commands.items()} for _ in range(rounds)]
    failed = {name for name in commands if any(taken[name] is None for taken in runs)}
    for name in failed:
        print(f"{name:<40} failed: it is not signed in, or has no such command")
    return {name: statistics.median(taken[name] for taken in runs) for name in commands if name not in failed}


def fifty_at_once(command):
    """The seconds until the last one has ended, and how many failed."""
    start = time.perf_counter()
    processes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(50)
    ]
    failed = sum(process.wait() != 0 for process in processes)
    return time.perf_counter() - start, failed


def peak_memory(command):
    """MiB at the moment it prints its result, which is its last work: it waits there, because the pipe is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while os.write(writing, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(writing, True)
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL)
    os.close(writing)
    time.sleep(0.5)
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        [peak] = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    os.close(reading)
    process.wait()
    return peak / 1024


def fastest_of_five(command):
    rounds = [fifty_at_once(command) for _ in range(5)]
    return min(seconds for seconds, _ in rounds), sum(failed for _, failed in rounds)


has_mairu = shutil.which("mairu") is not None
if has_mairu:
    COMMANDS[MAIRU] = ["mairu", "credential-process", "bench", "role"]
taken = medians(COMMANDS, ROUNDS)
for name, seconds in taken.items():
    beside = f"  {seconds / taken[TRUE]:5.1f} times {TRUE}"
    if has_mairu and name != TRUE:
        beside += f"  {seconds / taken[MAIRU]:5.2f} of mairu's time"
    print(f"{name:<40} {seconds * 1e3:8.2f} ms{beside}")

for name in [TOKEN, PROCESS] + [MAIRU] * has_mairu:
    seconds, failed = fastest_of_five(COMMANDS[name])
    print(
        f"{name + ', 50 at once':<40} {seconds * 1e3:8.1f} ms in all{f', {failed} failed' if failed else ''}"
    )
for name in [TOKEN, PROCESS] + [MAIRU] * has_mairu:
    print(f"{name + ', memory':<40} {peak_memory(COMMANDS[name]):8.1f} MiB at most")

if not has_mairu:
    print(f"{'mairu credential-process':<40} not installed")
for name, command in PYTHON_TOOLS.items():
    if shutil.which(command[0]) is None:
        print(f"{name:<40} not installed")
        continue
    for seconds in medians({name: command}, 10, os.environ | IN_PLACE_OF_A_SIGN_IN).values():
        print(f"{name:<40} {seconds * 1e3:8.1f} ms  {seconds / taken[TOKEN]:5.1f} times {TOKEN}")
