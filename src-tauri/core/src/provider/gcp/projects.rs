//! Google's Resource Manager: the projects that a person may see.
//!
//! `projects:search` (v3). Pages may be short or empty and still have a successor, and a list without rows has no
//! `projects` member at all.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::account::Target;
use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::provider::Progress;
use crate::text;

/// What is asked for; the server may give less.
const PAGE_SIZE: usize = 500;
/// More pages than this, empty ones among them, is a server gone wrong.
const MOST_PAGES: usize = 2000;
/// Where an API is switched on.
const CONSOLES: [&str; 2] = ["console.developers.google.com", "console.cloud.google.com"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    projects: Vec<Project>,
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

/// The active projects, by name.
///
/// # Errors
/// `server-failed` for pages that go round in circles, `sign-in-again` when the token is refused, `sign-in-refused`
/// when it was not granted access, `admin-needed` for what only an administrator can mend, and those of
/// `ListReading`.
pub(super) async fn search(
    http: &Http,
    home: &Url,
    token: &SecretString,
    progress: &Progress<'_>,
) -> Result<Vec<Target>> {
    let mut page_token = String::new();
    let mut seen = HashSet::new();
    let (mut targets, mut list) = (Vec::new(), http.start_list(home));
    loop {
        let url = address(home, &page_token)?;
        let page: Page = list
            .get_json(&url, Some(token))
            .await?
            .map_err(|answer| refused(home, &answer))?;
        progress(list.count(page.projects.len())?);
        targets.extend(page.projects.into_iter().map(target));
        page_token = page.next_page_token.unwrap_or_default();
        if page_token.is_empty() {
            break;
        }
        if seen.len() == MOST_PAGES || !seen.insert(page_token.clone()) {
            let message = format!(
                "{} sent a list of projects whose pages go round in circles, so it was not used. Try again later.",
                http::place(home)
            );
            return Err(Error::new(Code::ServerFailed, message));
        }
    }
    targets.sort_by_cached_key(|target| target.name.to_lowercase());
    Ok(targets)
}

fn address(home: &Url, page_token: &str) -> Result<Url> {
    let mut url = home.join("v3/projects:search").map_err(|error| {
        Error::new(Code::Internal, "Resource Manager's address cannot be used.").with_source(error)
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

/// A refusal of a Google API: what of its `details` is acted on.
#[derive(Default)]
struct ProjectsError {
    status: String,
    /// `reason` of the ErrorInfo.
    reason: String,
    /// The project that pays for the request: the one that the OAuth client belongs to.
    consumer: Option<String>,
    /// Where the API is switched on.
    link: Option<Url>,
}

impl ProjectsError {
    fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut refused = Self {
            status: text(&body["error"]["status"]),
            ..Self::default()
        };
        for detail in body["error"]["details"].as_array().into_iter().flatten() {
            if let Some(reason) = detail["reason"].as_str() {
                refused.reason = reason.to_owned();
                let metadata = &detail["metadata"];
                refused.consumer = metadata["consumer"].as_str().and_then(project);
                refused.link = refused.link.or_else(|| link(&metadata["activationUrl"]));
            }
            let links = detail["links"].as_array().into_iter().flatten();
            refused.link = refused
                .link
                .or_else(|| links.map(|entry| &entry["url"]).find_map(link));
        }
        refused
    }
}

/// `projects/NUMBER` or `projects/ID`, without its first part.
fn project(consumer: &str) -> Option<String> {
    let project = consumer.strip_prefix("projects/")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    ((1..=64).contains(&project.len()) && project.chars().all(fits)).then(|| project.to_owned())
}

/// A link that a person may be shown: to Google's console and nowhere else, whatever the answer says.
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

fn refused(home: &Url, answer: &http::Answer) -> Error {
    let refused = ProjectsError::read(&answer.body);
    let place = http::place(home);
    let error = match (answer.status, refused.reason.as_str()) {
        (401, _) => Error::new(
            Code::SignInAgain,
            format!("{place} did not accept the session for reading projects. Sign in again."),
        ),
        (403, "SERVICE_DISABLED") => service_disabled(&refused),
        (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT") => no_access(),
        (403, _) => Error::new(
            Code::AdminNeeded,
            format!(
                "{place} does not let you list projects. Ask your administrator for a role on one."
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
        || "the project that the OAuth client belongs to".to_owned(),
        |project| format!("project {project}, which the OAuth client belongs to"),
    );
    let place = refused.link.as_ref().map_or_else(
        || "in the Google Cloud console under APIs & Services".to_owned(),
        |link| format!("at {link}"),
    );
    let message = format!(
        "The Cloud Resource Manager API is switched off in {project}. Enable it {place}, wait a few minutes, then read \
         the projects again."
    );
    Error::new(Code::AdminNeeded, message)
}

/// The person signed in and did not grant access to the cloud.
pub(super) fn no_access() -> Error {
    let message = "Access to Google Cloud was not granted at the sign-in, so no project can be read. Sign in again and \
                   leave Google Cloud ticked on Google's page.";
    Error::new(Code::SignInRefused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, details: &str) -> http::Answer {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"CANARY","status":"PERMISSION_DENIED","details":{details}}}}}"#
        );
        http::Answer {
            status,
            body: body.into_bytes(),
            retry_after: None,
            date: None,
            content_type: None,
        }
    }

    fn error_for(status: u16, details: &str) -> Error {
        let home = Url::parse("https://cloudresourcemanager.googleapis.com/").expect("a URL");
        refused(&home, &answer(status, details))
    }

    fn disabled(url: &str) -> String {
        let details = format!(
            r#"[{{"@type":"type.googleapis.com/google.rpc.Help","links":[{{"url":"{url}"}}]}},
                {{"reason":"SERVICE_DISABLED","metadata":{{"consumer":"projects/42"}}}}]"#
        );
        let told = error_for(403, &details);
        assert_eq!(told.code(), Code::AdminNeeded);
        assert!(
            told.reference().starts_with("SERVICE_DISABLED"),
            "{}",
            told.reference()
        );
        told.message().to_owned()
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
    fn refusals_are_told_apart_and_never_quoted() {
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
            (404, "[]", Code::ServerFailed),
        ] {
            let told = error_for(status, details);
            assert_eq!(told.code(), code, "{status} {details}");
            assert!(!format!("{told:?}").contains("CANARY"));
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
