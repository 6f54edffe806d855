//! Accounts that need a sign-in: many callers, one answer, and one browser only on request.

use std::path::Path;
use std::time::Duration;

use sandbox_clouds::aws::directory::{Condition, Role, Statement, Trusted, Wanted};
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{OAuthError, Revocation};

use crate::aws::connected;
use crate::exec_child::ExecChild;
use crate::harness::{ADA, Begun, Ended, Harness};

const ARM: &str = "https://management.azure.com";
const GRAPH: &str = "https://graph.microsoft.com";

fn ada() -> Browser {
    Browser::new().as_user(ADA)
}

/// Kills a started command when the test ends.
fn ended(begun: Vec<Begun>) -> Vec<Ended> {
    begun.into_iter().map(Begun::ended).collect()
}

/// An account whose session has expired and whose sign-in was revoked.
fn revoked() -> (Harness, String) {
    let harness = Harness::start();
    let id = harness.connected(true);
    harness.sandbox.revoke(ADA, &Revocation::Revoked);
    (harness, id)
}

#[test]
fn twenty_at_once_get_the_same_answer_at_once_and_no_browser_opens() {
    let (harness, id) = revoked();
    let begun = (0..20).map(|number| {
        let command = if number % 2 == 0 {
            "token"
        } else {
            "kube-token"
        };
        harness.begin(&[command, &id])
    });
    let mut output: Vec<String> = ended(begun.collect())
        .into_iter()
        .map(|ended| ended.failed(3))
        .collect();
    output.dedup();
    assert_eq!(
        output.len(),
        1,
        "one message with one reference: {output:?}"
    );
    assert!(output[0].contains("mcm login azure"), "{}", output[0]);
    assert!(!harness.has_opened_a_page());
}

#[test]
fn twenty_interactive_callers_open_one_browser_and_share_its_result() {
    let (harness, id) = revoked();
    let begun: Vec<Begun> = (0..20)
        .map(|_| harness.begin(&["token", &id, "--interactive"]))
        .collect();
    let page = harness.next_page();
    let landing = harness.browse(&ada(), &page);
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    let mut tokens: Vec<String> = ended(begun).into_iter().map(Ended::done).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all got the session of the one sign-in");
    assert!(
        harness.sandbox.azure_audience(tokens[0].trim()).is_some(),
        "and it is valid"
    );
    assert!(!harness.has_opened_a_page(), "one browser");
}

#[test]
fn a_cancelled_sign_in_is_cancelled_for_every_waiting_caller() {
    let (harness, id) = revoked();
    let mut begun: Vec<Begun> = (0..5)
        .map(|_| harness.begin(&["token", &id, "--interactive"]))
        .collect();
    let page = harness.next_page();
    // Every caller waits before the user decides.
    let waits = |caller: &mut Begun| caller.stderr_until(".").contains("Another mcm has started");
    let waiting = begun.iter_mut().map(waits).filter(|waits| *waits).count();
    assert_eq!(waiting, 4, "four wait for the fifth");
    harness.browse(&ada().cancel(), &page);
    let mut references: Vec<String> = ended(begun)
        .into_iter()
        .map(|ended| ended.failed(1))
        .map(|output| output.lines().last().expect("a reference").to_owned())
        .collect();
    references.dedup();
    assert_eq!(references.len(), 1, "{references:?}");
    assert!(!harness.has_opened_a_page(), "no caller asked again");

    let again = harness.begin(&["token", &id, "--interactive"]);
    let page = harness.next_page();
    harness.browse(&ada(), &page);
    again.ended().done();
}

#[test]
fn a_resource_without_consent_is_issued_after_consent() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.sandbox.ask_azure_consent_for(GRAPH);
    harness
        .mcm(&["token", &id, "--resource", "graph"])
        .failed(3);
    let begun = harness.begin(&["token", &id, "--resource", "graph", "--interactive"]);
    let page = harness.next_page();
    assert!(
        page.contains("graph.microsoft.com"),
        "the user is asked about Graph"
    );
    harness.browse(&ada(), &page);
    let token = begun.ended().done();
    assert_eq!(
        harness.sandbox.azure_audience(token.trim()).as_deref(),
        Some(GRAPH)
    );
    harness.mcm(&["targets", &id, "--refresh"]).done();
    harness.mcm(&["kube-token", &id]).done();
}

#[test]
fn callers_of_exec_and_env_open_one_browser_before_the_command_starts_or_a_line_is_printed() {
    let (harness, id) = revoked();
    let mark = harness.folder().join("started");
    let mark = mark.to_str().expect("text");
    let exec = ["exec", "--interactive", &id, "--", "touch", mark];
    let env = ["env", "--interactive", &id, "--shell", "bash"];
    let mut begun = vec![
        harness.begin(&exec),
        harness.begin(&env),
        harness.begin(&exec),
        harness.begin(&env),
    ];
    let page = harness.next_page();
    let waits = |caller: &mut Begun| caller.stderr_until(".").contains("Another mcm has started");
    assert_eq!(
        begun.iter_mut().map(waits).filter(|waits| *waits).count(),
        3,
        "three wait for the fourth"
    );
    assert!(!Path::new(mark).exists(), "no command has started");
    harness.browse(&ada(), &page);
    let printed: Vec<String> = ended(begun).into_iter().map(Ended::done).collect();
    let token = harness.mcm(&["token", &id]).done();
    let line = format!("export AZURE_ACCESS_TOKEN='{}';\n", token.trim());
    assert_eq!(
        printed
            .iter()
            .map(|lines| lines.contains(&line))
            .collect::<Vec<_>>(),
        [false, true, false, true]
    );
    assert!(Path::new(mark).exists());
    assert!(!harness.has_opened_a_page(), "one browser");
}

#[test]
fn exec_signs_in_to_every_account_first_and_opens_no_browser_while_it_runs() {
    let harness = Harness::start();
    harness.sandbox.set_access_token_life(Duration::ZERO);
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    let (azure, gcp) = (harness.account_of("azure"), harness.account_of("gcp"));
    for id in [&azure, &gcp] {
        harness.edit(id, |account| account.renewal_failure = None);
    }
    harness.sandbox.revoke_all(ADA);
    harness.mcm(&["exec", &azure, &gcp, "--", "true"]).failed(3);
    assert!(!harness.has_opened_a_page());

    // Shorter than the remaining lifetime that a failed renewal still issues.
    harness
        .sandbox
        .set_access_token_life(Duration::from_secs(50));
    let child = ExecChild::start_when(&harness, &["--interactive", &azure, &gcp], || {
        // Google remembers the consent, and issues a new refresh token only with a new consent.
        for server in [
            "/oauth2/v2.0/authorize",
            "/o/oauth2/v2/auth",
            "prompt=consent",
        ] {
            let page = harness.next_page();
            assert!(page.contains(server), "the one of {server}");
            let landing = harness.browse(&ada(), &page);
            assert!(
                matches!(landing, Landing::Page { status: 200, .. }),
                "{landing:?}"
            );
        }
    });
    assert_eq!(child.azure(ARM).status, 200);
    harness.forget_sessions();
    harness.sandbox.revoke_all(ADA);
    let refused = child.azure(ARM);
    assert!(
        refused.status == 403 && refused.body.contains("mcm login azure"),
        "{refused:?}"
    );
    let refused = child.google("token_url", "grant_type=refresh_token&refresh_token=HANDLE");
    assert!(
        refused.status == 400 && refused.body.contains("mcm login gcp"),
        "{refused:?}"
    );
    assert!(!harness.has_opened_a_page());
    harness
        .login(ADA, &["azure", "--tenant", "contoso.example"])
        .done();
    assert_eq!(
        child.azure(ARM).status,
        200,
        "the account is served again after the sign-in"
    );
}

#[test]
fn a_cancelled_sign_in_starts_no_command_and_prints_no_line() {
    let (harness, id) = revoked();
    let mark = harness.folder().join("started");
    for arguments in [
        &[
            "exec",
            "--interactive",
            &id,
            "--",
            "touch",
            mark.to_str().expect("text"),
        ][..],
        &["env", "--interactive", "--shell", "bash", &id],
    ] {
        let begun = harness.begin(arguments);
        let page = harness.next_page();
        harness.browse(&ada().cancel(), &page);
        let ended = begun.ended();
        assert_eq!(ended.status, 1, "{}", ended.stderr);
        assert!(!ended.result.contains("export"), "{}", ended.result);
    }
    assert!(!mark.exists());
}

#[test]
fn a_fixed_role_is_verified_again_without_a_browser() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let accounts = harness.mcm(&["accounts", "--json"]).json();
    let external_id = accounts["accounts"][0]["externalId"]
        .as_str()
        .expect("an External ID")
        .to_owned();
    harness.forget_sessions();
    harness
        .sandbox
        .remove_aws_role("arn:aws:iam::444455556666:role/Reader");
    harness.mcm(&["credential-process", &id]).failed(3);
    harness
        .mcm(&["credential-process", &id, "--interactive"])
        .failed(3);

    let fixed_role = || {
        let principal = Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
        let condition = Condition::ExternalId(Wanted::Exactly(external_id.clone()));
        Role::new("444455556666", "Reader").trust(Statement {
            principal,
            condition,
        })
    };
    harness.sandbox.put_aws_role(fixed_role());
    harness.mcm(&["exec", &id, "--", "true"]).failed(3);
    let credential = harness
        .mcm(&["credential-process", &id, "--interactive"])
        .json();
    assert_eq!(credential["Version"], 1);
    harness.mcm(&["exec", &id, "--", "true"]).done();

    harness.forget_sessions();
    harness
        .sandbox
        .remove_aws_role("arn:aws:iam::444455556666:role/Reader");
    harness.mcm(&["exec", &id, "--", "true"]).failed(3);
    harness.sandbox.put_aws_role(fixed_role());
    harness
        .mcm(&["exec", "--interactive", &id, "--", "true"])
        .done();
    assert!(!harness.has_opened_a_page());
}

#[test]
fn every_state_that_needs_the_user_is_status_3_with_the_command_and_interactive_helps() {
    for error in ["access_denied", "invalid_grant"] {
        let harness = Harness::start();
        let id = harness.connected(true);
        let refusal = OAuthError {
            error: error.into(),
            description: match error {
                "invalid_grant" => "AADSTS90094: An administrator has to consent.".into(),
                _ => String::new(),
            },
            ..OAuthError::default()
        };
        harness.sandbox.revoke(ADA, &Revocation::Refused(refusal));
        for _ in 0..2 {
            let output = harness.mcm(&["token", &id]).failed(3);
            assert!(
                output.contains("Next step: Run \"mcm login azure"),
                "{output}"
            );
            assert_eq!(harness.renewals(), 1, "{error}: no server is asked again");
        }
        let begun = harness.begin(&["token", &id, "--interactive"]);
        let page = harness.next_page();
        harness.browse(&ada(), &page);
        begun.ended().done();
    }
}
