//! Kubeconfig files as they are read, merged and restored.

use super::*;

const USER: &str = "- name: \"mcm:a\"\n  user:\n    exec:\n      args:\n      - x";

fn text(lines: &[FileLine<'_>]) -> String {
    super::super::aws_config::content(lines)
}

#[test]
fn what_is_added_comes_out_again_to_the_byte() {
    for before in [
        "",
        "apiVersion: v1\nkind: Config\n",
        "apiVersion: v1\nclusters: null\nusers: []\ncontexts: []",
        "users: # mine\n# about ada\n- name: ada\n  user:\n    token: CANARY\n\n# the end\nclusters:\n- name: c\n  cluster: {server: x}\n",
        "users:\n  - name: ada\n    user: {}\n  # after\ncontexts: []\ncurrent-context: \"\"",
        "users:\r\n- name: ada\r\n  user:\r\n    exec:\r\n      args:\r\n      - a\r\n      - b\r\nkind: Config\r\n",
        "users:\n-\n  name: ada\n  user: {}\nkind: Config\n",
        "users:\nkind: Config\n",
    ] {
        let config = Kubeconfig::parse(Some(before.as_bytes())).expect(before);
        let mut change = config.change();
        for list in List::ALL {
            config.add(&mut change, list, USER).expect(before);
        }
        let added = text(&config.lines(&change).expect(before));
        for list in List::ALL {
            let found = parsed(&added).expect("YAML");
            assert!(
                found[list.key()]
                    .as_vec()
                    .is_some_and(|list| list.iter().any(|e| name(e) == Some("mcm:a"))),
                "{added}"
            );
        }
        let config = Kubeconfig::parse(Some(added.as_bytes())).expect(&added);
        let mut change = config.change();
        for list in List::ALL {
            config
                .remove(&mut change, list, |entry| name(entry) == Some("mcm:a"))
                .expect(&added);
        }
        let after = text(&config.lines(&change).expect(&added));
        let before = if before == "users:\nkind: Config\n" {
            "users: []\nkind: Config\n"
        } else {
            before
        };
        assert_eq!(after, before, "{added}");
    }
}

#[test]
fn what_is_not_on_lines_of_its_own_is_refused() {
    for before in [
        "{\"users\": [{\"name\": \"ada\"}]}",
        "users: [{name: ada}]\n",
        "a: b\n---\nc: d\n",
        "- a\n",
        "users: {\n",
    ] {
        let refused = Kubeconfig::parse(Some(before.as_bytes())).and_then(|config| {
            let mut change = config.change();
            config.add(&mut change, List::Users, USER)?;
            config.lines(&change).map(drop)
        });
        assert!(refused.is_err(), "{before}");
    }
}

#[test]
fn a_file_that_we_made_is_gone_when_nothing_is_left_in_it() {
    let config = Kubeconfig::parse(None).expect("none");
    let mut change = config.change();
    config.add(&mut change, List::Users, USER).expect("added");
    config
        .add(&mut change, List::Users, &USER.replace("mcm:a", "mcm:b"))
        .expect("added");
    let made = text(&config.lines(&change).expect("safe"));
    let config = Kubeconfig::parse(Some(made.as_bytes())).expect(&made);
    assert_eq!(config.entries(List::Users).len(), 2, "{made}");
    let mut change = config.change();
    config
        .remove(&mut change, List::Users, |_| true)
        .expect("removed");
    assert!(config.leaves_nothing(&change), "{made}");
}

#[test]
fn a_file_that_would_grow_or_nest_without_end_is_refused() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x]\n".to_owned();
    for pair in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi", "ij", "jk"] {
        let (from, to) = pair.split_at(1);
        let many = vec![format!("*{from}"); 8].join(", ");
        laughs.push_str(&format!("{to}: &{to} [{many}]\n"));
    }
    for (text, why) in [
        (laughs.as_str(), "line 2: it has an alias"),
        (&"[".repeat(100_000), "line 1: it is n"),
        (
            &format!("{}x{}", "[".repeat(100), "]".repeat(100)),
            "line 1: it is nested too deeply",
        ),
    ] {
        let refused = read(Some(text.as_bytes())).expect_err("refused");
        assert!(refused.starts_with(why), "{refused}");
    }
}
