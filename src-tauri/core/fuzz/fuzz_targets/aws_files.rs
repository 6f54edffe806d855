//! Any bytes as AWS's config or credentials: no panic in any client's way of reading, and every byte stands in a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcm_core::aws_files::document::Document;
use mcm_core::aws_files::{Client, Kind};

fuzz_target!(|input: &[u8]| {
    for client in [Client::Botocore, Client::JavaScript, Client::JavaScript2, Client::Go, Client::Rust] {
        for kind in [Kind::Config, Kind::Credentials] {
            let _ = client.profiles(input, kind);
        }
    }
    if let Ok(document) = Document::parse(input) {
        assert_eq!(document.lines().concat().as_bytes(), input, "a rewritten file keeps every other byte");
    }
});
