//! Whether AWS's clients can read AWS's shared files, and read the same in them.

use std::collections::BTreeMap;

use mcm_core::aws_files::{self, Client, Files, Kind, SharedFile};
use mcm_core::world::Environment;

use super::Check;

/// One check for each file that exists.
pub(super) fn all(environment: &Environment) -> Vec<Check> {
    let files = Files::read(environment);
    let (config, credentials) = (
        check("aws config", &files.config),
        check("aws credentials", &files.credentials),
    );
    let empty = [Kind::Config, Kind::Credentials]
        .into_iter()
        .map(Kind::variable)
        .chain(["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
        .filter(|variable| environment.raw(variable) == Some(""));
    let empty = empty.map(|variable| {
        Check::warn(
            variable,
            "it is set to an empty value, which AWS's clients treat differently",
            format!("Unset {variable}, or give it a value."),
        )
    });
    config.into_iter().chain(credentials).chain(empty).collect()
}

fn check(name: &str, file: &SharedFile) -> Option<Check> {
    if file.bytes.is_empty() {
        return None;
    }
    if let Err(error) = file.document() {
        return Some(Check::fail(
            name,
            error.message(),
            "Fix the file. Until then, the AWS CLI and boto3 refuse every profile.",
        ));
    }
    for client in Client::ALL {
        let Some(profile) = disagreement(file, client) else {
            continue;
        };
        return Some(Check::warn(
            name,
            format!(
                "{}: {} reads the credentials of profile \"{profile}\" differently from the AWS CLI",
                file.path.display(),
                client.title()
            ),
            "Start its lines at the left margin, and remove quotes and trailing comments.",
        ));
    }
    Some(Check::ok(
        name,
        format!("{}: every AWS client reads the same", file.path.display()),
    ))
}

/// A profile whose credential a client reads differently from botocore.
fn disagreement(file: &SharedFile, client: Client) -> Option<String> {
    let sources = |client| -> Option<BTreeMap<String, Vec<(String, String)>>> {
        let profiles = file.profiles(client).ok()?;
        let of_profile = |(name, settings): (&str, &aws_files::ProfileSettings)| {
            let sources = settings
                .iter()
                .filter(|(name, _)| aws_files::is_source(name))
                .map(|(name, value)| (name.clone(), value.clone()));
            let sources: Vec<_> = sources.collect();
            (!sources.is_empty()).then(|| (name.to_owned(), sources))
        };
        Some(profiles.iter().filter_map(of_profile).collect())
    };
    let Some(theirs) = sources(client) else {
        return Some("default".to_owned());
    };
    let botocores = sources(Client::Botocore)?;
    let mut names = botocores.keys().chain(theirs.keys());
    names
        .find(|name| botocores.get(*name) != theirs.get(*name))
        .cloned()
}
