//! Lets Tauri read this app's own `tauri.conf.json`.

fn main() {
    tauri_build::build();
}
