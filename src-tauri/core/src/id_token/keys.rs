//! The keys with which an issuer signs its id_tokens, and the check of a signature.
//!
//! The only file that uses `jsonwebtoken`. RS256 only: the token's own header never chooses the algorithm.
//! `id_token.rs` checks the claims.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::rejected;
use crate::error::{Code, Error, Result};
use crate::http::{self, Http};

/// How long keys are cached. Google publishes a new key well over an hour before it signs with it.
const LIFE: Duration = Duration::from_secs(3600);
/// The shortest time between early reloads, when a token names an unknown key.
const PAUSE: Duration = Duration::from_secs(60);

/// Keys that were loaded, by their address.
#[derive(Default)]
pub struct Keys(Mutex<HashMap<Url, Kept>>);

#[derive(Clone)]
struct Kept {
    keys: Vec<Key>,
    read_at: Timestamp,
    /// When they were last reloaded early.
    early_at: Option<Timestamp>,
}

/// A published key (RFC 7517), of any kind; only the members for RS256 are read.
#[derive(Clone, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    #[serde(deserialize_with = "is_present")]
    crit: bool,
}

impl Keys {
    /// Checks that the issuer whose keys are at this address signed the token.
    ///
    /// # Errors
    /// `sign-in-rejected` when it did not; `offline`, `throttled` or `server-failed` when its keys cannot be loaded.
    pub async fn verify(
        &self,
        http: &Http,
        address: &Url,
        id_token: &SecretString,
        now: Timestamp,
    ) -> Result<()> {
        let token = id_token.expose_secret();
        let header = header(token)?;
        let (kept, is_new) = match self.kept(address, now) {
            Some(kept) => (kept, false),
            None => (self.read(http, address, now, None).await?, true),
        };
        if let Some(key) = find(&kept.keys, header.kid.as_deref()) {
            return check(token, key);
        }
        // The issuer may have started to use a new key since its keys were loaded.
        let is_early = !is_new
            && kept
                .early_at
                .is_none_or(|early| now < early || now >= early + PAUSE);
        if is_early {
            let kept = self.read(http, address, now, Some(now)).await?;
            if let Some(key) = find(&kept.keys, header.kid.as_deref()) {
                return check(token, key);
            }
        }
        Err(rejected(
            "is signed with a key that its issuer does not publish",
        ))
    }

    /// The keys at this address, unless they are too old, or from the future because the clock was set back.
    fn kept(&self, address: &Url, now: Timestamp) -> Option<Kept> {
        self.lock()
            .get(address)
            .filter(|kept| kept.read_at <= now && now < kept.read_at + LIFE)
            .cloned()
    }

    async fn read(
        &self,
        http: &Http,
        address: &Url,
        now: Timestamp,
        early_at: Option<Timestamp>,
    ) -> Result<Kept> {
        let read = http.get_json::<KeySet, IgnoredAny>(address, None).await?;
        let set = read.map_err(|refused| {
            let message = format!(
                "{} did not return the keys of its identity tokens (HTTP {}), so its response \
                 was not used. Start the sign-in again.",
                http::place(address),
                refused.status
            );
            Error::new(Code::ServerFailed, message)
        })?;
        let kept = Kept {
            keys: set.keys,
            read_at: now,
            early_at,
        };
        self.lock().insert(address.clone(), kept.clone());
        Ok(kept)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Url, Kept>> {
        self.0
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// Whatever the value is, `null` included.
fn is_present<'de, D: serde::Deserializer<'de>>(value: D) -> std::result::Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(value).map(|_| true)
}

fn header(token: &str) -> Result<Header> {
    let first = token.split('.').next().unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD
        .decode(first)
        .map_err(|_| rejected("cannot be decoded"))?;
    let header: Header =
        serde_json::from_slice(&bytes).map_err(|_| rejected("cannot be decoded"))?;
    if header.alg != "RS256" {
        return Err(rejected("is not signed with RS256"));
    }
    // RFC 7515 4.1.11: an unknown extension that must be understood.
    if header.crit {
        return Err(rejected(
            "needs an extension that this app does not support",
        ));
    }
    Ok(header)
}

/// The RS256 key with this id; without an id, the only RS256 key.
fn find<'a>(keys: &'a [Key], kid: Option<&str>) -> Option<&'a Key> {
    let mut fits = keys.iter().filter(|key| {
        key.kty == "RSA"
            && key.alg.as_deref().is_none_or(|alg| alg == "RS256")
            && key
                .purpose
                .as_deref()
                .is_none_or(|purpose| purpose == "sig")
            && (kid.is_none() || key.kid.as_deref() == kid)
    });
    fits.next().filter(|_| fits.next().is_none())
}

fn check(token: &str, key: &Key) -> Result<()> {
    let parts = token
        .rsplit_once('.')
        .filter(|(message, _)| message.matches('.').count() == 1);
    let (message, signature) = parts.ok_or_else(|| rejected("cannot be decoded"))?;
    let key = DecodingKey::from_rsa_components(&key.n, &key.e)
        .map_err(|_| rejected("is signed with a key that cannot be used"))?;
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::RS256) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(rejected("has a signature that is not its issuer's")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, change: (&str, &str)) -> Key {
        let json = format!(
            r#"{{"kty":"RSA","kid":"{kid}","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB"}}"#
        );
        serde_json::from_str(&json.replace(change.0, change.1)).expect("a key")
    }

    fn token(header: &str) -> String {
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn a_header_with_critical_extensions_is_refused_whatever_their_value_is() {
        let token = |header: &str| format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        assert!(header(&token(r#"{"alg":"RS256"}"#)).is_ok());
        for crit in ["null", "[]", r#"["b64"]"#, "0"] {
            let text = token(&format!(r#"{{"alg":"RS256","crit":{crit}}}"#));
            assert!(header(&text).is_err(), "{crit}");
        }
    }

    #[test]
    fn only_rs256_is_taken_whatever_the_header_says() {
        header(&token(r#"{"alg":"RS256","kid":"k"}"#)).expect("RS256");
        for refused in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256","kid":"k"}"#,
            r#"{"alg":"rs256"}"#,
            r#"{"alg":"PS256"}"#,
            r#"{"kid":"k"}"#,
            r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
            "not JSON",
        ] {
            assert!(header(&token(refused)).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_and_only_for_signatures() {
        let keys = [key("a", ("", "")), key("b", ("", ""))];
        assert_eq!(
            find(&keys, Some("b")).expect("there").kid.as_deref(),
            Some("b")
        );
        assert!(find(&keys, Some("c")).is_none());
        assert!(find(&keys, None).is_none(), "which of the two?");
        assert!(find(&keys[..1], None).is_some());
        for change in [("RSA", "EC"), ("RS256", "RS512"), (r#""sig""#, r#""enc""#)] {
            assert!(find(&[key("a", change)], Some("a")).is_none(), "{change:?}");
        }
        let twice = [key("a", ("", "")), key("a", ("", ""))];
        assert!(find(&twice, Some("a")).is_none(), "two keys of one id");
    }

    /// RFC 7515 A.2: a token and the key that signed it.
    const SIGNED: [&str; 3] = [
        "eyJhbGciOiJSUzI1NiJ9",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1\
         dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu\
         sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ];
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCg\
        NMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsm\
        tdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

    #[test]
    fn a_signature_is_valid_only_for_its_text_and_key() {
        let modulus = format!(r#""n":"{MODULUS}""#);
        let signer = key("a", (r#""n":"AQAB""#, &modulus));
        let [header, payload, signature] = SIGNED;
        check(&format!("{header}.{payload}.{signature}"), &signer).expect("the RFC's own");
        let others = [
            format!(
                "{header}.{}.{signature}",
                payload.replacen("eyJpc3Mi", "eyJpc3Ni", 1)
            ),
            format!(
                "{}.{payload}.{signature}",
                header.replacen("SUzI", "SUzJ", 1)
            ),
            format!(
                "{header}.{payload}.{}",
                signature.replacen("cC4h", "dC4h", 1)
            ),
            format!("{header}.{payload}."),
        ];
        for other in others {
            assert!(check(&other, &signer).is_err(), "{other}");
        }
        let other_key = key("a", (r#""n":"AQAB""#, &modulus.replacen("ofgW", "ogfW", 1)));
        assert!(check(&format!("{header}.{payload}.{signature}"), &other_key).is_err());
    }

    #[test]
    fn a_signature_that_is_not_one_is_refused_without_a_panic() {
        for text in ["a.b", "a.b.c.d", "a.b.", "a.b.!!!", &token("{}")] {
            assert!(check(text, &key("a", ("", ""))).is_err(), "{text}");
        }
    }
}
