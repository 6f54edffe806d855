//! What a child process or a shell gets of an account: where to work, and the credential itself where a cloud's tools
//! take it from a variable. Ids are checked against the grammar of their cloud before they become a variable.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::account::{Account, Cloud, Identity};
use mcm_core::credential::{Credential, Session};
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};
use mcm_core::guid;
use mcm_core::settings::{AzureCloud, Settings};
use mcm_core::text::shown;
use mcm_core::world::Environment;

use crate::output::clock_time;
use crate::variables::{Fact, Facts};

/// Where the tools work, and what is said of it. Nothing in it is secret.
pub(crate) struct Places {
    /// What is known.
    pub(crate) facts: Facts,
    /// The line for the user.
    pub(crate) remarks: Vec<String>,
}

/// Where the tools of an account work. For AWS a region that was asked for wins, then one that the user has set.
///
/// # Errors
/// `invalid-input` for an id that its cloud does not have.
pub(crate) fn places(
    account: &Account,
    settings: &Settings,
    environment: &Environment,
    region: Option<&str>,
) -> Result<Places, Error> {
    let target = account.target.as_deref();
    let mut facts = Facts::new();
    let mut remarks: Vec<String> = concern(account).into_iter().collect();
    match &account.identity {
        Identity::Aws { .. } | Identity::IdentityCenter { .. } => {
            // A sign-in to Identity Center has no region of the user's choice, but that of its portal.
            let (target, is_chosen) = match &account.identity {
                Identity::IdentityCenter { region, .. } => (Some(region.as_str()), false),
                _ => (target, true),
            };
            let typed = ["AWS_REGION", "AWS_DEFAULT_REGION"]
                .into_iter()
                .find_map(|name| Some((name, environment.get(name)?)));
            if let (None, Some((variable, typed)), Some(chosen)) = (region, typed, target)
                && typed != chosen
                && is_chosen
            {
                remarks.push(format!(
                    "The region is {}, because {variable} is set. For {} it is {chosen}; --region names another.",
                    shown(typed),
                    account.name()
                ));
            }
            let region = match (region, typed) {
                (Some(region), _) => Some(checked("region", region, is_region)?),
                // The user's own word, which may be a region that is not known here.
                (None, Some((_, typed))) => Some(typed),
                (None, None) => target
                    .map(|target| checked("region", target, is_region))
                    .transpose()?,
            };
            facts.extend(region.map(|region| (Fact::Region, region.into())));
        }
        Identity::Gcp { email, .. } => {
            let project = target
                .map(|target| checked("project", target, is_project))
                .transpose()?;
            facts.extend(project.map(|project| (Fact::Project, project.into())));
            facts.insert(Fact::Quota, project.unwrap_or("CURRENT_PROJECT").into());
            let address = email.as_deref().filter(|address| is_address(address));
            facts.extend(address.map(|address| (Fact::GoogleAccount, address.into())));
        }
        Identity::Azure { tenant_id, .. } => {
            let tenant = checked("tenant", tenant_id, guid::is_guid)?;
            facts.insert(Fact::Tenant, tenant.into());
            let subscription = target
                .map(|target| checked("subscription", target, guid::is_guid))
                .transpose()?;
            facts.extend(subscription.map(|id| (Fact::Subscription, id.into())));
            let cloud = match settings.azure.cloud() {
                AzureCloud::Public => None,
                AzureCloud::UsGovernment => Some("usgovernment"),
                AzureCloud::China => Some("china"),
            };
            facts.extend(cloud.map(|name| (Fact::TerraformCloud, name.into())));
        }
    }
    Ok(Places { facts, remarks })
}

/// What an environment says beside its accounts, and when its time is over. Nothing in it is secret.
pub(crate) fn of_environment(named: &NamedEnvironment, until: Option<Timestamp>) -> Facts {
    let mut facts = Facts::from([(Fact::Environment, named.name.as_str().into())]);
    let colour = named.settings.colour.as_deref();
    facts.extend(colour.map(|colour| (Fact::EnvironmentColour, colour.into())));
    let until = until.map(|until| until.as_second().to_string());
    facts.extend(until.map(|until| (Fact::EnvironmentUntil, until.into())));
    if named.settings.is_protected {
        facts.insert(Fact::EnvironmentProtected, "1".into());
    }
    if named.members.contains_key(&Cloud::Gcp) {
        for (fact, place) in [
            (Fact::GoogleRegion, &named.settings.google_region),
            (Fact::GoogleZone, &named.settings.google_zone),
        ] {
            let place = place.as_deref();
            facts.extend(place.map(|place| (fact, place.into())));
        }
    } else if named.closes_other_clouds() {
        // gsutil has keys in a file of its own.
        facts.insert(Fact::Boto, NO_BOTO_FILE.into());
    }
    facts
}

/// What is wrong with the target that is chosen for an account, if anything is: it is gone, or out of order.
pub(crate) fn concern(account: &Account) -> Option<String> {
    let (name, cloud) = (account.name(), account.cloud());
    let noun = match cloud {
        Cloud::Azure => "subscription",
        Cloud::Gcp => "project",
        Cloud::Aws => return None,
    };
    let id = account.target.as_deref()?;
    let Some(target) = account.chosen_target() else {
        return Some(format!(
            "The {noun} {} of {name} is no longer listed. Refresh the list: mcm targets {} --refresh",
            shown(id),
            account.id
        ));
    };
    let is_in_order = |state: &str| {
        state.is_empty() || state.eq_ignore_ascii_case("Enabled") || state == "ACTIVE"
    };
    let state = target
        .state
        .as_deref()
        .filter(|state| !is_in_order(state))?;
    Some(format!(
        "The {noun} {} of {name} is in the state {}, so its tools may be refused.",
        target.name,
        shown(state)
    ))
}

fn checked<'t>(what: &str, id: &'t str, is_one: fn(&str) -> bool) -> Result<&'t str, Error> {
    if is_one(id) {
        return Ok(id);
    }
    let message = format!(
        "\"{}\" is not the id of a {what}, so mcm sets it for no program. Choose another one with \"mcm use\".",
        shown(id)
    );
    Err(Error::new(Code::InvalidInput, message))
}

/// AWS's regions: `eu-central-1`, `us-gov-west-1`, `us-isob-east-1`.
fn is_region(id: &str) -> bool {
    let mut parts = id.rsplit('-');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    id.len() <= 32
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && parts.next().is_some_and(is_number)
        && parts.clone().count() >= 2
        && parts.all(is_word)
}

/// Google's project ids: 6 to 30 lower-case letters, digits and hyphens. Old ones have a domain before a colon.
fn is_project(id: &str) -> bool {
    let (domain, name) = id.rsplit_once(':').unwrap_or(("", id));
    let is_of = |text: &str, others: &str| {
        text.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c))
    };
    (4..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && is_of(name, "-")
        && domain.len() <= 100
        && is_of(domain, "-.")
}

fn is_address(text: &str) -> bool {
    text.contains('@')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._~+@-".contains(c))
}

/// The credential in plain variables. Azure's is for scripts only: none of its tools reads a token there.
pub(crate) fn plain(account: &Account, session: &Session) -> Facts {
    match (&session.credential, &account.identity) {
        (Credential::AccessKeys(keys), _) => {
            let mut facts = Facts::from([
                (Fact::KeyId, keys.access_key_id.as_str().into()),
                (Fact::SecretKey, keys.secret_access_key.clone()),
                (
                    Fact::Expiration,
                    format!("{:.0}", session.times.expires_at).into(),
                ),
            ]);
            let token = keys.session_token.clone();
            facts.extend(token.map(|token| (Fact::SessionToken, token)));
            facts
        }
        // It is never issued.
        (Credential::Portal(_), _) => Facts::new(),
        (Credential::Bearer(token), Identity::Azure { .. }) => {
            Facts::from([(Fact::AzureToken, token.clone())])
        }
        (Credential::Bearer(token), _) => Facts::from([
            (Fact::GoogleToken, token.clone()),
            // gsutil takes no token from a variable, and must not take another user's from a file.
            (Fact::Boto, NO_BOTO_FILE.into()),
        ]),
    }
}

const NO_BOTO_FILE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// The note about a credential that does not renew itself.
pub(crate) fn lasting(
    account: &Account,
    session: &Session,
    now: Timestamp,
    zone: &TimeZone,
) -> String {
    let ends = session.times.expires_at;
    let at = clock_time(ends, zone);
    let minutes = ends.duration_since(now).as_mins().max(0);
    format!(
        "{}: the credential expires at {at} (in {minutes} min) and is not renewed.",
        account.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_that_their_cloud_gives_them() {
        for region in [
            "eu-central-1",
            "us-gov-west-1",
            "us-isob-east-1",
            "mx-central-1",
        ] {
            assert!(is_region(region), "{region}");
        }
        for other in [
            "",
            "eu",
            "eu-1",
            "eu-central",
            "EU-central-1",
            "eu-central-1;id",
            "eu--1",
            "$(x)-a-1",
        ] {
            assert!(!is_region(other), "{other}");
        }
        for project in ["contoso-production", "example.com:shop", "a1b2"] {
            assert!(is_project(project), "{project}");
        }
        for other in [
            "",
            "abc",
            "1contoso",
            "contoso'",
            "Contoso-1",
            "a b c d",
            "contoso`id`",
            "x:y z",
        ] {
            assert!(!is_project(other), "{other}");
        }
    }
}
