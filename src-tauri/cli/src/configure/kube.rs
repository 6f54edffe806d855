//! `mcm configure kube`: a user of a kubeconfig that asks mcm for its credential, and a context that uses it.
//!
//! The cluster itself, its address and its certificate, is in the file already, as the cloud's own tool wrote it, or is
//! given. What the file is made of is in `configure/kubeconfig.rs`.

use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::file::{self, Foreign};
use mcm_core::kubeconfig_paths;
use mcm_core::world::World;
use url::Url;
use yaml_rust2::Yaml;

use super::kubeconfig::{Kubeconfig, List, OURS, name};
use super::{Edited, program, row_of, write};
use crate::account_argument::by_name;
use crate::arguments::ConfigureKube;
use crate::failure::Failure;

/// The longest certificate of a cluster.
const MAX_CERTIFICATE: usize = 256 * 1024;

pub(crate) async fn run(app: &App, world: &World, options: ConfigureKube) -> Result<(), Failure> {
    let path = path(world)?;
    let file = Foreign::read(&path)?;
    let refused = |why: String| {
        let message = format!("{} was not changed: {why}.", path.display());
        Error::new(Code::StorageUnreadable, message)
    };
    let config = Kubeconfig::parse(file.bytes()).map_err(refused)?;
    let mut change = config.change();
    let mut notes = Vec::new();
    if options.undo {
        let users = users_to_remove(app, &config, &options)?;
        let is_ours = |list: List, entry: &Yaml| match list {
            List::Users => name(entry).is_some_and(|name| users.iter().any(|user| user == name)),
            List::Contexts => entry["context"]["user"]
                .as_str()
                .is_some_and(|name| users.iter().any(|user| user == name)),
            List::Clusters => name(entry)
                .is_some_and(|name| users.iter().any(|user| name == format!("{user}:cluster"))),
        };
        for list in List::ALL {
            config
                .remove(&mut change, list, |entry| is_ours(list, entry))
                .map_err(refused)?;
        }
    } else {
        add(app, world, &config, &mut change, &options, &mut notes).map_err(
            |error| match error {
                Refused::Error(error) => error,
                Refused::File(why) => Failure::from(refused(why)),
            },
        )?;
    }
    let is_gone = options.undo && config.leaves_nothing(&change);
    let lines = config.lines(&change).map_err(refused)?;
    let edited = Edited {
        file: &file,
        path: &path,
        lines: &lines,
        is_gone,
        lock: "kubeconfig.lock",
        writing: &options.writing,
        names_home: !options.undo,
    };
    write(world, &edited, notes).await
}

/// Why nothing is added.
enum Refused {
    Error(Failure),
    /// The rest of a sentence that begins with the file's name.
    File(String),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error.into())
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::File(why)
    }
}

/// Drafts the user, its context, and the cluster when its address is given.
fn add(
    app: &App,
    world: &World,
    config: &Kubeconfig<'_>,
    change: &mut super::kubeconfig::KubeconfigChange,
    options: &ConfigureKube,
    notes: &mut Vec<String>,
) -> Result<(), Refused> {
    let wanted = options.account.as_deref().unwrap_or_default();
    let cluster = options.cluster.as_deref().unwrap_or_default();
    let account = by_name(app, wanted)?;
    if options.region.is_some() && account.cloud() != Cloud::Aws {
        let message = format!(
            "--region is for AWS, and {} is not one of its accounts.",
            account.name()
        );
        return Err(Error::new(Code::InvalidInput, message).into());
    }
    // A sign-in to IAM Identity Center has a credential for each of its roles, and none of its own.
    account.issued_resource()?;
    let user = user_name(&account, cluster);
    let context = options.name.clone().unwrap_or_else(|| cluster.to_owned());
    let entry_name = match &options.server {
        Some(server) => {
            let entry = cluster_entry(&user, server, options)?;
            let of_entry = format!("{user}:cluster");
            let is_old = |entry: &Yaml| name(entry) == Some(&of_entry);
            config.put(change, List::Clusters, is_old, &entry)?;
            of_entry
        }
        None => known_cluster(config, &account, cluster)?,
    };
    let is_theirs = |entry: &Yaml| {
        name(entry) == Some(&context) && entry["context"]["user"].as_str() != Some(&user)
    };
    if config.entries(List::Contexts).iter().any(is_theirs) {
        let message =
            format!("There is a context \"{context}\" already. Choose another with --name.");
        return Err(Error::new(Code::InvalidInput, message).into());
    }
    let program = program::of_this_process(&world.environment)?;
    let mut arguments = vec!["kube-token".to_owned(), account.asked_as()];
    if account.cloud() == Cloud::Aws {
        arguments.extend(["--cluster".to_owned(), cluster.to_owned()]);
        let region = options.region.clone().or_else(|| region_of(&account));
        if let Some(region) = region {
            arguments.extend(["--region".to_owned(), region]);
        }
    }
    let arguments: String = arguments
        .iter()
        .map(|argument| format!("\n      - {}", quoted(argument)))
        .collect();
    let users = format!(
        "- name: {}\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      args:{arguments}\n      \
         command: {}\n      interactiveMode: Never",
        quoted(&user),
        quoted(&program)
    );
    let contexts = format!(
        "- context:\n    cluster: {}\n    user: {}\n  name: {}",
        quoted(&entry_name),
        quoted(&user),
        quoted(&context)
    );
    let is_of_user = |entry: &Yaml| entry["context"]["user"].as_str() == Some(&user);
    config.put(change, List::Contexts, is_of_user, &contexts)?;
    config.put(
        change,
        List::Users,
        |entry| name(entry) == Some(&user),
        &users,
    )?;
    notes.push(format!(
        "Context \"{context}\" uses {} ({}). Select it with: kubectl config use-context {context}",
        account.name(),
        account.id
    ));
    Ok(())
}

/// The name of the user of an account at a cluster.
fn user_name(account: &Account, cluster: &str) -> String {
    format!("{OURS}{}:{cluster}", account.asked_as())
}

/// The account's chosen region. The targets of IAM Identity Center are roles.
pub(crate) fn region_of(account: &Account) -> Option<String> {
    let target = account.chosen_target()?;
    (!account.identity.is_identity_center()).then(|| target.id.clone())
}

/// The entry of the cluster that is in the file already: by this name, or by the one that the cloud's own tool makes of it.
fn known_cluster(
    config: &Kubeconfig<'_>,
    account: &Account,
    cluster: &str,
) -> Result<String, Error> {
    let is_it = |name: &str| {
        name == cluster
            || match account.cloud() {
                Cloud::Aws => {
                    name.starts_with("arn:") && name.ends_with(&format!(":cluster/{cluster}"))
                }
                Cloud::Gcp => name.starts_with("gke_") && name.ends_with(&format!("_{cluster}")),
                Cloud::Azure => false,
            }
    };
    let names: Vec<&str> = config
        .entries(List::Clusters)
        .iter()
        .filter_map(name)
        .filter(|name| is_it(name))
        .collect();
    match names.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => {
            let message = format!(
                "The kubeconfig has no cluster \"{cluster}\". Add --server and --certificate-authority, or let {} write it \
                 first.",
                match account.cloud() {
                    Cloud::Aws => "\"aws eks update-kubeconfig\"",
                    Cloud::Azure => "\"az aks get-credentials\"",
                    Cloud::Gcp => "\"gcloud container clusters get-credentials\"",
                }
            );
            Err(Error::new(Code::NotFound, message))
        }
        several => {
            let message = format!(
                "\"{cluster}\" fits several clusters. Name one: {}.",
                several.join(", ")
            );
            Err(Error::new(Code::Ambiguous, message))
        }
    }
}

/// The entry of a cluster whose address is given.
fn cluster_entry(user: &str, server: &Url, options: &ConfigureKube) -> Result<String, Error> {
    if server.scheme() != "https" {
        let message =
            format!("{server} is no https address. kubectl would send the token in the clear.");
        return Err(Error::new(Code::InvalidInput, message));
    }
    let authority = match &options.certificate_authority {
        None => String::new(),
        Some(path) => {
            let bytes = file::read(path)?.unwrap_or_default();
            if bytes.len() > MAX_CERTIFICATE || !bytes.starts_with(b"-----BEGIN CERTIFICATE-----") {
                let message = format!("{} is no certificate in PEM form.", path.display());
                return Err(Error::new(Code::InvalidInput, message));
            }
            format!(
                "\n    certificate-authority-data: {}",
                quoted(&BASE64_STANDARD.encode(bytes))
            )
        }
    };
    Ok(format!(
        "- cluster:{authority}\n    server: {}\n  name: {}",
        quoted(server.as_str().trim_end_matches('/')),
        quoted(&format!("{user}:cluster"))
    ))
}

/// The users that are ours and that are meant: of an account, at a cluster, or all.
fn users_to_remove(
    app: &App,
    config: &Kubeconfig<'_>,
    options: &ConfigureKube,
) -> Result<Vec<String>, Error> {
    let ours = config
        .entries(List::Users)
        .iter()
        .filter_map(name)
        .filter(|name| name.starts_with(OURS));
    let id = match &options.account {
        None => None,
        // The account may be gone: its id is in the name.
        Some(name)
            if ours
                .clone()
                .any(|user| user.starts_with(&format!("{OURS}{name}:"))) =>
        {
            Some(name.clone())
        }
        Some(name) => Some(by_name(app, name)?.id.to_string()),
    };
    let is_meant = |user: &&str| {
        let rest = user.trim_start_matches(OURS);
        let (of, at) = rest.split_once(':').unwrap_or((rest, ""));
        id.as_ref().is_none_or(|id| id == of || id == row_of(of))
            && options.cluster.as_ref().is_none_or(|cluster| cluster == at)
    };
    Ok(ours.filter(is_meant).map(str::to_owned).collect())
}

/// The file that kubectl changes: the first of `KUBECONFIG`, else the usual one.
fn path(world: &World) -> Result<PathBuf, Error> {
    let files = kubeconfig_paths::paths(&world.environment, &world.paths.data);
    files.into_iter().next().ok_or_else(|| {
        let message =
            "This user has no home folder, where kubectl keeps its file. Set HOME or KUBECONFIG.";
        Error::new(Code::StorageFailed, message)
    })
}

/// A text as YAML and JSON both read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
