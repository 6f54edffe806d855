//! `mcm environment`: creating, listing, showing, changing and deleting environments.
//!
//! The JSON is stable: fields may be added, none is renamed, removed or given another meaning.

use std::collections::BTreeMap;

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::App;
use mcm_core::cluster::Cluster;
use mcm_core::environment::{
    EnvironmentName, EnvironmentSettings, Member, MemberState, NamedEnvironment,
};
use mcm_core::error::{Code, Error};
use mcm_core::text::shown;
use mcm_core::world::World;
use serde::Serialize;

use crate::account_argument::by_name;
use crate::confirm_protected;
use crate::environment_arguments::{EnvironmentCommand, EnvironmentOptions};
use crate::failure::Failure;
use crate::output::{note, print, print_json, table};

/// What `mcm environment list --json` prints.
#[derive(Serialize)]
struct Environments {
    environments: Vec<EnvironmentRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentRow {
    name: EnvironmentName,
    colour: Option<String>,
    icon: Option<String>,
    protected: bool,
    exclusive: bool,
    minutes: u16,
    region: Option<String>,
    google_region: Option<String>,
    google_zone: Option<String>,
    /// RFC 3339 and UTC.
    created_at: String,
    members: BTreeMap<Cloud, MemberRow>,
    /// The one that kubectl begins with first.
    clusters: Vec<ClusterRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterRow {
    context: String,
    account: AccountId,
    server: String,
    namespace: Option<String>,
    eks_name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberRow {
    account: AccountId,
    account_name: String,
    target: Option<String>,
    target_name: Option<String>,
    /// `connected`, `account-gone` or `target-gone`.
    state: &'static str,
}

pub(crate) async fn run(
    app: &App,
    world: &World,
    command: EnvironmentCommand,
) -> Result<(), Failure> {
    match command {
        EnvironmentCommand::Create {
            name,
            active,
            options,
        } => {
            let mut environment =
                NamedEnvironment::new(EnvironmentName::entered(&name)?, world.clock.now());
            for cloud in active {
                let account = app.active(cloud)?;
                environment.members.insert(cloud, Member::of(&account));
            }
            let members = members(app, &options)?;
            let mut named = environment.clone();
            named.members.extend(members.clone());
            let clusters = app.clusters_of(&options.cluster, &named)?;
            apply(&mut environment, &options, members, clusters);
            app.create_environment(&environment).await?;
            show(app, &environment)
        }
        EnvironmentCommand::List { json } => list(app, json),
        EnvironmentCommand::Show { environment, json } => {
            let environment = app.environment(&environment)?;
            if json {
                return Ok(print_json(&row(app, &environment)?)?);
            }
            show(app, &environment)
        }
        EnvironmentCommand::Edit {
            environment,
            name,
            without,
            remove_cluster,
            options,
        } => {
            let before = app.environment(&environment)?;
            let new_name = name.as_deref().map(EnvironmentName::entered).transpose()?;
            let members = members(app, &options)?;
            let mut named = before.clone();
            named.members.retain(|cloud, _| !without.contains(cloud));
            named.members.extend(members.clone());
            let clusters = app.clusters_of(&options.cluster, &named)?;
            if before.settings.is_protected {
                confirm_protected::confirm(&world.environment, &before, "change").await?;
            }
            let edit = |environment: &mut NamedEnvironment| {
                require_as_confirmed(&before, environment)?;
                for cloud in &without {
                    environment.members.remove(cloud);
                }
                for context in &remove_cluster {
                    remove(environment, context)?;
                }
                if let Some(name) = new_name {
                    environment.name = name;
                }
                apply(environment, &options, members, clusters);
                Ok(())
            };
            let changed = app.edit_environment(&before.name, edit).await?;
            show(app, &changed)
        }
        EnvironmentCommand::Delete { environment } => {
            let before = app.environment(&environment)?;
            if before.settings.is_protected {
                confirm_protected::confirm(&world.environment, &before, "delete").await?;
            }
            let permit =
                |environment: &NamedEnvironment| require_as_confirmed(&before, environment);
            let removed = app.delete_environment(&before.name, permit).await?;
            note(&format!(
                "Deleted the environment {}. Its accounts are still connected.",
                removed.name
            ));
            Ok(())
        }
    }
}

/// Refuses an environment that another process protected after the user was, or was not, asked.
fn require_as_confirmed(before: &NamedEnvironment, now: &NamedEnvironment) -> Result<(), Error> {
    if now.settings.is_protected && !before.settings.is_protected {
        let message = format!(
            "{} has become protected meanwhile. Run the command again.",
            now.name
        );
        return Err(Error::new(Code::Busy, message));
    }
    Ok(())
}

/// The accounts that the options name.
fn members(app: &App, options: &EnvironmentOptions) -> Result<BTreeMap<Cloud, Member>, Error> {
    let named = [
        (Cloud::Aws, &options.aws),
        (Cloud::Azure, &options.azure),
        (Cloud::Gcp, &options.gcp),
    ];
    let named = named
        .into_iter()
        .filter_map(|(cloud, name)| Some((cloud, name.as_deref()?)));
    let member = |(cloud, name): (Cloud, &str)| {
        let account = by_name(app, name)?;
        if account.cloud() != cloud {
            let message = format!(
                "{} is an account of {}. Name it with --{}.",
                account.name(),
                account.cloud().title(),
                account.cloud().as_str()
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        // A sign-in to Identity Center alone is no identity.
        account.issued_resource()?;
        Ok((cloud, Member::of(&account)))
    };
    named.map(member).collect()
}

fn remove(environment: &mut NamedEnvironment, context: &str) -> Result<(), Error> {
    let before = environment.clusters.len();
    environment
        .clusters
        .retain(|cluster| cluster.context != context);
    if environment.clusters.len() < before {
        return Ok(());
    }
    let known: Vec<&str> = environment
        .clusters
        .iter()
        .map(|cluster| cluster.context.as_str())
        .collect();
    let known = match known.as_slice() {
        [] => "It has none.".to_owned(),
        known => format!("It has: {}.", known.join(", ")),
    };
    let message = format!(
        "{} has no cluster \"{}\". {known}",
        environment.name,
        shown(context)
    );
    Err(Error::new(Code::NotFound, message))
}

fn apply(
    environment: &mut NamedEnvironment,
    options: &EnvironmentOptions,
    members: BTreeMap<Cloud, Member>,
    clusters: Vec<Cluster>,
) {
    environment.members.extend(members);
    for cluster in clusters {
        environment.put_cluster(cluster);
    }
    let settings = &mut environment.settings;
    for (value, given) in [
        (&mut settings.region, &options.region),
        (&mut settings.google_region, &options.google_region),
        (&mut settings.google_zone, &options.google_zone),
        (&mut settings.colour, &options.colour),
        (&mut settings.icon, &options.icon),
    ] {
        if let Some(given) = given {
            *value = Some(given.clone()).filter(|given| !given.is_empty());
        }
    }
    settings.is_protected = options.protected.unwrap_or(settings.is_protected);
    settings.is_exclusive = options.exclusive.unwrap_or(settings.is_exclusive);
    settings.minutes = options.minutes.unwrap_or(settings.minutes);
}

fn list(app: &App, json: bool) -> Result<(), Failure> {
    let environments = app.environments()?;
    if json {
        let rows = environments.iter().map(|known| row(app, known));
        let environments = rows.collect::<Result<_, _>>()?;
        return Ok(print_json(&Environments { environments })?);
    }
    if environments.is_empty() {
        note("There is no environment. Create one with \"mcm environment create\".");
        return Ok(());
    }
    let head = ["NAME", "AWS", "AZURE", "GOOGLE CLOUD", "RULES"].map(str::to_owned);
    let mut rows = vec![head];
    for environment in &environments {
        let states: BTreeMap<Cloud, MemberState> =
            app.member_states(environment)?.into_iter().collect();
        let cell = |cloud: Cloud| match (environment.members.get(&cloud), states.get(&cloud)) {
            (Some(member), Some(MemberState::Connected(_))) => member.shown(),
            (Some(member), _) => format!("{} (gone)", member.shown()),
            (None, _) => String::new(),
        };
        rows.push([
            environment.name.to_string(),
            cell(Cloud::Aws),
            cell(Cloud::Azure),
            cell(Cloud::Gcp),
            rules(&environment.settings),
        ]);
    }
    Ok(print(&table(&rows))?)
}

fn rules(settings: &EnvironmentSettings) -> String {
    match (settings.is_protected, settings.is_exclusive) {
        (true, _) => format!("protected, {} min", settings.minutes),
        (false, true) => "exclusive".to_owned(),
        (false, false) => String::new(),
    }
}

fn show(app: &App, environment: &NamedEnvironment) -> Result<(), Failure> {
    let mut rows = vec![["name".to_owned(), environment.name.to_string()]];
    for (cloud, state) in app.member_states(environment)? {
        let member = &environment.members[&cloud];
        let what = match state {
            MemberState::Connected(_) => member.shown(),
            MemberState::AccountGone => format!(
                "{} is no longer connected ({})",
                member.shown(),
                member.account
            ),
            MemberState::TargetGone => format!("{} is no longer listed", member.shown()),
        };
        rows.push([cloud.title().to_owned(), what]);
    }
    for cluster in &environment.clusters {
        let what = format!("{}, {}", cluster.context, cluster.server);
        rows.push(["cluster".to_owned(), what]);
    }
    let settings = &environment.settings;
    for (label, value) in [
        ("region", &settings.region),
        ("Google region", &settings.google_region),
        ("Google zone", &settings.google_zone),
        ("colour", &settings.colour),
        ("icon", &settings.icon),
    ] {
        if let Some(value) = value {
            rows.push([label.to_owned(), value.clone()]);
        }
    }
    let rules = rules(settings);
    if !rules.is_empty() {
        rows.push(["rules".to_owned(), rules]);
    }
    Ok(print(&table(&rows))?)
}

fn row(app: &App, environment: &NamedEnvironment) -> Result<EnvironmentRow, Error> {
    let member = |(cloud, state): (Cloud, MemberState)| {
        let member = environment.members[&cloud].clone();
        let row = MemberRow {
            account: member.account,
            account_name: member.account_name,
            target: member.target,
            target_name: member.target_name,
            state: match state {
                MemberState::Connected(_) => "connected",
                MemberState::AccountGone => "account-gone",
                MemberState::TargetGone => "target-gone",
            },
        };
        (cloud, row)
    };
    let settings = environment.settings.clone();
    Ok(EnvironmentRow {
        name: environment.name.clone(),
        colour: settings.colour,
        icon: settings.icon,
        protected: settings.is_protected,
        exclusive: settings.is_exclusive,
        minutes: settings.minutes,
        region: settings.region,
        google_region: settings.google_region,
        google_zone: settings.google_zone,
        created_at: format!("{:.0}", environment.created_at),
        members: app
            .member_states(environment)?
            .into_iter()
            .map(member)
            .collect(),
        clusters: environment
            .clusters
            .iter()
            .map(|cluster| ClusterRow {
                context: cluster.context.clone(),
                account: cluster.account.clone(),
                server: cluster.server.clone(),
                namespace: cluster.namespace.clone(),
                eks_name: cluster.eks_name.clone(),
            })
            .collect(),
    })
}
