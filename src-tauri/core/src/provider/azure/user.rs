//! Who signed in, by Entra's `client_info` and the claims of the ID token.
//!
//! A user is `uid.utid` in every tenant. Names come from a server, and are made safe to show.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::missing;
use crate::account::{Identity, OfferedTenant};
use crate::error::Result;
use crate::id_token::{Claims, is_user_id};

/// The row that the same user has in another tenant.
pub fn identity_in_tenant(identity: &Identity, tenant: &OfferedTenant) -> Option<Identity> {
    let known = AzureIdentity::of(identity)?;
    Some(Identity::Azure {
        home: known.home.to_owned(),
        tenant_id: tenant.tenant_id.clone(),
        tenant_name: tenant.name.clone(),
        default_domain: tenant.default_domain.clone(),
        username: known.username.to_owned(),
    })
}

/// The Azure part of an identity, borrowed.
#[derive(Clone, Copy)]
pub(super) struct AzureIdentity<'a> {
    pub(super) home: &'a str,
    pub(super) tenant_id: &'a str,
    pub(super) username: &'a str,
}

impl<'a> AzureIdentity<'a> {
    pub(super) fn of(identity: &'a Identity) -> Option<Self> {
        match identity {
            Identity::Azure {
                home,
                tenant_id,
                username,
                ..
            } => Some(Self {
                home,
                tenant_id,
                username,
            }),
            _ => None,
        }
    }

    pub(super) fn renamed(self, identity: &Identity, new: String) -> Identity {
        let mut identity = identity.clone();
        if let Identity::Azure { username, .. } = &mut identity {
            *username = new;
        }
        identity
    }
}

/// Entra's `client_info`: the user's identity, in every tenant.
#[derive(Deserialize)]
pub(super) struct ClientInfo {
    pub(super) uid: String,
    pub(super) utid: String,
}

impl ClientInfo {
    pub(super) fn read(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok())
            .filter(|info| is_user_id(&info.uid) && is_user_id(&info.utid))
            .ok_or_else(|| missing("a readable client_info"))
    }

    pub(super) fn home(&self) -> String {
        format!("{}.{}", self.uid, self.utid)
    }
}

/// The user as `uid.utid`. A server without `client_info` identifies its own users by object id and tenant, which are
/// Entra's `uid` and `utid` for a user in the home tenant.
pub(super) fn home(client_info: Option<&str>, claims: &Claims, tenant: &str) -> Result<String> {
    if let Some(text) = client_info {
        return ClientInfo::read(text).map(|info| info.home());
    }
    let oid = claims.oid.as_deref().unwrap_or(&claims.sub);
    if !is_user_id(oid) {
        return Err(missing("a readable id of the user"));
    }
    Ok(format!("{oid}.{tenant}"))
}

/// The name to show. It comes from a server, so control characters and bidirectional marks are removed.
pub(super) fn username(claims: &Claims) -> String {
    let name = claims
        .preferred_username
        .as_deref()
        .or(claims.email.as_deref())
        .or(claims.name.as_deref());
    crate::text::shown(name.unwrap_or_default())
}
