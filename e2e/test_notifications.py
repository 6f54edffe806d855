"""Notifications: shown once before a session ends that cannot renew, with a button to sign in."""

from waiting import until


def test_a_session_that_cannot_renew_is_announced_with_a_button_to_sign_in(
    start, clouds, user, notifications
):
    app = start()
    app.click("button", "Azure")
    app.see("button", "Contoso")
    clouds.revoke("ada@contoso.example")
    app.click("button", "Contoso")

    app.click("button", "Renew Contoso")

    summary = "Contoso needs you to sign in"
    body, _ = notifications.wait_for(summary)
    assert "cannot be renewed" in body
    visits = len(user.visited())

    def signing_in():
        # The app listens for the button a moment after the notification is shown; only the first press counts.
        notifications.press(summary, "Sign in again")
        return len(user.visited()) > visits

    until("the button starts a sign-in", signing_in)
    app.read("Signed in to Contoso again.")
    assert len(user.visited()) == visits + 1
    assert [title for title, _, _ in notifications.shown] == [summary], "shown once"
