//! PEM: certificates and private keys as text, by themselves or one after the other.
//!
//! Read as Kafka reads it, which wants no line feeds: a whole certificate may stand in one line of client.properties.
//! Not here: what is in a certificate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p12_keystore::error::Error;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};

use super::{Blame, Contents, ENTRIES_MAX, Fault, Store, Wanted, pkcs12};

/// Before every label.
pub(super) const BEGIN: &str = "-----BEGIN ";

/// Digests of a password that are made for one key: what OpenSSL makes, a thousand times over.
const ITERATIONS_MAX: u32 = 5_000_000;
/// Memory that scrypt may take, in bytes: what OpenSSL takes, twice.
const SCRYPT_MEMORY_MAX: u64 = 32 * 1024 * 1024;

/// How a key that cannot be opened becomes one that can.
const CONVERT: &str = "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW";

/// Certificates of a truststore, or a key and its chain.
pub(super) fn open(store: &Store, wanted: Wanted) -> Result<Contents, Fault> {
    let mut contents = Contents::default();
    let text = String::from_utf8_lossy(&store.bytes);
    let mut rest = text.as_ref();
    let mut count = 0;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let section = Section::of(after).ok_or_else(|| damaged("a section has no end"))?;
        rest = section.after;
        count += 1;
        if count > ENTRIES_MAX {
            return Err(damaged(&format!("it has more than {ENTRIES_MAX} sections")));
        }
        match section.label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => match section.bytes() {
                Some(bytes) if wanted == Wanted::Trust => contents.trusted.push(bytes.into()),
                Some(bytes) => contents.others.push(bytes.into()),
                None if wanted == Wanted::Key => return Err(damaged("a certificate is not base64")),
                // What cannot be read is not trusted; whether enough is left is told where trust is made.
                None => contents.trusted.push(CertificateDer::from(Vec::new())),
            },
            label if label.ends_with("PRIVATE KEY") && wanted == Wanted::Key => {
                contents.keys.push((key(&section, store)?, Vec::new()));
            }
            // A public key, parameters of a curve, a revocation list: nothing that is asked for.
            _ => {}
        }
    }
    Ok(contents)
}

/// What stands between `-----BEGIN ` and the end of the same.
struct Section<'a> {
    label: &'a str,
    body: &'a str,
    after: &'a str,
}

impl<'a> Section<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (label, rest) = text.split_once("-----")?;
        let (body, rest) = rest.split_once("-----END ")?;
        let (end, after) = rest.split_once("-----")?;
        (label == end).then_some(Self { label, body, after })
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let base64: String = self.body.split_ascii_whitespace().collect();
        STANDARD.decode(base64).ok().filter(|bytes| !bytes.is_empty())
    }
}

fn damaged(what: &str) -> Fault {
    Fault(Blame::Contents, format!("is not whole as PEM: {what}"))
}

fn key(section: &Section, store: &Store) -> Result<PrivateKeyDer<'static>, Fault> {
    // Before there was PKCS#8, keys were encrypted with headers that say how.
    if section.body.contains("ENCRYPTED") {
        let words = format!(
            "has a private key that is encrypted as OpenSSL did it once (Proc-Type), which cannot be read: {CONVERT}"
        );
        return Err(Fault(Blame::Contents, words));
    }
    let bytes = section.bytes().ok_or_else(|| damaged("the private key is not base64"))?;
    match section.label {
        "PRIVATE KEY" => Ok(PrivatePkcs8KeyDer::from(bytes).into()),
        "RSA PRIVATE KEY" => Ok(PrivatePkcs1KeyDer::from(bytes).into()),
        "EC PRIVATE KEY" => Ok(PrivateSec1KeyDer::from(bytes).into()),
        "ENCRYPTED PRIVATE KEY" => decrypted(&bytes, store),
        _ => Err(Fault(Blame::Contents, format!("has a private key of a kind that cannot be read: {CONVERT}"))),
    }
}

fn decrypted(bytes: &[u8], store: &Store) -> Result<PrivateKeyDer<'static>, Fault> {
    let Some(password) = store.key_password() else {
        let words = "is not set, and the private key is encrypted".to_owned();
        return Err(Fault(Blame::KeyPassword, words));
    };
    let unreadable =
        |why: &str| Fault(Blame::Contents, format!("has a private key that is encrypted {why}: {CONVERT}"));
    let blame = if store.key_password.is_some() { Blame::KeyPassword } else { Blame::Password };
    let Ok(info) = EncryptedPrivateKeyInfoRef::try_from(bytes) else {
        // As `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES` does it: of all ways the one that Java up to 17 can open, so what
        // keystores of Kafka 3 have.
        return pkcs12::key(bytes, password.expose()).map(Into::into).map_err(|error| match error {
            Error::UnsupportedEncryptionScheme | Error::InvalidParameters => unreadable("in a way that cannot be read"),
            _ if !is_of_pkcs12(bytes) => unreadable("in a way that cannot be read"),
            // What a wrong password makes of a key is anything.
            _ => Fault(blame, "does not open the private key".to_owned()),
        });
    };
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(parameters) if !is_bounded(&parameters.kdf) => {
            return Err(unreadable("with more rounds than are tried"));
        }
        EncryptionScheme::Pbes2(_) => {}
        _ => return Err(unreadable("by PBES1, which cannot be read")),
    }
    let key = info.decrypt(password.expose()).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. }) => {
            unreadable("with a cipher that cannot be read")
        }
        _ => Fault(blame, "does not open the private key".to_owned()),
    })?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}

/// Whether one of PKCS#12's ways to encrypt is named in it (`pkcs-12PbeIds`, RFC 7292).
fn is_of_pkcs12(key: &[u8]) -> bool {
    let ways: &[u8] = &[0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
    key.windows(ways.len()).any(|at| at == ways)
}

fn is_bounded(kdf: &Kdf) -> bool {
    match kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= ITERATIONS_MAX,
        Kdf::Scrypt(scrypt) => {
            let memory = scrypt.cost_parameter.checked_mul(128 * u64::from(scrypt.block_size));
            memory.is_some_and(|memory| memory <= SCRYPT_MEMORY_MAX) && scrypt.parallelization <= 16
        }
        _ => false,
    }
}
