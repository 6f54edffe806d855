"""Connecting an AWS role through the page: the calling identity, the role, and its checks."""

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

import pytest
from waiting import until
from webdriver import ELEMENT, Element

ACCOUNT = "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
ADA = "arn:aws:iam::111122223333:user/ada"


def prepare(app):
    """Goes from the first screen to the templates of a role; returns its External ID."""
    app.click("button", "Assume a role")
    app.read(ADA)
    app.click("button", "Create External ID and templates")
    return app.read(r"mcm-[0-9a-f]{32}").group()


def verify(app, role):
    app.see("textbox", "Role ARN").type(role)
    app.click("button", "Verify and connect")


def type_secret(app, text):
    """Types into the field for the secret access key, which has no role and name to find it by."""
    found = app.page.script("return document.querySelector('input[type=password]')")
    Element(app.page, found[ELEMENT]).type(text)


def everything_kept(desktop):
    """Everything in this user's files, logs included, and everything that the app printed."""
    files = [*desktop.folder.glob("home/**/*"), desktop.folder / "driver.log"]
    return "".join(file.read_bytes().decode(errors="replace") for file in files if file.is_file())


def test_from_nothing_to_a_verified_role_in_one_go(desktop, clouds, start, user):
    app = start(MCM_LOG="trace")
    app.click("button", "Assume a role")
    app.read("1. Who you are")
    app.read(ADA)
    app.picture("aws-who")
    app.choose("Session length", "2 hours")
    app.choose("What the role may do", "Read only")
    app.see("textbox", "Role name").type("LongReader")
    app.click("button", "Create External ID and templates")
    external_id = app.read(r"mcm-[0-9a-f]{32}").group()

    # Every template describes the same role.
    shown = {}
    for form in ("Trust policy", "CloudFormation", "AWS CLI", "Terraform"):
        app.click("tab", form)
        app.read(external_id)
        shown[form] = app.page.script("return document.querySelector('[role=tabpanel]').innerText")
    for form, text in shown.items():
        assert external_id in text and ADA in text, form
        if form != "Trust policy":
            assert "LongReader" in text and "7200" in text and "ReadOnlyAccess" in text, form
    app.picture("aws-role")
    app.choose("Session length", "4 hours")
    app.read("14400")
    assert not clouds.assumptions(ROLE + "LongReader"), "the role is not contacted before its ARN is entered"

    # For a text that is no role ARN the page says what it is; the console's URL contains the ARN.
    verify(app, ACCOUNT)
    app.read("This is an AWS account id")
    app.click("button", "Dismiss")
    field = app.see("textbox", "Role ARN")
    app.page.script("arguments[0].select()", field.reference)
    console = "https://us-east-1.console.aws.amazon.com/iam/home#/roles/"
    verify(app, console + quote(ROLE + "LongReader", safe=""))
    app.read("is connected", 60)

    sent = [one["external-id"] for one in clouds.assumptions(ROLE + "LongReader")]
    assert sent[:2] == [external_id, None] and sent[2] not in (external_id, None)
    app.read(r"Role ARN\s+" + re.escape(ROLE + "LongReader"))
    app.read(rf"External ID\s+{external_id}")
    app.read("Enforced")
    app.read(r"Sessions last\s+4 hours; the role gives up to 12 hours")
    app.picture("aws-connected")

    # The console opens with the role; on request the browser signs out first.
    app.click("button", re.compile("^Open console"))
    until("the console is opened", lambda: clouds.requests("aws-login"))
    assert "/federation?" in user.visited()[-1]
    app.click("button", re.compile("^More actions"))
    app.click("menuitem", "Open console, signing out of it first")
    until("the console is opened again", lambda: len(clouds.requests("aws-login")) == 2)
    assert "/oauth?Action=logout&" in user.visited()[-1]

    kept = everything_kept(desktop)
    assert "aws" in kept and external_id in kept
    for secret in clouds.secrets():
        assert secret not in kept, "a secret is in a file or a log"
        assert secret not in app.page.text()


@pytest.mark.parametrize(
    ("role", "how"),
    [
        ("IgnoringReader", "without an External ID and with a wrong one"),
        ("LenientReader", "without an External ID, so"),
        ("LeakyReader", "without an External ID and with a wrong one"),
    ],
)
def test_a_role_that_ignores_its_external_id_is_refused_with_the_line_that_fixes_it(start, role, how):
    app = start()
    external_id = prepare(app)

    verify(app, ROLE + role)

    app.read("The role does not require the External ID", 60)
    app.read(how)
    app.read(re.escape(f'"Condition": {{"StringEquals": {{"sts:ExternalId": "{external_id}"}}}}'))
    app.read(r"Refused without an External ID\s+Failed")
    app.picture(f"aws-not-enforced-{role}")
    assert app.accounts() == []


def test_a_role_that_ignores_its_external_id_is_connected_only_when_that_is_accepted(start):
    app = start()
    prepare(app)
    verify(app, ROLE + "IgnoringReader")
    app.read("The role does not require the External ID", 60)

    app.click("button", "Connect as not enforced")

    app.read("is connected", 60)
    app.read("Not enforced")


def test_waiting_for_a_new_role_is_shown_and_can_be_cancelled(clouds, start):
    app = start()
    external_id = prepare(app)
    verify(app, ROLE + "ForeignReader")
    app.read(r"try \d+, for another \d+ s; a new role takes a while to become active\s+Retrying", 30)
    app.picture("aws-trying-again")
    app.click("button", "Cancel sign-in")
    app.read("Sign-in cancelled")
    tries = len(clouds.assumptions(ROLE + "ForeignReader"))

    trust = {"principal": {"arn": ADA}, "condition": {"external-id": {"exactly": external_id}}}
    soon = (datetime.now(timezone.utc) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    clouds.put_role(account=ACCOUNT, name="New", trust=[trust], appears={"at": soon})
    field = app.see("textbox", "Role ARN")
    app.page.script("arguments[0].select()", field.reference)
    verify(app, ROLE + "New")
    app.read("Retrying", 30)
    app.read("is connected", 60)
    app.read("Enforced")
    assert len(clouds.assumptions(ROLE + "ForeignReader")) == tries, "nothing is sent after a cancel"


def test_the_owner_of_the_keys_in_the_environment_is_shown_before_anything_happens(clouds, start):
    key = clouds.access_key("grace")
    app = start(AWS_ACCESS_KEY_ID=key["id"], AWS_SECRET_ACCESS_KEY=key["secret"])
    app.click("button", "Assume a role")
    app.read(r"You are\s+arn:aws:iam::111122223333:user/grace")
    assert clouds.requests("aws-assume-role") == []
    app.picture("aws-environment-keys")


def test_typed_keys_are_kept_only_in_the_keychain(desktop, clouds, start):
    key, wrong = clouds.access_key("ada"), "canary/of/a/wrong/secret/access/key/0000"
    app = start(
        AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_EC2_METADATA_DISABLED="true", MCM_LOG="trace"
    )
    app.click("button", "Assume a role")
    app.read("has no credentials")
    app.page.script("document.querySelector('summary').click()")
    app.see("textbox", "Access key id").type(key["id"])
    type_secret(app, wrong)
    lengths = app.page.script(
        "return [...document.querySelectorAll('details[open] input')].map((one) => one.value.length)"
    )
    assert lengths == [len(key["id"]), len(wrong), 0, 0]
    app.click("button", "Check and save")
    app.read("secret access key does not match")
    assert desktop.keychain_entries() == []

    type_secret(app, key["secret"])
    app.click("button", "Check and save")
    app.read(r"You are\s+arn:aws:iam::111122223333:user/ada")
    assert len(desktop.keychain_entries()) == 1
    app.picture("aws-typed-keys")
    kept = everything_kept(desktop)
    values = app.page.script(
        "return [...document.querySelectorAll('input')].map((one) => one.value).join(' ')"
    )
    for canary in (key["secret"], wrong):
        assert canary not in kept and canary not in values and canary not in app.page.text()
    app.click("button", "Remove these keys")
    app.read("Access keys removed")
    assert desktop.keychain_entries() == []


def test_an_expired_source_and_this_app_as_source_give_different_errors(desktop, start):
    config = desktop.folder / "config"
    config.write_text(
        "[profile ours]\ncredential_process = mcm credential-process --active\n"
        "[profile dev]\nsso_session = contoso\nsso_account_id = 111122223333\nsso_role_name = Dev\n"
        "[sso-session contoso]\nsso_region = eu-central-1\nsso_start_url = https://contoso.awsapps.com/start\n"
    )
    app = start(AWS_CONFIG_FILE=str(config))
    app.click("button", "Assume a role")
    app.read(ADA)
    options = "return [...document.querySelector('select').options].filter((one) => one.disabled).map((one) => one.value)"
    assert app.page.script(options) == ["profile:ours"]
    app.choose("Credentials from", "Profile dev")
    app.read('The session of AWS profile "dev" has expired')
    app.read("aws sso login --profile dev")
    app.picture("aws-source-expired")


def test_the_organisation_is_shown_to_a_role_that_may_list_it(start):
    app = start()
    prepare(app)
    verify(app, "arn:aws:iam::111122223333:role/Auditor")
    app.read("is connected", 60)
    app.read("Accounts of the organisation")
    # What is outside the screen is not drawn.
    app.page.script(
        "document.querySelector('ul[aria-labelledby]:has(.named)')?.scrollIntoView({ block: 'center' })"
    )
    app.read(r"Contoso production\s+4444 5555 6666")
    app.picture("aws-organisation")
