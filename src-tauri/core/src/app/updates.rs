//! Checking for a newer version: the releases feed is asked once, when the user asks for it, and never otherwise.
//!
//! Where the feed is, is a setting. A managed install, whose package or administrator replaces it, never asks: a file
//! beside the program says so, and no setting undoes it.

use std::path::Path;

use semver::Version;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::App;
use crate::error::{Code, Error, Result};
use crate::http::place;
use crate::settings::Releases;

/// The file beside the program that marks a managed install. Its content does not matter.
pub const MANAGED: &str = "multi-cloud-manager.managed";

/// The longest address that is shown.
const MAX_ADDRESS: usize = 300;

/// Where a newer version would be looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[ts(export)]
pub enum UpdateSource {
    /// A feed, on this host.
    Feed {
        /// The host, and the port where it is not the usual one.
        place: String,
    },
    /// Nowhere: the setting says so.
    Off {
        /// Where it was read.
        origin: String,
    },
    /// Nowhere: a package or an administrator replaces this program.
    Managed,
}

/// The newest version in the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct NewestVersion {
    /// The version.
    pub version: String,
    /// Whether it is newer than this program.
    pub is_newer: bool,
    /// The page that offers it.
    pub page: Option<String>,
}

/// What the forges' feeds have in common (GitHub, Gitea, Forgejo: `releases/latest`).
#[derive(Deserialize)]
struct Release {
    tag_name: String,
    html_url: Option<String>,
}

impl App {
    /// Where a newer version of this program would be looked for. Nothing is asked.
    pub fn update_source(&self, program: &Path) -> UpdateSource {
        if is_managed(program) {
            return UpdateSource::Managed;
        }
        match &self.state().settings.releases {
            Releases::At(url) => UpdateSource::Feed { place: place(url) },
            Releases::Off { origin } => UpdateSource::Off {
                origin: origin.clone(),
            },
            Releases::Unusable(problem) => UpdateSource::Feed {
                place: problem.origin.clone(),
            },
        }
    }

    /// Asks the feed for the newest version.
    ///
    /// # Errors
    /// `unsupported` in a managed install and where it is turned off; `setting-invalid`; those of HTTP; `server-failed`
    /// for an answer that names no version.
    pub async fn check_for_updates(&self, program: &Path) -> Result<NewestVersion> {
        let off = |message: &str| Err(Error::new(Code::Unsupported, message));
        if is_managed(program) {
            return off("This installation is managed. Its package manager brings updates.");
        }
        let url = match self.state().settings.releases.clone() {
            Releases::At(url) => url,
            Releases::Off { origin } => return off(&format!("Checking is off: {origin}.")),
            Releases::Unusable(problem) => return Err(problem.to_error(false)),
        };
        let http = self.world.http.through(&self.state().settings.network);
        let answer = http
            .get_json::<Release, serde_json::Value>(&url, None)
            .await?;
        let release = answer.map_err(|_| unusable(&place(&url)))?;
        newest(&release, env!("CARGO_PKG_VERSION")).ok_or_else(|| unusable(&place(&url)))
    }
}

fn is_managed(program: &Path) -> bool {
    program.with_file_name(MANAGED).exists()
}

fn newest(release: &Release, this: &str) -> Option<NewestVersion> {
    let tag = release.tag_name.as_str();
    // Longer than any version: the server would fill the screen.
    if tag.len() > 64 {
        return None;
    }
    let version = Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()?;
    let this = Version::parse(this).expect("our own version is one");
    let is_page = |page: &&String| {
        page.starts_with("https://")
            && page.len() <= MAX_ADDRESS
            && page.bytes().all(|byte| byte.is_ascii_graphic())
    };
    Some(NewestVersion {
        is_newer: version > this,
        version: version.to_string(),
        page: release.html_url.as_ref().filter(is_page).cloned(),
    })
}

fn unusable(place: &str) -> Error {
    let message = format!("{place} names no version. Check app.releases in settings.toml.");
    Error::new(Code::ServerFailed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tag: &str, page: &str) -> Option<NewestVersion> {
        let release = Release {
            tag_name: tag.to_owned(),
            html_url: Some(page.to_owned()),
        };
        newest(&release, "0.10.0")
    }

    #[test]
    fn versions_are_compared_as_numbers_and_a_preview_is_older_than_its_release() {
        let is_newer = |tag| found(tag, "").map(|newest| newest.is_newer);
        assert_eq!(is_newer("v0.9.9"), Some(false));
        assert_eq!(is_newer("v0.10.0"), Some(false));
        assert_eq!(is_newer("0.10.0-rc.1"), Some(false));
        assert_eq!(is_newer("v0.10.1"), Some(true));
        assert_eq!(is_newer("v1.0.0-rc.1"), Some(true));
    }

    #[test]
    fn what_is_no_version_or_no_page_is_not_shown() {
        for tag in [
            "",
            "latest",
            "1.0",
            "v1.0.0\u{1b}[31m",
            &format!("1.0.0-{}", "a".repeat(80)),
        ] {
            assert_eq!(found(tag, ""), None, "{tag:?}");
        }
        for page in [
            "http://example.test/",
            "javascript:alert(1)",
            "https://example.test/ a\n",
        ] {
            let page = found("1.0.0", page).expect("a version").page;
            assert_eq!(page, None);
        }
    }
}
