//! The reader of AWS's shared files beside the SDK for Rust itself: the same bytes, the same profiles.

use std::collections::{BTreeMap, BTreeSet};

use aws_types::os_shim_internal::{Env, Fs};
use mcm_core::aws_files::{Client, Kind};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// What files are made of, with what readers disagree about among it.
const PIECES: [&str; 44] = [
    "\n",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "  ",
    "\t",
    "=",
    " = ",
    ":",
    "#",
    ";",
    " # x",
    " ; x",
    "[default]\n",
    "[profile a]\n",
    "[profile b]\n",
    "[ default ]\n",
    "[profile  a ]\n",
    "[profile \"a b\"]\n",
    "[profilex a]\n",
    "[a]\n",
    "[a b]\n",
    "[DEFAULT]\n",
    "[default] # x\n",
    "[sso-session a]\n",
    "[services a]\n",
    "[",
    "]",
    "aws_access_key_id = A\n",
    "AWS_Access_Key_Id = B\n",
    "  aws_access_key_id = C\n",
    "s3 =\n",
    "  x = 1\n",
    "  y\n",
    "region = r\n",
    "region = r #x\n",
    "x",
    "é",
    "\u{a0}",
    "\u{feff}",
    "a b = c\n",
];

fn files(count: usize) -> Vec<String> {
    let lines = prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..24);
    let file = (any::<bool>(), lines).prop_map(|(is_whole, pieces)| {
        let header = if is_whole { "[default]\n" } else { "" };
        format!("{header}{}", pieces.concat())
    });
    let mut runner = TestRunner::deterministic();
    let tree = |_| file.new_tree(&mut runner).expect("no filter").current();
    (0..count).map(tree).collect()
}

/// Whether two headers are one profile to the SDK. Which of them wins is then its hash table's to decide, at random.
fn is_decided_at_random(file: &str) -> bool {
    let titles: BTreeSet<&str> = file
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split(['#', ';']).next())
        .collect();
    let words = |title: &str| {
        title
            .replace(']', " ")
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let names: BTreeSet<String> = titles.iter().map(|title| words(title)).collect();
    names.len() < titles.len()
}

type Readings = BTreeMap<String, BTreeMap<String, String>>;

/// What the SDK finds; none when it refuses the file.
async fn theirs(file: &str, kind: Kind, settings: &[String]) -> Option<Readings> {
    #[expect(
        deprecated,
        reason = "the new place is a crate that is no dependency of ours"
    )]
    let set = {
        use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
        let kind = match kind {
            Kind::Config => ProfileFileKind::Config,
            Kind::Credentials => ProfileFileKind::Credentials,
        };
        let files = ProfileFiles::builder().with_contents(kind, file).build();
        aws_config::profile::load(&Fs::real(), &Env::from_slice(&[]), &files, None).await
    };
    let set = set.ok()?;
    let found = set.profiles().map(|name| {
        let profile = set.get_profile(name).expect("it is listed");
        let values = settings
            .iter()
            .filter_map(|setting| Some((setting.clone(), profile.get(setting)?.to_owned())));
        (name.to_owned(), values.collect())
    });
    Some(found.collect())
}

#[tokio::test]
async fn ours_reads_what_the_sdk_for_rust_reads() {
    let mut readable = 0;
    for file in files(6000)
        .into_iter()
        .filter(|file| !is_decided_at_random(file))
    {
        for kind in [Kind::Config, Kind::Credentials] {
            let ours: Option<Readings> =
                Client::Rust
                    .profiles(file.as_bytes(), kind)
                    .ok()
                    .map(|profiles| {
                        profiles
                            .iter()
                            .map(|(name, settings)| (name.to_owned(), settings.clone()))
                            .collect()
                    });
            // Every name that either may know: the SDK lists no settings.
            let mut settings: Vec<String> = file
                .split(['\n', '\r', '='])
                .map(|word| word.trim_matches([' ', '\t']).to_ascii_lowercase())
                .collect();
            settings.extend(
                ours.iter()
                    .flatten()
                    .flat_map(|(_, settings)| settings.keys().cloned()),
            );
            let theirs = theirs(&file, kind, &settings).await;
            readable += usize::from(theirs.as_ref().is_some_and(|found| !found.is_empty()));
            assert_eq!(ours, theirs, "{kind:?} {file:?}");
        }
    }
    assert!(readable > 600, "only {readable} of them say anything");
}
