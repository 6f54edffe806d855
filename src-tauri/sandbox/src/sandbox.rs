//! The running sandbox: its options, its addresses, and what it has seen. What a test changes is in `sandbox/controls.rs`.

mod controls;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::aws::identity_center::{self, IdentityCenter};
use crate::aws::{self, AccessKey, Addresses, Aws};
use crate::azure::{self, Azure, Rotation};
use crate::clock::Clock;
use crate::control::{self, Clouds};
use crate::faults::Faults;
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
}
