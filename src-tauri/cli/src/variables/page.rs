//! The page of the table for the web, committed as `docs/variables.md`. Nothing of this is in the program.

use std::fmt::Write as _;

use mcm_core::account::Cloud;

use super::table::{GCLOUD_SETTINGS, TABLE};
use super::{Act, Effect, Variable};
use crate::committed_file::hold_committed;

const GROWS: &str = "a String grows";

#[test]
fn the_page_says_what_the_table_says() {
    hold_committed("docs/variables.md", page().as_bytes());
}

fn page() -> String {
    let mut page = String::from(
        "# Variables\n\n\
         <!-- Generated from src-tauri/cli/src/variables/table.rs: cargo test -p mcm-cli --lib -->\n\n\
         What `mcm exec` and `mcm env` make of the variables that the clouds' tools read, for the clouds whose accounts are \
         named. \"removed\" and \"kept\" mean what is there already; what is not known, such as a project that was not chosen, \
         is removed where it says who works, and kept where it says where. `mcm exec --env` does as `mcm env` does, but for \
         Azure. \"not part\" is what becomes of it where an exclusive or protected environment does not name the cloud. `mcm whoami` looks at the variables in the order of their tools, and `mcm doctor` warns of each that is a \
         credential, a source or an identity.\n",
    );
    for (title, clouds) in [
        ("AWS", &[Cloud::Aws][..]),
        ("Azure", &[Cloud::Azure]),
        ("Google Cloud", &[Cloud::Gcp]),
        ("AWS and Google Cloud", &[Cloud::Aws, Cloud::Gcp]),
        ("Every cloud", &Cloud::ALL),
    ] {
        write!(page, "\n## {title}\n\n").expect(GROWS);
        page.push_str(
            "| variable | it is | `mcm exec` | `mcm env` | not part | read by | source |\n",
        );
        page.push_str("|---|---|---|---|---|---|---|\n");
        for row in TABLE.iter().filter(|row| row.clouds == clouds) {
            writeln!(page, "{}", line(row)).expect(GROWS);
        }
    }
    page.push_str(
        "\n## Settings in gcloud's configurations\n\n\
         `mcm doctor` warns of these. The variables beat them.\n\n| setting | beaten by |\n|---|---|\n",
    );
    for setting in &GCLOUD_SETTINGS {
        writeln!(
            page,
            "| `[{}] {}` | `{}` |",
            setting.section, setting.key, setting.variable
        )
        .expect(GROWS);
    }
    page
}

fn line(row: &Variable) -> String {
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {} |",
        row.name,
        what(row.effect),
        act(row.exec),
        act(row.env),
        act(row.closed),
        row.readers,
        row.source
    )
}

fn what(effect: Effect) -> &'static str {
    match effect {
        Effect::Credential => "a credential",
        Effect::Source => "a source",
        Effect::Identity => "an identity",
        Effect::Place => "a place",
        Effect::Files => "a tool's files",
        Effect::Shown => "shown in prompts",
        Effect::Client => "how a client works",
        Effect::Mark => "a mark of mcm's",
    }
}

fn act(act: Act) -> String {
    match act {
        Act::Keep => "kept".to_owned(),
        Act::Remove => "removed".to_owned(),
        Act::RemoveWith(fact) => format!("removed with {}", words(&format!("{fact:?}"))),
        Act::RemoveWhere(text) => format!("removed where `{text}` is in it"),
        Act::Text("") => "set to nothing".to_owned(),
        Act::Text(text) => format!("`{text}`"),
        Act::Set(fact) => format!("set: {}", words(&format!("{fact:?}"))),
    }
}

/// A name of the code as words.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}
