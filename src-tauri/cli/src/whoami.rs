//! `mcm whoami`: the identity that `aws`, `az`, `gcloud` and `terraform` use in this shell, and why.
//!
//! It looks where the tools look, in their order, and nowhere else: it contacts no server and reads no credential,
//! and shows only enough of an access key to distinguish it. Each cloud's rules have a file of their own. The JSON is
//! stable: fields and sources may be added, none is renamed, removed or given another meaning.

mod aws;
mod az_powershell;
mod azure;
pub(crate) mod check;
mod current_environment;
pub(crate) mod google;
mod kubernetes;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::App;
use mcm_core::aws_files::Files;
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::Error;
use mcm_core::file::Foreign;
use mcm_core::other_tools::OtherTools;
use mcm_core::text::shown;
use mcm_core::world::Environment;
use serde::Serialize;
use url::Url;

use self::current_environment::Around;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::variables;

/// What `mcm whoami --json` prints.
#[derive(Serialize)]
struct Whoami {
    /// The environment of this shell or command; null when there is none.
    environment: Option<Around>,
    tools: Vec<Row>,
}

/// One tool, compared with the account in use.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(flatten)]
    found: Found,
    /// The account in use in the tool's cloud.
    active_account: Option<AccountId>,
    /// Whether the tool uses the account in use; null when that is unknown.
    is_active: Option<bool>,
    /// The environment that the tool works in; null where it works as another identity than that has.
    environment: Option<String>,
}

/// The identity that a tool would use.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Found {
    /// `aws`, `az`, `gcloud`, `terraform-aws`, `terraform-azurerm`, `terraform-google`, `az-powershell` or `kubectl`.
    tool: &'static str,
    provider: Cloud,
    source: Source,
    /// The identity, as far as it is known without asking a server; else null.
    identity: Option<String>,
    /// The region, the subscription, the project or the context.
    place: Option<String>,
    /// The account's id, if it is connected here.
    account: Option<AccountId>,
    /// The reason, as a sentence.
    why: String,
}

/// Where a tool's credential comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Source {
    /// `mcm exec` serves it.
    McmExec,
    /// `mcm env` put it into the shell.
    McmEnv,
    /// A profile runs `mcm credential-process`.
    McmProfile,
    /// A context of its kubeconfig runs `mcm kube-token`.
    McmKubeToken,
    /// A shim starts it through `mcm exec`, in a shell with the hook.
    McmShim,
    /// A variable holds it.
    Environment,
    /// A file holds it.
    File,
    /// IAM Identity Center, or the console's sign-in.
    SignIn,
    /// A role that is assumed from another source.
    Role,
    /// An identity from a federated provider.
    Federation,
    /// Another program.
    Process,
    /// The cloud's own command line signed in.
    CommandLine,
    /// The machine, or the container that it runs in.
    Machine,
    /// There is none, or only a server knows.
    None,
    /// The configuration is not valid.
    Broken,
}

/// The places to look in.
struct ExaminedShell<'a> {
    environment: &'a Environment,
    tools: OtherTools<'a>,
    app: &'a App,
    active: BTreeMap<Cloud, AccountId>,
    /// The accounts that `mcm exec` serves here.
    served: Vec<AccountId>,
    /// The accounts that `mcm env` put into this shell.
    given: Vec<AccountId>,
    /// The environment around, as it is stored, and where it comes from.
    around: Option<(NamedEnvironment, Around)>,
    /// AWS's files, read once for all of its clients, and only when one of them is looked at.
    aws_files: OnceCell<Files>,
}

pub(crate) fn run(app: &App, json: bool) -> Result<(), Failure> {
    // As the tools see it: also inside `mcm exec`, where `mcm` itself uses the variables outside.
    let environment = Environment::of_this_process();
    let shell = ExaminedShell::of(&environment, app)?;
    let found = [
        aws::command_line(&shell),
        azure::command_line(&shell),
        google::command_line(&shell),
        aws::terraform(&shell),
        azure::terraform(&shell),
        google::terraform(&shell),
    ];
    let rows: Vec<Row> = found
        .into_iter()
        .chain(az_powershell::context(&shell))
        .chain(kubernetes::command_line(&shell))
        .map(|found| current_environment::as_shims_start_it(found, &shell))
        .map(|found| compared(found, &shell))
        .collect();
    let environment = shell.around.as_ref().map(|(_, around)| around.clone());
    if json {
        return Ok(print_json(&Whoami {
            environment,
            tools: rows,
        })?);
    }
    let head =
        environment.map(|around| format!("{:17}  {}, {}", "environment", around.name, around.why));
    let lines = rows.iter().map(|row| to_line(row, &shell));
    Ok(print(
        &head.into_iter().chain(lines).collect::<Vec<_>>().join("\n"),
    )?)
}

fn compared(found: Found, shell: &ExaminedShell<'_>) -> Row {
    let active_account = shell.active.get(&found.provider).cloned();
    let is_active = match (&found.account, &active_account) {
        (Some(account), Some(active)) => Some(account == active),
        (Some(_), None) => Some(false),
        // An unknown identity is not the account in use. Without any identity there is nothing to compare.
        (None, Some(_)) if found.identity.is_some() => Some(false),
        (None, _) => None,
    };
    Row {
        environment: current_environment::of_tool(&found, shell),
        found,
        active_account,
        is_active,
    }
}

fn to_line(row: &Row, shell: &ExaminedShell<'_>) -> String {
    const INDENT: &str = "\n                   ";
    let Row {
        found,
        active_account,
        is_active,
        environment,
    } = row;
    let name = |id: &AccountId| {
        let account = shell.account(id);
        account.map_or_else(
            || id.to_string(),
            |account| format!("{} ({id})", account.name()),
        )
    };
    let who = match (&found.account, &found.identity) {
        (Some(account), _) => name(account),
        (None, Some(identity)) => identity.clone(),
        (None, None) if found.source == Source::None => "no identity".to_owned(),
        (None, None) => "unknown".to_owned(),
    };
    let place = found
        .place
        .as_ref()
        .map(|place| format!(", {place}"))
        .unwrap_or_default();
    let remark = match (is_active, active_account) {
        _ if environment.is_some() => {
            let name = environment.as_deref().unwrap_or_default();
            format!("{INDENT}As the environment {name} has it.")
        }
        _ if let Some((named, _)) = &shell.around
            && named.members.contains_key(&found.provider)
            && (found.account.is_some() || found.identity.is_some()) =>
        {
            format!("{INDENT}NOT what the environment {} has.", named.name)
        }
        (Some(true), _) => format!("{INDENT}This is the account in use."),
        (Some(false), Some(active)) => {
            format!("{INDENT}NOT the account in use, which is {}.", name(active))
        }
        (Some(false), None) => {
            format!("{INDENT}No {} account is in use.", found.provider.title())
        }
        (None, _) => String::new(),
    };
    format!(
        "{:17}  {who}{place}{INDENT}{}{remark}",
        found.tool, found.why
    )
}

impl<'a> ExaminedShell<'a> {
    fn of(environment: &'a Environment, app: &'a App) -> Result<Self, Error> {
        let ids = |variable, separator: char| {
            let ids = environment.get(variable).unwrap_or_default();
            let ids = ids.split(separator).filter(|id| !id.is_empty());
            ids.map(|id| AccountId::from(id.to_owned())).collect()
        };
        Ok(Self {
            environment,
            tools: OtherTools::of(environment)?,
            app,
            active: app.active_ids()?,
            served: ids(variables::EXEC_ACCOUNTS, ','),
            given: ids(variables::ENV_ACCOUNTS, ':'),
            around: current_environment::find(environment, app),
            aws_files: OnceCell::new(),
        })
    }
}

impl ExaminedShell<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    fn aws_files(&self) -> &Files {
        self.aws_files.get_or_init(|| Files::read(self.environment))
    }

    /// The first of these variables that is set, and its value.
    fn first(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// The account with this id. Without one, or a file that was fine a moment ago, it is unknown.
    fn account(&self, id: &AccountId) -> Option<Account> {
        self.app.account_without_lists(id).ok().flatten()
    }

    /// The account that fits, of those with a label.
    fn labelled(&self, label: &str, fits: impl Fn(&Account) -> bool) -> Option<Account> {
        let found = self.app.with_label(label).unwrap_or_default();
        found.into_iter().find(|account| fits(account))
    }

    /// The account of a cloud that `mcm exec` serves here.
    fn served(&self, cloud: Cloud) -> Option<Account> {
        self.of_cloud(&self.served, cloud)
    }

    /// The account of AWS whose key, which is this one, `mcm env` put into the shell.
    fn given(&self, key: &str) -> Option<Account> {
        let is_ours = self.get(variables::ENV_KEY) == Some(key);
        is_ours
            .then(|| self.of_cloud(&self.given, Cloud::Aws))
            .flatten()
    }

    fn of_cloud(&self, ids: &[AccountId], cloud: Cloud) -> Option<Account> {
        let mut accounts = ids.iter().filter_map(|id| self.account(id));
        accounts.find(|account| account.cloud() == cloud)
    }

    /// A setting that a variable sets, also to nothing, else what a file says.
    fn set_or<'s>(&'s self, variable: &str, configured: Option<&'s str>) -> Option<&'s str> {
        let value = self.environment.raw(variable).or(configured);
        value.filter(|value| !value.trim().is_empty())
    }

    /// The account that `mcm exec` serves at this address, if it can be one of ours.
    fn served_at(&self, cloud: Cloud, address: &str) -> Option<Account> {
        let url = Url::parse(address).ok()?;
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        is_here.then(|| self.served(cloud)).flatten()
    }
}

impl Found {
    /// An account that `mcm exec` serves.
    fn served(tool: &'static str, account: &Account, variable: &str) -> Self {
        let place = account.chosen_target().map(|target| target.id.clone());
        let why = format!("This shell runs inside mcm exec, which set {variable}.");
        Self::ours(tool, Source::McmExec, account, why).at(place)
    }

    /// One of our accounts.
    fn ours(tool: &'static str, source: Source, account: &Account, why: String) -> Self {
        let identity = Some(account.identity.who().to_owned());
        let (provider, account) = (account.cloud(), Some(account.id.clone()));
        Self {
            tool,
            provider,
            source,
            identity,
            place: None,
            account,
            why,
        }
    }

    /// Another identity, or none.
    fn other(
        tool: &'static str,
        provider: Cloud,
        source: Source,
        identity: Option<String>,
        why: String,
    ) -> Self {
        let identity = identity.map(|text| shown(&text));
        Self {
            tool,
            provider,
            source,
            identity,
            place: None,
            account: None,
            why: shown(&why),
        }
    }

    fn at(self, place: Option<String>) -> Self {
        Self {
            place: place.map(|text| shown(&text)),
            ..self
        }
    }
}

/// Another tool's text file; none when there is no such file, or it cannot be read.
fn text(path: &Path) -> Option<String> {
    let file = Foreign::read(path).ok()?;
    let text = String::from_utf8_lossy(file.bytes()?).into_owned();
    // `az` starts its files with a byte-order mark.
    Some(
        text.strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text),
    )
}

/// The value of a key in one section of an ini-style file.
fn value<'t>(text: &'t str, is_section: impl Fn(&str) -> bool, key: &str) -> Option<&'t str> {
    let mut is_inside = false;
    for line in text.lines() {
        if let Some((title, _)) = line
            .trim_end()
            .strip_prefix('[')
            .and_then(|rest| rest.rsplit_once(']'))
        {
            is_inside = is_section(title.trim());
        } else if is_inside
            && !line.trim_start().starts_with(['#', ';'])
            && let Some((name, value)) = line.split_once(['=', ':'])
            && name.trim().eq_ignore_ascii_case(key)
        {
            return Some(value.trim());
        }
    }
    None
}
