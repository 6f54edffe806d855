//! The variables that say as whom the clouds' own tools work, and where.
//!
//! One table for everybody: `mcm exec` and `mcm env` take out of it what would win over the account that was asked
//! for, and a command that examines the shell finds in it what is set. What `mcm` itself sets is in it too, because a
//! shell inside `mcm exec` has it and an older `mcm env` may have left it.

use mcm_core::account::Cloud;
use mcm_core::world::Environment;

/// A variable that the tools of a cloud read.
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whose tools read it.
    pub(crate) cloud: Cloud,
    /// What it does to them.
    pub(crate) effect: Effect,
    /// Who reads it.
    #[allow(dead_code, reason = "told by what examines a shell")]
    pub(crate) readers: Readers,
}

/// What a variable does to the tools that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is a credential or a part of one, and secret.
    Credential,
    /// It says where a credential is fetched: a profile, a file, an endpoint, another way to sign in.
    Source,
    /// It changes as whom the work is done, or where it must not be done: a tenant, an impersonated account, a
    /// subscription, which belongs to one tenant.
    Identity,
    /// It says where the work is done, for whoever does it: a region, a project.
    Place,
}

/// Which tools read a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The cloud's libraries, and with them most programs; Terraform among them where it uses these.
    Libraries,
    /// The cloud's own command line: `aws`, `az`, `gcloud`.
    CommandLine,
    /// Terraform's provider of the cloud.
    Terraform,
}

impl Variable {
    /// Whether it has to go before the tools work as the account that was asked for.
    pub(crate) fn would_win(&self) -> bool {
        self.effect != Effect::Place
    }
}

/// Every variable that the tools of a cloud read.
pub(crate) fn of(cloud: Cloud) -> impl Iterator<Item = &'static Variable> {
    ALL.iter().filter(move |variable| variable.cloud == cloud)
}

/// The variables that are set here and make the tools of a cloud work as somebody else than the account in use.
#[allow(dead_code, reason = "asked by what examines a shell")]
pub(crate) fn that_win(cloud: Cloud, environment: &Environment) -> impl Iterator<Item = &'static Variable> {
    of(cloud).filter(|variable| variable.would_win() && environment.get(variable.name).is_some())
}

/// Whether one of these holds a credential.
pub(crate) fn are_secret<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names
        .any(|name| ALL.iter().any(|variable| variable.name == name && variable.effect == Effect::Credential))
}

use Cloud::{Aws, Azure, Gcp};
use Effect::{Credential, Identity, Place, Source};
use Readers::{CommandLine, Libraries, Terraform};

const fn variable(name: &'static str, cloud: Cloud, effect: Effect, readers: Readers) -> Variable {
    Variable { name, cloud, effect, readers }
}

/// In the order in which the tools of a cloud look.
#[rustfmt::skip]
const ALL: [Variable; 74] = [
    variable("AWS_ACCESS_KEY_ID", Aws, Credential, Libraries),
    variable("AWS_SECRET_ACCESS_KEY", Aws, Credential, Libraries),
    variable("AWS_SESSION_TOKEN", Aws, Credential, Libraries),
    variable("AWS_SECURITY_TOKEN", Aws, Credential, Libraries),
    variable("AWS_CREDENTIAL_EXPIRATION", Aws, Identity, Libraries),
    variable("AWS_ACCOUNT_ID", Aws, Identity, Libraries),
    variable("AWS_PROFILE", Aws, Source, Libraries),
    variable("AWS_DEFAULT_PROFILE", Aws, Source, Libraries),
    variable("AWS_ROLE_ARN", Aws, Source, Libraries),
    variable("AWS_ROLE_SESSION_NAME", Aws, Source, Libraries),
    variable("AWS_WEB_IDENTITY_TOKEN_FILE", Aws, Source, Libraries),
    variable("AWS_CREDENTIAL_FILE", Aws, Source, Libraries),
    variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Aws, Source, Libraries),
    variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", Aws, Source, Libraries),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", Aws, Credential, Libraries),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Aws, Source, Libraries),
    variable("AWS_REGION", Aws, Place, Libraries),
    variable("AWS_DEFAULT_REGION", Aws, Place, CommandLine),

    variable("AZURE_CLIENT_SECRET", Azure, Credential, Libraries),
    variable("AZURE_CLIENT_CERTIFICATE_PATH", Azure, Source, Libraries),
    variable("AZURE_CLIENT_CERTIFICATE_PASSWORD", Azure, Credential, Libraries),
    variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", Azure, Source, Libraries),
    variable("AZURE_USERNAME", Azure, Source, Libraries),
    variable("AZURE_PASSWORD", Azure, Credential, Libraries),
    variable("AZURE_FEDERATED_TOKEN_FILE", Azure, Source, Libraries),
    variable("AZURE_ACCESS_TOKEN", Azure, Credential, Libraries),
    variable("AZURE_TOKEN_CREDENTIALS", Azure, Source, Libraries),
    variable("AZURE_CLIENT_ID", Azure, Identity, Libraries),
    variable("AZURE_TENANT_ID", Azure, Identity, Libraries),
    variable("AZURE_SUBSCRIPTION_ID", Azure, Identity, Libraries),
    variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", Azure, Source, Libraries),
    variable("IDENTITY_ENDPOINT", Azure, Source, Libraries),
    variable("IDENTITY_HEADER", Azure, Credential, Libraries),
    variable("IDENTITY_SERVER_THUMBPRINT", Azure, Source, Libraries),
    variable("IMDS_ENDPOINT", Azure, Source, Libraries),
    variable("MSI_ENDPOINT", Azure, Source, Libraries),
    variable("MSI_SECRET", Azure, Credential, Libraries),
    variable("ARM_ACCESS_KEY", Azure, Credential, Terraform),
    variable("ARM_SAS_TOKEN", Azure, Credential, Terraform),
    variable("ARM_CLIENT_SECRET", Azure, Credential, Terraform),
    variable("ARM_CLIENT_SECRET_FILE_PATH", Azure, Source, Terraform),
    variable("ARM_CLIENT_CERTIFICATE", Azure, Credential, Terraform),
    variable("ARM_CLIENT_CERTIFICATE_PATH", Azure, Source, Terraform),
    variable("ARM_CLIENT_CERTIFICATE_PASSWORD", Azure, Credential, Terraform),
    variable("ARM_OIDC_TOKEN", Azure, Credential, Terraform),
    variable("ARM_OIDC_TOKEN_FILE_PATH", Azure, Source, Terraform),
    variable("ARM_OIDC_REQUEST_TOKEN", Azure, Credential, Terraform),
    variable("ARM_OIDC_REQUEST_URL", Azure, Source, Terraform),
    variable("ARM_USE_AKS_WORKLOAD_IDENTITY", Azure, Source, Terraform),
    variable("ARM_USE_OIDC", Azure, Source, Terraform),
    variable("ARM_USE_CLI", Azure, Source, Terraform),
    variable("ARM_USE_MSI", Azure, Source, Terraform),
    variable("ARM_MSI_ENDPOINT", Azure, Source, Terraform),
    variable("ARM_CLIENT_ID", Azure, Identity, Terraform),
    variable("ARM_CLIENT_ID_FILE_PATH", Azure, Identity, Terraform),
    variable("ARM_TENANT_ID", Azure, Identity, Terraform),
    variable("ARM_SUBSCRIPTION_ID", Azure, Identity, Terraform),
    variable("ARM_ENVIRONMENT", Azure, Identity, Terraform),

    variable("GOOGLE_APPLICATION_CREDENTIALS", Gcp, Source, Libraries),
    variable("GOOGLE_CREDENTIALS", Gcp, Credential, Terraform),
    variable("GOOGLE_CLOUD_KEYFILE_JSON", Gcp, Credential, Terraform),
    variable("GCLOUD_KEYFILE_JSON", Gcp, Credential, Terraform),
    variable("GOOGLE_OAUTH_ACCESS_TOKEN", Gcp, Credential, Terraform),
    variable("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", Gcp, Identity, Terraform),
    variable("CLOUDSDK_AUTH_ACCESS_TOKEN", Gcp, Credential, CommandLine),
    variable("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", Gcp, Source, CommandLine),
    variable("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", Gcp, Source, CommandLine),
    variable("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", Gcp, Identity, CommandLine),
    variable("CLOUDSDK_CORE_ACCOUNT", Gcp, Identity, CommandLine),
    variable("CLOUDSDK_ACTIVE_CONFIG_NAME", Gcp, Source, CommandLine),
    variable("CLOUDSDK_CORE_PROJECT", Gcp, Place, CommandLine),
    variable("GOOGLE_CLOUD_PROJECT", Gcp, Place, Libraries),
    variable("GCLOUD_PROJECT", Gcp, Place, Libraries),
    variable("GOOGLE_PROJECT", Gcp, Place, Terraform),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_can_be_written_in_every_shell() {
        let mut seen = HashSet::new();
        for variable in &ALL {
            assert!(seen.insert(variable.name), "{} is there twice", variable.name);
            assert!(variable.name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        }
    }

    #[test]
    fn what_is_set_and_would_win_is_found_and_a_place_is_not_among_it() {
        let set =
            Environment::from_pairs([("AWS_PROFILE", "a"), ("AWS_REGION", "r"), ("AWS_SESSION_TOKEN", "")]);
        let names: Vec<_> = that_win(Cloud::Aws, &set).map(|variable| variable.name).collect();
        assert_eq!(names, ["AWS_PROFILE"]);
        assert_eq!(that_win(Cloud::Gcp, &set).count(), 0);
    }
}
