//! Azure Resource Manager: the tenants a person may enter and a tenant's subscriptions.
//!
//! Links to the next page are followed on the same host only, because the access token goes along.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::account::{OfferedTenant, Target};
use crate::error::{Code, Error, Result};
use crate::guid::is_guid;
use crate::http::{self, Http};
use crate::provider::Progress;
use crate::settings::AzureSettings;
use crate::text;

const API_VERSION: &str = "2022-12-01";
/// Resource Manager gives up to 1,000 a page; more pages than this is a server gone wrong.
const MOST_PAGES: usize = 200;

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    value: Vec<T>,
    #[serde(default, rename = "nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tenant {
    tenant_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    default_domain: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    subscription_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

#[derive(Deserialize)]
struct ArmError {
    error: FailureBody,
}

#[derive(Deserialize)]
struct FailureBody {
    code: String,
}

/// The tenants that the person may enter.
///
/// # Errors
/// As `read`.
pub(super) async fn tenants(
    http: &Http,
    settings: &AzureSettings,
    token: &SecretString,
) -> Result<Vec<OfferedTenant>> {
    let tenants: Vec<Tenant> = read(http, settings, "tenants", token, &|_| {}).await?;
    let offered = tenants
        .into_iter()
        .filter(|tenant| is_guid(&tenant.tenant_id))
        .map(|tenant| OfferedTenant {
            tenant_id: tenant.tenant_id.to_ascii_lowercase(),
            name: named(tenant.display_name),
            default_domain: named(tenant.default_domain),
        });
    Ok(offered.collect())
}

/// The subscriptions of the token's tenant.
///
/// # Errors
/// As `read`.
pub(super) async fn subscriptions(
    http: &Http,
    settings: &AzureSettings,
    token: &SecretString,
    progress: &Progress<'_>,
) -> Result<Vec<Target>> {
    let subscriptions: Vec<Subscription> =
        read(http, settings, "subscriptions", token, progress).await?;
    let mut targets: Vec<Target> = subscriptions
        .into_iter()
        .map(|subscription| Target {
            name: named(subscription.display_name)
                .unwrap_or_else(|| text::shown(&subscription.subscription_id)),
            id: text::shown(&subscription.subscription_id),
            state: named(subscription.state),
            parent: None,
        })
        .collect();
    targets.sort_by_key(|target| target.name.to_lowercase());
    Ok(targets)
}

/// Reads every page of a list.
///
/// # Errors
/// `server-failed` for pages that lead elsewhere or go round in circles, `sign-in-again` when the token is refused,
/// and those of `ListReading`.
async fn read<T: DeserializeOwned>(
    http: &Http,
    settings: &AzureSettings,
    what: &str,
    token: &SecretString,
    progress: &Progress<'_>,
) -> Result<Vec<T>> {
    let home = &settings.resource_manager;
    let first = home.join(&format!("{what}?api-version={API_VERSION}"));
    let mut next = Some(first.map_err(|error| {
        Error::new(Code::Internal, "Resource Manager's address cannot be used.").with_source(error)
    })?);
    let mut seen = HashSet::new();
    let (mut items, mut list) = (Vec::new(), http.start_list(home));
    while let Some(url) = next {
        if seen.len() == MOST_PAGES || !seen.insert(url.clone()) {
            return Err(odd_pages(home));
        }
        let page: Page<T> = list
            .get_json(&url, Some(token))
            .await?
            .map_err(|answer| refused(home, what, &answer))?;
        progress(list.count(page.value.len())?);
        items.extend(page.value);
        next = match page.next_link.filter(|link| !link.is_empty()) {
            None => None,
            Some(link) => Some(
                Url::parse(&link)
                    .ok()
                    .filter(|link| link.origin() == home.origin())
                    .ok_or_else(|| odd_pages(home))?,
            ),
        };
    }
    Ok(items)
}

fn odd_pages(home: &Url) -> Error {
    let message = format!(
        "{} sent a list whose pages lead to another server or round in circles, so it was not followed. Try again later.",
        http::place(home)
    );
    Error::new(Code::ServerFailed, message)
}

fn refused(home: &Url, what: &str, answer: &http::Answer) -> Error {
    let code = serde_json::from_slice::<ArmError>(&answer.body)
        .map(|failure| failure.error.code)
        .unwrap_or_default();
    let detail = if code.is_empty() {
        format!("HTTP-{}", answer.status)
    } else {
        code
    };
    let place = http::place(home);
    let error = match answer.status {
        401 => Error::new(
            Code::SignInAgain,
            format!("{place} did not accept the session for reading {what}. Sign in again."),
        ),
        403 => Error::new(
            Code::AdminNeeded,
            format!("{place} does not let you read {what}. Ask your administrator for access."),
        ),
        status => Error::new(
            Code::ServerFailed,
            format!("{place} refused to list {what} (HTTP {status}). Try again later."),
        ),
    };
    error.with_detail(&detail)
}

fn named(name: Option<String>) -> Option<String> {
    name.map(|name| text::shown(&name))
        .filter(|name| !name.is_empty())
}
