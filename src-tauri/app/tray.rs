//! The tray: shows the menu and the icon of the latest Snapshot, and runs the chosen actions.
//!
//! `tray/menu.rs` decides the content of the menu; this file shows it on the desktop.

mod menu;

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcm_core::account::AccountId;
use mcm_core::app::{App, ConsoleSession};
use mcm_core::error::Result;
use mcm_core::world::Clock;
use tauri::image::Image;
use tauri::menu::{CheckMenuItem, IsMenuItem, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry, include_image};
use tokio::time::sleep;

use crate::quit::quit;
use crate::switch::{switch_to, switch_to_environment};
use crate::tray_host::{self, TrayHost};
use crate::window::{OpenRequests, Place};
use menu::{Action, Item, Menu, TrayStatus, tooltip};

/// How often the remaining time is updated.
const TICK: Duration = Duration::from_secs(20);
/// The shortest time between two updates.
const MIN_REDRAW_INTERVAL: Duration = Duration::from_millis(250);
/// How long the icon waits for a tray. An icon that is created while a panel starts may appear there twice: in the
/// panel's format and in the older one that the library falls back to. A desktop that supports only the older format
/// gets it after this time.
const TRAY_HOST_TIMEOUT: Duration = Duration::from_secs(5);

/// The icon and what it shows.
pub(crate) struct Tray {
    icon: TrayIcon,
    shown: Mutex<Option<Shown>>,
}

struct Shown {
    menu: Menu,
    status: TrayStatus,
    entries: Vec<TrayEntry>,
}

/// An entry on the desktop, in the order of the menu, a submenu before its entries.
enum TrayEntry {
    Separator,
    Plain(MenuItem<Wry>),
    Tick(CheckMenuItem<Wry>),
    Submenu(Submenu<Wry>),
}

impl Tray {
    /// An icon without a menu yet.
    pub(crate) fn new(app: &AppHandle) -> tauri::Result<Self> {
        let icon = TrayIconBuilder::with_id("main")
            .icon(icon_of(TrayStatus::Good))
            .tooltip("Multi-Cloud Manager")
            .on_menu_event(|app, event| {
                if let Some(action) = Action::from_id(&event.id().0) {
                    act(app, action);
                }
                // The desktop ticks a clicked entry, whatever its real state.
                app.state::<Tray>().set_ticks();
            })
            .build(app)?;
        Ok(Self {
            icon,
            shown: Mutex::new(None),
        })
    }

    /// Shows a menu and a status. On the main thread.
    fn show(
        &self,
        app: &AppHandle,
        menu: Menu,
        status: TrayStatus,
        tooltip: &str,
    ) -> tauri::Result<()> {
        let mut shown = self.shown();
        // On Linux the library has no tooltip: panels show the program's name, and the menu begins with the same lines.
        self.icon.set_tooltip(Some(tooltip))?;
        if shown.as_ref().is_none_or(|last| last.status != status) {
            self.icon.set_icon(Some(icon_of(status)))?;
        }
        let entries = match shown.take() {
            Some(last) if last.menu.has_shape_of(&menu) => {
                rewrite(&mut last.entries.iter(), &last.menu.0, &menu.0)?;
                last.entries
            }
            _ => {
                let mut entries = Vec::new();
                let built = tauri::menu::Menu::new(app)?;
                build(app, &menu.0, &mut entries, &mut |item| built.append(item))?;
                self.icon.set_menu(Some(built))?;
                entries
            }
        };
        *shown = Some(Shown {
            menu,
            status,
            entries,
        });
        Ok(())
    }

    fn set_ticks(&self) {
        if let Some(shown) = self.shown().as_ref() {
            set_ticks(&mut shown.entries.iter(), &shown.menu.0);
        }
    }

    fn shown(&self) -> MutexGuard<'_, Option<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the icon and updates it whenever it changes, as long as the app runs.
pub(crate) async fn follow(app: AppHandle, core: Arc<App>, clock: Arc<dyn Clock>, host: TrayHost) {
    if !tray_host::has_library() {
        tracing::warn!(
            "there is no tray icon: neither libayatana-appindicator3 nor libappindicator3 is installed"
        );
        // When standard error is closed, the log says it.
        let _ = writeln!(
            std::io::stderr(),
            "multi-cloud-manager: There is no tray icon, because libayatana-appindicator3 is not installed. \
             Install it with your package manager, then start the app again."
        );
        return;
    }
    host.appeared(TRAY_HOST_TIMEOUT).await;
    let handle = app.clone();
    let made = app.run_on_main_thread(move || match Tray::new(&handle) {
        Ok(tray) => {
            handle.manage(tray);
        }
        Err(error) => tracing::warn!(%error, "there is no tray icon"),
    });
    if made.is_err() {
        // The app is quitting.
        return;
    }
    let mut snapshots = core.watch();
    let mut last = None;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        let targets = |id: &AccountId| core.targets(id).unwrap_or_default();
        let next = (
            Menu::of(&snapshot, targets, clock.now()),
            TrayStatus::of(&snapshot),
            tooltip(&snapshot, clock.now()),
        );
        if last.as_ref() != Some(&next) {
            let (handle, (menu, status, tooltip)) = (app.clone(), next.clone());
            // Fails only when the app is quitting.
            let _ = app.run_on_main_thread(move || {
                let Some(tray) = handle.try_state::<Tray>() else {
                    return;
                };
                if let Err(error) = tray.show(&handle, menu, status, &tooltip) {
                    tracing::warn!(%error, "the tray could not be updated");
                }
            });
            last = Some(next);
        }
        sleep(MIN_REDRAW_INTERVAL).await;
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { return },
            () = sleep(TICK) => {}
        }
    }
}

/// Runs the chosen action.
fn act(app: &AppHandle, action: Action) {
    let core = app.state::<Arc<App>>().inner().clone();
    let open_requests = app.state::<OpenRequests>();
    match action {
        Action::Open => open_requests.request(Place::AsItWas),
        Action::Show(account) => open_requests.request(Place::Account(account)),
        Action::Connect => open_requests.request(Place::Connect),
        Action::Environments => open_requests.request(Place::Environments),
        Action::Environment(name) => use_environment(app, name),
        Action::Pause(pause) => core.pause(pause),
        Action::Quit => quit(app),
        Action::Use(account) => {
            let handle = app.clone();
            carry_out(app, &account.clone(), async move {
                switch_to(&handle, &account, None).await
            });
        }
        Action::Target(account, target) => {
            carry_out(app, &account.clone(), async move {
                core.choose_target(&account, &target).await
            });
        }
        Action::UseTarget(account, target) => {
            let handle = app.clone();
            carry_out(app, &account.clone(), async move {
                switch_to(&handle, &account, Some(&target)).await
            });
        }
        Action::Console(account) => {
            carry_out(app, &account.clone(), async move {
                core.open_console(&account, ConsoleSession::Present).await
            });
        }
    }
}

/// Runs a use case. A menu has no room for an error, so the dashboard opens at the account.
fn carry_out(
    app: &AppHandle,
    account: &AccountId,
    run: impl Future<Output = Result<()>> + Send + 'static,
) {
    let (app, account) = (app.clone(), account.clone());
    tauri::async_runtime::spawn(async move {
        if let Err(error) = run.await {
            tracing::warn!(%account, code = error.code().as_str(), reference = error.reference(), "an action of the tray failed");
            app.state::<OpenRequests>().request(Place::Account(account));
        }
    });
}

/// Uses all accounts of an environment. Where that fails, the dashboard opens at the environments.
fn use_environment(app: &AppHandle, name: String) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(error) = switch_to_environment(&app, &name).await {
            tracing::warn!(
                code = error.code().as_str(),
                reference = error.reference(),
                "an environment could not be used"
            );
            app.state::<OpenRequests>().request(Place::Environments);
        }
    });
}

fn build(
    app: &AppHandle,
    items: &[Item],
    entries: &mut Vec<TrayEntry>,
    append: &mut dyn FnMut(&dyn IsMenuItem<Wry>) -> tauri::Result<()>,
) -> tauri::Result<()> {
    for item in items {
        match item {
            Item::Separator => {
                append(&PredefinedMenuItem::separator(app)?)?;
                entries.push(TrayEntry::Separator);
            }
            Item::Text(label) => {
                let entry = MenuItem::new(app, label, false, None::<&str>)?;
                append(&entry)?;
                entries.push(TrayEntry::Plain(entry));
            }
            Item::Choice { action, label } => {
                let entry = MenuItem::with_id(app, action.id(), label, true, None::<&str>)?;
                append(&entry)?;
                entries.push(TrayEntry::Plain(entry));
            }
            Item::Tick {
                action,
                label,
                ticked,
            } => {
                let entry =
                    CheckMenuItem::with_id(app, action.id(), label, true, *ticked, None::<&str>)?;
                append(&entry)?;
                entries.push(TrayEntry::Tick(entry));
            }
            Item::Submenu { label, items } => {
                let entry = Submenu::new(app, label, true)?;
                entries.push(TrayEntry::Submenu(entry.clone()));
                build(app, items, entries, &mut |item| entry.append(item))?;
                append(&entry)?;
            }
        }
    }
    Ok(())
}

/// Updates entries of the same structure from the old content to the new one.
fn rewrite<'a>(
    entries: &mut impl Iterator<Item = &'a TrayEntry>,
    last: &[Item],
    next: &[Item],
) -> tauri::Result<()> {
    for (last, next) in last.iter().zip(next) {
        let Some(entry) = entries.next() else {
            return Ok(());
        };
        match (entry, next) {
            (TrayEntry::Plain(entry), Item::Text(label) | Item::Choice { label, .. })
                if last != next =>
            {
                entry.set_text(label)?;
            }
            (TrayEntry::Tick(entry), Item::Tick { label, ticked, .. }) if last != next => {
                entry.set_text(label)?;
                entry.set_checked(*ticked)?;
            }
            (TrayEntry::Submenu(entry), Item::Submenu { label, items }) => {
                let Item::Submenu {
                    label: last_label,
                    items: last_items,
                } = last
                else {
                    continue;
                };
                if last_label != label {
                    entry.set_text(label)?;
                }
                rewrite(entries, last_items, items)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn set_ticks<'a>(entries: &mut impl Iterator<Item = &'a TrayEntry>, items: &[Item]) {
    for item in items {
        match (entries.next(), item) {
            (Some(TrayEntry::Tick(entry)), Item::Tick { ticked, .. }) => {
                // Fails only when the app is quitting.
                let _ = entry.set_checked(*ticked);
            }
            (Some(TrayEntry::Submenu(_)), Item::Submenu { items, .. }) => set_ticks(entries, items),
            _ => {}
        }
    }
}

fn icon_of(status: TrayStatus) -> Image<'static> {
    match status {
        TrayStatus::Good => include_image!("icons/tray-good.png"),
        TrayStatus::Renewing => include_image!("icons/tray-renewing.png"),
        TrayStatus::NeedsYou => include_image!("icons/tray-attention.png"),
        TrayStatus::Offline => include_image!("icons/tray-offline.png"),
    }
}
