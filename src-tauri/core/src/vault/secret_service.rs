//! The keychain of a Linux desktop (GNOME Keyring, KWallet, KeePassXC), over the Secret Service API on D-Bus.
//!
//! A store of our own for two reasons. The one of the keyring family opens an encrypted session, which costs more
//! than the rest of a read and protects only from a program that can read this user's session bus; such a program can
//! ask the keychain itself. And it unlocks whatever is locked with a dialog that waits forever. Here only
//! [`KeychainStore::unlock`] shows a dialog. `secret_service/session.rs` has the connection and its greeting.
//!
//! Source: Secret Service API draft 0.2, <https://specifications.freedesktop.org/secret-service/latest/>.

mod session;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};
use secret_service::{Collection, Item};
use zbus::DBusError as _;
use zbus::zvariant::OwnedObjectPath;

use session::BusSession;
pub(super) use session::{ItemsLocked, connect, questions};

/// The attributes of `secret-tool` and the keyring family, so that their tools find our entries.
const SERVICE: &str = "service";
const USERNAME: &str = "username";

const CONTENT_TYPE: &str = "application/octet-stream";

/// The Secret Service as a credential store.
pub(super) struct KeychainStore(Arc<BusSession>);

impl KeychainStore {
    /// Unlocks the default collection, or creates it where there is none; then the items of our service, which KeePassXC
    /// locks for each program. The keychain asks the user; this waits for the answer without limit.
    pub(super) fn unlock(&self, service_name: &str) -> Result<()> {
        self.0.wait(async {
            let service = self.0.service().await?;
            match service.get_default_collection().await {
                Ok(collection) => collection.unlock().await.map_err(failure)?,
                Err(secret_service::Error::NoResult) => service
                    .create_collection("Default keyring", "default")
                    .await
                    .map(drop)
                    .map_err(failure)?,
                Err(error) => return Err(failure(error)),
            }
            let ours = HashMap::from([(SERVICE, service_name)]);
            let locked = self.0.search(&ours).await?.1.locked;
            if locked.is_empty() {
                return Ok(());
            }
            let mut items = Vec::new();
            for path in locked {
                items.push(service.get_item_by_path(path).await.map_err(failure)?);
            }
            service
                .unlock_all(&items.iter().collect::<Vec<_>>())
                .await
                .map_err(failure)?;
            if self.0.search(&ours).await?.1.locked.is_empty() {
                Ok(())
            } else {
                Err(self.0.locked().await)
            }
        })
    }
}

impl CredentialStoreApi for KeychainStore {
    fn vendor(&self) -> String {
        "Secret Service with a plain session".to_owned()
    }

    fn id(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    /// The one modifier is `label`: the text that keychain programs show for the entry.
    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> Result<Entry> {
        let label = modifiers
            .and_then(|modifiers| modifiers.get("label"))
            .copied()
            .unwrap_or(service);
        Ok(Entry::new_with_credential(Arc::new(Named {
            session: Arc::clone(&self.0),
            service: service.to_owned(),
            user: user.to_owned(),
            label: label.to_owned(),
        })))
    }

    /// The entries with the given attributes. Fails when any of them is locked, because the list would be incomplete.
    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        self.0.wait(async {
            let (_, found) = self.0.search(spec).await?;
            if !found.locked.is_empty() {
                return Err(self.0.locked().await);
            }
            if found.unlocked.is_empty() {
                default_collection(&self.0).await?;
            }
            Ok(found
                .unlocked
                .into_iter()
                .map(|path| found_entry(&self.0, path))
                .collect())
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretService")
    }
}

/// The collection for new items, unlocked. A locked keychain may not list its content, so an item counts as missing
/// only when this collection is unlocked.
async fn default_collection(session: &BusSession) -> Result<Collection<'_>> {
    let collection = session
        .service()
        .await?
        .get_default_collection()
        .await
        .map_err(failure)?;
    collection.ensure_unlocked().await.map_err(failure)?;
    Ok(collection)
}

/// An entry by its name, whether it exists or not.
struct Named {
    session: Arc<BusSession>,
    service: String,
    user: String,
    label: String,
}

impl Named {
    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([
            (SERVICE, self.service.as_str()),
            (USERNAME, self.user.as_str()),
        ])
    }

    /// The one item of that name. A read is this search and one more call.
    async fn item(&self) -> Result<Item<'_>> {
        let (service, mut found) = self.session.search(&self.attributes()).await?;
        if found.unlocked.len() > 1 {
            let doubles = found
                .unlocked
                .into_iter()
                .map(|path| found_entry(&self.session, path));
            return Err(Error::Ambiguous(doubles.collect()));
        }
        if let Some(path) = found.unlocked.pop() {
            return service.get_item_by_path(path).await.map_err(failure);
        }
        if !found.locked.is_empty() {
            return Err(self.session.locked().await);
        }
        default_collection(&self.session).await?;
        Err(Error::NoEntry)
    }
}

impl CredentialApi for Named {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.session.wait(async {
            match self.item().await {
                Ok(item) => item.set_secret(secret, CONTENT_TYPE).await.map_err(failure),
                Err(Error::NoEntry) => {
                    let collection = default_collection(&self.session).await?;
                    let created = collection.create_item(
                        &self.label,
                        self.attributes(),
                        secret,
                        true,
                        CONTENT_TYPE,
                    );
                    created.await.map(drop).map_err(failure)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.session
            .wait(async { self.item().await?.get_secret().await.map_err(failure) })
    }

    fn delete_credential(&self) -> Result<()> {
        self.session
            .wait(async { self.session.delete(&self.item().await?.item_path).await })
    }

    /// Succeeds when there is such an item.
    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.session.wait(async { self.item().await.map(|_| None) })
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.user.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.user, self.service)
    }
}

/// An entry that a search found, by its path on the bus.
struct FoundItem {
    session: Arc<BusSession>,
    path: OwnedObjectPath,
}

fn found_entry(session: &Arc<BusSession>, path: OwnedObjectPath) -> Entry {
    Entry::new_with_credential(Arc::new(FoundItem {
        session: Arc::clone(session),
        path,
    }))
}

impl FoundItem {
    async fn item(&self) -> Result<Item<'_>> {
        self.session
            .service()
            .await?
            .get_item_by_path(self.path.clone())
            .await
            .map_err(failure)
    }
}

impl CredentialApi for FoundItem {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.session.wait(async {
            self.item()
                .await?
                .set_secret(secret, CONTENT_TYPE)
                .await
                .map_err(failure)
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.session
            .wait(async { self.item().await?.get_secret().await.map_err(failure) })
    }

    fn delete_credential(&self) -> Result<()> {
        self.session
            .wait(async { self.session.delete(&self.path).await })
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path.as_str())
    }
}

/// Maps failures to "locked" and "there is no keychain". A new connection may fix the others.
fn failure(error: secret_service::Error) -> Error {
    use secret_service::Error as KeychainFailure;
    match error {
        KeychainFailure::Locked | KeychainFailure::Prompt => {
            Error::NoStorageAccess(Box::new(error))
        }
        // `NoResult` is a keychain that was never set up: it has no default collection.
        KeychainFailure::NoResult | KeychainFailure::Unavailable => Error::NoDefaultStore,
        other => match error_name(&other).as_deref() {
            Some("org.freedesktop.Secret.Error.IsLocked") => {
                Error::NoStorageAccess(Box::new(other))
            }
            Some(name) if is_service_missing(name) => Error::NoDefaultStore,
            _ => Error::PlatformFailure(Box::new(other)),
        },
    }
}

/// Whether the bus says that no keychain runs on it and that none can be started.
fn is_service_missing(name: &str) -> bool {
    name == "org.freedesktop.DBus.Error.ServiceUnknown"
        || name == "org.freedesktop.DBus.Error.NameHasNoOwner"
        || name.starts_with("org.freedesktop.DBus.Error.Spawn.")
}

fn error_name(error: &secret_service::Error) -> Option<String> {
    match error {
        secret_service::Error::Zbus(zbus::Error::MethodError(name, ..)) => Some(name.to_string()),
        secret_service::Error::Zbus(zbus::Error::FDO(error)) => Some(error.name().to_string()),
        secret_service::Error::ZbusFdo(zbus::fdo::Error::ZBus(zbus::Error::MethodError(
            name,
            ..,
        ))) => Some(name.to_string()),
        secret_service::Error::ZbusFdo(error) => Some(error.name().to_string()),
        _ => None,
    }
}
