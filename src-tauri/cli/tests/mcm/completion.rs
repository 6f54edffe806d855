//! Shell completion, requested by the real shells.
//!
//! Programs needed: bash, zsh, fish.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Harness, write};

const HOSTILE: &str = "$(touch pwned)`touch pwned`;touch pwned\u{1b}[31m *?\"' $HOME";

/// As Google's projects of a domain are called.
const PROJECT: &str = "example.com:web";
const ROLE: &str = "444455556666/Admin";

/// A machine with stored accounts, and no keychain.
fn with_accounts() -> Harness {
    let harness = Harness::without_keychain();
    let azure = |id: &str, name: &str, user: &str| {
        json!({
            "id": id, "grant": "0".repeat(32), "connectedAt": "2026-11-26T00:00:00Z",
            "identity": { "cloud": "azure", "home": id, "tenantId": id, "tenantName": name, "defaultDomain": null,
                          "username": user },
        })
    };
    let target =
        |id: &str, name: &str| json!({ "id": id, "name": name, "state": null, "parent": null });
    let mut contoso = azure("azure-000000000001", "Contoso Ltd", "ada@contoso.example");
    contoso["targets"] = json!([
        target("0a539779", "Production"),
        target("1b539779", HOSTILE)
    ]);
    let aws = json!({
        "id": "aws-000000000004", "grant": "1".repeat(32), "connectedAt": "2026-11-26T00:00:00Z",
        "targets": [target("eu-central-1", "Europe (Frankfurt)"), target("us-east-1", "US East (N. Virginia)")],
        "identity": {
            "cloud": "aws", "roleArn": "arn:aws:iam::444455556666:role/Reader", "accountId": "444455556666", "partition": "aws",
            "alias": null, "externalId": "x", "enforced": "enforced", "source": "default", "caller": "c",
            "sessionSeconds": 3600, "longestSessionSeconds": null,
        },
    });
    let google = json!({
        "id": "gcp-000000000005", "grant": "2".repeat(32), "connectedAt": "2026-11-26T00:00:00Z",
        "targets": [target(PROJECT, "Web"), target("web-test", "Web test")],
        "identity": { "cloud": "gcp", "issuer": "https://accounts.google.com", "subject": "5", "email": "grace@northwind.example",
                      "hostedDomain": null },
    });
    let center = json!({
        "id": "aws-000000000006", "grant": "3".repeat(32), "connectedAt": "2026-11-26T00:00:00Z",
        "targets": [target(ROLE, "Admin in Shop")],
        "identity": { "cloud": "identity-center", "startUrl": "https://d-1.awsapps.com/start",
                      "typedUrl": "https://d-1.awsapps.com/start", "region": "eu-west-1", "partition": "aws", "userName": "lin" },
    });
    let accounts: [Value; 6] = [
        contoso,
        google,
        center,
        azure("azure-000000000002", "Fabrikam", "ada@fabrikam.example"),
        azure("azure-000000000003", HOSTILE, HOSTILE),
        aws,
    ];
    write(
        &harness.accounts_file(),
        0o600,
        &json!({ "version": 1, "active": { "aws": "aws-000000000004" }, "accounts": accounts })
            .to_string(),
    );
    harness
}

/// The completions that a shell offers for a line, given a script that sets `line` and prints them.
fn offered(harness: &Harness, shell: &str, script: &str) -> Vec<String> {
    let mcm = harness.command(&[]);
    let folder = Path::new(mcm.get_program())
        .parent()
        .expect("it is in a folder");
    let completion = harness.mcm(&["completion", shell]).done();
    let file = harness.home().join("completion");
    write(&file, 0o600, &completion);
    let mut command = Command::new(shell);
    command.args(if shell == "bash" {
        &["--norc", "-c"][..]
    } else {
        &["-c"]
    });
    command.arg(script.replace("COMPLETION", &file.display().to_string()));
    harness.equip(&mut command);
    let path = mcm
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, path)| path)
        .expect("there is a PATH");
    command.env(
        "PATH",
        format!("{}:{}", folder.display(), path.to_string_lossy()),
    );
    command.current_dir(harness.home());
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{shell} does not start ({error}): install it"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!harness.home().join("pwned").exists(), "{shell} ran a name");
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(str::to_owned)
        .collect()
}

fn in_bash(harness: &Harness, words: &str) -> Vec<String> {
    let script = format!(
        "source COMPLETION; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         _clap_complete_mcm mcm \"${{COMP_WORDS[COMP_CWORD]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    offered(harness, "bash", &script)
}

#[test]
fn bash_offers_commands_options_and_accounts_by_words_that_it_does_not_act_on() {
    let harness = with_accounts();
    assert!(in_bash(&harness, "mcm cred").contains(&"credential-process".to_owned()));
    assert!(in_bash(&harness, "mcm token --a").contains(&"--active".to_owned()));
    assert_eq!(in_bash(&harness, "mcm token con"), ["Contoso"]);
    assert_eq!(
        in_bash(&harness, "mcm token ada@f"),
        ["ada@fabrikam.example"]
    );
    assert_eq!(
        in_bash(&harness, "mcm use azure-000000000003"),
        ["azure-000000000003"]
    );
    let all = in_bash(&harness, "mcm targets ''");
    for account in ["Contoso", "Fabrikam"] {
        assert!(all.iter().any(|word| word == account), "{all:?}");
    }
    for word in all.iter().filter(|word| !word.starts_with("--")) {
        assert!(
            word.chars()
                .all(|c| c.is_alphanumeric() || "@._-".contains(c)),
            "{word:?}"
        );
    }
    let aws = in_bash(&harness, "mcm credential-process ''");
    assert!(
        !aws.iter().any(|word| word == "Contoso"),
        "no AWS account: {aws:?}"
    );
}

#[test]
fn bash_offers_the_targets_of_the_account_on_the_line_and_the_names_of_resources() {
    let harness = with_accounts();
    assert_eq!(in_bash(&harness, "mcm use contoso prod"), ["Production"]);
    assert_eq!(
        in_bash(&harness, "mcm use contoso ''")[..2],
        ["Production", "touch"],
        "a word, which is not run"
    );
    assert_eq!(
        in_bash(&harness, "mcm use aws-000000000004 eu"),
        ["eu-central-1"]
    );
    assert_eq!(
        in_bash(
            &harness,
            "mcm kube-token --cluster c aws-000000000004 --region u"
        ),
        ["us-east-1"]
    );
    assert_eq!(
        in_bash(&harness, "mcm kube-token --region u"),
        ["us-east-1"],
        "the one in use"
    );
    for nothing in [
        "mcm use fabrikam p",
        "mcm use nobody p",
        "mcm kube-token contoso --region p",
    ] {
        assert_eq!(in_bash(&harness, nothing), [""], "{nothing}");
    }
    assert_eq!(
        in_bash(&harness, "mcm token contoso --resource ''"),
        ["arm", "graph", "key-vault", "storage", "aks"]
    );
    assert_eq!(
        in_bash(&harness, "mcm token --active azure --resource k"),
        ["key-vault"]
    );
}

/// Google's projects of a domain have a colon, and roles of IAM Identity Center a slash.
#[test]
fn targets_with_a_colon_or_a_slash_are_offered_whole() {
    let harness = with_accounts();
    let offers = |words: &str, expected: &[&str]| {
        assert_eq!(in_bash(&harness, words), expected, "{words}");
    };
    offers("mcm use grace ''", &[PROJECT, "web-test", "--help"]);
    offers("mcm use grace ex", &[PROJECT]);
    offers(
        "mcm use grace@northwind.example/ex",
        &["grace@northwind.example/example.com:web"],
    );
    offers("mcm use aws-000000000006 4", &[ROLE]);
    let zsh = "compdef() {}; _describe() { eval 'printf \"%s\\n\" \"${'${@[-1]}'[@]}\"' }; source COMPLETION; \
               words=(mcm use grace ex); CURRENT=4; _clap_dynamic_completer_mcm";
    assert_eq!(
        offered(&harness, "zsh", zsh),
        [r"example.com\:web:Web"],
        "the rest of it is the description"
    );
    let fish = "source COMPLETION; complete --do-complete 'mcm use grace ex'";
    assert_eq!(offered(&harness, "fish", fish), [format!("{PROJECT}\tWeb")]);
}

const ARN: &str = "arn:aws:eks:eu-central-1:444455556666:cluster/shop";

/// Accounts, an environment with a cluster, and a kubeconfig with a context more.
fn with_environment() -> Harness {
    let harness = with_accounts();
    let cluster = |name: &str| {
        format!("{{name: '{name}', cluster: {{server: 'https://a.hcp.westeurope.azmk8s.io'}}}}")
    };
    let context = |name: &str| format!("{{name: '{name}', context: {{cluster: '{name}'}}}}");
    let names = ["aks-one", ARN, "$(touch pwned)", "it is two"];
    let list = |entry: &dyn Fn(&str) -> String| names.map(entry).join(", ");
    let text = format!(
        "clusters: [{}]\ncontexts: [{}]\n",
        list(&cluster),
        list(&context)
    );
    write(&harness.folder().join(".kube/config"), 0o600, &text);
    let create = ["environment", "create", "dev", "--azure", "Contoso Ltd"];
    harness
        .mcm(&[&create[..], &["--cluster", "aks-one"]].concat())
        .done();
    harness
}

#[test]
fn bash_offers_what_the_options_of_environments_take() {
    let harness = with_environment();
    let offers = |words: &str, expected: &[&str]| {
        assert_eq!(in_bash(&harness, words), expected, "{words}");
    };
    offers("mcm environment create x --cluster ''", &["aks-one", ARN]);
    offers("mcm environment edit dev --cluster ak", &["aks-one"]);
    offers("mcm environment edit dev --remove-cluster ''", &["aks-one"]);
    offers("mcm environment edit --remove-cluster ''", &[""]);
    offers("mcm environment edit d", &["dev"]);
    offers("mcm exec -E ''", &["dev"]);
    offers("mcm env -E d", &["dev"]);
    offers("mcm shell d", &["dev"]);
    offers("mcm use de", &["dev"]);
    offers("mcm environment create x --azure Fab", &["Fabrikam"]);
    offers(
        "mcm environment create x --azure ada@contoso.example/0",
        &["ada@contoso.example/0a539779"],
    );
    offers("mcm environment create x --aws Con", &[""]);
    offers("mcm environment create x --active g", &["gcp"]);
    offers("mcm environment create x --active aws,az", &["aws,azure"]);
    offers("mcm environment edit dev --without az", &["azure"]);
    offers("mcm environment edit dev --region eu", &["eu-central-1"]);
    offers("mcm environment edit dev --colour r", &["red"]);
    offers("mcm environment edit dev --icon ro", &["rocket"]);
    offers("mcm environment edit dev --minutes ''", &["15", "60"]);
    offers(
        "mcm environment edit dev --protected=t",
        &["--protected=true"],
    );
    offers("mcm shell dev --tint d", &["dark"]);
    offers("mcm token --active a", &["azure"]);
    // A name of EKS is in no file here.
    offers("mcm kube-token --cluster a", &[""]);
}

#[test]
fn bash_gets_the_rest_of_a_word_that_it_broke() {
    let harness = with_environment();
    // As bash sets them for "mcm … ada@f", "mcm … arn:aws:e", "mcm … arn:" and "mcm … --colour=r".
    for (line, words, current, expected) in [
        (
            "mcm token ada@f",
            "mcm token ada @ f",
            "@f",
            "@fabrikam.example",
        ),
        (
            "mcm environment edit dev --cluster arn:aws:e",
            "mcm environment edit dev --cluster arn : aws : e",
            "e",
            "eks:eu-central-1:444455556666:cluster/shop",
        ),
        (
            "mcm environment edit dev --cluster arn:",
            "mcm environment edit dev --cluster arn :",
            "",
            "aws:eks:eu-central-1:444455556666:cluster/shop",
        ),
        (
            "mcm use grace example.com:w",
            "mcm use grace example.com : w",
            "w",
            "web",
        ),
        (
            "mcm environment edit dev --colour=r",
            "mcm environment edit dev --colour = r",
            "r",
            "red",
        ),
    ] {
        let script = format!(
            "source COMPLETION; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({words}); \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _clap_complete_mcm mcm '{current}'; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        assert_eq!(offered(&harness, "bash", &script), [expected], "{line}");
    }
}

#[test]
fn zsh_and_fish_offer_the_contexts_of_the_kubeconfig() {
    let harness = with_environment();
    let script = "compdef() {}; _describe() { eval 'printf \"%s\\n\" \"${'${@[-1]}'[@]}\"' }; source COMPLETION; \
                  words=(mcm environment edit dev --cluster a); CURRENT=6; _clap_dynamic_completer_mcm";
    let offers = offered(&harness, "zsh", script);
    assert_eq!(offers, ["aks-one", &ARN.replace(':', "\\:")]);
    let line = "source COMPLETION; complete --do-complete 'mcm environment edit dev --cluster a'";
    assert_eq!(offered(&harness, "fish", line), ["aks-one", ARN]);
}

#[test]
fn zsh_offers_accounts_with_their_description() {
    let harness = with_accounts();
    let script = "compdef() {}; _describe() { eval 'printf \"%s\\n\" \"${'${@[-1]}'[@]}\"' }; source COMPLETION; \
                  words=(mcm token Con); CURRENT=3; _clap_dynamic_completer_mcm";
    let offers = offered(&harness, "zsh", script);
    assert_eq!(offers, ["Contoso:Contoso Ltd, ada@contoso.example, Azure"]);
}

#[test]
fn fish_offers_accounts_with_their_description() {
    let harness = with_accounts();
    let offers = offered(
        &harness,
        "fish",
        "source COMPLETION; complete --do-complete 'mcm token Con'",
    );
    assert_eq!(offers, ["Contoso\tContoso Ltd, ada@contoso.example, Azure"]);
}

#[test]
fn a_damaged_list_of_accounts_still_completes_commands() {
    let harness = Harness::without_keychain();
    write(&harness.accounts_file(), 0o600, "{\"version\":1,");
    assert_eq!(
        in_bash(&harness, "mcm credential-p"),
        ["credential-process"]
    );
}

/// As many accounts as one company has, named alike, and what is typed of the last one.
#[test]
fn of_many_accounts_those_with_the_typed_text_are_offered_by_whole_names() {
    let harness = Harness::without_keychain();
    let account = |number: usize| {
        json!({
            "id": format!("azure-{number:012x}"), "grant": format!("{number:032x}"),
            "connectedAt": "2026-11-26T00:00:00Z",
            "identity": { "cloud": "azure", "home": number.to_string(), "tenantId": number.to_string(),
                          "tenantName": format!("Customer {number:04}"), "defaultDomain": null,
                          "username": format!("ada@customer-{number:04}.example") },
        })
    };
    let accounts: Vec<Value> = (0..300).map(account).collect();
    let stored = json!({ "version": 1, "active": {}, "accounts": accounts }).to_string();
    write(&harness.accounts_file(), 0o600, &stored);
    // Few have it: also by a word of a name that matches no other.
    assert_eq!(in_bash(&harness, "mcm use 0299"), ["0299"]);
    // All have it: by what needs no comparison.
    let users = in_bash(&harness, "mcm use ada");
    assert_eq!(users.len(), 300);
    assert_eq!(users[299], "ada@customer-0299.example");
    assert_eq!(in_bash(&harness, "mcm use azure").len(), 300);
    assert_eq!(in_bash(&harness, "mcm use customer"), [""]);
}
