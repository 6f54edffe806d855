//! The one scripted provider: a test's own server stands behind it, and everything above providers is the real code.
//!
//! A test says what its server does by `Script`. `World`, keychain and store are the test's too.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mcm_core::account::{Account, SessionTimes, Target};
use mcm_core::app::App;
use mcm_core::claims::ClaimsChallenge;
use mcm_core::credential::{Credential, Grant, RefreshGrant, Session};
use mcm_core::error::{Code, Error, Result};
use mcm_core::provider::aws::Aws;
use mcm_core::provider::{Progress, Provider, Providers, Refreshed, SignInRequest, SignedIn};
use mcm_core::redirect::Frontend;
use mcm_core::resource::Resource;
use mcm_core::settings::Settings;
use mcm_core::sign_in::SignInContext;
use mcm_core::world::World;

/// What a test's server does. Without more, nothing can be signed in to and nothing is listed.
#[async_trait]
pub(crate) trait Script: Send + Sync + 'static {
    /// A sign-in of the test's user.
    fn sign_in(&self) -> Result<SignedIn> {
        let message = "This provider has no sign-in.";
        Err(Error::new(Code::Unsupported, message))
    }

    /// A renewal: the next grant, if it rotates, and a session.
    async fn refresh(&self, grant: &Grant, resource: &Resource)
    -> Result<(Option<Grant>, Session)>;

    /// The end of a sign-in.
    fn sign_out(&self, _grant: &Grant) -> Result<()> {
        Ok(())
    }

    /// The targets of every account.
    fn targets(&self) -> Vec<Target> {
        Vec::new()
    }
}

struct Scripted<S>(Arc<S>);

#[async_trait]
impl<S: Script> Provider for Scripted<S> {
    fn check_set_up(&self) -> Result<()> {
        Ok(())
    }

    async fn sign_in(&self, _: &SignInRequest, _: &SignInContext) -> Result<SignedIn> {
        self.0.sign_in()
    }

    async fn refresh(
        &self,
        _account: &Account,
        grant: &Grant,
        resource: &Resource,
        _challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed> {
        let (grant, session) = self.0.refresh(grant, resource).await?;
        Ok(Refreshed {
            grant,
            session,
            identity: None,
            sign_in_end: None,
            refusal: None,
        })
    }

    async fn sign_out(&self, grant: &Grant) -> Result<()> {
        self.0.sign_out(grant)
    }

    async fn targets(&self, _: &Account, _: &Session, _: &Progress<'_>) -> Result<Vec<Target>> {
        Ok(self.0.targets())
    }
}

/// An app whose every cloud is this server.
pub(crate) fn open<S: Script>(world: World, server: &Arc<S>) -> Arc<App> {
    let settings = Arc::new(Settings::load(&world.paths.config, &world.environment));
    let (http, clock) = (world.http.clone(), world.clock.clone());
    let aws = Arc::new(Aws::new(settings.aws.clone(), http, clock));
    let providers = Providers::scripted(Arc::new(Scripted(server.clone())), aws);
    App::with_providers(world, Frontend::Terminal, settings, providers)
}

/// A grant of a server that never gets a request.
pub(crate) fn grant(refresh_token: &str, issued_at: Timestamp) -> Grant {
    Grant::RefreshToken(RefreshGrant {
        refresh_token: refresh_token.into(),
        client_id: "client".into(),
        client_secret: None,
        authority: "https://login.example/".parse().expect("a URL"),
        token_endpoint: "https://login.example/token".into(),
        issuer: None,
        issued_at,
    })
}

/// A session from now on.
pub(crate) fn session(access_token: &str, issued_at: Timestamp, life: Duration) -> Session {
    Session {
        credential: Credential::Bearer(access_token.into()),
        times: SessionTimes {
            issued_at,
            expires_at: issued_at + life,
        },
        generation: 0,
    }
}
