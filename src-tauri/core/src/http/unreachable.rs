//! Requests that got no answer: what stood in the way, in words, and every cause of it in the log.
//!
//! A certificate that is not trusted, one that is not of this time, a proxy that refuses, a name that is not
//! found and a server that is silent each have their own remedy.

use std::error::Error as StdError;

use rustls::CertificateError;

use super::answer::proxy_sign_in;
use super::proxy::Route;
use crate::error::{Code, Error, causes};

/// What a request met on its way.
#[derive(Debug, PartialEq, Eq)]
enum Obstacle {
    /// No known authority issued the certificate.
    UntrustedCertificate,
    /// The certificate's time is over, by this machine's clock.
    ExpiredCertificate,
    /// The certificate's time has not begun, by this machine's clock.
    EarlyCertificate,
    /// The certificate is another server's.
    ForeignCertificate,
    /// The certificate is of no use for another reason.
    UnusableCertificate,
    /// The proxy wants a sign-in.
    ProxySignIn,
    /// The proxy did not lead on.
    ProxyRefusal,
    /// Nothing answers where the proxy is said to be.
    NoProxy,
    /// What answers there is no proxy of this kind, or it hung up.
    OtherThanProxy,
    /// The proxy says nothing.
    SilentProxy,
    /// SOCKS 5 with names that this machine looks up, and it does not know this one.
    UnknownName,
    /// No answer in time.
    Silence,
    /// No connection.
    NoConnection,
    /// The connection broke.
    BrokenOff,
}

/// Windows does not say which of the two it is.
const EXPIRED: &str = if cfg!(windows) {
    "has expired or is not valid yet"
} else {
    "has expired"
};

/// The failure of a request, in words. Every cause goes to the log, which names no address but the place.
pub(super) fn explain(place: &str, route: &Route, error: reqwest::Error) -> Error {
    let error = error.without_url();
    tracing::warn!(
        place,
        causes = line_of_causes(&error),
        "a server was not reached"
    );
    words(&obstacle(&error, route), place, route).with_source(error)
}

fn words(obstacle: &Obstacle, place: &str, route: &Route) -> Error {
    let (code, message) = match obstacle {
        Obstacle::UntrustedCertificate => (
            Code::Offline,
            format!(
                "The certificate of {place} is not trusted. A company proxy may inspect TLS: add its CA to the system, or \
                 set SSL_CERT_FILE or network.ca_file."
            ),
        ),
        Obstacle::ExpiredCertificate => (
            Code::ClockOff,
            format!(
                "The certificate of {place} {EXPIRED}, by this machine's clock. Check the clock. If it is right, the \
                 server or an inspecting proxy has to renew the certificate."
            ),
        ),
        Obstacle::EarlyCertificate => (
            Code::ClockOff,
            format!(
                "The certificate of {place} is not valid yet, by this machine's clock. Set the clock, then try again."
            ),
        ),
        Obstacle::ForeignCertificate => (
            Code::Offline,
            format!(
                "Another server answered for {place}: its certificate has another name. Open any website in a browser: \
                 the network may want a sign-in."
            ),
        ),
        Obstacle::UnusableCertificate => (
            Code::Offline,
            format!(
                "The certificate of {place} cannot be used. The log has the reason; send it to your network's \
                 administrator."
            ),
        ),
        Obstacle::ProxySignIn => return proxy_sign_in(place, route),
        Obstacle::ProxyRefusal => (
            Code::Offline,
            format!(
                "{} did not lead to {place}. Check {}, or ask your network's administrator to allow {place}.",
                route.named(),
                route.variable()
            ),
        ),
        Obstacle::NoProxy => (
            Code::Offline,
            format!(
                "{} cannot be reached, so {place} was not asked. Check the network, and {}.",
                route.named(),
                route.variable()
            ),
        ),
        Obstacle::OtherThanProxy => (
            Code::Offline,
            format!(
                "{} does not answer as such a proxy does, so {place} was not asked. Check the kind and the port in {}.",
                route.named(),
                route.variable()
            ),
        ),
        Obstacle::SilentProxy => (
            Code::Offline,
            format!(
                "{} did not lead to {place} in time. Retrying automatically. Check the network, and {}.",
                route.named(),
                route.variable()
            ),
        ),
        Obstacle::UnknownName => (
            Code::Offline,
            format!(
                "This machine does not know the name {place}. Write socks5h:// in {}, so that the proxy looks names up.",
                route.variable()
            ),
        ),
        Obstacle::Silence => (
            Code::Offline,
            format!(
                "{place} did not answer in time. Retrying automatically. {}",
                route.advice()
            ),
        ),
        Obstacle::NoConnection => (
            Code::Offline,
            format!("{place} cannot be reached. {}", route.advice()),
        ),
        Obstacle::BrokenOff => (
            Code::ServerFailed,
            format!("{place} sent an incomplete response. Retrying automatically."),
        ),
    };
    Error::new(code, message)
}

fn obstacle(error: &reqwest::Error, route: &Route) -> Obstacle {
    match causes(error).find_map(of_cause) {
        Some(Obstacle::ProxyRefusal) if causes(error).any(is_unanswered) => Obstacle::NoProxy,
        Some(obstacle) => obstacle,
        None if error.is_timeout() && error.is_connect() && matches!(route, Route::Proxy(_)) => {
            Obstacle::SilentProxy
        }
        None if error.is_timeout() => Obstacle::Silence,
        None if error.is_connect() => Obstacle::NoConnection,
        None => Obstacle::BrokenOff,
    }
}

/// Whether a connection was not made at all. For a SOCKS proxy the library passes no cause on, but says so.
fn is_unanswered(cause: &(dyn StdError + 'static)) -> bool {
    use std::io::ErrorKind;
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::TimedOut
        )
    })
}

fn of_cause(cause: &(dyn StdError + 'static)) -> Option<Obstacle> {
    if let Some(rustls::Error::InvalidCertificate(certificate)) = cause.downcast_ref() {
        return Some(match certificate {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Obstacle::UntrustedCertificate
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Obstacle::ExpiredCertificate
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Obstacle::EarlyCertificate
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Obstacle::ForeignCertificate
            }
            CertificateError::Other(other) => of_system(&other.to_string()),
            _ => Obstacle::UnusableCertificate,
        });
    }
    // The types of a tunnel and of SOCKS are not public; their words are.
    let text = cause.to_string();
    if text.contains("proxy authorization required") {
        return Some(Obstacle::ProxySignIn);
    }
    if let Some(trouble) = text.strip_prefix("SOCKS error: ") {
        return Some(of_socks(trouble));
    }
    match text.as_str() {
        "error resolving for socks proxy" => Some(Obstacle::UnknownName),
        text if text.starts_with("tunnel error: ") => Some(Obstacle::ProxyRefusal),
        _ => None,
    }
}

/// What stood in the way of SOCKS, in the words of hyper-util.
fn of_socks(trouble: &str) -> Obstacle {
    match trouble {
        "failed to create underlying connection" => Obstacle::NoProxy,
        // It wants another way to sign in than the one it was offered, which is none, or a user and a password.
        "server does not support user/pass authentication"
        | "server implements authentication incorrectly"
        | "credentials not accepted"
        | "server ident service failed"
        | "server ident service did not recognise client identifier" => Obstacle::ProxySignIn,
        "io error during SOCKS handshake" | "failed parsing server response" => {
            Obstacle::OtherThanProxy
        }
        "could not resolve to acceptable address type" => Obstacle::UnknownName,
        _ => Obstacle::ProxyRefusal,
    }
}

/// What a system's own check says by a number alone, at the end of a text.
fn of_system(text: &str) -> Obstacle {
    let number = text.trim_end_matches(')').rsplit(' ').next();
    match number.unwrap_or_default() {
        // Windows' CERT_E_CHAINING, and errSecNotTrusted of macOS.
        "-2146762486" | "-67843" => Obstacle::UntrustedCertificate,
        // errSecCertificateExpired and errSecCertificateNotValidYet.
        "-67818" => Obstacle::ExpiredCertificate,
        "-67819" => Obstacle::EarlyCertificate,
        _ => Obstacle::UnusableCertificate,
    }
}

/// Every cause of an error, as one line for the log.
fn line_of_causes(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_windows_and_macos_lead_to_the_same_words_as_rustls() {
        for (text, obstacle) in [
            (
                "A certificate chain could not be built to a trusted root authority. (os error -2146762486)",
                Obstacle::UntrustedCertificate,
            ),
            (
                "\u{201c}a.example\u{201d} certificate is not trusted: -67843",
                Obstacle::UntrustedCertificate,
            ),
            (
                "\u{201c}a.example\u{201d} certificate is expired: -67818",
                Obstacle::ExpiredCertificate,
            ),
            (
                "\u{201c}a.example\u{201d} certificate is not yet valid: -67819",
                Obstacle::EarlyCertificate,
            ),
            (
                "certificate had invalid extensions",
                Obstacle::UnusableCertificate,
            ),
            ("", Obstacle::UnusableCertificate),
        ] {
            assert_eq!(of_system(text), obstacle, "{text}");
        }
    }
}
