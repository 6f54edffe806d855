//! The keychain of a Linux desktop (GNOME Keyring, KWallet, KeePassXC), over the Secret Service API on D-Bus.
//!
//! A store of our own, because the one of the keyring family opens an encrypted session, which costs more than all
//! the rest of a read and protects only from somebody who can listen on this person's session bus, and such a
//! somebody can ask the keychain itself. And because that one unlocks, with a dialog that waits for ever, whenever
//! it meets something locked. Nothing here asks the person anything but [`Store::unlock`].
//!
//! Source: Secret Service API draft 0.2, <https://specifications.freedesktop.org/secret-service/latest/>.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Arc;

use keyring_core::api::{Credential, CredentialApi, CredentialStore, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};
use secret_service::EncryptionType;
use secret_service::blocking::{Collection, Item, SecretService};
use zbus::DBusError as _;
use zbus::zvariant::OwnedObjectPath;

/// As `secret-tool` and the keyring family name them, so that entries can be found with their tools.
const SERVICE: &str = "service";
const USERNAME: &str = "username";

const CONTENT_TYPE: &str = "application/octet-stream";

/// Opens a session with the Secret Service of this person's bus.
pub(super) fn connect() -> Result<Arc<CredentialStore>> {
    let bus = zbus::blocking::Connection::session().map_err(|error| match error {
        // No address, or nobody at the address: there is no session bus to find a keychain on.
        zbus::Error::Address(_) | zbus::Error::Connection(..) => Error::NoDefaultStore,
        other => failure(other.into()),
    })?;
    let session = SecretService::connect_with_existing(EncryptionType::Plain, bus).map_err(failure)?;
    Ok(Arc::new(Store(Arc::new(Session(Some(session))))))
}

/// An open session. Its proxies end with blocking calls, which panic on a thread that runs async code; such a thread
/// hands it to another to drop.
struct Session(Option<SecretService<'static>>);

impl Deref for Session {
    type Target = SecretService<'static>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("only drop takes it")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // When no thread can be started, the connection stays open until the process ends.
        let Some(session) = self.0.take().map(ManuallyDrop::new) else { return };
        let close = move || drop(ManuallyDrop::into_inner(session));
        match tokio::runtime::Handle::try_current() {
            Ok(_) => drop(std::thread::Builder::new().spawn(close)),
            Err(_) => close(),
        }
    }
}

/// The Secret Service as a credential store.
pub(super) struct Store(Arc<Session>);

impl Store {
    /// Unlocks the default collection, or creates it where there is none. The keychain asks the person; this waits
    /// for the answer without limit.
    pub(super) fn unlock(&self) -> Result<()> {
        match self.0.get_default_collection() {
            Ok(collection) => collection.unlock().map_err(failure),
            Err(secret_service::Error::NoResult) => {
                self.0.create_collection("Default keyring", "default").map(drop).map_err(failure)
            }
            Err(error) => Err(failure(error)),
        }
    }
}

impl CredentialStoreApi for Store {
    fn vendor(&self) -> String {
        "Secret Service with a plain session".to_owned()
    }

    fn id(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    /// The one modifier is `label`: the text that keychain programs show for the entry.
    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let label = modifiers.and_then(|modifiers| modifiers.get("label")).copied().unwrap_or(service);
        Ok(Entry::new_with_credential(Arc::new(Named {
            session: Arc::clone(&self.0),
            service: service.to_owned(),
            user: user.to_owned(),
            label: label.to_owned(),
        })))
    }

    /// The entries with the given attributes. Fails when any of them is locked, because a part is not the answer.
    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let found = self.0.search_items(spec.clone()).map_err(failure)?;
        if !found.locked.is_empty() {
            return Err(failure(secret_service::Error::Locked));
        }
        if found.unlocked.is_empty() {
            default_collection(&self.0)?;
        }
        Ok(found.unlocked.into_iter().map(|item| found_entry(&self.0, item)).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretService")
    }
}

/// The collection that new items go to, unlocked. A keychain that is locked may not tell what it holds, so an item
/// is known not to be there only when this collection is unlocked.
fn default_collection<'a>(session: &'a Session) -> Result<Collection<'a>> {
    let collection = session.get_default_collection().map_err(failure)?;
    collection.ensure_unlocked().map_err(failure)?;
    Ok(collection)
}

/// An entry by its name, whether it is there or not.
struct Named {
    session: Arc<Session>,
    service: String,
    user: String,
    label: String,
}

impl Named {
    fn attributes(&self) -> HashMap<&str, &str> {
        HashMap::from([(SERVICE, self.service.as_str()), (USERNAME, self.user.as_str())])
    }

    /// The one item of that name. A read is this search and one more call.
    fn item(&self) -> Result<Item<'_>> {
        let mut found = self.session.search_items(self.attributes()).map_err(failure)?;
        if found.unlocked.len() > 1 {
            let doubles = found.unlocked.into_iter().map(|item| found_entry(&self.session, item));
            return Err(Error::Ambiguous(doubles.collect()));
        }
        if let Some(item) = found.unlocked.pop() {
            return Ok(item);
        }
        if !found.locked.is_empty() {
            return Err(failure(secret_service::Error::Locked));
        }
        default_collection(&self.session)?;
        Err(Error::NoEntry)
    }
}

impl CredentialApi for Named {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        match self.item() {
            Ok(item) => item.set_secret(secret, CONTENT_TYPE).map_err(failure),
            Err(Error::NoEntry) => {
                let collection = default_collection(&self.session)?;
                let created =
                    collection.create_item(&self.label, self.attributes(), secret, true, CONTENT_TYPE);
                created.map(drop).map_err(failure)
            }
            Err(error) => Err(error),
        }
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.item()?.get_secret().map_err(failure)
    }

    fn delete_credential(&self) -> Result<()> {
        self.item()?.delete().map_err(failure)
    }

    /// Succeeds when there is such an item.
    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.item().map(|_| None)
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

/// An entry that a search found, by its place on the bus.
struct Found {
    session: Arc<Session>,
    path: OwnedObjectPath,
}

fn found_entry(session: &Arc<Session>, item: Item<'_>) -> Entry {
    Entry::new_with_credential(Arc::new(Found { session: Arc::clone(session), path: item.item_path }))
}

impl Found {
    fn item(&self) -> Result<Item<'_>> {
        self.session.get_item_by_path(self.path.clone()).map_err(failure)
    }
}

impl CredentialApi for Found {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.item()?.set_secret(secret, CONTENT_TYPE).map_err(failure)
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.item()?.get_secret().map_err(failure)
    }

    fn delete_credential(&self) -> Result<()> {
        self.item()?.delete().map_err(failure)
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

/// Says which failures mean "locked" and which "there is no keychain". The others may be over with a new connection.
fn failure(error: secret_service::Error) -> Error {
    use secret_service::Error as Failure;
    match error {
        Failure::Locked | Failure::Prompt => Error::NoStorageAccess(Box::new(error)),
        // `NoResult` is a keychain that was never set up: it has no default collection.
        Failure::NoResult | Failure::Unavailable => Error::NoDefaultStore,
        other => match error_name(&other).as_deref() {
            Some("org.freedesktop.Secret.Error.IsLocked") => Error::NoStorageAccess(Box::new(other)),
            Some(name) if is_nobody_there(name) => Error::NoDefaultStore,
            _ => Error::PlatformFailure(Box::new(other)),
        },
    }
}

/// Whether the bus says that no keychain runs on it and that none can be started.
fn is_nobody_there(name: &str) -> bool {
    name == "org.freedesktop.DBus.Error.ServiceUnknown"
        || name == "org.freedesktop.DBus.Error.NameHasNoOwner"
        || name.starts_with("org.freedesktop.DBus.Error.Spawn.")
}

fn error_name(error: &secret_service::Error) -> Option<String> {
    match error {
        secret_service::Error::Zbus(zbus::Error::MethodError(name, ..)) => Some(name.to_string()),
        secret_service::Error::Zbus(zbus::Error::FDO(error)) => Some(error.name().to_string()),
        secret_service::Error::ZbusFdo(zbus::fdo::Error::ZBus(zbus::Error::MethodError(name, ..))) => {
            Some(name.to_string())
        }
        secret_service::Error::ZbusFdo(error) => Some(error.name().to_string()),
        _ => None,
    }
}
