//! Granted's own configuration: the portals that it makes profiles from. The profiles of its registries are in AWS's
//! `config`, its tokens in the keychain.

use toml_edit::{DocumentMut, Item};

use super::aws::usual_name;
use super::{FoundSignIn, NamedAccount, ToolReader};
use crate::provider::aws::canonical_start_url;
use crate::text;

const TOOL: &str = "Granted";

pub(super) fn read(reader: &mut ToolReader<'_>) {
    let path = reader.tools.granted();
    let Some(text) = reader.text(TOOL, &path) else {
        return;
    };
    let Ok(document) = text.parse::<DocumentMut>() else {
        reader.refuse(
            TOOL,
            &path,
            "It is not valid TOML. Fix it, or run granted settings.",
        );
        return;
    };
    let of_sections = document.get("SSO").and_then(Item::as_table_like);
    let sections = of_sections.into_iter().flat_map(|sections| sections.iter());
    let named = sections.filter_map(|(name, section)| {
        let value = |key: &str| section.get(key)?.as_str().map(str::to_owned);
        Some((
            Some(name.to_owned()),
            value("StartURL")?,
            value("SSORegion"),
        ))
    });
    let value = |key: &str| document.get(key)?.as_str().map(str::to_owned);
    let usual = value("CommonFateDefaultSSOStartURL")
        .map(|start_url| (None, start_url, value("CommonFateDefaultSSORegion")));
    let portals: Vec<_> = named.chain(usual).collect();
    for (name, start_url, region) in portals {
        let Some(start_url) = canonical_start_url(&start_url) else {
            continue;
        };
        let entry = NamedAccount {
            name,
            usual_name: usual_name(&start_url),
            sign_in: FoundSignIn::Portal {
                start_url,
                region: region.map(|region| text::shown(&region)),
            },
            names: Vec::new(),
            targets: Vec::new(),
            obstacle: None,
        };
        reader.add(TOOL, &path, entry);
    }
}
