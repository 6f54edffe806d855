use std::path::PathBuf;

use secrecy::ExposeSecret as _;

use super::*;
use crate::settings::Settings;
use crate::world::Environment;

const ID: &str = "1234-abc.apps.googleusercontent.com";
const OTHER: &str = "9876-xyz.apps.googleusercontent.com";

/// A config folder with these files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        file::replace(&folder.path().join(name), text.as_bytes()).expect("written");
    }
    folder
}

fn load(files: &[(&str, &str)], environment: &[(&str, &str)]) -> GcpSettings {
    let folder = folder(files);
    Settings::load(
        folder.path(),
        &Environment::from_pairs(environment.iter().copied()),
    )
    .gcp
}

fn problem(settings: &GcpSettings) -> &str {
    assert_eq!(settings.problems.len(), 1, "{:?}", settings.problems);
    &settings.problems[0].message
}

fn secret(settings: &GcpSettings) -> Option<&str> {
    settings
        .client_secret
        .as_ref()
        .map(|secret| secret.expose_secret())
}

fn client_file(kind: &str, id: &str) -> String {
    format!(
        r#"{{"{kind}":{{"client_id":"{id}","project_id":"p","auth_uri":"https://evil.example/auth",
            "token_uri":"https://evil.example/token","client_secret":"CANARY","redirect_uris":["http://localhost"]}}}}"#
    )
}

#[test]
fn without_settings_google_itself_is_used_and_the_missing_client_is_named() {
    let settings = load(&[], &[]);
    assert_eq!(settings.issuer.as_str(), "https://accounts.google.com/");
    assert_eq!(
        settings.resource_manager.as_str(),
        "https://cloudresourcemanager.googleapis.com/"
    );
    assert_eq!(
        (settings.redirect, settings.access),
        (RedirectKind::Loopback, GcpAccess::Full)
    );
    assert!(problem(&settings).contains("Desktop app"));
    assert_eq!(
        settings.client_id().expect_err("not set").code(),
        Code::SettingMissing
    );
}

#[test]
fn a_client_comes_from_the_environment_the_settings_or_googles_own_file() {
    let environment = load(
        &[],
        &[("GOOGLE_CLIENT_ID", ID), ("GOOGLE_CLIENT_SECRET", "s")],
    );
    assert_eq!(
        (environment.client_id().expect("set"), secret(&environment)),
        (ID, Some("s"))
    );

    let toml =
        format!("[gcp]\nclient_id = \"{ID}\"\nclient_secret = \"t\"\naccess = \"read-only\"");
    let settings = load(&[("settings.toml", &toml)], &[]);
    assert_eq!(
        (settings.client_id().expect("set"), secret(&settings)),
        (ID, Some("t"))
    );
    assert_eq!(settings.access, GcpAccess::ReadOnly);

    let toml = "[gcp]\nclient_secret_file = \"client.json\"";
    let files = [
        ("settings.toml", toml),
        ("client.json", &client_file("installed", ID)),
    ];
    let settings = load(&files, &[]);
    assert_eq!(
        (settings.client_id().expect("set"), secret(&settings)),
        (ID, Some("CANARY"))
    );
    assert!(
        settings
            .client_id
            .as_ref()
            .expect("set")
            .origin
            .contains("client.json")
    );
    assert_eq!(
        settings.issuer.as_str(),
        "https://accounts.google.com/",
        "the file's endpoints are not read"
    );
    assert!(!format!("{settings:?}").contains("CANARY"));
}

#[test]
fn a_secret_is_used_only_with_the_client_id_that_it_belongs_to() {
    let toml = format!("[gcp]\nclient_id = \"{OTHER}\"\nclient_secret = \"t\"");
    assert_eq!(
        secret(&load(
            &[("settings.toml", &toml)],
            &[("GOOGLE_CLIENT_ID", ID)]
        )),
        None
    );
    let toml = format!("[gcp]\nclient_id = \"{ID}\"\nclient_secret_file = \"client.json\"");
    let file = client_file("installed", OTHER);
    assert_eq!(
        secret(&load(
            &[("settings.toml", &toml), ("client.json", &file)],
            &[]
        )),
        None
    );
    let file = client_file("installed", ID);
    assert_eq!(
        secret(&load(
            &[("settings.toml", &toml), ("client.json", &file)],
            &[]
        )),
        Some("CANARY")
    );
}

#[test]
fn a_file_of_the_wrong_kind_is_refused_with_the_reason_and_never_quoted() {
    let toml = "[gcp]\nclient_secret_file = \"client.json\"";
    let service_account = r#"{"type":"service_account","private_key":"CANARY"}"#;
    for (file, says) in [
        (client_file("web", ID).as_str(), "web application"),
        (service_account, "service account"),
        ("CANARY", "not the file of an OAuth client"),
        (
            r#"{"installed":{"client_id":"","client_secret":"CANARY"}}"#,
            "not the file of an OAuth client",
        ),
        (
            r#"{"installed":"CANARY"}"#,
            "not the file of an OAuth client",
        ),
        (&"x".repeat(70_000), "not the file of an OAuth client"),
    ] {
        let settings = load(&[("settings.toml", toml), ("client.json", file)], &[]);
        let message = problem(&settings);
        assert!(
            message.contains(says) && message.contains("client.json"),
            "{message}"
        );
        assert!(!message.contains("CANARY"), "{message}");
        assert!(settings.client_id().is_err());
    }
    let missing = load(&[("settings.toml", toml)], &[]);
    assert!(
        problem(&missing).contains("does not exist"),
        "{:?}",
        missing.problems
    );
    assert!(check_gcp_client_file(&PathBuf::from("/nowhere/client.json")).is_err());
}

#[test]
fn a_client_id_of_the_wrong_kind_is_named_with_the_remedy() {
    for (wrong, says) in [
        ("11111111-2222-3333-4444-555555555555", "Entra"),
        ("arn:aws:iam::1:role/x", "ARN"),
        ("ada@contoso.example", "e-mail"),
        ("bot@p.iam.gserviceaccount.com", "e-mail"),
        ("1234", "not a Google client id"),
        ("my client", "not a Google client id"),
        (".apps.googleusercontent.com", "not a Google client id"),
        (
            "evil/x.apps.googleusercontent.com",
            "not a Google client id",
        ),
    ] {
        let settings = load(&[], &[("GOOGLE_CLIENT_ID", wrong)]);
        let message = problem(&settings);
        assert!(
            message.starts_with("GOOGLE_CLIENT_ID is") && message.contains(wrong),
            "{message}"
        );
        assert!(
            message.contains(says) && message.contains("Desktop app"),
            "{message}"
        );
        assert_eq!(
            settings.client_id().expect_err("wrong kind").code(),
            Code::SettingInvalid
        );
    }
}

#[test]
fn a_secret_instead_of_the_client_id_is_never_shown() {
    let settings = load(&[], &[("GOOGLE_CLIENT_ID", "GOCSPX-CANARY")]);
    assert!(problem(&settings).contains("secret"));
    assert!(!format!("{settings:?}").contains("CANARY"), "{settings:?}");
}

#[test]
fn another_server_may_use_ids_of_its_own() {
    let issuer = ("MCM_GOOGLE_ISSUER", "http://127.0.0.1:4000");
    assert_eq!(
        load(&[], &[issuer, ("GOOGLE_CLIENT_ID", "native")])
            .client_id()
            .expect("fine"),
        "native"
    );
    let guid = "11111111-2222-3333-4444-555555555555";
    assert!(
        load(&[], &[issuer, ("GOOGLE_CLIENT_ID", guid)])
            .client_id()
            .is_err()
    );
}

#[test]
fn the_scheme_of_a_client_is_its_reversed_id_and_others_have_none() {
    let settings = load(
        &[],
        &[("GOOGLE_CLIENT_ID", ID), ("MCM_REDIRECT_GCP", "deep-link")],
    );
    assert_eq!(
        settings.deep_link_redirect().as_deref(),
        Some("com.googleusercontent.apps.1234-abc:/oauth2redirect")
    );
    assert!(settings.problems.is_empty());
    let issuer = ("MCM_GOOGLE_ISSUER", "http://127.0.0.1:4000");
    let settings = load(
        &[],
        &[
            issuer,
            ("GOOGLE_CLIENT_ID", "native"),
            ("MCM_REDIRECT_GCP", "deep-link"),
        ],
    );
    assert!(problem(&settings).contains("loopback"));
}

#[test]
fn each_malformed_setting_is_named_with_its_origin_and_remedy() {
    for (name, value, says) in [
        ("MCM_GOOGLE_ISSUER", "http://accounts.google.com", "https"),
        (
            "MCM_GOOGLE_RESOURCE_MANAGER",
            "https://",
            "not a server address",
        ),
        (
            "MCM_REDIRECT_GCP",
            "carrier-pigeon",
            "deep-link or loopback",
        ),
    ] {
        let settings = load(&[], &[("GOOGLE_CLIENT_ID", ID), (name, value)]);
        let message = problem(&settings);
        assert!(
            message.contains(name) && message.contains(says),
            "{message}"
        );
    }
    let toml = format!("[gcp]\nclient_id = \"{ID}\"\naccess = \"some\"");
    let settings = load(&[("settings.toml", &toml)], &[]);
    assert!(problem(&settings).contains("read-only or full"));
    assert_eq!(settings.access, GcpAccess::ReadOnly);
}
