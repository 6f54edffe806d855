//! One visit to Google's pages, in the browser or on another device, and the tokens that it brings.
//!
//! Every check of the answer is made here, so that a `GoogleAuthorization` can be trusted.

use jiff::Timestamp;

use super::user::KnownUser;
use super::{Gcp, error_messages, explained, missing, scopes};
use crate::account::Cloud;
use crate::device::DeviceFlow;
use crate::error::{Code, Error, Result};
use crate::id_token::{Claims, Expected};
use crate::oauth::{Attempt, OAuthClient, Tokens};
use crate::provider::gcp::error_messages::Redeemed;
use crate::provider::gcp::metadata::GoogleMetadata;
use crate::redirect::{
    AuthorizationResponse, Expectation, LoopbackHost, Method, PendingFlow, Receiver,
};
use crate::settings::RedirectKind;
use crate::sign_in::SignInContext;

/// The hosts whose pages accept device codes, besides the issuer's own (Google's guide for limited-input devices).
const CODE_PAGES: [&str; 2] = ["www.google.com", "google.com"];

/// The question that Google's pages ask the user.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    /// The user's identity, and consent.
    AnyUser,
    /// The consent of the user with this address, who may still choose another.
    Suggested(&'a str),
    /// Consent of this user, only where Google has none yet. Then no refresh token comes.
    Known(KnownUser<'a>),
    /// Consent of this user in any case.
    Consent(KnownUser<'a>),
}

/// The result of one visit to Google's pages, with every check passed.
pub(super) struct GoogleAuthorization {
    pub(super) tokens: Tokens,
    pub(super) claims: Claims,
    pub(super) asked_at: Timestamp,
}

impl Gcp {
    /// Opens Google's pages and redeems the answer.
    pub(super) async fn visit(
        &self,
        context: &SignInContext,
        wanted: RedirectKind,
        client: &OAuthClient,
        metadata: &GoogleMetadata,
        ask: Ask<'_>,
    ) -> Result<GoogleAuthorization> {
        let waiting = self.receive(context, wanted, metadata).await?;
        let attempt = Attempt::new();
        let redirect_uri = waiting.redirect_uri().to_owned();
        // Google accepts the subject as a hint as well as the address; unlike the address it never changes.
        let mut extra = vec![("access_type", "offline")];
        match ask {
            Ask::AnyUser => extra.push(("prompt", "consent select_account")),
            Ask::Suggested(email) => {
                extra.extend([("login_hint", email), ("prompt", "consent")]);
            }
            Ask::Known(known) => extra.push(("login_hint", known.subject)),
            Ask::Consent(known) => {
                extra.extend([("login_hint", known.subject), ("prompt", "consent")]);
            }
        }
        let scopes = scopes(self.settings.access);
        let page =
            client.authorize_url(&attempt, &redirect_uri, waiting.state(), &scopes, &extra)?;

        let code = match context.browse(&page, waiting).await? {
            AuthorizationResponse::Code(code) => code,
            AuthorizationResponse::Refused { error, .. } => {
                return Err(error_messages::authorize(&error));
            }
        };
        let asked_at = self.clock.now();
        let tokens = client
            .exchange(&self.http, &attempt, &redirect_uri, &code, &[])
            .await
            .map_err(|failure| explained(failure, Redeemed::Code, client))?;

        let claims = self
            .checked(&tokens, client, metadata, Some(&attempt.nonce))
            .await?;
        if let Ask::Known(known) | Ask::Consent(known) = ask {
            known.require(&claims)?;
        }
        Ok(GoogleAuthorization {
            tokens,
            claims,
            asked_at,
        })
    }

    /// Signs the user in on another device, with a code. No nonce is sent and none comes back.
    pub(super) async fn visit_elsewhere(
        &self,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &GoogleMetadata,
        known: Option<KnownUser<'_>>,
    ) -> Result<GoogleAuthorization> {
        let scopes = scopes(self.settings.access);
        let flow = DeviceFlow {
            client,
            endpoint: metadata.device_authorization_endpoint.as_ref(),
            authority: &self.settings.issuer,
            hosts: &CODE_PAGES,
            scopes: &scopes,
            extra: &[],
        };
        let signed_in = flow.sign_in(&self.http, self.clock.as_ref(), context).await;
        let (tokens, asked_at) =
            signed_in.map_err(|failure| explained(failure, Redeemed::DeviceCode, client))?;
        let claims = self.checked(&tokens, client, metadata, None).await?;
        if let Some(known) = known {
            known.require(&claims)?;
        }
        Ok(GoogleAuthorization {
            tokens,
            claims,
            asked_at,
        })
    }

    /// The identity in an answer, after every check.
    async fn checked(
        &self,
        tokens: &Tokens,
        client: &OAuthClient,
        metadata: &GoogleMetadata,
        nonce: Option<&str>,
    ) -> Result<Claims> {
        let id_token = tokens
            .id_token
            .as_ref()
            .ok_or_else(|| missing("an id_token"))?;
        let claims = Claims::decode(id_token)?;
        claims.check(&Expected {
            client_id: &client.client_id,
            issuers: &metadata.token_issuers(),
            nonce,
            now: self.clock.now(),
        })?;
        self.keys
            .verify(&self.http, &metadata.jwks_uri, id_token, self.clock.now())
            .await?;
        Ok(claims)
    }

    async fn receive(
        &self,
        context: &SignInContext,
        wanted: RedirectKind,
        metadata: &GoogleMetadata,
    ) -> Result<PendingFlow> {
        let scheme = self.settings.reversed_client_id();
        let redirect = match (wanted, &scheme) {
            (RedirectKind::DeepLink, None) => {
                let message = "This client id has no URI scheme. Use the redirect method loopback for Google Cloud.";
                return Err(Error::new(Code::SettingInvalid, message));
            }
            (wanted, scheme) => {
                context
                    .receiver(wanted, scheme.as_deref().unwrap_or_default())
                    .await
            }
        };
        let receiver = match (redirect, self.settings.deep_link_redirect()) {
            (RedirectKind::DeepLink, Some(redirect_uri)) => Receiver::DeepLink { redirect_uri },
            _ => Receiver::Loopback {
                host: LoopbackHost::Ipv4,
                path: "",
                method: Method::Query,
                origins: vec![
                    metadata
                        .authorization_endpoint
                        .origin()
                        .ascii_serialization(),
                ],
            },
        };
        let issuer = metadata.expected_issuer();
        context
            .open_flow(Expectation {
                cloud: Cloud::Gcp,
                receiver,
                issuer,
            })
            .await
    }
}
