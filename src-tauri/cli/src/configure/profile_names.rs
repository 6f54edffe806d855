//! The names of profiles: as requested, from a template, or made of the account's name in characters that every client reads.

use std::collections::HashSet;

use mcm_core::account::{Account, Identity};
use mcm_core::aws_files::{Client, Files};
use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

/// The longest name that we give a profile.
pub(super) const LONGEST_NAME: usize = 64;

/// Refuses a name for a profile that is taken, or that some client cannot read.
pub(super) fn require_free(name: &str, taken: &HashSet<String>) -> Result<(), Error> {
    if name.is_empty() || name != safe(name) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let message = format!(
            "Not every AWS client can read the profile name \"{shown}\". Use at most {LONGEST_NAME} letters, digits, - and _, \
             starting with a letter or digit."
        );
        return Err(Error::new(Code::InvalidInput, message));
    }
    if taken.contains(&name.to_lowercase()) {
        let message = format!(
            "A profile {name} that mcm did not write already exists. Choose another --name."
        );
        return Err(Error::new(Code::InvalidInput, message));
    }
    Ok(())
}

/// A free name for the account's profile: its own, with the role's when that is taken, and then numbers.
pub(super) fn free_name(account: &Account, template: &str, taken: &HashSet<String>) -> String {
    let account_id = account.aws_account_id().unwrap_or_default();
    let (mut base, distinction) = match &account.identity {
        Identity::Aws { role_arn, .. } => (
            safe(&account.name()),
            role_arn.rsplit('/').next().unwrap_or_default(),
        ),
        _ => (safe(&from_template(account, template)), account_id),
    };
    // A program without a named profile uses `default`; that is never decided here.
    if base.is_empty() || base.eq_ignore_ascii_case("default") {
        base = format!("aws-{account_id}");
    }
    let with_role = safe(&format!("{base}-{distinction}"));
    let numbered = (2..).map(|number| format!("{with_role}-{number}"));
    let mut names = [base, with_role.clone()].into_iter().chain(numbered);
    names
        .find(|name| !taken.contains(&name.to_lowercase()))
        .expect("numbers do not end")
}

/// The name of a role's profile as the template has it.
fn from_template(account: &Account, template: &str) -> String {
    let target = account.chosen_target();
    let pair = target.map_or("", |target| target.id.as_str());
    let (account_id, role) = pair.split_once('/').unwrap_or((pair, ""));
    let name = target.and_then(|target| target.parent.as_deref());
    template
        .replace("{account-id}", account_id)
        .replace("{account}", name.unwrap_or(account_id))
        .replace("{role}", role)
        .replace("{name}", &account.name())
}

/// A name in the characters that every client accepts in a profile's name (the JavaScript SDK's `\w` and `-`).
fn safe(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => safe.push(c),
            _ if safe.ends_with('-') => {}
            _ => safe.push('-'),
        }
    }
    // Never `__proto__`, which makes that SDK give up the whole file.
    let safe = safe.trim_start_matches(['-', '_']);
    safe.chars()
        .take(LONGEST_NAME)
        .collect::<String>()
        .trim_end_matches(['-', '_'])
        .to_owned()
}

/// The names of the profiles that any client reads in AWS's credentials file, in lower case. Keys under one of them
/// override a profile of that name in the config file.
pub(super) fn names_in_credentials(environment: &Environment) -> HashSet<String> {
    let credentials = Files::read(environment).credentials;
    let seen = Client::ALL
        .into_iter()
        .filter_map(|client| credentials.profiles(client).ok());
    let names = seen.flat_map(|profiles| {
        let names = profiles.iter().map(|(name, _)| name.trim().to_lowercase());
        names.collect::<Vec<_>>()
    });
    names.collect()
}
