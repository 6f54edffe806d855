//! What mcm writes for PowerShell, read by PowerShell's grammar.

use tree_sitter::{Node, Parser};

use crate::aws::connected;
use crate::harness::{ADA, Ended, Harness};
use crate::hook::environments;

/// The first place that the grammar does not know, if there is one.
fn fault(script: &str) -> Option<String> {
    let mut parser = Parser::new();
    let grammar = tree_sitter_powershell::LANGUAGE.into();
    parser.set_language(&grammar).expect("a known version");
    let tree = parser.parse(script, None).expect("not cancelled");
    unknown(tree.root_node(), script)
}

fn unknown(node: Node<'_>, script: &str) -> Option<String> {
    if node.is_error() || node.is_missing() {
        let line = node.start_position().row + 1;
        return Some(format!("line {line}: {}", &script[node.byte_range()]));
    }
    let mut cursor = node.walk();
    node.children(&mut cursor)
        .find_map(|child| unknown(child, script))
}

/// Lines for `Invoke-Expression` are assignments, one a line.
fn assert_assigns(lines: &str) {
    assert_eq!(fault(lines), None, "{lines}");
    assert!(!lines.is_empty());
    for line in lines.lines() {
        let begins = line.starts_with("$env:") || line.starts_with("$null");
        assert!(begins && line.contains(" = "), "{line}");
        assert_eq!(fault(line), None, "{line}");
    }
}

#[test]
fn the_grammar_knows_a_fault() {
    for broken in [
        "if ($true) {",
        "$env:A = 'a'b'",
        "$env:A = 'it's'",
        "function {",
    ] {
        assert!(fault(broken).is_some(), "{broken}");
    }
}

#[test]
fn the_hook_and_the_completion_are_powershell() {
    let harness = Harness::without_keychain();
    for (command, part) in [
        ("hook", "function global:mcm {"),
        ("completion", "Register-ArgumentCompleter "),
    ] {
        let script = harness.mcm(&[command, "powershell"]).done();
        assert!(script.contains(part), "{command}");
        assert_eq!(fault(&script), None, "{command}");
    }
}

#[test]
fn the_lines_of_env_are_powershell() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    let (azure, gcp) = (harness.account_of("azure"), harness.account_of("gcp"));
    let env = |arguments: &[&str]| {
        let arguments = [&["env", "--shell", "powershell"], arguments].concat();
        harness.mcm(&arguments)
    };
    assert_assigns(&env(&[&aws, &azure, &gcp]).done());
    assert_assigns(&env(&["--unset"]).done());
    let failed = env(&["nope"]).result;
    assert_eq!(fault(&failed), None, "{failed}");
}

#[test]
fn the_lines_of_the_hook_are_powershell() {
    let harness = Harness::start();
    environments(&harness);
    let lines = |choice: &[&str], folder: &str| {
        let mut command = harness.command(&["hook-lines", "--shell", "powershell"]);
        command
            .args(choice)
            .env("MCM_HOOK", "1:1")
            .env("PATH", "/o'neil\u{2019}s $(here) `n\n/bin:/usr/bin")
            .current_dir(harness.folder().join("work").join(folder));
        Ended::of(command.output().expect("mcm starts")).done()
    };
    let chosen = lines(&["--use", "dev"], "none");
    assert!(chosen.contains("$env:MCM_ENVIRONMENT = 'dev'"), "{chosen}");
    let path = "/o''neil\u{2019}\u{2019}s $(here) `n' + [char]10 + '/bin:/usr/bin'";
    assert!(chosen.contains(path), "{chosen}");
    assert_assigns(&chosen);
}
