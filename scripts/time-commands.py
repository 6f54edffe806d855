"""Times whole commands, one after the other and fifty at once, and prints medians and ratios."""

import shutil
import statistics
import subprocess
import time

ROUNDS = 100
MCM = "target/release/mcm"


def run(command):
    """One run: seconds and the exit status."""
    start = time.perf_counter()
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    return time.perf_counter() - start, status


def measure(name, command, base=None, rounds=ROUNDS):
    runs = [run(command) for _ in range(rounds)]
    if any(status for _, status in runs):
        print(f"{name:<36} failed; is it signed in?")
        return None
    median = statistics.median(seconds for seconds, _ in runs)
    ratio = f"  {median / base:5.1f} times /bin/true" if base else ""
    print(f"{name:<36} {median * 1e3:8.1f} ms{ratio}")
    return median


def fifty_at_once(name, command):
    start = time.perf_counter()
    processes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(50)
    ]
    failed = sum(process.wait() != 0 for process in processes)
    failures = f", {failed} failed" if failed else ""
    print(f"{name:<36} {(time.perf_counter() - start) * 1e3:8.1f} ms in all{failures}")


base = measure("/bin/true", ["/bin/true"])
measure("mcm token, warm", [MCM, "token", "contoso"], base)
process = [MCM, "credential-process", "Reader"]
ours = measure("mcm credential-process, warm", process, base)
measure("mcm accounts", [MCM, "accounts"], base)
fifty_at_once("mcm token, 50 at once", [MCM, "token", "contoso"])
fifty_at_once("mcm credential-process, 50 at once", process)
if shutil.which("mairu"):
    theirs = ["mairu", "credential-process", "bench", "role"]
    mairu = measure("mairu credential-process, warm agent", theirs, base)
    fifty_at_once("mairu, 50 at once", theirs)
    if ours and mairu:
        print(f"{'mcm beside mairu':<36} {ours / mairu:8.2f} of its time")
else:
    print(f"{'mairu credential-process':<36} not installed")
for name, command in [
    ("az account get-access-token", ["az", "account", "get-access-token"]),
    ("gcloud auth print-access-token", ["gcloud", "auth", "print-access-token"]),
    ("aws configure export-credentials", ["aws", "configure", "export-credentials"]),
]:
    if shutil.which(command[0]):
        measure(name, command, base, rounds=10)
    else:
        print(f"{name:<36} not installed")
