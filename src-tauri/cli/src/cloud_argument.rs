//! Clouds as arguments: the words that name them, and which of them an option takes.

use mcm_core::account::Cloud;

/// Any cloud.
pub(crate) fn any_cloud(text: &str) -> Result<Cloud, String> {
    one_of(&Cloud::ALL, text)
}

/// A cloud whose accounts have access tokens.
pub(crate) fn cloud_with_tokens(text: &str) -> Result<Cloud, String> {
    const WITH_TOKENS: [Cloud; 2] = [Cloud::Azure, Cloud::Gcp];
    if text == Cloud::Aws.as_str() {
        return Err(
            "AWS has no access tokens. Run \"mcm credential-process --active\".".to_owned(),
        );
    }
    one_of(&WITH_TOKENS, text)
}

fn one_of(clouds: &[Cloud], text: &str) -> Result<Cloud, String> {
    let found = clouds.iter().find(|cloud| cloud.as_str() == text);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = clouds.iter().map(|cloud| cloud.as_str()).collect();
        format!("possible values: {}", names.join(", "))
    })
}
