//! `mcm token`: an access token of Azure or Google Cloud. It opens no browser unless `--interactive` allows it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::account::{Account, Cloud, Identity};
use mcm_core::app::App;
use mcm_core::claims::ClaimsChallenge;
use mcm_core::credential::Session;
use mcm_core::error::{Code, Error};
use mcm_core::resource::Resource;
use mcm_core::vault::Vault;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::arguments::TokenOf;
use crate::failure::Failure;
use crate::find_account::Lookup;
use crate::interactive;
use crate::output::print;

pub(crate) async fn run(
    app: &App,
    vault: &Vault,
    whose: &TokenOf,
    resource: Option<&str>,
    claims: Option<&str>,
    json: bool,
    may_ask: bool,
) -> Result<(), Failure> {
    let account = account(app, whose)?;
    let resource = resource.map_or(Ok(Resource::Management), |text| {
        app.resource(&account.id, text)
    })?;
    let challenge = claims.map(ClaimsChallenge::parse).transpose()?;
    let attempt = async || {
        let program = requesting_program();
        match &challenge {
            None => app.issue_for(&account.id, &resource, &program).await,
            Some(challenge) => {
                app.answer(&account.id, &resource, challenge, &program)
                    .await
            }
        }
    };
    let session = interactive::issue(app, vault, &account, &resource, may_ask, attempt)
        .await
        .map_err(|failure| match challenge.is_some() && !may_ask {
            true => failure.advising("Run the command again with --interactive."),
            false => failure,
        })?;
    Ok(print_credential(&account, &session, json)?)
}

/// The requested account, if it has access tokens.
///
/// # Errors
/// Those of `Lookup`; `unsupported`.
pub(crate) fn account(lookup: &impl Lookup, whose: &TokenOf) -> Result<Account, Error> {
    let account = match (&whose.account, whose.active) {
        (Some(name), _) => lookup.named(name)?,
        (None, Some(cloud)) => lookup.active(cloud)?,
        (None, None) => unreachable!("the arguments ask for one of them"),
    };
    if account.cloud() != Cloud::Aws {
        return Ok(account);
    }
    let message = format!(
        "{} is an AWS account, which has no access tokens. Run \"mcm credential-process {}\".",
        account.name(),
        account.id
    );
    Err(Error::new(Code::Unsupported, message))
}

/// Prints the access token.
///
/// # Errors
/// Those of `print` and `Session::bearer`.
pub(crate) fn print_credential(
    account: &Account,
    session: &Session,
    json: bool,
) -> Result<(), Error> {
    let token = session.bearer()?;
    if !json {
        return print(token.expose_secret());
    }
    print(
        as_az_prints(
            account,
            token,
            session.times.expires_at,
            &TimeZone::system(),
        )
        .expose_secret(),
    )
}

/// The program that runs `mcm`, as the system names it, for the activity log.
pub(crate) fn requesting_program() -> String {
    #[cfg(target_os = "linux")]
    if let Some(parent) = crate::program::parent_in_proc()
        && let Ok(name) = std::fs::read_to_string(parent.join("comm"))
    {
        return name.trim().to_owned();
    }
    "mcm".to_owned()
}

/// The JSON of `az account get-access-token`, which the Azure SDKs and many scripts read.
#[derive(Serialize)]
struct AzToken<'a> {
    #[serde(rename = "accessToken")]
    access_token: &'a str,
    /// In local time, without an offset. Kept for old readers; `expires_on` is unambiguous.
    #[serde(rename = "expiresOn")]
    expires_on_local: String,
    /// Seconds since 1970.
    expires_on: i64,
    /// The subscription in use; omitted when none is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(rename = "tokenType")]
    token_type: &'static str,
}

fn as_az_prints(
    account: &Account,
    token: &SecretString,
    expires_at: Timestamp,
    zone: &TimeZone,
) -> SecretString {
    let token = AzToken {
        access_token: token.expose_secret(),
        expires_on_local: expires_at
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S.000000")
            .to_string(),
        expires_on: expires_at.as_second(),
        subscription: account.chosen_target().map(|target| target.id.as_str()),
        tenant: match &account.identity {
            Identity::Azure { tenant_id, .. } => Some(tenant_id),
            Identity::Gcp { .. } | Identity::Aws { .. } | Identity::IdentityCenter { .. } => None,
        },
        token_type: "Bearer",
    };
    serde_json::to_string_pretty(&token)
        .expect("plain fields serialise")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_what_az_prints() {
        let identity = Identity::Azure {
            home: "u.t".into(),
            tenant_id: "t".into(),
            tenant_name: None,
            default_domain: None,
            username: "ada@contoso.example".into(),
        };
        let account = Account::new(identity, Timestamp::UNIX_EPOCH);
        let expires_at = "2026-11-23T16:11:36.5Z".parse().expect("a time");
        let printed = as_az_prints(
            &account,
            &"at".into(),
            expires_at,
            &TimeZone::fixed(jiff::tz::offset(2)),
        );
        assert_eq!(
            printed.expose_secret(),
            r#"{
  "accessToken": "at",
  "expiresOn": "2026-11-23 18:11:36.000000",
  "expires_on": 1795450296,
  "tenant": "t",
  "tokenType": "Bearer"
}"#
        );
    }
}
