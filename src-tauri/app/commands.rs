//! The commands that a window can call. Each calls one use case and maps its error.
//!
//! All are async, so that none runs on the main thread. They are declared in `build.rs` and granted in
//! `tauri.conf.json`; core checks ids and texts.

mod aws;
mod backup;
mod environments;
mod sign_in;

use std::sync::Arc;

use mcm_core::account::{AccountId, Cloud, OrganizationAccount, Target};
use mcm_core::activity::ActivityEvent;
use mcm_core::app::{App, ConsoleSession, Disconnected, NewestVersion, SignOut, StoredPlace};
use mcm_core::error::{Error, ErrorView};
use mcm_core::settings::{Preferences, RedirectKind};
use mcm_core::snapshot::{Copyable, FoundLine, Snapshot};
use serde::Serialize;
use tauri::ipc::{Channel, Invoke};
use tauri::{AppHandle, Runtime, State, WebviewWindow};
use ts_rs::TS;

use crate::about::{self, AboutView};
use crate::browsers;
use crate::clipboard::Clipboard;
use crate::desktop::{self, DesktopView};
use crate::shortcut::Shortcut;
use crate::snapshot_feed::Feed;
use crate::start_at_login::AtLogin;
use crate::switcher::SwitcherRequests;
use crate::window::{self, KeptPlace};
use crate::{switch, switcher};

type Core<'a> = State<'a, Arc<App>>;
type Answer<T = ()> = Result<T, ErrorView>;

/// The most events that the Activity screen gets.
const MOST_HAPPENINGS: usize = 500;

/// Every command by its name.
pub(crate) fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        about,
        activity,
        cancel_reading,
        choose_target,
        close_switcher,
        copy,
        copy_diagnostics,
        desktop,
        disconnect,
        search,
        forget_everything,
        keep_place,
        kept_place,
        open_console,
        open_log_folder,
        organization,
        pause,
        pin_target,
        read_targets,
        rename,
        renew,
        retry_keychain,
        save_client_id,
        save_preferences,
        save_redirect,
        set_at_login,
        set_colour,
        set_shortcut,
        check_for_updates,
        choose_browser,
        set_star,
        storage,
        switch_to,
        switch_to_environment,
        targets,
        typed_ahead,
        undo_disconnect,
        use_account,
        watch,
        zoom,
        aws::add_access_keys,
        aws::aws_caller,
        aws::aws_sources,
        aws::drop_pending_role,
        aws::pending_roles,
        aws::prepare_role,
        aws::remove_access_keys,
        backup::back_up,
        backup::restore,
        environments::confirm_environment,
        environments::delete_environment,
        environments::end_environment,
        environments::entered_cluster,
        environments::holders,
        environments::offered_contexts,
        environments::restore_environment,
        environments::revoke_holder,
        environments::save_environment,
        environments::use_environment,
        sign_in::add_tenant,
        sign_in::cancel_sign_in,
        sign_in::connect,
        sign_in::connect_found,
        sign_in::decide_duplicate,
        sign_in::dismiss_sign_in,
        sign_in::enter_mfa_code,
        sign_in::found_elsewhere,
        sign_in::found_portals,
        sign_in::reopen_browser,
    ]
}

#[tauri::command]
async fn watch<R: Runtime>(
    core: Core<'_>,
    feed: State<'_, Feed>,
    window: WebviewWindow<R>,
    channel: Channel<Snapshot>,
) -> Answer {
    feed.start(window.label(), core.watch(), channel);
    Ok(())
}

#[tauri::command]
async fn renew(core: Core<'_>, account: AccountId) -> Answer {
    core.renew(&account).await.map_err(to_view)
}

#[tauri::command]
async fn read_targets(core: Core<'_>, account: AccountId) -> Answer {
    core.read_targets(&account).await.map_err(to_view)
}

#[tauri::command]
async fn cancel_reading(core: Core<'_>, account: AccountId) -> Answer {
    core.cancel_reading(&account);
    Ok(())
}

#[tauri::command]
async fn targets(core: Core<'_>, account: AccountId) -> Answer<Vec<Target>> {
    core.targets(&account).map_err(to_view)
}

#[tauri::command]
async fn use_account(core: Core<'_>, account: AccountId, target: Option<String>) -> Answer {
    core.use_account(&account, target.as_deref())
        .await
        .map_err(to_view)
}

#[tauri::command]
async fn choose_target(core: Core<'_>, account: AccountId, target: String) -> Answer {
    core.choose_target(&account, &target).await.map_err(to_view)
}

#[tauri::command]
async fn pin_target(core: Core<'_>, account: AccountId, target: String, pinned: bool) -> Answer {
    core.pin_target(&account, &target, pinned)
        .await
        .map_err(to_view)
}

#[tauri::command]
async fn rename(core: Core<'_>, account: AccountId, name: Option<String>) -> Answer {
    core.rename(&account, name.as_deref())
        .await
        .map_err(to_view)
}

#[tauri::command]
async fn set_colour(core: Core<'_>, account: AccountId, colour: Option<String>) -> Answer {
    core.set_colour(&account, colour.as_deref())
        .await
        .map_err(to_view)
}

#[tauri::command]
async fn set_star(core: Core<'_>, account: AccountId, starred: bool) -> Answer {
    core.set_star(&account, starred).await.map_err(to_view)
}

#[tauri::command]
async fn about(core: Core<'_>) -> Answer<AboutView> {
    Ok(AboutView::of(&core))
}

#[tauri::command]
async fn check_for_updates(core: Core<'_>) -> Answer<NewestVersion> {
    about::check_for_updates(&core).await.map_err(to_view)
}

#[tauri::command]
async fn open_log_folder(core: Core<'_>) -> Answer {
    about::open_log_folder(Arc::clone(&core))
        .await
        .map_err(to_view)
}

/// The end of a disconnect.
#[derive(Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
struct DisconnectEnd {
    /// Whether the user undid it, so that the account stays.
    undone: bool,
    /// Why the cloud did not revoke the grant.
    unrevoked: Option<ErrorView>,
}

#[tauri::command]
async fn disconnect(core: Core<'_>, account: AccountId, everywhere: bool) -> Answer<DisconnectEnd> {
    let sign_out = if everywhere {
        SignOut::Everywhere
    } else {
        SignOut::WhereItIsOurs
    };
    let end = core.disconnect_later(&account, sign_out).await;
    Ok(match end.map_err(to_view)? {
        Disconnected::Undone => DisconnectEnd {
            undone: true,
            unrevoked: None,
        },
        Disconnected::Done(error) => DisconnectEnd {
            undone: false,
            unrevoked: error.as_ref().map(ErrorView::from),
        },
    })
}

#[tauri::command]
async fn undo_disconnect(core: Core<'_>, account: AccountId) -> Answer {
    core.undo_disconnect(&account).map_err(to_view)
}

#[tauri::command]
async fn zoom<R: Runtime>(window: WebviewWindow<R>, percent: u16) -> Answer {
    window::zoom(&window, percent).map_err(to_view)
}

#[tauri::command]
async fn activity(core: Core<'_>, account: Option<AccountId>) -> Answer<Vec<ActivityEvent>> {
    Ok(core.activity(account.as_ref(), MOST_HAPPENINGS))
}

#[tauri::command]
async fn keep_place(kept: State<'_, KeptPlace>, place: String) -> Answer {
    kept.keep(place);
    Ok(())
}

#[tauri::command]
async fn kept_place(kept: State<'_, KeptPlace>) -> Answer<Option<String>> {
    Ok(kept.kept())
}

#[tauri::command]
async fn search(core: Core<'_>, query: String) -> Answer<Vec<FoundLine>> {
    Ok(core.search_everything(&query))
}

#[tauri::command]
async fn copy(
    core: Core<'_>,
    clipboard: State<'_, Clipboard>,
    account: AccountId,
    what: Copyable,
) -> Answer {
    clipboard
        .write(core.copyable(&account, what).map_err(to_view)?)
        .await
        .map_err(to_view)
}

#[tauri::command]
async fn copy_diagnostics(core: Core<'_>, clipboard: State<'_, Clipboard>) -> Answer {
    clipboard.write(core.diagnostics()).await.map_err(to_view)
}

#[tauri::command]
async fn open_console(core: Core<'_>, account: AccountId, sign_out_first: bool) -> Answer {
    let browser = if sign_out_first {
        ConsoleSession::SignedOut
    } else {
        ConsoleSession::Present
    };
    core.open_console(&account, browser).await.map_err(to_view)
}

#[tauri::command]
async fn organization(core: Core<'_>, account: AccountId) -> Answer<Vec<OrganizationAccount>> {
    core.organization(&account).map_err(to_view)
}

#[tauri::command]
async fn save_client_id(core: Core<'_>, cloud: Cloud, client_id: String) -> Answer {
    core.save_client_id(cloud, &client_id).map_err(to_view)
}

#[tauri::command]
async fn save_redirect(core: Core<'_>, cloud: Cloud, redirect: RedirectKind) -> Answer {
    core.save_redirect(cloud, redirect).map_err(to_view)
}

#[tauri::command]
async fn save_preferences(core: Core<'_>, preferences: Preferences) -> Answer {
    core.save_preferences(&preferences).map_err(to_view)
}

#[tauri::command]
async fn desktop<R: Runtime>(app: AppHandle<R>) -> Answer<DesktopView> {
    DesktopView::of(&app).map_err(to_view)
}

#[tauri::command]
async fn set_at_login<R: Runtime>(app: AppHandle<R>, at_login: AtLogin) -> Answer<DesktopView> {
    desktop::set_at_login(&app, at_login)
        .and_then(|()| DesktopView::of(&app))
        .map_err(to_view)
}

#[tauri::command]
async fn set_shortcut<R: Runtime>(
    app: AppHandle<R>,
    core: Core<'_>,
    shortcut: State<'_, Shortcut>,
    keys: Option<String>,
) -> Answer<DesktopView> {
    shortcut
        .change(&core, keys.as_deref())
        .await
        .map_err(to_view)?;
    DesktopView::of(&app).map_err(to_view)
}

#[tauri::command]
async fn choose_browser<R: Runtime>(
    app: AppHandle<R>,
    core: Core<'_>,
    id: Option<String>,
) -> Answer<DesktopView> {
    browsers::choose(&core, id.as_deref())
        .and_then(|()| DesktopView::of(&app))
        .map_err(to_view)
}

#[tauri::command]
async fn switch_to<R: Runtime>(
    app: AppHandle<R>,
    account: AccountId,
    target: Option<String>,
) -> Answer {
    switch::switch_to(&app, &account, target.as_deref())
        .await
        .map_err(to_view)?;
    switcher::close(&app);
    Ok(())
}

#[tauri::command]
async fn switch_to_environment<R: Runtime>(app: AppHandle<R>, name: String) -> Answer {
    switch::switch_to_environment(&app, &name)
        .await
        .map_err(to_view)?;
    switcher::close(&app);
    Ok(())
}

#[tauri::command]
async fn typed_ahead(call: State<'_, SwitcherRequests>) -> Answer<String> {
    Ok(call.typed_ahead())
}

#[tauri::command]
async fn close_switcher<R: Runtime>(app: AppHandle<R>) -> Answer {
    switcher::close(&app);
    Ok(())
}

#[tauri::command]
async fn retry_keychain(core: Core<'_>) -> Answer {
    core.retry_keychain().await.map_err(to_view)
}

#[tauri::command]
async fn forget_everything(core: Core<'_>) -> Answer<Vec<ErrorView>> {
    let untold = core.forget_everything().await.map_err(to_view)?;
    Ok(untold.iter().map(ErrorView::in_window).collect())
}

#[tauri::command]
async fn pause(core: Core<'_>, paused: bool) -> Answer {
    core.pause(paused);
    Ok(())
}

#[tauri::command]
async fn storage(core: Core<'_>) -> Answer<Vec<StoredPlace>> {
    Ok(core.storage())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn to_view(error: Error) -> ErrorView {
    ErrorView::in_window(&error)
}

#[cfg(test)]
pub(crate) mod tests;
