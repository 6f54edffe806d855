//! Environments in the app: saved, used, confirmed, deleted and brought back.

use std::collections::BTreeMap;

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{ConsoleSession, EnteredEnvironment, EnteredMember};
use mcm_core::cluster::Cluster;
use mcm_core::environment::{EnvironmentName, EnvironmentSettings, NamedEnvironment};
use mcm_core::error::{Code, Error, ErrorView};
use mcm_core::file;
use mcm_core::snapshot::{EnvironmentView, FoundLine};

use crate::google;
use crate::harness::{ADA, Harness};

fn entered(name: &str, members: &[(Cloud, &AccountId, &str)]) -> EnteredEnvironment {
    let members = members.iter().map(|(cloud, account, target)| {
        let member = EnteredMember {
            account: (*account).clone(),
            target: Some((*target).to_owned()),
        };
        (*cloud, member)
    });
    EnteredEnvironment {
        name: name.into(),
        members: BTreeMap::from_iter(members),
        clusters: Vec::new(),
        added_clusters: Vec::new(),
        settings: EnvironmentSettings {
            colour: Some("green".into()),
            google_region: Some(" europe-west1 ".into()),
            google_zone: Some(String::new()),
            ..EnvironmentSettings::default()
        },
    }
}

fn shown(harness: &Harness, name: &str) -> Option<EnvironmentView> {
    let snapshot = harness.app.watch().borrow().clone();
    snapshot
        .environments
        .iter()
        .find(|view| view.name == name)
        .cloned()
}

#[tokio::test]
async fn an_environment_is_saved_used_everywhere_deleted_and_brought_back() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    let gcp = google::connect(&harness, ADA).await.expect("connected");
    harness.until_targets_are_read().await;
    let (app, target) = (&harness.app, |id: &AccountId, at: usize| {
        harness.app.targets(id).expect("an account")[at].id.clone()
    });
    let (first, second) = (target(&azure, 0), target(&azure, 1));
    let project = target(&gcp, 0);
    let members = [
        (Cloud::Azure, &azure, second.as_str()),
        (Cloud::Gcp, &gcp, project.as_str()),
    ];
    app.save_environment(None, entered("dev", &members), "")
        .await
        .expect("created");
    let view = shown(&harness, "dev").expect("it is on the screen");
    assert_eq!(view.settings.google_region.as_deref(), Some("europe-west1"));
    assert_eq!(view.settings.google_zone, None);
    app.use_account(&azure, Some(&first)).await.expect("used");
    assert!(!shown(&harness, "dev").expect("there").in_use);
    app.use_environment("dev").await.expect("used");
    let view = shown(&harness, "dev").expect("there");
    assert!(view.in_use, "{view:?}");
    assert_eq!(
        harness.row(&azure).target.map(|target| target.id),
        Some(second.clone())
    );

    // What is not there, or of another cloud, is refused.
    for (cloud, account, target) in [
        (Cloud::Azure, &azure, "nowhere"),
        (Cloud::Aws, &azure, second.as_str()),
    ] {
        let wrong = entered("other", &[(cloud, account, target)]);
        let error = app
            .save_environment(None, wrong, "")
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::NotFound);
    }
    let taken = app
        .save_environment(None, entered("dev", &members), "")
        .await
        .expect_err("refused");
    assert!(taken.message().contains("mcm environment edit dev"));
    let in_window = ErrorView::in_window(&taken).message;
    assert_eq!(
        in_window,
        "There is an environment dev already. Choose another name, or Edit… at that one."
    );
    let changed = entered("dev-2", &members[..1]);
    app.save_environment(Some("dev"), changed, "")
        .await
        .expect("changed");
    assert_eq!(shown(&harness, "dev"), None);
    app.remove_environment("dev-2", "").await.expect("deleted");
    assert_eq!(shown(&harness, "dev-2"), None);
    app.restore_environment("DEV-2").await.expect("it is back");
    assert_eq!(shown(&harness, "dev-2").expect("there").members.len(), 1);
    let error = app
        .restore_environment("dev-2")
        .await
        .expect_err("only once");
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test]
async fn a_protected_environment_is_confirmed_by_its_name_and_its_use_ends() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    harness.until_targets_are_read().await;
    let app = &harness.app;
    let target = app.targets(&azure).expect("an account")[0].id.clone();
    let members = [(Cloud::Azure, &azure, target.as_str())];
    let mut protected = entered("prod", &members);
    protected.settings.is_protected = true;
    app.save_environment(None, protected.clone(), "")
        .await
        .expect("created");
    let error = app
        .use_environment("prod")
        .await
        .expect_err("never everywhere");
    assert_eq!(error.code(), Code::Unsupported);
    let open = || entered("prod", &members);
    for typed in ["", "pro", "prod x"] {
        let refused = [
            app.confirm_environment("prod", typed).map(drop),
            app.save_environment(Some("prod"), open(), typed).await,
            app.remove_environment("prod", typed).await,
        ];
        for refused in refused {
            assert_eq!(
                refused.expect_err("refused").code(),
                Code::SignInCancelled,
                "{typed}"
            );
        }
    }
    assert_eq!(
        shown(&harness, "prod").expect("there").confirmed_until,
        None
    );
    let until = app
        .confirm_environment("prod", " PROD ")
        .expect("confirmed");
    assert_eq!(
        shown(&harness, "prod").expect("there").confirmed_until,
        Some(until)
    );
    let named = app.environment("prod").expect("there");
    // Whether one may go is decided by how it is stored then, not by how it was read before.
    let error = app
        .delete_environment(&named.name, |stored| {
            assert!(stored.settings.is_protected);
            Err(Error::new(Code::Busy, "It became protected meanwhile."))
        })
        .await
        .expect_err("not permitted");
    assert_eq!(error.code(), Code::Busy);
    assert!(shown(&harness, "prod").is_some());
    harness
        .clock
        .advance(jiff::SignedDuration::from_mins(14).unsigned_abs());
    assert_eq!(app.confirmed_until(&named), Some(until));
    harness
        .clock
        .advance(jiff::SignedDuration::from_mins(2).unsigned_abs());
    assert_eq!(app.confirmed_until(&named), None, "its time is over");
    app.confirm_environment("prod", "prod")
        .expect("confirmed again");
    app.end_environment("prod").expect("ended");
    assert_eq!(app.confirmed_until(&named), None);
}

#[tokio::test]
async fn an_environment_is_searched_for_beside_accounts_and_ranks_as_they_do() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    harness.until_targets_are_read().await;
    let target = harness.app.targets(&azure).expect("an account")[0]
        .id
        .clone();
    let members = [(Cloud::Azure, &azure, target.as_str())];
    for name in ["north", "old-north", "Staging"] {
        let entered = entered(name, &members);
        harness
            .app
            .save_environment(None, entered, "")
            .await
            .expect("created");
    }
    let found = |query: &str| -> Vec<String> {
        let lines = harness.app.search_everything(query).into_iter();
        lines
            .map(|line| match line {
                FoundLine::Environment { environment } => environment,
                FoundLine::Account(found) => {
                    found.target.map_or("account".into(), |target| target.name)
                }
            })
            .collect()
    };
    harness
        .app
        .rename(&azure, Some("North"))
        .await
        .expect("renamed");
    assert_eq!(
        found("north"),
        ["north", "account", "old-north"],
        "equals, then a word in it"
    );
    assert_eq!(found("nort"), ["north", "account", "old-north"]);
    assert_eq!(found("north old"), ["old-north"]);
    assert_eq!(
        found("staging"),
        ["Staging", "Staging"],
        "targets come last"
    );
    harness
        .app
        .rename(&azure, Some("Old-North 2"))
        .await
        .expect("renamed");
    assert_eq!(found("north"), ["north", "old-north", "account"]);
    assert_eq!(found("old"), ["old-north", "account"]);
    assert!(found("zebra").is_empty());
    // What asks for accounts alone gets no other line.
    assert!(
        harness
            .app
            .search("old")
            .iter()
            .all(|found| found.account == azure)
    );
    assert_eq!(harness.app.search("old").len(), 1);
}

// E15
#[tokio::test]
async fn the_console_of_a_protected_environment_opens_after_a_warning_in_its_colour() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts.iter().all(|row| row.target_count > 1))
        .await;
    let app = &harness.app;
    let target = |at: usize| app.targets(&azure).expect("an account")[at].id.clone();
    let (first, second) = (target(0), target(1));
    let mut protected = entered("prod", &[(Cloud::Azure, &azure, first.as_str())]);
    protected.settings.is_protected = true;
    app.save_environment(None, protected, "")
        .await
        .expect("created");
    let open = entered("dev", &[(Cloud::Azure, &azure, second.as_str())]);
    app.save_environment(None, open, "").await.expect("created");
    for (target, expected) in [(&second, 0), (&first, 1)] {
        app.use_account(&azure, Some(target)).await.expect("used");
        app.open_console(&azure, ConsoleSession::Present)
            .await
            .expect("opened");
        harness.next_page().await;
        assert_eq!(harness.browser.warnings().len(), expected, "{target}");
    }
    let warning = &harness.browser.warnings()[0];
    assert_eq!(warning.environment.as_str(), "prod");
    assert_eq!(warning.colour.as_deref(), Some("green"));
}

#[tokio::test]
async fn a_saved_environment_keeps_the_clusters_that_stay_and_those_of_its_accounts_alone() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    let gcp = google::connect(&harness, ADA).await.expect("connected");
    harness.until_targets_are_read().await;
    let (app, target) = (&harness.app, |id: &AccountId| {
        harness.app.targets(id).expect("an account")[0].id.clone()
    });
    let (subscription, project) = (target(&azure), target(&gcp));
    let both = [
        (Cloud::Azure, &azure, subscription.as_str()),
        (Cloud::Gcp, &gcp, project.as_str()),
    ];
    app.save_environment(None, entered("dev", &both), "")
        .await
        .expect("created");
    let name = EnvironmentName::parse("dev").expect("a name");
    let cluster = |context: &str, account: &AccountId, owner: Option<&str>| Cluster {
        context: context.into(),
        account: account.clone(),
        owner: owner.map(Into::into),
        eks_name: None,
        region: None,
        server_id: None,
        server: "https://cluster.example".into(),
        authority: None,
        tls_server_name: None,
        proxy: None,
        namespace: None,
    };
    let put = async |cluster: Cluster| {
        let put = |named: &mut NamedEnvironment| {
            named.put_cluster(cluster);
            Ok(())
        };
        app.edit_environment(&name, put).await
    };
    for (context, account) in [("aks", &azure), ("gke", &gcp), ("other", &gcp)] {
        put(cluster(context, account, None)).await.expect("added");
    }
    let refused = put(cluster("theirs", &gcp, Some("a-project-of-others"))).await;
    assert_eq!(
        refused.map_err(|error| error.code()).err(),
        Some(Code::InvalidInput)
    );
    let contexts = || {
        let clusters = shown(&harness, "dev").expect("there").clusters;
        clusters
            .into_iter()
            .map(|view| view.context)
            .collect::<Vec<_>>()
    };
    assert_eq!(contexts(), ["aks", "gke", "other"]);
    let mut entry = entered("dev", &both);
    entry.clusters = vec!["other".into(), "aks".into(), "of a later screen".into()];
    app.save_environment(Some("dev"), entry.clone(), "")
        .await
        .expect("saved");
    assert_eq!(contexts(), ["aks", "other"]);
    // A cluster goes before its account.
    entry.members.remove(&Cloud::Gcp);
    let refused = app
        .save_environment(Some("dev"), entry, "")
        .await
        .expect_err("refused");
    assert!(
        refused
            .message()
            .contains("The cluster other is for the account"),
        "{refused}"
    );
    assert_eq!(contexts(), ["aks", "other"]);
}

#[tokio::test]
async fn a_cluster_of_the_kubeconfig_is_shown_and_then_saved_for_the_accounts_that_are_entered() {
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("config");
    let write = |server: &str| {
        let text = format!(
            "contexts:\n- {{name: shop, context: {{cluster: aks, user: aks, namespace: team}}}}\n\
             - {{name: data, context: {{cluster: gke_elsewhere_europe-west1_main, user: gke}}}}\n\
             - {{name: kind, context: {{cluster: kind, user: kind}}}}\n\
             clusters:\n- {{name: aks, cluster: {{server: 'https://{server}.hcp.westeurope.azmk8s.io:443'}}}}\n\
             - {{name: gke_elsewhere_europe-west1_main, cluster: {{server: 'https://10.0.0.1'}}}}\n\
             - {{name: kind, cluster: {{server: 'https://127.0.0.1:6443'}}}}\n\
             users:\n- {{name: aks, user: {{token: canary}}}}\n- {{name: kind, user: {{token: canary}}}}\n"
        );
        file::replace(&kubeconfig, text.as_bytes()).expect("written");
    };
    write("one");
    let path = kubeconfig.to_str().expect("text");
    let harness = Harness::with(|_| {}, &[("KUBECONFIG", path)]).await;
    let azure = harness.connect(ADA).await.expect("connected");
    let gcp = google::connect(&harness, ADA).await.expect("connected");
    harness.until_targets_are_read().await;
    let (app, target) = (&harness.app, |id: &AccountId| {
        harness.app.targets(id).expect("an account")[0].id.clone()
    });
    let (subscription, project) = (target(&azure), target(&gcp));
    let both = [
        (Cloud::Azure, &azure, subscription.as_str()),
        (Cloud::Gcp, &gcp, project.as_str()),
    ];
    let offered = app.offered_contexts().expect("read");
    let offered: Vec<(&str, Cloud)> = offered
        .iter()
        .map(|offered| (offered.context.as_str(), offered.cloud))
        .collect();
    assert_eq!(offered, [("shop", Cloud::Azure), ("data", Cloud::Gcp)]);

    // A form without a name yet shows the cluster, and why another is refused.
    let found = app
        .entered_cluster(None, entered("", &both), " shop ")
        .expect("it is of the account");
    assert_eq!(found.account, azure);
    assert_eq!(found.server, "https://one.hcp.westeurope.azmk8s.io:443");
    for (context, members, expected) in [
        ("shop", &both[1..], "names no account"),
        ("data", &both[..], "a cluster of the project elsewhere"),
        ("kind", &both[..], "Nothing in the context kind shows"),
        ("nowhere", &both[..], "no context \"nowhere\""),
        ("", &both[..], "no context \"\""),
    ] {
        let refused = app.entered_cluster(None, entered("dev", members), context);
        let refused = refused.expect_err("refused");
        let message = refused.message().to_owned();
        assert!(message.contains(expected), "{context}: {message}");
        let in_window = ErrorView::in_window(&refused).message;
        assert!(!in_window.contains("Name it with --"), "{in_window}");
        let mut entry = entered("dev", members);
        entry.added_clusters = vec![context.into()];
        let refused = app.save_environment(None, entry, "").await;
        assert_eq!(refused.expect_err("refused").message(), message);
        assert_eq!(shown(&harness, "dev"), None);
    }

    let mut entry = entered("dev", &both);
    entry.added_clusters = vec!["shop".into()];
    app.save_environment(None, entry.clone(), "")
        .await
        .expect("created");
    let saved = || app.environment("dev").expect("there").clusters;
    assert_eq!(saved()[0].namespace.as_deref(), Some("team"));
    // A cluster that was made anew is named again.
    write("two");
    entry.clusters = vec!["shop".into()];
    entry.added_clusters.clear();
    app.save_environment(Some("dev"), entry.clone(), "")
        .await
        .expect("saved");
    assert!(saved()[0].server.contains("one"), "it stays as it was");
    entry.added_clusters = vec!["shop".into()];
    app.save_environment(Some("dev"), entry.clone(), "")
        .await
        .expect("saved");
    assert_eq!(saved().len(), 1);
    assert!(saved()[0].server.contains("two"));

    // A kubeconfig that cannot be read hinders what adds nothing from it in no way.
    file::replace(&kubeconfig, b"contexts: [").expect("written");
    let error = app.offered_contexts().expect_err("unreadable");
    assert_eq!(error.code(), Code::StorageUnreadable);
    entry.added_clusters.clear();
    app.save_environment(Some("dev"), entry, "")
        .await
        .expect("saved");
    assert_eq!(saved().len(), 1);
}
