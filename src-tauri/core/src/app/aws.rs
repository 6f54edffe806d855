//! AWS's own use cases: who calls, tokens for clusters and the organisation.
//!
//! Typed access keys are in `aws/keys.rs`, roles to create in `aws/prepare_role.rs`, roles to connect in
//! `aws/roles.rs`.

mod keys;
mod prepare_role;
mod roles;

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use super::App;
use crate::account::{Account, AccountId, OrganizationAccount};
use crate::credential::Session;
use crate::error::Result;
use crate::provider::aws::{Aws, AwsSource, AwsSourceKind, Caller};
use crate::resource::Identifier;
use crate::role::{CenterRole, Source, SourceChoice};
pub use keys::EnteredKeys;
pub(super) use keys::no_keys;
pub use prepare_role::{PrepareRole, PreparedRole};
pub use roles::ConnectRole;

impl App {
    /// The sources of AWS credentials on this machine: the default chain, the shared config's profiles, typed keys, and
    /// roles of IAM Identity Center that the user pinned or chose.
    ///
    /// # Errors
    /// `setting-invalid` when a shared file of AWS is not valid, `storage-*`.
    pub async fn aws_sources(&self) -> Result<Vec<AwsSource>> {
        let mut sources = self.aws().sources()?;
        sources.extend(self.stored()?.access_keys.iter().map(|keys| AwsSource {
            source: Source::Keychain(keys.access_key_id.clone()),
            kind: AwsSourceKind::TypedKeys,
            region: None,
            account_id: None,
            sign_in_command: None,
        }));
        // Of thousands of roles the pinned ones, and the one that is chosen.
        for account in self.stored()?.iter() {
            if !account.identity.is_identity_center() {
                continue;
            }
            let mut pairs: Vec<&String> = account.pinned.iter().chain(&account.target).collect();
            pairs.dedup();
            let pairs = pairs
                .into_iter()
                .filter_map(|id| Identifier::parse_pair(id));
            sources.extend(pairs.map(|pair| AwsSource {
                account_id: pair.pair().map(|(account_id, _)| account_id.to_owned()),
                source: Source::Center(CenterRole {
                    account: account.id.to_string(),
                    pair,
                }),
                kind: AwsSourceKind::CenterRole,
                region: account.aws_region().map(str::to_owned),
                sign_in_command: None,
            }));
        }
        Ok(sources)
    }

    /// The owner of a source's credentials, as AWS identifies it.
    ///
    /// # Errors
    /// `source-expired`, `clock-off`, `not-found`, `invalid-input`, and network errors.
    pub async fn aws_caller(&self, source: &SourceChoice) -> Result<Caller> {
        let (source, keys) = self.source_with_keys(source).await?;
        self.aws().caller(&source, keys.as_ref()).await
    }

    /// The accounts of the organisation as last loaded with the targets, for information; none when the role may not
    /// list them.
    ///
    /// # Errors
    /// `not-found`.
    pub fn organization(&self, id: &AccountId) -> Result<Vec<OrganizationAccount>> {
        Ok(self.account(id)?.organization.clone())
    }

    /// Loads the accounts of the organisation. None when AWS did not answer: the known ones stay.
    pub(super) async fn read_organization(
        &self,
        account: &Account,
        session: &Session,
    ) -> Option<Vec<OrganizationAccount>> {
        // Loading the SDK's settings creates a large future, which the other clouds need not carry.
        let read = Box::pin(self.aws().organization(account, session)).await;
        read.inspect_err(|error| {
            tracing::info!(
                code = error.code().as_str(),
                "the organisation could not be read"
            );
        })
        .ok()
    }

    /// A token that authenticates an AWS account to an EKS cluster, for a program, and its expiry. The region is the
    /// account's chosen one by default.
    ///
    /// # Errors
    /// Those of `session` and `Aws::cluster_token`.
    pub async fn issue_cluster_token(
        &self,
        account: &Account,
        cluster: &str,
        region: Option<&str>,
        to: &str,
        environment: Option<&str>,
    ) -> Result<(SecretString, Timestamp)> {
        let resource = account.issued_resource()?;
        let session = self
            .issue_in(&account.id, &resource, to, environment)
            .await?;
        self.aws()
            .cluster_token(account, &session, cluster, region)
            .await
    }

    pub(super) fn aws(&self) -> Arc<Aws> {
        self.state().providers.aws().clone()
    }
}
