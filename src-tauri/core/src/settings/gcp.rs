//! Google Cloud's section of the settings: the OAuth client and the endpoints.
//!
//! The client comes from the environment, from `settings.toml`, or from the JSON file that Google's console offers
//! for download. Google does not treat the secret of a desktop client as one; here it is treated as one anyway, and
//! no message quotes it.

use std::path::Path;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::{Lookup, Sourced};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::guid::is_guid;
use crate::settings::{RedirectKind, SettingProblem};

const ISSUER: &str = "https://accounts.google.com";
const RESOURCE_MANAGER: &str = "https://cloudresourcemanager.googleapis.com";
const CLIENT_ID_END: &str = ".apps.googleusercontent.com";
const SCHEME_START: &str = "com.googleusercontent.apps.";
/// Google's own file has less than a kilobyte.
const LARGEST_CLIENT_FILE: u64 = 64 * 1024;

/// The settings for signing in to Google Cloud.
#[derive(Clone, Debug)]
pub struct GcpSettings {
    /// The OAuth client id and where it was read.
    pub client_id: Option<Sourced>,
    /// The client's secret, if it has one.
    pub client_secret: Option<SecretString>,
    /// The access that a sign-in requests.
    pub access: GcpAccess,
    /// The issuer; its discovery document names every other address of the sign-in.
    pub issuer: Url,
    /// Resource Manager, for example `https://cloudresourcemanager.googleapis.com/`.
    pub resource_manager: Url,
    /// The redirect method.
    pub redirect: RedirectKind,
    /// What is missing or malformed.
    pub problems: Vec<SettingProblem>,
}

/// The access that a sign-in requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GcpAccess {
    /// Read-only: enough for the dashboard.
    ReadOnly,
    /// Everything that the user may do: what command lines need to change something.
    Full,
}

impl GcpAccess {
    /// The scope of it.
    pub fn scope(self) -> &'static str {
        match self {
            Self::ReadOnly => "https://www.googleapis.com/auth/cloud-platform.read-only",
            Self::Full => "https://www.googleapis.com/auth/cloud-platform",
        }
    }
}

impl GcpSettings {
    /// The client id, if signing in can start.
    ///
    /// # Errors
    /// `setting-missing` or `setting-invalid`, with what to set and where.
    pub fn client_id(&self) -> Result<&str> {
        match (&self.client_id, self.problems.first()) {
            (Some(client_id), None) => Ok(&client_id.value),
            (client_id, Some(problem)) => Err(problem.to_error(client_id.is_none())),
            (None, None) => Err(Error::new(
                Code::SettingMissing,
                "GOOGLE_CLIENT_ID is not set.",
            )),
        }
    }

    /// Whether the issuer is Google's own.
    pub fn is_google(&self) -> bool {
        is_google(&self.issuer)
    }

    /// The reversed client id, which Google accepts as a redirect only for clients of type iOS. A client of type
    /// desktop has an id of the same form, and Google refuses the scheme for it: the id alone does not show the type.
    pub fn reversed_client_id(&self) -> Option<String> {
        reversed(&self.client_id.as_ref()?.value)
    }

    /// The redirect URI of the reversed client id: one slash, as Google requires.
    pub fn deep_link_redirect(&self) -> Option<String> {
        self.reversed_client_id()
            .map(|scheme| format!("{scheme}:/oauth2redirect"))
    }
}

/// Whether an issuer is Google's own.
pub(crate) fn is_google(issuer: &Url) -> bool {
    Url::parse(ISSUER).is_ok_and(|google| google == *issuer)
}

fn reversed(client_id: &str) -> Option<String> {
    let id = client_id.strip_suffix(CLIENT_ID_END)?;
    let fits = !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then(|| format!("{SCHEME_START}{id}"))
}

/// Google's client ids end in `.apps.googleusercontent.com`. Another server may use other ids, so there only the
/// forms of other clouds' ids are refused.
///
/// # Errors
/// The rest of a sentence that begins with where it was read.
pub fn check_gcp_client_id(client_id: &str, issuer: &Url) -> std::result::Result<(), String> {
    let remedy = format!(
        "Use the client id of an OAuth client of type Desktop app: it ends in {CLIENT_ID_END} and is in the Google \
         Cloud console under APIs & Services, Credentials."
    );
    if is_secret(client_id) {
        return Err(format!(
            "contains a client secret or an API key, not a client id. {remedy}"
        ));
    }
    let shown: String = client_id
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    if is_guid(client_id) {
        return Err(format!(
            "is \"{shown}\", which looks like an application id of Microsoft Entra. {remedy}"
        ));
    }
    if client_id.starts_with("arn:") {
        return Err(format!("is \"{shown}\", which is an AWS ARN. {remedy}"));
    }
    let well_formed = !client_id.is_empty() && client_id.chars().all(|c| c.is_ascii_graphic());
    if well_formed && (reversed(client_id).is_some() || !is_google(issuer)) {
        return Ok(());
    }
    if client_id.contains('@') {
        return Err(format!(
            "is \"{shown}\", which is an e-mail address. {remedy}"
        ));
    }
    Err(format!(
        "is \"{shown}\", which is not a Google client id. {remedy}"
    ))
}

/// The two kinds of secret that Google's console shows beside a client id.
pub(super) fn is_secret(text: &str) -> bool {
    text.starts_with("GOCSPX-") || text.starts_with("AIza")
}

/// Whether a file is the JSON that Google's console offers for a desktop client.
///
/// # Errors
/// The rest of a sentence that begins with where it was named.
pub fn check_gcp_client_file(path: &Path) -> std::result::Result<(), String> {
    read_client_file(path).map(drop)
}

pub(super) fn read(lookup: &mut Lookup<'_>) -> GcpSettings {
    let issuer = lookup.endpoint("gcp", "issuer", "MCM_GOOGLE_ISSUER", ISSUER);
    let resource_manager = lookup.endpoint(
        "gcp",
        "resource_manager",
        "MCM_GOOGLE_RESOURCE_MANAGER",
        RESOURCE_MANAGER,
    );
    let access = access(lookup);
    let (client_id, client_secret) = client(lookup);
    let client_id = client_id.filter(|found| match check_gcp_client_id(&found.value, &issuer) {
        Ok(()) => true,
        Err(why) => {
            lookup.problem("GOOGLE_CLIENT_ID", found.origin.clone(), &why);
            // A value that may be a secret is not kept where ids are shown.
            !is_secret(&found.value)
        }
    });
    let redirect = lookup.redirect("gcp", "MCM_REDIRECT_GCP", RedirectKind::Loopback);
    let id = client_id.as_ref().map(|found| found.value.as_str());
    if redirect == RedirectKind::DeepLink && id.is_some_and(|id| reversed(id).is_none()) {
        let origin = format!(
            "MCM_REDIRECT_GCP, or gcp.redirect in {}",
            lookup.path.display()
        );
        lookup.problem(
            "MCM_REDIRECT_GCP",
            origin,
            "is deep-link, but the client id has no URI scheme. Set it to loopback.",
        );
    }
    let problems = std::mem::take(&mut lookup.problems);
    GcpSettings {
        client_id,
        client_secret,
        access,
        issuer,
        resource_manager,
        redirect,
        problems,
    }
}

fn access(lookup: &mut Lookup<'_>) -> GcpAccess {
    let Some(found) = lookup.text("gcp", "access", None) else {
        return GcpAccess::Full;
    };
    match found.value.as_str() {
        "read-only" => GcpAccess::ReadOnly,
        "full" => GcpAccess::Full,
        other => {
            lookup.problem(
                "access",
                found.origin,
                &format!("is \"{other}\". Set it to read-only or full."),
            );
            // The lesser access, until the setting is fixed.
            GcpAccess::ReadOnly
        }
    }
}

/// The variable for the client id that no other program reads.
const OUR_CLIENT_ID: &str = "MCM_GOOGLE_CLIENT_ID";

/// The client id in use and its secret: a secret beside another id is not used.
fn client(lookup: &mut Lookup<'_>) -> (Option<Sourced>, Option<SecretString>) {
    let secret = |found: Sourced| SecretString::from(found.value);
    let file = lookup
        .text("gcp", "client_secret_file", None)
        .and_then(|named| client_file(lookup, named));
    let own_id = lookup.file_text("gcp", "client_id");
    let client_id = lookup
        .first_text("gcp", "client_id", &[OUR_CLIENT_ID, "GOOGLE_CLIENT_ID"])
        .or_else(|| file.as_ref().map(|(client_id, _)| client_id.clone()));
    let Some(client_id) = client_id else {
        if lookup
            .problems
            .iter()
            .all(|problem| problem.name != "client_secret_file")
        {
            let path = lookup.path.display();
            lookup.problem(
                "GOOGLE_CLIENT_ID",
                format!("GOOGLE_CLIENT_ID, and gcp.client_id and gcp.client_secret_file in {path}"),
                "are not set. Create an OAuth client of type Desktop app in the Google Cloud console, download its JSON \
                 file, and set gcp.client_secret_file to the path of that file.",
            );
        }
        return (None, None);
    };
    let secret_variable = match client_id.origin == OUR_CLIENT_ID {
        true => "MCM_GOOGLE_CLIENT_SECRET",
        false => "GOOGLE_CLIENT_SECRET",
    };
    let in_environment = lookup
        .environment
        .get(secret_variable)
        .map(|value| value.trim().to_owned());
    let beside_id = lookup.file_text("gcp", "client_secret").filter(|_| {
        own_id
            .as_ref()
            .is_none_or(|own| own.value == client_id.value)
    });
    let in_file = file
        .filter(|(id, _)| id.value == client_id.value)
        .and_then(|(_, secret)| secret);
    let client_secret = in_environment
        .map(SecretString::from)
        .or_else(|| beside_id.map(secret))
        .or(in_file);
    (Some(client_id), client_secret)
}

/// The client in the file that Google offers for download. Its path is relative to the folder of `settings.toml`.
fn client_file(lookup: &mut Lookup<'_>, named: Sourced) -> Option<(Sourced, Option<SecretString>)> {
    let path = lookup
        .path
        .parent()
        .unwrap_or(lookup.path)
        .join(&named.value);
    match read_client_file(&path) {
        Ok(client) => {
            let origin = format!("{}, named by {}", path.display(), named.origin);
            let secret = client.client_secret.map(SecretString::from);
            Some((
                Sourced {
                    value: client.client_id,
                    origin,
                },
                secret,
            ))
        }
        Err(why) => {
            lookup.problem("client_secret_file", named.origin, &why);
            None
        }
    }
}

/// Google's `client_secret_*.json`. Its other fields, including endpoints, are ignored: those come from discovery.
#[derive(Deserialize)]
struct ClientFile {
    #[serde(default)]
    installed: Option<FileClient>,
    #[serde(default)]
    web: Option<IgnoredAny>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct FileClient {
    client_id: String,
    #[serde(default)]
    client_secret: Option<String>,
}

fn read_client_file(path: &Path) -> std::result::Result<FileClient, String> {
    let shown = path.display();
    let is_large =
        std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST_CLIENT_FILE);
    let bytes = if is_large {
        Ok(Some(Vec::new()))
    } else {
        file::read(path)
    };
    let bytes = bytes
        .map_err(|_| format!("names {shown}, which cannot be read. Check its permissions."))?
        .ok_or_else(|| {
            format!("names {shown}, which does not exist. Enter the full path of the file.")
        })?;
    // The parser's error may quote its input, so it is dropped.
    let file: ClientFile = serde_json::from_slice(&bytes).map_err(|_| not_a_client_file(path))?;
    match file {
        ClientFile {
            installed: Some(client),
            ..
        } if !client.client_id.trim().is_empty() => Ok(client),
        ClientFile { web: Some(_), .. } => Err(format!(
            "names {shown}, which is for a web application: Google redirects it to a web server, and its secret \
             must not leave that server. Create an OAuth client of type Desktop app and use its file."
        )),
        ClientFile {
            kind: Some(kind), ..
        } if kind == "service_account" => Err(format!(
            "names {shown}, which is the key of a service account, and users cannot sign in with one. Create an OAuth \
             client of type Desktop app and use its file."
        )),
        _ => Err(not_a_client_file(path)),
    }
}

fn not_a_client_file(path: &Path) -> String {
    format!(
        "names {}, which is not the file of an OAuth client. Download it again in the Google Cloud console under APIs & \
         Services, Credentials.",
        path.display()
    )
}

#[cfg(test)]
mod tests;
