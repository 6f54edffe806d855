//! `mcm activity`, its JSON, and what `mcm doctor` finds of a database or log that another program changed.

use std::fs;

use jiff::Timestamp;

use crate::harness::Harness;

/// Documented and stable, as `ACCOUNTS`.
const ACTIVITY: &str = r#"{
  "activity": [
    {
      "at": "TIME",
      "account": "azure-1535dce659fc",
      "cloud": "azure",
      "name": "Contoso",
      "what": {
        "kind": "used"
      }
    }
  ]
}
"#;

#[test]
fn the_activity_json_is_as_documented() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["use", "contoso"]).done();
    let printed = harness.mcm(&["activity", "--json", "--limit", "1"]).done();
    let json: serde_json::Value = serde_json::from_str(&printed).expect("the result is JSON");
    let time = json["activity"][0]["at"].as_str().expect("a time");
    time.parse::<Timestamp>().expect("a time in RFC 3339");
    assert_eq!(printed.replace(time, "TIME"), ACTIVITY);
}

#[test]
fn activity_lists_events_and_issued_tokens_newest_first() {
    let harness = Harness::start();
    let id = harness.connected(true);
    harness.mcm(&["token", &id]).done();
    let json = harness
        .mcm(&["activity", &id, "--json", "--limit", "2"])
        .json();
    let kinds: Vec<_> = json["activity"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| &row["what"]["kind"])
        .collect();
    assert_eq!(kinds, ["handed-out", "renewed"]);
    assert!(
        json["activity"][0]["what"]["to"]
            .as_str()
            .is_some_and(|to| !to.is_empty())
    );

    let table = harness.mcm(&["activity"]).done();
    assert!(
        table
            .lines()
            .nth(1)
            .is_some_and(|line| line.contains("token issued to")),
        "{table}"
    );
}

#[test]
fn doctor_finds_a_database_that_is_damaged_inside() {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let harness = Harness::start();
    harness.connected(false);
    let file = harness.home().join("data/accounts.db");
    let length = fs::metadata(&file).expect("there").len();
    let mut open = fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .expect("ours");
    // The pages after the first one, which holds the tables' names.
    open.seek(SeekFrom::Start(4096)).expect("long enough");
    let rest = usize::try_from(length - 4096).expect("small");
    open.write_all(&vec![0x55; rest]).expect("written");
    let findings = harness.mcm(&["doctor", "--json"]);
    let checks: serde_json::Value = serde_json::from_str(&findings.result).expect("JSON");
    let failed = checks["checks"].as_array().expect("a list").iter();
    let failed: Vec<_> = failed.filter(|check| check["status"] == "fail").collect();
    assert!(
        failed
            .iter()
            .any(|check| check.to_string().contains("accounts.db")),
        "{checks}"
    );
    assert_eq!(fs::metadata(&file).expect("still there").len(), length);
}

#[test]
#[cfg(target_os = "linux")]
fn an_activity_log_that_another_program_changed_is_found() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.mcm(&["token", &id]).done();
    let whole = harness.mcm(&["activity", "--verify"]).done();
    assert!(whole.contains("as they were written"), "{whole}");
    let json = harness.mcm(&["activity", "--verify", "--json"]).done();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["intact"], true);
    assert!(json["events"].as_u64() >= Some(2), "{json}");
    assert!(whole.contains(json["end"].as_str().expect("a hash")));

    let database = harness.home().join("data/accounts.db");
    let changed = std::process::Command::new("/usr/bin/python3")
        .arg("-c")
        .arg(
            "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db:\n \
             db.execute(\"DELETE FROM activity WHERE what LIKE '%connected%'\")",
        )
        .arg(&database)
        .status();
    assert!(changed.expect("python runs").success());
    let output = harness.mcm(&["activity", "--verify"]).failed(1);
    assert!(output.contains("not the one that was written"), "{output}");
    let ended = harness.mcm(&["activity", "--verify", "--json"]);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert!(
        ended.result.contains("\"intact\": false"),
        "{}",
        ended.result
    );
}
