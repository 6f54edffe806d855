//! Starts: the meaning of this process's arguments, of a second start's, or of an address from the system.
//!
//! Arguments come from any program of this user, including a web page, so they are checked here as text and go
//! nowhere else: no event, no web view, no log. A sign-in's address goes to core, which looks for a pending flow.

use mcm_core::account::AccountId;
use mcm_core::world::SCHEME;

/// The prefix of the schemes of Google's clients; the rest is the client's id.
const GOOGLE: &str = "com.googleusercontent.apps.";
/// The longest address that is accepted, in bytes. A sign-in's is a tenth of that.
const MAX_LINK_BYTES: usize = 8 * 1024;
/// The longest account id that is accepted; real ids are much shorter.
const LONGEST_ID: usize = 64;

/// The request of a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LaunchArgs<'a> {
    /// The window.
    Window,
    /// The window at one account; the id is well formed and may be unknown.
    Account(AccountId),
    /// No window: the start at login.
    Hidden,
    /// The switcher, for a shortcut that the desktop itself manages.
    Switcher,
    /// The window, and this address of one of our schemes for the flow that waits for it.
    Address(&'a str),
}

impl<'a> LaunchArgs<'a> {
    /// Parses a program's arguments without its own name. Only a single argument has a meaning; everything else opens
    /// the window.
    pub(crate) fn read(arguments: &'a [String]) -> Self {
        match arguments {
            [only] if only == "--hidden" => Self::Hidden,
            [only] if only == "--switcher" => Self::Switcher,
            [only] => Self::read_address(only),
            _ => Self::Window,
        }
    }

    /// Parses an address from the system.
    pub(crate) fn read_address(address: &'a str) -> Self {
        let Some((scheme, rest)) = address
            .split_once(':')
            .filter(|_| address.len() <= MAX_LINK_BYTES)
        else {
            return Self::Window;
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme.starts_with(GOOGLE) {
            return Self::Address(address);
        }
        if scheme != SCHEME {
            return Self::Window;
        }
        let Some(place) = rest.strip_prefix("//open") else {
            return Self::Address(address);
        };
        match place.strip_prefix('/') {
            Some(id) if is_account_id(id) => Self::Account(AccountId::from(id.to_owned())),
            _ => Self::Window,
        }
    }
}

fn is_account_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        format!("{:?}", LaunchArgs::read(&arguments))
    }

    #[test]
    fn one_address_of_our_scheme_is_passed_on_unchanged() {
        let address = format!("{SCHEME}://auth/azure?code=a&state=b");
        assert_eq!(read(&[&address]), format!("Address({address:?})"));
        let google = format!("{GOOGLE}1234-abcd:/oauth2redirect?code=a&state=b");
        assert_eq!(read(&[&google]), format!("Address({google:?})"));
        let shouted = address.to_uppercase();
        assert_eq!(read(&[&shouted]), format!("Address({shouted:?})"));
    }

    #[test]
    fn an_address_among_other_arguments_is_only_a_start() {
        let address = format!("{SCHEME}://auth/azure?code=a&state=b");
        for arguments in [
            &["--flag", &address] as &[&str],
            &[&address, "--flag"],
            &[&address, &address],
            &[&format!(" {address}")],
            &[&format!("--url={address}")],
        ] {
            assert_eq!(read(arguments), "Window", "{arguments:?}");
        }
    }

    #[test]
    fn garbage_is_only_a_start() {
        let long = format!("{SCHEME}://auth/azure?code={}", "a".repeat(MAX_LINK_BYTES));
        for argument in [
            "",
            ":",
            "--hidden=yes",
            "--remote-debugging-port=1",
            "https://auth/azure?code=a",
            "io.github.multicloudmanager",
            "io.github.multicloudmanager.evil://auth/azure?code=a",
            &long,
        ] {
            assert_eq!(read(&[argument]), "Window", "{argument:?}");
        }
        assert_eq!(read(&[]), "Window");
        assert_eq!(read(&["--hidden"]), "Hidden");
        assert_eq!(read(&["--switcher"]), "Switcher");
    }

    #[test]
    fn an_account_is_opened_only_by_a_well_formed_id() {
        let open = |place: &str| read(&[&format!("{SCHEME}://open{place}")]);
        assert_eq!(
            open("/azure-0123456789ab"),
            "Account(AccountId(\"azure-0123456789ab\"))"
        );
        for place in [
            "",
            "/",
            "/azure-1/x",
            "/../x",
            "/AZURE",
            "/a%20b",
            "?account=azure-1",
            "#azure-1",
            "ed/azure-1",
        ] {
            assert_eq!(open(place), "Window", "{place:?}");
        }
        assert_eq!(open(&format!("/{}", "a".repeat(LONGEST_ID + 1))), "Window");
    }
}
