//! The order that ARCHITECTURE.md draws, held against the `use` lines: no circle of files in any crate, and only the
//! use cases know what a screen is given. A module is a file below `src` with the folder of its name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_crate_has_a_circle_of_files() {
    for (folder, prefix) in [
        ("core/src", "crate::"),
        ("cli/src", "crate::"),
        ("sandbox/src", "crate::"),
        ("app", "crate::"),
    ] {
        let imports = imports(&crate_folder(folder), prefix);
        assert!(imports.len() > 10, "{folder} has modules");
        if let Some(circle) = circle(&imports) {
            panic!("{folder} has a circle of files: {}", circle.join(" -> "));
        }
    }
}

/// A folder's files import each other as `super::NAME`; their parent, which declares them, is no part of a circle.
#[test]
fn no_folder_of_a_module_has_a_circle_of_files() {
    let mut folders = 0;
    for root in ["core/src", "cli/src", "sandbox/src", "app"] {
        for folder in folders_below(&crate_folder(root)) {
            folders += 1;
            let imports = imports(&folder, "super::");
            if let Some(circle) = circle(&imports) {
                let folder = folder.display();
                panic!("{folder} has a circle of files: {}", circle.join(" -> "));
            }
        }
    }
    assert!(folders > 20, "only {folders} folders were found");
}

#[test]
fn only_the_use_cases_import_the_snapshot() {
    let imports = imports(&crate_folder("core/src"), "crate::");
    let importers: Vec<_> = imports
        .iter()
        .filter(|(_, of)| of.contains("snapshot"))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(importers, ["app"]);
}

#[test]
fn sessions_and_the_store_know_no_cloud() {
    let folder = crate_folder("core/src");
    for file in rust_files(&folder) {
        let relative = file.strip_prefix(&folder).expect("below the folder");
        let first = relative.iter().next().expect("a name").to_string_lossy();
        if !matches!(&*first, "session.rs" | "session" | "store.rs" | "store") || is_test(relative)
        {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable");
        for cloud in [
            "provider::aws",
            "provider::azure",
            "provider::gcp",
            "Cloud::Az",
            "Cloud::Aw",
            "Cloud::G",
            "Identity::A",
            "Identity::G",
        ] {
            let named = code(&text).find(|line| line.contains(cloud));
            assert_eq!(named, None, "{}", relative.display());
        }
    }
}

#[test]
fn no_crate_has_two_types_of_one_name() {
    /// One for each operating system, of which a build has one.
    const OF_EACH_SYSTEM: [&str; 3] = ["Group", "Hidden", "Listener"];
    for folder in ["core/src", "cli/src", "sandbox/src", "app"] {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in rust_files(&crate_folder(folder)) {
            if is_test(&file) {
                continue;
            }
            let text = fs::read_to_string(&file).expect("readable");
            for name in code(&text).filter_map(declared_type) {
                let place = file.display().to_string();
                places.entry(name.to_owned()).or_default().push(place);
            }
        }
        assert!(places.len() > 30, "{folder} has types");
        places.retain(|name, of| of.len() > 1 && !OF_EACH_SYSTEM.contains(&name.as_str()));
        assert!(places.is_empty(), "{folder}: {places:#?}");
    }
}

/// What runs beside us is part of what a reader of SECURITY.md judges.
#[test]
fn the_page_on_security_names_every_program_that_is_started() {
    let known = [
        ("core/src/browser.rs", "the browser"),
        ("core/src/browser/started.rs", "the browser"),
        ("core/src/http/desktop_proxy.rs", "`gsettings`"),
        (
            "core/src/provider/aws/credential_process.rs",
            "(`credential_process`) run as",
        ),
        ("cli/src/doctor/checks.rs", "`xdg-mime`"),
        ("cli/src/exec.rs", "the command of `mcm exec`"),
        ("cli/src/fast_path.rs", "`mcm-full` in place of `mcm`"),
        ("cli/src/shell.rs", "`/bin/ps`"),
        ("app/about.rs", "the file manager"),
    ];
    let starts = |line: &str| {
        let ways = ["Command::new(", "webbrowser::open(", "launch_default_for"];
        ways.iter().any(|way| line.contains(way))
    };
    let mut found = BTreeSet::new();
    for folder in ["core/src", "cli/src", "app"] {
        let root = crate_folder(folder);
        for file in rust_files(&root) {
            let text = fs::read_to_string(&file).expect("readable");
            if !is_test(&file) && code(&text).any(starts) {
                let relative = file.strip_prefix(&root).expect("below the folder");
                found.insert(format!("{folder}/{}", relative.display()));
            }
        }
    }
    let listed: BTreeSet<_> = known.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(found, listed);
    let page = crate_folder("..").join("SECURITY.md");
    let page = fs::read_to_string(page).expect("readable");
    for (file, words) in known {
        assert!(page.contains(words), "{file}: {words}");
    }
}

/// The type that a line declares. An associated type, which is indented, is none.
fn declared_type(line: &str) -> Option<&str> {
    let is_indented = line.starts_with(' ');
    let mut words = line.split_whitespace().peekable();
    while words.peek().is_some_and(|word| word.starts_with("pub")) {
        let word = words.next()?;
        // `pub(in crate::a)` is two words.
        if word.contains('(') && !word.contains(')') {
            words.next()?;
        }
    }
    let kind = words.next()?;
    let is_type =
        matches!(kind, "struct" | "enum" | "trait" | "union") || kind == "type" && !is_indented;
    let name = words.next().filter(|_| is_type)?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
    Some(&name[..end.unwrap_or(name.len())])
}

fn crate_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What each module imports from its siblings.
fn imports(folder: &Path, prefix: &str) -> Imports {
    let mut imports = Imports::new();
    for file in rust_files(folder) {
        let relative = file.strip_prefix(folder).expect("below the folder");
        let first = relative.iter().next().expect("a name").to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        if matches!(module.as_str(), "lib" | "main" | "bin") || is_test(relative) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable");
        let own = imports.entry(module.clone()).or_default();
        for line in code(&text) {
            for (place, _) in line.match_indices(prefix) {
                let rest = &line[place + prefix.len()..];
                let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
                let name = &rest[..end.unwrap_or(rest.len())];
                if !name.is_empty() && name != module {
                    own.insert(name.to_owned());
                }
            }
        }
    }
    let known: BTreeSet<_> = imports.keys().cloned().collect();
    for of in imports.values_mut() {
        of.retain(|name| known.contains(name));
    }
    imports
}

/// The lines that are neither comments nor tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| line.trim() != "mod tests {")
        .filter(|line| !line.trim_start().starts_with("//"))
}

fn is_test(path: &Path) -> bool {
    path.iter()
        .any(|part| part == "tests" || part == "tests.rs")
}

fn folders_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(folders_below(&path));
            found.push(path);
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// A path that leads back to where it starts.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    fn walk<'a>(at: &'a str, imports: &'a Imports, path: &mut Vec<&'a str>) -> bool {
        if path.first() == Some(&at) && path.len() > 1 {
            return true;
        }
        if path.contains(&at) {
            return false;
        }
        path.push(at);
        if imports[at].iter().any(|next| walk(next, imports, path)) {
            return true;
        }
        path.pop();
        false
    }
    imports.keys().find_map(|start| {
        let mut path = Vec::new();
        walk(start, imports, &mut path)
            .then(|| path.iter().map(|name| (*name).to_owned()).collect())
    })
}
