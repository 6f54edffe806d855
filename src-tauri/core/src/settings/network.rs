//! The network's section of the settings: the certificate authority of a company, and what variables and the desktop say
//! of a proxy.

use super::{Lookup, SettingProblem};
use crate::http::Network;

/// How the clouds are reached, and what is malformed in the section.
pub(super) fn read(lookup: &mut Lookup<'_>) -> (Network, Vec<SettingProblem>) {
    let environment = lookup.environment;
    let mut network = Network::from_variables(&|name| environment.raw(name));
    if let Some(found) = lookup.file_text("network", "ca_file") {
        let folder = lookup.path.parent().unwrap_or(lookup.path);
        network.trust(folder.join(&found.value), found.origin);
    }
    (network, std::mem::take(&mut lookup.problems))
}
