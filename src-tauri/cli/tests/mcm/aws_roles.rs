//! Preparing and connecting AWS roles at the command line: templates, External IDs, sources and the checks.

#[cfg(target_os = "linux")]
use sandbox_clouds::Endpoint;

use crate::aws::{ADA_ARN, prepare, role, row};
#[cfg(target_os = "linux")]
use crate::harness::Begun;
use crate::harness::{Ended, Harness, write};

#[test]
fn a_role_is_prepared_checked_and_connected_with_visible_progress() {
    let harness = Harness::start();
    let external_id = prepare(&harness);
    let ended = harness.mcm(&["login", "aws", "--role-arn", &role("Reader")]);
    let output: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        output[0],
        format!("You call AWS as {ADA_ARN} (account 111122223333).")
    );
    assert!(
        output.contains(&"  with the External ID: allowed, as expected."),
        "{}",
        ended.stderr
    );
    assert!(
        output.contains(&"  without an External ID: refused, as expected."),
        "{}",
        ended.stderr
    );
    let became = "  assumed identity: arn:aws:sts::444455556666:assumed-role/Reader/ada";
    assert_eq!(
        output.iter().rfind(|line| line.starts_with("  ")),
        Some(&became),
        "{}",
        ended.stderr
    );
    let result = ended.done();
    assert!(
        result.starts_with("Connected contoso-production\n"),
        "{result}"
    );
    let lines: Vec<&str> = result.lines().map(str::trim).collect();
    for line in [
        format!("identity     {}", role("Reader")),
        "External ID  enforced".to_owned(),
        external_id,
        "region       eu-central-1".to_owned(),
    ] {
        assert!(lines.contains(&line.as_str()), "{line}: {result}");
    }
    assert!(!harness.has_opened_a_page());
    assert!(
        harness
            .mcm(&["login", "aws", "--pending"])
            .done()
            .is_empty(),
        "the id no longer waits"
    );
}

#[test]
fn a_role_that_does_not_enforce_is_refused_with_its_fix_unless_accepted() {
    let harness = Harness::start();
    let external_id = prepare(&harness);
    let arguments = ["login", "aws", "--role-arn", &role("IgnoringReader")];
    let output = harness.mcm(&arguments).failed(1);
    let line =
        format!("\"Condition\": {{\"StringEquals\": {{\"sts:ExternalId\": \"{external_id}\"}}}}");
    assert!(output.contains(&line), "{output}");
    for which in ["without an External ID", "with a wrong External ID"] {
        assert!(
            output.contains(&format!("  {which}: ALLOWED, although it must be refused.")),
            "{output}"
        );
    }
    assert_eq!(harness.keychain_entries(), 0);

    let connected = harness
        .mcm(&[&arguments[..], &["--accept-not-enforced"]].concat())
        .done();
    assert!(connected.contains("NOT enforced"), "{connected}");
    assert_eq!(row(&harness)["externalIdEnforced"], false);
    let table = harness.mcm(&["accounts", "--wide"]).done();
    assert!(table.contains("(External ID not enforced)"), "{table}");
    let narrow = harness.mcm(&["accounts"]).stderr;
    assert!(narrow.contains("External ID not enforced"), "{narrow}");
}

#[test]
fn an_arn_that_is_no_role_is_refused_before_aws_is_asked() {
    let harness = Harness::start();
    prepare(&harness);
    for wrong in [
        "444455556666",
        "arn:aws:iam::444455556666:user/ada",
        "arn:aws:iam::444455556666:instance-profile/web",
        "https://console.aws.amazon.com/iam/home#/roles",
        "nonsense",
    ] {
        let output = harness
            .mcm(&["login", "aws", "--role-arn", wrong])
            .failed(2);
        assert!(output.contains("role"), "{wrong}: {output}");
    }
    assert!(harness.sandbox.aws_assumptions().is_empty());
    let address = format!(
        "https://us-east-1.console.aws.amazon.com/iam/home#/roles/{}?section=permissions",
        role("Reader").replace(':', "%3A").replace('/', "%2F")
    );
    let connected = harness
        .mcm(&["login", "aws", "--role-arn", &address])
        .done();
    assert!(connected.contains(&role("Reader")), "{connected}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_user_sees_whose_keys_the_shell_holds_before_a_role_is_assumed() {
    let harness = Harness::start();
    let external_id = prepare(&harness);
    harness.sandbox.forget_requests();
    let grace = harness
        .sandbox
        .aws_access_key("grace")
        .expect("there is a grace");
    let mut command = harness.command(&["login", "aws", "--role-arn", &role("Reader")]);
    command
        .env("AWS_ACCESS_KEY_ID", &grace.id)
        .env("AWS_SECRET_ACCESS_KEY", &grace.secret);
    let begun = Begun::start(command);
    harness.until_requested(Endpoint::AwsAssumeRole);
    begun.interrupt();
    let output = begun.ended().failed(1);
    let first = output.lines().next().unwrap_or_default();
    assert_eq!(
        first,
        "You call AWS as arn:aws:iam::111122223333:user/grace (account 111122223333)."
    );
    assert!(
        harness
            .mcm(&["login", "aws", "--pending"])
            .done()
            .contains(&external_id)
    );
}

#[test]
fn a_profile_that_runs_mcm_is_refused_as_a_source_and_named() {
    let harness = Harness::start();
    let file = harness.home().join("aws/config");
    let ours = format!(
        "credential_process = {} credential-process --active\n",
        env!("CARGO_BIN_EXE_mcm")
    );
    let hop = "[profile hop]\nrole_arn = arn:aws:iam::111122223333:role/X\nsource_profile = ours\n";
    write(
        &file,
        0o600,
        &format!("[default]\n{ours}[profile ours]\n{ours}{hop}"),
    );
    for source in ["default", "profile:ours", "profile:hop"] {
        for step in [
            &["--print", "cli"][..],
            &["--role-arn", &role("Reader"), "--external-id", "Contoso:42"],
        ] {
            let mut command =
                harness.command(&[&["login", "aws", "--source", source][..], step].concat());
            command
                .env_remove("AWS_ACCESS_KEY_ID")
                .env_remove("AWS_SECRET_ACCESS_KEY");
            command.env("AWS_CONFIG_FILE", &file);
            let output = Ended::of(command.output().expect("mcm starts")).failed(1);
            assert!(
                output.contains("gets its credentials from this app"),
                "{source}: {output}"
            );
        }
    }
    assert_eq!(harness.sandbox.requests(), []);
}

#[test]
fn every_template_of_a_role_has_the_same_id_which_waits_until_it_is_discarded() {
    let harness = Harness::start();
    let external_id = prepare(&harness);
    for (form, part) in [
        ("trust-policy", "sts:AssumeRole"),
        ("cloudformation", "AWS::IAM::Role"),
        ("terraform", "resource \"aws_iam_role\""),
        ("cli", "aws iam create-role"),
    ] {
        let ended = harness.mcm(&["login", "aws", "--print", form]);
        assert!(
            ended.stderr.contains(ADA_ARN) && ended.stderr.contains("--role-arn"),
            "{}",
            ended.stderr
        );
        assert_eq!(
            ended.stderr.contains("aws cloudformation deploy"),
            form == "cloudformation"
        );
        let text = ended.done();
        assert!(
            text.contains(part) && text.contains(&external_id),
            "{form}: {text}"
        );
    }
    assert!(
        harness.sandbox.aws_assumptions().is_empty(),
        "only the caller was requested"
    );
    let policies = [
        ("view-only", Some("job-function/ViewOnlyAccess")),
        ("read-only", Some("ReadOnlyAccess")),
        ("none", None),
        (
            "arn:aws:iam::aws:policy/SecurityAudit",
            Some("policy/SecurityAudit"),
        ),
    ];
    for (permissions, policy) in policies {
        let text = harness
            .mcm(&[
                "login",
                "aws",
                "--print",
                "cli",
                "--permissions",
                permissions,
            ])
            .done();
        assert_eq!(
            text.contains("attach-role-policy"),
            policy.is_some(),
            "{text}"
        );
        assert!(text.contains(policy.unwrap_or_default()), "{text}");
    }

    let chosen = [
        "--role-name",
        "Auditor",
        "--session-duration",
        "7200",
        "--permissions",
        "read-only",
    ];
    let text = harness
        .mcm(&[&["login", "aws", "--print", "terraform"][..], &chosen].concat())
        .done();
    assert!(
        text.contains("\"Auditor\"") && text.contains("= 7200"),
        "{text}"
    );
    let again = harness
        .mcm(&["login", "aws", "--print", "terraform"])
        .done();
    assert_eq!(again, text, "printed again tomorrow it is the same");
    harness
        .mcm(&["login", "aws", "--print", "cli", "--role-name", "a/b"])
        .failed(2);

    let another = ["login", "aws", "--print", "terraform", "--another"];
    harness.mcm(&another).done();
    assert_eq!(
        harness
            .mcm(&["login", "aws", "--pending"])
            .done()
            .lines()
            .count(),
        3
    );
    let dropped = harness
        .mcm(&["login", "aws", "--drop", &external_id])
        .done();
    assert!(dropped.contains(&external_id), "{dropped}");
    let left = harness.mcm(&["login", "aws", "--pending"]).done();
    assert!(
        left.lines().count() == 2 && !left.contains(&external_id),
        "{left}"
    );
    harness
        .mcm(&["login", "aws", "--drop", &external_id])
        .failed(1);
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_cancels_the_checks_of_a_role_and_keeps_the_external_id() {
    let harness = Harness::start();
    let external_id = prepare(&harness);
    harness.sandbox.forget_requests();
    let begun = harness.begin(&["login", "aws", "--role-arn", &role("ForeignReader")]);
    harness.until_requested(Endpoint::AwsAssumeRole);
    begun.interrupt();
    let output = begun.ended().failed(1);
    assert!(output.contains("You cancelled the sign-in."), "{output}");
    assert_eq!(harness.keychain_entries(), 0);
    assert!(
        harness
            .mcm(&["login", "aws", "--pending"])
            .done()
            .contains(&external_id)
    );
}

#[test]
fn a_profile_can_be_the_source_and_the_session_length_can_be_chosen() {
    let harness = Harness::start();
    let key = harness
        .sandbox
        .aws_access_key("ada")
        .expect("there is an ada");
    let text = format!(
        "[work]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    let file = harness.home().join("aws/credentials");
    write(&file, 0o600, &text);
    let mcm = |arguments: &[&str]| {
        let mut command = harness.command(arguments);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_SHARED_CREDENTIALS_FILE", &file);
        Ended::of(command.output().expect("mcm starts"))
    };
    let source = ["--source", "profile:work"];
    mcm(&[
        &[
            "login",
            "aws",
            "--print",
            "cli",
            "--session-duration",
            "14400",
        ][..],
        &source,
    ]
    .concat())
    .done();
    let arn = role("LongReader");
    let connect = [
        "login",
        "aws",
        "--role-arn",
        &arn,
        "--session-duration",
        "14400",
    ];
    let connected = mcm(&connect).done();
    assert!(
        connected.contains("profile:work") && connected.contains("14400 seconds"),
        "{connected}"
    );
    let output = mcm(&[
        "login",
        "aws",
        "--role-arn",
        &arn,
        "--source",
        "profile:nobody",
    ]);
    assert!(
        output.status != 0 && output.stderr.contains("nobody"),
        "{}",
        output.stderr
    );
}
