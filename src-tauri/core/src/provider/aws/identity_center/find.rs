//! From what the user typed to the portal and its region: one redirect of an organisation's own address, AWS's config file,
//! and the portal's page.

use std::time::Duration;

use ::http::{Method, Request};
use serde::Serialize;
use ts_rs::TS;
use url::Url;

use super::start_url::{Owner, StartUrl, is_region};
use crate::aws_files::{SharedFile, profile_name};
use crate::error::{Code, Error, Result};
use crate::http::{self, Answer, Dialect, Http};
use crate::resource::Identifier;
use crate::sign_in::{RegionOrigin, SignInEvent};
use crate::text;
use crate::world::Environment;

/// How long an organisation's own address may take to lead to AWS's.
const REDIRECT_TIME: Duration = Duration::from_secs(10);

/// A portal that profiles of AWS's config file name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FoundPortal {
    /// The start URL, without query, fragment and last slash.
    pub start_url: String,
    /// Its region, when one is written beside it.
    pub region: Option<String>,
    /// The sessions and profiles that name it.
    pub names: Vec<String>,
    /// The first session that names it.
    #[serde(skip)]
    #[ts(skip)]
    pub session: Option<String>,
    /// The profiles that name one of its sessions.
    #[serde(skip)]
    #[ts(skip)]
    pub profiles: Vec<String>,
    /// The roles that profiles name, as `123456789012/ROLE`.
    #[serde(skip)]
    #[ts(skip)]
    pub roles: Vec<String>,
}

/// Where to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortalLocation {
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) origin: RegionOrigin,
}

/// The portals in AWS's config file, in the form of sessions and in the old one. No token is read.
pub(crate) fn in_config(file: &SharedFile) -> Vec<FoundPortal> {
    let Ok(document) = file.document() else {
        return Vec::new();
    };
    let (mut found, mut sessions): (Vec<FoundPortal>, Vec<_>) = (Vec::new(), Vec::new());
    for (title, settings) in document.into_settings() {
        let session = title
            .strip_prefix("sso-session")
            .map(|name| name.trim().trim_matches(['"', '\'']).to_owned());
        let is_session = session.is_some();
        let Some(name) = session.or_else(|| profile_name(title)) else {
            continue;
        };
        let name = text::shown(&name);
        for prefix in ["", "granted_"] {
            let value = |key: &str| {
                settings
                    .get(&format!("{prefix}{key}"))
                    .map(|text| text::shown(text))
            };
            let written = value("sso_start_url");
            let Some(start_url) = written.and_then(|url| StartUrl::parse(&url).ok()) else {
                continue;
            };
            let portal = FoundPortal {
                start_url: start_url.as_str().to_owned(),
                region: value("sso_region").filter(|region| is_region(region)),
                names: vec![name.clone()],
                session: is_session.then(|| name.clone()),
                profiles: Vec::new(),
                roles: role_of(&value).into_iter().collect(),
            };
            match found
                .iter_mut()
                .find(|known| known.start_url == portal.start_url)
            {
                Some(known) => known.merge(portal),
                None => found.push(portal),
            }
        }
        // A profile that names a session has its start URL there.
        if let Some(session) = settings.get("sso_session") {
            sessions.push((text::shown(session), name, settings));
        }
    }
    for (session, name, settings) in sessions {
        let value = |key: &str| settings.get(key).map(|text| text::shown(text));
        let is_its = |known: &&mut FoundPortal| known.names.contains(&session);
        if let Some(known) = found.iter_mut().find(is_its) {
            known.profiles.push(name);
            known.roles.extend(role_of(&value));
        }
    }
    for known in &mut found {
        known.roles.sort_unstable();
        known.roles.dedup();
    }
    found
}

impl FoundPortal {
    fn merge(&mut self, other: Self) {
        self.region = self.region.take().or(other.region);
        self.session = self.session.take().or(other.session);
        self.names.extend(other.names);
        self.roles.extend(other.roles);
    }
}

/// The role that a profile names, as `123456789012/ROLE`.
fn role_of(value: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let pair = format!("{}/{}", value("sso_account_id")?, value("sso_role_name")?);
    Identifier::parse_pair(&pair).map(|pair| pair.as_str().to_owned())
}

/// The start URL in the form that a row keeps it in, if it can be one.
pub(crate) fn canonical(start_url: &str) -> Option<String> {
    let start_url = StartUrl::parse(start_url).ok()?;
    Some(start_url.as_str().to_owned())
}

/// Finds the portal and its region.
///
/// # Errors
/// `invalid-input` for an address that is no portal's, and where the region cannot be found; those of `Http::send`.
pub(super) async fn place(
    http: &Http,
    environment: &Environment,
    typed: &str,
    region: Option<&str>,
    emit: &(dyn Fn(SignInEvent) + Send + Sync),
) -> Result<PortalLocation> {
    if let Some(region) = region
        && !is_region(region)
    {
        let message = format!(
            "\"{}\" is not a region of AWS. Name it as in eu-west-1.",
            text::shown(region)
        );
        return Err(Error::new(Code::InvalidInput, message));
    }
    let typed = StartUrl::parse(typed)?;
    let portal = match typed.owner {
        Owner::Aws => typed.clone(),
        Owner::Organisation => {
            // The user reads which server is asked before it is.
            emit(SignInEvent::OwnAddress(typed.host()));
            redirected(http, &typed).await?
        }
        // A stand-in may act as an organisation's own address too.
        Owner::ThisMachine => redirected(http, &typed)
            .await
            .unwrap_or_else(|_| typed.clone()),
    };
    let found = |region: &str, origin| PortalLocation {
        start_url: portal.as_str().to_owned(),
        region: region.to_owned(),
        origin,
    };
    if let Some(region) = &portal.region {
        return Ok(found(region, RegionOrigin::StartUrl));
    }
    if let Some(region) = region {
        return Ok(found(region, RegionOrigin::Given));
    }
    let is_named = |known: &FoundPortal| {
        StartUrl::parse(&known.start_url)
            .is_ok_and(|url| url.as_str() == portal.as_str() || url.as_str() == typed.as_str())
    };
    let portals = in_config(&SharedFile::config(environment));
    let in_file = portals.into_iter().find(is_named);
    if let Some(region) = in_file.and_then(|known| known.region) {
        return Ok(found(&region, RegionOrigin::ConfigFile));
    }
    if let Some(region) = on_page(http, &portal.url()).await {
        return Ok(found(&region, RegionOrigin::PortalPage));
    }
    let message = format!("The region of {} is not known.", portal.as_str());
    Err(Error::new(Code::InvalidInput, message).with_remedies(
        "Name it with --sso-region; your administrator knows it.",
        "Enter it at Region; your administrator knows it.",
    ))
}

/// The portal that an organisation's own address leads to, by one redirect.
async fn redirected(http: &Http, typed: &StartUrl) -> Result<StartUrl> {
    let refused = |why: &str| {
        let message = format!(
            "{} is not an access portal of AWS, and {why}. Enter the portal's own start URL.",
            typed.as_str()
        );
        Error::new(Code::InvalidInput, message)
    };
    let asked = async {
        let answer = ask(http, Method::HEAD, &typed.url()).await?;
        match answer.status {
            405 | 501 => ask(http, Method::GET, &typed.url()).await,
            _ => Ok(answer),
        }
    };
    let answer = tokio::time::timeout(REDIRECT_TIME, asked)
        .await
        .map_err(|_| refused("it did not answer within 10 seconds"))??;
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Err(refused("it leads to none"));
    }
    let location = answer.headers.get(::http::header::LOCATION);
    let to = location
        .and_then(|location| location.to_str().ok())
        .and_then(|location| typed.url().join(location).ok())
        .and_then(|location| StartUrl::parse(location.as_str()).ok())
        .ok_or_else(|| refused("it leads to an address that is none either"))?;
    match (typed.owner, to.owner) {
        (_, Owner::Aws) | (Owner::ThisMachine, Owner::ThisMachine) if to != *typed => Ok(to),
        _ => Err(refused("it leads to an address that is none either")),
    }
}

async fn ask(http: &Http, method: Method, url: &Url) -> Result<Answer> {
    http::require_safe(url)?;
    let request = Request::builder()
        .method(method)
        .uri(url.as_str())
        .body(Vec::new())
        .map_err(|error| {
            Error::new(Code::InvalidInput, "The start URL cannot be asked.").with_source(error)
        })?;
    http.send(request, Dialect::Page).await
}

/// The region that the portal's page names. AWS documents it nowhere, so it is only a hint.
async fn on_page(http: &Http, portal: &Url) -> Option<String> {
    let answer = ask(http, Method::GET, portal).await.ok()?;
    let html =
        (answer.status == 200).then(|| String::from_utf8_lossy(&answer.body).into_owned())?;
    html.split("<meta").skip(1).find_map(|rest| {
        let tag = rest.split('>').next()?;
        let attribute = |name: &str| {
            let (_, value) = tag.split_once(&format!("{name}=\""))?;
            value.split('"').next()
        };
        let region = attribute("content").filter(|_| attribute("name") == Some("region"))?;
        is_region(region).then(|| region.to_owned())
    })
}
