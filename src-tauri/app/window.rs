//! The dashboard's window: at most one, created on request and destroyed, including its web view, when closed.
//!
//! Any thread may call `OpenRequests`, any number of times; it is handled a few times a second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mcm_core::account::AccountId;
use mcm_core::error::{Code, Error, Result};
use tauri::webview::NewWindowResponse;
#[cfg(target_os = "linux")]
use tauri::webview::PageLoadEvent;
use tauri::{
    AppHandle, Manager as _, Runtime, Url, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
};
use tokio::sync::Notify;
use tokio::time::sleep;

#[cfg(target_os = "linux")]
use crate::webkit;

/// The label of the dashboard's window. `tauri.conf.json` grants commands to it by this name.
pub(crate) const MAIN: &str = "main";
/// The shortest time between two handled requests.
const REQUEST_INTERVAL: Duration = Duration::from_millis(300);

/// The place at which the window opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its last place, or its start.
    AsItWas,
    /// The choice of a cloud to connect.
    Connect,
    /// The environments.
    Environments,
    /// One account.
    Account(AccountId),
}

impl Place {
    /// The fragment of the dashboard's address for the place.
    fn fragment(&self) -> String {
        match self {
            Self::AsItWas => String::new(),
            Self::Connect => "#connect".into(),
            Self::Environments => "#environments".into(),
            Self::Account(id) => format!("#account/{id}"),
        }
    }
}

/// The user's last place in a dashboard that was closed: the dashboard's own text, in memory only.
#[derive(Default)]
pub(crate) struct KeptPlace(Mutex<Option<String>>);

/// The longest place that is kept, in bytes.
const LONGEST_PLACE: usize = 2 * 1024;

impl KeptPlace {
    /// Keeps a place; one that is too long is forgotten.
    pub(crate) fn keep(&self, place: String) {
        let place = Some(place).filter(|place| place.len() <= LONGEST_PLACE);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// The last kept place.
    pub(crate) fn kept(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The smallest and the largest zoom of a window, in percent.
const ZOOM: std::ops::RangeInclusive<u16> = 50..=400;

/// Zooms the page of a window.
///
/// # Errors
/// `internal` when the system's web view refuses it.
pub(crate) fn zoom<R: Runtime>(window: &WebviewWindow<R>, percent: u16) -> Result<()> {
    let percent = percent.clamp(*ZOOM.start(), *ZOOM.end());
    window
        .set_zoom(f64::from(percent) / 100.0)
        .map_err(|error| {
            Error::new(Code::Internal, "The window could not be zoomed.").with_source(error)
        })
}

/// Requests for the window. Requests that come faster than they are handled count as one; the last place wins.
#[derive(Default)]
pub(crate) struct OpenRequests {
    wanted: Mutex<Option<Place>>,
    rung: Notify,
}

impl OpenRequests {
    /// Requests the window at a place.
    pub(crate) fn request(&self, place: Place) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that names no place does not undo one that does.
        if place != Place::AsItWas || wanted.is_none() {
            *wanted = Some(place);
        }
        drop(wanted);
        self.rung.notify_one();
    }

    async fn next(&self) -> Place {
        loop {
            self.rung.notified().await;
            if let Some(place) = self
                .wanted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
            {
                return place;
            }
        }
    }
}

/// Opens the window at each request, as long as the app runs.
pub(crate) async fn answer(app: AppHandle) {
    loop {
        let place = app.state::<OpenRequests>().next().await;
        let handle = app.clone();
        // Fails only when the app is quitting.
        let _ = app.run_on_main_thread(move || open(&handle, &place));
        sleep(REQUEST_INTERVAL).await;
    }
}

fn open(app: &AppHandle, place: &Place) {
    let shown = match app.get_webview_window(MAIN) {
        Some(window) => bring_forward(&window, place),
        None => build(app, place).map(drop),
    };
    if let Err(error) = shown {
        tracing::error!(%error, "the window could not be shown");
    }
}

fn bring_forward(window: &WebviewWindow, place: &Place) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()?;
    match place {
        Place::AsItWas => Ok(()),
        place => window.eval(format!(
            "location.hash = {}",
            serde_json::Value::from(place.fragment())
        )),
    }
}

/// Creates the window.
pub(crate) fn build<R: Runtime>(
    app: &AppHandle<R>,
    place: &Place,
) -> tauri::Result<WebviewWindow<R>> {
    shut_in(
        app,
        MAIN,
        &format!("index.html{}", place.fragment()),
        |window| {
            window
                .title("Multi-Cloud Manager")
                .inner_size(1200.0, 760.0)
                .min_inner_size(720.0, 480.0)
        },
    )
}

/// Creates a window with the settings of every window of the app: it shows one page of ours and cannot navigate
/// elsewhere.
pub(crate) fn shut_in<'a, R: Runtime>(
    app: &'a AppHandle<R>,
    label: &str,
    page: &str,
    looks: impl FnOnce(Builder<'a, R>) -> Builder<'a, R>,
) -> tauri::Result<WebviewWindow<R>> {
    let window = WebviewWindowBuilder::new(app, label, WebviewUrl::App(page.into()))
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .disable_drag_drop_handler();
    #[cfg(target_os = "linux")]
    let window = window.on_page_load(|window, load| {
        if load.event() == PageLoadEvent::Finished {
            webkit::let_draw(&window);
        }
    });
    let window = looks(window).build()?;
    #[cfg(target_os = "linux")]
    webkit::keep_from_drawing(&window);
    Ok(window)
}

type Builder<'a, R> = WebviewWindowBuilder<'a, R, AppHandle<R>>;

/// Whether an address belongs to the dashboard itself.
fn is_ours(address: &Url) -> bool {
    let origin = (address.scheme(), address.host_str());
    origin
        == if cfg!(windows) {
            ("http", Some("tauri.localhost"))
        } else {
            ("tauri", Some("localhost"))
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_cannot_navigate_elsewhere() {
        let ours = if cfg!(windows) {
            "http://tauri.localhost/"
        } else {
            "tauri://localhost/"
        };
        assert!(is_ours(&ours.parse().unwrap()));
        for address in [
            "https://example.com/",
            "http://localhost/",
            "tauri://localhost.example.com/",
            "tauri://example.com/",
            "about:blank",
            "file:///etc/passwd",
            "data:text/html,x",
            "javascript:1",
            "io.github.multicloudmanager://auth/azure",
        ] {
            assert!(!is_ours(&address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_place_is_kept_in_at_most_two_kibibytes() {
        let kept = KeptPlace::default();
        kept.keep("x".repeat(2048));
        assert_eq!(kept.kept().map(|place| place.len()), Some(2048));
        kept.keep("x".repeat(2049));
        assert_eq!(kept.kept(), None);
    }

    #[tokio::test]
    async fn many_requests_are_one_and_the_last_place_wins() {
        let open_requests = OpenRequests::default();
        for _ in 0..1_000 {
            open_requests.request(Place::AsItWas);
        }
        open_requests.request(Place::Connect);
        open_requests.request(Place::AsItWas);
        assert_eq!(open_requests.next().await, Place::Connect);
        assert!(
            tokio::time::timeout(Duration::ZERO, open_requests.next())
                .await
                .is_err()
        );
    }
}
