//! The contexts of the user's kubeconfig, merged as kubectl merges its files, and what a context says of its cluster.
//!
//! A cluster's address, certificates and namespace are taken over into an environment. Its user is only looked at: which cloud
//! it is of, and for EKS which name the cluster has. No token, key or password of it is read.

pub mod document;
mod recognised;

use std::path::{Path, PathBuf};

use crate::account::{Account, Cloud};
use crate::cluster::Cluster;
use crate::error::{Code, Error};
use crate::file::Foreign;
use crate::text::shown;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use yaml_rust2::Yaml;

use self::recognised::Recognised;

/// The most names that an error lists.
const MAX_NAMED: usize = 8;

/// The files of kubectl, the first one first.
pub struct UserKubeconfig {
    files: Vec<(PathBuf, Yaml)>,
}

/// A context with what it names.
pub struct UserContext<'a> {
    name: &'a str,
    /// The file that has the cluster.
    file: &'a Path,
    cluster_name: &'a str,
    cluster: &'a Yaml,
    user: &'a Yaml,
    namespace: Option<&'a str>,
}

impl UserKubeconfig {
    /// Reads the files. One that is missing is left out, as kubectl does.
    ///
    /// # Errors
    /// `storage-unreadable` for one that kubectl cannot read either; those of `Foreign::read`.
    pub fn read(paths: Vec<PathBuf>) -> Result<Self, Error> {
        let mut files = Vec::new();
        for path in paths {
            let file = Foreign::read(&path)?;
            let (_, document) = document::read(file.bytes()).map_err(|why| {
                let message = format!("{} cannot be used: {why}.", path.display());
                Error::new(Code::StorageUnreadable, message)
            })?;
            files.push((path, document));
        }
        Ok(Self { files })
    }

    /// The context that kubectl uses, and the file that chooses it.
    pub fn current(&self) -> Option<(&str, &Path)> {
        self.files.iter().find_map(|(path, document)| {
            let name = document["current-context"].as_str()?;
            (!name.is_empty()).then_some((name, path.as_path()))
        })
    }

    /// The context of this name.
    ///
    /// # Errors
    /// `not-found`, with the contexts that there are, or when it names no cluster.
    pub fn context(&self, name: &str) -> Result<UserContext<'_>, Error> {
        let Some((_, found, context)) = self.entry("contexts", name) else {
            return Err(self.unknown(name));
        };
        let context = &context["context"];
        let cluster_name = context["cluster"].as_str().unwrap_or_default();
        let Some((file, _, cluster)) = self.entry("clusters", cluster_name) else {
            let message = format!(
                "The context {} names no cluster of the kubeconfig.",
                shown(name)
            );
            return Err(Error::new(Code::NotFound, message));
        };
        let user = context["user"].as_str().unwrap_or_default();
        Ok(UserContext {
            name: found,
            file,
            cluster_name,
            cluster: &cluster["cluster"],
            user: self
                .entry("users", user)
                .map_or(&Yaml::BadValue, |(_, _, user)| &user["user"]),
            namespace: context["namespace"]
                .as_str()
                .filter(|name| !name.is_empty()),
        })
    }

    /// Every context, as kubectl lists them.
    pub fn contexts(&self) -> impl Iterator<Item = UserContext<'_>> {
        self.names()
            .into_iter()
            .filter_map(|name| self.context(name).ok())
    }

    /// The names of the contexts, each once.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (_, document) in &self.files {
            for entry in document["contexts"].as_vec().into_iter().flatten() {
                let name = entry["name"].as_str().unwrap_or_default();
                if !name.is_empty() && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The first entry of this name: kubectl takes it from the first file that has it.
    fn entry(&self, list: &str, name: &str) -> Option<(&Path, &str, &Yaml)> {
        self.files.iter().find_map(|(path, document)| {
            let entries = document[list].as_vec()?;
            entries.iter().find_map(|entry| {
                let found = entry["name"].as_str().filter(|found| *found == name)?;
                Some((path.as_path(), found, entry))
            })
        })
    }

    fn unknown(&self, name: &str) -> Error {
        let mut known: Vec<String> = self.names().into_iter().map(shown).collect();
        let more = if known.len() > MAX_NAMED {
            " and others"
        } else {
            ""
        };
        known.truncate(MAX_NAMED);
        let listed = match known.as_slice() {
            [] => "It has none. Let your cloud's tool write one, or run: mcm configure kube"
                .to_owned(),
            known => format!("There are: {}{more}.", known.join(", ")),
        };
        let message = format!(
            "The kubeconfig has no context \"{}\". {listed}",
            shown(name)
        );
        Error::new(Code::NotFound, message)
    }
}

impl<'a> UserContext<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The account that the context's user asks mcm for, as it is written.
    pub fn asked_account(&self) -> Option<String> {
        self.recognised().and_then(|known| known.asked)
    }

    /// The program that makes the context's credential.
    pub fn program(&self) -> Option<&'a str> {
        self.user["exec"]["command"].as_str()
    }

    /// The cloud that it is of, as far as its names, its address and its user show that.
    pub fn cloud(&self) -> Option<Cloud> {
        self.recognised()?.cloud
    }

    fn recognised(&self) -> Option<Recognised> {
        Recognised::of(self.cluster_name, self.server(), self.user)
    }

    /// The address of its server.
    pub fn server(&self) -> &'a str {
        let server = self.cluster["server"].as_str().unwrap_or_default();
        server.trim().trim_end_matches('/')
    }

    /// The cluster as one of an environment, for the credential of an account of its cloud.
    ///
    /// # Errors
    /// `invalid-input` for one whose server is not checked, that has values of the wrong form, or that belongs to another
    /// AWS account, tenant or project; `not-found` without its certificates.
    pub fn as_cluster(&self, account: &Account) -> Result<Cluster, Error> {
        let context = shown(self.name);
        let invalid = |message: String| Err(Error::new(Code::InvalidInput, message));
        let known = self.recognised().unwrap_or_default();
        if self.cluster["insecure-skip-tls-verify"].as_bool() == Some(true) {
            return invalid(format!(
                "The context {context} does not check its server, so a token must not be sent to it. Set its \
                 certificate-authority."
            ));
        }
        if account.cloud() == Cloud::Aws && known.eks_name.is_none() {
            return invalid(format!(
                "Nothing in the context {context} has the name of its EKS cluster. Write it first: aws eks update-kubeconfig"
            ));
        }
        let text = |key: &str| {
            let text = self.cluster[key].as_str().map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let cluster = Cluster {
            context: self.name.to_owned(),
            account: account.id.clone(),
            owner: known.owner,
            eks_name: known.eks_name,
            region: known.region,
            server_id: known.server_id,
            server: self.server().to_owned(),
            authority: self.authority()?,
            tls_server_name: text("tls-server-name"),
            proxy: text("proxy-url"),
            namespace: self.namespace.map(str::to_owned),
        };
        cluster.check()?;
        cluster.require_owner(account)?;
        Ok(cluster)
    }

    /// Whether a cluster of an environment still has this context's address and certificates.
    pub fn leads_where(&self, cluster: &Cluster) -> bool {
        self.server() == cluster.server
            && self
                .authority()
                .is_ok_and(|authority| authority == cluster.authority)
    }

    /// The certificates of the cluster, as base64.
    fn authority(&self) -> Result<Option<String>, Error> {
        if let Some(data) = self.cluster["certificate-authority-data"].as_str() {
            let data: String = data.split_whitespace().collect();
            return Ok(Some(data).filter(|data| !data.is_empty()));
        }
        let path = self.cluster["certificate-authority"].as_str();
        let Some(path) = path.filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        // Relative paths are the file's, not the shell's.
        let path = self.file.parent().unwrap_or(Path::new("")).join(path);
        let file = Foreign::read(&path)?;
        let bytes = file.bytes().ok_or_else(|| {
            let message = format!(
                "The certificate-authority of {} is not there: {}.",
                shown(self.name),
                path.display()
            );
            Error::new(Code::NotFound, message)
        })?;
        Ok(Some(BASE64_STANDARD.encode(bytes)))
    }
}
