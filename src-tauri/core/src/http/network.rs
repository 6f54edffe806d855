//! The network between this machine and the clouds: the proxy on the way out, and the certificate authorities to trust.
//!
//! What the user set is used, or the request fails; nothing falls back to a direct connection. Plain `http` leads to
//! this machine and its own link only, and never through a proxy.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use secrecy::ExposeSecret as _;

use super::desktop_proxy::Desktop;
use super::proxy::{self, Proxy, Route, Variables};
use crate::error::{Code, Error, Result};
use crate::file;

/// What is asked without a proxy, whatever is set: this machine, and the services of its own link.
const NEVER_THROUGH_A_PROXY: &str = "localhost,127.0.0.0/8,::1,169.254.0.0/16,fd00:ec2::/32";
/// Why no client can be made where the system's own authorities cannot be had.
const NO_STORE: &str = if cfg!(any(windows, target_os = "macos")) {
    "The system's certificate store could not be opened. Restart this machine, then try again."
} else {
    "The machine's certificate store could not be loaded. Install the ca-certificates package."
};
/// A bundle of every public authority has under 300 KiB.
const LARGEST_CA_FILE: u64 = 4 << 20;

/// How this machine reaches the clouds.
#[derive(Clone, Default)]
pub struct Network {
    way: Way,
    authorities: Vec<CaFile>,
}

/// What decides the way out.
#[derive(Clone, Default)]
enum Way {
    /// The settings do.
    Fixed(Route),
    /// A variable that cannot be used does.
    Refused(String),
    /// The desktop does, as it was found last.
    Desktop(Arc<Desktop>, Arc<Mutex<Option<Route>>>),
    /// The system does.
    #[default]
    System,
}

/// A file of certificate authorities to trust beside the system's.
#[derive(Clone)]
struct CaFile {
    path: PathBuf,
    /// Where it was named.
    origin: String,
}

impl Network {
    /// The network as these variables have it, or else the desktop.
    pub fn from_variables(variables: Variables<'_>) -> Self {
        let way = match proxy::from_variables(variables) {
            Ok(Some(route)) => Way::Fixed(route),
            Err(why) => Way::Refused(why),
            Ok(None) => match Desktop::of(variables) {
                Some(desktop) => Way::Desktop(Arc::new(desktop), Arc::default()),
                None => Way::System,
            },
        };
        let mut network = Self {
            way,
            authorities: Vec::new(),
        };
        if let Some(path) = variables("SSL_CERT_FILE").filter(|path| !path.trim().is_empty()) {
            network.trust(PathBuf::from(path), "SSL_CERT_FILE".to_owned());
        }
        network
    }

    /// Trusts the certificate authorities of a file beside the system's.
    pub fn trust(&mut self, path: PathBuf, origin: String) {
        self.authorities.push(CaFile { path, origin });
    }

    /// The way out.
    ///
    /// # Errors
    /// `setting-invalid` for a proxy that cannot be used.
    pub async fn route(&self) -> Result<Route> {
        match &self.way {
            Way::Fixed(route) => Ok(route.clone()),
            Way::Refused(why) => Err(Error::new(Code::SettingInvalid, why.clone())),
            Way::System => Ok(system_route()),
            Way::Desktop(desktop, found) => {
                if let Some(route) = locked(found).clone() {
                    return Ok(route);
                }
                let route = desktop.route().await;
                *locked(found) = Some(route.clone());
                Ok(route)
            }
        }
    }

    /// Reads the desktop's settings again before the next request: the machine may have moved to another network.
    pub(super) fn forget_route(&self) {
        if let Way::Desktop(_, found) = &self.way {
            *locked(found) = None;
        }
    }

    /// The certificates that are trusted beside the system's, by the setting that names them.
    ///
    /// # Errors
    /// `setting-invalid` for a file that cannot be read or holds none.
    pub fn authorities(&self) -> Result<Vec<(String, usize)>> {
        let count = |file: &CaFile| Ok((file.origin.clone(), file.certificates()?.len()));
        self.authorities.iter().map(count).collect()
    }

    /// The client that goes this way.
    pub(super) fn build(
        &self,
        builder: reqwest::ClientBuilder,
        route: &Route,
    ) -> Result<reqwest::Client> {
        let mut builder = match route {
            Route::System => builder,
            Route::Direct | Route::Unknown(_) => builder.no_proxy(),
            Route::Proxy(proxy) => builder.no_proxy().proxy(to_reqwest(proxy)?),
        };
        for file in &self.authorities {
            builder = builder.tls_certs_merge(file.certificates()?);
        }
        let built = builder.build();
        built.map_err(|error| self.refusal().with_source(error))
    }

    /// Why no client could be made: a file that holds what is no authority, or else the system's store.
    fn refusal(&self) -> Error {
        let is_usable = |certificates: Vec<reqwest::Certificate>| {
            let alone = reqwest::Client::builder().no_proxy();
            alone.tls_certs_merge(certificates).build().is_ok()
        };
        let is_refused = |file: &&CaFile| file.certificates().is_ok_and(|read| !is_usable(read));
        match self.authorities.iter().find(is_refused) {
            Some(file) if is_usable(Vec::new()) => {
                file.unusable("holds a certificate that cannot be used as one")
            }
            _ => Error::new(Code::Internal, NO_STORE),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's address may hold a password.
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

fn locked(found: &Mutex<Option<Route>>) -> MutexGuard<'_, Option<Route>> {
    found
        .lock()
        .expect("no code panics while it holds this lock")
}

/// Linux has no settings of the system's own but the desktop's.
fn system_route() -> Route {
    if cfg!(any(windows, target_os = "macos")) {
        Route::System
    } else {
        Route::Direct
    }
}

fn to_reqwest(proxy: &Proxy) -> Result<reqwest::Proxy> {
    let except = format!("{NEVER_THROUGH_A_PROXY},{}", proxy.except);
    let made = reqwest::Proxy::all(proxy.address.expose_secret());
    let made = made.map_err(|_| {
        // The library's error quotes the address, which may hold a password.
        let message = format!("{} names no usable proxy.", proxy.origin);
        Error::new(Code::SettingInvalid, message)
    })?;
    Ok(made.no_proxy(reqwest::NoProxy::from_string(&except)))
}

impl CaFile {
    fn certificates(&self) -> Result<Vec<reqwest::Certificate>> {
        let read = file::read_at_most(&self.path, LARGEST_CA_FILE);
        let bytes = read
            .map_err(|error| self.unusable("cannot be read").with_source(error))?
            .ok_or_else(|| self.unusable("is not there"))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&bytes).unwrap_or_default();
        if certificates.is_empty() {
            return Err(self.unusable("holds no certificate in PEM form"));
        }
        Ok(certificates)
    }

    fn unusable(&self, why: &str) -> Error {
        let message = format!(
            "{} names {}, which {why}. Set it to a PEM file with the certificate of your company's CA.",
            self.origin,
            self.path.display()
        );
        Error::new(Code::SettingInvalid, message)
    }
}
