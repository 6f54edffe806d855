//! `app.releases`: where a newer version is looked for, when the user asks for it.

use url::Url;

use super::SettingProblem;
use super::lookup::Lookup;
use crate::http;

/// Where releases are published: `releases/latest` of a forge, in GitHub's form.
const DEFAULT: &str =
    "https://api.github.com/repos/multicloudmanager/multi-cloud-manager/releases/latest";

/// Where a newer version is looked for.
#[derive(Clone, Debug)]
pub enum Releases {
    /// This feed.
    At(Url),
    /// Nowhere.
    Off {
        /// Where it was read.
        origin: String,
    },
    /// The setting cannot be used.
    Unusable(SettingProblem),
}

/// Reads `app.releases` or `MCM_RELEASES`: an address, or `off`.
pub(super) fn read(lookup: &mut Lookup<'_>) -> Releases {
    let Some(found) = lookup.text("app", "releases", Some("MCM_RELEASES")) else {
        return Releases::At(Url::parse(DEFAULT).expect("the default is a URL"));
    };
    if found.value.eq_ignore_ascii_case("off") {
        return Releases::Off {
            origin: found.origin,
        };
    }
    match Url::parse(&found.value) {
        Ok(url) if http::require_safe(&url).is_ok() && url.username().is_empty() => {
            Releases::At(url)
        }
        _ => Releases::Unusable(SettingProblem {
            name: "releases".into(),
            message: format!(
                "{} is \"{}\". Set it to an https address, or to off.",
                found.origin, found.value
            ),
            origin: found.origin,
        }),
    }
}
