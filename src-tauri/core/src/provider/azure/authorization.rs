//! One visit to Entra's pages, in the browser or on another device, and the tokens that it brings.
//!
//! The answer comes back through the app's scheme or by POST to a loopback port, as MSAL does it.

use jiff::Timestamp;

use super::user::AzureIdentity;
use super::{Azure, error_messages, scopes};
use crate::account::Cloud;
use crate::claims;
use crate::device::DeviceFlow;
use crate::error::{Error, Result};
use crate::oauth::{Attempt, OAuthClient, TokenFailure, Tokens};
use crate::provider::SignInRequest;
use crate::provider::azure::metadata::EntraMetadata;
use crate::redirect::{
    AuthorizationResponse, Expectation, Issuer, LoopbackHost, Method, PendingFlow, Receiver,
};
use crate::resource::Resource;
use crate::settings::AzureSettings;
use crate::settings::RedirectKind;
use crate::sign_in::SignInContext;
use crate::world::SCHEME;

/// The hosts whose pages accept device codes, besides the sign-in server's own (Microsoft's documents and answers).
const CODE_PAGES: [&str; 4] = [
    "microsoft.com",
    "www.microsoft.com",
    "login.microsoft.com",
    "login.microsoftonline.com",
];

/// The result of one visit to Entra's pages.
pub(super) struct EntraAuthorization {
    pub(super) tokens: Tokens,
    pub(super) asked_at: Timestamp,
    pub(super) nonce: Option<String>,
}

impl Azure {
    async fn receive(
        &self,
        context: &SignInContext,
        wanted: RedirectKind,
        metadata: &EntraMetadata,
    ) -> Result<(PendingFlow, &'static str)> {
        let (receiver, mode) = match context.receiver(wanted, SCHEME).await {
            RedirectKind::DeepLink => (
                Receiver::DeepLink {
                    redirect_uri: AzureSettings::deep_link_redirect(),
                },
                "query",
            ),
            RedirectKind::Loopback => {
                let origins = vec![self.settings.authority.origin().ascii_serialization()];
                (
                    Receiver::Loopback {
                        host: LoopbackHost::Localhost,
                        path: "",
                        method: Method::FormPost,
                        origins,
                    },
                    "form_post",
                )
            }
        };
        // Entra does not announce RFC 9207; an `iss` that comes anyway must be the issuer's.
        let issuer = Issuer::IfPresent(metadata.issuer.clone());
        let waiting = context
            .open_flow(Expectation {
                cloud: Cloud::Azure,
                receiver,
                issuer,
            })
            .await?;
        Ok((waiting, mode))
    }

    /// Takes the user to Entra's pages, in the browser or on another device, and redeems the answer.
    pub(super) async fn authorize(
        &self,
        request: &SignInRequest,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &EntraMetadata,
        resource: &Resource,
    ) -> Result<EntraAuthorization> {
        let scopes = scopes(&self.settings, resource);
        let scopes = scopes.each_ref().map(String::as_str);
        let claims = claims::with_capability(request.challenge.as_deref());
        let extra = [("client_info", "1"), ("claims", claims.as_str())];
        if request.device_code {
            return self
                .visit_elsewhere(context, client, metadata, &scopes, &extra)
                .await;
        }
        self.visit(request, context, client, metadata, &scopes, &extra)
            .await
    }

    /// Opens the pages in the browser.
    async fn visit(
        &self,
        request: &SignInRequest,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &EntraMetadata,
        scopes: &[&str],
        common: &[(&str, &str)],
    ) -> Result<EntraAuthorization> {
        let wanted = request.redirect.unwrap_or(self.settings.redirect);
        let (waiting, mode) = self.receive(context, wanted, metadata).await?;
        let attempt = Attempt::new();
        let mut extra = common.to_vec();
        extra.push(("response_mode", mode));
        // A hint and an account picker cannot be combined (Entra's documentation of the authorize request).
        match request.known.as_ref().and_then(AzureIdentity::of) {
            Some(known) => extra.push(("login_hint", known.username)),
            None => match &request.hint {
                Some(hint) => extra.push(("login_hint", hint)),
                None => extra.push(("prompt", "select_account")),
            },
        }
        let redirect_uri = waiting.redirect_uri().to_owned();
        let page =
            client.authorize_url(&attempt, &redirect_uri, waiting.state(), scopes, &extra)?;
        let code = match context.browse(&page, waiting).await? {
            AuthorizationResponse::Code(code) => code,
            AuthorizationResponse::Refused { error, description } => {
                return Err(error_messages::authorize(&error, &description));
            }
        };
        let asked_at = self.clock.now();
        let scope = scopes.join(" ");
        let mut fields = common.to_vec();
        fields.push(("scope", scope.as_str()));
        let exchanged = client
            .exchange(&self.http, &attempt, &redirect_uri, &code, &fields)
            .await;
        Ok(EntraAuthorization {
            tokens: exchanged.map_err(explained)?,
            asked_at,
            nonce: Some(attempt.nonce),
        })
    }

    /// Signs the user in on another device, with a code. No nonce is sent and none comes back.
    async fn visit_elsewhere(
        &self,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &EntraMetadata,
        scopes: &[&str],
        extra: &[(&str, &str)],
    ) -> Result<EntraAuthorization> {
        let flow = DeviceFlow {
            client,
            endpoint: metadata.device_authorization_endpoint.as_ref(),
            authority: &self.settings.authority,
            hosts: &CODE_PAGES,
            scopes,
            extra,
        };
        let (tokens, asked_at) = flow
            .sign_in(&self.http, self.clock.as_ref(), context)
            .await
            .map_err(explained)?;
        Ok(EntraAuthorization {
            tokens,
            asked_at,
            nonce: None,
        })
    }
}

pub(super) fn explained(failure: TokenFailure) -> Error {
    match failure {
        TokenFailure::Refused(refusal) => error_messages::token(&refusal),
        TokenFailure::Failed(error) => error,
    }
}
