//! The handler of the app's URI scheme on this machine: looked up, and set to this app where no other program is.
//!
//! `tauri-plugin-deep-link` reads the scheme from `tauri.conf.json` for the bundles, and registers it on Windows. On
//! Linux this file does it: the plug-in replaces any existing handler, writes an `Exec` line that `xdg-open` outside
//! GNOME cannot read, and runs `xdg-mime`, which may be missing. Its events go to web views; ours may not listen.

use std::path::PathBuf;

use async_trait::async_trait;
use mcm_core::world::SchemeRegistration;
use tauri::AppHandle;

/// The desktop's list of schemes.
pub(crate) struct DesktopSchemes {
    /// The program to start. It is recognised by its file name, so an older copy elsewhere is ours too.
    pub(crate) program: PathBuf,
    /// The app, whose plug-in registers on Windows.
    pub(crate) app: AppHandle,
}

#[async_trait]
impl SchemeRegistration for DesktopSchemes {
    async fn ensure(&self, scheme: &str) -> bool {
        // It becomes a file's name and a registry key. RFC 3986, section 3.1.
        let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
        if !scheme.starts_with(|c: char| c.is_ascii_lowercase()) || !scheme.chars().all(is_scheme) {
            tracing::warn!("what was to be registered is not a scheme");
            return false;
        }
        let (scheme, program, app) = (scheme.to_owned(), self.program.clone(), self.app.clone());
        let ensured =
            tokio::task::spawn_blocking(move || platform::ensure(&scheme, &program, &app)).await;
        ensured.unwrap_or(false)
    }
}

#[cfg(target_os = "linux")]
mod platform {
    //! A `.desktop` file of this user's, and their list of defaults, both through GIO: it follows the rules of every
    //! desktop, `xdg-open` reads the same files, and no program has to run.

    use std::path::Path;

    use gio::glib;
    use gio::prelude::AppInfoExt as _;
    use mcm_core::error::{Code, Error, Result};
    use mcm_core::file;
    use tauri::AppHandle;

    use crate::exec_line;

    pub(super) fn ensure(scheme: &str, program: &Path, _app: &AppHandle) -> bool {
        let file_name = format!("{scheme}-handler.desktop");
        let owner = gio::AppInfo::default_for_uri_scheme(scheme);
        let owner_file = owner.as_ref().and_then(|owner| owner.id());
        let is_registered = owner_file.as_deref() == Some(&file_name);
        if let Some(owner) = owner.filter(|_| !is_registered) {
            if !starts_us(&owner, program) {
                tracing::info!(
                    scheme,
                    handler = owner.id().as_deref(),
                    "the scheme belongs to another program"
                );
                return false;
            }
            if serves(&owner, program) {
                return true;
            }
        }
        let registered = register(scheme, program, &file_name, is_registered);
        if let Err(error) = &registered {
            tracing::warn!(scheme, %error, "the scheme could not be registered");
        }
        registered.is_ok()
    }

    /// Whether a handler is another entry for this app, such as a package's.
    fn starts_us(handler: &gio::AppInfo, program: &Path) -> bool {
        handler.executable().file_name() == program.file_name()
    }

    /// Whether a handler passes links to this very program, like the entry of its package. Nothing has to be written
    /// then, and nothing of ours is left when the package is removed.
    fn serves(handler: &gio::AppInfo, program: &Path) -> bool {
        let started = glib::find_program_in_path(handler.executable());
        let is_this =
            started.is_some_and(
                |started| match (started.canonicalize(), program.canonicalize()) {
                    (Ok(started), Ok(program)) => started == program,
                    _ => false,
                },
            );
        is_this && handler.supports_uris()
    }

    fn register(scheme: &str, program: &Path, file_name: &str, is_default: bool) -> Result<()> {
        let failed = |reason: &str| Error::new(Code::StorageFailed, reason.to_owned());
        let text = desktop_file(scheme, program)
            .ok_or_else(|| failed("the program's path is not valid in a desktop file"))?;
        let path = glib::user_data_dir().join("applications").join(file_name);
        let is_current = file::read(&path)?.is_some_and(|present| present == text.as_bytes());
        if !is_current {
            file::replace(&path, text.as_bytes())?;
        }
        if !is_default {
            gio::DesktopAppInfo::from_filename(&path)
                .ok_or_else(|| failed("the desktop file cannot be read"))?
                .set_as_default_for_type(&format!("x-scheme-handler/{scheme}"))
                .map_err(|error| {
                    failed("the list of default programs cannot be written").with_source(error)
                })?;
        }
        Ok(())
    }

    /// With `TryExec`, a desktop ignores the entry once the program is gone.
    fn desktop_file(scheme: &str, program: &Path) -> Option<String> {
        let path = program.to_str()?;
        let word = exec_line::word(path)?;
        let path = path.replace('\\', "\\\\");
        Some(format!(
            "[Desktop Entry]\n\
             Type=Application\n\
             Name=Multi-Cloud Manager\n\
             TryExec={path}\n\
             Exec={word} %u\n\
             MimeType=x-scheme-handler/{scheme};\n\
             NoDisplay=true\n\
             Terminal=false\n"
        ))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_plain_path_stands_without_quotes() {
            let text =
                desktop_file("com.example", Path::new("/usr/bin/multi-cloud-manager")).unwrap();
            assert!(
                text.contains("\nExec=/usr/bin/multi-cloud-manager %u\n"),
                "{text}"
            );
            assert!(
                text.contains("\nMimeType=x-scheme-handler/com.example;\n"),
                "{text}"
            );
        }

        #[test]
        fn the_path_to_try_comes_back_from_glib_unchanged() {
            let path = "/opt/Multi Cloud/\\b/app";
            let text = desktop_file("com.example", Path::new(path)).unwrap();
            let key_file = glib::KeyFile::new();
            key_file
                .load_from_data(&text, glib::KeyFileFlags::NONE)
                .unwrap();
            assert_eq!(key_file.string("Desktop Entry", "TryExec").unwrap(), path);
        }

        #[test]
        fn a_path_that_would_forge_lines_is_refused() {
            assert_eq!(
                desktop_file("com.example", Path::new("/opt/a\nExec=evil")),
                None
            );
        }
    }
}

#[cfg(windows)]
mod platform {
    //! The registry of this user, through the plug-in, after checking who has the scheme.

    use std::path::Path;

    use tauri::AppHandle;
    use tauri_plugin_deep_link::DeepLinkExt as _;
    use windows_registry::CLASSES_ROOT;

    pub(super) fn ensure(scheme: &str, program: &Path, app: &AppHandle) -> bool {
        let Some(name) = program.file_name().and_then(|name| name.to_str()) else {
            return false;
        };
        let owner = CLASSES_ROOT.open(format!("{scheme}\\shell\\open\\command"));
        if let Ok(command) = owner.and_then(|key| key.get_string(""))
            && !starts_us(&command, name)
        {
            tracing::info!(scheme, "the scheme belongs to another program");
            return false;
        }
        app.deep_link()
            .register(scheme)
            .inspect_err(|error| tracing::warn!(scheme, %error, "not registered"))
            .is_ok()
    }

    /// Whether a command line of the registry starts a program with our file name.
    fn starts_us(command: &str, name: &str) -> bool {
        let program = match command.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => command.split(' ').next(),
        };
        program
            .and_then(|path| path.rsplit('\\').next())
            .is_some_and(|file| file.eq_ignore_ascii_case(name))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_command_line_is_known_by_its_program() {
            assert!(starts_us(
                "\"C:\\Program Files\\App\\app.exe\" \"%1\"",
                "app.exe"
            ));
            assert!(starts_us("C:\\App\\APP.EXE %1", "app.exe"));
            assert!(!starts_us(
                "\"C:\\Other\\other.exe\" \"app.exe\"",
                "app.exe"
            ));
        }
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
mod platform {
    use std::path::Path;

    use tauri::AppHandle;

    /// macOS reads the scheme from the bundle, which only a packaged build has.
    pub(super) fn ensure(_: &str, _: &Path, _: &AppHandle) -> bool {
        !cfg!(debug_assertions)
    }
}
