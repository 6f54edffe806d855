//! The text of a kubeconfig as a document, within bounds.

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::{ScanError, Yaml, YamlLoader};

/// Deeper than kubectl nests, and shallow enough for a loader that calls itself.
const MOST_DEPTH: usize = 64;

/// A file's content as text and document; none for a file that is not there.
///
/// # Errors
/// Why it is no kubeconfig: the rest of a sentence that begins with the file's name.
pub fn read(bytes: Option<&[u8]>) -> Result<(&str, Yaml), String> {
    let text = std::str::from_utf8(bytes.unwrap_or_default())
        .map_err(|_| "it is not UTF-8 text. Save it as UTF-8".to_owned())?;
    let document = parsed(text)?;
    if !matches!(document, Yaml::Hash(_) | Yaml::Null) {
        return Err("it is no mapping with clusters, contexts and users".to_owned());
    }
    Ok((text, document))
}

/// The one document of a text.
///
/// # Errors
/// Why it cannot be read: the rest of a sentence that begins with the file's name.
pub fn parsed(text: &str) -> Result<Yaml, String> {
    require_bounded(text)?;
    let mut documents = YamlLoader::load_from_str(text).map_err(|error| unreadable(&error))?;
    match documents.len() {
        0 => Ok(Yaml::Null),
        1 => Ok(documents.remove(0)),
        _ => Err("it holds several documents. Put each into a file of its own".to_owned()),
    }
}

/// Refuses what could take all memory or exhaust the stack: aliases, which kubectl never writes, and deep nesting.
fn require_bounded(text: &str) -> Result<(), String> {
    let mut parser = Parser::new_from_str(text);
    let mut depth = 0;
    loop {
        let (event, marker) = parser.next_token().map_err(|error| unreadable(&error))?;
        match event {
            Event::Alias(_) => {
                return Err(format!(
                    "line {}: it has an alias. Let kubectl write the file out: kubectl config view --raw",
                    marker.line()
                ));
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => depth -= 1,
            Event::StreamEnd => return Ok(()),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return Err(format!("line {}: it is nested too deeply", marker.line()));
        }
    }
}

fn unreadable(error: &ScanError) -> String {
    format!(
        "line {}: it is not YAML that can be read. Fix it",
        error.marker().line()
    )
}
