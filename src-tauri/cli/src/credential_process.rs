//! `mcm credential-process`: an AWS account's credential, as AWS's own clients read it from a program.
//!
//! It never opens a browser: a client that runs it shows its standard error, if anything.

use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::credential::Session;
use mcm_core::error::{Code, Error};
use mcm_core::vault::Vault;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::arguments::CredentialOf;
use crate::failure::Failure;
use crate::find_account::Lookup;
use crate::interactive;
use crate::output::print;
use crate::token::requesting_program;

pub(crate) async fn run(
    app: &App,
    vault: &Vault,
    whose: &CredentialOf,
    may_ask: bool,
) -> Result<(), Failure> {
    let account = account(app, whose)?;
    let resource = account.issued_resource()?;
    let attempt = async || {
        app.issue_for(&account.id, &resource, &requesting_program())
            .await
    };
    let session = interactive::issue(app, vault, &account, &resource, may_ask, attempt).await?;
    Ok(print_credential(&account, &session)?)
}

/// The requested account, if it is one of AWS.
///
/// # Errors
/// Those of `Lookup`; `unsupported`.
pub(crate) fn account(lookup: &impl Lookup, whose: &CredentialOf) -> Result<Account, Error> {
    let account = match &whose.account {
        Some(name) => lookup.named(name)?,
        None => lookup.active(Cloud::Aws)?,
    };
    if account.cloud() == Cloud::Aws {
        return Ok(account);
    }
    let message = format!(
        "{} is an account of {}, which uses access tokens. Run \"mcm token {}\".",
        account.name(),
        account.cloud().title(),
        account.id
    );
    Err(Error::new(Code::Unsupported, message))
}

/// Prints the credential.
///
/// # Errors
/// Those of `print` and `Session::access_keys`.
pub(crate) fn print_credential(account: &Account, session: &Session) -> Result<(), Error> {
    print(as_aws_reads(session, account.aws_account_id())?.expose_secret())
}

/// Version 1 of the form that AWS documents for programs that supply credentials (AWS SDKs and Tools Reference Guide,
/// "Process credential provider").
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessCredential<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    /// In RFC 3339 and UTC.
    expiration: String,
    /// Twelve digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

fn as_aws_reads(session: &Session, account_id: Option<&str>) -> Result<SecretString, Error> {
    let keys = session.access_keys()?;
    let credential = ProcessCredential {
        version: 1,
        access_key_id: &keys.access_key_id,
        secret_access_key: keys.secret_access_key.expose_secret(),
        session_token: keys
            .session_token
            .as_ref()
            .map(|token| token.expose_secret()),
        expiration: format!("{:.0}", session.times.expires_at),
        account_id,
    };
    Ok(serde_json::to_string(&credential)
        .expect("plain fields serialise")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcm_core::account::SessionTimes;
    use mcm_core::credential::{AccessKeys, Credential};

    #[test]
    fn the_json_is_what_aws_documents() {
        let session = Session {
            credential: Credential::AccessKeys(AccessKeys {
                mfa_device: None,
                access_key_id: "ASIAEXAMPLE".into(),
                secret_access_key: "sk".into(),
                session_token: Some("st".into()),
            }),
            times: SessionTimes {
                issued_at: "2026-11-23T17:11:36Z".parse().expect("a time"),
                expires_at: "2026-11-23T18:11:36.9Z".parse().expect("a time"),
            },
            generation: 1,
        };
        let printed = as_aws_reads(&session, Some("123456789012")).expect("access keys");
        assert_eq!(
            printed.expose_secret(),
            r#"{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"sk","SessionToken":"st","Expiration":"2026-11-23T18:11:36Z","AccountId":"123456789012"}"#
        );
    }
}
