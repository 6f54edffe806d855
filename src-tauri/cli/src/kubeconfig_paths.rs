//! Where kubeconfig files are: those that the user has, and those in effect in a shell.

use std::path::{Path, PathBuf};

use mcm_core::world::Environment;

/// The folder of environments below our data folder.
pub(crate) const ENVIRONMENTS: &str = "environments";

/// The user's own files of kubectl, in its order: without those of environments, which `mcm env` puts into a shell.
pub(crate) fn paths(environment: &Environment, data: &Path) -> Vec<PathBuf> {
    let list = environment.get("KUBECONFIG").unwrap_or_default();
    let ours = data.join(ENVIRONMENTS);
    let own: Vec<PathBuf> = std::env::split_paths(list)
        .filter(|path| !path.as_os_str().is_empty() && !path.starts_with(&ours))
        .collect();
    if !own.is_empty() {
        return own;
    }
    let usual = environment.home().map(|home| home.join(".kube/config"));
    usual.into_iter().collect()
}

/// The files of kubectl in this shell, the environments' too.
pub(crate) fn in_effect(environment: &Environment) -> Vec<PathBuf> {
    paths(environment, Path::new("/nonexistent"))
}
