//! Shell completion: commands, options and the names of accounts.
//!
//! A shell asks by running `mcm` with a variable set, which is looked at before anything else: no completion passes the
//! start of a command, and no command starts the engine. What it reads is `accounts.json`, never the keychain or a
//! network. Names in it come from servers and from files, and a shell takes what it is given for what was typed: only
//! words that mean nothing to any shell are offered.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Command, CommandFactory as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use mcm_core::account::{Account, Cloud};
use mcm_core::error::Error;
use mcm_core::store::{Book, Store};
use mcm_core::world::{Environment, Paths};

use crate::arguments::Arguments;
use crate::output::print;
use crate::shell::Shell;

/// What the scripts set when a shell asks.
const VARIABLE: &str = "MCM_COMPLETE";

/// Whether a shell asks.
pub(crate) fn is_asked(environment: &Environment) -> bool {
    environment.get(VARIABLE).is_some()
}

/// Answers a shell. Whatever is wrong with the accounts, commands and options are offered all the same.
pub(crate) fn answer(environment: &Environment) -> ExitCode {
    let paths = Paths::resolve(environment);
    let book = paths.and_then(|paths| Store::in_folder(&paths.data).read()).unwrap_or_default();
    let accounts: Arc<[Known]> = known(&book).into();
    let factory = || with_accounts(Arguments::command(), &accounts);
    let answered = CompleteEnv::with_factory(factory).var(VARIABLE).try_complete(std::env::args_os(), None);
    if answered.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints what a shell reads to complete `mcm`.
///
/// # Errors
/// As `print`.
pub(crate) fn print_script(shell: Shell) -> Result<(), Error> {
    print(script(shell).trim())
}

/// What a shell reads to complete `mcm`.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let shell = shells.completer(shell.name()).expect("it is one of the engine's");
    shell.write_registration(VARIABLE, "mcm", "mcm", "mcm", &mut script).expect("memory takes every byte");
    String::from_utf8(script).expect("scripts are text")
}

/// The commands, whose arguments that name an account know the accounts.
fn with_accounts(command: Command, accounts: &Arc<[Known]>) -> Command {
    let clouds = clouds_of(command.get_name());
    let command = command.mut_args(|argument| {
        if !matches!(argument.get_id().as_str(), "account" | "accounts") {
            return argument;
        }
        let accounts = accounts.clone();
        let complete = move |typed: &OsStr| {
            let typed = typed.to_string_lossy().to_lowercase();
            let fits = accounts.iter().filter(|account| clouds.contains(&account.cloud));
            fits.filter_map(|account| account.candidate(&typed)).collect::<Vec<_>>()
        };
        argument.add(ArgValueCompleter::new(complete))
    });
    command.mut_subcommands(|command| with_accounts(command, accounts))
}

/// The clouds whose accounts a command takes.
fn clouds_of(command: &str) -> &'static [Cloud] {
    match command {
        "aws" | "credential-process" => &[Cloud::Aws],
        "token" => &[Cloud::Azure, Cloud::Gcp],
        "add-tenant" => &[Cloud::Azure],
        _ => &Cloud::ALL,
    }
}

/// An account as it can be offered.
struct Known {
    cloud: Cloud,
    /// What it can be called, the best first; its id comes last.
    words: Vec<String>,
    /// What is told of it, where a shell shows that.
    about: String,
}

/// The accounts as they can be offered. What each is looked up by is put together once, however many there are.
fn known(book: &Book) -> Vec<Known> {
    let names = |account: &Account| {
        let names = [account.name(), account.identity.label().to_owned(), account.identity.who().to_owned()];
        names.map(|name| name.to_lowercase()).into_iter().collect::<HashSet<_>>()
    };
    let found_by: Vec<String> = book.accounts.iter().map(Account::found_by).collect();
    let mut exact: HashMap<String, usize> = HashMap::new();
    for name in book.accounts.iter().flat_map(names) {
        *exact.entry(name).or_default() += 1;
    }
    let is_its = |account: &Account, word: &str| {
        let word = word.to_lowercase();
        match exact.get(&word) {
            Some(count) => *count == 1 && names(account).contains(&word),
            None => found_by.iter().filter(|text| text.contains(&word)).take(2).count() == 1,
        }
    };
    book.accounts.iter().map(|account| Known::of(account, |word| is_its(account, word))).collect()
}

impl Known {
    /// `is_its` says whether a word fits this account and no other.
    fn of(account: &Account, is_its: impl Fn(&str) -> bool) -> Self {
        let (name, who, id) = (account.name(), account.identity.who(), account.id.as_str());
        let mut seen = HashSet::new();
        // A name of several words is offered by the first that fits no other account.
        let mut words: Vec<String> = plain_words(&name).find(|word| is_its(word)).into_iter().collect();
        words.extend(plain_words(who).find(|word| word == who && is_its(word)));
        words.extend(plain_words(id).find(|word| word == id));
        words.retain(|word| seen.insert(word.to_lowercase()));
        let about = format!("{name}, {who}, {}", account.cloud().title());
        Self { cloud: account.cloud(), words, about: about.chars().filter(|c| !c.is_control()).collect() }
    }

    fn candidate(&self, typed: &str) -> Option<CompletionCandidate> {
        let word = self.words.iter().find(|word| word.to_lowercase().starts_with(typed))?;
        Some(CompletionCandidate::new(word).help(Some(self.about.clone().into())))
    }
}

/// The parts of a name that mean nothing to any shell.
fn plain_words(name: &str) -> impl Iterator<Item = String> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    let words = name.split(move |c| !is_plain(c)).map(|word| word.trim_matches(['-', '+', '@', '.']));
    words.filter(|word| word.chars().count() > 1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;
    use mcm_core::account::Identity;

    fn azure(home: &str, name: &str, username: &str) -> Account {
        let identity = Identity::Azure {
            home: home.into(),
            tenant_id: "58646273-e96c-4587-8e87-c6975d236d3c".into(),
            tenant_name: Some(name.into()),
            default_domain: None,
            username: username.into(),
        };
        Account::new(identity, jiff::Timestamp::UNIX_EPOCH)
    }

    fn words(accounts: &[Account]) -> Vec<Vec<String>> {
        let book = Book { accounts: accounts.to_vec(), ..Book::default() };
        let plain = |(known, account): (Known, &Account)| {
            let mut words = known.words;
            assert!(words.iter().all(|word| book.resolve(word).is_ok_and(|found| found.id == account.id)));
            assert_eq!(words.pop().as_deref(), Some(account.id.as_str()), "the id comes last");
            words
        };
        known(&book).into_iter().zip(accounts).map(plain).collect()
    }

    #[test]
    fn an_account_is_offered_by_what_fits_no_other() {
        let accounts =
            [azure("a", "Contoso Ltd (Europe)", "ada@contoso.example"), azure("b", "Contoso", "b@x.example")];
        assert_eq!(
            words(&accounts),
            [
                vec!["Ltd".to_owned(), "ada@contoso.example".to_owned()],
                vec!["Contoso".to_owned(), "b@x.example".to_owned()]
            ]
        );
    }

    #[test]
    fn a_hostile_name_is_offered_only_by_what_no_shell_acts_on() {
        let hostile =
            "$(touch x) `id` ; rm -rf ~ 'a\"b \u{1b}[31m --all *? \\ |&<>!{}[]\n%PATH% $HOME @(1) -x";
        for offered in words(&[azure("a", hostile, hostile)]).concat() {
            assert!(offered.chars().all(|c| c.is_ascii_alphanumeric()), "{offered:?}");
        }
        let known = Known::of(&azure("a", hostile, hostile), |_| true);
        assert!(!known.about.contains(char::is_control));
    }

    #[test]
    fn every_shell_has_a_script_that_asks_by_our_variable() {
        for shell in Shell::value_variants().iter().copied() {
            assert!(script(shell).contains(VARIABLE), "{}", shell.name());
        }
    }
}
