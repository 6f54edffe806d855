//! AWS's `config`: portals of IAM Identity Center and roles, as the AWS CLI, aws-vault and Granted write them. Tokens are in
//! caches and keys in `credentials`; neither is opened.

use std::collections::BTreeMap;

use super::{FoundSignIn, NamedAccount, ToolReader};
use crate::aws_files::{Client, Profiles, SharedFile};
use crate::provider::aws::{RoleArn, portals_in_config};
use crate::redirect::Frontend;
use crate::role::is_external_id;
use crate::text;

const TOOL: &str = "AWS CLI";
/// How many profiles `include_profile` of aws-vault may lead through.
const MOST_INCLUDED: usize = 8;

pub(super) fn read(reader: &mut ToolReader<'_>) {
    let file = SharedFile::config(reader.environment);
    if file.bytes.is_empty() {
        return;
    }
    let profiles = match file.profiles(Client::Botocore) {
        Ok(profiles) => profiles,
        Err(error) => {
            reader.refuse(TOOL, &file.path, error.message());
            return;
        }
    };
    for portal in portals_in_config(&file) {
        let entry = NamedAccount {
            name: portal.session.clone().filter(|name| name != "default"),
            usual_name: usual_name(&portal.start_url),
            sign_in: FoundSignIn::Portal {
                start_url: portal.start_url,
                region: portal.region,
            },
            names: portal.names.into_iter().chain(portal.profiles).collect(),
            targets: portal.roles,
            obstacle: None,
        };
        reader.add(TOOL, &file.path, entry);
    }
    let names: Vec<String> = profiles.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        if let Some(entry) = role(&profiles, &name, reader.front) {
            let tool = if uses_granted(&profiles, &name) {
                "Granted"
            } else {
                TOOL
            };
            reader.add(tool, &file.path, entry);
        }
    }
}

/// The beginning of a start URL's host, which organisations choose.
pub(super) fn usual_name(start_url: &str) -> String {
    let host = start_url.split("//").nth(1).unwrap_or(start_url);
    let host = host.split('/').next().unwrap_or(host);
    host.strip_suffix(".awsapps.com").unwrap_or(host).to_owned()
}

/// The role that a profile assumes.
fn role(profiles: &Profiles, name: &str, front: Frontend) -> Option<NamedAccount> {
    let get = |key: &str| inherited(profiles, name, key);
    let role_arn = RoleArn::parse(get("role_arn")?).ok()?;
    let external_id = get("external_id").filter(|id| is_external_id(id));
    let profile = get("source_profile");
    let is_missing =
        profile.is_some_and(|profile| profile != name && profiles.get(profile).is_none());
    let obstacle = if get("web_identity_token_file").is_some() {
        Some(
            "It is assumed with a token in a file, which only the AWS CLI reads. Use the AWS CLI for it."
                .to_owned(),
        )
    } else if external_id.is_none() {
        let remedy = match front {
            Frontend::Window => "Choose Assume a role to create one.",
            Frontend::Terminal => "Create one: mcm login aws --print cli",
        };
        Some(format!(
            "The profile names no External ID, and this app connects only roles that require one. {remedy}"
        ))
    } else if is_missing {
        let remedy = match front {
            Frontend::Window => "Choose Assume a role, then Enter access keys.",
            Frontend::Terminal => "Add the keys: mcm login aws --add-keys",
        };
        Some(format!(
            "Its source_profile \"{}\" is not in AWS's config, as where aws-vault keeps the keys. {remedy}",
            text::shown(profile.unwrap_or_default())
        ))
    } else {
        None
    };
    Some(NamedAccount {
        name: (name != "default").then(|| name.to_owned()),
        usual_name: role_arn.as_str().to_owned(),
        sign_in: FoundSignIn::Role {
            role_arn: role_arn.as_str().to_owned(),
            external_id: external_id.map(str::to_owned),
            profile: profile.map(text::shown),
        },
        names: vec![name.to_owned()],
        targets: Vec::new(),
        obstacle,
    })
}

/// A setting of a profile, or of those that aws-vault takes its settings from.
fn inherited<'p>(profiles: &'p Profiles, name: &str, key: &str) -> Option<&'p str> {
    let mut settings: &BTreeMap<String, String> = profiles.get(name)?;
    for _ in 0..MOST_INCLUDED {
        if let Some(value) = settings.get(key).filter(|value| !value.is_empty()) {
            return Some(value);
        }
        settings = profiles.get(settings.get("include_profile")?)?;
    }
    None
}

fn uses_granted(profiles: &Profiles, name: &str) -> bool {
    let settings = profiles.get(name);
    settings.is_some_and(|settings| settings.keys().any(|key| key.starts_with("granted_")))
}
