//! `config.yaml` of aws-sso-cli: portals of IAM Identity Center by name. Its tokens are in a store of its own.

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use super::aws::usual_name;
use super::{FoundSignIn, NamedAccount, ToolReader};
use crate::provider::aws::canonical_start_url;
use crate::text;

const TOOL: &str = "aws-sso-cli";
/// Deeper than this tool nests, and shallow enough for a loader that calls itself.
const MOST_DEPTH: usize = 32;

pub(super) fn read(reader: &mut ToolReader<'_>) {
    let path = reader.tools.aws_sso();
    let Some(text) = reader.text(TOOL, &path) else {
        return;
    };
    let Some(document) = load(&text) else {
        reader.refuse(
            TOOL,
            &path,
            "It is not valid YAML, or not of the form that aws-sso-cli writes.",
        );
        return;
    };
    let Yaml::Hash(portals) = &document["SSOConfig"] else {
        return;
    };
    for (name, portal) in portals {
        let written = portal["StartUrl"].as_str().and_then(canonical_start_url);
        let (Some(name), Some(start_url)) = (name.as_str(), written) else {
            continue;
        };
        let region = portal["SSORegion"].as_str().map(text::shown);
        let (names, targets) = roles(&portal["Accounts"]);
        let entry = NamedAccount {
            name: (name != "Default").then(|| name.to_owned()),
            usual_name: usual_name(&start_url),
            sign_in: FoundSignIn::Portal { start_url, region },
            names,
            targets,
            obstacle: None,
        };
        reader.add(TOOL, &path, entry);
    }
}

/// The roles that are listed for a portal: by their profile or account, and by their ids.
fn roles(accounts: &Yaml) -> (Vec<String>, Vec<String>) {
    let (mut names, mut targets) = (Vec::new(), Vec::new());
    let Yaml::Hash(accounts) = accounts else {
        return (names, targets);
    };
    for (account, settings) in accounts {
        // Digits without quotes are a number to YAML, and lose their zeros.
        let account_id = match account {
            Yaml::String(id) => id.clone(),
            Yaml::Integer(id) => format!("{id:012}"),
            _ => continue,
        };
        names.extend(settings["Name"].as_str().map(str::to_owned));
        let Yaml::Hash(listed) = &settings["Roles"] else {
            continue;
        };
        targets.extend(
            listed
                .iter()
                .filter_map(|(role, _)| Some(format!("{account_id}/{}", role.as_str()?))),
        );
    }
    (names, targets)
}

/// The first document. Aliases could make it endless, and nesting could exhaust the stack: this tool writes neither.
fn load(text: &str) -> Option<Yaml> {
    let mut parser = Parser::new_from_str(text);
    let mut depth = 0;
    loop {
        match parser.next_token().ok()?.0 {
            Event::Alias(_) => return None,
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => depth -= 1,
            Event::StreamEnd => break,
            _ => {}
        }
        if depth > MOST_DEPTH {
            return None;
        }
    }
    YamlLoader::load_from_str(text).ok()?.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_would_grow_or_nest_without_end_is_refused() {
        assert!(load("a: &a [x]\nb: [*a, *a]").is_none());
        assert!(load(&"[".repeat(100_000)).is_none());
        assert!(load(&"- ".repeat(100_000)).is_none());
        assert!(load(&format!("{}x{}", "[".repeat(40), "]".repeat(40))).is_none());
        assert!(load("SSOConfig:\n  Default:\n    StartUrl: https://x").is_some());
    }
}
