//! An empty Tauri app: a tray icon with one entry, and a window with one line of text, which `--hidden` leaves out and
//! the tray brings back. `make bench` measures ours beside it.

use tauri::menu::{Menu, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, RunEvent, WebviewUrl, WebviewWindowBuilder};

fn main() -> tauri::Result<()> {
    let is_hidden = std::env::args().any(|argument| argument == "--hidden");
    let app = tauri::Builder::default()
        .setup(move |app| {
            let open = MenuItem::with_id(app, "open", "Open", true, None::<&str>)?;
            TrayIconBuilder::with_id("main")
                .icon(tauri::include_image!("../../../icons/tray-good.png"))
                .menu(&Menu::with_items(app, &[&open])?)
                .on_menu_event(|app, _| drop(open_window(app)))
                .build(app)?;
            if !is_hidden {
                open_window(app.handle())?;
            }
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|_, event| {
        // As ours: the tray stays when the window is closed.
        if let RunEvent::ExitRequested {
            code: None, api, ..
        } = event
        {
            api.prevent_exit();
        }
    });
    Ok(())
}

fn open_window(app: &AppHandle) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
        .title("Empty App")
        .inner_size(1200.0, 760.0)
        .build()
        .map(drop)
}
