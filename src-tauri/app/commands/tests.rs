//! Which window may call which command, checked with the authority that Tauri builds from `build.rs` and
//! `tauri.conf.json`.

use std::collections::{BTreeMap, BTreeSet};

use mcm_core::browser::SystemBrowser;
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::sign_in::SignInStep;
use mcm_core::vault::Vault;
use mcm_core::world::{Environment, NoScheme, Paths, SystemClock, World};
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody, Origin};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{Context, Manager as _, WebviewUrl, WebviewWindow, WebviewWindowBuilder};

use super::*;
use crate::switcher::SWITCHER;
use crate::window::{self, MAIN, Place};

/// Every command of Tauri's own, or of a plug-in, that would be reachable if it were granted.
const FOREIGN: [&str; 9] = [
    "plugin:event|listen",
    "plugin:event|emit",
    "plugin:webview|create_webview_window",
    "plugin:webview|internal_toggle_devtools",
    "plugin:window|close",
    "plugin:path|resolve_directory",
    "plugin:resources|close",
    "plugin:tray|new",
    "plugin:menu|new",
];

fn context() -> Context<MockRuntime> {
    tauri::generate_context!()
}

fn declared() -> BTreeSet<&'static str> {
    env!("COMMANDS").split(' ').collect()
}

/// The commands of each window: the dashboard has all but the switcher's own, the switcher those and the ones for its
/// list.
fn allowed(label: &str) -> BTreeSet<&'static str> {
    match label {
        MAIN => declared()
            .into_iter()
            .filter(|command| !SWITCHERS_OWN.contains(command))
            .collect(),
        SWITCHER => SWITCHERS_OWN
            .into_iter()
            .chain(["search", "watch"])
            .collect(),
        _ => BTreeSet::new(),
    }
}

const SWITCHERS_OWN: [&str; 4] = [
    "close_switcher",
    "switch_to",
    "switch_to_environment",
    "typed_ahead",
];

#[test]
fn each_window_is_granted_its_commands_and_nothing_else() {
    let context = context();
    let mut granted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in &context.config().app.security.capabilities {
        let capability = serde_json::to_value(entry).unwrap();
        let [window] = &capability["windows"].as_array().unwrap()[..] else {
            panic!("one window")
        };
        let permissions = capability["permissions"].as_array().unwrap();
        let permissions = permissions
            .iter()
            .map(|permission| permission.as_str().unwrap().to_owned());
        granted
            .entry(window.as_str().unwrap().to_owned())
            .or_default()
            .extend(permissions);
    }
    let permission = |command: &str| format!("allow-{}", command.replace('_', "-"));
    let wanted = [MAIN, SWITCHER].map(|label| {
        (
            label.to_owned(),
            allowed(label)
                .into_iter()
                .map(permission)
                .collect::<BTreeSet<_>>(),
        )
    });
    assert_eq!(granted, BTreeMap::from(wanted));
}

#[test]
fn the_page_on_security_names_every_command() {
    let page = include_str!("../../../SECURITY.md");
    let missing: Vec<_> = declared()
        .into_iter()
        .filter(|command| !page.contains(&format!("`{command}`")))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn only_a_window_of_ours_reaches_its_commands_and_only_from_its_own_page() {
    let mut context = context();
    let authority = context.runtime_authority_mut();
    let remote = Origin::Remote {
        url: "https://example.com".parse().unwrap(),
    };
    for label in [MAIN, SWITCHER, "other"] {
        for command in declared() {
            let is_allowed = authority
                .resolve_access(command, label, label, &Origin::Local)
                .is_some();
            assert_eq!(
                is_allowed,
                allowed(label).contains(command),
                "{label}: {command}"
            );
            assert!(
                authority
                    .resolve_access(command, label, label, &remote)
                    .is_none(),
                "{label}: {command}"
            );
        }
        for command in FOREIGN {
            assert!(
                authority
                    .resolve_access(command, label, label, &Origin::Local)
                    .is_none(),
                "{label}: {command}"
            );
        }
    }
}

#[test]
fn the_page_gets_no_inline_script_no_global_and_no_changed_prototypes() {
    let context = context();
    let app = &context.config().app;
    let policy = app.security.csp.as_ref().unwrap().to_string();
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    assert!(app.security.freeze_prototype && !app.with_global_tauri);
    assert!(!app.security.asset_protocol.enable);
}

#[test]
fn every_granted_command_is_answered_and_every_other_refused() {
    let folder = tempfile::tempdir().unwrap();
    let app = app_below(folder.path());
    app.manage(Feed::default());
    app.manage(Clipboard::default());
    let windows = [
        window::build(app.handle(), &Place::AsItWas).unwrap(),
        switcher::build(app.handle()).unwrap(),
        WebviewWindowBuilder::new(&app, "other", WebviewUrl::default())
            .build()
            .unwrap(),
    ];

    for window in &windows {
        let allowed = allowed(window.label());
        for command in declared() {
            // Without arguments most are refused for that reason, and none as unknown or not allowed.
            let acts = [
                "close_switcher",
                "copy_diagnostics",
                "forget_everything",
                "retry_keychain",
            ];
            if allowed.contains(command) && acts.contains(&command) {
                continue;
            }
            let answer = format!("{:?}", call(window, command, json!({})));
            assert!(!answer.contains("not found"), "{command}: {answer}");
            assert_eq!(
                answer.contains("not allowed"),
                !allowed.contains(command),
                "{command}: {answer}"
            );
        }
        for command in FOREIGN {
            let answer = call(
                window,
                command,
                json!({ "event": "x", "target": { "kind": "Any" }, "handler": 1 }),
            );
            assert!(
                format!("{answer:?}").contains("not allowed"),
                "{command}: {answer:?}"
            );
        }
    }
}

#[test]
fn a_failure_is_a_code_a_sentence_and_a_reference() {
    let folder = tempfile::tempdir().unwrap();
    let app = app_below(folder.path());
    let main = window::build(app.handle(), &Place::AsItWas).unwrap();

    let failure = call(
        &main,
        "use_account",
        json!({ "account": "azure-000000000000" }),
    )
    .unwrap_err();

    let fields: Vec<&String> = failure.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["code", "message", "reference"]);
    assert_eq!(failure["code"], "not-found");
}

/// Each refusal of the window names the window's own remedy, by the words that its control has.
#[test]
fn a_remedy_in_the_window_is_a_control_of_it_and_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let app = app_below(folder.path());
    let main = window::build(app.handle(), &Place::AsItWas).unwrap();
    let file = folder.path().join("notes");
    mcm_core::file::replace(&file, b"no backup").unwrap();
    let passphrase = "four words are enough";

    for (command, arguments, control) in [
        (
            "use_account",
            json!({ "account": "azure-000000000000" }),
            None,
        ),
        (
            "use_environment",
            json!({ "name": "gone" }),
            Some("Create environment…"),
        ),
        ("drop_pending_role", json!({ "externalId": "gone" }), None),
        ("revoke_holder", json!({ "id": "gone" }), None),
        (
            "back_up",
            json!({ "path": file, "passphrase": passphrase, "replaces": false }),
            Some("Replace the file if it exists"),
        ),
        (
            "restore",
            json!({ "path": file, "passphrase": passphrase }),
            Some("Back up…"),
        ),
    ] {
        let failure = call(&main, command, arguments).unwrap_err();
        has_remedy(failure["message"].as_str().unwrap(), control);
    }
    let connect = |arguments: Value| {
        call(&main, "connect", arguments).unwrap();
        let core = app.state::<Arc<App>>();
        let sign_in = core.watch().borrow().sign_ins[0].id;
        let ended = tauri::async_runtime::block_on(async {
            let mut snapshots = core.watch();
            let ended = snapshots.wait_for(|snapshot| {
                let step = &snapshot.sign_ins[0].step;
                matches!(step, SignInStep::Failed { .. })
            });
            ended.await.unwrap().clone()
        });
        core.dismiss_sign_in(sign_in);
        let SignInStep::Failed { error } = &ended.sign_ins[0].step else {
            panic!("it failed")
        };
        error.message.clone()
    };
    let role = |name: &str| json!({ "cloud": "aws", "role": { "roleArn": format!("arn:aws:iam::123456789012:role/{name}") } });
    for (arguments, control) in [
        (role("Reader"), "Create External ID and templates"),
        (
            role("aws-reserved/sso.amazonaws.com/AWSReservedSSO_Reader_0123456789abcdef"),
            "Sign in with IAM Identity Center",
        ),
    ] {
        has_remedy(&connect(arguments), Some(control));
    }
}

fn app_below(folder: &std::path::Path) -> tauri::App<MockRuntime> {
    let app = mock_builder()
        .invoke_handler(handler())
        .build(context())
        .unwrap();
    app.manage(core_below(folder));
    app
}

fn has_remedy(message: &str, control: Option<&str>) {
    assert!(
        !message.contains("mcm ") && !message.contains("--"),
        "{message}"
    );
    if let Some(control) = control {
        assert!(message.contains(control), "{message}");
        let texts = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/ui/src/text"));
        let is_shown = texts.unwrap().any(|text| {
            let text = std::fs::read_to_string(text.unwrap().path()).unwrap();
            text.contains(&format!("\"{control}\""))
        });
        assert!(is_shown, "no control is called {control}");
    }
}

fn call(
    window: &WebviewWindow<MockRuntime>,
    command: &str,
    arguments: Value,
) -> Result<Value, Value> {
    let url = if cfg!(windows) {
        "http://tauri.localhost"
    } else {
        "tauri://localhost"
    };
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: url.parse().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.into(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

/// A core without accounts that keeps its secrets in memory.
pub(crate) fn core_below(folder: &std::path::Path) -> Arc<App> {
    let paths = Paths::below(folder);
    let world = World {
        clock: Arc::new(SystemClock),
        http: Http::default(),
        vault: Vault::in_memory(),
        browser: Arc::new(SystemBrowser::new(
            &Environment::default(),
            &paths,
            Frontend::Window,
        )),
        scheme: Arc::new(NoScheme),
        paths,
        environment: Environment::default(),
    };
    App::open(world, Frontend::Window)
}
