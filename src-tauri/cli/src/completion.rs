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
    let accounts = Arc::new(Accounts::of(&book));
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
fn with_accounts(command: Command, accounts: &Arc<Accounts>) -> Command {
    let clouds = clouds_of(command.get_name());
    let command = command.mut_args(|argument| {
        if !matches!(argument.get_id().as_str(), "account" | "accounts") {
            return argument;
        }
        let accounts = accounts.clone();
        let complete = move |typed: &OsStr| accounts.offered(clouds, &typed.to_string_lossy());
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

/// The accounts as they can be offered, and what each is looked up by, put together once.
struct Accounts {
    known: Vec<Known>,
    /// How many accounts have a name, in lower case.
    exact: HashMap<String, usize>,
    /// Everything that each can be found by.
    found_by: Vec<String>,
}

/// An account as it can be offered.
struct Known {
    cloud: Cloud,
    /// The words that it might be called by, the best first; its id comes last.
    words: Vec<String>,
    /// Its whole names, in lower case.
    names: HashSet<String>,
    /// What is told of it, where a shell shows that.
    about: String,
}

/// With more accounts than this, and nothing typed, ids are offered, which need no comparing.
const MANY: usize = 200;

impl Accounts {
    fn of(book: &Book) -> Self {
        let known: Vec<Known> = book.accounts.iter().map(Known::of).collect();
        let mut exact: HashMap<String, usize> = HashMap::new();
        for name in known.iter().flat_map(|account| &account.names) {
            *exact.entry(name.clone()).or_default() += 1;
        }
        Self { known, exact, found_by: book.accounts.iter().map(Account::found_by).collect() }
    }

    fn offered(&self, clouds: &[Cloud], typed: &str) -> Vec<CompletionCandidate> {
        let fits = self.known.iter().filter(|account| clouds.contains(&account.cloud));
        let candidate = |account: &Known| {
            let word = match typed {
                "" if self.known.len() > MANY => account.words.last().cloned(),
                typed => self.words(account, typed).next().cloned(),
            };
            Some(CompletionCandidate::new(word?).help(Some(account.about.clone().into())))
        };
        fits.filter_map(candidate).collect()
    }

    /// The words that begin as typed and fit this account and no other, the best first.
    fn words<'a>(&'a self, account: &'a Known, typed: &str) -> impl Iterator<Item = &'a String> {
        let typed = typed.to_lowercase();
        account.words.iter().filter(move |word| {
            let word = word.to_lowercase();
            word.starts_with(&typed) && self.is_its(account, &word)
        })
    }

    fn is_its(&self, account: &Known, word: &str) -> bool {
        match self.exact.get(word) {
            Some(count) => *count == 1 && account.names.contains(word),
            None => self.found_by.iter().filter(|text| text.contains(word)).take(2).count() == 1,
        }
    }
}

impl Known {
    fn of(account: &Account) -> Self {
        let (name, who, id) = (account.name(), account.identity.who(), account.id.as_str());
        let mut words: Vec<String> = plain_words(&name).collect();
        words.extend(plain_words(who).filter(|word| word == who));
        words.extend(plain_words(id).filter(|word| word == id));
        let mut seen = HashSet::new();
        words.retain(|word| seen.insert(word.to_lowercase()));
        let names =
            [name.as_str(), account.identity.label(), who].map(str::to_lowercase).into_iter().collect();
        let about = format!("{name}, {who}, {}", account.cloud().title());
        let about = about.chars().filter(|c| !c.is_control()).collect();
        Self { cloud: account.cloud(), words, names, about }
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
        let known = Accounts::of(&book);
        let plain = |(offered, account): (&Known, &Account)| {
            let mut words: Vec<String> = known.words(offered, "").cloned().collect();
            assert!(words.iter().all(|word| book.resolve(word).is_ok_and(|found| found.id == account.id)));
            assert_eq!(words.pop().as_deref(), Some(account.id.as_str()), "the id comes last");
            words
        };
        known.known.iter().zip(accounts).map(plain).collect()
    }

    #[test]
    fn an_account_is_offered_by_what_fits_no_other() {
        let accounts =
            [azure("a", "Contoso Ltd (Europe)", "ada@contoso.example"), azure("b", "Contoso", "b@x.example")];
        assert_eq!(
            words(&accounts),
            [
                vec!["Ltd".to_owned(), "Europe".to_owned(), "ada@contoso.example".to_owned()],
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
        assert!(!Known::of(&azure("a", hostile, hostile)).about.contains(char::is_control));
    }

    #[test]
    fn every_shell_has_a_script_that_asks_by_our_variable() {
        for shell in Shell::value_variants().iter().copied() {
            assert!(script(shell).contains(VARIABLE), "{}", shell.name());
        }
    }
}
