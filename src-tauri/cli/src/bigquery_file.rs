//! The settings of `bq`, whose file may hold a credential that comes before gcloud's.
//!
//! A line is `flag = value`, also below the name of a command in brackets (`bq_utils.py` of the Google Cloud CLI). For one
//! command, such a file is replaced by a copy without the flags that choose an identity. Nothing here writes to the file.

use std::path::PathBuf;

use mcm_core::file::Foreign;
use mcm_core::world::Environment;

/// The variable that names another file.
pub(crate) const VARIABLE: &str = "BIGQUERYRC";

/// The flags that choose an identity (`bq_auth_flags.py`), by what their names begin with.
const IDENTITY: [&str; 6] = [
    "application_default_credential_file",
    "credential_file",
    "nouse_google_auth",
    "oauth_access_token",
    "service_account",
    "use_gce_service_account",
];

/// The file.
pub(crate) struct BigQueryFile {
    path: PathBuf,
    /// Its text; none when it is there and cannot be read here. What `bq` finds in it is then unknown.
    text: Option<String>,
}

impl BigQueryFile {
    /// The file that `bq` reads, if it is there.
    pub(crate) fn read(environment: &Environment) -> Option<Self> {
        let path = match environment.get(VARIABLE) {
            Some(path) => PathBuf::from(path),
            None => environment.home()?.join(".bigqueryrc"),
        };
        let text = match Foreign::read(&path) {
            Ok(file) => Some(String::from_utf8_lossy(file.bytes()?).into_owned()),
            Err(_) => None,
        };
        Some(Self { path, text })
    }

    /// What in it may choose an identity, as a sentence without its full stop.
    pub(crate) fn identity(&self) -> Option<String> {
        let path = self.path.display();
        let Some(text) = &self.text else {
            return Some(format!("{path} cannot be read"));
        };
        let flag = text.lines().find_map(identity_of)?;
        Some(format!("{path} sets {flag}"))
    }

    /// The text without the flags that choose an identity.
    pub(crate) fn without_identity(&self) -> String {
        let lines = self.text.iter().flat_map(|text| text.split_inclusive('\n'));
        lines.filter(|line| identity_of(line).is_none()).collect()
    }
}

fn identity_of(line: &str) -> Option<&'static str> {
    let flag = line.split('=').next()?.trim().trim_start_matches('-');
    IDENTITY.into_iter().find(|known| flag.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flags_that_choose_an_identity_are_left_out() {
        let file = BigQueryFile {
            path: PathBuf::from("rc"),
            text: Some("# mine\n--oauth_access_token = x\nproject_id=p\n[query]\nservice_account_credential_file=y\n\
                   use_gce_service_account\nuse_legacy_sql = false"
                .to_owned()),
        };
        assert_eq!(
            file.identity().as_deref(),
            Some("rc sets oauth_access_token")
        );
        assert_eq!(
            file.without_identity(),
            "# mine\nproject_id=p\n[query]\nuse_legacy_sql = false"
        );
    }
}
