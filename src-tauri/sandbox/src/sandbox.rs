//! The running sandbox: its options, its addresses, and the controls that a test holds.
//!
//! Each control has a twin under `/_sandbox/` for tests in other processes; see `control.rs`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use url::Url;

use crate::aws::directory::Role;
use crate::aws::identity_center::{self, IdentityCenter};
use crate::aws::{self, AccessKey, Addresses, Assumption, Aws};
use crate::azure::{self, Azure, Rotation};
use crate::clock::Clock;
use crate::control::{self, Clouds};
use crate::faults::{Faults, Revocation};
use crate::google::{self, Google};
use crate::journal::{Request, Server};
use crate::server::{Bound, Classify, Running, Shared, bind};

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ports of the servers.
    pub ports: Ports,
    /// Whether the servers have public names under https, which lead to them inside a [`Company`](crate::company::Company)
    /// alone.
    pub is_public: bool,
    /// The time that the clouds live in.
    pub clock: Clock,
    /// How long an access token lasts.
    pub access_token_life: Duration,
    /// How often a device that waits for a user may ask whether it may go on.
    pub device_interval: Duration,
    /// Rows on a page of a list.
    pub page_size: usize,
    /// What happens to an Azure refresh token when it is exchanged for a new one.
    pub azure_rotation: Rotation,
    /// Azure's tenants, users and subscriptions.
    pub azure: azure::directory::AzureDirectory,
    /// How strict the Google project is.
    pub google_policy: google::ProjectPolicy,
    /// Google's users and projects.
    pub google: google::directory::GoogleDirectory,
    /// AWS's accounts, users and roles.
    pub aws: aws::directory::AwsDirectory,
    /// IAM Identity Center's users and assignments.
    pub identity_center: identity_center::SsoDirectory,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: Ports::Random,
            is_public: false,
            clock: Clock::system(),
            access_token_life: Duration::from_secs(3600),
            device_interval: Duration::from_secs(5),
            page_size: 100,
            azure_rotation: Rotation::default(),
            azure: azure::directory::AzureDirectory::contoso(),
            google_policy: google::ProjectPolicy::default(),
            google: google::directory::GoogleDirectory::contoso(),
            aws: aws::directory::AwsDirectory::contoso(),
            identity_center: identity_center::SsoDirectory::contoso(),
        }
    }
}

/// Which ports the servers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Free ones.
    Random,
    /// This one and those that follow, in the order of [`Server`].
    From(u16),
}

impl Ports {
    fn nth(self, index: u16) -> u16 {
        match self {
            Self::Random => 0,
            Self::From(first) => first.saturating_add(index),
        }
    }
}

/// The public names, in the order of [`Server`].
const NAMES: [&str; 9] = [
    "azure-login.clouds.test",
    "azure-management.clouds.test",
    "google-login.clouds.test",
    "google-management.clouds.test",
    "aws-sts.clouds.test",
    "aws-iam.clouds.test",
    "aws-organizations.clouds.test",
    "aws-signin.clouds.test",
    "aws-identity-center.clouds.test",
];

/// The AWS user whose key the environment holds.
const CALLER: &str = "ada";

/// The clouds, until they are dropped.
pub struct Sandbox {
    azure: Arc<Azure>,
    google: Arc<Google>,
    aws: Arc<Aws>,
    identity_center: Arc<IdentityCenter>,
    /// The key of the environment.
    aws_key: Option<AccessKey>,
    names: HashMap<String, SocketAddr>,
    shared: Arc<Shared>,
    /// Stop when they are dropped.
    _servers: Vec<Running>,
}

impl Sandbox {
    /// Starts every server. Needs a Tokio runtime with time and I/O.
    ///
    /// # Errors
    /// When a port is taken.
    pub async fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            clock: options.clock,
            device_interval: options.device_interval,
            ..Shared::default()
        });
        let mut names = HashMap::new();
        let mut bound = Vec::new();
        for (index, name) in (0..).zip(NAMES) {
            let server = bind(options.ports.nth(index)).await?;
            names.insert(name.to_owned(), server.address);
            bound.push(if options.is_public {
                server.named(name)
            } else {
                server
            });
        }
        let [
            azure_authority,
            azure_resource_manager,
            google_issuer,
            google_resource_manager,
            aws_sts,
            aws_iam,
            aws_organizations,
            aws_federation,
            aws_identity_center,
        ] = <[Bound; NAMES.len()]>::try_from(bound).unwrap_or_else(|_| unreachable!("one a name"));

        let azure = Arc::new(Azure::new(
            azure_authority.url.clone(),
            azure_resource_manager.url.clone(),
            options.azure,
            options.page_size,
            options.azure_rotation,
            Arc::clone(&shared),
        ));
        let google = Arc::new(Google::new(
            google_issuer.url.clone(),
            google_resource_manager.url.clone(),
            options.google,
            options.page_size,
            options.google_policy,
            Arc::clone(&shared),
        ));
        let addresses = Addresses {
            sts: aws_sts.url.clone(),
            iam: aws_iam.url.clone(),
            organizations: aws_organizations.url.clone(),
            federation: aws_federation.url.clone(),
        };
        let aws = Arc::new(Aws::new(
            addresses,
            options.aws,
            options.page_size,
            Arc::clone(&shared),
        ));
        let identity_center = Arc::new(IdentityCenter::new(
            aws_identity_center.url.clone(),
            options.identity_center,
            Arc::clone(&aws),
            Arc::clone(&shared),
        ));
        let aws_key = aws.issue_user_key(CALLER);

        let clouds = Clouds {
            azure: Arc::clone(&azure),
            google: Arc::clone(&google),
            aws: Arc::clone(&aws),
            identity_center: Arc::clone(&identity_center),
        };
        let controls = control::router(clouds, Arc::clone(&shared));
        let run = |bound: Bound, server, classify: Classify, cloud| {
            bound.run(
                server,
                classify,
                cloud,
                controls.clone(),
                Arc::clone(&shared),
            )
        };
        let servers = vec![
            run(
                azure_authority,
                Server::AzureAuthority,
                azure::classify_authority,
                azure::authority(Arc::clone(&azure)),
            ),
            run(
                azure_resource_manager,
                Server::AzureResourceManager,
                azure::classify_resource_manager,
                azure::resource_manager(Arc::clone(&azure)),
            ),
            run(
                google_issuer,
                Server::GoogleIssuer,
                google::classify_issuer,
                google::issuer(Arc::clone(&google)),
            ),
            run(
                google_resource_manager,
                Server::GoogleResourceManager,
                google::classify_resource_manager,
                google::resource_manager(Arc::clone(&google)),
            ),
            run(
                aws_sts,
                Server::AwsSts,
                aws::classify,
                aws::sts(Arc::clone(&aws)),
            ),
            run(
                aws_iam,
                Server::AwsIam,
                aws::classify,
                aws::iam(Arc::clone(&aws)),
            ),
            run(
                aws_organizations,
                Server::AwsOrganizations,
                aws::classify,
                aws::organizations(Arc::clone(&aws)),
            ),
            run(
                aws_federation,
                Server::AwsFederation,
                aws::classify,
                aws::federation(Arc::clone(&aws)),
            ),
            run(
                aws_identity_center,
                Server::AwsIdentityCenter,
                identity_center::classify,
                identity_center::router(Arc::clone(&identity_center)),
            ),
        ];
        let sandbox = Self {
            azure,
            google,
            aws,
            identity_center,
            aws_key,
            names,
            shared,
            _servers: servers,
        };
        sandbox.set_access_token_life(options.access_token_life);
        Ok(sandbox)
    }

    /// The public names of the servers, and where they are.
    pub fn names(&self) -> HashMap<String, SocketAddr> {
        self.names.clone()
    }

    /// The sign-in server of Azure.
    pub fn azure_authority(&self) -> Url {
        self.azure.authority.clone()
    }

    /// Azure Resource Manager.
    pub fn azure_resource_manager(&self) -> Url {
        self.azure.resource_manager.clone()
    }

    /// The sign-in server of Google.
    pub fn google_issuer(&self) -> Url {
        self.google.issuer.clone()
    }

    /// Google's Resource Manager.
    pub fn google_resource_manager(&self) -> Url {
        self.google.resource_manager.clone()
    }

    /// AWS Security Token Service.
    pub fn sts_endpoint(&self) -> Url {
        self.aws.addresses.sts.clone()
    }

    /// AWS Identity and Access Management.
    pub fn iam_endpoint(&self) -> Url {
        self.aws.addresses.iam.clone()
    }

    /// AWS Organizations.
    pub fn organizations_endpoint(&self) -> Url {
        self.aws.addresses.organizations.clone()
    }

    /// The federation endpoint of the AWS console, `…/federation`.
    pub fn federation_endpoint(&self) -> Url {
        self.aws
            .addresses
            .federation
            .join("federation")
            .expect("the path is a plain word")
    }

    /// The environment that makes the app use this sandbox.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        let mut environment = vec![
            ("AZURE_CLIENT_ID", azure::CLIENT_ID.to_owned()),
            ("AZURE_AUTHORITY_HOST", bare(&self.azure.authority)),
            (
                "MCM_AZURE_RESOURCE_MANAGER",
                bare(&self.azure.resource_manager),
            ),
            ("GOOGLE_CLIENT_ID", google::DESKTOP_CLIENT_ID.to_owned()),
            (
                "GOOGLE_CLIENT_SECRET",
                google::DESKTOP_CLIENT_SECRET.to_owned(),
            ),
            ("MCM_GOOGLE_ISSUER", bare(&self.google.issuer)),
            (
                "MCM_GOOGLE_RESOURCE_MANAGER",
                bare(&self.google.resource_manager),
            ),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ENDPOINT_URL_STS", bare(&self.aws.addresses.sts)),
            ("AWS_ENDPOINT_URL_IAM", bare(&self.aws.addresses.iam)),
            (
                "AWS_ENDPOINT_URL_ORGANIZATIONS",
                bare(&self.aws.addresses.organizations),
            ),
            ("MCM_AWS_SIGN_IN", bare(&self.aws.addresses.federation)),
            ("AWS_ENDPOINT_URL_SSO_OIDC", bare(&self.identity_center.url)),
            ("AWS_ENDPOINT_URL_SSO", bare(&self.identity_center.url)),
            // No client should look for credentials on the network of the machine that runs a test.
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        if let Some(key) = &self.aws_key {
            environment.push(("AWS_ACCESS_KEY_ID", key.id.clone()));
            environment.push(("AWS_SECRET_ACCESS_KEY", key.secret.clone()));
        }
        environment
    }

    /// What goes wrong from now on.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Every request so far, the oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.journal.requests()
    }

    /// Waits until the requests so far are such.
    pub async fn until_requests(&self, is_so: impl Fn(&[Request]) -> bool) {
        self.shared.journal.until(is_so).await;
    }

    /// Empties the list of requests.
    pub fn forget_requests(&self) {
        self.shared.journal.forget_requests();
    }

    /// Every code, token and key issued so far: none of them may turn up in a log, a file or a message.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.journal.secrets()
    }

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
