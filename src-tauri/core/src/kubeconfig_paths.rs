//! Where kubeconfig files are: those that the user has, and those in effect in a shell.

use std::path::{Path, PathBuf};

use crate::environment::EnvironmentName;
use crate::world::Environment;

/// The folder of environments below our data folder.
const ENVIRONMENTS: &str = "environments";

/// The folder of an environment below our data folder, for the files of its tools.
pub fn environment_folder(data: &Path, name: &EnvironmentName) -> PathBuf {
    data.join(ENVIRONMENTS).join(name.as_str())
}

/// The user's own files of kubectl, in its order: without those of environments, which `mcm env` puts into a shell.
pub fn paths(environment: &Environment, data: &Path) -> Vec<PathBuf> {
    let ours = data.join(ENVIRONMENTS);
    named_or_usual(environment, |path| !path.starts_with(&ours))
}

/// The files of kubectl in this shell, the environments' too.
pub fn in_effect(environment: &Environment) -> Vec<PathBuf> {
    named_or_usual(environment, |_| true)
}

fn named_or_usual(environment: &Environment, counts: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let list = environment.get("KUBECONFIG").unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(list)
        .filter(|path| !path.as_os_str().is_empty() && counts(path))
        .collect();
    if !named.is_empty() {
        return named;
    }
    let usual = environment.home().map(|home| home.join(".kube/config"));
    usual.into_iter().collect()
}
