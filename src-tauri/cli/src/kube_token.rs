//! `mcm kube-token`: an account's credential in the format of kubectl's exec plug-ins, for EKS, GKE and AKS.
//!
//! kubectl reads standard output; failures go to standard error, which kubectl shows.

use jiff::Timestamp;
use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::holders::{CutOff, Holders, Listed};
use mcm_core::provider::azure::resource::AKS_SERVER;
use mcm_core::text::shown;
use mcm_core::world::{Environment, World};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::arguments::ClusterOf;
use crate::exec::{REVOKED, time_is_over};
use crate::failure::Failure;
use crate::find_account::Lookup;
use crate::interactive;
use crate::output::print;
use crate::token::requesting_program;
use crate::variables;

/// The version that kubectl expects unless it names one.
const USUAL_VERSION: &str = "client.authentication.k8s.io/v1";
/// The versions that are the same in everything that is answered here.
const VERSIONS: [&str; 2] = [USUAL_VERSION, "client.authentication.k8s.io/v1beta1"];
/// The variable in which kubectl names its version.
pub(crate) const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

pub(crate) async fn run(
    app: &App,
    world: &World,
    whose: &ClusterOf,
    may_ask: bool,
) -> Result<(), Failure> {
    let version = version(world.environment.get(EXEC_INFO))?;
    let account = account(app, &world.environment, whose)?;
    let until = permitted(app, world, whose)?;
    let environment = whose.environment.as_deref();
    let resource = match resource(&account, whose) {
        Some(text) => app.resource(&account.id, text)?,
        None => account.issued_resource()?,
    };
    let cluster = whose.cluster.as_deref();
    let attempt = async || match cluster {
        Some(cluster) => {
            app.issue_cluster_token(
                &account,
                cluster,
                whose.region.as_deref(),
                &requesting_program(),
                environment,
            )
            .await
        }
        None => {
            let session = app
                .issue_in(&account.id, &resource, &requesting_program(), environment)
                .await?;
            Ok((session.bearer()?.clone(), session.times.expires_at))
        }
    };
    let (token, expires_at) =
        interactive::issue(app, &world.vault, &account, &resource, may_ask, attempt).await?;
    let now = world.clock.now();
    if let Some(holder) = &whose.holder {
        // What ran may have been revoked, or its time be over, while the token was fetched.
        permitted(app, world, whose)?;
        Holders::in_folder(&world.paths.data).record(holder, &account, expires_at, now);
    }
    // kubectl keeps a token until its end, and then asks again.
    let until = until.map_or(expires_at, |until| expires_at.min(until));
    Ok(print_credential(version, &token, until)?)
}

/// Refuses what the kubeconfig of an environment asks for once that may have nothing more. Returns when its time is over.
fn permitted(app: &App, world: &World, whose: &ClusterOf) -> Result<Option<Timestamp>, Error> {
    let Some(name) = whose.environment.as_deref() else {
        return Ok(None);
    };
    if let Some(id) = whose.holder.as_deref() {
        return permitted_of_run(
            &Holders::in_folder(&world.paths.data),
            name,
            id,
            world.clock.now(),
        );
    }
    let named = app.environment(name)?;
    if named.settings.is_protected {
        let message = format!(
            "{name} is protected, so its clusters are for a confirmed use alone. Run: mcm shell {name}",
            name = named.name
        );
        return Err(Error::new(Code::Unsupported, message));
    }
    Ok(None)
}

/// Refuses what the kubeconfig of a `mcm exec` or `mcm shell` asks for once that may have nothing more. Returns when its time
/// is over.
///
/// # Errors
/// `unsupported`.
pub(crate) fn permitted_of_run(
    holders: &Holders,
    environment: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let refused = |message: String| Err(Error::new(Code::Unsupported, message));
    let is_its = |listed: &Listed| listed.holder.environment.as_deref() == Some(environment);
    let Some(listed) = holders.find(id).filter(is_its) else {
        return refused(format!(
            "The mcm exec or mcm shell of this kubeconfig has ended. Start it again: mcm shell {}",
            shown(environment)
        ));
    };
    match listed.cut_off(now) {
        Some(CutOff::Revoked) => refused(REVOKED.to_owned()),
        Some(CutOff::Over) => refused(time_is_over(environment)),
        None if listed.holder.read_only => refused(
            "No token of a cluster can be narrowed to reading. Start the program without --read-only.".to_owned(),
        ),
        None => Ok(listed.holder.until),
    }
}

/// The requested account, if the options are for its cloud.
///
/// # Errors
/// Those of `Lookup`; `invalid-input`.
pub(crate) fn account(
    lookup: &impl Lookup,
    environment: &Environment,
    whose: &ClusterOf,
) -> Result<Account, Error> {
    let account = named(lookup, environment, whose)?;
    let cloud = account.cloud();
    if let Some((option, of)) = whose.options().find(|(_, of)| *of != cloud) {
        let message = format!(
            "{option} is for {} only, but {} is in another cloud. Remove {option}.",
            of.title(),
            account.name()
        );
        return Err(Error::new(Code::InvalidInput, message));
    }
    if cloud == Cloud::Aws && whose.cluster.is_none() {
        let message = "An EKS token is for one cluster. Name it with --cluster.";
        return Err(Error::new(Code::InvalidInput, message));
    }
    Ok(account)
}

/// The resource of the cluster's server, if it is not the management plane.
pub(crate) fn resource<'a>(account: &Account, whose: &'a ClusterOf) -> Option<&'a str> {
    (account.cloud() == Cloud::Azure).then(|| whose.server_id.as_deref().unwrap_or(AKS_SERVER))
}

/// Prints the token.
///
/// # Errors
/// Those of `print`.
pub(crate) fn print_credential(
    version: &'static str,
    token: &SecretString,
    expires_at: Timestamp,
) -> Result<(), Error> {
    print(as_kubectl_reads(version, token, expires_at).expose_secret())
}

/// The named account; inside `mcm exec`, the one of its accounts that matches.
fn named(
    lookup: &impl Lookup,
    environment: &Environment,
    whose: &ClusterOf,
) -> Result<Account, Error> {
    if let Some(name) = &whose.account {
        return lookup.named(name);
    }
    if let Some(cloud) = whose.active {
        return lookup.active(cloud);
    }
    let Some(listed) = environment.get(variables::EXEC_ACCOUNTS) else {
        let message = "Name an account, or use --active azure, --active gcp or --active aws.";
        return Err(Error::new(Code::InvalidInput, message));
    };
    let listed: Vec<Account> = listed
        .split(',')
        .filter_map(|id| lookup.with_id(&AccountId::from(id.trim().to_owned())))
        .filter(|account| whose.options().all(|(_, cloud)| cloud == account.cloud()))
        .collect();
    match listed.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let message = "\"mcm exec\" serves no matching account here. Name an account.";
            Err(Error::new(Code::NotFound, message))
        }
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|account| format!("{} ({})", account.id, account.name()))
                .collect();
            let message = format!(
                "\"mcm exec\" serves several accounts here. Name one by its id: {}.",
                list.join(", ")
            );
            Err(Error::new(Code::Ambiguous, message))
        }
    }
}

/// The version in which kubectl expects the answer.
///
/// # Errors
/// `invalid-input`.
pub(crate) fn version(exec_info: Option<&str>) -> Result<&'static str, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ExecInfo {
        api_version: String,
    }
    let Some(text) = exec_info.filter(|text| !text.trim().is_empty()) else {
        return Ok(USUAL_VERSION);
    };
    // The parser's error may quote its input, which may hold a cluster's configuration.
    let info: ExecInfo = serde_json::from_str(text).map_err(|_| {
        let message = format!("{EXEC_INFO} is not valid. Unset it, so that only kubectl sets it.");
        Error::new(Code::InvalidInput, message)
    })?;
    VERSIONS.into_iter().find(|known| *known == info.api_version).ok_or_else(|| {
        let wanted: String = info.api_version.chars().filter(|c| !c.is_control()).take(80).collect();
        let message = format!(
            "kubectl asks for version \"{wanted}\", but mcm supports {}. Set apiVersion in the users entry of the \
             kubeconfig to one of them.",
            VERSIONS.join(", ")
        );
        Error::new(Code::InvalidInput, message)
    })
}

/// `ExecCredential` of client.authentication.k8s.io.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    api_version: &'static str,
    kind: &'static str,
    status: ExecStatus<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus<'a> {
    token: &'a str,
    /// In RFC 3339 and UTC.
    expiration_timestamp: String,
}

fn as_kubectl_reads(
    version: &'static str,
    token: &SecretString,
    expires_at: Timestamp,
) -> SecretString {
    let status = ExecStatus {
        token: token.expose_secret(),
        expiration_timestamp: format!("{expires_at:.0}"),
    };
    let credential = ExecCredential {
        api_version: version,
        kind: "ExecCredential",
        status,
    };
    serde_json::to_string(&credential)
        .expect("plain fields serialise")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_in_the_version_that_kubectl_asks_for() {
        let info = |version: &str| {
            format!(r#"{{"apiVersion":"{version}","kind":"ExecCredential","spec":{{}}}}"#)
        };
        assert_eq!(version(None).expect("none"), USUAL_VERSION);
        assert_eq!(version(Some("")).expect("none"), USUAL_VERSION);
        for known in VERSIONS {
            assert_eq!(version(Some(&info(known))).expect("known"), known);
        }
        for other in [
            info("client.authentication.k8s.io/v1alpha1"),
            info("v1"),
            "{}".into(),
            "CANARY".into(),
        ] {
            let error = version(Some(&other)).expect_err("not understood");
            assert_eq!(error.code(), Code::InvalidInput);
            assert!(!error.message().contains("CANARY"));
        }
    }

    #[test]
    fn the_json_is_what_kubernetes_documents() {
        let expires_at = "2026-11-24T09:14:00.4Z".parse().expect("a time");
        let printed = as_kubectl_reads(VERSIONS[1], &"t".into(), expires_at);
        assert_eq!(
            printed.expose_secret(),
            r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2026-11-24T09:14:00Z"}}"#
        );
    }
}
