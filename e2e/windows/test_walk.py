"""The real Windows programs under wine: installed, signed in to the sandbox clouds, used, and removed.

`MCM_WINDOWS_PROGRAMS` names the folder of mcm.exe and mcm-full.exe; without the app's own program a stand-in takes its
place, since wine has no WebView2 that could show a window.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from waiting import until
from wine import USER, make_installer, stand_ins, windows_path

INSTALLED = USER / "AppData/Local/Multi-Cloud Manager"
STORED = r"HKCU\Software\Wine\Credential Manager"
ROLE = "arn:aws:iam::444455556666:role/Reader"


class Machine:
    """A Windows machine on which our installer has run, and a user with a browser at the sandbox clouds."""

    def __init__(self, wine, desktop, clouds, user):
        self.wine, self.desktop, self.clouds, self.user = wine, desktop, clouds, user
        self.home = desktop.folder / "mcm"
        self.env = clouds.env | {"MCM_HOME": windows_path(self.home), "AWS_CONFIG_FILE": self.at("config")}
        self.env["AWS_SHARED_CREDENTIALS_FILE"] = self.at("credentials")
        browsers = ("/v", "Browsers", "/t", "REG_SZ", "/d", str(user.program), "/f")
        wine.run("reg", "add", r"HKCU\Software\Wine\WineBrowser", *browsers)

    def at(self, name):
        return windows_path(self.desktop.folder / name)

    def mcm(self, *words, check=True, **env):
        """Runs the installed mcm, as a new process."""
        return self.wine.run(INSTALLED / "mcm.exe", *words, check=check, **(self.env | env))

    def begin(self, *words):
        return self.wine.start(INSTALLED / "mcm.exe", *words, **self.env)

    def cmd(self, script):
        """Runs lines in cmd.exe, whose status may be theirs, and returns what they print."""
        file = self.desktop.folder / "script.cmd"
        file.write_text(script.replace("\n", "\r\n"))
        return self.wine.run("cmd", "/c", self.at("script.cmd"), check=False, **self.env).stdout

    def accounts(self):
        return json.loads(self.mcm("accounts", "--json").stdout)["accounts"]

    def stored(self):
        """The names of our entries in Credential Manager."""
        listed = self.wine.registry(STORED) or ""
        return [line for line in listed.splitlines() if "multicloudmanager" in line.lower()]


@pytest.fixture(scope="module")
def installer(tmp_path_factory):
    """The installer of the real programs, without the symbols that would make it slow to pack."""
    folder = tmp_path_factory.mktemp("installer")
    real = Path(os.environ["MCM_WINDOWS_PROGRAMS"])
    programs = stand_ins(folder)
    for name in ("mcm.exe", "mcm-full.exe", "multi-cloud-manager.exe", "WebView2Loader.dll"):
        if (real / name).exists():
            subprocess.run(["x86_64-w64-mingw32-strip", "-o", programs / name, real / name], check=True)
    return make_installer(programs, folder)


@pytest.fixture
def machine(installer, wine, desktop, clouds, user):
    wine.run(installer, "/S")
    machine = Machine(wine, desktop, clouds, user)
    yield machine
    machine.mcm("logout", "--all", check=False)


def test_sign_in_to_every_cloud_use_it_from_other_processes_and_leave_nothing(machine):
    clouds = machine.clouds
    machine.mcm("login", "azure")
    machine.mcm("login", "gcp")
    machine.user.signs_in("ada")
    machine.mcm("login", "aws", "--sso-start-url", clouds.env["AWS_ENDPOINT_URL_SSO"] + "/start")
    assert [one["provider"] for one in machine.accounts()] == ["azure", "gcp", "aws"]
    assert machine.stored(), "the sign-ins are in Credential Manager"

    for name in ("Contoso", "--active gcp"):
        token = machine.mcm("token", *name.split()).stdout.strip()
        assert token in clouds.secrets(), "another process gets it from Credential Manager"
    center = next(one for one in machine.accounts() if one["provider"] == "aws")
    keys = json.loads(machine.mcm("credential-process", f"{center['id']}/012345678901/ReadOnly").stdout)
    assert keys["AccountId"] == "012345678901"

    for account in machine.accounts():
        machine.mcm("logout", account["id"])
    assert machine.accounts() == []
    assert machine.stored() == [], "Credential Manager has nothing of ours"


def test_a_role_of_aws_is_prepared_verified_and_used(machine):
    policy = json.loads(machine.mcm("login", "aws", "--print", "trust-policy").stdout)
    assert policy["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"].startswith("mcm-")

    machine.mcm("login", "aws", "--role-arn", ROLE)

    [account] = machine.accounts()
    issued = json.loads(machine.mcm("credential-process", account["id"]).stdout)
    assert issued["SecretAccessKey"] in machine.clouds.secrets()
    configure_and_undo(machine, account["id"])


def configure_and_undo(machine, account):
    """A file with Windows' line ends keeps them, and every byte of its own."""
    config = machine.desktop.folder / "config"
    before = b"[default]\r\nregion = eu-west-1\r\n\r\n# mine\r\n[profile other]\r\nregion=us-east-1\r\n"
    config.write_bytes(before)

    machine.mcm("configure", "aws", account, "--name", "work", "--yes")

    after = config.read_bytes()
    assert after.startswith(before) and b"[profile work]\r\n" in after
    assert b"\n" not in after.replace(b"\r\n", b""), "every line ends as the file's own do"
    command = re.search(rb"credential_process = (.*)\r\n", after)[1].decode()
    assert "mcm.exe" in command and "\\\\?\\" not in command
    machine.mcm("configure", "aws", account, "--undo", "--yes")
    assert config.read_bytes() == before


def test_exec_finds_a_cmd_file_and_passes_words_and_status(machine):
    machine.mcm("login", "azure")
    tools = machine.desktop.folder / "tools"
    tools.mkdir()
    # In quotes, since cmd.exe would end the command at the sign that a word has.
    (tools / "az.cmd").write_text('@echo off\r\necho "[%~1][%~2]" %IDENTITY_ENDPOINT%\r\nexit /b 7\r\n')
    machine.wine.set_path(machine.at("tools"))

    done = machine.mcm("exec", "Contoso", "--force", "--", "az", "a b", "c&d", check=False)

    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith('"[a b][c&d]" http://127.0.0.1:'), done.stdout + done.stderr
    missing = machine.mcm("exec", "Contoso", "--force", "--", "no-such-tool", check=False)
    assert missing.returncode == 127, missing.stderr


def test_fifty_processes_renew_a_session_once(machine):
    machine.clouds.change(azure_rotation="strict", access_token_life_ms=1000)
    machine.mcm("login", "azure")
    machine.clouds.change(access_token_life_ms=3_600_000)
    until("the session has expired", lambda: machine.accounts()[0]["sessionExpiresAt"] is None)
    before = len(machine.clouds.requests("azure-token", grant_type="refresh_token"))

    callers = [machine.begin("token", "Contoso") for _ in range(50)]
    outputs = [caller.communicate(timeout=300) for caller in callers]

    tokens = {stdout for stdout, _ in outputs}
    assert len(tokens) == 1, outputs
    assert tokens.pop().strip() in machine.clouds.secrets()
    assert len(machine.clouds.requests("azure-token", grant_type="refresh_token")) == before + 1


def test_a_process_that_is_terminated_in_a_renewal_loses_no_sign_in(machine):
    machine.clouds.change(access_token_life_ms=1000)
    machine.mcm("login", "azure")
    machine.clouds.change(access_token_life_ms=3_600_000)
    until("the session has expired", lambda: machine.accounts()[0]["sessionExpiresAt"] is None)
    before = len(machine.clouds.requests("azure-token"))
    machine.clouds.fault("azure-token", "hang", times=1)
    renewing = machine.begin("token", "Contoso")
    until("it asks for a token", lambda: len(machine.clouds.requests("azure-token")) > before)

    machine.wine.run("taskkill", "/f", "/im", "mcm-full.exe")

    # wine's taskkill has programs end with status 0.
    stdout, stderr = renewing.communicate(timeout=60)
    assert stdout == "", stderr
    token = machine.mcm("token", "Contoso").stdout.strip()
    assert token in machine.clouds.secrets(), "the next process renews with the sign-in that is kept"


def test_cmd_exe_sets_what_mcm_env_prints_and_shows_a_failure(machine):
    machine.mcm("login", "azure")
    # wine's cmd.exe finds no built-in command in a variable, so here `call` runs it.
    loop = "for /f \"delims=\" %%i in ('mcm env {} --shell cmd --force') do @call %%i"
    path = r"@set PATH=%PATH%;%LOCALAPPDATA%\Multi-Cloud Manager"

    said = machine.cmd(
        f"{path}\n@set AWS_ACCESS_KEY_ID=old\n@{loop.format('Contoso')}\n"
        "@echo [%AZURE_ACCESS_TOKEN%] [%ERRORLEVEL%]\n"
    )
    token = re.search(r"\[(.*)\] \[(\d+)\]", said)
    assert token, said
    assert token[1] in machine.clouds.secrets() and token[2] == "0", said

    failed = machine.cmd(
        f"{path}\n@set AZURE_ACCESS_TOKEN=old\n@{loop.format('nothing-like-it')}\n"
        "@echo [%AZURE_ACCESS_TOKEN%] [%ERRORLEVEL%]\n"
    )
    assert "[] [1]" in failed, "what would act as another account is unset, and the failure shows"
