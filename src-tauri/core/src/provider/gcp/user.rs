//! Who signed in, by the claims of the ID token, at sign-in and at each renewal.
//!
//! A user is the issuer and the subject. The address may change, and is verified before it is taken over.

use secrecy::SecretString;

use super::Gcp;
use crate::account::{Account, Identity};
use crate::credential::RefreshGrant;
use crate::error::{Code, Error, Result};
use crate::id_token::Claims;
use crate::text;

/// The Google part of an identity, borrowed.
#[derive(Clone, Copy)]
pub(super) struct KnownUser<'a> {
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    pub(super) who: &'a str,
}

impl<'a> KnownUser<'a> {
    pub(super) fn of(identity: &'a Identity) -> Option<Self> {
        match identity {
            Identity::Gcp {
                issuer, subject, ..
            } => Some(Self {
                issuer,
                subject,
                who: identity.who(),
            }),
            _ => None,
        }
    }

    /// Refuses any other user.
    pub(super) fn require(self, claims: &Claims) -> Result<()> {
        if claims.sub == self.subject {
            return Ok(());
        }
        let came = identity(self.issuer.to_owned(), claims);
        let (came, who) = (came.who(), self.who);
        let message = format!(
            "You signed in as {came}, but this row belongs to {who}. Nothing was changed. Sign in again and choose {who}, \
             or use Connect account to add {came}."
        );
        Err(Error::new(Code::WrongUser, message))
    }
}

impl Gcp {
    /// The user's current identity in the id_token of a renewal. None when nothing changed.
    pub(super) async fn today(
        &self,
        account: &Account,
        grant: &RefreshGrant,
        id_token: &SecretString,
    ) -> Result<Option<Identity>> {
        let known = KnownUser::of(&account.identity).ok_or_else(not_google)?;
        let claims = Claims::decode(id_token).map_err(|error| {
            wrong_renewal("with an id_token that cannot be read").with_source(error)
        })?;
        let bare = known
            .issuer
            .split_once("://")
            .map_or(known.issuer, |(_, bare)| bare);
        claims
            .check_parties(&grant.client_id, &[known.issuer, bare])
            .map_err(|error| {
                wrong_renewal("with an id_token that is not valid").with_source(error)
            })?;
        if claims.sub != known.subject {
            return Err(wrong_renewal("for another user"));
        }
        let today = identity(known.issuer.to_owned(), &claims);
        // An answer without an address does not change it, for example when only the cloud was granted, nor does one
        // that cannot be read.
        let says_nothing = claims.email.is_none() || claims.email_verified.is_none();
        if today == account.identity || says_nothing {
            return Ok(None);
        }
        let now = self.clock.now();
        let metadata = self.metadata.read(&self.http, &grant.authority, now).await;
        let verified = match metadata {
            Ok(metadata) => {
                self.keys
                    .verify(&self.http, &metadata.jwks_uri, id_token, now)
                    .await
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(()) => Ok(Some(today)),
            Err(error) if error.code() == Code::SignInRejected => {
                Err(wrong_renewal("with an id_token that is not valid").with_source(error))
            }
            // The new address can wait for the next renewal.
            Err(_) => Ok(None),
        }
    }
}

/// The identity in the claims. An address that is not confirmed as the user's is omitted, because it could belong to
/// another user.
pub(super) fn identity(issuer: String, claims: &Claims) -> Identity {
    let shown = |name: &Option<String>| {
        name.as_deref()
            .map(text::shown)
            .filter(|name| !name.is_empty())
    };
    Identity::Gcp {
        issuer,
        subject: claims.sub.clone(),
        email: shown(&claims.email).filter(|_| claims.email_verified == Some(true)),
        hosted_domain: shown(&claims.hd),
    }
}

/// The error of a renewal that is not used. Google never answers one for another user.
fn wrong_renewal(how: &str) -> Error {
    let message =
        format!("Google renewed the session {how}, so it was not used. Retrying automatically.");
    Error::new(Code::ServerFailed, message)
}

fn not_google() -> Error {
    Error::new(
        Code::Internal,
        "The Google Cloud provider got an account of another cloud. Report this with the reference.",
    )
}
