//! `mcm env`: lines that make a shell work as one or several accounts.
//!
//! The shell keeps what it is given, so a credential among it is one in plain variables that nobody renews. AWS is the
//! exception: when a profile of `~/.aws/config` runs `mcm credential-process` for the account, the shell is told of the
//! profile and gets no secret. What would win over the accounts is unset in the same breath.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdout};

use jiff::tz::TimeZone;
use mcm_core::account::Cloud;
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::world::World;
use secrecy::{ExposeSecret as _, SecretString};

use crate::arguments::Env;
use crate::aws_files;
use crate::choice::choose;
use crate::credential_env::{self, lasting};
use crate::failure::Failure;
use crate::interactive::sign_in_where_needed;
use crate::output::{note, print};
use crate::shell::Shell;
use crate::token::requesting_program;
use crate::variables;

pub(crate) async fn run(app: &App, world: &World, wish: &Env) -> Result<(), Failure> {
    let Some(shell) = wish.shell.or_else(Shell::around) else {
        let message = "No known shell runs mcm here. Name the one that reads this with --shell.";
        return Err(Error::new(Code::InvalidInput, message).into());
    };
    if wish.unset {
        let names = Cloud::ALL
            .into_iter()
            .flat_map(variables::of)
            .map(|variable| variable.name);
        return Ok(print(&shell.unset(names))?);
    }
    let mut given: BTreeMap<&'static str, SecretString> = BTreeMap::new();
    let (mut taken, mut told) = (Vec::new(), Vec::new());
    let mut choices = choose(app, &wish.whose)?;
    if wish.interactive {
        sign_in_where_needed(app, &world.vault, &mut choices).await?;
    }
    for choice in choices {
        let account = choice.account;
        taken.extend(variables::of(account.cloud()).filter(|variable| variable.would_win()));
        given.extend(credential_env::places(&account, &app.settings()));
        // Also for a profile: an account that needs its person fails here and not in the next program.
        let handed = app.issue(&account.id, &requesting_program()).await;
        let session = handed.map_err(|error| Failure::of(&account, error))?;
        let profile = aws_files::profile_that_asks_us(&world.environment, &account.id);
        if let Some(profile) = profile.filter(|name| is_plain(name)) {
            let name = account.name();
            told.push(format!("{name}: by the profile \"{profile}\", which runs mcm for each credential. It holds no secret."));
            given.insert("AWS_PROFILE", profile.into());
            continue;
        }
        told.push(lasting(
            &account,
            &session,
            world.clock.now(),
            &TimeZone::system(),
        ));
        if account.cloud() == Cloud::Azure {
            told.push(
                "  AZURE_ACCESS_TOKEN is for scripts: az, Terraform and Azure's libraries read no token from a variable. \
                 Run them with \"mcm exec\"."
                    .to_owned(),
            );
        }
        given.extend(credential_env::plain(&account, &session));
    }
    let unset = taken
        .iter()
        .map(|variable| variable.name)
        .filter(|name| !given.contains_key(name));
    let mut lines = shell.unset(unset);
    for (name, value) in &given {
        if !is_plain(value.expose_secret()) {
            let message = format!(
                "The value for {name} has characters that mcm puts into no shell. Use \"mcm exec\"."
            );
            return Err(Error::new(Code::Unsupported, message).into());
        }
        lines.push('\n');
        lines.push_str(&shell.set(name, value.expose_secret()));
    }
    let lines = SecretString::from(lines);
    for line in told {
        note(&line);
    }
    if variables::are_secret(given.keys().copied()) {
        note(
            "Every program that this shell starts can read these. \"mcm env --unset\" takes them back, and \"mcm exec\" keeps them out of the shell.",
        );
    }
    Ok(print(lines.expose_secret())?)
}

/// Prints lines that fail, for a shell that evaluates them: `eval "$(mcm env …)"` must not go on as another account.
/// What would win is unset. At a terminal nobody evaluates anything.
pub(crate) fn print_failing(shell: Option<Shell>) {
    if stdout().is_terminal() {
        return;
    }
    let lines = match shell.or_else(Shell::around) {
        Some(shell) => {
            let all = Cloud::ALL.into_iter().flat_map(variables::of);
            let names = all.filter(|variable| variable.would_win());
            let unset = shell.unset(names.map(|variable| variable.name));
            format!("{unset}\n{}", shell.fail())
        }
        // It is a command that fails in every shell.
        None => "false".to_owned(),
    };
    // The failure is on standard error as well.
    let _ = print(&lines);
}

/// Whether a value means the same to every shell, quoted or not. No id, region or token has other characters, but a
/// server could send some.
fn is_plain(value: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "._~:/+=@-".contains(c);
    value.chars().all(is_fit)
}
