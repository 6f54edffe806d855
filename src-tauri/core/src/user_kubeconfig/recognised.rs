//! Which cloud a cluster is of, by what the clouds' own tools write: the user's program first, then the server's host, then
//! the name of the cluster's entry.

use std::path::Path;

use crate::account::Cloud;
use url::Url;
use yaml_rust2::Yaml;

/// What a kubeconfig shows of a cluster's cloud.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Recognised {
    /// None where the user asks mcm for a named account: that has the cloud.
    pub(super) cloud: Option<Cloud>,
    /// The account that the user asks mcm for.
    pub(super) asked: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) eks_name: Option<String>,
    pub(super) region: Option<String>,
    pub(super) server_id: Option<String>,
}

impl Recognised {
    pub(super) fn of(cluster_name: &str, server: &str, user: &Yaml) -> Option<Self> {
        let host = Url::parse(server).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let mut found = by_user(user)
            .or_else(|| by_host(host))
            .or_else(|| by_name(cluster_name))?;
        // A named account was chosen by the user, whatever the names say.
        if found.asked.is_some() {
            return Some(found);
        }
        match found.cloud {
            Some(Cloud::Aws) => {
                let named = by_name(cluster_name).unwrap_or_default();
                found.owner = named.owner;
                found.eks_name = found.eks_name.or(named.eks_name);
                found.region = found.region.or(named.region).or_else(|| region_of(host));
            }
            Some(Cloud::Gcp) => found.owner = by_name(cluster_name).unwrap_or_default().owner,
            _ => {}
        }
        Some(found)
    }

    fn of_cloud(cloud: Cloud) -> Self {
        Self {
            cloud: Some(cloud),
            ..Self::default()
        }
    }
}

/// By the program that makes the credential.
fn by_user(user: &Yaml) -> Option<Recognised> {
    let exec = &user["exec"];
    let arguments: Vec<&str> = exec["args"]
        .as_vec()
        .into_iter()
        .flatten()
        .filter_map(Yaml::as_str)
        .collect();
    let option = |names: &[&str]| option(&arguments, names).map(str::to_owned);
    let program = Path::new(exec["command"].as_str().unwrap_or_default())
        .file_stem()
        .and_then(|name| name.to_str());
    match program {
        Some("mcm" | "mcm-full") if arguments.first() == Some(&"kube-token") => {
            let cloud = option(&["--active"]);
            Some(Recognised {
                cloud: cloud
                    .and_then(|cloud| Cloud::ALL.into_iter().find(|known| known.as_str() == cloud)),
                asked: named(arguments.get(1..).unwrap_or_default()),
                owner: None,
                eks_name: option(&["--cluster"]),
                region: option(&["--region"]),
                server_id: option(&["--server-id"]),
            })
        }
        Some("aws" | "aws-iam-authenticator") => Some(Recognised {
            eks_name: option(&["--cluster-name", "--cluster-id", "-i"]),
            region: option(&["--region"]),
            ..Recognised::of_cloud(Cloud::Aws)
        }),
        Some("gke-gcloud-auth-plugin") => Some(Recognised::of_cloud(Cloud::Gcp)),
        Some("kubelogin") => Some(Recognised {
            server_id: option(&["--server-id"]),
            owner: option(&["--tenant-id", "-t"]),
            ..Recognised::of_cloud(Cloud::Azure)
        }),
        _ => match user["auth-provider"]["name"].as_str() {
            Some("gcp") => Some(Recognised::of_cloud(Cloud::Gcp)),
            Some("azure") => {
                let config = &user["auth-provider"]["config"];
                Some(Recognised {
                    server_id: config["apiserver-id"].as_str().map(str::to_owned),
                    owner: config["tenant-id"].as_str().map(str::to_owned),
                    ..Recognised::of_cloud(Cloud::Azure)
                })
            }
            _ => None,
        },
    }
}

/// The value of an option, apart or behind `=`.
fn option<'a>(arguments: &[&'a str], names: &[&str]) -> Option<&'a str> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if names.contains(argument) {
            return arguments.next().copied();
        }
        if let Some((name, value)) = argument.split_once('=')
            && names.contains(&name)
        {
            return Some(value);
        }
    }
    None
}

/// The account among the arguments of `mcm kube-token`.
fn named(arguments: &[&str]) -> Option<String> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--") {
            None => return Some((*argument).to_owned()),
            Some("interactive") => {}
            Some(option) if option.contains('=') => {}
            Some(_) => drop(arguments.next()),
        }
    }
    None
}

fn by_host(host: &str) -> Option<Recognised> {
    let ends = |ends: &[&str]| ends.iter().any(|end| host.ends_with(end));
    let cloud = if ends(&[".eks.amazonaws.com", ".eks.amazonaws.com.cn"]) || is_dual_stack(host) {
        Cloud::Aws
    } else if ends(&[".azmk8s.io", ".azmk8s.us", ".azk8s.cn"]) {
        Cloud::Azure
    } else if ends(&[".gke.goog"]) {
        Cloud::Gcp
    } else {
        return None;
    };
    Some(Recognised::of_cloud(cloud))
}

/// As in `ID.eks-cluster.REGION.api.aws`.
fn is_dual_stack(host: &str) -> bool {
    host.contains(".eks-cluster.")
        && (host.ends_with(".api.aws") || host.ends_with(".api.amazonwebservices.com.cn"))
}

/// The region in the host of an EKS server, as in `ID.gr7.REGION.eks.amazonaws.com`.
fn region_of(host: &str) -> Option<String> {
    let labels: Vec<&str> = host.split('.').collect();
    let at = |name: &str| labels.iter().position(|label| *label == name);
    let region = match (at("eks"), at("eks-cluster")) {
        (Some(eks), _) => labels.get(eks.checked_sub(1)?),
        (None, Some(cluster)) => labels.get(cluster + 1),
        (None, None) => None,
    }?;
    region.contains('-').then(|| (*region).to_owned())
}

/// By the name that the cloud's own tool gives the entry: an ARN of EKS, `gke_PROJECT_LOCATION_NAME`.
fn by_name(name: &str) -> Option<Recognised> {
    if let Some(rest) = name.strip_prefix("gke_") {
        let project = rest
            .split('_')
            .next()
            .filter(|project| !project.is_empty())?;
        return Some(Recognised {
            owner: Some(project.to_owned()),
            ..Recognised::of_cloud(Cloud::Gcp)
        });
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", _, "eks", region, account, cluster] = parts.as_slice() else {
        return None;
    };
    Some(Recognised {
        owner: Some((*account).to_owned()),
        eks_name: cluster.strip_prefix("cluster/").map(str::to_owned),
        region: Some((*region).to_owned()),
        ..Recognised::of_cloud(Cloud::Aws)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Yaml {
        let mut documents = yaml_rust2::YamlLoader::load_from_str(text).expect("YAML");
        documents.pop().unwrap_or(Yaml::BadValue)
    }

    fn seen(name: &str, server: &str, text: &str) -> String {
        let Some(known) = Recognised::of(name, server, &user(text)) else {
            return "unknown".to_owned();
        };
        let cloud = known.cloud.map_or("", Cloud::as_str).to_owned();
        let rest = [
            known.asked,
            known.owner,
            known.eks_name,
            known.region,
            known.server_id,
        ];
        let rest = rest.into_iter().map(|part| part.unwrap_or_default());
        std::iter::once(cloud)
            .chain(rest)
            .collect::<Vec<_>>()
            .join("|")
    }

    #[test]
    fn what_the_clouds_tools_write_is_recognised() {
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/shop";
        let eks = "https://0123.gr7.eu-west-1.eks.amazonaws.com";
        for (name, server, text, expected) in [
            (
                arn,
                eks,
                "exec: {command: aws, args: [--region, eu-west-1, eks, get-token, --cluster-name, shop, --output, json]}",
                "aws||111122223333|shop|eu-west-1|",
            ),
            (
                "shop.eu-west-1.eksctl.io",
                eks,
                "exec: {command: aws-iam-authenticator, args: [token, -i, shop]}",
                "aws|||shop|eu-west-1|",
            ),
            (
                arn,
                eks,
                "client-certificate: x",
                "aws||111122223333|shop|eu-west-1|",
            ),
            (
                "x",
                "https://0123.eks-cluster.eu-west-1.api.aws",
                "token: x",
                "aws||||eu-west-1|",
            ),
            (
                "gke_shop-prod_europe-west1_main",
                "https://34.1.2.3",
                "exec: {command: gke-gcloud-auth-plugin}",
                "gcp||shop-prod|||",
            ),
            (
                "gke_shop-prod_europe-west1_main",
                "https://34.1.2.3",
                "{}",
                "gcp||shop-prod|||",
            ),
            (
                "x",
                "https://gke-1.europe-west1.gke.goog",
                "auth-provider: {name: gcp}",
                "gcp|||||",
            ),
            (
                "aks",
                "https://aks-1.hcp.westeurope.azmk8s.io:443",
                "exec: {command: /usr/local/bin/kubelogin, args: [get-token, --server-id=s, --tenant-id, t]}",
                "azure||t|||s",
            ),
            (
                "aks",
                "https://aks-1.hcp.westeurope.azmk8s.io:443",
                "client-key-data: x",
                "azure|||||",
            ),
            (
                "anything",
                "https://10.0.0.1",
                "exec: {command: /opt/mcm, args: [kube-token, aws-0123/1/R, --cluster, shop, --region, eu-north-1]}",
                "|aws-0123/1/R||shop|eu-north-1|",
            ),
            (
                "anything",
                "https://10.0.0.1",
                "exec: {command: mcm, args: [kube-token, --interactive, --cluster=shop, --region, r, work]}",
                "|work||shop|r|",
            ),
            (
                "x",
                "https://10.0.0.1",
                "exec: {command: mcm, args: [kube-token, --active, gcp]}",
                "gcp|||||",
            ),
            (
                "kind-kind",
                "https://127.0.0.1:6443",
                "client-certificate-data: x",
                "unknown",
            ),
        ] {
            assert_eq!(seen(name, server, text), expected, "{name} {text}");
        }
    }
}
