//! What happened so far: the requests that came in, and the secrets that went out.
//!
//! A request is kept without its query and body, so the journal can be printed. The secrets are kept for one reader
//! only, the leak test, which looks for them in everything that the app wrote.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::faults::Endpoint;

/// One of the servers that the sandbox runs, each on a port of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// Sign-in of Azure: `login.microsoftonline.com`.
    AzureAuthority,
    /// Azure Resource Manager: `management.azure.com`.
    AzureResourceManager,
    /// Sign-in of Google with its token endpoint: `accounts.google.com`, `oauth2.googleapis.com` and others in one.
    GoogleIssuer,
    /// Google's Resource Manager: `cloudresourcemanager.googleapis.com`.
    GoogleResourceManager,
    /// AWS Security Token Service.
    AwsSts,
    /// AWS Identity and Access Management.
    AwsIam,
    /// AWS Organizations.
    AwsOrganizations,
    /// The federation endpoint of the AWS console: `signin.aws.amazon.com`.
    AwsFederation,
    /// IAM Identity Center: `oidc.REGION.amazonaws.com`, `portal.sso.REGION.amazonaws.com` and the portal's page in one.
    AwsIdentityCenter,
}

/// A request that reached a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The server that it came to.
    pub server: Server,
    /// What the path means there; `None` for a path that the server does not have.
    pub endpoint: Option<Endpoint>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The `Host` header.
    pub host: String,
    /// The tenant in the path, as the client wrote it (Azure only).
    pub tenant: Option<String>,
    /// The form's `grant_type` (token endpoints only).
    pub grant_type: Option<String>,
    /// The form's or the address's `claims` (token and authorise endpoints only).
    #[serde(default)]
    pub claims: Option<String>,
    /// When it came.
    pub at: Timestamp,
}

/// Collects requests and secrets.
#[derive(Default)]
pub(crate) struct Journal {
    requests: watch::Sender<Vec<Request>>,
    secrets: Mutex<Vec<String>>,
}

impl Journal {
    pub(crate) fn record(&self, request: Request) {
        self.requests.send_modify(|requests| requests.push(request));
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    pub(crate) fn forget_requests(&self) {
        self.requests.send_modify(Vec::clear);
    }

    /// Waits until the requests so far are such.
    pub(crate) async fn until(&self, is_so: impl Fn(&[Request]) -> bool) {
        let mut requests = self.requests.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = requests.wait_for(|requests| is_so(requests)).await;
    }

    /// Notes a secret before it is issued, and returns it.
    pub(crate) fn issue(&self, secret: String) -> String {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(secret.clone());
        secret
    }

    pub(crate) fn secrets(&self) -> Vec<String> {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
