//! The key that signs id tokens, and the JSON Web Key that verifies them.
//!
//! Keys are made at run time and never leave the process. Making one takes a tenth of a second, so every sandbox
//! of a process starts with the same key and makes another only when a test rotates it.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use serde_json::{Value, json};

use crate::identifier::{base64url, opaque};

/// An RSA key with its identifier.
pub(crate) struct SigningKey {
    id: String,
    pair: KeyPair,
}

impl SigningKey {
    /// The key that sandboxes of this process start with.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<SigningKey>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::generate())))
    }

    /// A key that no server publishes.
    pub(crate) fn unpublished() -> Arc<Self> {
        static UNPUBLISHED: OnceLock<Arc<SigningKey>> = OnceLock::new();
        Arc::clone(UNPUBLISHED.get_or_init(|| Arc::new(Self::generate())))
    }

    pub(crate) fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048)
            .expect("2048 bits is a size that the library makes");
        Self {
            id: opaque("sandbox-key-", 34),
            pair,
        }
    }

    /// A signed JWT (RS256) with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.id });
        let message = format!(
            "{}.{}",
            base64url(header.to_string()),
            base64url(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .expect("the buffer is as long as the modulus");
        format!("{message}.{}", base64url(signature))
    }

    /// The public half, as `jwks_uri` publishes it.
    pub(crate) fn public(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.id,
            "n": base64url(public.modulus().big_endian_without_leading_zero()),
            "e": base64url(public.exponent().big_endian_without_leading_zero()),
        })
    }
}
