//! The kubeconfig of an environment: a private file with its clusters, whose users run `mcm kube-token` with ids, before the
//! user's own files or instead of them.
//!
//! kubectl changes the first file alone, so a context that is chosen in the environment switches no other terminal. Where the
//! environment names no cluster, the current context is one that is not there: kubectl refuses, until the user chooses one.
//! The file holds no secret. One of `mcm exec` goes with its run; one of the hook stays, and what kubectl changed in it too,
//! until the environment's clusters change.

use std::path::{Path, PathBuf};

use mcm_core::account::{Account, Cloud};
use mcm_core::cluster::Cluster;
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};
use mcm_core::file;
use mcm_core::kubeconfig_paths;
use mcm_core::world::Environment;
use serde_json::{Value, json};

use crate::configure::kube;
use crate::program;
use crate::variables::{Fact, Facts};

/// The version of kubectl's plug-ins that every kubectl since 1.11 knows.
const PLUGIN: &str = "client.authentication.k8s.io/v1beta1";

/// The content of the file. `holder` binds its credentials to a running `mcm exec` or `mcm shell`.
///
/// # Errors
/// Those of `program::of_this_process`.
pub(crate) fn content(
    named: &NamedEnvironment,
    accounts: &[&Account],
    environment: &Environment,
    holder: Option<&str>,
) -> Result<Vec<u8>, Error> {
    let mut config = json!({ "apiVersion": "v1", "kind": "Config" });
    let clusters: Vec<(&Cluster, &Account)> = named
        .clusters
        .iter()
        .filter_map(|cluster| {
            let mut accounts = accounts.iter();
            let account = accounts.find(|account| account.id == cluster.account)?;
            Some((cluster, *account))
        })
        .collect();
    // Without a choice of its own, kubectl would go on in the context that the user's file chooses.
    config["current-context"] = json!(format!("{}-names-no-cluster", named.name));
    if let Some((first, _)) = clusters.first() {
        let program = program::of_this_process(environment)?;
        config["current-context"] = json!(first.context);
        let (mut contexts, mut entries, mut users) = (Vec::new(), Vec::new(), Vec::new());
        for (cluster, account) in &clusters {
            // kubectl takes an entry from the first file that has its name: no entry of the user's is hidden but the context.
            let name = format!("mcm:{}:{}", named.name, cluster.context);
            contexts.push(json!({
                "name": cluster.context,
                "context": with(json!({ "cluster": name, "user": name }), "namespace", cluster.namespace.as_deref()),
            }));
            entries.push(json!({ "name": name, "cluster": server(cluster) }));
            let arguments = arguments(named, cluster, account, holder);
            users.push(json!({
                "name": name,
                "user": { "exec": {
                    "apiVersion": PLUGIN,
                    "command": program,
                    "args": arguments,
                    "interactiveMode": "Never",
                } },
            }));
        }
        config["contexts"] = contexts.into();
        config["clusters"] = entries.into();
        config["users"] = users.into();
    }
    Ok(serde_json::to_vec_pretty(&config).expect("text and lists serialise"))
}

fn server(cluster: &Cluster) -> Value {
    let entry = json!({ "server": cluster.server });
    [
        ("certificate-authority-data", &cluster.authority),
        ("tls-server-name", &cluster.tls_server_name),
        ("proxy-url", &cluster.proxy),
    ]
    .into_iter()
    .fold(entry, |entry, (key, value)| {
        with(entry, key, value.as_deref())
    })
}

fn with(mut entry: Value, key: &str, value: Option<&str>) -> Value {
    if let Some(value) = value {
        entry[key] = value.into();
    }
    entry
}

/// What a user's program is asked for.
fn arguments(
    named: &NamedEnvironment,
    cluster: &Cluster,
    account: &Account,
    holder: Option<&str>,
) -> Vec<String> {
    let mut arguments = vec!["kube-token".to_owned(), account.asked_as()];
    let mut add =
        |option: &str, value: &str| arguments.extend([option.to_owned(), value.to_owned()]);
    if let (Cloud::Aws, Some(eks)) = (account.cloud(), &cluster.eks_name) {
        add("--cluster", eks);
        let of_environment = || named.settings.region.clone();
        let region = cluster.region.clone().or_else(of_environment);
        if let Some(region) = region.or_else(|| kube::region_of(account)) {
            add("--region", &region);
        }
    }
    if let Some(id) = &cluster.server_id {
        add("--server-id", id);
    }
    add("--environment", named.name.as_str());
    if let Some(holder) = holder {
        add("--holder", holder);
    }
    arguments
}

/// The list of files: the environment's own, and the user's where other clouds are not closed.
pub(crate) fn facts(
    own: PathBuf,
    named: &NamedEnvironment,
    environment: &Environment,
    data: &Path,
) -> Facts {
    let mut files = vec![own];
    if !named.closes_other_clouds() {
        files.extend(kubeconfig_paths::paths(environment, data));
    }
    let list = std::env::join_paths(&files).ok();
    let list = list.and_then(|list| list.into_string().ok());
    list.map(|list| (Fact::KubeConfig, list.into()))
        .into_iter()
        .collect()
}

/// The list of files with the one that shells and their tools share, which is written anew where the environment's clusters
/// changed.
///
/// # Errors
/// `storage-failed`; those of `content`.
pub(crate) fn keep(
    data: &Path,
    named: &NamedEnvironment,
    accounts: &[&Account],
    environment: &Environment,
) -> Result<Facts, Error> {
    let folder = kubeconfig_paths::environment_folder(data, &named.name).join("kube");
    let (own, made) = (folder.join("config"), folder.join("made"));
    let content = content(named, accounts, environment, None)?;
    // What kubectl changed since stays: it wrote over the file, and not over what is remembered of it.
    let is_known = own.exists() && file::read(&made)?.as_deref() == Some(content.as_slice());
    if !is_known {
        file::make_private(&folder)?;
        file::replace(&own, &content)?;
        file::replace(&made, &content)?;
    }
    if own.to_str().is_none() {
        let message = format!("\"{}\" is not Unicode text. Set MCM_HOME.", own.display());
        return Err(Error::new(Code::StorageFailed, message));
    }
    Ok(facts(own, named, environment, data))
}
