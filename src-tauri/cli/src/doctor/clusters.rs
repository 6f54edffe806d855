//! The clusters of environments, compared with the user's kubeconfig: one that was made anew has another address or
//! certificate there.

use mcm_core::app::App;
use mcm_core::world::World;

use super::Check;
use mcm_core::kubeconfig_paths;
use mcm_core::user_kubeconfig::UserKubeconfig;

const NAME: &str = "clusters";

/// Every cluster that leads elsewhere by now; one passing check when none does, and none where no environment has clusters.
pub(super) fn all(app: &App, world: &World) -> Vec<Check> {
    let environments = app.environments().unwrap_or_default();
    let clusters = environments
        .iter()
        .flat_map(|named| named.clusters.iter().map(move |cluster| (named, cluster)));
    let clusters: Vec<_> = clusters.collect();
    if clusters.is_empty() {
        return Vec::new();
    }
    let paths = kubeconfig_paths::paths(&world.environment, &world.paths.data);
    let kubeconfig = match UserKubeconfig::read(paths) {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => {
            let remedy = "Fix it. Until then kubectl cannot read it either.";
            return vec![Check::warn(NAME, error.message(), remedy)];
        }
    };
    let changed = clusters.iter().filter_map(|(named, cluster)| {
        // A context that is gone, or was renamed, says nothing of the cluster.
        let context = kubeconfig.context(&cluster.context).ok()?;
        if context.leads_where(cluster) {
            return None;
        }
        let found = format!(
            "the context {} leads elsewhere in your kubeconfig than in {}",
            cluster.context, named.name
        );
        let remedy = format!(
            "If that cluster was made anew, run: mcm environment edit {} --cluster {}",
            named.name, cluster.context
        );
        Some(Check::warn(NAME, found, remedy))
    });
    let changed: Vec<Check> = changed.collect();
    if changed.is_empty() {
        let count = clusters.len();
        let found =
            format!("{count} in environments, none of which leads elsewhere in your kubeconfig");
        return vec![Check::ok(NAME, found)];
    }
    changed
}
