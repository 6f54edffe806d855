"""Times the hook in bash, zsh and fish: a prompt where nothing changed, and entering and leaving a folder's environment."""

import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

MCM = os.path.abspath(os.environ.get("MCM_PROGRAM", "target/release/mcm"))
ROUNDS = 5
PROMPTS = 1000
CHANGES = 20
SHELLS = {
    "bash": (["bash", "--norc", "-c"], 'eval "$({} hook bash)"\n', "for ((i = 0; i < {}; i++)); do {}; done"),
    "zsh": (["zsh", "-f", "-c"], 'eval "$({} hook zsh)"\n', "for ((i = 0; i < {}; i++)); do {}; done"),
    "fish": (["fish", "--no-config", "-c"], "{} hook fish | source\n", "for i in (seq {}); {}; end"),
}


def seconds(words, folder):
    start = time.perf_counter()
    subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def cost(shell, folder, what, count):
    """Milliseconds of one, as the median of rounds with many and with none."""
    start, load, loop = SHELLS[shell]

    def script(times):
        return [*start, load.format(MCM) + loop.format(times, what)]

    rounds = [seconds(script(count), folder) - seconds(script(0), folder) for _ in range(ROUNDS)]
    return statistics.median(rounds) / count * 1e3


with tempfile.TemporaryDirectory() as work:
    marked = pathlib.Path(work, "marked")
    marked.mkdir(mode=0o700)
    marked.joinpath(".mcm.toml").write_text('environment = "bench"\n', encoding="ascii")
    marked.joinpath(".mcm.toml").chmod(0o600)
    subprocess.run(
        [MCM, "environment", "create", "bench", "--active", "aws,azure"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run([MCM, "allow"], cwd=marked, check=True, stderr=subprocess.DEVNULL)
    for shell in SHELLS:
        if shutil.which(shell) is None:
            print(f"{'the hook in ' + shell:<40} not installed")
            continue
        unchanged = cost(shell, marked, "__mcm_hook", PROMPTS)
        # Entering and leaving are two changes.
        changed = cost(shell, work, "cd marked; cd ..", CHANGES) / 2
        print(f"{'the hook in ' + shell + ', nothing changed':<40} {unchanged:8.3f} ms (at most 3)")
        print(f"{'the hook in ' + shell + ', changed':<40} {changed:8.2f} ms (at most 15)")
    subprocess.run([MCM, "environment", "delete", "bench"], check=True, stderr=subprocess.DEVNULL)
