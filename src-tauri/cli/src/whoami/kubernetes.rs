//! The context that `kubectl` and its kin use here, and whose credential its user gets.

use std::path::Path;

use mcm_core::account::AccountId;
use mcm_core::environment::NamedEnvironment;
use mcm_core::kubeconfig_paths;
use mcm_core::text::shown;
use mcm_core::user_kubeconfig::UserKubeconfig;

use super::{ExaminedShell, Found, Source};

const TOOL: &str = "kubectl";

/// The row; none without a context, and for one of a cluster that is of no cloud that is known here.
pub(super) fn command_line(shell: &ExaminedShell<'_>) -> Option<Found> {
    let files = kubeconfig_paths::in_effect(shell.environment);
    let kubeconfig = UserKubeconfig::read(files).ok()?;
    let (name, file) = kubeconfig.current()?;
    let context = kubeconfig.context(name).ok()?;
    let (name, file) = (shown(name), shown(&file.display().to_string()));
    let of = format!("The context {name}, which {file} chooses,");
    let found = match context.asked_account() {
        Some(asked) => match shell.app.named(&asked) {
            Ok(account) => {
                let why = format!("{of} runs mcm kube-token.");
                Found::ours(TOOL, Source::McmKubeToken, &account, why)
            }
            Err(_) => {
                let id = AccountId::from(asked.split('/').next().unwrap_or_default().to_owned());
                let why = format!(
                    "{of} asks mcm for {}, which is not connected.",
                    shown(&asked)
                );
                Found::other(TOOL, id.cloud()?, Source::Broken, None, why)
            }
        },
        None => {
            let cloud = context.cloud()?;
            let program = context.program().map(Path::new).and_then(Path::file_name);
            let (source, why) = match program.and_then(|program| program.to_str()) {
                Some(program) => (Source::Process, format!("{of} runs {program}.")),
                None => (Source::File, format!("{of} has a credential of its own.")),
            };
            Found::other(TOOL, cloud, source, None, why)
        }
    };
    Some(found.at(Some(name)))
}

/// Whether kubectl works in a cluster of the environment, as its account.
pub(super) fn is_as_named(found: &Found, named: &NamedEnvironment) -> bool {
    named.clusters.iter().any(|cluster| {
        found.account.as_ref() == Some(&cluster.account)
            && found.place.as_deref() == Some(cluster.context.as_str())
    })
}

impl Found {
    /// Whether it is kubectl, which works in a cluster, and not in a cloud's place.
    pub(super) fn is_of_kubernetes(&self) -> bool {
        self.tool == TOOL
    }
}
