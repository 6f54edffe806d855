//! The controls that a test holds while the clouds run: lives, policies, revocations, directories.
//!
//! Each has a twin under `/_sandbox/` for tests in other processes; see `control.rs`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use url::Url;

use super::Sandbox;
use crate::aws::directory::Role;
use crate::aws::{AccessKey, Assumption, identity_center};
use crate::azure::Rotation;
use crate::faults::Revocation;
use crate::google;

impl Sandbox {
    /// The life of access tokens from now on.
    pub fn set_access_token_life(&self, life: Duration) {
        let milliseconds = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        self.shared
            .access_token_life
            .store(milliseconds, Ordering::Relaxed);
    }

    /// Refuses every refresh token that a user holds by now, in every cloud.
    pub fn revoke(&self, user: &str, revocation: &Revocation) {
        self.azure.revoke(user, revocation);
        self.google.revoke(user, revocation);
    }

    /// Revokes every refresh token that a user holds by now.
    pub fn revoke_all(&self, user: &str) {
        self.revoke(user, &Revocation::Revoked);
    }

    /// Changes a user's password, which ends every session.
    pub fn change_password(&self, user: &str) {
        self.revoke(user, &Revocation::PasswordChanged);
    }

    /// Lets a user's sign-ins grow too old.
    pub fn expire(&self, user: &str) {
        self.revoke(user, &Revocation::Expired);
    }

    /// Makes every access token of a user invalid before its time.
    pub fn reject_access_tokens(&self, user: &str) {
        self.azure.forget_access_tokens(user);
        self.google.forget_access_tokens(user);
    }

    /// Takes a user's consent back, so that the next sign-in asks for it.
    pub fn forget_consents(&self, user: &str) {
        self.azure.forget_consents(user);
        self.google.forget_consents(user);
    }

    /// Lets a resource of Azure ask for a consent of its own from now on, whatever was consented to before.
    pub fn ask_azure_consent_for(&self, resource: &str) {
        self.azure.ask_consent_for(resource);
    }

    /// The resource that a live access token of Azure is for, without a slash at its end.
    pub fn azure_audience(&self, access_token: &str) -> Option<String> {
        self.azure.audience(access_token)
    }

    /// What happens to Azure refresh tokens from now on when they are exchanged.
    pub fn set_azure_rotation(&self, rotation: Rotation) {
        self.azure.set_rotation(rotation);
    }

    /// Registers another redirect URI with the Azure application.
    pub fn register_azure_redirect(&self, uri: &str) {
        self.azure.register_redirect(uri);
    }

    /// Takes a redirect URI away from the Azure application.
    pub fn unregister_azure_redirect(&self, uri: &str) {
        self.azure.unregister_redirect(uri);
    }

    /// How strict the Google project is from now on.
    pub fn set_google_policy(&self, policy: google::ProjectPolicy) {
        self.google.set_policy(policy);
    }

    /// Who exists at Google from now on. Grants stay with the subject that gave them, whatever its address is now.
    pub fn set_google_directory(&self, directory: google::directory::GoogleDirectory) {
        self.google.set_directory(directory);
    }

    /// Signs Google's id tokens with a new key from now on; the old one stays published.
    pub fn rotate_google_signing_key(&self) {
        self.google.rotate_signing_key();
    }

    /// Another access key of an AWS user; `None` when there is no such user.
    pub fn aws_access_key(&self, user: &str) -> Option<AccessKey> {
        self.aws.issue_user_key(user)
    }

    /// Session credentials of an AWS user, as `GetSessionToken` hands them out; with no life at all, expired ones.
    pub fn aws_session(&self, user: &str, life: Duration) -> Option<AccessKey> {
        self.aws.issue_user_session(user, life)
    }

    /// Makes an access key unknown.
    pub fn deactivate_aws_key(&self, id: &str) {
        self.aws.deactivate_key(id);
    }

    /// Creates an AWS role, or replaces the one with the same ARN.
    pub fn put_aws_role(&self, role: Role) {
        self.aws.put_role(role);
    }

    /// Deletes an AWS role.
    pub fn remove_aws_role(&self, arn: &str) {
        self.aws.remove_role(arn);
    }

    /// Lets role sessions end after this time, whatever was asked for; `None` gives back what was asked for.
    pub fn set_aws_session_life(&self, life: Option<Duration>) {
        self.aws.set_session_life(life);
    }

    /// The stand-in of the access portal's page, a start URL.
    pub fn start_url(&self) -> Url {
        self.identity_center.start_url()
    }

    /// How IAM Identity Center behaves.
    pub fn identity_center_policy(&self) -> identity_center::PermissionPolicy {
        self.identity_center.policy()
    }

    /// How IAM Identity Center behaves from now on.
    pub fn set_identity_center_policy(&self, policy: identity_center::PermissionPolicy) {
        self.identity_center.set_policy(policy);
    }

    /// Who may do what in IAM Identity Center.
    pub fn identity_center_directory(&self) -> identity_center::SsoDirectory {
        self.identity_center.directory()
    }

    /// Who may do what in IAM Identity Center from now on.
    pub fn set_identity_center_directory(&self, directory: identity_center::SsoDirectory) {
        self.identity_center.set_directory(directory);
    }

    /// Ends a user's session in IAM Identity Center. The credentials of roles live on.
    pub fn end_identity_center_session(&self, user: &str) {
        self.identity_center.end_session(user);
    }

    /// Makes every access token of IAM Identity Center unknown before its time.
    pub fn reject_identity_center_tokens(&self) {
        self.identity_center.reject_access_tokens();
    }

    /// Makes every registration at IAM Identity Center unknown.
    pub fn forget_identity_center_registrations(&self) {
        self.identity_center.forget_registrations();
    }

    /// Signs every browser out of IAM Identity Center.
    pub fn forget_identity_center_browsers(&self) {
        self.identity_center.forget_browsers();
    }

    /// The most calls of the access portal that came within one second.
    pub fn identity_center_busiest_second(&self) -> usize {
        self.identity_center.busiest_second()
    }

    /// The bodies that `RegisterClient` of IAM Identity Center was sent.
    pub fn identity_center_registrations(&self) -> Vec<serde_json::Value> {
        self.identity_center.registrations()
    }

    /// Every well-formed `AssumeRole` request so far, the oldest first.
    pub fn aws_assumptions(&self) -> Vec<Assumption> {
        self.aws.assumptions()
    }
}
