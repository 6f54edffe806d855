//! The paths where the clouds' own tools keep their files, by the rules of those tools.

use std::path::{Path, PathBuf};

use mcm_core::aws_files::{self, Kind};
use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

/// The paths of one user's files.
pub(crate) struct OtherTools<'a> {
    environment: &'a Environment,
    home: PathBuf,
}

impl<'a> OtherTools<'a> {
    /// # Errors
    /// `storage-failed` when this user has no home folder.
    pub(crate) fn of(environment: &'a Environment) -> Result<Self, Error> {
        let home = environment.home().ok_or_else(|| {
            Error::new(
                Code::StorageFailed,
                "This user has no home folder. Set HOME.",
            )
        })?;
        Ok(Self { environment, home })
    }

    /// AWS's config file.
    pub(crate) fn aws_config(&self) -> PathBuf {
        aws_files::path(self.environment, Kind::Config).unwrap_or_else(|| self.aws().join("config"))
    }

    /// AWS's file of long-lived keys.
    pub(crate) fn aws_credentials(&self) -> PathBuf {
        aws_files::path(self.environment, Kind::Credentials)
            .unwrap_or_else(|| self.aws().join("credentials"))
    }

    /// AWS's folder, which holds the caches whatever the variables are.
    pub(crate) fn aws(&self) -> PathBuf {
        self.home.join(".aws")
    }

    /// The folder in which `aws login` stores its sessions.
    pub(crate) fn aws_login_cache(&self) -> PathBuf {
        self.named("AWS_LOGIN_CACHE_DIRECTORY")
            .unwrap_or_else(|| self.aws().join("login/cache"))
    }

    /// The folder of Azure's command line.
    pub(crate) fn azure(&self) -> PathBuf {
        self.named("AZURE_CONFIG_DIR")
            .unwrap_or_else(|| self.home.join(".azure"))
    }

    /// The folder of Google's command line.
    pub(crate) fn gcloud(&self) -> PathBuf {
        self.named("CLOUDSDK_CONFIG")
            .unwrap_or_else(|| match self.environment.get("APPDATA") {
                Some(data) if cfg!(windows) => Path::new(data).join("gcloud"),
                _ => self.home.join(".config/gcloud"),
            })
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
