//! Just enough HTML to use a page: its forms with their fields and buttons, and the text that a user reads.
//!
//! Reads what the sandbox's own pages and the app's closing pages contain; not a general parser.

/// What a user can do with a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) forms: Vec<Form>,
    pub(super) text: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) is_post: bool,
    /// Names and values that are sent whichever button is pressed.
    pub(super) fields: Vec<(String, String)>,
    pub(super) checkboxes: Vec<(String, String)>,
    pub(super) buttons: Vec<Button>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) name: String,
    pub(super) value: String,
}

struct Tag<'a> {
    name: String,
    attributes: Vec<(String, String)>,
    rest: &'a str,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &str) -> String {
        self.attribute(name).unwrap_or_default().to_owned()
    }
}

impl Document {
    pub(super) fn parse(html: &str) -> Self {
        let mut document = Self::default();
        let mut open_form: Option<Form> = None;
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            document.add_text(&rest[..start]);
            let after = &rest[start + 1..];
            if let Some(comment) = after.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
                continue;
            }
            let tag = tag(after);
            rest = tag.rest;
            match tag.name.as_str() {
                "script" | "style" | "title" => {
                    let end = format!("</{}", tag.name);
                    rest = rest.find(&end).map_or("", |at| &rest[at..]);
                }
                "form" => {
                    open_form = Some(Form {
                        action: tag.text("action"),
                        is_post: tag
                            .attribute("method")
                            .is_some_and(|m| m.eq_ignore_ascii_case("post")),
                        ..Form::default()
                    });
                }
                "/form" => document.forms.extend(open_form.take()),
                "input" => {
                    let Some(form) = &mut open_form else { continue };
                    let field = (tag.text("name"), tag.text("value"));
                    match tag.attribute("type") {
                        Some("checkbox") => form.checkboxes.push(field),
                        Some("submit") => form.buttons.push(Button {
                            name: field.0,
                            value: field.1,
                        }),
                        _ => form.fields.push(field),
                    }
                }
                "button" => {
                    let Some(form) = &mut open_form else { continue };
                    form.buttons.push(Button {
                        name: tag.text("name"),
                        value: tag.text("value"),
                    });
                }
                _ => {}
            }
        }
        document.add_text(rest);
        document.forms.extend(open_form);
        document
    }

    fn add_text(&mut self, html: &str) {
        for word in unescape(html).split_whitespace() {
            if !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
    }
}

/// Reads a tag, from behind its `<`.
fn tag(html: &str) -> Tag<'_> {
    let is_name = |c: char| !c.is_whitespace() && !matches!(c, '>' | '=' | '"' | '\'');
    let (name, mut rest) = split(html, is_name);
    let mut tag = Tag {
        name: name.trim_end_matches('/').to_ascii_lowercase(),
        attributes: Vec::new(),
        rest,
    };
    if name == "/" || name.is_empty() {
        (tag.name, rest) = (String::new(), rest);
    }
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let (key, after) = split(rest, |c| is_name(c) && c != '/');
        if key.is_empty() {
            break;
        }
        rest = after.trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = attribute_value(after.trim_start());
        }
        tag.attributes
            .push((key.to_ascii_lowercase(), unescape(value)));
    }
    tag.rest = rest.split_once('>').map_or("", |(_, rest)| rest);
    tag
}

fn attribute_value(html: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = html.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    split(html, |c| !c.is_whitespace() && c != '>')
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn unescape(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_fields_and_buttons() {
        let document = Document::parse(
            "<!doctype html><title>no</title><p>Who &amp; what?</p><!-- <form> --><form method=POST action='/login'>\
             <input type=\"hidden\" name=\"a\" value=\"1 &lt; 2\"><input type=checkbox name=scope value=x checked/>\
             <button name=\"answer\" value=\"accept\">Yes</button></form>Bye",
        );
        assert_eq!(document.text, "Who & what? Yes Bye");
        let [form] = document.forms.as_slice() else {
            panic!("one form")
        };
        assert_eq!((form.action.as_str(), form.is_post), ("/login", true));
        assert_eq!(form.fields, [("a".to_owned(), "1 < 2".to_owned())]);
        assert_eq!(form.checkboxes, [("scope".to_owned(), "x".to_owned())]);
        assert_eq!(
            form.buttons,
            [Button {
                name: "answer".into(),
                value: "accept".into()
            }]
        );
    }

    #[test]
    fn broken_pages_are_read_as_far_as_they_go() {
        for html in [
            "<",
            "<form",
            "<form action=",
            "<form action=\"x",
            "a < b",
            "<!--",
            "</",
            "<input name=a>",
        ] {
            Document::parse(html);
        }
    }
}
