//! Compares the reader of AWS's shared files with the readers of AWS's own clients: the same bytes, the same
//! settings.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mcm_core::aws_files::{Client, Document, Kind, Profiles, nested};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::clients::{here, program};

/// The parts of the files, including those that readers disagree about.
const PIECES: [&str; 60] = [
    "\n",
    "\n",
    "\n",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    " ",
    "  ",
    "\t",
    "=",
    "=",
    " = ",
    ":",
    "#",
    ";",
    " # x",
    " ; x",
    "[default]",
    "[default]\n",
    "[profile a]\n",
    "[profile b]\n",
    "[ default ]\n",
    "[profile  a ]\n",
    "[profile \"a b\"]\n",
    "[profile 'a']\n",
    "[profilex a]\n",
    "[a]\n",
    "[DEFAULT]\n",
    "[default] # x\n",
    "[default] ]\n",
    "[",
    "]",
    "[]",
    "\"",
    "'",
    "\\",
    "aws_access_key_id",
    "AWS_Access_Key_Id",
    "aws_access_key_id = A\n",
    "aws_secret_access_key = s\n",
    "  aws_access_key_id = B\n",
    "\taws_secret_access_key = t\n",
    "s3 =\n",
    "  x = 1\n",
    "  y\n",
    "region = r\n",
    "x",
    "é",
    "İΣ",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{1c}",
    "\u{feff}",
    "\u{b}",
    "__proto__",
    "profile.a",
];

/// Random files, always the same ones.
fn files(count: usize) -> Vec<Vec<u8>> {
    let piece = prop_oneof![
        200 => prop::sample::select(PIECES.as_slice()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => Just(vec![0xff]),
    ];
    let lines = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
    // Half of them begin like real files, so that readers get past the first line.
    let file = (any::<bool>(), lines).prop_map(|(is_whole, lines)| {
        let header: &[u8] = if is_whole { b"[default]\n" } else { b"" };
        [header, &lines].concat()
    });
    let mut runner = TestRunner::deterministic();
    let tree = |_| file.new_tree(&mut runner).expect("no filter").current();
    (0..count).map(tree).collect()
}

/// The program's answers about the files, one line each.
fn answers(words: &[&str], files: &[Vec<u8>]) -> Vec<Value> {
    let mut command = Command::new(program(words[0]));
    command
        .args(&words[1..])
        .current_dir(here())
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = command.spawn().expect("it starts");
    let mut input = process.stdin.take().expect("piped");
    let lines: Vec<String> = files
        .iter()
        .map(|file| BASE64_STANDARD.encode(file))
        .collect();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(input, "{line}").expect("it reads");
        }
    });
    let output = process.wait_with_output().expect("it ends");
    writer.join().expect("written");
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), files.len(), "an answer for each file");
    answers
}

fn in_python(settings: &BTreeMap<String, String>) -> Value {
    let pairs = settings.iter().map(|(key, value)| {
        let value = if value.starts_with('\n') {
            let pairs = nested(value).expect("checked when it was read");
            let pairs = pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), json!(value)));
            Value::Object(pairs.collect())
        } else {
            json!(value)
        };
        (key.clone(), value)
    });
    Value::Object(pairs.collect())
}

fn ours_as_botocore(file: &[u8]) -> Value {
    let Ok(document) = Document::parse(file) else {
        return Value::Null;
    };
    let sections: Map<String, Value> = document
        .into_settings()
        .map(|(title, settings)| (title.to_owned(), in_python(&settings)))
        .collect();
    let profiles = Client::Botocore
        .profiles(file, Kind::Config)
        .expect("it was read above");
    let profiles: Map<String, Value> = profiles
        .iter()
        .map(|(name, settings)| (name.to_owned(), in_python(settings)))
        .collect();
    json!({ "sections": sections, "profiles": profiles })
}

fn in_javascript(profiles: &Profiles) -> Value {
    let profiles = profiles.iter();
    Value::Object(
        profiles
            .map(|(name, settings)| (name.to_owned(), json!(settings)))
            .collect(),
    )
}

/// Without profiles that have no setting: some clients keep them and some do not, and nothing follows from it.
fn with_settings(mut readings: Value) -> Value {
    let readings_of_one = readings.as_array_mut().into_iter().flatten();
    for reading in readings_of_one.filter_map(Value::as_object_mut) {
        reading.retain(|_, settings| *settings != json!({}));
    }
    readings
}

#[test]
fn our_reader_agrees_with_botocore() {
    let files = files(6000);
    let answers = answers(&["python", "read_aws_files.py"], &files);
    let mut readable = 0;
    for (file, theirs) in files.iter().zip(&answers) {
        let ours = ours_as_botocore(file);
        readable += usize::from(!theirs.is_null());
        assert_eq!(ours, *theirs, "{:?}", String::from_utf8_lossy(file));
    }
    assert!(readable > 600, "only {readable} of them say anything");
}

#[test]
fn our_reader_agrees_with_the_sdks_for_javascript() {
    let files = files(3000);
    let answers = answers(&["node", "node/read_aws_files.js"], &files);
    for (file, theirs) in files.iter().zip(&answers) {
        let read = |client: Client, kind| {
            let profiles = client.profiles(file, kind);
            profiles.map_or(Value::Null, |profiles| in_javascript(&profiles))
        };
        let ours = json!([
            read(Client::JavaScript, Kind::Config),
            read(Client::JavaScript, Kind::Credentials),
            read(Client::JavaScript2, Kind::Config),
            read(Client::JavaScript2, Kind::Credentials),
        ]);
        let (ours, theirs) = (with_settings(ours), with_settings(theirs.clone()));
        assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(file));
    }
}

#[test]
fn lines_are_kept_whatever_is_read() {
    for file in files(500) {
        if let Ok(document) = Document::parse(&file) {
            assert_eq!(document.lines().concat().into_bytes(), file);
        }
    }
}
