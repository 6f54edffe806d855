//! The connection to the keychain on the session bus, and the dialogs in which it asks the user.
//!
//! One connection and one thread serve a process. A dialog is waited for only where the user asked for it.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use keyring_core::api::CredentialStore;
use keyring_core::{Error, Result};
use secret_service::{EncryptionType, SecretService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::{self, Runtime};
use tokio::sync::{OnceCell, watch};
use tokio::time::timeout;
use zbus::address::Address;
use zbus::address::transport::{Transport, UnixSocket};
use zbus::connection::Builder;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Guid, MatchRule, MessageStream};

use super::{KeychainStore, failure};
use crate::text;

/// The Secret Service by its well-known name and path.
const BUS_NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const INTERFACE: &str = "org.freedesktop.Secret.Service";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
/// The path that stands for no prompt.
const NO_PROMPT: &str = "/";

/// Connects to this user's bus. The session with the Secret Service is opened by the first call that needs it. Each
/// answer may take as long as the limit, if there is one; a dialog has none.
pub(in crate::vault) fn connect(limit: Option<Duration>) -> Result<Arc<CredentialStore>> {
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
    let session = BusSession {
        bus,
        service: OnceCell::new(),
        runtime: Some(runtime),
    };
    session
        .wait(session.introduce())
        .map_err(|error| failure(error.into()))?;
    Ok(Arc::new(KeychainStore(Arc::new(session))))
}

/// The bus of this user's session, not greeted yet if that is a socket with a path. The library would start a thread
/// to connect to it, and wait for an answer to every line.
async fn session_bus(limit: Option<Duration>) -> zbus::Result<Connection> {
    let address = Address::session()?;
    // Looking up a host loads plug-ins of the C library, and the program with a limit may have that library in itself.
    if limit.is_some() && matches!(address.transport(), Transport::Tcp(_)) {
        let elsewhere = io::Error::from(io::ErrorKind::Unsupported);
        return Err(zbus::Error::Connection(Arc::new(elsewhere), address));
    }
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
static ASKED: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// How many questions the keychain asks its user now, on behalf of this process.
pub(in crate::vault) fn questions() -> watch::Receiver<usize> {
    ASKED.subscribe()
}

/// A question on the screen.
struct Asking;

impl Asking {
    fn begin() -> Self {
        ASKED.send_modify(|asked| *asked += 1);
        Self
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        ASKED.send_modify(|asked| *asked -= 1);
    }
}

/// A session, and the runtime that its messages move on: one thread, the one that waits for an answer.
pub(super) struct BusSession {
    pub(super) bus: Connection,
    pub(super) service: OnceCell<SecretService<'static>>,
    /// None only while it is dropped.
    pub(super) runtime: Option<Runtime>,
}

impl BusSession {
    /// Waits for an answer. Only for threads that run no async code.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime
            .as_ref()
            .expect("only drop takes it")
            .block_on(answer)
    }

    pub(super) async fn service(&self) -> Result<&SecretService<'static>> {
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
    pub(super) async fn search(
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
    pub(super) async fn delete(&self, item: &ObjectPath<'_>) -> Result<()> {
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
    pub(super) async fn locked(&self) -> Error {
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
pub(in crate::vault) struct ItemsLocked {
    /// The keychain's program.
    pub(in crate::vault) program: Option<String>,
}

impl fmt::Display for ItemsLocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keychain keeps the entries locked for this program")
    }
}

impl std::error::Error for ItemsLocked {}

/// Paths of items.
pub(super) struct Places {
    pub(super) unlocked: Vec<OwnedObjectPath>,
    pub(super) locked: Vec<OwnedObjectPath>,
}

impl Drop for BusSession {
    fn drop(&mut self) {
        // A thread that runs async code may not wait for the runtime's end.
        self.runtime
            .take()
            .into_iter()
            .for_each(Runtime::shutdown_background);
    }
}
