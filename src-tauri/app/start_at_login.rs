//! Start at login: the desktop's own entry for it, read, written and fixed. That entry is the only state; no file of
//! ours copies it, so what the user changes in the desktop's settings counts here too.
//!
//! Debug builds have an entry of their own, as they have folders of their own.

use std::path::PathBuf;

use mcm_core::error::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager as _};
use ts_rs::TS;

/// What happens when this user logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub(crate) enum AtLogin {
    /// Nothing.
    Off,
    /// The app starts with its window.
    Window,
    /// The app starts in the tray, without a window.
    Hidden,
}

/// The desktop's entry that starts the app.
pub(crate) struct LoginEntry {
    /// The program to start.
    program: PathBuf,
    /// The entry's file; on Windows it is a value of the registry instead.
    file: PathBuf,
}

impl LoginEntry {
    /// The entry of this user for a program.
    ///
    /// # Errors
    /// When the system does not provide this user's folders.
    pub(crate) fn of(app: &AppHandle, program: PathBuf) -> tauri::Result<Self> {
        Ok(Self {
            program,
            file: platform::file(app.path())?,
        })
    }

    /// Reads the entry. One that the user disabled in the desktop's settings counts as none.
    ///
    /// # Errors
    /// `storage-failed`.
    pub(crate) fn read(&self) -> Result<AtLogin> {
        platform::read(&self.file)
    }

    /// Writes the entry, or removes it.
    ///
    /// # Errors
    /// `storage-failed`.
    pub(crate) fn set(&self, choice: AtLogin) -> Result<()> {
        platform::set(&self.file, &self.program, choice)
    }

    /// Points an entry whose program is gone to the app's current path.
    pub(crate) fn fix(&self) {
        if let Err(error) = platform::fix(&self.file, &self.program) {
            tracing::warn!(%error, "the entry that starts the app at login could not be fixed");
        }
    }
}

/// The argument that means no window, see `launch_args.rs`.
const HIDDEN: &str = "--hidden";

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        Code::StorageFailed,
        "The entry that starts the app at login could not be changed. Check its permissions.",
    )
    .with_source(error)
}

#[cfg(target_os = "linux")]
mod platform {
    //! A file in the folder `autostart` (Desktop Application Autostart Specification 0.5).

    use std::path::{Path, PathBuf};

    use gio::glib::{self, KeyFile, KeyFileFlags};
    use mcm_core::error::{Code, Error, Result};
    use mcm_core::file;
    use mcm_core::world::APP_ID;
    use tauri::Wry;
    use tauri::path::PathResolver;

    use super::{AtLogin, HIDDEN, failed};
    use crate::exec_line;

    const ENTRY: &str = "Desktop Entry";
    const NAME: &str = if cfg!(debug_assertions) {
        "Multi-Cloud Manager (development)"
    } else {
        "Multi-Cloud Manager"
    };

    pub(super) fn file(_: &PathResolver<Wry>) -> tauri::Result<PathBuf> {
        Ok(glib::user_config_dir()
            .join("autostart")
            .join(format!("{APP_ID}.desktop")))
    }

    pub(super) fn read(path: &Path) -> Result<AtLogin> {
        Ok(enabled(path)?.map_or(AtLogin::Off, |entry| {
            let is_hidden = entry.words.iter().skip(1).any(|word| word == HIDDEN);
            if is_hidden {
                AtLogin::Hidden
            } else {
                AtLogin::Window
            }
        }))
    }

    pub(super) fn set(path: &Path, program: &Path, choice: AtLogin) -> Result<()> {
        if choice == AtLogin::Off {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        let mut words = vec![program_word(program)?];
        words.extend((choice == AtLogin::Hidden).then(|| HIDDEN.to_owned()));
        let text = format!(
            "[{ENTRY}]\n\
             Type=Application\n\
             Name={NAME}\n\
             Exec={}\n\
             Icon=multi-cloud-manager\n\
             Terminal=false\n",
            words.join(" ")
        );
        file::replace(path, text.as_bytes())
    }

    pub(super) fn fix(path: &Path, program: &Path) -> Result<()> {
        let Some(entry) = enabled(path)? else {
            return Ok(());
        };
        let Some((target, rest)) = entry.words.split_first() else {
            return Ok(());
        };
        // A bare name, such as `env`, is the user's own way to start it.
        let is_gone = Path::new(target).is_absolute() && !Path::new(target).exists();
        if !is_gone {
            return Ok(());
        }
        let mut words = vec![program_word(program)?];
        for word in rest {
            words.push(exec_line::word(word).ok_or_else(unfit)?);
        }
        // Everything else in it, such as a delay, is the user's.
        entry.file.set_value(ENTRY, "Exec", &words.join(" "));
        file::replace(path, entry.file.to_data().as_bytes())
    }

    /// An entry that is active.
    struct AutostartEntry {
        file: KeyFile,
        words: Vec<String>,
    }

    fn enabled(path: &Path) -> Result<Option<AutostartEntry>> {
        let Some(bytes) = file::read(path)? else {
            return Ok(None);
        };
        let entry = KeyFile::new();
        let flags = KeyFileFlags::KEEP_COMMENTS | KeyFileFlags::KEEP_TRANSLATIONS;
        // An invalid entry starts nothing.
        let Ok(()) = entry.load_from_data(&String::from_utf8_lossy(&bytes), flags) else {
            return Ok(None);
        };
        // `Hidden` is the specification's word for removed; GNOME and Xfce write the other.
        let is_off = entry.boolean(ENTRY, "Hidden").unwrap_or(false)
            || !entry
                .boolean(ENTRY, "X-GNOME-Autostart-enabled")
                .unwrap_or(true);
        let words = entry
            .string(ENTRY, "Exec")
            .ok()
            .and_then(|line| exec_line::words(&line));
        Ok(words
            .filter(|_| !is_off)
            .map(|words| AutostartEntry { file: entry, words }))
    }

    fn program_word(program: &Path) -> Result<String> {
        program.to_str().and_then(exec_line::word).ok_or_else(unfit)
    }

    fn unfit() -> Error {
        Error::new(
            Code::StorageFailed,
            "The program's path is not valid in a desktop file. Move the program.",
        )
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// A folder with a program in it, whose name needs quotes.
        fn home() -> (tempfile::TempDir, PathBuf, PathBuf) {
            let folder = tempfile::tempdir().unwrap();
            let program = folder.path().join("our (1) app");
            file::replace(&program, b"#!").unwrap();
            // The desktop ignores an entry for a file that cannot be run.
            std::fs::set_permissions(
                &program,
                std::os::unix::fs::PermissionsExt::from_mode(0o700),
            )
            .unwrap();
            let entry = folder.path().join("autostart/app.desktop");
            (folder, entry, program)
        }

        #[test]
        fn the_choice_is_read_back_and_off_leaves_no_file() {
            let (_folder, entry, program) = home();
            assert_eq!(read(&entry).unwrap(), AtLogin::Off);
            for choice in [AtLogin::Window, AtLogin::Hidden, AtLogin::Window] {
                set(&entry, &program, choice).unwrap();
                assert_eq!(read(&entry).unwrap(), choice);
                let app = gio::DesktopAppInfo::from_filename(&entry).expect("the desktop takes it");
                let line = gio::prelude::AppInfoExt::commandline(&app).unwrap();
                let words = exec_line::words(line.to_str().unwrap()).unwrap();
                assert_eq!(words[0], program.to_str().unwrap());
            }
            set(&entry, &program, AtLogin::Off).unwrap();
            assert!(!entry.exists());
            set(&entry, &program, AtLogin::Off).unwrap();
        }

        #[test]
        fn an_entry_that_the_user_disabled_is_off_and_stays_so() {
            let (_folder, entry, program) = home();
            for line in ["Hidden=true", "X-GNOME-Autostart-enabled=false"] {
                set(&entry, Path::new("/gone/app"), AtLogin::Hidden).unwrap();
                let text =
                    String::from_utf8(file::read(&entry).unwrap().unwrap()).unwrap() + line + "\n";
                file::replace(&entry, text.as_bytes()).unwrap();

                assert_eq!(read(&entry).unwrap(), AtLogin::Off, "{line}");
                fix(&entry, &program).unwrap();

                assert_eq!(
                    file::read(&entry).unwrap().unwrap(),
                    text.as_bytes(),
                    "{line}"
                );
                set(&entry, &program, AtLogin::Hidden).unwrap();
                assert_eq!(
                    read(&entry).unwrap(),
                    AtLogin::Hidden,
                    "chosen again, it is on: {line}"
                );
            }
        }

        #[test]
        fn a_moved_program_is_followed_and_the_rest_of_the_entry_kept() {
            let (_folder, entry, program) = home();
            let text = "# mine\n\n[Desktop Entry]\nType=Application\nName=App\nName[de]=Die App\n\
                        Exec=/gone/app --hidden\nX-GNOME-Autostart-Delay=5\n";
            file::replace(&entry, text.as_bytes()).unwrap();

            fix(&entry, &program).unwrap();

            let fixed = String::from_utf8(file::read(&entry).unwrap().unwrap()).unwrap();
            let word = exec_line::word(program.to_str().unwrap()).unwrap();
            assert_eq!(fixed, text.replace("/gone/app", &word));
        }

        #[test]
        fn an_existing_program_and_the_users_own_command_stay_unchanged() {
            let (folder, entry, program) = home();
            set(&entry, &program, AtLogin::Hidden).unwrap();
            let ours = file::read(&entry).unwrap().unwrap();
            for text in [
                ours,
                b"[Desktop Entry]\nExec=env MCM_LOG=debug app --hidden\n".to_vec(),
            ] {
                file::replace(&entry, &text).unwrap();

                fix(&entry, &folder.path().join("another copy")).unwrap();

                assert_eq!(file::read(&entry).unwrap().unwrap(), text);
            }
        }

        #[test]
        fn an_invalid_entry_is_off() {
            let (_folder, entry, program) = home();
            for text in [
                "",
                "nonsense",
                "[Desktop Entry]\n",
                "[Desktop Entry]\nExec=\"open\n",
            ] {
                file::replace(&entry, text.as_bytes()).unwrap();
                assert_eq!(read(&entry).unwrap(), AtLogin::Off, "{text:?}");
                fix(&entry, &program).unwrap();
                assert_eq!(file::read(&entry).unwrap().unwrap(), text.as_bytes());
            }
            assert!(set(&entry, Path::new("/opt/a\nExec=evil"), AtLogin::Window).is_err());
        }
    }
}

#[cfg(target_os = "macos")]
mod platform {
    //! A launch agent of this user (`launchd.plist(5)`). launchd keeps a switch of its own for each label, which the
    //! user sets in the system's settings; it is not readable from here and overrides the file.

    use std::path::{Path, PathBuf};

    use mcm_core::error::{Code, Error, Result};
    use mcm_core::file;
    use mcm_core::world::APP_ID;
    use tauri::Wry;
    use tauri::path::PathResolver;

    use super::{AtLogin, HIDDEN, failed};

    pub(super) fn file(paths: &PathResolver<Wry>) -> tauri::Result<PathBuf> {
        Ok(paths
            .home_dir()?
            .join("Library/LaunchAgents")
            .join(format!("{APP_ID}.plist")))
    }

    pub(super) fn read(path: &Path) -> Result<AtLogin> {
        Ok(
            match file::read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
                None => AtLogin::Off,
                Some(text) if text.contains(&argument(HIDDEN)) => AtLogin::Hidden,
                Some(_) => AtLogin::Window,
            },
        )
    }

    pub(super) fn set(path: &Path, program: &Path, choice: AtLogin) -> Result<()> {
        if choice == AtLogin::Off {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            };
        }
        let program = program
            .to_str()
            .filter(|path| !path.chars().any(char::is_control))
            .ok_or_else(|| {
                Error::new(
                    Code::StorageFailed,
                    "The program's path is not valid in a property list. Move the program.",
                )
            })?;
        let hidden = if choice == AtLogin::Hidden {
            argument(HIDDEN)
        } else {
            String::new()
        };
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <plist version=\"1.0\"><dict>\n\
             <key>Label</key><string>{APP_ID}</string>\n\
             <key>ProgramArguments</key><array>{}{hidden}</array>\n\
             <key>RunAtLoad</key><true/>\n\
             <key>ProcessType</key><string>Interactive</string>\n\
             </dict></plist>\n",
            argument(program)
        );
        file::replace(path, text.as_bytes())
    }

    pub(super) fn fix(path: &Path, program: &Path) -> Result<()> {
        let choice = read(path)?;
        if choice == AtLogin::Off {
            return Ok(());
        }
        set(path, program, choice)
    }

    fn argument(text: &str) -> String {
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        format!("<string>{text}</string>")
    }
}

#[cfg(windows)]
mod platform {
    //! A value of the registry's key `Run`. Task Manager switches it off in a key of its own, by an odd first byte.

    use std::path::{Path, PathBuf};

    use mcm_core::error::Result;
    use mcm_core::world::APP_ID;
    use tauri::Wry;
    use tauri::path::PathResolver;
    use windows_registry::CURRENT_USER;

    use super::{AtLogin, HIDDEN, failed};

    const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
    const APPROVED: &str =
        r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";

    pub(super) fn file(_: &PathResolver<Wry>) -> tauri::Result<PathBuf> {
        Ok(PathBuf::new())
    }

    pub(super) fn read(_: &Path) -> Result<AtLogin> {
        let Ok(command) = CURRENT_USER
            .open(RUN)
            .and_then(|key| key.get_string(APP_ID))
        else {
            return Ok(AtLogin::Off);
        };
        let is_off = CURRENT_USER
            .open(APPROVED)
            .and_then(|key| key.get_value(APP_ID))
            .is_ok_and(|value| value.first().is_some_and(|byte| byte % 2 == 1));
        Ok(match (is_off, command.ends_with(HIDDEN)) {
            (true, _) => AtLogin::Off,
            (false, true) => AtLogin::Hidden,
            (false, false) => AtLogin::Window,
        })
    }

    pub(super) fn set(_: &Path, program: &Path, choice: AtLogin) -> Result<()> {
        let run = CURRENT_USER.create(RUN).map_err(failed)?;
        // A switch of Task Manager's would outlive the value.
        if let Ok(approved) = CURRENT_USER.options().write().open(APPROVED) {
            let _ = approved.remove_value(APP_ID);
        }
        let program = program.display();
        match choice {
            AtLogin::Off => {
                let _ = run.remove_value(APP_ID);
                Ok(())
            }
            AtLogin::Window => run
                .set_string(APP_ID, format!("\"{program}\""))
                .map_err(failed),
            AtLogin::Hidden => run
                .set_string(APP_ID, format!("\"{program}\" {HIDDEN}"))
                .map_err(failed),
        }
    }

    pub(super) fn fix(file: &Path, program: &Path) -> Result<()> {
        match read(file)? {
            AtLogin::Off => Ok(()),
            choice => set(file, program, choice),
        }
    }
}
