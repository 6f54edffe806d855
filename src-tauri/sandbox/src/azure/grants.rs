//! What the Azure stand-in has issued: codes, refresh tokens and access tokens.
//!
//! Refresh tokens belong to a family that starts with a code. Entra leaves the old token of a family alive when it
//! issues a new one; strict rotation kills the family when an old one comes back.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Rotation;
use super::refusal::AzureRefusal;
use super::scope::Scope;

const CODE_LIFE: Duration = Duration::from_secs(600);
const REFRESH_TOKEN_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// An authorisation code and everything it is bound to.
#[derive(Clone)]
pub(crate) struct AzureCode {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    /// `organizations`, `common` or a tenant's GUID: where the code was asked for.
    pub(crate) authority: String,
    pub(crate) user: String,
    pub(crate) tenant_id: String,
    pub(crate) scope: Scope,
    pub(crate) nonce: Option<String>,
    pub(crate) wants_client_info: bool,
    pub(crate) passed_second_factor: bool,
    pub(crate) issued: Timestamp,
    pub(crate) is_spent: bool,
}

/// All refresh tokens that came from one sign-in.
#[derive(Clone)]
pub(crate) struct Family {
    pub(crate) client_id: String,
    pub(crate) user: String,
    pub(crate) passed_second_factor: bool,
    /// Why its tokens are refused, once they are.
    refused: Option<AzureRefusal>,
}

struct AzureRefreshToken {
    family: usize,
    issued: Timestamp,
    is_spent: bool,
}

/// A bearer token and what it opens.
#[derive(Clone)]
pub(crate) struct AzureAccessToken {
    pub(crate) user: String,
    pub(crate) tenant_id: String,
    pub(crate) scope: Scope,
    pub(crate) expires: Timestamp,
}

/// Everything issued so far.
#[derive(Default)]
pub(crate) struct AzureGrants {
    codes: HashMap<String, AzureCode>,
    families: Vec<Family>,
    refresh_tokens: HashMap<String, AzureRefreshToken>,
    access_tokens: HashMap<String, AzureAccessToken>,
}

impl AzureGrants {
    pub(crate) fn add_code(&mut self, value: String, code: AzureCode) {
        self.codes.insert(value, code);
    }

    /// Spends a code if the whole request fits it; a request that does not fit leaves it unspent.
    pub(crate) fn redeem_code(
        &mut self,
        value: &str,
        now: Timestamp,
        fits: impl FnOnce(&AzureCode) -> Result<(), AzureRefusal>,
    ) -> Result<AzureCode, AzureRefusal> {
        let code = self
            .codes
            .get_mut(value)
            .ok_or_else(AzureRefusal::malformed_grant)?;
        if code.is_spent {
            return Err(AzureRefusal::invalid_grant(
                54005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
            ));
        }
        if now >= code.issued + CODE_LIFE {
            return Err(AzureRefusal::invalid_grant(
                70008,
                "The provided authorization code or refresh token has expired due to inactivity.",
            ));
        }
        fits(code)?;
        code.is_spent = true;
        Ok(code.clone())
    }

    pub(crate) fn add_family(
        &mut self,
        client_id: &str,
        user: &str,
        passed_second_factor: bool,
    ) -> usize {
        self.families.push(Family {
            client_id: client_id.to_owned(),
            user: user.to_owned(),
            passed_second_factor,
            refused: None,
        });
        self.families.len() - 1
    }

    pub(crate) fn add_refresh_token(&mut self, value: String, family: usize, issued: Timestamp) {
        self.refresh_tokens.insert(
            value,
            AzureRefreshToken {
                family,
                issued,
                is_spent: false,
            },
        );
    }

    /// The family that a refresh token belongs to, if it may still be used.
    pub(crate) fn family(
        &mut self,
        value: &str,
        now: Timestamp,
        rotation: Rotation,
    ) -> Result<(usize, Family), AzureRefusal> {
        let token = self
            .refresh_tokens
            .get(value)
            .ok_or_else(AzureRefusal::malformed_grant)?;
        let family = &mut self.families[token.family];
        if token.is_spent && rotation == Rotation::Strict && family.refused.is_none() {
            family.refused = Some(AzureRefusal::invalid_grant(
                70000,
                "The refresh token was used before; every token of this sign-in has been revoked.",
            ));
        }
        if let Some(refusal) = &family.refused {
            return Err(refusal.clone());
        }
        if now >= token.issued + REFRESH_TOKEN_LIFE {
            return Err(AzureRefusal::invalid_grant(
                700082,
                "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
            ));
        }
        Ok((token.family, family.clone()))
    }

    /// Notes that a refresh token was exchanged for another.
    pub(crate) fn spend_refresh_token(&mut self, value: &str) {
        if let Some(token) = self.refresh_tokens.get_mut(value) {
            token.is_spent = true;
        }
    }

    /// Refuses every refresh token that a user holds by now.
    pub(crate) fn refuse(&mut self, user: &str, refusal: &AzureRefusal) {
        for family in self
            .families
            .iter_mut()
            .filter(|family| family.user.eq_ignore_ascii_case(user))
        {
            family.refused = Some(refusal.clone());
        }
    }

    pub(crate) fn add_access_token(&mut self, value: String, token: AzureAccessToken) {
        self.access_tokens.insert(value, token);
    }

    pub(crate) fn access_token(&self, value: &str) -> Option<&AzureAccessToken> {
        self.access_tokens.get(value)
    }

    /// Makes every access token of a user unknown.
    pub(crate) fn forget_access_tokens(&mut self, user: &str) {
        self.access_tokens
            .retain(|_, token| !token.user.eq_ignore_ascii_case(user));
    }
}
