//! Kubernetes clusters of an environment: how to reach each, as a context of the user's kubeconfig had it, and whose
//! credential it gets.
//!
//! Nothing of it is secret: no user, token or key of the kubeconfig comes along. Here are the values and their grammar;
//! `store/environment_clusters.rs` keeps them, and `mcm` reads and writes kubeconfigs.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::account::{Account, AccountId, Cloud, Identity};
use crate::error::{Code, Error, Result};
use crate::guid;
use crate::text::shown;

/// The most clusters of one environment.
pub const MOST_CLUSTERS: usize = 64;
/// The longest certificates of a cluster, in base64.
const LONGEST_AUTHORITY: usize = 256 * 1024;
/// The longest name of a context, in bytes.
const LONGEST_CONTEXT: usize = 253;
/// The longest host name, address or path of the rest.
const LONGEST_TEXT: usize = 2048;

/// A cluster of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// The name of its context.
    pub context: String,
    /// The account whose credential it gets: a member of the environment.
    pub account: AccountId,
    /// The AWS account, Entra tenant or Google project that it belongs to, where the kubeconfig says so.
    pub owner: Option<String>,
    /// EKS: its name, which its token is for.
    pub eks_name: Option<String>,
    /// EKS: its region.
    pub region: Option<String>,
    /// AKS: the Entra application of its server, if not the usual one.
    pub server_id: Option<String>,
    /// The address of its server: https.
    pub server: String,
    /// The certificates that the server is checked with, as PEM in base64. Without them the system's count.
    pub authority: Option<String>,
    /// The name that the server's certificate is checked for, if not the address's.
    pub tls_server_name: Option<String>,
    /// The proxy that leads to it.
    pub proxy: Option<String>,
    /// The namespace of the context.
    pub namespace: Option<String>,
}

impl Cluster {
    /// The cloud of its account.
    pub fn cloud(&self) -> Option<Cloud> {
        self.account.cloud()
    }

    /// Refuses values of the wrong form, and whatever would carry a secret or leave the server unchecked.
    ///
    /// # Errors
    /// `invalid-input`, naming the context and the field.
    pub fn check(&self) -> Result<()> {
        let context = &self.context;
        if context.is_empty() || context.len() > LONGEST_CONTEXT || shown(context) != *context {
            return Err(invalid(
                context,
                "has no name that can be kept. Rename it: kubectl config rename-context",
            ));
        }
        let cloud = self.cloud();
        let has_only = |field: &Option<String>, of: Cloud| field.is_none() || cloud == Some(of);
        if cloud.is_none()
            || !has_only(&self.eks_name, Cloud::Aws)
            || !has_only(&self.region, Cloud::Aws)
            || !has_only(&self.server_id, Cloud::Azure)
            || (cloud == Some(Cloud::Aws)) != self.eks_name.is_some()
        {
            return Err(invalid(context, "mixes the settings of several clouds"));
        }
        let fits = |field: &Option<String>, is_fit: fn(&str) -> bool| {
            field
                .as_deref()
                .is_none_or(|text| !text.is_empty() && text.len() <= LONGEST_TEXT && is_fit(text))
        };
        for (field, is_fit, what) in [
            (&self.owner, is_name as fn(&str) -> bool, "an owner"),
            (&self.eks_name, is_name, "a name of its cluster"),
            (&self.region, is_name, "a region"),
            (&self.server_id, guid::is_guid, "a server-id"),
            (&self.tls_server_name, is_host, "a tls-server-name"),
            (&self.namespace, is_name, "a namespace"),
        ] {
            if !fits(field, is_fit) {
                return Err(invalid(context, &format!("has {what} of the wrong form")));
            }
        }
        let is_server = |url: &Url| {
            url.scheme() == "https" && url.host_str().is_some_and(|host| !host.is_empty())
        };
        if !plain_url(&self.server).is_some_and(|url| is_server(&url)) {
            return Err(invalid(
                context,
                "has a server that is no plain https address. A token must not be sent to it",
            ));
        }
        let is_proxy = |url: &Url| matches!(url.scheme(), "http" | "https" | "socks5");
        let proxy = self.proxy.as_deref();
        if !proxy.is_none_or(|proxy| plain_url(proxy).is_some_and(|url| is_proxy(&url))) {
            return Err(invalid(
                context,
                "has a proxy-url that is no http, https or socks5 address, or that holds a password",
            ));
        }
        if !self.authority.as_deref().is_none_or(is_authority) {
            return Err(invalid(
                context,
                "has a certificate-authority that is no certificate in PEM form",
            ));
        }
        Ok(())
    }

    /// Refuses a cluster of another AWS account, tenant or project than the account works in.
    ///
    /// # Errors
    /// `invalid-input`, naming both.
    pub fn require_owner(&self, account: &Account) -> Result<()> {
        let Some(owner) = self.owner.as_deref() else {
            return Ok(());
        };
        let (is_owner, place) = match &account.identity {
            Identity::Aws { .. } | Identity::IdentityCenter { .. } => {
                (account.aws_account_id() == Some(owner), "AWS account")
            }
            Identity::Azure { tenant_id, .. } => (tenant_id.eq_ignore_ascii_case(owner), "tenant"),
            Identity::Gcp { .. } => {
                let is_it = |id: &str| id == owner;
                let is_listed = account.targets.iter().any(|target| is_it(&target.id));
                let is_chosen = account.target.as_deref().is_some_and(is_it);
                (
                    account.targets.is_empty() || is_listed || is_chosen,
                    "project",
                )
            }
        };
        if is_owner {
            return Ok(());
        }
        let message = format!(
            "The context {} is a cluster of the {place} {}, which {} does not work in. Name an account that does, or write the \
             context's user first: mcm configure kube ACCOUNT --cluster CLUSTER",
            self.context,
            shown(owner),
            account.name()
        );
        Err(Error::new(Code::InvalidInput, message))
    }
}

fn invalid(context: &str, why: &str) -> Error {
    Error::new(
        Code::InvalidInput,
        format!("The context {} {why}.", shown(context)),
    )
}

/// An address without a user, a password, a query or a fragment.
fn plain_url(text: &str) -> Option<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|_| text.len() <= LONGEST_TEXT)?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

/// A name that is no option of a command line.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
}

fn is_host(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c))
}

/// Whether it is certificates, and no key.
fn is_authority(text: &str) -> bool {
    if text.len() > LONGEST_AUTHORITY {
        return false;
    }
    let pem = BASE64_STANDARD.decode(text).ok();
    let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
    pem.is_some_and(|pem| {
        pem.contains("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE KEY")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        Cluster {
            context: "arn:aws:eks:eu-west-1:111122223333:cluster/shop".to_owned(),
            account: AccountId::from("aws-0123456789abcdef".to_owned()),
            owner: Some("111122223333".to_owned()),
            eks_name: Some("shop".to_owned()),
            region: Some("eu-west-1".to_owned()),
            server_id: None,
            server: "https://0123.gr7.eu-west-1.eks.amazonaws.com".to_owned(),
            authority: Some(BASE64_STANDARD.encode("-----BEGIN CERTIFICATE-----\nAA==\n")),
            tls_server_name: Some("kubernetes".to_owned()),
            proxy: Some("socks5://127.0.0.1:1080".to_owned()),
            namespace: Some("team-a".to_owned()),
        }
    }

    #[test]
    fn what_is_secret_or_would_be_sent_in_the_clear_is_refused() {
        cluster().check().expect("it is fine");
        let edits: [fn(&mut Cluster); 13] = [
            |cluster| cluster.server = "http://cluster.example".to_owned(),
            |cluster| cluster.server = "https://ada:secret@cluster.example".to_owned(),
            |cluster| cluster.server = "cluster.example".to_owned(),
            |cluster| cluster.proxy = Some("http://ada:secret@proxy.example".to_owned()),
            |cluster| cluster.proxy = Some("file:///etc/passwd".to_owned()),
            |cluster| cluster.authority = Some("no base64".to_owned()),
            |cluster| {
                let pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
                cluster.authority = Some(BASE64_STANDARD.encode(pem));
            },
            |cluster| cluster.context = "a\u{1b}[31m".to_owned(),
            |cluster| cluster.context = String::new(),
            |cluster| cluster.eks_name = Some("--interactive".to_owned()),
            |cluster| cluster.eks_name = None,
            |cluster| cluster.server_id = Some("x".to_owned()),
            |cluster| cluster.namespace = Some("a b".to_owned()),
        ];
        for (number, edit) in edits.into_iter().enumerate() {
            let mut cluster = cluster();
            edit(&mut cluster);
            let error = cluster.check().expect_err("it is refused");
            assert_eq!(error.code(), Code::InvalidInput, "{number}");
            assert!(!error.message().contains("secret"), "{number}: {error}");
        }
    }
}
