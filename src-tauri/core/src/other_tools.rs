//! The paths where the clouds' own tools, and others for the clouds, keep their files, by the rules of those tools.

use std::path::{Path, PathBuf};

use crate::aws_files::{self, Kind};
use crate::error::{Code, Error};
use crate::text;
use crate::world::Environment;

/// The paths of one user's files.
pub struct OtherTools<'a> {
    environment: &'a Environment,
    home: PathBuf,
}

impl<'a> OtherTools<'a> {
    /// Those of the user whose environment this is.
    ///
    /// # Errors
    /// `storage-failed` when this user has no home folder.
    pub fn of(environment: &'a Environment) -> Result<Self, Error> {
        let home = environment.home().ok_or_else(|| {
            Error::new(
                Code::StorageFailed,
                "This user has no home folder. Set HOME.",
            )
        })?;
        Ok(Self { environment, home })
    }

    /// AWS's config file.
    pub fn aws_config(&self) -> PathBuf {
        aws_files::path(self.environment, Kind::Config).unwrap_or_else(|| self.aws().join("config"))
    }

    /// AWS's file of long-lived keys.
    pub fn aws_credentials(&self) -> PathBuf {
        aws_files::path(self.environment, Kind::Credentials)
            .unwrap_or_else(|| self.aws().join("credentials"))
    }

    /// AWS's folder, which holds the caches whatever the variables are.
    pub fn aws(&self) -> PathBuf {
        self.home.join(".aws")
    }

    /// The folder in which `aws login` stores its sessions.
    pub fn aws_login_cache(&self) -> PathBuf {
        self.named("AWS_LOGIN_CACHE_DIRECTORY")
            .unwrap_or_else(|| self.aws().join("login/cache"))
    }

    /// The folder of Azure's command line.
    pub fn azure(&self) -> PathBuf {
        self.named("AZURE_CONFIG_DIR")
            .unwrap_or_else(|| self.home.join(".azure"))
    }

    /// The folder of Google's command line.
    pub fn gcloud(&self) -> PathBuf {
        self.named("CLOUDSDK_CONFIG")
            .unwrap_or_else(|| match self.environment.get("APPDATA") {
                Some(data) if cfg!(windows) => Path::new(data).join("gcloud"),
                _ => self.home.join(".config/gcloud"),
            })
    }

    /// The configuration of aws-sso-cli, which keeps its older folder where there is one.
    pub fn aws_sso(&self) -> PathBuf {
        self.named("AWS_SSO_CONFIG").unwrap_or_else(|| {
            let older = self.home.join(".aws-sso");
            let folder = if older.is_dir() {
                older
            } else {
                self.configuration("aws-sso")
            };
            folder.join("config.yaml")
        })
    }

    /// The configuration of Granted, as `aws_sso`.
    pub fn granted(&self) -> PathBuf {
        let older = self.home.join(".granted");
        let folder = if older.is_dir() {
            older
        } else {
            self.configuration("granted")
        };
        folder.join("config")
    }

    /// The file of Leapp, which is encrypted.
    pub fn leapp(&self) -> PathBuf {
        self.home.join(".Leapp/Leapp-lock.json")
    }

    /// A path as the user writes it: `~` is the home folder.
    pub fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.home).ok();
        let whole = below.map_or_else(|| path.to_owned(), |rest| Path::new("~").join(rest));
        text::shown(&whole.display().to_string())
    }

    fn configuration(&self, name: &str) -> PathBuf {
        let folder = self.named("XDG_CONFIG_HOME");
        folder
            .unwrap_or_else(|| self.home.join(".config"))
            .join(name)
    }

    /// The file that a variable names; a tilde is the home folder, as in AWS's command line.
    fn named(&self, variable: &str) -> Option<PathBuf> {
        let path = Path::new(self.environment.get(variable)?);
        Some(
            path.strip_prefix("~")
                .map_or_else(|_| path.to_owned(), |rest| self.home.join(rest)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gcloud_is_below_appdata_on_windows_and_below_home_elsewhere() {
        let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let environment = Environment::from_pairs([(home, "/home/ada"), ("APPDATA", "/roaming")]);
        let tools = OtherTools::of(&environment).expect("there is a home folder");
        let expected = if cfg!(windows) {
            "/roaming/gcloud"
        } else {
            "/home/ada/.config/gcloud"
        };
        assert_eq!(tools.gcloud(), Path::new(expected));
    }
}
