//! What a command must not meet: variables that are no text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::aws::connected;
use crate::harness::{Ended, Harness};

#[test]
fn a_variable_that_is_no_text_is_refused_because_what_it_leads_to_is_unknown() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    for name in ["AWS_SHARED_CREDENTIALS_FILE", "AWS_BEARER_TOKEN_BEDROCK"] {
        for arguments in [
            &["exec", &aws, "--", "echo", "went on"][..],
            &["env", &aws, "--shell", "bash"],
        ] {
            let mut command = harness.command(arguments);
            command.env(name, OsStr::from_bytes(b"/tmp/\xff"));
            let ended = Ended::of(command.output().expect("mcm starts"));
            assert_eq!(ended.status, 2, "{name}: {}", ended.stderr);
            assert!(ended.stderr.contains(name), "{}", ended.stderr);
            let is_empty = !ended.result.contains("went on") && !ended.result.contains("export");
            assert!(is_empty, "{}", ended.result);
        }
    }
}
