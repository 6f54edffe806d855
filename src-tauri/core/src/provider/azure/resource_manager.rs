//! Azure Resource Manager: the tenants that the user can access, and a tenant's subscriptions.
//!
//! Links to the next page are followed only on the same host, because the access token goes along. What servers really
//! send is taken: a list that is null, a row twice, a row without an id, a link without a host.

use std::collections::HashSet;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::account::{OfferedTenant, Target};
use crate::error::{Code, Error, Result};
use crate::guid::is_guid;
use crate::http::{self, Http, Refused};
use crate::provider::Progress;
use crate::provider::azure::challenge;
use crate::settings::AzureSettings;
use crate::text;

const API_VERSION: &str = "2022-12-01";
/// Resource Manager returns up to 1,000 rows a page; more pages than this is a faulty server.
const MOST_PAGES: usize = 200;

#[derive(Deserialize)]
struct ListPage {
    #[serde(default)]
    value: Option<Vec<Value>>,
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

/// Loads the tenants that the user can access.
///
/// # Errors
/// Those of `read`.
pub(super) async fn tenants(
    http: &Http,
    settings: &AzureSettings,
    token: &SecretString,
) -> Result<Vec<OfferedTenant>> {
    let tenants: Vec<Tenant> = read(http, settings, "tenants", token, &|_| {}).await?;
    let mut seen = HashSet::new();
    let offered = tenants
        .into_iter()
        .map(|tenant| OfferedTenant {
            tenant_id: tenant.tenant_id.to_ascii_lowercase(),
            name: named(tenant.display_name),
            default_domain: named(tenant.default_domain),
        })
        .filter(|tenant| is_guid(&tenant.tenant_id) && seen.insert(tenant.tenant_id.clone()));
    Ok(offered.collect())
}

/// Loads the subscriptions of the token's tenant, each once.
///
/// # Errors
/// Those of `read`.
pub(super) async fn subscriptions(
    http: &Http,
    settings: &AzureSettings,
    token: &SecretString,
    progress: &Progress<'_>,
) -> Result<Vec<Target>> {
    let subscriptions: Vec<Subscription> =
        read(http, settings, "subscriptions", token, progress).await?;
    let mut seen = HashSet::new();
    let mut targets: Vec<Target> = subscriptions
        .into_iter()
        .map(|subscription| Target {
            name: named(subscription.display_name)
                .unwrap_or_else(|| text::shown(&subscription.subscription_id)),
            id: text::shown(&subscription.subscription_id),
            state: named(subscription.state),
            parent: None,
        })
        .filter(|target| seen.insert(target.id.to_ascii_lowercase()))
        .collect();
    targets.sort_by_key(|target| target.name.to_lowercase());
    Ok(targets)
}

/// Loads every page of a list. A row that lacks what every row has is skipped, and counted in the log.
///
/// # Errors
/// `server-failed` for pages that lead to another host or in circles, `sign-in-again` when the token is refused, and
/// those of `ListReading`.
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
        Error::new(
            Code::Internal,
            "Resource Manager's address is not valid. Check the settings.",
        )
        .with_source(error)
    })?);
    let mut seen = HashSet::new();
    let (mut items, mut list) = (Vec::new(), http.start_list(home));
    let mut skipped = 0_usize;
    while let Some(url) = next {
        if seen.len() == MOST_PAGES || !seen.insert(url.clone()) {
            return Err(odd_pages(home));
        }
        let page = list
            .get_json::<ListPage, ArmError>(&url, Some(token))
            .await?;
        let page = page.map_err(|refused| explain(home, what, &refused))?;
        let rows = page.value.unwrap_or_default();
        progress(list.count(rows.len())?);
        for row in rows {
            match serde_json::from_value(row) {
                Ok(item) => items.push(item),
                Err(_) => skipped += 1,
            }
        }
        next = match page.next_link.filter(|link| !link.is_empty()) {
            None => None,
            // Some servers leave their own host out.
            Some(link) => Some(
                url.join(&link)
                    .ok()
                    .filter(|link| link.origin() == home.origin())
                    .ok_or_else(|| odd_pages(home))?,
            ),
        };
    }
    if skipped > 0 {
        tracing::warn!(skipped, what, "rows of a list have no id and are left out");
    }
    Ok(items)
}

fn odd_pages(home: &Url) -> Error {
    let message = format!(
        "{} sent a list whose pages lead to another server or in circles. It was not used. Try again later.",
        http::place(home)
    );
    Error::new(Code::ServerFailed, message)
}

/// What Resource Manager's own refusal means. A 401 may say what a new token has to prove.
fn explain(home: &Url, what: &str, refused: &Refused<ArmError>) -> Error {
    let place = http::place(home);
    let challenge = challenge::of(&refused.headers).filter(|_| refused.status == 401);
    let error = match refused.status {
        401 if challenge.is_some() => Error::new(
            Code::SignInAgain,
            format!("{place} asks for another sign-in step before it lists {what}. Sign in again."),
        ),
        401 => Error::new(
            Code::SignInAgain,
            format!("{place} rejected the session while loading {what}. Sign in again."),
        ),
        403 => Error::new(
            Code::AdminNeeded,
            format!("{place} denied access to {what}. Ask your administrator for access."),
        ),
        status => Error::new(
            Code::ServerFailed,
            format!("{place} refused to list {what} (HTTP {status}). Try again later."),
        ),
    };
    error
        .with_detail(&refused.error.error.code)
        .with_challenge(challenge.map(|challenge| challenge.to_string()))
}

fn named(name: Option<String>) -> Option<String> {
    name.map(|name| text::shown(&name))
        .filter(|name| !name.is_empty())
}
