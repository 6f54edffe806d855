//! The keychain of a Linux desktop (GNOME Keyring, KWallet, KeePassXC), over the Secret Service API on D-Bus.
//!
//! A store of our own for two reasons. The one of the keyring family opens an encrypted session, which costs more
//! than the rest of a read and protects only from a program that can read this user's session bus; such a program can
//! ask the keychain itself. And it unlocks whatever is locked with a dialog that waits forever. Here only
//! [`Store::unlock`] shows a dialog.
//!
//! Source: Secret Service API draft 0.2, <https://specifications.freedesktop.org/secret-service/latest/>.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use keyring_core::api::{Credential, CredentialApi, CredentialStore, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};
use secret_service::{Collection, EncryptionType, Item, SecretService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::{self, Runtime};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use zbus::address::Address;
use zbus::address::transport::{Transport, UnixSocket};
use zbus::connection::Builder;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, DBusError as _, Guid, MatchRule, MessageStream};

use crate::text;

/// The attributes of `secret-tool` and the keyring family, so that their tools find our entries.
const SERVICE: &str = "service";
const USERNAME: &str = "username";

const CONTENT_TYPE: &str = "application/octet-stream";

/// The Secret Service by its well-known name and path.
const BUS_NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const INTERFACE: &str = "org.freedesktop.Secret.Service";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
/// The path that stands for no prompt.
const NO_PROMPT: &str = "/";

/// Connects to this user's bus. The session with the Secret Service is opened by the first call that needs it. Each
/// answer may take as long as the limit, if there is one; a dialog has none.
pub(super) fn connect(limit: Option<Duration>) -> Result<Arc<CredentialStore>> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::PlatformFailure(Box::new(error)))?;
    let bus = runtime.block_on(async {
        match limit {
            None => session_bus(None).await,
            Some(limit) => timeout(limit, session_bus(Some(limit)))
                .await
                .unwrap_or_else(|_| {
                    Err(zbus::Error::from(io::Error::from(io::ErrorKind::TimedOut)))
                }),
        }
    });
    let bus = bus.map_err(|error| match error {
        // No address, or no bus at the address: there is no session bus for a keychain.
        zbus::Error::Address(_) | zbus::Error::Connection(..) => Error::NoDefaultStore,
        other => failure(other.into()),
    })?;
    let session = Session {
        bus,
        service: OnceCell::new(),
        runtime: Some(runtime),
    };
    session
        .wait(session.introduce())
        .map_err(|error| failure(error.into()))?;
    Ok(Arc::new(Store(Arc::new(session))))
}

/// The bus of this user's session, not greeted yet if that is a socket with a path. The library would start a thread
/// to connect to it, and wait for an answer to every line.
async fn session_bus(limit: Option<Duration>) -> zbus::Result<Connection> {
    let address = Address::session()?;
    let socket = match address.transport() {
        Transport::Unix(unix) => match unix.path() {
            UnixSocket::File(path) => Some(path),
            _ => None,
        },
        _ => None,
    };
    let builder = match socket {
        Some(path) => {
            let refused = |error| zbus::Error::Connection(Arc::new(error), address.clone());
            let connect = async || UnixStream::connect(path).await.map_err(refused);
            let mut stream = connect().await?;
            match authenticate(&mut stream).await {
                Ok(guid) => Builder::authenticated_socket(stream, guid)?,
                // A proxy before the bus, such as Flatpak's, may accept only one line at a time. The library does
                // that.
                Err(_) => Builder::unix_stream(connect().await?),
            }
        }
        None => Builder::address(address)?,
    };
    match limit {
        Some(limit) => builder.method_timeout(limit).build().await,
        None => builder.build().await,
    }
}

/// Authenticates, which the bus knows from the socket, and begins (D-Bus Specification, "Authentication Protocol";
/// all at once as in sd-bus). Returns the bus's own id.
async fn authenticate(stream: &mut UnixStream) -> zbus::Result<Guid<'static>> {
    stream
        .write_all(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")
        .await?;
    let mut answer = Vec::new();
    // The bus sends nothing more before it is greeted.
    loop {
        let has_ended = stream.read_buf(&mut answer).await? == 0;
        let text = std::str::from_utf8(&answer).unwrap_or_default();
        let whole = text.lines().take(text.matches("\r\n").count());
        let refused = |line: &str| zbus::Error::Handshake(format!("the bus answered {line:?}"));
        for line in whole {
            match line.split_once(' ') {
                Some(("OK", guid)) => return Guid::try_from(guid.to_owned()),
                None if line == "DATA" => {}
                _ => return Err(refused(line)),
            }
        }
        if has_ended {
            return Err(refused(text));
        }
    }
}

/// How many questions of the keychain's this process has on the screen.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Whether the keychain asks its user something now, on behalf of this process.
pub(super) fn is_asking() -> bool {
    ASKED.load(Ordering::SeqCst) > 0
}

/// A question on the screen.
struct Asking;

impl Asking {
    fn begin() -> Self {
        ASKED.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKED.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A session, and the runtime that its messages move on: one thread, the one that waits for an answer.
struct Session {
    bus: Connection,
    service: OnceCell<SecretService<'static>>,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

impl Session {
    /// Waits for an answer. Only for threads that run no async code.
    fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime
            .as_ref()
            .expect("only drop takes it")
            .block_on(answer)
    }

    async fn service(&self) -> Result<&SecretService<'static>> {
        let open = || SecretService::connect_with_existing(EncryptionType::Plain, self.bus.clone());
        self.service.get_or_try_init(open).await.map_err(failure)
    }

    /// Greets the bus, and sends the keychain an empty request, which it answers. gnome-keyring registers each new
    /// client while it continues its work; as of version 42 it may handle the client's request first, and then crash.
    async fn introduce(&self) -> zbus::Result<()> {
        let ask = self.bus.call_method(
            Some(BUS_NAME),
            PATH,
            Some("org.freedesktop.DBus.Peer"),
            "Ping",
            &(),
        );
        // The greeting has to be the first message; its answer need not be awaited.
        let (greeted, answered) = tokio::join!(self.greet(), ask);
        greeted.and(answered.map(drop))
    }

    /// Greets the bus, unless the library has done so. The answer, our name on the bus, is not needed here.
    async fn greet(&self) -> zbus::Result<()> {
        if self.bus.unique_name().is_none() {
            let (bus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
            self.bus
                .call_method(Some(bus), path, Some(bus), "Hello", &())
                .await?;
        }
        Ok(())
    }

    /// The paths of the items with the given attributes. A search needs no session, so the first one is sent while
    /// the session is opened: every `mcm token` waits for this.
    async fn search(
        &self,
        attributes: &HashMap<&str, &str>,
    ) -> Result<(&SecretService<'static>, Places)> {
        let search = self.bus.call_method(
            Some(BUS_NAME),
            PATH,
            Some(INTERFACE),
            "SearchItems",
            &attributes,
        );
        let (service, found) = tokio::join!(self.service(), search);
        let found = found.and_then(|found| found.body().deserialize::<(Vec<_>, Vec<_>)>());
        let (unlocked, locked) = found.map_err(|error| failure(error.into()))?;
        Ok((service?, Places { unlocked, locked }))
    }

    /// Removes an item. KeePassXC asks the user first, and this waits for the answer without limit.
    async fn delete(&self, item: &ObjectPath<'_>) -> Result<()> {
        let deleted = self.bus.call_method(
            Some(BUS_NAME),
            item,
            Some("org.freedesktop.Secret.Item"),
            "Delete",
            &(),
        );
        let answer = deleted.await.map_err(|error| failure(error.into()))?;
        let prompt: OwnedObjectPath = answer
            .body()
            .deserialize()
            .map_err(|error| failure(error.into()))?;
        if prompt.as_str() == NO_PROMPT {
            return Ok(());
        }
        let _asking = Asking::begin();
        let dismissed = self.ask(&prompt).await;
        match dismissed.map_err(|error| failure(error.into()))? {
            false => Ok(()),
            true => Err(failure(secret_service::Error::Prompt)),
        }
    }

    /// Shows the user a question of the keychain's. Whether it was dismissed.
    async fn ask(&self, prompt: &ObjectPath<'_>) -> zbus::Result<bool> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface(PROMPT)?
            .member("Completed")?
            .path(prompt)?
            .build();
        let mut completed = MessageStream::for_match_rule(rule, &self.bus, Some(1)).await?;
        self.bus
            .call_method(Some(BUS_NAME), prompt, Some(PROMPT), "Prompt", &"")
            .await?;
        let signal = completed
            .next()
            .await
            .ok_or_else(|| zbus::Error::from(io::Error::from(io::ErrorKind::ConnectionReset)))??;
        let (is_dismissed, _): (bool, OwnedValue) = signal.body().deserialize()?;
        Ok(is_dismissed)
    }

    /// Why items are locked: the whole keychain is, or its program keeps these from this process.
    async fn locked(&self) -> Error {
        let is_open = async {
            let collection = self.service().await?.get_default_collection().await;
            collection
                .map_err(failure)?
                .is_locked()
                .await
                .map(|is_locked| !is_locked)
                .map_err(failure)
        };
        if is_open.await.unwrap_or(false) {
            Error::NoStorageAccess(Box::new(ItemsLocked {
                program: self.program().await,
            }))
        } else {
            failure(secret_service::Error::Locked)
        }
    }

    /// The name of the program that answers as the keychain, where the system gives it.
    async fn program(&self) -> Option<String> {
        let (bus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
        let asked = self
            .bus
            .call_method(
                Some(bus),
                path,
                Some(bus),
                "GetConnectionUnixProcessID",
                &BUS_NAME,
            )
            .await
            .ok()?;
        let process: u32 = asked.body().deserialize().ok()?;
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        Some(text::shown(name.trim()))
    }
}

/// The keychain is unlocked, and keeps our items from this process until the user allows it.
#[derive(Debug)]
pub(super) struct ItemsLocked {
    /// The keychain's program.
    pub(super) program: Option<String>,
}

impl fmt::Display for ItemsLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keychain keeps the entries locked for this program")
    }
}

impl std::error::Error for ItemsLocked {}

/// Paths of items.
struct Places {
    unlocked: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // A thread that runs async code may not wait for the runtime's end.
        self.runtime
            .take()
            .into_iter()
            .for_each(Runtime::shutdown_background);
    }
}

/// The Secret Service as a credential store.
pub(super) struct Store(Arc<Session>);

impl Store {
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

impl CredentialStoreApi for Store {
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
async fn default_collection(session: &Session) -> Result<Collection<'_>> {
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
    session: Arc<Session>,
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
struct Found {
    session: Arc<Session>,
    path: OwnedObjectPath,
}

fn found_entry(session: &Arc<Session>, path: OwnedObjectPath) -> Entry {
    Entry::new_with_credential(Arc::new(Found {
        session: Arc::clone(session),
        path,
    }))
}

impl Found {
    async fn item(&self) -> Result<Item<'_>> {
        self.session
            .service()
            .await?
            .get_item_by_path(self.path.clone())
            .await
            .map_err(failure)
    }
}

impl CredentialApi for Found {
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
