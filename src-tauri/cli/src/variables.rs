//! The variables that say as whom the clouds' own tools work, and where.
//!
//! One table for everybody: `mcm exec` and `mcm env` take out of it what would win over the account that was asked
//! for, and a command that examines the shell finds in it what is set. What `mcm` itself sets is in it too, because a
//! shell inside `mcm exec` has it and an older `mcm env` may have left it.

use mcm_core::account::Cloud;
use mcm_core::world::Environment;

/// Where `mcm exec` says which accounts its command has: their ids, separated by commas.
pub(crate) const EXEC_ACCOUNTS: &str = "MCM_EXEC";

/// A variable that the tools of a cloud read.
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whose tools read it.
    pub(crate) cloud: Cloud,
    /// What it does to them.
    pub(crate) effect: Effect,
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
pub(crate) fn that_win(
    cloud: Cloud,
    environment: &Environment,
) -> impl Iterator<Item = &'static Variable> {
    of(cloud).filter(|variable| variable.would_win() && environment.get(variable.name).is_some())
}

/// Whether one of these holds a credential.
pub(crate) fn are_secret<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| {
        ALL.iter()
            .any(|variable| variable.name == name && variable.effect == Effect::Credential)
    })
}

use Cloud::{Aws, Azure, Gcp};
use Effect::{Credential, Identity, Place, Source};

const fn variable(name: &'static str, cloud: Cloud, effect: Effect) -> Variable {
    Variable {
        name,
        cloud,
        effect,
    }
}

/// In the order in which the tools of a cloud look.
#[rustfmt::skip]
const ALL: [Variable; 74] = [
    variable("AWS_ACCESS_KEY_ID", Aws, Credential),
    variable("AWS_SECRET_ACCESS_KEY", Aws, Credential),
    variable("AWS_SESSION_TOKEN", Aws, Credential),
    variable("AWS_SECURITY_TOKEN", Aws, Credential),
    variable("AWS_CREDENTIAL_EXPIRATION", Aws, Identity),
    variable("AWS_ACCOUNT_ID", Aws, Identity),
    variable("AWS_PROFILE", Aws, Source),
    variable("AWS_DEFAULT_PROFILE", Aws, Source),
    variable("AWS_ROLE_ARN", Aws, Source),
    variable("AWS_ROLE_SESSION_NAME", Aws, Source),
    variable("AWS_WEB_IDENTITY_TOKEN_FILE", Aws, Source),
    variable("AWS_CREDENTIAL_FILE", Aws, Source),
    variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Aws, Source),
    variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", Aws, Source),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", Aws, Credential),
    variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Aws, Source),
    variable("AWS_REGION", Aws, Place),
    variable("AWS_DEFAULT_REGION", Aws, Place),

    variable("AZURE_CLIENT_SECRET", Azure, Credential),
    variable("AZURE_CLIENT_CERTIFICATE_PATH", Azure, Source),
    variable("AZURE_CLIENT_CERTIFICATE_PASSWORD", Azure, Credential),
    variable("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", Azure, Source),
    variable("AZURE_USERNAME", Azure, Source),
    variable("AZURE_PASSWORD", Azure, Credential),
    variable("AZURE_FEDERATED_TOKEN_FILE", Azure, Source),
    variable("AZURE_ACCESS_TOKEN", Azure, Credential),
    variable("AZURE_TOKEN_CREDENTIALS", Azure, Source),
    variable("AZURE_CLIENT_ID", Azure, Identity),
    variable("AZURE_TENANT_ID", Azure, Identity),
    variable("AZURE_SUBSCRIPTION_ID", Azure, Identity),
    variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", Azure, Source),
    variable("IDENTITY_ENDPOINT", Azure, Source),
    variable("IDENTITY_HEADER", Azure, Credential),
    variable("IDENTITY_SERVER_THUMBPRINT", Azure, Source),
    variable("IMDS_ENDPOINT", Azure, Source),
    variable("MSI_ENDPOINT", Azure, Source),
    variable("MSI_SECRET", Azure, Credential),
    variable("ARM_ACCESS_KEY", Azure, Credential),
    variable("ARM_SAS_TOKEN", Azure, Credential),
    variable("ARM_CLIENT_SECRET", Azure, Credential),
    variable("ARM_CLIENT_SECRET_FILE_PATH", Azure, Source),
    variable("ARM_CLIENT_CERTIFICATE", Azure, Credential),
    variable("ARM_CLIENT_CERTIFICATE_PATH", Azure, Source),
    variable("ARM_CLIENT_CERTIFICATE_PASSWORD", Azure, Credential),
    variable("ARM_OIDC_TOKEN", Azure, Credential),
    variable("ARM_OIDC_TOKEN_FILE_PATH", Azure, Source),
    variable("ARM_OIDC_REQUEST_TOKEN", Azure, Credential),
    variable("ARM_OIDC_REQUEST_URL", Azure, Source),
    variable("ARM_USE_AKS_WORKLOAD_IDENTITY", Azure, Source),
    variable("ARM_USE_OIDC", Azure, Source),
    variable("ARM_USE_CLI", Azure, Source),
    variable("ARM_USE_MSI", Azure, Source),
    variable("ARM_MSI_ENDPOINT", Azure, Source),
    variable("ARM_CLIENT_ID", Azure, Identity),
    variable("ARM_CLIENT_ID_FILE_PATH", Azure, Identity),
    variable("ARM_TENANT_ID", Azure, Identity),
    variable("ARM_SUBSCRIPTION_ID", Azure, Identity),
    variable("ARM_ENVIRONMENT", Azure, Identity),

    variable("GOOGLE_APPLICATION_CREDENTIALS", Gcp, Source),
    variable("GOOGLE_CREDENTIALS", Gcp, Credential),
    variable("GOOGLE_CLOUD_KEYFILE_JSON", Gcp, Credential),
    variable("GCLOUD_KEYFILE_JSON", Gcp, Credential),
    variable("GOOGLE_OAUTH_ACCESS_TOKEN", Gcp, Credential),
    variable("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", Gcp, Identity),
    variable("CLOUDSDK_AUTH_ACCESS_TOKEN", Gcp, Credential),
    variable("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", Gcp, Source),
    variable("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", Gcp, Source),
    variable("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", Gcp, Identity),
    variable("CLOUDSDK_CORE_ACCOUNT", Gcp, Identity),
    variable("CLOUDSDK_ACTIVE_CONFIG_NAME", Gcp, Source),
    variable("CLOUDSDK_CORE_PROJECT", Gcp, Place),
    variable("GOOGLE_CLOUD_PROJECT", Gcp, Place),
    variable("GCLOUD_PROJECT", Gcp, Place),
    variable("GOOGLE_PROJECT", Gcp, Place),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_can_be_written_in_every_shell() {
        let mut seen = HashSet::new();
        for variable in &ALL {
            assert!(
                seen.insert(variable.name),
                "{} is there twice",
                variable.name
            );
            assert!(
                variable
                    .name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            );
        }
    }

    #[test]
    fn what_is_set_and_would_win_is_found_and_a_place_is_not_among_it() {
        let set = Environment::from_pairs([
            ("AWS_PROFILE", "a"),
            ("AWS_REGION", "r"),
            ("AWS_SESSION_TOKEN", ""),
        ]);
        let names: Vec<_> = that_win(Cloud::Aws, &set)
            .map(|variable| variable.name)
            .collect();
        assert_eq!(names, ["AWS_PROFILE"]);
        assert_eq!(that_win(Cloud::Gcp, &set).count(), 0);
    }
}
