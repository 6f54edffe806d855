//! Search: which accounts and environments the user means by a few letters.
//!
//! What accounts can be found by is put into lower case once and kept for the next keys, as long as a window is open.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::App;
use crate::account::{Account, AccountId, Cloud, Target};
use crate::error::Result;
use crate::snapshot::{Found, FoundLine};
use crate::store::Accounts;

/// The maximum number of targets of one account in a result.
const MOST_TARGETS: usize = 20;

/// What accounts can be found by, prepared.
#[derive(Clone, Default)]
pub(super) struct Index(Arc<Vec<Arc<Entry>>>);

/// What was typed: words in lower case, with one space between them.
struct Query(String);

impl Query {
    fn of(typed: &str) -> Self {
        let typed = typed.to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        Self(words.join(" "))
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split_whitespace()
    }
}

/// The order of a line: whether it is a target's, how it fits, and how the user likes its account.
type Rank = (bool, Fit, (bool, Reverse<Option<Timestamp>>));

/// One account. Everything is in lower case.
struct Entry {
    account: Arc<Account>,
    own: String,
    names: [String; 3],
    /// The names and ids of its targets, each on a line of its own, which no word spans.
    targets: String,
    /// Where the name of each target ends there, and where its id does.
    ends: Vec<(usize, usize)>,
}

impl App {
    /// The accounts that match every word of a query, and their targets that do: by themselves, or with the words that
    /// the account lacks. An empty query finds every account. The best comes first: a name that equals the query, then
    /// one that begins with it, then one with a word that does, then any other part, then targets in the same order;
    /// among equals the starred, then the last used. An account has at most `MOST_TARGETS` lines of targets.
    pub fn search(&self, query: &str) -> Vec<Found> {
        let query = Query::of(query);
        let found = self.ranked(&query).into_iter();
        found.map(|(_, found)| found).collect()
    }

    /// As `search`, with the environments whose name has every word. They rank as accounts do by their names, and come
    /// first among equals, as in the tray.
    pub fn search_everything(&self, query: &str) -> Vec<FoundLine> {
        let query = Query::of(query);
        let stored = self.stored().unwrap_or_default();
        let environments = stored.environments.iter().filter_map(|named| {
            let name = named.name.as_str().to_ascii_lowercase();
            let fits = query.words().all(|word| name.contains(word));
            let environment = named.name.to_string();
            let line = FoundLine::Environment { environment };
            fits.then(|| (Fit::of(&name, &query.0), line))
        });
        let mut environments: Vec<(Fit, FoundLine)> = environments.collect();
        environments.sort_by_key(|(fit, _)| *fit);
        let mut lines = Vec::new();
        let mut waiting = environments.into_iter().peekable();
        for ((is_target, fit, _), found) in self.ranked(&query) {
            while let Some((_, line)) = waiting.next_if(|(own, _)| is_target || *own <= fit) {
                lines.push(line);
            }
            lines.push(FoundLine::Account(found));
        }
        lines.extend(waiting.map(|(_, line)| line));
        lines
    }

    /// The lines of `search`, each with its rank.
    fn ranked(&self, query: &Query) -> Vec<(Rank, Found)> {
        let words: Vec<&str> = query.words().collect();
        let entries = self.search_index();
        let mut found = Vec::new();
        for entry in entries.0.iter() {
            let account = &entry.account;
            let rank = (!account.starred, Reverse(account.used_at));
            let Matches { own, targets } = entry.matches(&words, &query.0);
            found.extend(own.map(|fit| ((false, fit, rank), account, None)));
            let lines = targets.into_iter();
            found.extend(lines.map(|(fit, target)| ((true, fit, rank), account, Some(target))));
        }
        found.sort_by_key(|(order, ..)| *order);
        let found = found.into_iter().map(|(order, account, target)| {
            let target = target.map(|target| account.targets[target].clone());
            let account = account.id.clone();
            (order, Found { account, target })
        });
        found.collect()
    }

    /// Lets go of what was prepared for searching, because no window is open.
    pub fn end_searching(&self) {
        self.state().search = Index::default();
    }

    fn search_index(&self) -> Index {
        let stored = self.stored().unwrap_or_default();
        let known = self.state().search.clone();
        if known.is_of(&stored) {
            return known;
        }
        let index = known.updated(&stored);
        self.state().search = index.clone();
        index
    }

    /// Resolves a name as `Store::resolve` does.
    ///
    /// # Errors
    /// Those of `Store::resolve`.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        self.store.resolve(name)
    }

    /// Finds a name as `Store::named` does.
    ///
    /// # Errors
    /// Those of `Store::named`.
    pub fn named(&self, name: &str) -> Result<Account> {
        self.store.named(name)
    }

    /// The account in use in a cloud.
    ///
    /// # Errors
    /// `not-found` when there is none.
    pub fn active(&self, cloud: Cloud) -> Result<Account> {
        self.store.active(cloud)
    }
}

impl Index {
    fn is_of(&self, stored: &Accounts) -> bool {
        let same =
            |(entry, account): (&Arc<Entry>, &Arc<Account>)| Arc::ptr_eq(&entry.account, account);
        self.0.len() == stored.accounts.len() && self.0.iter().zip(&stored.accounts).all(same)
    }

    /// The index of these accounts. Those that did not change are not prepared again.
    fn updated(&self, stored: &Accounts) -> Self {
        let known: HashMap<&AccountId, &Arc<Entry>> = self
            .0
            .iter()
            .map(|entry| (&entry.account.id, entry))
            .collect();
        let entries = stored.accounts.iter().map(|account| {
            let known = known
                .get(&account.id)
                .filter(|entry| Arc::ptr_eq(&entry.account, account));
            known.map_or_else(
                || Arc::new(Entry::of(account.clone())),
                |entry| Arc::clone(entry),
            )
        });
        Self(Arc::new(entries.collect()))
    }
}

impl Entry {
    fn of(account: Arc<Account>) -> Self {
        let length = |target: &Target| target.name.len() + target.id.len() + 2;
        let mut targets = String::with_capacity(account.targets.iter().map(length).sum());
        let mut ends = Vec::with_capacity(account.targets.len());
        for target in &account.targets {
            push_lowercase(&mut targets, &target.name);
            let name_end = targets.len();
            targets.push('\n');
            push_lowercase(&mut targets, &target.id);
            ends.push((name_end, targets.len()));
            targets.push('\n');
        }
        Self {
            own: account.found_by(),
            names: account.names(),
            targets,
            ends,
            account,
        }
    }

    /// How it matches by itself and by its targets. `query` is the words joined.
    fn matches(&self, words: &[&str], query: &str) -> Matches {
        let is_missing = |word: &&str| !self.own.contains(*word);
        let missing: Vec<&str> = words.iter().copied().filter(is_missing).collect();
        if !missing.is_empty() {
            return Matches {
                own: None,
                targets: self.targets_with(&missing),
            };
        }
        Matches {
            own: self.names.iter().map(|name| Fit::of(name, query)).min(),
            targets: self.targets_with(words),
        }
    }

    /// The targets whose name or id has every one of these words, the best first; those that fit alike as they are listed.
    fn targets_with(&self, words: &[&str]) -> Vec<(Fit, usize)> {
        let Some((first, others)) = words.split_first() else {
            return Vec::new();
        };
        if !others.iter().all(|word| self.targets.contains(word)) {
            return Vec::new();
        }
        let joined = words.join(" ");
        let (mut found, mut begin, mut next) = (Vec::new(), 0, 0);
        for (at, _) in self.targets.match_indices(first) {
            while next < self.ends.len() && self.ends[next].1 <= at {
                begin = self.ends[next].1 + 1;
                next += 1;
            }
            let Some(&(name_end, end)) = self.ends.get(next) else {
                break;
            };
            // A second match in one target says nothing new.
            if at < begin {
                continue;
            }
            let name = &self.targets[begin..name_end];
            let id = &self.targets[name_end + 1..end];
            let this = next;
            begin = end + 1;
            next += 1;
            if others
                .iter()
                .all(|word| name.contains(word) || id.contains(word))
            {
                found.push((Fit::of(name, &joined), this));
            }
        }
        found.sort_unstable();
        found.truncate(MOST_TARGETS);
        found
    }
}

/// Adds a text in lower case. Of ASCII, as most names are, no second copy is made: the first key waits for all of them.
fn push_lowercase(to: &mut String, text: &str) {
    if !text.is_ascii() {
        return to.push_str(&text.to_lowercase());
    }
    let start = to.len();
    to.push_str(text);
    to[start..].make_ascii_lowercase();
}

/// How an account matches.
#[derive(Debug, PartialEq, Eq)]
struct Matches {
    /// By itself.
    own: Option<Fit>,
    /// By these targets, the best first.
    targets: Vec<(Fit, usize)>,
}

/// The quality of a match, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Whole,
    Beginning,
    Word,
    Part,
}

impl Fit {
    /// Both in lower case. A match by an id alone counts as a part.
    fn of(name: &str, query: &str) -> Self {
        if name == query {
            return Self::Whole;
        }
        if name.starts_with(query) {
            return Self::Beginning;
        }
        let begins_a_word = |(at, _): (usize, &str)| !name[..at].ends_with(char::is_alphanumeric);
        if name.match_indices(query).any(begins_a_word) {
            Self::Word
        } else {
            Self::Part
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::account::Identity;

    /// The rule, written out without an index.
    fn matches_by_rule(account: &Account, words: &[&str]) -> Matches {
        let own = account.found_by();
        let missing: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| !own.contains(word))
            .collect();
        let is_own = missing.is_empty();
        let wanted = if is_own { words.to_vec() } else { missing };
        let fits = account
            .targets
            .iter()
            .enumerate()
            .filter_map(|(at, target)| {
                let (name, id) = (target.name.to_lowercase(), target.id.to_lowercase());
                let has_all = wanted
                    .iter()
                    .all(|word| name.contains(word) || id.contains(word));
                (has_all && !wanted.is_empty()).then(|| (Fit::of(&name, &wanted.join(" ")), at))
            });
        let mut targets: Vec<_> = fits.collect();
        targets.sort();
        let names = account.names();
        let query = words.join(" ");
        Matches {
            own: names
                .iter()
                .map(|name| Fit::of(name, &query))
                .min()
                .filter(|_| is_own),
            targets,
        }
    }

    fn text() -> impl Strategy<Value = String> {
        // Few letters, so that much fits; some change their length in lower case, and one ends a line.
        proptest::string::string_regex("[abABÉİß \\-\n]{0,8}").expect("a pattern")
    }

    proptest! {
        #[test]
        fn the_index_finds_what_the_rule_finds(
            targets in proptest::collection::vec((text(), text()), 0..6),
            queries in proptest::collection::vec(text(), 1..6),
        ) {
            let identity = Identity::Azure {
                home: "home".into(),
                tenant_id: "tenant".into(),
                tenant_name: Some("A ba".into()),
                default_domain: None,
                username: "ab@x".into(),
            };
            let mut account = Account::new(identity, Timestamp::UNIX_EPOCH);
            let target = |(name, id)| Target { id, name, state: None, parent: None };
            account.targets = targets.into_iter().map(target).collect();
            let entry = Entry::of(Arc::new(account));
            for query in queries {
                let query = query.to_lowercase();
                let words: Vec<&str> = query.split_whitespace().collect();
                let found = entry.matches(&words, &words.join(" "));
                prop_assert_eq!(found, matches_by_rule(&entry.account, &words), "{:?}", query);
            }
        }
    }
}
