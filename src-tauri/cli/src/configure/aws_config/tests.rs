//! Files as users keep them, and random files.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;

const COMMAND: &str = "/usr/bin/mcm credential-process aws-1";

fn wanted<'a>(name: &'a str, region: Option<&'a str>) -> Wanted<'a> {
    Wanted {
        name,
        command: COMMAND,
        region,
    }
}

/// The content with profiles added.
fn with(before: Option<&str>, names: &[&str]) -> String {
    let config = Config::parse(before.unwrap_or_default().as_bytes()).expect("a good file");
    let mut draft = config.draft();
    for name in names {
        draft.add(&wanted(name, Some("eu-central-1")));
    }
    content(&draft.lines(before.is_none()))
}

/// The content without our lines; none when the file is removed.
fn without(text: &str) -> Option<String> {
    let config = Config::parse(text.as_bytes()).expect("a good file");
    let mut draft = config.draft();
    for profile in config.profiles().iter().filter(|profile| profile.ours) {
        draft.remove(profile);
    }
    (!draft.leaves_nothing()).then(|| content(&draft.lines(false)))
}

#[test]
fn a_profile_comes_last_after_an_empty_line_with_the_lines_ends_of_the_file() {
    assert_eq!(
        with(None, &["x"]),
        "[profile x]\n# Written by \"mcm configure aws\" with region eu-central-1; \"mcm configure aws --undo\" takes it \
         out.\ncredential_process = /usr/bin/mcm credential-process aws-1\nregion = eu-central-1\n"
    );
    let added = with(Some("[default]\r\nregion = a"), &["default-2"]);
    assert!(
        added.starts_with("[default]\r\nregion = a\r\n\r\n[profile default-2]\r\n"),
        "{added:?}"
    );
    assert!(added.ends_with("\r\nregion = eu-central-1"), "{added:?}");
    assert!(with(None, &["default"]).starts_with("[default]\n"));
}

#[test]
fn a_file_that_a_client_would_refuse_is_refused_with_its_line() {
    for (text, line, why) in [
        ("[default]\n[profile a]\n[profile a]\n", 3, "from line 2"),
        (
            "[default]\n\n[profile a\nregion = x\n",
            3,
            "does not end with",
        ),
        ("[]\n", 1, "does not end with"),
        ("region = x\n", 1, "before the first section"),
        ("[a]\nnonsense\n", 2, "neither a section"),
        ("[a]\n= x\n", 2, "is missing"),
        ("[a]\nregion = x\nRegion: y\n", 3, "already set, on line 2"),
        ("[a]\rregion = x\r", 1, "unusual line break"),
        ("[a]\nk = \u{0}\n", 2, "control character"),
        ("\u{feff}[a]\n", 1, "byte-order mark"),
    ] {
        let Err(fault) = Config::parse(text.as_bytes()) else {
            panic!("{text:?} was read")
        };
        assert!(
            fault.starts_with(&format!("line {line}: ")) && fault.contains(why),
            "{text:?}: {fault}"
        );
    }
    let Err(fault) = Config::parse(b"[a]\nk = \xff\n") else {
        panic!("it was read")
    };
    assert!(fault.starts_with("line 2: it is not UTF-8"), "{fault}");
}

#[test]
fn what_only_looks_like_a_section_or_a_profile_of_ours_stays() {
    let text = format!(
        "[a]\ns3 =\n  x = [profile nested]\n  credential_process = {COMMAND}\n[profile b]\ncredential_process = other aws-1\n\
         [profile c]\ncredential_process = {COMMAND} --flag\n[services d]\ncredential_process = {COMMAND}\n"
    );
    let config = Config::parse(text.as_bytes()).expect("a good file");
    assert_eq!(config.names().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert!(config.profiles().is_empty());
    assert_eq!(without(&text).as_deref(), Some(text.as_str()));
}

#[test]
fn a_profile_that_the_user_wrote_is_known_and_never_removed() {
    let text =
        "[profile mine]\ncredential_process = \"/opt/My Tools/mcm\" credential-process 'aws-1'\n";
    let config = Config::parse(text.as_bytes()).expect("a good file");
    let profiles = config.profiles();
    assert_eq!(
        (
            profiles[0].name,
            profiles[0].account.as_str(),
            profiles[0].ours
        ),
        ("mine", "aws-1", false)
    );
    assert_eq!(without(text).as_deref(), Some(text));
}

#[test]
fn a_profile_of_ours_is_updated_in_place() {
    let text = with(Some("[default]\n"), &["x"]) + "\n# mine\n[profile y]\n";
    let config = Config::parse(text.as_bytes()).expect("a good file");
    let updated = |name, command, region| {
        let mut draft = config.draft();
        draft.update(
            &config.profiles()[0],
            &Wanted {
                name,
                command,
                region,
            },
        );
        content(&draft.lines(false))
    };
    assert_eq!(
        updated("x", COMMAND, Some("eu-central-1")),
        text,
        "nothing to do"
    );
    let moved = updated("x", "/opt/mcm credential-process aws-1", Some("us-east-1"));
    assert_eq!(
        moved,
        text.replace("/usr/bin", "/opt")
            .replace("eu-central-1", "us-east-1")
    );
    let renamed = updated("z", COMMAND, None);
    assert_eq!(
        renamed,
        text.replace("profile x", "profile z")
            .replace("region = eu-central-1\n", "")
            .replace(" with region eu-central-1", "")
    );
    let config = Config::parse(renamed.as_bytes()).expect("a good file");
    let mut draft = config.draft();
    draft.update(&config.profiles()[0], &wanted("x", Some("eu-central-1")));
    assert_eq!(content(&draft.lines(false)), text, "and back");
}

#[test]
fn a_region_is_added_below_a_last_line_without_a_line_end() {
    let open = content(&{
        let config = Config::parse(b"[default]").expect("a good file");
        let mut draft = config.draft();
        draft.add(&wanted("x", None));
        draft.lines(false)
    });
    assert!(open.ends_with("credential-process aws-1"), "{open:?}");
    let config = Config::parse(open.as_bytes()).expect("a good file");
    let mut draft = config.draft();
    draft.update(&config.profiles()[0], &wanted("x", Some("eu-central-1")));
    draft.add(&wanted("y", None));
    let both = content(&draft.lines(false));
    assert!(
        both.contains("aws-1\nregion = eu-central-1\n\n[profile y]\n"),
        "{both:?}"
    );
    assert_eq!(without(&both).as_deref(), Some("[default]"));
}

#[test]
fn what_the_user_changed_or_added_in_a_profile_of_ours_stays() {
    let ours = with(Some("[default]\n"), &["x"]);
    let added = ours.clone() + "output = json\n";
    assert_eq!(
        without(&added).as_deref(),
        Some("[default]\n\n[profile x]\noutput = json\n")
    );
    let changed = ours.replace("region = eu-central-1", "region = us-east-1");
    assert_eq!(
        without(&changed).as_deref(),
        Some("[default]\n\n[profile x]\nregion = us-east-1\n")
    );
    let other = ours.replace("/usr/bin/mcm credential-process aws-1", "other-tool");
    assert_eq!(
        without(&other),
        Some(other),
        "it runs another program now, so it is the user's"
    );
}

#[test]
fn a_path_is_quoted_for_shells_and_splitters_alike_or_refused() {
    assert_eq!(
        command("/usr/bin/mcm", "aws-1").expect("plain"),
        "/usr/bin/mcm credential-process aws-1"
    );
    let quoted = command("/Users/Zoë O'Neil (work)/bin/mcm", "aws-1").expect("quotable");
    assert_eq!(
        quoted,
        "\"/Users/Zoë O'Neil (work)/bin/mcm\" credential-process aws-1"
    );
    assert_eq!(asked_account(&quoted).as_deref(), Some("aws-1"));
    for bad in [
        "/a$HOME/mcm",
        "/a\"b/mcm",
        "/a`id`/mcm",
        "/a #b/mcm",
        "/a;b/mcm",
        "/a\nb/mcm",
        "/a%b/mcm",
    ] {
        assert!(command(bad, "aws-1").is_err(), "{bad:?}");
    }
    let with_backslashes = command("C:\\a b\\mcm.exe", "aws-1");
    if cfg!(windows) {
        let quoted = with_backslashes.expect("Windows separates folders with them");
        assert_eq!(quoted, "\"C:\\a b\\mcm.exe\" credential-process aws-1");
        assert_eq!(asked_account(&quoted).as_deref(), Some("aws-1"));
    } else {
        with_backslashes.expect_err("shells and splitters take them for escapes");
    }
}

/// A line without its end, as users write them, odd ones among them.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ \t]{0,4}",
        "[#;][ -~]{0,20}",
        "\\[(profile |sso-session |)[a-d]{1,2}\\]( # [a-z]*)?",
        "[ ]{0,4}[a-e]{1,4} ?[=:] ?[ -~äß東]{0,12}",
        "  [ -~]{0,12}",
    ]
}

fn file() -> impl Strategy<Value = String> {
    let end = prop_oneof![8 => Just("\n"), 2 => Just("\r\n")];
    (prop::collection::vec((line(), end), 0..12), any::<bool>()).prop_map(|(lines, ends)| {
        let mut text: String = lines
            .iter()
            .map(|(line, end)| format!("{line}{end}"))
            .collect();
        if !ends {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 200_000, failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))), ..Default::default() })]

    #[test]
    fn what_was_added_is_removed_to_the_byte(
        text in file(),
        is_new in any::<bool>(),
        count in 1_usize..4,
        above in any::<bool>(),
        below in any::<bool>(),
    ) {
        let before = if is_new { None } else { Some(text.as_str()) };
        let file = before.unwrap_or_default();
        prop_assume!(Config::parse(file.as_bytes()).is_ok());
        let configured = with(before, &["ours-1", "ours-2", "ours-3"][..count]);
        // Every line of the user's is there, unchanged and in order.
        let mut left = configured.lines();
        prop_assert!(file.lines().all(|line| left.any(|kept| kept == line)), "{configured:?}");
        let config = Config::parse(configured.as_bytes());
        prop_assert_eq!(config.expect("as good as before").profiles().len(), count);
        prop_assert_eq!(without(&configured), before.map(str::to_owned), "{:?}", configured);

        // The same when the user wrote above and below it since.
        let end = Config::parse(file.as_bytes()).expect("as before").line_end();
        let around = |text: &str| {
            let above = if above { "[profile above]\nregion = x\n" } else { "" };
            let below = if below { format!("{end}[profile below]\r\nregion = y") } else { String::new() };
            format!("{above}{text}{below}")
        };
        prop_assume!(Config::parse(around(file).as_bytes()).is_ok());
        if above || below {
            prop_assert_eq!(without(&around(&configured)), Some(around(file)), "{:?}", configured);
        }
    }
}
