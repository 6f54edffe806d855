//! The proxy that only the desktop's settings know: GNOME's and its relatives', and KDE's.
//!
//! Read as GLib's resolver and KIO read them, and only where no variable names a proxy. A script that chooses the proxy
//! (PAC) is a program of the network's: this app runs none, and says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::proxy::{Proxy, Route, Unusable, Variables, exceptions};
use crate::file;

/// Desktops whose settings are GNOME's.
const OF_GNOME: [&str; 8] = [
    "gnome",
    "unity",
    "x-cinnamon",
    "cinnamon",
    "mate",
    "budgie",
    "pantheon",
    "deepin",
];
const SCHEMA: &str = "org.gnome.system.proxy";
/// How long `gsettings` may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// KDE's file has under a kilobyte.
const LARGEST_FILE: u64 = 256 * 1024;
const GNOME: &str = "the desktop's network settings";
const SCRIPT: &str = "choose the proxy by a script (PAC), which this app does not run";

/// A desktop whose settings may name a proxy.
#[derive(Clone)]
pub(super) struct Desktop {
    kind: ProxyKind,
    /// What `NO_PROXY` lists.
    except: String,
}

#[derive(Clone)]
enum ProxyKind {
    /// `gsettings` says it. The variables are those that choose where it looks.
    Gnome(Vec<(&'static str, String)>),
    /// A file of KDE's says it.
    Kde(PathBuf),
}

/// What `gsettings` and where it looks depend on.
const OF_GSETTINGS: [&str; 9] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_DATA_DIRS",
    "DBUS_SESSION_BUS_ADDRESS",
    "DCONF_PROFILE",
    "GSETTINGS_BACKEND",
    "GSETTINGS_SCHEMA_DIR",
];

impl Desktop {
    /// The desktop that runs, when it is one that has proxy settings.
    pub(super) fn of(variables: Variables<'_>) -> Option<Self> {
        if cfg!(any(windows, target_os = "macos")) {
            return None;
        }
        let names = variables("XDG_CURRENT_DESKTOP")?.to_ascii_lowercase();
        let is_one_of = |known: &[&str]| names.split(':').any(|name| known.contains(&name));
        let kind = if is_one_of(&["kde"]) {
            let config =
                variables("XDG_CONFIG_HOME").filter(|folder| Path::new(folder).is_absolute());
            let config = config.map(PathBuf::from);
            let config = config.or_else(|| Some(Path::new(variables("HOME")?).join(".config")))?;
            ProxyKind::Kde(config.join("kioslaverc"))
        } else if is_one_of(&OF_GNOME) {
            let set = |name: &&'static str| Some((*name, variables(name)?.to_owned()));
            ProxyKind::Gnome(OF_GSETTINGS.iter().filter_map(set).collect())
        } else {
            return None;
        };
        Some(Self {
            kind,
            except: exceptions(variables),
        })
    }

    /// The way out that the desktop's settings name now. Settings that cannot be read name none.
    pub(super) async fn route(&self) -> Route {
        let route = match &self.kind {
            ProxyKind::Gnome(variables) => {
                gnome(&gsettings(variables.clone()).await.unwrap_or_default())
            }
            ProxyKind::Kde(path) => {
                let read = file::read_at_most(path, LARGEST_FILE).ok().flatten();
                kde(&String::from_utf8_lossy(&read.unwrap_or_default()), path)
            }
        };
        match route {
            Route::Proxy(mut proxy) => {
                proxy.except = format!("{},{}", proxy.except, self.except);
                Route::Proxy(proxy)
            }
            other => other,
        }
    }
}

async fn gsettings(variables: Vec<(&'static str, String)>) -> Option<String> {
    let ask = move || {
        Command::new("gsettings")
            .args(["list-recursively", SCHEMA])
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
    };
    let asked = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(ask)).await;
    match asked {
        Ok(Ok(Ok(output))) if output.status.success() => String::from_utf8(output.stdout).ok(),
        _ => {
            tracing::warn!("gsettings did not say whether the desktop has a proxy");
            None
        }
    }
}

/// What GLib's resolver makes of these settings: the proxy for https, else the one for http, else SOCKS.
fn gnome(listed: &str) -> Route {
    let value = |schema: &str, key: &str| {
        let start = format!("{schema} {key} ");
        let found = listed.lines().find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_default().trim().to_owned()
    };
    let text = |schema: &str, key: &str| unquoted(&value(schema, key));
    match text(SCHEMA, "mode").as_str() {
        "manual" => {}
        "auto" => return script(GNOME),
        _ => return Route::Direct,
    }
    let address = |kind: &str, section: &str| {
        let schema = format!("{SCHEMA}.{section}");
        let (host, port) = (text(&schema, "host"), value(&schema, "port"));
        if host.is_empty() || port == "0" {
            return None;
        }
        let user = if section == "http" && value(&schema, "use-authentication") == "true" {
            let part = |key: &str| percent_encoded(&text(&schema, key));
            format!(
                "{}:{}@",
                part("authentication-user"),
                part("authentication-password")
            )
        } else {
            String::new()
        };
        Some(format!("{kind}://{user}{host}:{port}"))
    };
    let found = address("http", "https").or_else(|| address("http", "http"));
    let Some(address) = found.or_else(|| address("socks5h", "socks")) else {
        return Route::Direct;
    };
    let hosts = value(SCHEMA, "ignore-hosts");
    let hosts = hosts
        .trim_start_matches("@as")
        .trim()
        .trim_matches(['[', ']']);
    let hosts = hosts.split(',').map(|host| unquoted(host.trim()));
    to_route(&address, GNOME, hosts)
}

/// What KIO makes of its file: the proxy for https, else SOCKS.
fn kde(listed: &str, path: &Path) -> Route {
    let mut is_ours = false;
    let mut value = |wanted: &str| {
        let lines = listed.lines().map(str::trim);
        let found = lines.filter(|line| {
            if line.starts_with('[') {
                is_ours = *line == "[Proxy Settings]";
            }
            is_ours
        });
        let found = found.filter_map(|line| line.split_once('='));
        // A key may carry marks, as in `NoProxyFor[$e]`.
        let is_it = |key: &str| key.split('[').next().unwrap_or_default().trim() == wanted;
        let found = found.filter(|(key, _)| is_it(key)).last();
        found.map_or("", |(_, value)| value.trim()).to_owned()
    };
    let origin = format!("KDE's settings in {}", path.display());
    match value("ProxyType").as_str() {
        "1" => {}
        "2" | "3" => return script(&origin),
        // 4 means variables, and there is none.
        _ => return Route::Direct,
    }
    if value("ReversedException") == "true" {
        return Route::Unknown(Unusable {
            origin,
            what: "use the proxy for listed hosts alone, which this app cannot follow",
        });
    }
    let address = [value("httpsProxy"), value("socksProxy")];
    let Some(address) = address.into_iter().find(|address| !address.is_empty()) else {
        return Route::Direct;
    };
    // KDE puts a blank before the port.
    let address = address.split_whitespace().collect::<Vec<_>>().join(":");
    let hosts = value("NoProxyFor");
    to_route(
        &address,
        &origin,
        hosts.split([',', ' ']).map(str::to_owned),
    )
}

fn to_route(address: &str, origin: &str, except: impl Iterator<Item = String>) -> Route {
    match Proxy::parse(address, origin) {
        Ok(proxy) => {
            // `*.corp.example` is how desktops write what `NO_PROXY` has as `.corp.example`.
            let except = except.map(|host| host.trim().trim_start_matches('*').to_owned());
            let except: Vec<_> = except.filter(|host| !host.is_empty()).collect();
            Route::Proxy(Proxy {
                except: except.join(","),
                ..proxy
            })
        }
        Err(_) => Route::Unknown(Unusable {
            origin: origin.to_owned(),
            what: "name a proxy that this app cannot use",
        }),
    }
}

fn script(origin: &str) -> Route {
    Route::Unknown(Unusable {
        origin: origin.to_owned(),
        what: SCRIPT,
    })
}

/// Text as `gsettings` prints it, without its quotes.
fn unquoted(text: &str) -> String {
    let inner = ['\'', '"']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner
        .unwrap_or(text)
        .replace("\\'", "'")
        .replace("\\\\", "\\")
}

fn percent_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(route: Route) -> String {
        match route {
            Route::Proxy(proxy) => format!("{} but {}", proxy.place(), proxy.except),
            Route::Unknown(unusable) => unusable.what.to_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn gnomes_settings_are_read_as_glib_reads_them() {
        const HOSTS: &str =
            "org.gnome.system.proxy ignore-hosts ['localhost', '*.corp.example', '10.0.0.0/8']\n";
        const HTTP: &str =
            "org.gnome.system.proxy.http host 'h.example'\norg.gnome.system.proxy.http port 8080\n";
        const HTTPS: &str = "org.gnome.system.proxy.https host 's.example'\norg.gnome.system.proxy.https port 3128\n";
        const SOCKS: &str = "org.gnome.system.proxy.socks host 'k.example'\norg.gnome.system.proxy.socks port 1080\n";
        const MANUAL: &str = "org.gnome.system.proxy mode 'manual'\n";
        let empty = "org.gnome.system.proxy.https host ''\norg.gnome.system.proxy.https port 0\n";
        for (listed, expected) in [
            (String::new(), "Direct"),
            (
                "org.gnome.system.proxy mode 'none'\n".to_owned() + HTTPS,
                "Direct",
            ),
            ("org.gnome.system.proxy mode 'auto'\n".to_owned(), SCRIPT),
            (MANUAL.to_owned(), "Direct"),
            (
                MANUAL.to_owned() + HOSTS + HTTP + HTTPS + SOCKS,
                "s.example:3128 but localhost,.corp.example,10.0.0.0/8",
            ),
            (
                MANUAL.to_owned() + empty + HTTP + SOCKS,
                "h.example:8080 but ",
            ),
            (
                MANUAL.to_owned() + empty + SOCKS,
                "socks5h://k.example:1080 but ",
            ),
        ] {
            assert_eq!(shown(gnome(&listed)), expected, "{listed}");
        }
    }

    #[test]
    fn kdes_file_is_read_as_kio_reads_it() {
        let path = Path::new("/home/ada/.config/kioslaverc");
        for (listed, expected) in [
            ("", "Direct"),
            (
                "[Proxy Settings]\nProxyType=0\nhttpsProxy=http://p 1",
                "Direct",
            ),
            ("[Proxy Settings]\nProxyType=2\n", SCRIPT),
            (
                "[Proxy Settings]\nProxyType=4\nhttpsProxy=HTTPS_PROXY",
                "Direct",
            ),
            (
                "[Other]\nProxyType=0\n[Proxy Settings][$Version]\nx=y\n[Proxy Settings]\nProxyType=1\nhttpsProxy=http://p.example \
                 3128\nNoProxyFor[$e]=localhost,.corp.example",
                "p.example:3128 but localhost,.corp.example",
            ),
            (
                "[Proxy Settings]\nProxyType=1\nhttpsProxy=\nsocksProxy=socks://k.example:1080",
                "socks5h://k.example:1080 but ",
            ),
            (
                "[Proxy Settings]\nProxyType=1\nhttpsProxy=http://p:1\nReversedException=true",
                "use the proxy for listed hosts alone, which this app cannot follow",
            ),
        ] {
            assert_eq!(shown(kde(listed, path)), expected, "{listed}");
        }
    }
}
