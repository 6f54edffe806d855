//! Facts about an account from IAM and Organizations, each with one signed request through the one HTTP client.
//!
//! Their SDKs are far too large for one call each. Everything here is optional: a caller without permission gets
//! nothing, which is no error.

use std::collections::HashSet;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde::Deserialize;
use url::{Position, Url, form_urlencoded};

use super::arn::is_account_id;
use super::partition::{Global, Partition};
use super::sdk;
use crate::account::OrganizationAccount;
use crate::error::{Code, Error, Result};
use crate::http::{self, Answer, Dialect, Http};
use crate::text;
use crate::world::Clock;

/// The most pages of an organisation that are loaded: 20 accounts a page.
const MOST_PAGES: usize = 500;

/// A client of IAM and Organizations with one set of credentials.
pub(super) struct Signed<'a> {
    pub(super) http: &'a Http,
    pub(super) clock: &'a dyn Clock,
    pub(super) config: &'a SdkConfig,
    pub(super) credentials: &'a Credentials,
    pub(super) partition: &'static Partition,
}

/// IAM's answer about a role.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FoundRole {
    /// It exists, with this ARN.
    There(String),
    /// It does not exist.
    Missing,
    /// The caller has no permission to know.
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountsPage {
    #[serde(default)]
    accounts: Option<Vec<serde_json::Value>>,
    next_token: Option<String>,
}

/// An error of AWS's JSON protocol.
#[derive(Deserialize)]
struct JsonError {
    #[serde(rename = "__type")]
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrganizationRow {
    id: String,
    #[serde(default)]
    name: String,
    /// `State` since 2025, `Status` before.
    #[serde(alias = "Status")]
    state: Option<String>,
}

impl Signed<'_> {
    /// The account's alias, if there is one and the caller may read it.
    pub(super) async fn alias(&self) -> Option<String> {
        let answer = self
            .iam(&[("Action", "ListAccountAliases"), ("Version", "2010-05-08")])
            .await
            .ok()?;
        let body = String::from_utf8(answer.body)
            .ok()
            .filter(|_| answer.status == 200)?;
        element(&body, "member").filter(|alias| is_alias(alias))
    }

    /// Finds a role of the caller's own account by its name: the ARN with its path, which STS omits.
    pub(super) async fn role(&self, name: &str) -> FoundRole {
        let fields = [
            ("Action", "GetRole"),
            ("Version", "2010-05-08"),
            ("RoleName", name),
        ];
        let Ok(answer) = self.iam(&fields).await else {
            return FoundRole::Unknown;
        };
        let body = String::from_utf8(answer.body).unwrap_or_default();
        match answer.status {
            200 => element(&body, "Arn").map_or(FoundRole::Unknown, FoundRole::There),
            404 if element(&body, "Code").as_deref() == Some("NoSuchEntity") => FoundRole::Missing,
            _ => FoundRole::Unknown,
        }
    }

    /// Lists the accounts of the organisation; none when the caller may not list them.
    ///
    /// # Errors
    /// `offline`, `throttled` and `server-failed`.
    pub(super) async fn accounts(&self) -> Result<Vec<OrganizationAccount>> {
        let url = self.address("Organizations", &self.partition.organizations)?;
        let (mut accounts, mut list) = (Vec::new(), self.http.start_list(&url));
        let (mut next, mut ids) = (None::<String>, HashSet::new());
        for _ in 0..MOST_PAGES {
            let body = next.take().map_or_else(
                || "{}".to_owned(),
                |token| serde_json::json!({ "NextToken": token }).to_string(),
            );
            let headers = [
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "AWSOrganizationsV20161128.ListAccounts"),
            ];
            let region = self.partition.organizations.region;
            let request = self.send("organizations", region, &url, &headers, body);
            let answer = list.page(request).await?;
            answer.refuse_server_failure(&http::place(&url))?;
            if answer.status != 200 {
                return no_list(&answer, &http::place(&url));
            }
            let page: AccountsPage = http::from_json(&answer.body).map_err(|position| {
                let message = format!(
                    "{} sent an invalid list. Try again later.",
                    http::place(&url)
                );
                Error::new(Code::ServerFailed, message).with_source(position)
            })?;
            let rows = page.accounts.unwrap_or_default();
            list.count(rows.len())?;
            // A row without an id names no account, and one that comes twice is one.
            let rows = rows
                .into_iter()
                .filter_map(|row| serde_json::from_value(row).ok());
            let rows = rows.filter(|row: &OrganizationRow| {
                is_account_id(&row.id) && ids.insert(row.id.clone())
            });
            accounts.extend(rows.map(|row| OrganizationAccount {
                roles_read_at: None,
                name: text::shown(&row.name),
                state: row.state.map(|state| text::shown(&state)),
                account_id: row.id,
            }));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(accounts);
            }
        }
        let message = format!(
            "{} sent an endless list, so it was not used. Try again later.",
            http::place(&url)
        );
        Err(Error::new(Code::ServerFailed, message))
    }

    async fn iam(&self, fields: &[(&str, &str)]) -> Result<Answer> {
        let url = self.address("IAM", &self.partition.iam)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )];
        self.send("iam", self.partition.iam.region, &url, &headers, body)
            .await
    }

    fn address(&self, service: &str, global: &Global) -> Result<Url> {
        let url = sdk::endpoint(self.config, service).unwrap_or_else(|| {
            Url::parse(&format!("https://{}/", global.host)).expect("the table's hosts make URLs")
        });
        http::require_safe(&url)?;
        Ok(url)
    }

    async fn send(
        &self,
        service: &str,
        region: &str,
        url: &Url,
        headers: &[(&'static str, &'static str)],
        body: String,
    ) -> Result<Answer> {
        let unsigned = |error: &dyn std::fmt::Display| {
            // The signing errors name fields, never values.
            tracing::error!(%error, service, "a request could not be signed");
            Error::new(
                Code::Internal,
                "A request to AWS could not be signed. Report this with the reference.",
            )
        };
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(sdk::system_time(self.clock.now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsigned(&error))?
            .into();
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let signed_headers = headers.iter().copied().chain([("host", host)]);
        let signable = SignableRequest::new(
            "POST",
            url.as_str(),
            signed_headers,
            SignableBody::Bytes(body.as_bytes()),
        )
        .map_err(|error| unsigned(&error))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|error| unsigned(&error))?
            .into_parts();
        let mut request = ::http::Request::post(url.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .body(body.into_bytes())
            .map_err(|error| unsigned(&error))?;
        instructions.apply_to_request_http1x(&mut request);
        self.http.send(request, Dialect::Aws).await
    }
}

/// Interprets a refusal to list an organisation: no permission, no organisation, or a failure.
fn no_list(answer: &Answer, place: &str) -> Result<Vec<OrganizationAccount>> {
    let read = serde_json::from_slice::<JsonError>(&answer.body);
    let code = read.map(|error| error.code).unwrap_or_default();
    // Some services put their name before the code.
    match code.rsplit('#').next().unwrap_or_default() {
        "AccessDeniedException" | "AccessDenied" | "AWSOrganizationsNotInUseException" => {
            Ok(Vec::new())
        }
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" => Err(Error::new(
            Code::Throttled,
            format!("{place} received too many requests. Try again later."),
        )),
        _ => Err(Error::new(
            Code::ServerFailed,
            format!("{place} returned no list. Try again later."),
        )),
    }
}

/// AWS's form of account aliases: 3 to 63 lowercase letters, digits and single hyphens inside.
fn is_alias(alias: &str) -> bool {
    (3..=63).contains(&alias.len())
        && alias
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !alias.starts_with('-')
        && !alias.ends_with('-')
        && !alias.contains("--")
}

/// The text of the first element with this name. IAM's answers are flat enough for that.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    Some(
        plain
            .iter()
            .fold(text.trim().to_owned(), |text, (entity, c)| {
                text.replace(entity, c)
            }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_used_only_in_awss_form() {
        assert!(is_alias("contoso-production") && is_alias("a1b"));
        for bad in [
            "",
            "ab",
            "-abc",
            "abc-",
            "a--b",
            "Abc",
            "a b",
            "<b>",
            &"x".repeat(64),
        ] {
            assert!(!is_alias(bad), "{bad}");
        }
    }

    #[test]
    fn elements_are_found_and_unescaped_or_not_there() {
        let xml = "<A><Arn>arn:aws:iam::1:role/a&amp;b/R</Arn><Code>NoSuchEntity</Code><Open>";
        assert_eq!(
            element(xml, "Arn").as_deref(),
            Some("arn:aws:iam::1:role/a&b/R")
        );
        assert_eq!(element(xml, "Open"), None);
        assert_eq!(element(xml, "Missing"), None);
    }
}
