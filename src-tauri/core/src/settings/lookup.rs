//! Finding one setting: in its environment variable, else in `settings.toml`, with where it was found.
//!
//! What is malformed is collected with its origin and its fix, and never stops the search for the other settings.

use std::path::Path;

use toml_edit::DocumentMut;
use url::Url;

use super::{RedirectKind, SettingProblem, Sourced};
use crate::http;
use crate::world::Environment;

/// Finds settings and collects their faults.
pub(super) struct Lookup<'a> {
    pub(super) document: &'a DocumentMut,
    pub(super) path: &'a Path,
    pub(super) environment: &'a Environment,
    pub(super) problems: Vec<SettingProblem>,
}

impl Lookup<'_> {
    /// The value of a setting: from the environment, else from the file.
    pub(super) fn text(
        &mut self,
        section: &str,
        key: &str,
        variable: Option<&str>,
    ) -> Option<Sourced> {
        let from_environment = variable.and_then(|name| Some((name, self.environment.get(name)?)));
        if let Some((name, value)) = from_environment {
            return Some(Sourced {
                value: value.trim().to_owned(),
                origin: name.to_owned(),
            });
        }
        self.file_text(section, key)
    }

    /// As `text`, of the first variable that is set: ours comes before one that other programs read too.
    pub(super) fn first_text(
        &mut self,
        section: &str,
        key: &str,
        variables: &[&str],
    ) -> Option<Sourced> {
        let is_set = |name: &&&str| self.environment.get(name).is_some();
        let variable = variables.iter().find(is_set).copied();
        self.text(section, key, variable)
    }

    /// The value of a setting in the file alone.
    pub(super) fn file_text(&mut self, section: &str, key: &str) -> Option<Sourced> {
        let item = self.document.get(section)?.get(key)?;
        let origin = format!("{section}.{key} in {}", self.path.display());
        match item.as_str() {
            Some(text) if text.trim().is_empty() => None,
            Some(text) => Some(Sourced {
                value: text.trim().to_owned(),
                origin,
            }),
            None => {
                self.problem(key, origin, "is not text. Put it in quotes.");
                None
            }
        }
    }

    /// Where a setting was read, when it is set.
    pub(super) fn origin(&self, section: &str, key: &str, variable: &str) -> Option<String> {
        if self.environment.get(variable).is_some() {
            return Some(variable.to_owned());
        }
        let set = self.document.get(section)?.get(key)?.as_str()?;
        (!set.trim().is_empty()).then(|| format!("{section}.{key} in {}", self.path.display()))
    }

    pub(super) fn flag(&mut self, section: &str, key: &str) -> Option<bool> {
        let item = self.document.get(section)?.get(key)?;
        if item.as_bool().is_none() {
            let origin = format!("{section}.{key} in {}", self.path.display());
            self.problem(key, origin, "is neither true nor false.");
        }
        item.as_bool()
    }

    /// An endpoint: `https`, or a loopback address. A bare host name is taken as `https`, as in the Azure SDKs.
    pub(super) fn endpoint(
        &mut self,
        section: &str,
        key: &str,
        variable: &str,
        default: &str,
    ) -> Url {
        let default = Url::parse(default).expect("the defaults are URLs");
        let Some(found) = self.text(section, key, Some(variable)) else {
            return default;
        };
        let text = if found.value.contains("://") {
            found.value.clone()
        } else {
            format!("https://{}", found.value)
        };
        let is_address = |url: &Url| {
            url.host_str().is_some() && url.query().is_none() && url.fragment().is_none()
        };
        let why = match Url::parse(&text).ok().filter(is_address) {
            None => format!(
                "is \"{}\", which is not a server address. Use an https address.",
                found.value
            ),
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                "contains a user name or password. Remove it.".to_owned()
            }
            Some(mut url) if http::require_safe(&url).is_ok() => {
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                return url;
            }
            Some(_) => format!(
                "is \"{}\". Use https; only a server on this machine may use plain http.",
                found.value
            ),
        };
        self.problem(variable, found.origin, &why);
        default
    }

    pub(super) fn redirect(
        &mut self,
        section: &str,
        variable: &str,
        default: RedirectKind,
    ) -> RedirectKind {
        let Some(found) = self.text(section, "redirect", Some(variable)) else {
            return default;
        };
        match found.value.as_str() {
            "deep-link" => RedirectKind::DeepLink,
            "loopback" => RedirectKind::Loopback,
            other => {
                self.problem(
                    variable,
                    found.origin,
                    &format!("is \"{other}\". Set it to deep-link or loopback."),
                );
                default
            }
        }
    }

    pub(super) fn problem(&mut self, name: &str, origin: String, what: &str) {
        let message = format!("{origin} {what}");
        self.problems.push(SettingProblem {
            name: name.to_owned(),
            origin,
            message,
        });
    }
}
