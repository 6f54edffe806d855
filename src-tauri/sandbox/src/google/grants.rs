//! What the Google stand-in has issued: codes, refresh tokens and access tokens.
//!
//! A refresh token is not rotated. A user has at most 100 of them per client: the 101st silently ends the oldest.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use super::refusal::GoogleRefusal;

const CODE_LIFE: Duration = Duration::from_secs(600);
const MAX_REFRESH_TOKENS: usize = 100;

/// What a sign-in was granted.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    /// The subject of the user.
    pub(crate) user: String,
    pub(crate) scopes: Vec<String>,
}

/// An authorisation code and everything it is bound to.
#[derive(Clone)]
pub(crate) struct GoogleCode {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    /// Whether a refresh token comes with it: the app asked for offline access and the user has just consented.
    pub(crate) brings_refresh_token: bool,
    pub(crate) issued: Timestamp,
    pub(crate) is_spent: bool,
}

struct GoogleRefreshToken {
    value: String,
    grant: Grant,
    expires: Option<Timestamp>,
    refused: Option<GoogleRefusal>,
}

struct GoogleAccessToken {
    grant: Grant,
    expires: Timestamp,
}

/// Everything issued so far.
#[derive(Default)]
pub(crate) struct GoogleGrants {
    codes: HashMap<String, GoogleCode>,
    /// The oldest first.
    refresh_tokens: Vec<GoogleRefreshToken>,
    access_tokens: HashMap<String, GoogleAccessToken>,
    /// The scopes that a user has granted a client, by client and user.
    consents: HashMap<(String, String), HashSet<String>>,
}

impl GoogleGrants {
    pub(super) fn add_code(&mut self, value: String, code: GoogleCode) {
        self.codes.insert(value, code);
    }

    /// Spends a code if the whole request fits it.
    pub(super) fn redeem_code(
        &mut self,
        value: &str,
        now: Timestamp,
        fits: impl FnOnce(&GoogleCode) -> Result<(), GoogleRefusal>,
    ) -> Result<GoogleCode, GoogleRefusal> {
        let code = self
            .codes
            .get_mut(value)
            .ok_or_else(|| GoogleRefusal::invalid_grant("Malformed auth code."))?;
        if code.is_spent || now >= code.issued + CODE_LIFE {
            return Err(GoogleRefusal::invalid_grant("Bad Request"));
        }
        fits(code)?;
        code.is_spent = true;
        Ok(code.clone())
    }

    pub(super) fn add_refresh_token(
        &mut self,
        value: String,
        grant: &Grant,
        expires: Option<Timestamp>,
    ) {
        self.refresh_tokens.push(GoogleRefreshToken {
            value,
            grant: grant.clone(),
            expires,
            refused: None,
        });
        let is_alike = |token: &GoogleRefreshToken| {
            token.grant.client_id == grant.client_id && token.grant.user == grant.user
        };
        let alike = self
            .refresh_tokens
            .iter()
            .filter(|token| is_alike(token))
            .count();
        if alike > MAX_REFRESH_TOKENS
            && let Some(oldest) = self.refresh_tokens.iter().position(is_alike)
        {
            self.refresh_tokens.remove(oldest);
        }
    }

    /// What a refresh token stands for, if it may still be used.
    pub(super) fn refresh(
        &self,
        value: &str,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Grant, GoogleRefusal> {
        let token = self
            .refresh_tokens
            .iter()
            .find(|token| token.value == value)
            .ok_or_else(GoogleRefusal::revoked)?;
        if let Some(refusal) = &token.refused {
            return Err(refusal.clone());
        }
        if token.expires.is_some_and(|expires| now >= expires) {
            return Err(GoogleRefusal::revoked());
        }
        if token.grant.client_id != client_id {
            return Err(GoogleRefusal::new("unauthorized_client", "Unauthorized"));
        }
        Ok(token.grant.clone())
    }

    pub(super) fn end_refresh_token(&mut self, value: &str) {
        self.refresh_tokens.retain(|token| token.value != value);
    }

    /// Refuses every refresh token that a user holds by now.
    pub(super) fn refuse(&mut self, user: &str, refusal: &GoogleRefusal) {
        for token in &mut self.refresh_tokens {
            if token.grant.user == user {
                token.refused = Some(refusal.clone());
            }
        }
    }

    pub(super) fn add_access_token(&mut self, value: String, grant: Grant, expires: Timestamp) {
        self.access_tokens
            .insert(value, GoogleAccessToken { grant, expires });
    }

    /// What an access token stands for, until it expires.
    pub(super) fn access(&self, value: &str, now: Timestamp) -> Option<&Grant> {
        self.access_tokens
            .get(value)
            .filter(|token| now < token.expires)
            .map(|token| &token.grant)
    }

    /// Makes every access token of a user unknown.
    pub(super) fn forget_access_tokens(&mut self, user: &str) {
        self.access_tokens
            .retain(|_, token| token.grant.user != user);
    }

    pub(super) fn has_consent(&self, client_id: &str, user: &str, scopes: &[String]) -> bool {
        let key = (client_id.to_owned(), user.to_owned());
        self.consents
            .get(&key)
            .is_some_and(|granted| scopes.iter().all(|scope| granted.contains(scope)))
    }

    pub(super) fn consent(&mut self, grant: &Grant) {
        let key = (grant.client_id.clone(), grant.user.clone());
        self.consents
            .entry(key)
            .or_default()
            .extend(grant.scopes.iter().cloned());
    }

    pub(super) fn forget_consents(&mut self, user: &str) {
        self.consents.retain(|(_, consenter), _| consenter != user);
    }

    /// Ends everything that the owner of a token has granted, through whichever client. `false` when the token
    /// is not known.
    pub(super) fn revoke(&mut self, value: &str) -> bool {
        let refreshed = self
            .refresh_tokens
            .iter()
            .find(|token| token.value == value)
            .map(|token| &token.grant);
        let accessed = self.access_tokens.get(value).map(|token| &token.grant);
        let Some(user) = refreshed.or(accessed).map(|grant| grant.user.clone()) else {
            return false;
        };
        self.refresh_tokens.retain(|token| token.grant.user != user);
        self.forget_access_tokens(&user);
        self.forget_consents(&user);
        true
    }
}
