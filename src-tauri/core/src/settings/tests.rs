//! Settings as they are loaded: who wins, what is malformed and how it is named, and what a save keeps.

use super::*;
use crate::file;

const GUID: &str = "11111111-2222-3333-4444-555555555555";

fn load(toml: &str, environment: &[(&str, &str)]) -> Settings {
    let folder = tempfile::tempdir().expect("a folder");
    file::replace(&Settings::path(folder.path()), toml.as_bytes()).expect("written");
    Settings::load(
        folder.path(),
        &Environment::from_pairs(environment.iter().copied()),
    )
}

fn problem(settings: &Settings) -> &str {
    assert_eq!(
        settings.azure.problems.len(),
        1,
        "{:?}",
        settings.azure.problems
    );
    &settings.azure.problems[0].message
}

#[test]
fn the_environment_wins_over_the_file_and_the_origin_is_named() {
    let toml = format!("[azure]\nclient_id = \"{GUID}\"\ntenant = \"contoso.example\"");
    let from_file = load(&toml, &[]);
    assert!(
        from_file
            .azure
            .client_id
            .expect("set")
            .origin
            .starts_with("azure.client_id in ")
    );
    assert_eq!(from_file.azure.tenant, "contoso.example");
    let other = GUID.replace('1', "9");
    let both = load(&toml, &[("AZURE_CLIENT_ID", &other)]);
    assert_eq!(
        both.azure.client_id.expect("set"),
        Sourced {
            value: other,
            origin: "AZURE_CLIENT_ID".into()
        }
    );
}

#[test]
fn without_settings_the_public_cloud_is_used_and_the_missing_client_id_is_named() {
    let settings = load("", &[]);
    assert_eq!(
        settings.azure.authority.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert_eq!(settings.azure.tenant, "organizations");
    assert!(problem(&settings).contains("AZURE_CLIENT_ID"));
    assert_eq!(
        settings.azure.client_id().expect_err("not set").code(),
        Code::SettingMissing
    );
}

#[test]
fn an_authority_of_a_known_cloud_implies_its_resource_manager() {
    let host = ("AZURE_AUTHORITY_HOST", "login.microsoftonline.us");
    let government = load("", &[host, ("AZURE_CLIENT_ID", GUID)]).azure;
    assert_eq!(
        government.resource_manager.as_str(),
        "https://management.usgovcloudapi.net/"
    );
    let china = load("[azure]\ncloud = \"china\"", &[("AZURE_CLIENT_ID", GUID)]).azure;
    assert_eq!(
        china.authority.as_str(),
        "https://login.partner.microsoftonline.cn/"
    );
    assert_eq!(
        (china.portal.as_str(), china.problems),
        ("https://portal.azure.cn/", vec![])
    );
}

#[test]
fn every_name_of_a_clouds_sign_in_server_brings_that_cloud_along() {
    for (host, cloud, arm, portal) in [
        (
            "login.windows.net",
            AzureCloud::Public,
            "management.azure.com",
            "portal.azure.com",
        ),
        (
            "sts.windows.net",
            AzureCloud::Public,
            "management.azure.com",
            "portal.azure.com",
        ),
        (
            "login.usgovcloudapi.net",
            AzureCloud::UsGovernment,
            "management.usgovcloudapi.net",
            "portal.azure.us",
        ),
        (
            "https://login.chinacloudapi.cn/",
            AzureCloud::China,
            "management.chinacloudapi.cn",
            "portal.azure.cn",
        ),
        (
            "https://login.microsoftonline.us/common",
            AzureCloud::UsGovernment,
            "management.usgovcloudapi.net",
            "portal.azure.us",
        ),
    ] {
        let settings = load(
            "",
            &[("AZURE_AUTHORITY_HOST", host), ("AZURE_CLIENT_ID", GUID)],
        );
        let azure = settings.azure;
        assert_eq!(azure.problems, [], "{host}");
        assert_eq!(azure.cloud(), cloud, "{host}");
        assert_eq!(azure.resource_manager.host_str(), Some(arm), "{host}");
        assert_eq!(azure.portal.host_str(), Some(portal), "{host}");
        // The cloud's first name, whose metadata speaks for itself.
        assert_eq!(AzureCloud::of_authority(&azure.authority), Some(cloud));
        assert_eq!(azure.authority, cloud.authority(), "{host}");
    }
}

#[test]
fn a_tenant_behind_the_sign_in_server_is_used_and_never_beside_another() {
    let authority = |path: &str| format!("https://login.microsoftonline.us/{path}");
    let behind = authority("contoso.example/v2.0");
    let found = load(
        "",
        &[("AZURE_AUTHORITY_HOST", &behind), ("AZURE_CLIENT_ID", GUID)],
    );
    assert_eq!(found.azure.tenant, "contoso.example");
    for (path, tenant, says) in [
        (
            "contoso.example",
            "fabrikam.example",
            "names tenant \"contoso.example\"",
        ),
        ("x/y", "contoso.example", "names no tenant"),
    ] {
        let variables = [
            ("AZURE_AUTHORITY_HOST", &*authority(path)),
            ("AZURE_TENANT_ID", tenant),
            ("AZURE_CLIENT_ID", GUID),
        ];
        assert!(problem(&load("", &variables)).contains(says), "{path}");
    }
}

#[test]
fn servers_that_do_not_belong_together_are_named() {
    let with = |pairs: &[(&str, &str)]| {
        let id = [("AZURE_CLIENT_ID", GUID)];
        load("", &[&id[..], pairs].concat())
    };
    let own = ("AZURE_AUTHORITY_HOST", "https://login.contoso.example");
    assert!(problem(&with(&[own])).contains("of no Azure cloud that this app knows"));
    let regional = ("AZURE_AUTHORITY_HOST", "login-us.microsoftonline.com");
    assert!(problem(&with(&[regional])).contains("login-us.microsoftonline.com"));
    let government = ("MCM_AZURE_RESOURCE_MANAGER", "management.usgovcloudapi.net");
    assert!(problem(&with(&[government])).contains("Set azure.cloud alone"));
    let stack = (
        "MCM_AZURE_RESOURCE_MANAGER",
        "https://management.local.azurestack.external",
    );
    assert_eq!(with(&[stack]).azure.problems, []);
    assert_eq!(with(&[own, stack]).azure.problems, []);
}

#[test]
fn an_azure_stack_may_have_an_audience_of_its_own() {
    let audience = "https://management.contoso.example/11111111-2222-3333-4444-555555555555";
    let found = load(
        &format!("[azure]\naudience = \"{audience}\""),
        &[("AZURE_CLIENT_ID", GUID)],
    );
    assert_eq!(found.azure.audience.expect("set").as_str(), audience);
    let odd = [
        ("MCM_AZURE_AUDIENCE", "http://x"),
        ("AZURE_CLIENT_ID", GUID),
    ];
    assert!(problem(&load("", &odd)).contains("MCM_AZURE_AUDIENCE"));
}

#[test]
fn each_malformed_setting_is_named_with_its_origin_and_remedy() {
    for (name, value, says) in [
        ("AZURE_AUTHORITY_HOST", "http://login.example", "https"),
        ("AZURE_AUTHORITY_HOST", "https://", "not a server address"),
        (
            "AZURE_AUTHORITY_HOST",
            "https://me:secret@login.example",
            "user name or password",
        ),
        ("MCM_AZURE_RESOURCE_MANAGER", "ftp://x", "https"),
        ("AZURE_TENANT_ID", "my tenant", "a tenant id"),
        (
            "MCM_REDIRECT_AZURE",
            "carrier-pigeon",
            "deep-link or loopback",
        ),
    ] {
        let settings = load("", &[("AZURE_CLIENT_ID", GUID), (name, value)]);
        let message = problem(&settings);
        assert!(
            message.contains(name) && message.contains(says),
            "{message}"
        );
        assert!(!message.contains("secret"), "{message}");
    }
    for wrong in ["123-abc.apps.googleusercontent.com", "my app", "not-a-guid"] {
        let settings = load("", &[("AZURE_CLIENT_ID", wrong)]);
        assert!(problem(&settings).contains(wrong));
        assert_eq!(
            settings.azure.client_id().expect_err("wrong kind").code(),
            Code::SettingInvalid
        );
    }
}

#[test]
fn a_file_that_is_not_toml_is_named_with_its_line_and_never_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Settings::path(folder.path());
    file::replace(&path, b"[azure]\nclient_id = \n").expect("written");
    let settings = Settings::load(folder.path(), &Environment::default());
    assert!(
        settings
            .unreadable
            .expect("named")
            .message
            .contains("line 2")
    );
    assert!(save(folder.path(), "azure", "client_id", Some(GUID)).is_err());
    assert_eq!(
        file::read(&path).expect("readable").expect("there"),
        b"[azure]\nclient_id = \n"
    );
}

#[test]
fn saving_keeps_comments_and_other_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Settings::path(folder.path());
    file::replace(&path, b"# mine\n[azure]\ntenant = \"a.example\" # why\n").expect("written");
    save(folder.path(), "azure", "client_id", Some(GUID)).expect("saved");
    save_flag(folder.path(), "app", "welcomed", true).expect("saved");
    let text =
        String::from_utf8(file::read(&path).expect("readable").expect("there")).expect("text");
    assert!(
        text.contains("# mine") && text.contains("# why") && text.contains(GUID),
        "{text}"
    );
    let settings = Settings::load(folder.path(), &Environment::default());
    assert!(settings.preferences.welcomed && settings.azure.problems.is_empty());
}

#[test]
fn tenants_are_guids_domains_or_entras_words() {
    for good in [
        GUID,
        "Contoso.Example",
        "organizations",
        "common",
        "a-b.example",
    ] {
        assert_eq!(parse_tenant(good).expect(good), good.to_ascii_lowercase());
    }
    for bad in [
        "",
        "contoso",
        "../common",
        "a/b.c",
        "a b.example",
        ".example",
        "a..b",
        "x.example?y",
    ] {
        assert!(parse_tenant(bad).is_err(), "{bad:?}");
    }
}
