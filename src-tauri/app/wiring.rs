//! Wiring: creates the World, opens the core, and connects window, tray, commands and deep links to it.

use std::io::Write as _;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use mcm_core::app::App;
use mcm_core::browser::SystemBrowser;
#[cfg(windows)]
use mcm_core::error::{Code, Error};
use mcm_core::file;
use mcm_core::http::Http;
use mcm_core::logging;
use mcm_core::memory;
use mcm_core::redirect::Frontend;
use mcm_core::signals;
use mcm_core::vault::Vault;
use mcm_core::world::{
    APP_ID, Environment, NoScheme, Paths, SCHEME, SchemeRegistration, SystemClock, World,
};
use tauri::{AppHandle, Manager as _, RunEvent, WindowEvent, async_runtime};

use crate::clipboard::Clipboard;
use crate::commands;
use crate::launch_args::LaunchArgs;
use crate::no_tray_notification::NoTrayNotification;
use crate::quit::{self, Quitting, quit};
use crate::scheme::DesktopSchemes;
use crate::session_notification;
use crate::shortcut::Shortcut;
use crate::snapshot_feed::Feed;
use crate::start_at_login::LoginEntry;
use crate::switcher::{self, SWITCHER, SwitcherRequests};
use crate::tray::{self, Tray};
use crate::tray_host::TrayHost;
#[cfg(target_os = "linux")]
use crate::webkit;
use crate::window::{self, KeptPlace, MAIN, OpenRequests, Place};

/// Runs the app until it quits. A second start passes its arguments to the first and exits.
pub fn run() -> ExitCode {
    memory::keep_private();
    signals::prepare();
    let environment = Environment::of_this_process();
    #[cfg(target_os = "linux")]
    webkit::draw_without_card(&environment);
    std::panic::set_hook(Box::new(log_panic));
    #[cfg(target_os = "linux")]
    if crate::single_instance::is_taken() {
        return ExitCode::SUCCESS;
    }
    let paths = match Paths::resolve(&environment) {
        Ok(paths) => paths,
        Err(error) => return fail(&error),
    };
    #[cfg(windows)]
    if let Err(error) = tauri::webview_version() {
        tracing::error!(%error, "there is no web view");
        return fail(&Error::new(
            Code::Unsupported,
            "The Microsoft Edge WebView2 Runtime is missing. Install it from Microsoft's website, then start the app again.",
        ));
    }
    let builder = tauri::Builder::default();
    // The first plug-in, so that a second start exits before it does anything. macOS itself starts only one instance.
    #[cfg(not(target_os = "macos"))]
    let builder = builder.plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
        handle_start(
            app,
            &LaunchArgs::read(arguments.get(1..).unwrap_or_default()),
        );
    }));
    let built = builder
        .plugin(tauri_plugin_deep_link::init())
        .manage(OpenRequests::default())
        .manage(SwitcherRequests::default())
        .manage(Clipboard::default())
        .manage(Feed::default())
        .manage(KeptPlace::default())
        .manage(Quitting::default())
        .invoke_handler(commands::handler())
        .setup(move |app| {
            set_up(app.handle(), environment, paths);
            Ok(())
        })
        .build(tauri::generate_context!());
    match built {
        Ok(app) => app.run(on_event),
        Err(error) => return fail(&error),
    }
    ExitCode::SUCCESS
}

/// Makes the folders in which the web view keeps its files this user's only, before it makes them for everyone to read.
fn keep_webkits_folders_private(app: &AppHandle) {
    let folders = [app.path().app_local_data_dir(), app.path().app_cache_dir()];
    for folder in folders.into_iter().flatten() {
        if let Err(error) = file::make_private(&folder) {
            tracing::warn!(
                code = error.code().as_str(),
                "a folder of the web view is not private"
            );
        }
    }
}

fn set_up(app: &AppHandle, environment: Environment, paths: Paths) {
    let clock = Arc::new(SystemClock);
    // The app works without its log.
    let _ = logging::start("app", &paths, &environment, clock.clone());
    keep_webkits_folders_private(app);
    app.manage(NoTrayNotification::new(&paths));
    let program = program(app);
    let scheme = scheme(app, program.as_deref());
    let shortcut = Shortcut::new(app, &environment);
    let world = World {
        clock: clock.clone(),
        http: Http::default(),
        vault: Vault::platform(APP_ID, paths.keychain_lock()),
        browser: Arc::new(browser(&environment, &paths)),
        scheme: scheme.clone(),
        paths,
        environment,
    };
    let core = async_runtime::block_on(async {
        let core = App::open(world, Frontend::Window);
        core.start_background_tasks();
        core
    });
    app.manage(core.clone());
    let host = TrayHost::follow();
    app.manage(host.clone());
    shortcut.start(&core);
    app.manage(shortcut);
    if let Some(entry) = program.and_then(|program| LoginEntry::of(app, program).ok()) {
        entry.fix();
        app.manage(entry);
    }
    async_runtime::spawn(session_notification::follow(
        app.clone(),
        core.clone(),
        clock.clone(),
    ));
    async_runtime::spawn(tray::follow(app.clone(), core, clock, host));
    async_runtime::spawn(window::answer(app.clone()));
    async_runtime::spawn(switcher::answer(app.clone()));
    async_runtime::spawn(quit::on_signal(app.clone()));
    async_runtime::spawn(async move { scheme.ensure(SCHEME).await });
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    handle_start(app, &LaunchArgs::read(&arguments));
}

/// Where the desktop finds this program.
fn program(app: &AppHandle) -> Option<PathBuf> {
    tauri::process::current_binary(&app.env())
        .inspect_err(|error| {
            tracing::warn!(%error, "the path of this program is unknown, so it cannot receive links or start at login");
        })
        .ok()
}

fn browser(environment: &Environment, paths: &Paths) -> SystemBrowser {
    let browser = SystemBrowser::new(environment, paths, Frontend::Window);
    #[cfg(target_os = "linux")]
    let browser = browser.keeping_back(webkit::of_this_process_alone(environment));
    browser
}

fn scheme(app: &AppHandle, program: Option<&Path>) -> Arc<dyn SchemeRegistration> {
    match program {
        Some(program) => Arc::new(DesktopSchemes {
            program: program.to_owned(),
            app: app.clone(),
        }),
        None => Arc::new(NoScheme),
    }
}

/// Handles a start. Called from any thread, with input from any program.
fn handle_start(app: &AppHandle, start: &LaunchArgs<'_>) {
    let core = app.try_state::<Arc<App>>();
    let place = match (start, core) {
        (LaunchArgs::Hidden, _) => return,
        (LaunchArgs::Switcher, _) => {
            app.state::<SwitcherRequests>().request(0);
            return;
        }
        (LaunchArgs::Address(address), Some(core)) => {
            core.deliver(address);
            Place::AsItWas
        }
        (LaunchArgs::Account(id), Some(core))
            if core
                .stored()
                .is_ok_and(|stored| stored.account(id).is_some()) =>
        {
            Place::Account(id.clone())
        }
        _ => Place::AsItWas,
    };
    app.state::<OpenRequests>().request(place);
}

fn on_event(app: &AppHandle, event: RunEvent) {
    match event {
        RunEvent::WindowEvent {
            label,
            event: WindowEvent::Destroyed,
            ..
        } => {
            let was_heard = app.state::<Feed>().stop(&label);
            if was_heard {
                app.state::<Arc<App>>().end_searching();
                #[cfg(target_os = "linux")]
                webkit::end_idle_process(app);
            }
            // The dashboard was closed: the tray stays, if there is one.
            if label == MAIN && !has_tray(app) && !app.state::<Quitting>().has_begun() {
                let app = app.clone();
                async_runtime::spawn(async move {
                    app.state::<NoTrayNotification>().show_once().await;
                    quit(&app);
                });
            }
        }
        RunEvent::WindowEvent {
            label,
            event: WindowEvent::Focused(focused),
            ..
        } if label == SWITCHER => {
            switcher::on_focus(app, focused);
        }
        // The last window was closed, which does not quit the app.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => {
            for url in urls {
                handle_start(app, &LaunchArgs::read_address(url.as_str()));
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => app.state::<OpenRequests>().request(Place::AsItWas),
        _ => {}
    }
}

/// Whether the app can be reached without a window.
fn has_tray(app: &AppHandle) -> bool {
    app.try_state::<Tray>().is_some() && app.state::<TrayHost>().is_there()
}

/// Reports only the place: a panic's text may quote a value.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    tracing::error!(place, "a defect stopped a task");
    // When standard error is closed too, there is nowhere left to report it.
    let _ = writeln!(
        std::io::stderr(),
        "multi-cloud-manager: a defect stopped a task at {place}"
    );
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    tracing::error!(%error, "the app cannot start");
    // As above.
    let _ = writeln!(std::io::stderr(), "multi-cloud-manager: {error}");
    #[cfg(windows)]
    rfd::MessageDialog::new()
        .set_level(rfd::MessageLevel::Error)
        .set_title("Multi-Cloud Manager cannot start")
        .set_description(error.to_string())
        .show();
    ExitCode::FAILURE
}
