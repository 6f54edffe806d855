//! Signing in where no browser can be started: over SSH, or in a container.
//!
//! A browser on another computer reaches the sign-in through a port that SSH forwards, or the user enters a code. The
//! lines here are what the user copies, so they name this user and this machine where the system says so.

use mcm_core::account::Cloud;
use mcm_core::error::{Error, ErrorView};
use mcm_core::world::Environment;

/// The port in the advice. Any free one would do.
const USUAL_PORT: u16 = 8400;

/// Where SSH reaches this machine: its options and `user@host`.
fn destination(environment: &Environment) -> String {
    let named = |name| environment.get(name).filter(|name| is_plain(name));
    let user = named("USER").or_else(|| named("LOGNAME"));
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    // The client's address and port, then ours (sshd(8)).
    let connection: Vec<&str> = environment
        .get("SSH_CONNECTION")
        .map(|connection| connection.split(' ').collect())
        .unwrap_or_default();
    match connection[..] {
        [_, _, host, port] if is_plain(host) && is_plain(port) => {
            let option = if port == "22" {
                String::new()
            } else {
                format!("-p {port} ")
            };
            format!("{option}{user}{host}")
        }
        _ => format!("{user}{}", host_name().unwrap_or_else(|| "HOST".to_owned())),
    }
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| is_plain(name))
}

/// Whether a shell takes it as one word, and `ssh` not as an option.
fn is_plain(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(is_allowed)
}

/// The line that forwards a port of another computer to this machine.
pub(super) fn ssh_line(environment: &Environment, port: u16) -> String {
    format!(
        "ssh -L {port}:127.0.0.1:{port} {}",
        destination(environment)
    )
}

/// What the user does with a link that waits for a browser on another computer.
pub(super) fn instructions(environment: &Environment, link: &str, port: u16) -> String {
    format!(
        "On the computer with your browser, run this and leave it open:\n\n  {}\n\nThen open this link there. It works once:\n\n  \
         {link}\n\nCtrl-C cancels.",
        ssh_line(environment, port)
    )
}

/// The failure to start a browser, with the ways to sign in without one. `command` is the command of this sign-in.
pub(super) fn without_browser(
    environment: &Environment,
    error: &ErrorView,
    cloud: Cloud,
    command: &str,
) -> Error {
    let way = match cloud {
        Cloud::Azure => format!("run \"{command} --device-code\"."),
        // Google offers codes to no client that may use Google Cloud, and many organisations turn them off at AWS.
        Cloud::Gcp | Cloud::Aws => format!(
            "run \"{command} --redirect-port {USUAL_PORT}\". It uses the browser of your own computer, where you run\n  {}",
            ssh_line(environment, USUAL_PORT)
        ),
    };
    Error::seen(&ErrorView {
        message: format!("{}\nOver SSH or in a container, {way}", error.message),
        ..error.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_this_user_and_the_address_that_the_user_came_to() {
        for (variables, expected) in [
            (
                &[
                    ("USER", "ada"),
                    ("SSH_CONNECTION", "198.51.100.7 50000 203.0.113.7 22"),
                ][..],
                "ssh -L 8400:127.0.0.1:8400 ada@203.0.113.7",
            ),
            (
                &[
                    ("LOGNAME", "ada"),
                    ("SSH_CONNECTION", "2001:db8::7 50000 2001:db8::1 2222"),
                ],
                "ssh -L 8400:127.0.0.1:8400 -p 2222 ada@2001:db8::1",
            ),
        ] {
            let environment = Environment::from_pairs(variables.iter().copied());
            assert_eq!(ssh_line(&environment, 8400), expected);
        }
        // What is no name of a user or host is left out.
        let odd = [
            ("USER", "a; rm"),
            ("SSH_CONNECTION", "x y -oProxyCommand=z 22"),
        ];
        let line = ssh_line(&Environment::from_pairs(odd), 8400);
        assert!(!line.contains(';') && !line.contains("Proxy"), "{line}");
    }
}
