//! Google's Resource Manager: the projects that the user can see.
//!
//! `projects:search` (v3). Pages may be short or empty and still have a successor, and an empty list has no
//! `projects` member. A project that comes twice is one, and a row without an id is left out.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::account::Target;
use crate::error::{Code, Error, Result};
use crate::http::{self, Http, Refused};
use crate::provider::Progress;
use crate::text;

/// The requested page size; the server may return less.
const PAGE_SIZE: usize = 500;
/// More pages than this, including empty ones, is a faulty server.
const MOST_PAGES: usize = 2000;
/// The console page where an API is enabled.
const CONSOLES: [&str; 2] = ["console.developers.google.com", "console.cloud.google.com"];

/// The kind of violation by which VPC Service Controls are known.
const VPC_SERVICE_CONTROLS: &str = "VPC_SERVICE_CONTROLS";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProjectPage {
    #[serde(default)]
    projects: Option<Vec<Value>>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    project_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    parent: Option<String>,
}

/// Loads the active projects, by name.
///
/// # Errors
/// `server-failed` for pages that lead in circles, `sign-in-again` when the token is refused, `sign-in-refused` when
/// it was not granted access, `admin-needed` when only an administrator can help, and those of `ListReading`.
pub(super) async fn search(
    http: &Http,
    home: &Url,
    token: &SecretString,
    progress: &Progress<'_>,
) -> Result<Vec<Target>> {
    let mut page_token = String::new();
    let (mut seen, mut ids) = (HashSet::new(), HashSet::new());
    let (mut targets, mut list) = (Vec::new(), http.start_list(home));
    let mut skipped = 0_usize;
    loop {
        let url = address(home, &page_token)?;
        let page = list
            .get_json::<ProjectPage, GoogleError>(&url, Some(token))
            .await?;
        let page = page.map_err(|refused| explain(home, &refused))?;
        let rows = page.projects.unwrap_or_default();
        progress(list.count(rows.len())?);
        for row in rows {
            match serde_json::from_value(row).map(target) {
                Ok(target) if !ids.insert(target.id.clone()) => {}
                Ok(target) => targets.push(target),
                Err(_) => skipped += 1,
            }
        }
        page_token = page.next_page_token.unwrap_or_default();
        if page_token.is_empty() {
            break;
        }
        if seen.len() == MOST_PAGES || !seen.insert(page_token.clone()) {
            let message = format!(
                "{} sent a list of projects whose pages lead in circles. It was not used. Try again later.",
                http::place(home)
            );
            return Err(Error::new(Code::ServerFailed, message));
        }
    }
    if skipped > 0 {
        tracing::warn!(skipped, "projects without an id are left out");
    }
    targets.sort_by_cached_key(|target| target.name.to_lowercase());
    Ok(targets)
}

fn address(home: &Url, page_token: &str) -> Result<Url> {
    let mut url = home.join("v3/projects:search").map_err(|error| {
        Error::new(
            Code::Internal,
            "Resource Manager's address is not valid. Check the settings.",
        )
        .with_source(error)
    })?;
    url.query_pairs_mut()
        .append_pair("query", "state:ACTIVE")
        .append_pair("pageSize", &PAGE_SIZE.to_string());
    if !page_token.is_empty() {
        url.query_pairs_mut().append_pair("pageToken", page_token);
    }
    Ok(url)
}

fn target(project: Project) -> Target {
    let named = |name: Option<String>| {
        name.map(|name| text::shown(&name))
            .filter(|name| !name.is_empty())
    };
    let id = text::shown(&project.project_id);
    Target {
        name: named(project.display_name).unwrap_or_else(|| id.clone()),
        id,
        state: named(project.state),
        parent: named(project.parent),
    }
}

/// A refusal of a Google API, as it is sent. What else stands in it may be of any shape.
#[derive(Deserialize)]
struct GoogleError {
    error: GoogleErrorBody,
}

#[derive(Deserialize)]
struct GoogleErrorBody {
    #[serde(default)]
    status: Value,
    #[serde(default)]
    details: Value,
    /// The older form of `details`.
    #[serde(default)]
    errors: Value,
}

/// What of a refusal is acted on.
#[derive(Default)]
struct ProjectsError {
    status: String,
    /// `reason` of the ErrorInfo.
    reason: String,
    /// The project that is billed for the request: the one of the OAuth client.
    consumer: Option<String>,
    /// The page where the API is enabled.
    link: Option<Url>,
}

impl ProjectsError {
    fn read(body: &GoogleErrorBody) -> Self {
        let mut refused = Self {
            status: body.status.as_str().unwrap_or_default().to_owned(),
            reason: body.errors[0]["reason"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            ..Self::default()
        };
        for detail in body.details.as_array().into_iter().flatten() {
            if let Some(reason) = detail["reason"].as_str() {
                refused.reason = reason.to_owned();
                let metadata = &detail["metadata"];
                refused.consumer = metadata["consumer"].as_str().and_then(project);
                refused.link = refused.link.or_else(|| link(&metadata["activationUrl"]));
            }
            let mut violations = detail["violations"].as_array().into_iter().flatten();
            if violations.any(|violation| violation["type"] == VPC_SERVICE_CONTROLS) {
                refused.reason = VPC_SERVICE_CONTROLS.to_owned();
            }
            let links = detail["links"].as_array().into_iter().flatten();
            refused.link = refused
                .link
                .or_else(|| links.map(|entry| &entry["url"]).find_map(link));
        }
        refused
    }

    /// The paying project, in a sentence.
    fn project(&self) -> String {
        match &self.consumer {
            Some(project) => format!("the project {project}"),
            None => "the OAuth client's project".to_owned(),
        }
    }
}

/// `projects/NUMBER` or `projects/ID`, without its first part.
fn project(consumer: &str) -> Option<String> {
    let project = consumer.strip_prefix("projects/")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    ((1..=64).contains(&project.len()) && project.chars().all(fits)).then(|| project.to_owned())
}

/// A link that is safe to show: only to Google's console, whatever the answer contains.
fn link(text: &Value) -> Option<Url> {
    let url = Url::parse(text.as_str()?).ok()?;
    let is_console = url.scheme() == "https"
        && url.host_str().is_some_and(|host| CONSOLES.contains(&host))
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.as_str().len() <= 512;
    is_console.then_some(url)
}

/// What Google's own refusal means. The reasons are those of `google.api.ErrorReason`, and the older ones of `errors`.
fn explain(home: &Url, answer: &Refused<GoogleError>) -> Error {
    let refused = ProjectsError::read(&answer.error.error);
    let place = http::place(home);
    let project = refused.project();
    let error = match (answer.status, refused.reason.as_str()) {
        (
            _,
            "RATE_LIMIT_EXCEEDED"
            | "RESOURCE_QUOTA_EXCEEDED"
            | "rateLimitExceeded"
            | "userRateLimitExceeded"
            | "quotaExceeded",
        ) => Error::new(
            Code::Throttled,
            format!("{place} received too many requests for {project}. Retrying automatically."),
        ),
        (401, _) => Error::new(
            Code::SignInAgain,
            format!("{place} rejected the session while loading projects. Sign in again."),
        ),
        (403, "SERVICE_DISABLED") => service_disabled(&refused),
        (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") => no_access(),
        (403, VPC_SERVICE_CONTROLS | "SECURITY_POLICY_VIOLATED") => Error::new(
            Code::PolicyBlocked,
            "Your organisation answers these requests in its own networks only (VPC Service Controls). Use its network or \
             VPN, or ask your administrator.",
        ),
        (403, "ORG_RESTRICTION_VIOLATION") => Error::new(
            Code::PolicyBlocked,
            "Your network lets you use some Google organisations only, and this is not one of them. Ask your administrator.",
        ),
        (403, "USER_PROJECT_DENIED") => Error::new(
            Code::AdminNeeded,
            format!(
                "You may not send requests that count for {project}. Ask its owner for the role Service Usage Consumer \
                 (roles/serviceusage.serviceUsageConsumer)."
            ),
        ),
        (403, "CONSUMER_INVALID") => Error::new(
            Code::AdminNeeded,
            format!(
                "Google no longer knows {project}. Use an OAuth client of a project that exists."
            ),
        ),
        (403, "CONSUMER_SUSPENDED") => Error::new(
            Code::AdminNeeded,
            format!(
                "Google has suspended {project}. Its owner must resolve this in the Google Cloud console."
            ),
        ),
        (403, "BILLING_DISABLED") => Error::new(
            Code::AdminNeeded,
            format!("Billing is switched off for {project}. Ask its owner to switch it on."),
        ),
        (403, _) => Error::new(
            Code::AdminNeeded,
            format!(
                "{place} denied access to the project list. Ask your administrator for a role on a project."
            ),
        ),
        (status, _) => Error::new(
            Code::ServerFailed,
            format!("{place} refused to list projects (HTTP {status}). Try again later."),
        ),
    };
    let detail = [
        refused.reason,
        refused.status,
        format!("HTTP-{}", answer.status),
    ];
    error.with_detail(
        detail
            .iter()
            .find(|text| !text.is_empty())
            .map_or("", String::as_str),
    )
}

fn service_disabled(refused: &ProjectsError) -> Error {
    let project = refused.consumer.as_ref().map_or_else(
        || "the project of the OAuth client".to_owned(),
        |project| format!("project {project} of the OAuth client"),
    );
    let place = refused.link.as_ref().map_or_else(
        || "in the Google Cloud console under APIs & Services".to_owned(),
        |link| format!("at {link}"),
    );
    let message = format!(
        "The Cloud Resource Manager API is disabled in {project}. Enable it {place}, wait a few minutes, then refresh \
         the projects."
    );
    Error::new(Code::AdminNeeded, message)
}

/// The user signed in and did not grant access to the cloud.
pub(super) fn no_access() -> Error {
    let message = "Access to Google Cloud was not granted in the sign-in, so projects cannot be loaded. Sign in again and \
                   keep Google Cloud selected on Google's page.";
    Error::new(Code::SignInRefused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, details: &str) -> Refused<GoogleError> {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"CANARY","status":"PERMISSION_DENIED","details":{details}}}}}"#
        );
        Refused {
            error: serde_json::from_str(&body).expect("a refusal"),
            status,
            headers: ::http::HeaderMap::new(),
        }
    }

    fn error_for(status: u16, details: &str) -> Error {
        let home = Url::parse("https://cloudresourcemanager.googleapis.com/").expect("a URL");
        explain(&home, &answer(status, details))
    }

    fn disabled(url: &str) -> String {
        let details = format!(
            r#"[{{"@type":"type.googleapis.com/google.rpc.Help","links":[{{"url":"{url}"}}]}},
                {{"reason":"SERVICE_DISABLED","metadata":{{"consumer":"projects/42"}}}}]"#
        );
        let error = error_for(403, &details);
        assert_eq!(error.code(), Code::AdminNeeded);
        assert!(
            error.reference().starts_with("SERVICE_DISABLED"),
            "{}",
            error.reference()
        );
        error.message().to_owned()
    }

    #[test]
    fn a_disabled_api_names_the_project_and_the_link_to_enable_it() {
        let link = "https://console.developers.google.com/apis/api/x/overview?project=42";
        let message = disabled(link);
        assert!(
            message.contains("project 42") && message.contains(link),
            "{message}"
        );
    }

    #[test]
    fn a_link_that_does_not_lead_to_googles_console_is_not_shown() {
        for link in [
            "http://console.cloud.google.com/x",
            "https://console.cloud.google.com.evil.example/x",
            "https://console.cloud.google.com@evil.example/x",
            "https://evil@console.cloud.google.com/x",
            "https://console.cloud.google.com:444/x",
            "javascript:alert(1)",
            "evil",
        ] {
            let message = disabled(link);
            assert!(
                message.contains("project 42") && !message.contains("//"),
                "{message}"
            );
            assert!(
                !message.contains("evil") && !message.contains("alert"),
                "{message}"
            );
        }
    }

    #[test]
    fn refusals_are_distinguished_and_never_quoted() {
        for (status, details, code) in [
            (401, "[]", Code::SignInAgain),
            (403, "[]", Code::AdminNeeded),
            (
                403,
                r#"[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]"#,
                Code::SignInRefused,
            ),
            (
                403,
                r#"[{"reason":"SERVICE_DISABLED","metadata":{"consumer":"projects/\u202e"}}]"#,
                Code::AdminNeeded,
            ),
            (403, r#""odd""#, Code::AdminNeeded),
            (
                403,
                r#"[{"violations":[{"type":"VPC_SERVICE_CONTROLS","description":"CANARY"}]},
                    {"reason":"SECURITY_POLICY_VIOLATED"}]"#,
                Code::PolicyBlocked,
            ),
            (
                403,
                r#"[{"reason":"USER_PROJECT_DENIED","metadata":{"consumer":"projects/42"}}]"#,
                Code::AdminNeeded,
            ),
            (
                403,
                r#"[{"reason":"RATE_LIMIT_EXCEEDED"}]"#,
                Code::Throttled,
            ),
            (
                403,
                r#"[],"errors":[{"reason":"userRateLimitExceeded"}]"#,
                Code::Throttled,
            ),
            (404, "[]", Code::ServerFailed),
        ] {
            let error = error_for(status, details);
            assert_eq!(error.code(), code, "{status} {details}");
            assert!(!format!("{error:?}").contains("CANARY"));
        }
    }

    #[test]
    fn a_page_token_cannot_change_the_rest_of_the_address() {
        let home = Url::parse("https://rm.example/").expect("a URL");
        let url = address(&home, "a&pageSize=1#x").expect("a URL");
        assert_eq!(
            url.as_str(),
            "https://rm.example/v3/projects:search?query=state%3AACTIVE&pageSize=500&pageToken=a%26pageSize%3D1%23x"
        );
    }
}
