//! A session bus of a test's own, which starts an unlocked GNOME Keyring when something asks for a keychain.
//!
//! Its socket, its files and its keychain are in the folder of the test, and both processes end with it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mcm_core::world::APP_ID;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::OwnedObjectPath;

use super::files::executable;
use super::{missing, path, write};

/// The name of the keychain's service on the bus.
const KEYCHAIN: &str = "org.freedesktop.secrets";

/// A D-Bus that starts an unlocked keychain on request.
pub(super) struct Bus {
    pub(super) address: String,
    daemon: Child,
    keychain_id: PathBuf,
}

impl Bus {
    pub(super) fn start(folder: &Path) -> Self {
        let services = folder.join("services");
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&services)
            .expect("the folder is ours");
        let keychain_id = folder.join("keychain.pid");
        let keyring = executable(
            &folder.join("keychain"),
            &format!(
                "echo $$ > {}\nprintf password | exec gnome-keyring-daemon --foreground --unlock --components=secrets",
                keychain_id.display()
            ),
        );
        let service = format!(
            "[D-BUS Service]\nName={KEYCHAIN}\nExec={}\n",
            keyring.display()
        );
        write(
            &services.join(format!("{KEYCHAIN}.service")),
            0o600,
            &service,
        );
        let config = folder.join("bus.conf");
        write(&config, 0o600, &bus_config(folder, &services));

        // The keychain writes its files below HOME, and its socket in the runtime folder.
        let mut command = Command::new("dbus-daemon");
        command
            .arg("--nofork")
            .arg("--print-address")
            .arg("--config-file")
            .arg(&config)
            .env_clear();
        command
            .env("PATH", path())
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut daemon = command
            .spawn()
            .unwrap_or_else(|error| missing("dbus-daemon", "dbus", &error));
        let mut address = String::new();
        let output = daemon.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("the bus prints its address");
        let bus = Self {
            address: address.trim().to_owned(),
            daemon,
            keychain_id,
        };
        if let Err(error) = bus.call("org.freedesktop.DBus.Peer", "Ping", &()) {
            panic!(
                "the keychain does not start ({error}). This test needs the package gnome-keyring."
            );
        }
        bus
    }

    pub(super) fn call<B>(
        &self,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<zbus::Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let path = "/org/freedesktop/secrets";
        self.connection()
            .call_method(Some(KEYCHAIN), path, Some(interface), method, body)
    }

    pub(super) fn connection(&self) -> Connection {
        let built = Builder::address(self.address.as_str()).and_then(Builder::build);
        built.expect("the bus accepts connections")
    }

    pub(super) fn entries(&self) -> usize {
        let (unlocked, locked) = self.items();
        unlocked.len() + locked.len()
    }

    /// Our entries, the unlocked and the locked ones.
    pub(super) fn items(&self) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let attributes = HashMap::from([("service", APP_ID)]);
        let search = || {
            self.call(
                "org.freedesktop.Secret.Service",
                "SearchItems",
                &(&attributes,),
            )
        };
        // The real keychain sometimes ends when a client of its own is killed. The bus starts it again, and it has its name
        // before it answers.
        let mut reply = search();
        for _ in 0..200 {
            if reply.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            reply = search();
        }
        reply
            .expect("the keychain answers")
            .body()
            .deserialize()
            .expect("as specified")
    }

    /// Deletes our entries whose names begin like this.
    pub(super) fn delete(&self, beginning: &str) {
        let connection = self.connection();
        for item in self.items().0 {
            let interface = "org.freedesktop.Secret.Item";
            let asked = connection.call_method(
                Some(KEYCHAIN),
                &item,
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &(interface, "Attributes"),
            );
            // It may have ended, as in `items`.
            let Ok(reply) = asked else {
                return self.delete(beginning);
            };
            let body = reply.body();
            let value: zbus::zvariant::Value<'_> = body.deserialize().expect("as specified");
            let attributes: HashMap<String, String> = value.try_into().expect("as specified");
            if attributes
                .get("username")
                .is_some_and(|name| name.starts_with(beginning))
            {
                let deleted =
                    connection.call_method(Some(KEYCHAIN), &item, Some(interface), "Delete", &());
                deleted.expect("the keychain deletes");
            }
        }
    }

    pub(super) fn lock(&self) {
        let login =
            OwnedObjectPath::try_from("/org/freedesktop/secrets/collection/login").expect("a path");
        self.call("org.freedesktop.Secret.Service", "Lock", &(vec![login],))
            .expect("the keychain locks");
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        if let Ok(id) = fs::read_to_string(&self.keychain_id) {
            let _ = Command::new("kill").args(["-KILL", id.trim()]).status();
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// A session bus at a socket of its own, which starts nothing but what is in `services`.
fn bus_config(folder: &Path, services: &Path) -> String {
    format!(
        "<busconfig>
           <type>session</type>
           <listen>unix:path={}</listen>
           <servicedir>{}</servicedir>
           <policy context=\"default\">
             <allow send_destination=\"*\" eavesdrop=\"true\"/>
             <allow eavesdrop=\"true\"/>
             <allow own=\"*\"/>
           </policy>
         </busconfig>",
        folder.join("bus").display(),
        services.display()
    )
}
