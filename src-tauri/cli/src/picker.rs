//! Choosing from a list at a terminal, for commands without arguments.
//!
//! What is typed narrows the list by the search of the app's windows, so that the first line is the same everywhere.
//! Without a terminal nothing is asked: the error names the argument.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use inquire::{InquireError, MultiSelect, Select};
use mcm_core::account::{Account, AccountId, Cloud, Target};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};

use crate::account_argument::is_at_terminal;
use crate::failure::Failure;
use crate::output::note;

/// A line of the list.
struct ListedChoice<T> {
    value: T,
    label: String,
}

impl<T> fmt::Display for ListedChoice<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.label)
    }
}

/// The query of the last search, and each found account's rank and the target that matched.
type Ranks = (String, HashMap<AccountId, (i64, Option<Target>)>);

/// Lets the user choose an account, and a target of it where the account has several and none is in use.
pub(crate) fn account(app: &App) -> Result<(AccountId, Option<String>), Failure> {
    let usage = "Name an account, as in \"mcm use contoso\". Run \"mcm accounts\" to list them.";
    require_terminal(usage)?;
    let stored = app.stored()?;
    let choices: Vec<_> = app
        .search("")
        .into_iter()
        .filter_map(|found| {
            let account = stored.account(&found.account)?;
            let label = format!("{} ({})", account.name(), account.identity.who());
            Some(ListedChoice {
                value: account.id.clone(),
                label,
            })
        })
        .collect();
    if choices.is_empty() {
        let message = "No account is connected. Run \"mcm login azure\" to connect one.";
        return Err(Error::new(Code::NotFound, message).into());
    }
    // The search's order for what is typed, made once for each key: positions from the end, and matched targets.
    let ranks: RefCell<Ranks> = RefCell::default();
    let rank = |query: &str, id: &AccountId| {
        let mut ranks = ranks.borrow_mut();
        if ranks.0 != query || ranks.1.is_empty() {
            let found = app.search(query).into_iter().zip((0_i64..).map(|at| -at));
            let found = found.map(|(found, rank)| (found.account, (rank, found.target)));
            *ranks = (query.to_owned(), found.collect());
        }
        ranks.1.get(id).cloned()
    };
    let scorer = |query: &str, choice: &ListedChoice<AccountId>, _: &str, _: usize| {
        rank(query, &choice.value).map(|(rank, _)| rank)
    };
    let chosen = Select::new("Account to use:", choices)
        .with_scorer(&scorer)
        .prompt()
        .map_err(ended)?;
    let query = ranks.borrow().0.clone();
    let matched = rank(&query, &chosen.value).and_then(|(_, target)| target);
    let account = app.named(chosen.value.as_str())?;
    let target = match matched {
        Some(target) => Some(target.id),
        None if account.target.is_none() && account.targets.len() > 1 => Some(target(&account)?),
        None => None,
    };
    Ok((chosen.value, target))
}

fn target(account: &Account) -> Result<String, Failure> {
    let choices = account.targets.iter().map(|target| ListedChoice {
        value: target.id.clone(),
        label: format!("{} ({})", target.name, target.id),
    });
    let question = format!("Which of {}:", account.name());
    let chosen = Select::new(&question, choices.collect());
    let chosen = chosen.with_scorer(&|query, choice, _, _| has_all_words(&choice.label, query));
    Ok(chosen.prompt().map_err(ended)?.value)
}

/// Lets the user choose a cloud to sign in to.
pub(crate) fn cloud() -> Result<Cloud, Failure> {
    let usage = "Name a cloud, as in \"mcm login azure\": azure, gcp or aws.";
    require_terminal(usage)?;
    let choices = [Cloud::Azure, Cloud::Gcp, Cloud::Aws].map(|cloud| ListedChoice {
        value: cloud,
        label: cloud.title().to_owned(),
    });
    let chosen = Select::new("Cloud to sign in to:", choices.into());
    Ok(chosen.without_filtering().prompt().map_err(ended)?.value)
}

/// Lets the user choose some of several things, none of which is chosen at first; `usage` is what to run without a terminal.
pub(crate) fn several<T>(
    question: &str,
    usage: &str,
    choices: Vec<(T, String)>,
) -> Result<Vec<T>, Failure> {
    require_terminal(usage)?;
    let choices = choices
        .into_iter()
        .map(|(value, label)| ListedChoice { value, label });
    let chosen = MultiSelect::new(question, choices.collect())
        .with_scorer(&|query, choice, _, _| has_all_words(&choice.label, query))
        .prompt()
        .map_err(ended)?;
    Ok(chosen.into_iter().map(|choice| choice.value).collect())
}

/// The rank of a line that has every word of a query; all such lines are alike.
fn has_all_words(label: &str, query: &str) -> Option<i64> {
    let (label, query) = (label.to_lowercase(), query.to_lowercase());
    let has_all = query.split_whitespace().all(|word| label.contains(word));
    has_all.then_some(0)
}

fn require_terminal(usage: &str) -> Result<(), Error> {
    if is_at_terminal() {
        return Ok(());
    }
    Err(Error::new(Code::InvalidInput, usage))
}

/// Why nothing was chosen.
fn ended(error: InquireError) -> Failure {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => {
            note("Nothing was changed.");
            Failure::AlreadyShown
        }
        error => {
            let message = "The list cannot be shown in this terminal. Give the command its arguments instead.";
            Error::new(Code::InvalidInput, message)
                .with_source(error)
                .into()
        }
    }
}
