//! The format of a record in the keychain: a head, and parts when it is long.
//!
//! The head is the entry named after the record. It has the format, the length, the number of parts and the hash, and
//! the beginning of the secret, which is all of a short one. The rest is in parts, in one of two slots that
//! alternate: a write fills the slot that the head does not point to, and then replaces the head, which is one
//! operation of the keychain. So whatever interrupts a write, the head points to a complete secret. The parts of a
//! slot are always numbered from 0 without a gap, because they are written upwards and removed downwards; that finds
//! left-overs without a search.

#[cfg(test)]
mod tests;

use keyring_core::{CredentialStore, Entry};
use secrecy::zeroize::{Zeroize, Zeroizing};
use sha2::{Digest, Sha256};

use super::failure::KeychainFailure;
use super::{Record, platform};

/// The most bytes of a secret in one entry. Windows refuses entries of more than 2,560 bytes
/// (`CRED_MAX_CREDENTIAL_BLOB_SIZE`); the rest is for the head.
const MAX_ENTRY_BYTES: usize = 2_048;

/// The most parts of one record: room for about 128 KiB, and a limit for a damaged head.
const MAX_PARTS: u32 = 64;

const FORMAT: &str = "1";

/// The bytes of a secret, wiped when they are dropped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

type KeychainResult<T> = std::result::Result<T, KeychainFailure>;

/// The entries of one service in one store.
pub(super) struct Entries<'a> {
    store: &'a CredentialStore,
    service: &'a str,
}

impl<'a> Entries<'a> {
    pub(super) fn new(store: &'a CredentialStore, service: &'a str) -> Self {
        Self { store, service }
    }

    /// The complete secret of a record, with its hash checked.
    pub(super) fn read(&self, record: &Record) -> KeychainResult<Option<Bytes>> {
        let Some(entry) = self.get(record, &record.user())? else {
            return Ok(None);
        };
        let (head, beginning) = Head::parse(&entry).map_err(|flaw| flaw.of(record))?;
        let secret = self.join(record, &head, beginning)?;
        if secret.len() != head.length {
            return Err(KeychainFailure::Damaged(
                record.kind(),
                "its length is wrong".to_owned(),
            ));
        }
        if Sha256::digest(&*secret)[..] != head.hash {
            return Err(KeychainFailure::Damaged(
                record.kind(),
                "its checksum is wrong".to_owned(),
            ));
        }
        Ok(Some(secret))
    }

    fn join(&self, record: &Record, head: &Head, beginning: &[u8]) -> KeychainResult<Bytes> {
        // Allocated once: a growing vector leaves copies behind.
        let mut secret = Zeroizing::new(Vec::with_capacity(head.length));
        let mut append = |piece: &[u8]| {
            if secret.len() + piece.len() > head.length {
                return Err(KeychainFailure::Damaged(
                    record.kind(),
                    "its length is wrong".to_owned(),
                ));
            }
            secret.extend_from_slice(piece);
            Ok(())
        };
        append(beginning)?;
        for number in 0..head.parts {
            let Some(part) = self.get(record, &part(record, head.slot(), number))? else {
                let what = format!("part {} of {} is missing", number + 1, head.parts);
                return Err(KeychainFailure::Damaged(record.kind(), what));
            };
            append(&part)?;
        }
        Ok(secret)
    }

    /// Replaces the secret of a record: parts, their check, the head, its check, and then the rest of the old one.
    pub(super) fn write(&self, record: &Record, secret: &[u8]) -> KeychainResult<()> {
        let user = record.user();
        // A head that exists twice or is not valid points to nothing worth keeping.
        let old = match self.get(record, &user) {
            Err(KeychainFailure::Damaged(..)) => None,
            old => old?,
        };
        let generation = old
            .as_ref()
            .and_then(|old| Head::parse(old).ok())
            .map_or(0, |(head, _)| head.generation.wrapping_add(1));
        let (beginning, pieces) = cut(secret);
        let parts = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        if parts > MAX_PARTS {
            return Err(KeychainFailure::Refused("the secret is too long", None));
        }
        let head = Head {
            generation,
            length: secret.len(),
            parts,
            hash: Sha256::digest(secret).into(),
        };

        for (number, piece) in (0..).zip(&pieces) {
            self.set(record, &part(record, head.slot(), number), piece)?;
        }
        for (number, piece) in (0..).zip(&pieces) {
            let kept = self.get(record, &part(record, head.slot(), number))?;
            if kept.is_none_or(|kept| kept[..] != **piece) {
                return Err(KeychainFailure::Refused(
                    "it does not keep what was stored",
                    None,
                ));
            }
        }

        let entry = head.entry(beginning);
        self.set(record, &user, &entry)?;
        if self.get(record, &user)? != Some(entry) {
            self.put_back(record, old)?;
            return Err(KeychainFailure::Refused(
                "it does not keep what was stored",
                None,
            ));
        }
        let swept = self
            .sweep(record, head.slot(), parts)
            .and_then(|()| self.sweep(record, 1 - head.slot(), 0));
        if let Err(failure) = swept {
            // The new secret is in place anyway, and the next write sweeps again.
            tracing::warn!(error = ?failure.into_error(), "parts of an old secret are left in the keychain");
        }
        Ok(())
    }

    fn put_back(&self, record: &Record, old: Option<Bytes>) -> KeychainResult<()> {
        match old {
            Some(old) => self.set(record, &record.user(), &old),
            None => self.remove(record, &record.user()),
        }
    }

    /// Removes a record: the head first, so that nothing points to missing parts.
    pub(super) fn delete(&self, record: &Record) -> KeychainResult<()> {
        self.remove(record, &record.user())?;
        self.sweep(record, 0, 0)?;
        self.sweep(record, 1, 0)
    }

    /// The number of entries of a record.
    pub(super) fn count(&self, record: &Record) -> KeychainResult<u32> {
        let Some(entry) = self.get(record, &record.user())? else {
            return Ok(0);
        };
        let (head, _) = Head::parse(&entry).map_err(|flaw| flaw.of(record))?;
        Ok(1 + head.parts)
    }

    /// Removes every entry of the service and returns their number.
    pub(super) fn sweep_all(&self) -> KeychainResult<u32> {
        let mut removed = 0;
        for entry in platform::search(self.store, self.service)? {
            match entry.delete_credential() {
                Ok(()) => removed += 1,
                Err(keyring_core::Error::NoEntry) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(removed)
    }

    /// Fails unless the store can be used.
    pub(super) fn check(&self) -> KeychainResult<()> {
        platform::search(self.store, self.service)?;
        Ok(())
    }

    /// Removes the parts of a slot from a number on, the last one first.
    fn sweep(&self, record: &Record, slot: u64, from: u32) -> KeychainResult<()> {
        let mut end = from;
        while end < MAX_PARTS && self.has(record, &part(record, slot, end))? {
            end += 1;
        }
        for number in (from..end).rev() {
            self.remove(record, &part(record, slot, number))?;
        }
        Ok(())
    }

    fn entry(&self, record: &Record, user: &str) -> KeychainResult<Entry> {
        let modifiers = platform::modifiers(record.kind());
        Ok(self.store.build(self.service, user, Some(&modifiers))?)
    }

    fn get(&self, record: &Record, user: &str) -> KeychainResult<Option<Bytes>> {
        match self.entry(record, user)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(keyring_core::Error::Ambiguous(_)) => Err(KeychainFailure::Damaged(
                record.kind(),
                "it exists more than once".to_owned(),
            )),
            Err(error) => Err(redacted(error)),
        }
    }

    fn has(&self, record: &Record, user: &str) -> KeychainResult<bool> {
        match self.entry(record, user)?.get_credential() {
            Ok(_) | Err(keyring_core::Error::Ambiguous(_)) => Ok(true),
            Err(keyring_core::Error::NoEntry) => Ok(false),
            Err(error) => Err(redacted(error)),
        }
    }

    /// Sets an entry. If it exists more than once, one is set and the others are removed: they could not be read
    /// anyway.
    fn set(&self, record: &Record, user: &str, secret: &[u8]) -> KeychainResult<()> {
        let doubles = match self.entry(record, user)?.set_secret(secret) {
            Err(keyring_core::Error::Ambiguous(doubles)) => doubles,
            outcome => return outcome.map_err(redacted),
        };
        let mut doubles = doubles.into_iter();
        if let Some(first) = doubles.next() {
            first.set_secret(secret).map_err(redacted)?;
        }
        doubles.try_for_each(|double| removed(double.delete_credential()))
    }

    fn remove(&self, record: &Record, user: &str) -> KeychainResult<()> {
        match self.entry(record, user)?.delete_credential() {
            Err(keyring_core::Error::Ambiguous(doubles)) => doubles
                .into_iter()
                .try_for_each(|double| removed(double.delete_credential())),
            outcome => removed(outcome),
        }
    }
}

fn removed(outcome: keyring_core::Result<()>) -> KeychainResult<()> {
    match outcome {
        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
        Err(error) => Err(redacted(error)),
    }
}

/// The failure without the bytes in some errors, which are wiped.
fn redacted(mut error: keyring_core::Error) -> KeychainFailure {
    if let keyring_core::Error::BadEncoding(bytes) | keyring_core::Error::BadDataFormat(bytes, _) =
        &mut error
    {
        bytes.zeroize();
    }
    error.into()
}

/// The user name of a part's entry.
fn part(record: &Record, slot: u64, number: u32) -> String {
    format!("{}-{slot}-{number}", record.user())
}

/// Cuts a secret into its beginning and further pieces that each fit an entry, between two characters where it is
/// text: a keychain for text only (KWallet) must get text in each entry.
fn cut(secret: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (beginning, mut rest) = secret.split_at(boundary(secret));
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, further) = rest.split_at(boundary(rest));
        pieces.push(piece);
        rest = further;
    }
    (beginning, pieces)
}

/// The position after which nothing more fits an entry. Bytes that are not text may be cut anywhere.
fn boundary(secret: &[u8]) -> usize {
    if secret.len() <= MAX_ENTRY_BYTES {
        return secret.len();
    }
    let is_start_of_character = |at: &usize| secret[*at] & 0xC0 != 0x80;
    (MAX_ENTRY_BYTES - 3..=MAX_ENTRY_BYTES)
        .rev()
        .find(is_start_of_character)
        .unwrap_or(MAX_ENTRY_BYTES)
}

/// The head's first line: `mcm <format> <generation> <length> <parts> <SHA-256>`.
#[derive(Debug, PartialEq)]
struct Head {
    /// Raised by each write.
    generation: u64,
    /// The length of the secret in bytes.
    length: usize,
    /// The number of parts after the secret's beginning, which is in the head itself.
    parts: u32,
    hash: [u8; 32],
}

/// The reason why a head cannot be used.
#[derive(Debug, PartialEq)]
enum Flaw {
    Malformed,
    Newer,
}

impl Flaw {
    fn of(self, record: &Record) -> KeychainFailure {
        match self {
            Self::Malformed => {
                KeychainFailure::Damaged(record.kind(), "its head cannot be read".to_owned())
            }
            Self::Newer => KeychainFailure::Newer(record.kind()),
        }
    }
}

impl Head {
    /// The slot of the parts.
    fn slot(&self) -> u64 {
        self.generation % 2
    }

    fn entry(&self, beginning: &[u8]) -> Bytes {
        let Self {
            generation,
            length,
            parts,
            hash,
        } = self;
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("mcm {FORMAT} {generation} {length} {parts} {hash}\n");
        let mut entry = Zeroizing::new(Vec::with_capacity(line.len() + beginning.len()));
        entry.extend_from_slice(line.as_bytes());
        entry.extend_from_slice(beginning);
        entry
    }

    /// The head and the bytes after it.
    fn parse(entry: &[u8]) -> std::result::Result<(Self, &[u8]), Flaw> {
        let end = entry
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(Flaw::Malformed)?;
        let line = std::str::from_utf8(&entry[..end]).map_err(|_| Flaw::Malformed)?;
        let mut words = line.split(' ');
        if words.next() != Some("mcm") {
            return Err(Flaw::Malformed);
        }
        let format = words.next().ok_or(Flaw::Malformed)?;
        if format != FORMAT {
            let number = format.parse::<u32>().map_err(|_| Flaw::Malformed)?;
            return Err(if number > 1 {
                Flaw::Newer
            } else {
                Flaw::Malformed
            });
        }
        let head = Self::fields(words)
            .filter(|head| head.parts <= MAX_PARTS)
            .ok_or(Flaw::Malformed)?;
        if head.length > MAX_ENTRY_BYTES * (MAX_PARTS as usize + 1) {
            return Err(Flaw::Malformed);
        }
        Ok((head, &entry[end + 1..]))
    }

    fn fields<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let generation = words.next()?.parse().ok()?;
        let length = words.next()?.parse().ok()?;
        let parts = words.next()?.parse().ok()?;
        let digits = words.next()?;
        if digits.len() != 64
            || !digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            || words.next().is_some()
        {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
        }
        Some(Self {
            generation,
            length,
            parts,
            hash,
        })
    }
}
