//! Scopes, audiences and token endpoints of Azure.

use super::*;

#[test]
fn the_token_endpoint_of_a_grant_serves_every_tenant() {
    let endpoint =
        Url::parse("https://login.example/organizations/oauth2/v2.0/token").expect("a URL");
    let template = token_endpoint_template(&endpoint, &["organizations", "t1"]);
    assert_eq!(template, "https://login.example/{tenant}/oauth2/v2.0/token");
    // The metadata of a domain names the tenant's id.
    let endpoint = Url::parse("https://login.example/T1/oauth2/v2.0/token").expect("a URL");
    assert_eq!(
        token_endpoint_template(&endpoint, &["contoso.example", "t1"]),
        template
    );
    let other = Url::parse("http://127.0.0.1:4000/oidc/token").expect("a URL");
    assert_eq!(
        token_endpoint_template(&other, &["organizations", "t1"]),
        "http://127.0.0.1:4000/oidc/token"
    );
}

#[test]
fn an_audience_of_its_own_is_what_resource_managers_tokens_are_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [
        ("AZURE_AUTHORITY_HOST", "https://login.contoso.example"),
        (
            "MCM_AZURE_RESOURCE_MANAGER",
            "https://management.contoso.example",
        ),
        ("MCM_AZURE_AUDIENCE", "https://management.contoso.example/1"),
    ];
    let environment = crate::world::Environment::from_pairs(variables);
    let settings = crate::settings::Settings::load(folder.path(), &environment).azure;
    let asked = scopes(&settings, &Resource::Management);
    assert_eq!(asked[0], "https://management.contoso.example/1/.default");
    let granted = ["https://management.contoso.example/1/user_impersonation".to_owned()];
    assert_eq!(missing_scopes(&asked[0], &granted), [""; 0]);
    let itself = resource::parse(&settings, "https://management.contoso.example/1");
    assert_eq!(itself.expect("a resource"), Resource::Management);
}

#[test]
fn a_scope_that_was_not_granted_is_named() {
    let asked = "https://management.azure.com/user_impersonation";
    let granted = |scopes: &[&str]| {
        missing_scopes(
            asked,
            &scopes.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>(),
        )
    };
    assert!(granted(&["openid", "https://management.azure.com/user_impersonation"]).is_empty());
    assert!(granted(&["https://management.azure.com/.default"]).is_empty());
    assert!(
        granted(&[]).is_empty(),
        "an answer without scopes granted the requested ones (RFC 6749 5.1)"
    );
    assert_eq!(granted(&["openid", "profile"]), [asked]);
}
