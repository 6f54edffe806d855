//! `mcm env`: shell commands that set the credentials of one or more accounts.
//!
//! The shell keeps what it reads, so a credential in its variables is not renewed. AWS is the exception: when a
//! profile of `~/.aws/config` runs `mcm credential-process` for the account, the shell gets the profile's name and no
//! secret. Variables that would override the accounts are unset in the same output.

use std::io::{IsTerminal as _, stdout};

use jiff::tz::TimeZone;
use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::file;
use mcm_core::world::{Environment, World};
use secrecy::ExposeSecret as _;

use crate::access::Access;
use crate::account_argument::{Choice, choose, require_aws};
use crate::arguments::Env;
use crate::aws_files;
use crate::confirm_protected;
use crate::credential_env::{self, lasting};
use crate::environment_kubeconfig;
use crate::failure::Failure;
use crate::interactive::sign_in_where_needed;
use crate::output::{note, print, print_unfinished};
use crate::receipt;
use crate::shell::{Language, Shell};
use crate::token::requesting_program;
use crate::variables::{self, Changes, Fact, Facts, Way};
use crate::whoami::check;

pub(crate) async fn run(app: &App, world: &World, options: &Env) -> Result<(), Failure> {
    let Some(language) = options.language.or_else(around) else {
        let message =
            "No known shell runs mcm here. Choose the shell that reads this with --shell.";
        return Err(Error::new(Code::InvalidInput, message).into());
    };
    let shell_has = Environment::of_this_process();
    if options.unset {
        return Ok(print(&finished(
            language,
            &language.unset(variables::taken_back(&shell_has)),
        ))?);
    }
    variables::require_text()?;
    let mut chosen = choose(app, &options.whose)?;
    require_aws(options.region.as_deref(), &chosen.choices)?;
    if let Some(named) = chosen
        .environment
        .as_ref()
        .filter(|named| named.settings.is_protected)
    {
        // Nothing takes a credential back from a shell's variables.
        let message = format!(
            "{name} is protected, and its use ends by itself. Use \"mcm exec -E {name}\".",
            name = named.name
        );
        return Err(Error::new(Code::Unsupported, message).into());
    }
    if options.interactive {
        sign_in_where_needed(app, &world.vault, Access::Whole, &mut chosen.choices).await?;
    }
    let choices = &chosen.choices;
    let region = chosen.region(options.region.as_deref());
    let (mut facts, mut notes, mut receipt) = (Facts::new(), Vec::new(), Vec::new());
    notes.extend(chosen.remark());
    for Choice { account, .. } in choices {
        let places = credential_env::places(account, &app.settings(), &world.environment, region)?;
        facts.extend(places.facts);
        notes.extend(places.remarks);
        // Also for a profile: an account that needs a sign-in fails here and not in the next program.
        let resource = account.issued_resource()?;
        let handed = app
            .issue_in(
                &account.id,
                &resource,
                &requesting_program(),
                chosen.environment_name(),
            )
            .await;
        let session = handed.map_err(|error| Failure::of(account, error))?;
        receipt.push(receipt::ReceiptLine::new(account, &session, Access::Whole));
        let profile = aws_files::profile_that_runs_mcm(&world.environment, &account.asked_as());
        if let Some(profile) = profile.filter(|name| is_plain(name)) {
            let name = account.name();
            notes.push(format!("{name}: AWS_PROFILE is \"{profile}\", a profile that runs mcm for each credential. It contains no secret."));
            facts.insert(Fact::Profile, profile.into());
            facts.insert(Fact::LoadConfig, "1".into());
            continue;
        }
        notes.push(lasting(
            account,
            &session,
            world.clock.now(),
            &TimeZone::system(),
        ));
        notes.extend(limits(account.cloud()).map(str::to_owned));
        facts.extend(credential_env::plain(account, &session));
    }
    facts.extend(marks(&facts, choices, &shell_has));
    let accounts: Vec<&Account> = choices.iter().map(|choice| &choice.account).collect();
    let plain = accounts.iter().map(|account| (account.cloud(), Way::Plain));
    let closed = chosen.closed();
    let ways: Vec<(Cloud, Way)> = plain
        .chain(closed.iter().map(|cloud| (*cloud, Way::Closed)))
        .collect();
    if let Some(named) = &chosen.environment {
        facts.extend(credential_env::of_environment(named, None));
        let (environment, data) = (&world.environment, &world.paths.data);
        let kube = environment_kubeconfig::keep(data, named, &accounts, environment)?;
        facts.extend(kube);
    }
    if closed.contains(&Cloud::Azure) {
        for (fact, folder) in [(Fact::AzFolder, "az"), (Fact::AzdFolder, "azd")] {
            facts.insert(fact, empty_folder(world, folder)?.into());
        }
    }
    let changes = Changes::of(&shell_has, &ways, &facts);
    let lines = lines(language, &changes)?;
    check::require(
        app,
        &changes.applied(&shell_has),
        &accounts,
        &closed,
        options.force,
    )?;
    for line in notes {
        note(&line);
    }
    if let Some(agent) = confirm_protected::coding_agent(&world.environment) {
        let region = facts
            .get(&Fact::Region)
            .map(|region| region.expose_secret());
        let ends = receipt::Ends::of(None, false);
        receipt::print(agent, chosen.environment_name(), &receipt, region, ends);
    }
    if variables::are_secret(
        changes
            .given()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name),
    ) {
        note(
            "Every program that this shell starts can read these variables. \"mcm env --unset\" unsets them; \"mcm exec\" keeps them out of the shell.",
        );
    }
    Ok(print(&finished(language, &lines))?)
}

/// A folder in which `az` or `azd` is not signed in.
fn empty_folder(world: &World, name: &str) -> Result<String, Error> {
    let folder = world.paths.data.join("not-part").join(name);
    file::make_private(&folder)?;
    let text = folder.to_str().map(str::to_owned);
    text.ok_or_else(|| {
        let message = format!(
            "\"{}\" is not Unicode text. Set MCM_HOME.",
            folder.display()
        );
        Error::new(Code::StorageFailed, message)
    })
}

/// What a shell cannot have that "mcm exec" gives.
fn limits(cloud: Cloud) -> Option<&'static str> {
    match cloud {
        Cloud::Aws => None,
        Cloud::Azure => Some(
            "  AZURE_ACCESS_TOKEN is for scripts: az, Terraform and Azure's libraries read no token from a variable. \
             Run them with \"mcm exec\".",
        ),
        Cloud::Gcp => Some(
            "  gcloud and Terraform use it. Google's libraries and gsutil read no token from a variable: run them with \
             \"mcm exec\".",
        ),
    }
}

/// The mark by which `mcm` knows later that it set these variables itself, and for which account.
fn marks(facts: &Facts, choices: &[Choice], shell_has: &Environment) -> Facts {
    let clouds: Vec<Cloud> = choices
        .iter()
        .map(|choice| choice.account.cloud())
        .collect();
    let is_replaced = |id: &str| {
        Cloud::ALL
            .iter()
            .any(|cloud| clouds.contains(cloud) && id.starts_with(cloud.as_str()))
    };
    let before = shell_has.get(variables::ENV_ACCOUNTS).unwrap_or_default();
    let before = before
        .split(':')
        .filter(|id| !id.is_empty() && !is_replaced(id));
    let ids = choices.iter().map(|choice| choice.account.id.as_str());
    let accounts: Vec<&str> = before.chain(ids).collect();
    let set = [
        ("AWS_REGION", Fact::Region),
        ("AWS_DEFAULT_REGION", Fact::Region),
        ("AZURE_TENANT_ID", Fact::Tenant),
    ];
    let set = set.into_iter().filter_map(|(name, fact)| {
        let value = facts.get(&fact)?.expose_secret();
        // What the user typed is the user's, and stays so.
        (shell_has.get(name) != Some(value) || is_marked(shell_has, name))
            .then(|| format!("{name}={value}"))
    });
    let set: Vec<String> = set.collect();
    let mut marks = Facts::from([
        (Fact::EnvAccounts, accounts.join(":").into()),
        (Fact::EnvSet, set.join(":").into()),
    ]);
    if let Some(key) = facts.get(&Fact::KeyId) {
        marks.insert(Fact::EnvKey, key.clone());
    }
    marks
}

/// Whether `mcm env` set this variable before.
fn is_marked(shell_has: &Environment, name: &str) -> bool {
    let set = shell_has.get(variables::ENV_SET).unwrap_or_default();
    let mut pairs = set.split(':').filter_map(|pair| pair.split_once('='));
    pairs.any(|(set, _)| set == name)
}

fn lines(language: Language, changes: &Changes) -> Result<String, Error> {
    let mut lines = language.unset(changes.removed());
    for (name, value) in changes.given() {
        if !is_plain(value) {
            let message = format!(
                "The value for {name} has characters that are not safe in a shell. Use \"mcm exec\"."
            );
            return Err(Error::new(Code::Unsupported, message));
        }
        lines.push('\n');
        lines.push_str(&language.set(name, value));
    }
    Ok(lines)
}

/// The language of the shell that runs this program.
fn around() -> Option<Language> {
    Shell::around()?.language()
}

/// Prints what makes a shell fail if this process ends before it prints its lines. Nothing evaluates them at a terminal.
pub(crate) fn begin(options: &Env) {
    let language = options.language.or_else(around);
    if let Some((unfinished, _)) = language.and_then(beginning) {
        print_unfinished(unfinished);
    }
}

fn beginning(language: Language) -> Option<(&'static str, &'static str)> {
    language.beginning().filter(|_| !stdout().is_terminal())
}

/// The lines behind the beginning.
fn finished(language: Language, lines: &str) -> String {
    let finished = beginning(language).map_or("", |(_, finished)| finished);
    joined(language, &format!("{finished}{lines}{}", language.ending()))
}

/// The lines, each ended so that it stays a command of its own where the shell joins them, as for `eval $(mcm env …)`
/// without quotes. No value has a line break.
fn joined(language: Language, lines: &str) -> String {
    lines.replace('\n', language.line_end())
}

/// Prints commands that fail, for a shell that evaluates them: `eval "$(mcm env …)"` must not go on as another
/// account. Variables that would override an account are unset. Output to a terminal is not evaluated, so nothing is
/// printed there.
pub(crate) fn print_failing(language: Option<Language>, has_begun: bool) {
    if stdout().is_terminal() {
        return;
    }
    let lines = match language.or_else(around) {
        Some(language) => {
            let unset = language.unset(variables::that_would_win(&Environment::of_this_process()));
            let finished = beginning(language).filter(|_| has_begun);
            let finished = finished.map_or("", |(_, finished)| finished);
            joined(language, &format!("{finished}{unset}\n{}", language.fail()))
        }
        // This command fails in every shell.
        None => "false".to_owned(),
    };
    // The failure is also on standard error.
    let _ = print(&lines);
}

/// Whether a value means the same to every shell, quoted or not. No id, region or token has other characters, but a
/// server could send some.
fn is_plain(value: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "._~:/+=@-".contains(c);
    value.chars().all(is_fit)
}
