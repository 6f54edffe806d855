//! gcloud's configurations: an address and a project each. Its tokens are in databases of their own.

use std::fs;

use super::{FoundSignIn, NamedAccount, ToolReader};
use crate::aws_files::Document;

const TOOL: &str = "gcloud";
/// More configurations than any user has.
const MOST_CONFIGURATIONS: usize = 200;

pub(super) fn read(reader: &mut ToolReader<'_>) {
    let folder = reader.tools.gcloud().join("configurations");
    let names = fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = names.take(MOST_CONFIGURATIONS).filter_map(|entry| {
        let file = entry.file_name().into_string().ok()?;
        let name = file.strip_prefix("config_")?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    for name in names {
        let path = folder.join(format!("config_{name}"));
        let Some(bytes) = reader.bytes(TOOL, &path) else {
            continue;
        };
        // The reader of AWS's files follows the same rules: those of Python's configparser.
        let document = match Document::parse(&bytes) {
            Ok(document) => document,
            Err(broken) => {
                let why = format!("Line {}: {}.", broken.line, broken.why);
                reader.refuse(TOOL, &path, &why);
                continue;
            }
        };
        let core = document.into_settings().find(|(title, _)| *title == "core");
        let value = |key: &str| core.as_ref().and_then(|(_, settings)| settings.get(key));
        let Some(email) = value("account").filter(|email| is_address(email)) else {
            continue;
        };
        let projects: Vec<String> = value("project").cloned().into_iter().collect();
        let entry = NamedAccount {
            name: (name != "default").then_some(name),
            usual_name: email.clone(),
            sign_in: FoundSignIn::Google {
                email: email.clone(),
            },
            names: projects.clone(),
            targets: projects,
            obstacle: None,
        };
        reader.add(TOOL, &path, entry);
    }
}

/// The address of a user. A service account signs in with keys, which this app does not.
fn is_address(text: &str) -> bool {
    text.len() <= 254
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.split('@').filter(|part| !part.is_empty()).count() == 2
        && !text.ends_with(".gserviceaccount.com")
}
