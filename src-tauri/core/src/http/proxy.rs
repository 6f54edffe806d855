//! The way out of this machine, and proxies as variables name them: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.
//!
//! Every request but those to this machine is `https`, so `HTTP_PROXY` leads nowhere here, as in curl. `socks://` is
//! how GNOME writes SOCKS 5; the proxy then looks names up, because this machine may know none.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// The value of a variable as it is set, also an empty one.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// In the order in which they win.
const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The kinds that can be used, with how they are asked for.
const KINDS: [(&str, &str); 7] = [
    ("http", "http"),
    ("https", "https"),
    ("socks", "socks5h"),
    ("socks5", "socks5"),
    ("socks5h", "socks5h"),
    ("socks4", "socks4"),
    ("socks4a", "socks4a"),
];

/// The way out of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// No proxy.
    Direct,
    /// No proxy, although the desktop's settings have one that this app cannot know.
    Unknown(Unusable),
    /// A proxy.
    Proxy(Proxy),
    /// What the system's settings say, which the HTTP library reads (Windows and macOS).
    System,
}

/// Proxy settings of a desktop that this app cannot follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Whose settings.
    pub origin: String,
    /// What they do, after "which".
    pub what: &'static str,
}

impl Route {
    /// The proxy, as a sentence begins with it.
    pub(super) fn named(&self) -> String {
        match self {
            Self::Proxy(proxy) => format!("The proxy {}", proxy.place()),
            Self::Direct | Self::Unknown(_) | Self::System => "A proxy".to_owned(),
        }
    }

    /// The variable that names the proxy, or would win over whatever names it.
    pub(super) fn variable(&self) -> &str {
        match self {
            Self::Proxy(proxy) => proxy.variable.unwrap_or("HTTPS_PROXY"),
            Self::Direct | Self::Unknown(_) | Self::System => "HTTPS_PROXY",
        }
    }

    /// The proxy, when its address has a user and perhaps a password in it.
    pub(super) fn has_sign_in(&self) -> bool {
        matches!(self, Self::Proxy(proxy) if proxy.has_sign_in())
    }

    /// How a proxy of this kind is written with a user and a password.
    pub(super) fn address_with_sign_in(&self) -> String {
        let kind = match self {
            Self::Proxy(proxy) => proxy.kind(),
            Self::Direct | Self::Unknown(_) | Self::System => "http".to_owned(),
        };
        format!("{kind}://USER:PASSWORD@HOST:PORT")
    }

    /// What to check when nothing answers, as a sentence.
    pub(super) fn advice(&self) -> String {
        match self {
            Self::Direct => "Check the network and the proxy settings.".to_owned(),
            Self::System => "Check the network and the system's proxy settings.".to_owned(),
            Self::Proxy(proxy) => format!(
                "Check the network, and the proxy {} (from {}).",
                proxy.place(),
                proxy.origin
            ),
            Self::Unknown(Unusable { origin, what }) => {
                format!("Check the network. {origin} {what}: set HTTPS_PROXY to your proxy.")
            }
        }
    }
}

/// A proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its address, perhaps with a user and a password.
    pub(super) address: SecretString,
    /// Hosts that are reached without it, as `NO_PROXY` lists them.
    pub(super) except: String,
    /// Where it was named.
    pub origin: String,
    /// The variable that named it, when one did.
    pub(super) variable: Option<&'static str>,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.address.expose_secret() == other.address.expose_secret()
            && self.except == other.except
            && self.origin == other.origin
    }
}

impl Eq for Proxy {}

impl Proxy {
    /// A proxy by an address as users write it.
    ///
    /// # Errors
    /// The rest of the sentence that begins with where it was named.
    pub(super) fn parse(text: &str, origin: &str) -> Result<Self, String> {
        const REMEDY: &str = "Set it to http://HOST:PORT or socks5h://HOST:PORT.";
        let (kind, rest) = text
            .trim()
            .split_once("://")
            .unwrap_or(("http", text.trim()));
        let known = KINDS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(kind));
        let Some((_, kind)) = known else {
            return Err(format!(
                "names a proxy of a kind that this app does not know. {REMEDY}"
            ));
        };
        let url = Url::parse(&format!("{kind}://{rest}")).ok();
        let url = url.filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
        let Some(url) = url else {
            return Err(format!("is not the address of a proxy. {REMEDY}"));
        };
        Ok(Self {
            address: String::from(url).into(),
            except: String::new(),
            origin: origin.to_owned(),
            variable: None,
        })
    }

    fn url(&self) -> Url {
        Url::parse(self.address.expose_secret()).expect("it was made from a URL")
    }

    /// Whether a user and perhaps a password are in its address.
    fn has_sign_in(&self) -> bool {
        !self.url().username().is_empty()
    }

    fn kind(&self) -> String {
        self.url().scheme().to_owned()
    }

    /// Its kind, host and port, which is all of it that may be shown.
    pub fn place(&self) -> String {
        let url = self.url();
        let kind = match url.scheme() {
            "http" => String::new(),
            other => format!("{other}://"),
        };
        format!("{kind}{}", super::place(&url))
    }
}

/// The way that the variables name, if any does. An empty one says that there is no proxy.
///
/// # Errors
/// The sentence for a variable that cannot be used.
pub(super) fn from_variables(variables: Variables<'_>) -> Result<Option<Route>, String> {
    let mut is_set = false;
    for name in NAMES {
        let Some(text) = variables(name) else {
            continue;
        };
        is_set = true;
        if text.trim().is_empty() {
            continue;
        }
        let proxy = Proxy::parse(text, name).map_err(|what| format!("{name} {what}"))?;
        return Ok(Some(Route::Proxy(Proxy {
            except: exceptions(variables),
            variable: Some(name),
            ..proxy
        })));
    }
    Ok(is_set.then_some(Route::Direct))
}

/// The hosts that the variables want reached without a proxy.
pub(super) fn exceptions(variables: Variables<'_>) -> String {
    let set = EXCEPTIONS.iter().find_map(|name| variables(name));
    set.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(pairs: &[(&str, &'static str)]) -> Result<Option<String>, String> {
        let get = |name: &str| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        };
        let route = from_variables(&get)?;
        Ok(route.map(|route| match route {
            Route::Proxy(proxy) => {
                format!(
                    "{} from {} but {}",
                    proxy.place(),
                    proxy.origin,
                    proxy.except
                )
            }
            other => format!("{other:?}"),
        }))
    }

    #[test]
    fn the_variables_that_lead_to_https_servers_are_respected_and_named() {
        for (pairs, expected) in [
            (&[][..], None),
            (&[("HTTP_PROXY", "http://p:1")], None),
            (
                &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "a.example")],
                Some("p:1 from HTTPS_PROXY but a.example"),
            ),
            (&[("https_proxy", "p:1")], Some("p:1 from https_proxy but ")),
            (
                &[("ALL_PROXY", "socks://127.0.0.1:1080/")],
                Some("socks5h://127.0.0.1:1080 from ALL_PROXY but "),
            ),
            (
                &[("all_proxy", "socks5h://ada:secret@p:1080")],
                Some("socks5h://p:1080 from all_proxy but "),
            ),
            (
                &[
                    ("ALL_PROXY", "socks5://p:1"),
                    ("HTTPS_PROXY", "https://q:2"),
                ],
                Some("https://q:2 from HTTPS_PROXY but "),
            ),
            (&[("HTTPS_PROXY", "")], Some("Direct")),
            (
                &[("HTTPS_PROXY", " "), ("ALL_PROXY", "http://p:1")],
                Some("p:1 from ALL_PROXY but "),
            ),
        ] {
            assert_eq!(
                route(pairs).expect("usable").as_deref(),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn what_is_no_proxy_is_named_by_its_variable_and_never_quoted() {
        for text in [
            "quic://ada:CANARY@p",
            "http://",
            "http://[",
            "socks5h://ada:CANARY@",
        ] {
            let why = from_variables(&|name| (name == "HTTPS_PROXY").then_some(text));
            let why = why.expect_err(text);
            assert!(
                why.starts_with("HTTPS_PROXY ") && why.contains("socks5h://HOST"),
                "{why}"
            );
            assert!(!why.contains("CANARY"), "{why}");
        }
    }

    #[test]
    fn a_password_stands_in_no_form_that_is_shown() {
        let proxy = Proxy::parse("http://ada:CANARY@p.example:8080", "HTTPS_PROXY");
        let proxy = proxy.expect("a proxy");
        assert_eq!(proxy.place(), "p.example:8080");
        assert!(!format!("{proxy:?} {:?}", Route::Proxy(proxy.clone())).contains("CANARY"));
    }
}
