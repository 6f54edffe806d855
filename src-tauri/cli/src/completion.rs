//! Shell completion: commands, options, and the names of accounts, their targets and Azure's resources.
//!
//! A shell asks by running `mcm` with a variable set, which is checked before anything else: no completion gets past
//! the start of a command, and no command starts the engine. Completion reads `accounts.db`, and the kubeconfig where a
//! context is asked for, never the keychain or a network. Names come from servers and files, and a shell treats a
//! completion like typed text: only words without meaning to any shell are offered.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Command, CommandFactory as _};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use mcm_core::account::{Account, COLOURS, Cloud, Target};
use mcm_core::environment::{ICONS, TIME_BOXES};
use mcm_core::error::Error;
use mcm_core::holders::Holders;
use mcm_core::kubeconfig_paths;
use mcm_core::provider::azure::resource;
use mcm_core::store::Store;
use mcm_core::user_kubeconfig::UserKubeconfig;
use mcm_core::world::{Environment, Paths};

use crate::arguments::Arguments;
use crate::output::print;
use crate::shell::Shell;

/// The variable that the scripts set when a shell asks.
const VARIABLE: &str = "MCM_COMPLETE";

/// Whether a shell asks.
pub(crate) fn is_asked(environment: &Environment) -> bool {
    environment.get(VARIABLE).is_some()
}

/// Answers a shell. Commands and options are offered even when the accounts cannot be read.
pub(crate) fn answer(environment: &Environment) -> ExitCode {
    let paths = Paths::resolve(environment).ok();
    let line = std::env::args_os()
        .skip_while(|word| word != "--")
        .skip(1)
        .collect();
    let asked = Arc::new(Asked {
        environment: environment.clone(),
        store: paths.as_ref().map(|paths| Store::in_folder(&paths.data)),
        paths,
        line,
    });
    let factory = || with_names(Arguments::command(), &asked);
    let answered = CompleteEnv::with_factory(factory)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), None);
    if answered.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints a shell's completion script for `mcm`.
///
/// # Errors
/// As `print`.
pub(crate) fn print_script(shell: Shell) -> Result<(), Error> {
    print(script(shell).trim())
}

/// Renders a shell's completion script for `mcm`.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let shell = shells
        .completer(shell.name())
        .expect("it is one of the engine's");
    shell
        .write_registration(VARIABLE, "mcm", "mcm", "mcm", &mut script)
        .expect("memory takes every byte");
    let script = String::from_utf8(script).expect("scripts are text");
    let script = script
        .replace(BASH_INDEX, "")
        .replace(BASH_WORDS, BASH_WHOLE_WORDS)
        .replace(BASH_FAILED, BASH_ENDS);
    // zsh runs a file of its function path as the function itself, and then wants completions at once.
    script.replace(
        "compdef _clap_dynamic_completer_mcm mcm",
        "if [ \"$funcstack[1]\" = _mcm ]; then\n    _clap_dynamic_completer_mcm \"$@\"\nelse\n    \
         compdef _clap_dynamic_completer_mcm mcm\nfi",
    )
}

// bash breaks words at colons, equal signs and at signs, which are in the names of contexts and accounts. The engine is asked
// with whole words, and bash gets back what it does not have yet.
const BASH_INDEX: &str = "    local _CLAP_COMPLETE_INDEX=${COMP_CWORD}\n";
const BASH_WORDS: &str = r#"    local words=("${COMP_WORDS[@]}")
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        words[COMP_CWORD]="$2"
    fi
"#;
const BASH_WHOLE_WORDS: &str = r#"    local line="${COMP_LINE:0:${COMP_POINT:-0}}" words=() known='' rest i
    local _CLAP_COMPLETE_INDEX=-1
    for ((i = 0; i <= COMP_CWORD; i++)); do
        rest="${line#"${line%%[![:space:]]*}"}"
        if [[ $i -eq 0 || -z $line || "$rest" != "$line" ]]; then
            words+=('')
            _CLAP_COMPLETE_INDEX=$((_CLAP_COMPLETE_INDEX + 1))
        fi
        if [[ $i -lt $COMP_CWORD ]]; then
            words[_CLAP_COMPLETE_INDEX]+="${COMP_WORDS[i]}"
            line="${rest#"${COMP_WORDS[i]}"}"
        elif [[ -z ${words[_CLAP_COMPLETE_INDEX]} ]]; then
            words[_CLAP_COMPLETE_INDEX]="$2"
        else
            words[_CLAP_COMPLETE_INDEX]+="$rest"
            known="${words[_CLAP_COMPLETE_INDEX]%"$2"}"
        fi
    done
"#;
const BASH_FAILED: &str = "        unset COMPREPLY\n    elif";
const BASH_ENDS: &str = r#"        unset COMPREPLY
        return
    fi
    if [[ -n $known ]]; then
        COMPREPLY=("${COMPREPLY[@]#"$known"}")
    fi
    if"#;

/// The commands, whose arguments that take a name complete what is stored.
fn with_names(command: Command, asked: &Arc<Asked>) -> Command {
    let name = command.get_name().to_owned();
    let clouds = clouds_of(&name);
    let of_cloud = |cloud: &'static [Cloud], asked: Arc<Asked>| {
        ArgValueCompleter::new(move |typed: &OsStr| {
            asked.accounts_and_targets(cloud, &typed.to_string_lossy())
        })
    };
    let command = command.mut_args(|argument| {
        let asked = asked.clone();
        if !argument.get_action().takes_values() {
            return argument;
        }
        let completer = match argument.get_id().as_str() {
            "account" if name == "use" => ArgValueCompleter::new(move |typed: &OsStr| {
                let mut offers = asked.environments(typed);
                offers.extend(asked.accounts_and_targets(clouds, &typed.to_string_lossy()));
                offers
            }),
            "account" | "accounts" => ArgValueCompleter::new(move |typed: &OsStr| {
                asked.accounts_and_targets(clouds, &typed.to_string_lossy())
            }),
            "target" => {
                ArgValueCompleter::new(move |typed: &OsStr| asked.targets(&Cloud::ALL, typed))
            }
            "region" => ArgValueCompleter::new(move |typed: &OsStr| asked.regions(typed)),
            "aws" => of_cloud(&[Cloud::Aws], asked),
            "azure" => of_cloud(&[Cloud::Azure], asked),
            "gcp" => of_cloud(&[Cloud::Gcp], asked),
            "active" | "without" => words(clouds.iter().map(|cloud| cloud.as_str())),
            "colour" => words(COLOURS),
            "icon" => words(ICONS),
            "minutes" => words(TIME_BOXES.map(|minutes| minutes.to_string())),
            "protected" | "exclusive" => words(["true", "false"]),
            // Elsewhere it is the name that EKS knows.
            "cluster" if ["create", "edit"].contains(&name.as_str()) => {
                ArgValueCompleter::new(move |typed: &OsStr| asked.contexts(typed))
            }
            "remove_cluster" => ArgValueCompleter::new(move |typed: &OsStr| asked.clusters(typed)),
            "revoke" => ArgValueCompleter::new(move |typed: &OsStr| asked.holders(typed)),
            "environment" => ArgValueCompleter::new(move |typed: &OsStr| asked.environments(typed)),
            "resource" => ArgValueCompleter::new(resources),
            _ => return argument,
        };
        argument.add(completer)
    });
    command.mut_subcommands(|command| with_names(command, asked))
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

/// The short names of Azure's resources.
fn resources(typed: &OsStr) -> Vec<CompletionCandidate> {
    that_begin(resource::names(), typed)
}

/// Completes one of a few words.
fn words(words: impl IntoIterator<Item = impl Into<String>>) -> ArgValueCompleter {
    let words: Vec<String> = words.into_iter().map(Into::into).collect();
    ArgValueCompleter::new(move |typed: &OsStr| that_begin(words.iter().map(String::as_str), typed))
}

/// The names that begin as typed, but for those that a shell would act on.
fn that_begin<'a>(
    names: impl IntoIterator<Item = &'a str>,
    typed: &OsStr,
) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names
        .into_iter()
        .filter(|name| name.starts_with(&*typed) && is_plain(name))
        .map(CompletionCandidate::new)
        .collect()
}

/// Whether no shell acts on a name, so that it can be offered whole.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_+=,.@:-".contains(c);
    name.chars().all(is_plain)
}

/// The line that a shell asks about.
struct Asked {
    environment: Environment,
    paths: Option<Paths>,
    store: Option<Store>,
    /// The words typed so far, the program first.
    line: Vec<OsString>,
}

impl Asked {
    fn environments(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let read = self.store.as_ref().map(Store::environments);
        let known = read.and_then(Result::ok).unwrap_or_default();
        that_begin(known.iter().map(|known| known.name.as_str()), typed)
    }

    /// The contexts of the user's kubeconfig.
    fn contexts(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let paths = self
            .paths
            .as_ref()
            .map(|paths| kubeconfig_paths::paths(&self.environment, &paths.data));
        let Some(Ok(kubeconfig)) = paths.map(UserKubeconfig::read) else {
            return Vec::new();
        };
        that_begin(kubeconfig.contexts().map(|context| context.name()), typed)
    }

    /// The clusters of the environment on the line.
    fn clusters(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let environment = self.named_on_line("environment").and_then(|name| {
            let store = self.store.as_ref()?;
            store.environment(&name).ok().flatten()
        });
        let clusters = environment.map(|named| named.clusters).unwrap_or_default();
        that_begin(
            clusters.iter().map(|cluster| cluster.context.as_str()),
            typed,
        )
    }

    /// What runs with credentials.
    fn holders(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let Some(paths) = &self.paths else {
            return Vec::new();
        };
        let listed = Holders::in_folder(&paths.data).list();
        that_begin(listed.iter().map(|listed| listed.id.as_str()), typed)
    }

    /// The accounts that have the typed text in a name. A word that begins with it can match no others.
    fn accounts(&self, typed: &str) -> Offers {
        let store = self.store.as_ref();
        let read = store.map(|store| store.with_text(typed).unwrap_or_default());
        Offers::of_accounts(&read.unwrap_or_default())
    }

    /// The accounts of some clouds; behind a slash, the targets of the account before it.
    fn accounts_and_targets(&self, clouds: &[Cloud], typed: &str) -> Vec<CompletionCandidate> {
        let account = typed.split_once('/').and_then(|(name, target)| {
            let account = self.store.as_ref()?.named(name).ok()?;
            Some((account, name, target))
        });
        let Some((account, name, target)) = account else {
            return self
                .accounts(typed)
                .fitting(typed, |offer| clouds.contains(&offer.cloud));
        };
        let fits = |known: &&Target| {
            known.id.starts_with(target) && is_plain(&known.id) && clouds.contains(&account.cloud())
        };
        let about =
            |known: &Target| -> String { known.name.chars().filter(|c| !c.is_control()).collect() };
        let fitting = account.targets.iter().filter(fits);
        fitting
            .map(|known| {
                CompletionCandidate::new(format!("{name}/{}", known.id))
                    .help(Some(about(known).into()))
            })
            .collect()
    }

    /// The targets of the account on the line, if it is one of these clouds.
    fn targets(&self, clouds: &[Cloud], typed: &OsStr) -> Vec<CompletionCandidate> {
        let account = self
            .account()
            .filter(|account| clouds.contains(&account.cloud()));
        account.map_or_else(Vec::new, |account| {
            Offers::of_targets(&account).fitting(&typed.to_string_lossy(), |_| true)
        })
    }

    /// The regions of the account on the line, or of the AWS account in use.
    fn regions(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let account = self.account().filter(|account| {
            // The targets of IAM Identity Center are roles.
            account.cloud() == Cloud::Aws && !account.identity.is_identity_center()
        });
        account.map_or_else(Vec::new, |account| {
            Offers::of_targets(&account).fitting(&typed.to_string_lossy(), |_| true)
        })
    }

    /// The account named on the line; else the AWS account in use, whose regions need no account there.
    fn account(&self) -> Option<Account> {
        let store = self.store.as_ref()?;
        match self
            .named_on_line("account")
            .or_else(|| self.named_on_line("aws"))
        {
            Some(name) => store.resolve(&name).ok(),
            None => store.active(Cloud::Aws).ok(),
        }
    }

    /// What an argument of the command on the line names.
    fn named_on_line(&self, argument: &str) -> Option<String> {
        let command = Arguments::command().ignore_errors(true);
        let matches = command.try_get_matches_from(&self.line).ok()?;
        let mut matches = &matches;
        while let Some((_, below)) = matches.subcommand() {
            matches = below;
        }
        matches.try_get_one::<String>(argument).ok()?.cloned()
    }
}

/// Items of one kind as they can be offered, compiled once.
struct Offers {
    all: Vec<Offer>,
    /// How many items have a name, in lower case.
    exact: HashMap<String, usize>,
}

/// An account or a target as it can be offered.
struct Offer {
    cloud: Cloud,
    /// The words that may name it, the best first; its id comes last.
    words: Vec<String>,
    /// Its whole names and its id, in lower case.
    names: HashSet<String>,
    /// Every text that it can be found by, in lower case.
    found_by: String,
    /// A description, where a shell shows one.
    about: String,
}

/// Above this number, only whole names and ids are offered, which need no comparison with every other item.
const MANY: usize = 200;

impl Offers {
    fn of_accounts(accounts: &[Account]) -> Self {
        Self::of(accounts.iter().map(Offer::of_account).collect())
    }

    fn of_targets(account: &Account) -> Self {
        let cloud = account.cloud();
        Self::of(
            account
                .targets
                .iter()
                .map(|target| Offer::of_target(cloud, target))
                .collect(),
        )
    }

    fn of(all: Vec<Offer>) -> Self {
        let mut exact: HashMap<String, usize> = HashMap::new();
        for name in all.iter().flat_map(|offer| &offer.names) {
            *exact.entry(name.clone()).or_default() += 1;
        }
        Self { all, exact }
    }

    fn fitting(&self, typed: &str, is_wanted: impl Fn(&Offer) -> bool) -> Vec<CompletionCandidate> {
        let candidate = |offer: &Offer| {
            let word = self.words(offer, typed).next()?;
            Some(CompletionCandidate::new(word).help(Some(offer.about.clone().into())))
        };
        self.all
            .iter()
            .filter(|offer| is_wanted(offer))
            .filter_map(candidate)
            .collect()
    }

    /// The words that begin as typed and match this one and no other, the best first.
    fn words<'a>(&'a self, offer: &'a Offer, typed: &str) -> impl Iterator<Item = &'a String> {
        let typed = typed.to_lowercase();
        offer.words.iter().filter(move |word| {
            let word = word.to_lowercase();
            word.starts_with(&typed) && self.is_its(offer, &word)
        })
    }

    fn is_its(&self, offer: &Offer, word: &str) -> bool {
        match self.exact.get(word) {
            Some(count) => *count == 1 && offer.names.contains(word),
            None if self.all.len() > MANY => false,
            None => {
                self.all
                    .iter()
                    .filter(|offer| offer.found_by.contains(word))
                    .take(2)
                    .count()
                    == 1
            }
        }
    }
}

impl Offer {
    fn of_account(account: &Account) -> Self {
        let (name, who, id) = (account.name(), account.identity.who(), account.id.as_str());
        let mut words: Vec<String> = plain_words(&name).collect();
        words.extend(plain_words(who).filter(|word| word == who));
        words.extend(plain_words(id).filter(|word| word == id));
        let names = HashSet::from(
            [name.as_str(), account.identity.label(), who, id].map(str::to_lowercase),
        );
        let about = format!("{name}, {who}, {}", account.cloud().title());
        Self::new(account.cloud(), words, names, account.found_by(), &about)
    }

    /// By its id, which users know; a subscription's id they do not.
    fn of_target(cloud: Cloud, target: &Target) -> Self {
        let (name, id) = (target.name.as_str(), target.id.as_str());
        let mut words = Vec::new();
        if cloud == Cloud::Azure {
            words.extend(plain_words(name));
        }
        words.extend(Some(id.to_owned()).filter(|id| is_plain(id)));
        let names = HashSet::from([name, id].map(str::to_lowercase));
        // No word spans two lines.
        let found_by = format!("{name}\n{id}").to_lowercase();
        Self::new(cloud, words, names, found_by, name)
    }

    fn new(
        cloud: Cloud,
        mut words: Vec<String>,
        names: HashSet<String>,
        found_by: String,
        about: &str,
    ) -> Self {
        let mut seen = HashSet::new();
        words.retain(|word| seen.insert(word.to_lowercase()));
        let about = about.chars().filter(|c| !c.is_control()).collect();
        Self {
            cloud,
            words,
            names,
            found_by,
            about,
        }
    }
}

/// The parts of a name that have no meaning to any shell.
fn plain_words(name: &str) -> impl Iterator<Item = String> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+');
    let words = name
        .split(move |c| !is_plain(c))
        .map(|word| word.trim_matches(['-', '+', '@', '.']));
    words
        .filter(|word| word.chars().count() > 1)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;
    use futures_util::FutureExt as _;
    use mcm_core::account::Identity;

    use crate::committed_file::hold_committed;

    /// Each shell that has a script, and the script's file in the packages.
    fn packaged() -> impl Iterator<Item = (Shell, &'static str)> {
        let shells = Shell::value_variants().iter().copied();
        shells.filter_map(|shell| Some((shell, shell.completion_file()?)))
    }

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
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::in_folder(folder.path());
        let put =
            store.change(|change| accounts.iter().try_for_each(|account| change.put(account)));
        put.now_or_never()
            .expect("no other process writes")
            .expect("written");
        let offers = Offers::of_accounts(accounts);
        let plain = |(offer, account): (&Offer, &Account)| {
            let mut words: Vec<String> = offers.words(offer, "").cloned().collect();
            assert!(words.iter().all(|word| {
                store
                    .resolve(word)
                    .is_ok_and(|found| found.id == account.id)
            }));
            assert_eq!(
                words.pop().as_deref(),
                Some(account.id.as_str()),
                "the id comes last"
            );
            words
        };
        offers.all.iter().zip(accounts).map(plain).collect()
    }

    #[test]
    fn an_account_is_offered_by_what_matches_no_other() {
        let accounts = [
            azure("a", "Contoso Ltd (Europe)", "ada@contoso.example"),
            azure("b", "Contoso", "b@x.example"),
        ];
        assert_eq!(
            words(&accounts),
            [
                vec![
                    "Ltd".to_owned(),
                    "Europe".to_owned(),
                    "ada@contoso.example".to_owned()
                ],
                vec!["Contoso".to_owned(), "b@x.example".to_owned()]
            ]
        );
    }

    #[test]
    fn a_hostile_name_is_offered_only_by_words_that_no_shell_acts_on() {
        let hostile = "$(touch x) `id` ; rm -rf ~ 'a\"b \u{1b}[31m --all *? \\ |&<>!{}[]\n%PATH% $HOME @(1) -x";
        for offered in words(&[azure("a", hostile, hostile)]).concat() {
            assert!(
                offered.chars().all(|c| c.is_ascii_alphanumeric()),
                "{offered:?}"
            );
        }
        assert!(
            !Offer::of_account(&azure("a", hostile, hostile))
                .about
                .contains(char::is_control)
        );
    }

    #[test]
    fn a_target_is_offered_by_what_matches_no_other_and_is_found_by_it() {
        let target = |id: &str, name: &str| Target {
            id: id.into(),
            name: name.into(),
            state: None,
            parent: None,
        };
        let mut account = azure("a", "Contoso", "ada@contoso.example");
        account.targets = vec![
            target("0a539779", "Production"),
            target("1b539779", "Production (Europe)"),
            target("2c539779", "$(id) `ls` Europe"),
            target("3d539779", "production"),
        ];
        let offers = Offers::of_targets(&account);
        let words = |offer: &Offer| offers.words(offer, "").cloned().collect::<Vec<_>>();
        let offered: Vec<Vec<String>> = offers.all.iter().map(words).collect();
        assert_eq!(
            offered,
            [
                vec!["0a539779"],
                vec!["1b539779"],
                vec!["id", "ls", "2c539779"],
                vec!["3d539779"]
            ]
        );
        for (words, target) in offered.iter().zip(&account.targets) {
            for word in words {
                assert_eq!(
                    crate::account_argument::find_target(&account, word, true)
                        .expect("it fits")
                        .id,
                    target.id,
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn every_shell_has_a_script_that_asks_by_our_variable() {
        for (shell, _) in packaged() {
            assert!(script(shell).contains(VARIABLE), "{}", shell.name());
        }
    }

    #[test]
    fn the_packages_hold_each_shells_script() {
        for (shell, file) in packaged() {
            let text = format!("{}\n", script(shell).trim());
            hold_committed(
                &format!("src-tauri/bundle/completions/{file}"),
                text.as_bytes(),
            );
        }
    }
}
