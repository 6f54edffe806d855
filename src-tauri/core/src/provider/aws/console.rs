//! The console's federation endpoint, which turns a role's session into an address that opens the console as the
//! role.
//!
//! That address is a credential for 15 minutes (IAM user guide, "Enable custom identity broker access"), so it goes
//! only to the browser. The session is sent in a form rather than in an address, which proxies would log.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::partition::{Console, Partition};
use crate::credential::AccessKeys;
use crate::error::{Code, Error, Result};
use crate::http::{self, Dialect, Http};

#[derive(Deserialize)]
struct Token {
    #[serde(rename = "SigninToken")]
    signin_token: SecretString,
}

/// The address that opens the console in a region, and on request signs out the browser's other session first.
///
/// # Errors
/// `unsupported` for partitions without such an endpoint, `sign-in-rejected` when it refuses the session, and those
/// of `Http::send`.
pub(super) async fn page(
    http: &Http,
    sign_in: Option<&Url>,
    partition: &Partition,
    region: &str,
    keys: &AccessKeys,
    sign_out_first: bool,
) -> Result<Url> {
    let console = console_of(partition)?;
    let server = sign_in
        .cloned()
        .unwrap_or_else(|| address(&format!("https://{}/", console.sign_in)));
    http::require_safe(&server)?;
    let door = server
        .join("federation")
        .expect("a plain word joins any server's address");
    let token = signin_token(http, &door, keys).await?;

    let destination = destination(partition, region)?;
    let mut login = door;
    login.query_pairs_mut().extend_pairs([
        ("Action", "login"),
        ("Destination", &destination),
        ("SigninToken", token.expose_secret()),
    ]);
    if !sign_out_first {
        return Ok(login);
    }
    let mut sign_out = server
        .join("oauth")
        .expect("a plain word joins any server's address");
    sign_out
        .query_pairs_mut()
        .extend_pairs([("Action", "logout"), ("redirect_uri", login.as_str())]);
    Ok(sign_out)
}

/// The console's address for a region. Built only from the partition's table, so it leads only to AWS's console.
///
/// # Errors
/// `unsupported` for a partition whose console is not known.
pub(super) fn destination(partition: &Partition, region: &str) -> Result<String> {
    let console = console_of(partition)?;
    let region = partition.region(Some(region));
    Ok(format!(
        "https://{region}.{}/console/home?region={region}",
        console.host
    ))
}

fn console_of(partition: &Partition) -> Result<&Console> {
    partition.console.as_ref().ok_or_else(|| {
        let message = format!(
            "The console of partition {} cannot be opened from here.",
            partition.id
        );
        Error::new(Code::Unsupported, message)
    })
}

async fn signin_token(http: &Http, door: &Url, keys: &AccessKeys) -> Result<SecretString> {
    let token = keys
        .session_token
        .as_ref()
        .map_or("", |token| token.expose_secret());
    let session = SecretString::from(
        serde_json::json!({
            "sessionId": keys.access_key_id,
            "sessionKey": keys.secret_access_key.expose_secret(),
            "sessionToken": token,
        })
        .to_string(),
    );
    // Without a duration, the console's session ends with the role's.
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("Action", "getSigninToken"),
            ("Session", session.expose_secret()),
        ])
        .finish();
    let request = ::http::Request::post(door.as_str())
        .header(
            ::http::header::CONTENT_TYPE,
            "application/x-www-form-urlencoded",
        )
        .header(::http::header::ACCEPT, "application/json")
        .body(form.into_bytes())
        .map_err(|error| {
            Error::new(
                Code::Internal,
                "The console's address is not valid. Report this with the reference.",
            )
            .with_source(error)
        })?;
    let answer = http.send(request, Dialect::JsonOnSuccess).await?;
    let place = http::place(door);
    answer.refuse_server_failure(&place)?;
    let read = serde_json::from_slice::<Token>(&answer.body)
        .ok()
        .filter(|_| answer.status == 200);
    // Neither the answer nor a parser's error is kept: both may hold the token.
    read.map(|token| token.signin_token).ok_or_else(|| {
        let message = format!(
            "{place} did not open the console for this session (HTTP {}). Renew the account, then try again.",
            answer.status
        );
        Error::new(Code::SignInRejected, message)
    })
}

fn address(text: &str) -> Url {
    Url::parse(text).expect("the table's hosts make URLs")
}
