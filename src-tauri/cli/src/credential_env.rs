//! The variables that a child process or a shell is given for an account: where to work, and the credential itself
//! where a cloud's tools take it from a variable.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::account::{Account, Identity};
use mcm_core::credential::{Credential, Session};
use mcm_core::settings::{AzureCloud, Settings};
use secrecy::SecretString;

/// Names and values, some of them secret.
pub(crate) type Pairs = Vec<(&'static str, SecretString)>;

/// Where the tools work: nothing in it is secret. What the person has not chosen is left out.
pub(crate) fn places(account: &Account, settings: &Settings) -> Pairs {
    let target = account.chosen_target().map(|target| target.id.as_str());
    let both =
        |names: [&'static str; 2], value: &str| names.map(|name| (name, value.into())).to_vec();
    match &account.identity {
        Identity::Aws { .. } => target
            .map(|region| both(["AWS_REGION", "AWS_DEFAULT_REGION"], region))
            .unwrap_or_default(),
        Identity::Gcp { .. } => target
            .map(|project| both(["GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"], project))
            .unwrap_or_default(),
        Identity::Azure { tenant_id, .. } => {
            let mut pairs = both(["AZURE_TENANT_ID", "ARM_TENANT_ID"], tenant_id);
            if let Some(subscription) = target {
                pairs.extend(both(
                    ["AZURE_SUBSCRIPTION_ID", "ARM_SUBSCRIPTION_ID"],
                    subscription,
                ));
            }
            let environment = match settings.azure.cloud() {
                AzureCloud::Public => None,
                AzureCloud::UsGovernment => Some("usgovernment"),
                AzureCloud::China => Some("china"),
            };
            pairs.extend(environment.map(|name| ("ARM_ENVIRONMENT", name.into())));
            pairs
        }
    }
}

/// The credential in plain variables. For Azure there is only one for scripts: none of its tools reads a token there.
pub(crate) fn plain(account: &Account, session: &Session) -> Pairs {
    match (&session.credential, &account.identity) {
        (Credential::AccessKeys(keys), _) => {
            let mut pairs = vec![
                ("AWS_ACCESS_KEY_ID", keys.access_key_id.as_str().into()),
                ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key.clone()),
            ];
            pairs.extend(
                keys.session_token
                    .clone()
                    .map(|token| ("AWS_SESSION_TOKEN", token)),
            );
            pairs.push((
                "AWS_CREDENTIAL_EXPIRATION",
                format!("{:.0}", session.times.expires_at).into(),
            ));
            pairs
        }
        (Credential::Bearer(token), Identity::Azure { .. }) => {
            vec![("AZURE_ACCESS_TOKEN", token.clone())]
        }
        (Credential::Bearer(token), _) => {
            vec![
                ("CLOUDSDK_AUTH_ACCESS_TOKEN", token.clone()),
                ("GOOGLE_OAUTH_ACCESS_TOKEN", token.clone()),
            ]
        }
    }
}

/// What is told of a credential that does not renew itself.
pub(crate) fn lasting(
    account: &Account,
    session: &Session,
    now: Timestamp,
    zone: &TimeZone,
) -> String {
    let ends = session.times.expires_at;
    let at = ends.to_zoned_datetime(zone.clone()).strftime("%H:%M");
    let minutes = ends.duration_since(now).as_mins().max(0);
    format!(
        "{}: a credential that is good until {at} ({minutes} min), and is not renewed.",
        account.name()
    )
}
