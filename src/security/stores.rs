//! Truststores and keystores: bytes → certificates that are trusted, and our own key with its chain.
//!
//! What a store is, its first bytes tell, and never its name or declared type alone: a `.jks` of a modern keytool is
//! PKCS#12. Not here: where the bytes come from (`config`), and what is made of what is in them (`tls`).

mod der;
mod jks;
mod pem;
mod pkcs12;

use std::fmt;

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::Secret;
use crate::settings::MASK;

/// The largest store that is opened, in bytes. All authorities of an operating system have about 250,000.
pub const STORE_LIMIT: u64 = 1024 * 1024;

/// More entries, or certificates in PEM, than any store has that somebody made on purpose.
const ENTRIES_MAX: usize = 5_000;

/// A truststore or keystore, read and not opened.
#[derive(Clone)]
pub struct Store {
    /// All of its bytes, at most [`STORE_LIMIT`]. Of PEM that is given by several properties, all of it in one.
    pub bytes: Vec<u8>,
    /// `ssl.truststore.type` or `ssl.keystore.type`, as written.
    pub declared: Option<String>,
    /// `ssl.truststore.password` or `ssl.keystore.password`.
    pub password: Option<Secret>,
    /// `ssl.key.password`; without it the store's password is the key's.
    pub key_password: Option<Secret>,
}

impl Store {
    fn key_password(&self) -> Option<&Secret> {
        self.key_password.as_ref().or(self.password.as_ref())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be a key that nothing protects.
        f.debug_struct("Store").field("bytes", &MASK).field("declared", &self.declared).finish_non_exhaustive()
    }
}

/// Which of a store's properties is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blame {
    /// What is in the store.
    Contents,
    /// The store's password.
    Password,
    /// The key's password.
    KeyPassword,
}

/// Why a store cannot be used: whose fault it is, and what to do, in one line without secrets.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Blame, pub(super) String);

/// What is in a store.
#[derive(Default)]
pub(super) struct Contents {
    /// Certificates that are trusted.
    pub(super) trusted: Vec<CertificateDer<'static>>,
    /// Certificates that the store has and does not call trusted.
    pub(super) others: Vec<CertificateDer<'static>>,
    /// Private keys, each with the certificates that are its own, the leaf first where the store says so.
    pub(super) keys: Vec<(PrivateKeyDer<'static>, Vec<CertificateDer<'static>>)>,
    /// What was passed over, one line each.
    pub(super) warnings: Vec<String>,
}

/// What a store is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jks,
    Jceks,
    Pkcs12,
    Pem,
}

impl Format {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xfe, 0xed, 0xfe, 0xed, ..] => Some(Self::Jks),
            [0xce, 0xce, 0xce, 0xce, ..] => Some(Self::Jceks),
            // A SEQUENCE in DER, with a length of one byte or several, or in BER with none.
            [0x30, ..] => Some(Self::Pkcs12),
            // Text may stand before the first line of PEM.
            _ if bytes.windows(pem::BEGIN.len()).any(|at| at == pem::BEGIN.as_bytes()) => Some(Self::Pem),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jks => "JKS",
            Self::Jceks => "JCEKS",
            Self::Pkcs12 => "PKCS12",
            Self::Pem => "PEM",
        }
    }

    /// Java opens a store that is declared JKS as PKCS12 if it is that, and the other way round.
    fn is_declared_by(self, declared: &str) -> bool {
        let keystores = [Self::Jks, Self::Pkcs12];
        let names = |format: &Self| format.name().eq_ignore_ascii_case(declared.trim());
        names(&self) || keystores.contains(&self) && keystores.iter().any(names)
    }
}

/// What is in a store. The keys are opened only where they are `wanted`: a truststore's are nobody's business.
pub(super) fn open(store: &Store, wanted: Wanted) -> Result<Contents, Fault> {
    if store.bytes.len() as u64 > STORE_LIMIT {
        let words = format!("has {} bytes, and a store has at most {STORE_LIMIT}", store.bytes.len());
        return Err(Fault(Blame::Contents, words));
    }
    let Some(format) = Format::of(&store.bytes) else {
        let words = "is neither JKS, nor PKCS12, nor PEM";
        return Err(Fault(Blame::Contents, words.to_owned()));
    };
    let mut contents = match format {
        Format::Jks => jks::open(store, wanted),
        Format::Jceks => Err(Fault(Blame::Contents, format!("is a JCEKS store, which cannot be read: {CONVERT}"))),
        Format::Pkcs12 => pkcs12::open(store),
        Format::Pem => pem::open(store, wanted),
    }?;
    if let Some(declared) = store.declared.as_deref().filter(|declared| !format.is_declared_by(declared)) {
        let declared: String = declared.chars().filter(|c| !c.is_control()).take(20).collect();
        contents.warnings.push(format!("is {}, not {declared}, and is read as what it is", format.name()));
    }
    Ok(contents)
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The certificates that are trusted.
    Trust,
    /// Our own key and its chain.
    Key,
}

/// How any store that Java reads becomes one that is read here.
const CONVERT: &str = "convert it with: keytool -importkeystore -srckeystore STORE -destkeystore STORE.p12 \
                       -deststoretype PKCS12";

/// Our own key and chain: the first key of the store whose certificate is there, the leaf before the others.
pub(super) fn own(contents: Contents) -> Result<(CertifiedKey, Vec<String>), Fault> {
    let Contents { keys, mut warnings, others, .. } = contents;
    let count = keys.len();
    let mut why = "has no private key";
    for (key, mut chain) in keys {
        let certificates: Vec<_> = chain.iter().chain(&others).cloned().collect();
        let opened = any_supported_type(&key).ok();
        let opened =
            opened.or_else(|| der::completed(&key, &certificates).find_map(|key| any_supported_type(&key).ok()));
        let Some(signing) = opened else {
            why = "has a private key of a kind that cannot be used: RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519 can";
            continue;
        };
        // A certificate has its public key in it byte for byte. Looked for like this, it may be of version 1, which
        // rustls cannot read and a peer may well accept.
        let public = signing.public_key();
        let fits = |leaf: &CertificateDer<'static>| {
            let public = public.as_deref().filter(|public| !public.is_empty());
            public.is_some_and(|public| leaf.windows(public.len()).any(|at| at == public))
        };
        if !chain.iter().any(fits) {
            chain.clone_from(&others);
        }
        let Some(at) = chain.iter().position(fits) else {
            why = "has a private key, and no certificate that belongs to it";
            continue;
        };
        if let Some(earlier) = chain.get_mut(..=at) {
            earlier.rotate_right(1);
        }
        if count > 1 {
            warnings.push(format!("has {count} private keys, of which the first that can be used is used"));
        }
        return Ok((CertifiedKey::new(chain, signing), warnings));
    }
    Err(Fault(Blame::Contents, why.to_owned()))
}
