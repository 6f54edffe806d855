//! Access keys of AWS that the user types in: checked by AWS, kept in the keychain, named in `accounts.db`.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use ts_rs::TS;

use crate::app::App;
use crate::credential::AccessKeys;
use crate::error::{Code, Error, Result};
use crate::provider::aws::Caller;
use crate::role::{CenterRole, Source, SourceChoice, TypedKeys, is_access_key_id, is_mfa_device};
use crate::store::Accounts;
use crate::text;
use crate::vault::Record;

/// Access keys as the user enters them.
#[derive(Clone, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(export)]
pub struct EnteredKeys {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    #[ts(type = "string")]
    pub secret_access_key: SecretString,
    /// The session token, which a user's own keys do not have.
    #[ts(type = "string | null")]
    pub session_token: Option<SecretString>,
    /// The ARN or serial number of the MFA device that confirms their sessions.
    #[serde(default)]
    #[ts(optional)]
    pub mfa_device: Option<String>,
}

impl EnteredKeys {
    fn check(self) -> Result<AccessKeys> {
        let refused = |message: &str| Err(Error::new(Code::InvalidInput, message));
        if !is_access_key_id(&self.access_key_id) {
            return refused(
                "This is not an AWS access key id. One has 16 or more characters and begins with AKIA or ASIA.",
            );
        }
        if self.secret_access_key.expose_secret().trim().is_empty() {
            return refused("Enter the secret access key too.");
        }
        if self.access_key_id.starts_with("ASIA") && self.session_token.is_none() {
            return refused(
                "These are the keys of a session (ASIA). Enter the session token that came with them too.",
            );
        }
        let mfa_device = self.mfa_device.map(|device| device.trim().to_owned());
        let mfa_device = mfa_device.filter(|device| !device.is_empty());
        if let Some(device) = &mfa_device {
            if !is_mfa_device(device) {
                let message = format!(
                    "\"{}\" is not the ARN or serial number of an MFA device.",
                    text::shown(device)
                );
                return Err(Error::new(Code::InvalidInput, message));
            }
            if self.session_token.is_some() {
                return refused(
                    "Keys of a session cannot ask for an MFA code. Enter the user's own keys.",
                );
            }
        }
        Ok(AccessKeys {
            mfa_device,
            access_key_id: self.access_key_id,
            secret_access_key: self.secret_access_key,
            session_token: self.session_token,
        })
    }
}

impl App {
    /// Stores access keys in the keychain, once AWS has confirmed their owner.
    ///
    /// # Errors
    /// `invalid-input` for malformed keys; those of `aws_caller`, and `keychain-*`: nothing is stored then.
    pub async fn add_access_keys(&self, entered: EnteredKeys) -> Result<Caller> {
        let keys = entered.check()?;
        let id = keys.access_key_id.clone();
        let source = Source::Keychain(id.clone());
        let caller = self.aws().caller(&source, Some(&keys)).await?;
        let typed = TypedKeys {
            access_key_id: id,
            arn: caller.arn.clone(),
            added_at: self.world.clock.now(),
        };
        let secrets = self.sessions.write_access_keys(&keys).await?;
        self.change(|change| {
            change.put_access_keys(&typed)?;
            secrets.settle(change)
        })
        .await?;
        Ok(caller)
    }

    /// The access keys in the keychain.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn access_keys(&self) -> Result<Vec<TypedKeys>> {
        Ok(self.stored()?.access_keys.clone())
    }

    /// Removes access keys that no connection uses.
    ///
    /// # Errors
    /// `invalid-input` while a connection uses them, `not-found`, `keychain-*`, `storage-*`.
    pub async fn remove_access_keys(&self, access_key_id: &str) -> Result<()> {
        let stored = self.stored()?;
        if !stored
            .access_keys
            .iter()
            .any(|keys| keys.access_key_id == access_key_id)
        {
            return Err(no_keys(access_key_id));
        }
        if stored.uses_access_keys(access_key_id) {
            let message = format!(
                "A connection uses the access keys {}. Disconnect it first, or discard it if it is waiting for its role.",
                text::shown(access_key_id)
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        self.drop_unused_keys(access_key_id).await
    }

    /// Removes access keys from the keychain when no connection uses them.
    pub(in crate::app) async fn drop_unused_keys(&self, access_key_id: &str) -> Result<()> {
        self.change(|change| {
            if !change.all()?.uses_access_keys(access_key_id) {
                change.remove_access_keys(access_key_id)?;
            }
            Ok(())
        })
        .await?;
        self.sessions.clean_up_access_keys(access_key_id).await
    }

    /// The source that the user chose, with its keys from the keychain when it has any there.
    pub(super) async fn source_with_keys(
        &self,
        choice: &SourceChoice,
    ) -> Result<(Source, Option<AccessKeys>)> {
        let source = match choice {
            SourceChoice::Named(source) => source.clone(),
            SourceChoice::OnlyKeys => only_keys(&*self.stored()?)?,
        };
        if let Some(center) = source.center() {
            let account = self.resolve(&center.account)?;
            let center = CenterRole {
                account: account.id.to_string(),
                pair: center.pair.clone(),
            };
            let keys = self
                .sessions
                .center_keys(&self.providers(), &center)
                .await?;
            return Ok((Source::Center(center), Some(keys)));
        }
        let Some(id) = source.access_key_id() else {
            return Ok((source, None));
        };
        let bytes = self
            .world
            .vault
            .read(&Record::access_keys(id))
            .await?
            .ok_or_else(|| no_keys(id))?;
        let keys = AccessKeys::from_bytes(&bytes)?;
        Ok((source, Some(keys)))
    }
}

fn only_keys(stored: &Accounts) -> Result<Source> {
    match stored.access_keys.as_slice() {
        [one] => Ok(Source::Keychain(one.access_key_id.clone())),
        [] => Err(Error::new(
            Code::NotFound,
            "The keychain has no AWS access keys. Enter them first.",
        )),
        several => {
            let list: Vec<String> = several
                .iter()
                .map(|keys| format!("keychain:{} ({})", keys.access_key_id, keys.arn))
                .collect();
            let message = format!(
                "The keychain has {} access keys. Name one: {}.",
                several.len(),
                list.join(", ")
            );
            Err(Error::new(Code::Ambiguous, message))
        }
    }
}

pub(crate) fn no_keys(id: &str) -> Error {
    let message = format!(
        "The keychain has no access keys {}. Enter them again.",
        text::shown(id)
    );
    Error::new(Code::NotFound, message)
}
