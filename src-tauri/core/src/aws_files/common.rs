//! The form of a file that every client reads alike: one reading then serves all of them.
//!
//! Almost every file has it: sections of different names, with plain settings of different names, one a line. What a client
//! may read in its own way (an indented line, a quoted value, a comment after a value, a name that comes twice, an empty section)
//! is not of this form, and is left to the client's own rules.

use std::collections::HashSet;

use super::{Kind, ProfileSettings, Profiles};

/// The profiles in a file of this form; none for any other file.
pub(super) fn profiles(bytes: &[u8], kind: Kind) -> Option<Profiles> {
    let is_plain = |byte: &u8| matches!(byte, b'\n' | b' '..=b'~');
    if !bytes.iter().all(is_plain) {
        return None;
    }
    let mut titles = HashSet::new();
    let mut sections: Vec<(Option<&str>, ProfileSettings)> = Vec::new();
    for line in std::str::from_utf8(bytes).ok()?.split('\n') {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = line.strip_prefix('[') {
            let title = title.strip_suffix(']')?;
            titles.insert(title).then_some(())?;
            sections.push((profile(title, kind)?, ProfileSettings::new()));
            continue;
        }
        let (_, settings) = sections.last_mut()?;
        let (key, value) = setting(line)?;
        if settings.insert(key.to_owned(), value.to_owned()).is_some() {
            return None;
        }
    }
    // To the SDKs for JavaScript an empty section is none.
    if sections.iter().any(|(_, settings)| settings.is_empty()) {
        return None;
    }
    let profiles = sections.into_iter();
    let named = profiles.filter_map(|(name, settings)| Some((name?.to_owned(), settings)));
    Some(Profiles(named.collect()))
}

/// The profile that a section describes, or that it describes none. None where clients may differ.
fn profile(title: &str, kind: Kind) -> Option<Option<&str>> {
    match (kind, title.split_once(' ')) {
        (Kind::Config, None) => (title == "default").then_some(Some(title)),
        (Kind::Config, Some(("profile", name))) => {
            (is_name(name) && name != "default").then_some(Some(name))
        }
        (Kind::Config, Some(("sso-session", name))) => is_name(name).then_some(None),
        (Kind::Credentials, None) => is_name(title).then_some(Some(title)),
        _ => None,
    }
}

/// `DEFAULT` is inherited by every section, to botocore.
fn is_name(name: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_inside)
        && name != "DEFAULT"
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim_end_matches(' '), value.trim_matches(' '));
    let is_inside = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    let is_key = key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(is_inside);
    let has_comment = line.contains(" #") || line.contains(" ;");
    let is_value = !value.is_empty() && !value.starts_with(['"', '\'']) && !value.contains('\\');
    (is_key && is_value && !has_comment).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Client;
    use super::*;

    const USUAL: &str = "# mine\n[default]\nregion=eu-central-1\n\n; work\n[profile contoso.prod]\n\
        role_arn = arn:aws:iam::111122223333:role/Reader\nsource_profile =default\nexternal_id= a=b:c[d]\n\
        [sso-session contoso]\nsso_start_url = https://contoso.awsapps.com/start#/\n[profile a@b]\n\
        credential_process = aws-sso -S \"Default\" process  \n";

    #[test]
    fn a_usual_file_is_of_the_form_and_what_clients_read_differently_is_not() {
        let names = |text: &str, kind| {
            profiles(text.as_bytes(), kind).map(|profiles| {
                let names = profiles.iter().map(|(name, _)| name.to_owned());
                names.collect::<Vec<_>>()
            })
        };
        let of_usual = ["a@b", "contoso.prod", "default"].map(str::to_owned);
        assert_eq!(names(USUAL, Kind::Config), Some(of_usual.to_vec()));
        let keys = "[a]\naws_access_key_id = AKIAEXAMPLE\n[profile.b]\nx = y";
        let of_keys = ["a", "profile.b"].map(str::to_owned);
        assert_eq!(names(keys, Kind::Credentials), Some(of_keys.to_vec()));
        for other in [
            "[default]\n",
            "[default]\n a = b\n",
            "[default]\na =\n",
            "[default]\na = b\n[default]\nb = c\n",
            "[default]\na = b\na = c\n",
            "[default] \na = b\n",
            "[default]\nA = b\n",
            "[default]\na = b # c\n",
            "[default]\na = 'b'\n",
            "[default]\r\na = b\r\n",
            "[default]\na : b\n",
            "[default]\na\tb = c\n",
            "[DEFAULT]\na = b\n",
            "[plain]\na = b\n",
            "[profile default]\na = b\n",
            "[profile  a]\na = b\n",
            "[services a]\na = b\n",
            "a = b\n",
        ] {
            assert_eq!(names(other, Kind::Config), None, "{other}");
        }
        assert_eq!(names("[profile a]\nb = c\n", Kind::Credentials), None);
        assert_eq!(names("[__proto__]\nb = c\n", Kind::Credentials), None);
    }

    /// Mostly of the form, with a line here and there that is not.
    fn files() -> impl Strategy<Value = String> {
        let title = prop_oneof![
            4 => "\\[(profile |profile |sso-session |)[a-d]\\]",
            4 => "\\[default\\]",
            1 => "\\[(profile )?(default|DEFAULT|__proto__|\"a\"|a b|a/b)\\]",
            1 => "\\[(profile|services a|profile  a|profile\ta|)\\] ?",
        ];
        let setting = prop_oneof![
            20 => "[a-d] ?= ?[xy]",
            1 => "[ \t]{1,2}[a-d] = [xy]",
            1 => "([A-D]|__proto__|) ?= ?[xy]",
            3 => "[a-d] = ?([xy:=]|['\"]|[#;]){1,3}",
            1 => "[a-d] = ?(['\"]x['\"]|x? [#;]y|x\\\\n|)",
            1 => "[a-d]( |\t)?[:=] ?[xy=:]{0,2}",
            1 => "[ \t]{0,2}[#;]?[ab]?",
            1 => "\\PC{0,4}",
        ];
        let end = prop_oneof![30 => Just("\n"), 5 => Just("\n\n"), 1 => Just("\r\n")];
        let section = (title, proptest::collection::vec((end, setting), 0..4));
        let sections = proptest::collection::vec(section, 0..4);
        sections.prop_map(|sections| {
            let section = |(title, settings): (String, Vec<(&str, String)>)| {
                let settings = settings.into_iter();
                settings.fold(title, |text, (end, line)| text + end + &line) + "\n"
            };
            sections.into_iter().map(section).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn a_file_of_the_form_is_read_so_by_every_client(text in files()) {
            for kind in [Kind::Config, Kind::Credentials] {
                if let Some(common) = profiles(text.as_bytes(), kind) {
                    for client in Client::ALL {
                        let own = client.profiles(text.as_bytes(), kind);
                        prop_assert_eq!(own.as_ref(), Ok(&common), "{:?} {:?}", client, kind);
                    }
                }
            }
        }
    }
}
