//! The app around the core: window, tray, commands, deep links. The only code that uses Tauri.
//!
//! It decides nothing about accounts; it translates between the desktop and `mcm_core::app::App`. `wiring` starts
//! everything; start reading there.

mod about;
mod browsers;
mod clipboard;
mod commands;
mod desktop;
#[cfg(target_os = "linux")]
mod exec_line;
#[cfg(test)]
mod fixtures;
mod launch_args;
mod no_tray_notification;
#[cfg(test)]
mod packages;
mod quit;
mod scheme;
mod session_notification;
mod shortcut;
#[cfg(target_os = "linux")]
mod single_instance;
mod snapshot_feed;
mod start_at_login;
mod switch;
mod switcher;
mod tray;
mod tray_host;
#[cfg(target_os = "linux")]
mod webkit;
mod window;
mod wiring;

pub use wiring::run;
