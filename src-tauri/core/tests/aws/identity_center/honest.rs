//! The stand-in is honest: AWS's own client signs in to it, lists and fetches, and raises the errors of its models.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Options, Sandbox};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn botocore_signs_in_to_the_stand_in_and_raises_the_errors_of_its_models() {
    // I34
    let clouds = Sandbox::start(Options {
        device_interval: std::time::Duration::from_secs(1),
        ..Options::default()
    })
    .await
    .expect("free ports");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let start_url = clouds.start_url();
    let mut server = start_url.clone();
    server.set_path("");
    let mut process = Command::new(folder.join("../../target/moto/venv/bin/python"))
        .arg(folder.join("tests/aws/identity_center/botocore_client.py"))
        .args([
            server.as_str().trim_end_matches('/'),
            start_url.as_str(),
            clouds.sts_endpoint().as_str(),
        ])
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("botocore is not installed ({error}). Run make test, which installs it.")
        });
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    let reported = tokio::task::block_in_place(&mut next);
    let text = |name: &str| reported[name].as_str().expect("text").to_owned();
    let browser = Browser::new().with_user_code(&text("userCode"));
    let landing = browser.browse(&text("page")).await;
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    writeln!(process.stdin.take().expect("piped"), "done").expect("it waits");
    let reported = tokio::task::block_in_place(&mut next);
    assert!(process.wait().expect("it ends").success());
    let arn = reported["arn"].as_str().expect("an ARN");
    assert!(
        arn.starts_with(
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_AdministratorAccess_"
        ) && arn.ends_with("/ada"),
        "{arn}"
    );
    let expected = json!({
        "pending": "AuthorizationPendingException",
        "accounts": ["111122223333", "444455556666", "777788889999", "012345678901", "000000000042"],
        "roles": ["AdministratorAccess", "ReadOnly"],
        "credentials": ["accessKeyId", "expiration", "secretAccessKey", "sessionToken"],
        "arn": arn,
        "hours": 1,
        "too many": null,
        "unknown token": "UnauthorizedException",
        "unknown account": "ResourceNotFoundException",
        // The model does not know it, so AWS's own clients see a bare error.
        "not assigned": "ClientError",
        "renewed": ["accessToken", "refreshToken"],
        "used twice": "InvalidGrantException",
        "unknown client": "InvalidClientException",
        "signed": 400,
        "signed out": "UnauthorizedException",
    });
    assert_eq!(reported, expected);
}
