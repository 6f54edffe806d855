"""Connecting an AWS role through the page: who calls, the role, and its checks."""

ROLE = "arn:aws:iam::444455556666:role/"


def test_a_role_that_demands_its_external_id_is_connected(start):
    app = start()
    app.click("button", "AWS")
    app.read("1. Who you are")
    app.read(r"arn:aws:iam::111122223333:")
    app.click("button", "Make External ID and templates")
    app.read("sts:ExternalId")
    app.picture("aws-role")

    app.see("textbox", "Role ARN").type(ROLE + "Reader")
    app.click("button", "Verify and connect")

    app.read("444455556666", 60)
    app.read("is connected", 60)
    app.picture("aws-connected")


def test_a_role_that_ignores_its_external_id_is_refused_unless_accepted(start):
    app = start()
    app.click("button", "AWS")
    app.click("button", "Make External ID and templates")
    app.read("sts:ExternalId")
    app.see("textbox", "Role ARN").type(ROLE + "IgnoringReader")

    app.click("button", "Verify and connect")

    app.read("The role does not demand the External ID", 60)
    app.picture("aws-not-enforced")
    app.click("button", "Connect as not enforced")
    app.read("is connected", 60)
