//! Windows with a profile of their own, in browsers that can open one: those of Firefox's and of Chromium's kind.
//!
//! The window is a private one, so no cookie of it reaches the disk, and its profile is a folder of its own, so it shares
//! none with the user's other windows, the private ones among them. The folder is removed when the browser ends.

use std::path::Path;

use crate::world::Environment;

/// The programs of Firefox's kind.
const FIREFOX: [&str; 4] = ["firefox", "firefox-esr", "firefox-bin", "librewolf"];
/// The programs of Chromium's kind, each with its word for a private window.
const CHROMIUM: [(&str, &str); 13] = [
    ("chromium", "--incognito"),
    ("chromium-browser", "--incognito"),
    ("google-chrome", "--incognito"),
    ("google-chrome-stable", "--incognito"),
    ("chrome", "--incognito"),
    ("brave", "--incognito"),
    ("brave-browser", "--incognito"),
    ("brave-browser-stable", "--incognito"),
    ("vivaldi", "--incognito"),
    ("vivaldi-stable", "--incognito"),
    ("microsoft-edge", "--inprivate"),
    ("microsoft-edge-stable", "--inprivate"),
    ("msedge", "--inprivate"),
];

/// What starts such a window: the first of the chosen programs that can open one, else the first that is installed.
pub(super) fn command(
    chosen: &[Vec<String>],
    environment: &Environment,
    profile: &Path,
) -> Option<Vec<String>> {
    let chosen = chosen.iter().filter_map(|words| words.first());
    let known = chosen
        .filter_map(|program| Some((program.clone(), options(program, profile)?)))
        .next();
    let (program, options) = known.or_else(|| installed(environment, profile))?;
    Some([vec![program], options].concat())
}

fn installed(environment: &Environment, profile: &Path) -> Option<(String, Vec<String>)> {
    let path = environment.get("PATH")?;
    let names = FIREFOX.into_iter().chain(CHROMIUM.map(|(name, _)| name));
    names
        .filter_map(|name| {
            let program = which::which_in_global(name, Some(path)).ok()?.next()?;
            Some((program.to_str()?.to_owned(), options(name, profile)?))
        })
        .next()
}

/// The options for a program by its file's name; the page comes behind them.
fn options(program: &str, profile: &Path) -> Option<Vec<String>> {
    let name = Path::new(program).file_stem()?.to_str()?.to_lowercase();
    let profile = profile.to_str()?;
    let options = if FIREFOX.contains(&name.as_str()) {
        let words = ["--new-instance", "--profile", profile, "--private-window"];
        // On Windows Firefox starts itself anew and ends, unless it is to wait.
        let waits = cfg!(windows).then_some("--wait-for-browser");
        waits.into_iter().chain(words).map(str::to_owned).collect()
    } else {
        let (_, private) = CHROMIUM.into_iter().find(|(known, _)| *known == name)?;
        vec![
            format!("--user-data-dir={profile}"),
            private.to_owned(),
            "--no-first-run".to_owned(),
            "--no-default-browser-check".to_owned(),
        ]
    };
    Some(options)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_browser_comes_before_an_installed_one_and_an_unknown_one_opens_no_window() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("text");
        let environment = Environment::from_pairs([("PATH", path)]);
        let profile = Path::new("/run/profile");
        let chosen = |program: &str| {
            let words = vec![program.to_owned(), "--new-window".into(), "%s".into()];
            command(&[vec!["lynx".into()], words], &environment, profile)
        };
        assert_eq!(chosen("w3m"), None);
        for (program, expected) in [
            (
                "/opt/Firefox/firefox",
                "--new-instance --profile /run/profile --private-window",
            ),
            (
                "google-chrome",
                "--user-data-dir=/run/profile --incognito --no-first-run --no-default-browser-check",
            ),
            (
                "/opt/MSEdge.exe",
                "--user-data-dir=/run/profile --inprivate --no-first-run --no-default-browser-check",
            ),
        ] {
            let words = chosen(program).expect(program);
            assert_eq!(words.join(" "), format!("{program} {expected}"));
        }
        let installed = folder.path().join("chromium");
        std::os::unix::fs::symlink("/bin/true", &installed).expect("linked");
        let words = chosen("w3m").expect("it is installed");
        assert_eq!(Path::new(&words[0]), installed);
    }
}
