//! A kubeconfig as lines that stay and entries that are ours. Nothing here touches the disk.
//!
//! The lines are found by their indent and checked by a YAML parser: the new content has to be the old one with our entries
//! added or removed, and nothing else, or the change is refused. Entries of ours are known by their names, because kubectl
//! drops comments whenever it rewrites the file.

#[cfg(test)]
mod tests;

use mcm_core::user_kubeconfig::document::{parsed, read};
use yaml_rust2::Yaml;

use super::aws_config::FileLine;

/// How the names of users and clusters begin that are ours.
pub(super) const OURS: &str = "mcm:";
/// What stands behind a list that had no entry, so that it is put back as it was.
const WAS: &str = "# before \"mcm configure kube\": ";
/// What stands for a list that was not there.
const ABSENT: &str = "absent";
/// The first line of a file that is ours.
const HEADER: &str = "# Written by \"mcm configure kube\"";

/// One of the lists of a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Clusters,
    Contexts,
    Users,
}

impl List {
    pub(super) const ALL: [Self; 3] = [Self::Clusters, Self::Contexts, Self::Users];

    fn key(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Contexts => "contexts",
            Self::Users => "users",
        }
    }
}

/// A kubeconfig that can be changed safely.
pub(super) struct Kubeconfig<'a> {
    /// With their ends.
    lines: Vec<&'a str>,
    document: Yaml,
    is_new: bool,
}

/// Where a list is.
enum KubeconfigPlace {
    Absent,
    /// Without an entry, as `[]` or `null`, on this line.
    Empty(usize, String),
    /// Its key, the lines of its entries, and the column of their dashes.
    Entries {
        key: usize,
        items: Vec<std::ops::Range<usize>>,
        indent: usize,
    },
}

/// A change: which lines go, and which come before which.
pub(super) struct KubeconfigChange {
    taken_out: Vec<bool>,
    put_in: Vec<(usize, String)>,
    expected: Yaml,
}

impl<'a> Kubeconfig<'a> {
    /// Reads a file's content; none for a file that is not there.
    ///
    /// # Errors
    /// Why it cannot be changed: the rest of a sentence that begins with the file's name.
    pub(super) fn parse(bytes: Option<&'a [u8]>) -> Result<Self, String> {
        let (text, document) = read(bytes)?;
        Ok(Self {
            lines: text.split_inclusive('\n').collect(),
            document,
            is_new: bytes.is_none(),
        })
    }

    /// The entries of a list.
    pub(super) fn entries(&self, list: List) -> &[Yaml] {
        match &self.document[list.key()] {
            Yaml::Array(entries) => entries,
            _ => &[],
        }
    }

    /// A change to it that is not made yet.
    pub(super) fn change(&self) -> KubeconfigChange {
        KubeconfigChange {
            taken_out: vec![false; self.lines.len()],
            put_in: Vec::new(),
            expected: self.document.clone(),
        }
    }

    fn place(&self, list: List) -> Result<KubeconfigPlace, String> {
        let key = list.key();
        let mut found = None;
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(rest) = line
                .strip_prefix(key)
                .and_then(|rest| rest.strip_prefix(':'))
            {
                found = Some((index, rest.trim()));
            }
        }
        let Some((index, rest)) = found else {
            return match self.document[key].is_badvalue() {
                true => Ok(KubeconfigPlace::Absent),
                false => Err(format!(
                    "{key} is not written on lines of its own. Let kubectl rewrite the file"
                )),
            };
        };
        let value = rest.split(" #").next().unwrap_or_default().trim();
        match value {
            "[]" | "null" | "~" => return Ok(KubeconfigPlace::Empty(index, rest.to_owned())),
            "" => {}
            value if value.starts_with('#') => {}
            _ => {
                return Err(format!(
                    "line {}: {key} is written on one line. Let kubectl rewrite the file",
                    index + 1
                ));
            }
        }
        let below = &self.lines[index + 1..];
        let mut items: Vec<std::ops::Range<usize>> = Vec::new();
        let mut indent = None;
        for (offset, line) in below.iter().enumerate() {
            let content = line.trim();
            let at = index + 1 + offset;
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let column = line.len() - line.trim_start_matches(' ').len();
            let is_item = content == "-" || content.starts_with("- ");
            let of_list = *indent.get_or_insert(column);
            if column < of_list || column == of_list && !is_item {
                break;
            }
            if column == of_list {
                items.push(at..at + 1);
            } else if let Some(last) = items.last_mut() {
                last.end = at + 1;
            }
        }
        if items.len() != self.entries(list).len() {
            return Err(format!(
                "line {}: the entries of {key} are not on lines of their own. Let kubectl rewrite the file",
                index + 1
            ));
        }
        match indent {
            Some(indent) if !items.is_empty() => Ok(KubeconfigPlace::Entries {
                key: index,
                items,
                indent,
            }),
            _ => Ok(KubeconfigPlace::Empty(index, rest.to_owned())),
        }
    }

    /// How its lines end.
    fn line_end(&self) -> &'static str {
        match self.lines.first() {
            Some(line) if line.ends_with("\r\n") => "\r\n",
            _ => "\n",
        }
    }

    /// Drafts an entry at the end of a list. `entry` is a block of YAML that begins with `- `.
    pub(super) fn add(
        &self,
        change: &mut KubeconfigChange,
        list: List,
        entry: &str,
    ) -> Result<(), String> {
        let end = self.line_end();
        let block = |indent: usize| -> String {
            entry
                .lines()
                .map(|line| format!("{}{line}{end}", " ".repeat(indent)))
                .collect()
        };
        let key = list.key();
        match self.place(list)? {
            KubeconfigPlace::Absent => {
                let at = self.lines.len();
                let is_open = change
                    .put_in
                    .iter()
                    .any(|(_, text)| text.starts_with(&format!("{key}:")));
                if !is_open {
                    change
                        .put_in
                        .push((at, format!("{key}: {WAS}{ABSENT}{end}")));
                }
                change.put_in.push((at, block(0)));
            }
            KubeconfigPlace::Empty(index, was) => {
                if !change.taken_out[index] {
                    change.taken_out[index] = true;
                    let mark = if was.is_empty() {
                        String::new()
                    } else {
                        format!(" {WAS}{was}")
                    };
                    change
                        .put_in
                        .push((index + 1, format!("{key}:{mark}{end}")));
                }
                change.put_in.push((index + 1, block(0)));
            }
            KubeconfigPlace::Entries { items, indent, .. } => {
                let last = items.last().expect("there is one");
                change.put_in.push((last.end, block(indent)));
            }
        }
        let entry = parsed(entry)?;
        let Yaml::Array(entries) = entry else {
            return Err("the new entry is none".to_owned());
        };
        edit(&mut change.expected, list, |list| list.extend(entries));
        Ok(())
    }

    /// Drafts an entry in the place of the first one that `is_old` names, or at the end of the list.
    pub(super) fn put(
        &self,
        change: &mut KubeconfigChange,
        list: List,
        is_old: impl Fn(&Yaml) -> bool,
        entry: &str,
    ) -> Result<(), String> {
        let old = self.entries(list).iter().position(is_old);
        let (Some(old), KubeconfigPlace::Entries { items, indent, .. }) = (old, self.place(list)?)
        else {
            return self.add(change, list, entry);
        };
        let range = items[old].clone();
        let end = self.line_end();
        let block: String = entry
            .lines()
            .map(|line| format!("{}{line}{end}", " ".repeat(indent)))
            .collect();
        if self.lines[range.clone()].concat() == block {
            return Ok(());
        }
        change.put_in.push((range.start, block));
        change.taken_out[range].fill(true);
        let new = parsed(entry)?;
        edit(&mut change.expected, list, |list| {
            list[old] = new[0].clone();
        });
        Ok(())
    }

    /// Drafts a list without the entries that `is_ours` names.
    pub(super) fn remove(
        &self,
        change: &mut KubeconfigChange,
        list: List,
        is_ours: impl Fn(&Yaml) -> bool,
    ) -> Result<(), String> {
        let KubeconfigPlace::Entries { key, items, .. } = self.place(list)? else {
            return Ok(());
        };
        let ours: Vec<bool> = self.entries(list).iter().map(is_ours).collect();
        for (range, _) in items.iter().zip(&ours).filter(|(_, is_ours)| **is_ours) {
            change.taken_out[range.clone()].fill(true);
        }
        let mut kept = ours.iter().map(|is_ours| !is_ours);
        edit(&mut change.expected, list, |list| {
            list.retain(|_| kept.next().unwrap_or(true));
        });
        if ours.iter().all(|is_ours| *is_ours) {
            let line = self.lines[key];
            change.taken_out[key] = true;
            let was = line.split_once(WAS).map(|(_, was)| was.trim());
            match was {
                Some(ABSENT) => drop_key(&mut change.expected, list),
                Some(was) => {
                    change
                        .put_in
                        .push((key + 1, format!("{}: {was}{}", list.key(), self.line_end())));
                    set_value(&mut change.expected, list, was);
                }
                None => {
                    change
                        .put_in
                        .push((key + 1, format!("{}: []{}", list.key(), self.line_end())));
                }
            }
        }
        Ok(())
    }

    /// The lines of the changed file; none when it is empty and was made by us.
    ///
    /// # Errors
    /// Why the change is not safe.
    pub(super) fn lines(&self, change: &KubeconfigChange) -> Result<Vec<FileLine<'a>>, String> {
        let end = self.line_end();
        let mut lines = Vec::new();
        if self.is_new {
            for line in [HEADER, "apiVersion: v1", "kind: Config"] {
                lines.push(FileLine::PutIn(format!("{line}{end}")));
            }
        }
        // What came without an end of its last line goes without one.
        let is_open = self.lines.last().is_some_and(|line| !line.ends_with('\n'));
        for index in 0..=self.lines.len() {
            for (_, text) in change.put_in.iter().filter(|(at, _)| *at == index) {
                lines.extend(
                    text.split_inclusive('\n')
                        .map(|line| FileLine::PutIn(line.to_owned())),
                );
            }
            if let Some(line) = self.lines.get(index) {
                lines.push(if change.taken_out[index] {
                    FileLine::TakenOut(line)
                } else {
                    FileLine::Kept(line)
                });
            }
        }
        let lines = super::aws_config::with_ends(lines, end, is_open);
        let content = super::aws_config::content(&lines);
        let mut expected = change.expected.clone();
        if self.is_new {
            expected = scaffold(&expected);
        }
        if !is_same(&parsed(&content)?, &expected) {
            return Err(
                "the change would damage it. Let kubectl rewrite the file first".to_owned(),
            );
        }
        Ok(lines)
    }

    /// Whether a change leaves nothing but what we wrote around it.
    pub(super) fn leaves_nothing(&self, change: &KubeconfigChange) -> bool {
        let is_ours = self.lines.first().is_some_and(|line| line.trim() == HEADER);
        let kept = self
            .lines
            .iter()
            .zip(&change.taken_out)
            .filter(|(_, taken)| !**taken);
        let mut kept = kept.map(|(line, _)| line.trim());
        is_ours
            && change.put_in.is_empty()
            && kept.all(|line| [HEADER, "apiVersion: v1", "kind: Config"].contains(&line))
    }
}

/// The name of an entry.
pub(super) fn name(entry: &Yaml) -> Option<&str> {
    entry["name"].as_str()
}

/// Whether two documents hold the same; the order of their top-level keys does not count.
fn is_same(one: &Yaml, other: &Yaml) -> bool {
    match (one, other) {
        (Yaml::Hash(one), Yaml::Hash(other)) => {
            one.len() == other.len() && one.iter().all(|(key, value)| other.get(key) == Some(value))
        }
        (one, other) => one == other,
    }
}

fn key(list: List) -> Yaml {
    Yaml::String(list.key().to_owned())
}

fn hash(document: &mut Yaml) -> &mut yaml_rust2::yaml::Hash {
    if !matches!(document, Yaml::Hash(_)) {
        *document = Yaml::Hash(yaml_rust2::yaml::Hash::new());
    }
    match document {
        Yaml::Hash(hash) => hash,
        _ => unreachable!("it was made one"),
    }
}

fn edit(document: &mut Yaml, list: List, edit: impl FnOnce(&mut Vec<Yaml>)) {
    let entries = hash(document)
        .entry(key(list))
        .or_insert_with(|| Yaml::Array(Vec::new()));
    if !matches!(entries, Yaml::Array(_)) {
        *entries = Yaml::Array(Vec::new());
    }
    if let Yaml::Array(entries) = entries {
        edit(entries);
    }
}

fn drop_key(document: &mut Yaml, list: List) {
    hash(document).remove(&key(list));
    if matches!(document, Yaml::Hash(hash) if hash.is_empty()) {
        *document = Yaml::Null;
    }
}

fn set_value(document: &mut Yaml, list: List, was: &str) {
    if !was.starts_with("[]") {
        hash(document).insert(key(list), Yaml::Null);
    }
}

fn scaffold(document: &Yaml) -> Yaml {
    let mut whole = yaml_rust2::yaml::Hash::new();
    for (key, value) in [("apiVersion", "v1"), ("kind", "Config")] {
        whole.insert(Yaml::String(key.to_owned()), Yaml::String(value.to_owned()));
    }
    if let Yaml::Hash(lists) = document {
        whole.extend(lists.clone());
    }
    Yaml::Hash(whole)
}
