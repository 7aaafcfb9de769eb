//! PKCS#12: what `keytool` has made since Java 9, whatever the file's name, and `openssl pkcs12 -export` always.
//!
//! Here: which password, which certificate is trusted and which is whose. Not here: the format itself (`p12_keystore`).

use p12_keystore::error::Error;
use p12_keystore::{CertificateBag, Pkcs12Archive};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::{Blame, CONVERT, Contents, ENTRIES_MAX, Fault, Store, der};

/// `id-data` (RFC 5652) and `pkcs8ShroudedKeyBag` (RFC 7292), with their tag.
const DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SHROUDED_KEY: &[u8] = &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02];

/// Digests of passwords that are made for one store: what keytool makes, three hundred times over.
const ROUNDS_MAX: u64 = 10_000_000;

/// Values in values, in the deepest store: the parameters of a key's cipher are in fourteen.
const DEPTH_MAX: u8 = 24;

/// `1.3.6.1.4.1.11591.4.11`, scrypt: it takes as much memory as a store says, and no tool makes stores with it.
const SCRYPT: &[u8] = &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];

/// Everything in the store.
pub(super) fn open(store: &Store) -> Result<Contents, Fault> {
    if store.bytes.windows(SCRYPT.len()).any(|at| at == SCRYPT) {
        return Err(fault(&Error::UnsupportedEncryptionScheme, true));
    }
    if der::rounds(&store.bytes, DEPTH_MAX) > ROUNDS_MAX {
        let words = format!("wants its passwords digested in more rounds than are tried ({ROUNDS_MAX})");
        return Err(Fault(Blame::Contents, words));
    }
    let archive = match &store.password {
        Some(password) => Pkcs12Archive::from_pkcs12(&store.bytes, password.expose()),
        None => without_password(&store.bytes),
    };
    let archive = archive.map_err(|error| fault(&error, store.password.is_some()))?;
    if archive.certs.len() + archive.keys.len() > ENTRIES_MAX {
        return Err(Fault(Blame::Contents, format!("has more than {ENTRIES_MAX} entries")));
    }
    let certificate = |bag: &CertificateBag| CertificateDer::from(bag.cert.as_der().to_vec());
    let mut contents = Contents::default();
    for bag in &archive.certs {
        let kind = if bag.trusted { &mut contents.trusted } else { &mut contents.others };
        kind.push(certificate(bag));
    }
    for key in &archive.keys {
        let leaf = archive.certs.iter().find(|bag| {
            bag.local_key_id.is_some() && bag.local_key_id.as_deref() == key.local_key_id.as_ref().map(AsRef::as_ref)
        });
        let chain = leaf.map(|leaf| chain(leaf, &archive.certs).into_iter().map(certificate).collect());
        contents.keys.push((PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()).into(), chain.unwrap_or_default()));
    }
    Ok(contents)
}

/// A private key in PKCS#8 that is encrypted as PKCS#12 encrypts keys: opened as a store that has nothing but this key.
///
/// # Errors
/// Another password, or another way to encrypt.
pub(super) fn key(encrypted: &[u8], password: &str) -> Result<PrivatePkcs8KeyDer<'static>, Error> {
    let data = |content: &[u8]| {
        let content = der::write(der::OCTET_STRING, &[content]);
        der::write(der::SEQUENCE, &[DATA, &der::write(der::ZEROTH, &[&content])])
    };
    let bag = der::write(der::SEQUENCE, &[SHROUDED_KEY, &der::write(der::ZEROTH, &[encrypted])]);
    let keys = data(&der::write(der::SEQUENCE, &[&bag]));
    let version = der::write(der::INTEGER, &[&[3]]);
    let store = der::write(der::SEQUENCE, &[&version, &data(&der::write(der::SEQUENCE, &[&keys]))]);
    let opened = Pkcs12Archive::from_pkcs12(&store, password)?;
    let key = opened.keys.first().ok_or(Error::InvalidPrivateKey)?;
    Ok(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()))
}

/// A leaf, its issuer, that one's issuer, and so on: in the file they stand in any order.
fn chain<'a>(leaf: &'a CertificateBag, all: &'a [CertificateBag]) -> Vec<&'a CertificateBag> {
    let mut chain = vec![leaf];
    let mut last = leaf;
    while last.cert.issuer() != last.cert.subject() {
        let issuer = all.iter().find(|bag| bag.cert.subject() == last.cert.issuer());
        match issuer.filter(|issuer| !chain.iter().any(|bag| bag.cert == issuer.cert)) {
            Some(issuer) => chain.push(issuer),
            None => break,
        }
        last = chain.last().copied().unwrap_or(leaf);
    }
    chain
}

/// As Java opens a store that no password is given for: without a proof that it is whole, and only what is not
/// encrypted.
fn without_password(bytes: &[u8]) -> Result<Pkcs12Archive, Error> {
    match Pkcs12Archive::from_pkcs12(bytes, "") {
        Err(Error::MacError(error)) => {
            let unproved = without_proof(bytes).ok_or(Error::MacError(error))?;
            Pkcs12Archive::from_pkcs12(&unproved, "")
        }
        opened => opened,
    }
}

/// `PFX ::= SEQUENCE { version INTEGER, authSafe ContentInfo, macData MacData OPTIONAL }`, without the last.
fn without_proof(bytes: &[u8]) -> Option<Vec<u8>> {
    let (inside, _) = der::read(bytes, der::SEQUENCE)?;
    let (_, after_version) = der::read(inside, der::INTEGER)?;
    let (_, proof) = der::read(after_version, der::SEQUENCE)?;
    let inside = inside.strip_suffix(proof)?;
    Some(der::write(der::SEQUENCE, &[inside]))
}

fn fault(error: &Error, with_password: bool) -> Fault {
    match error {
        Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError if !with_password => {
            Fault(Blame::Password, "is not set, and the store is encrypted".to_owned())
        }
        Error::MacError(_) => Fault(Blame::Password, "does not open the store, or the store is damaged".to_owned()),
        Error::Pkcs5Error(_) | Error::UnpadError => Fault(
            Blame::Contents,
            format!("has something that its password does not open; if a key has a password of its own, {CONVERT}"),
        ),
        Error::UnsupportedEncryptionScheme => {
            Fault(Blame::Contents, format!("is encrypted in a way that cannot be read: {CONVERT}"))
        }
        _ => Fault(
            Blame::Contents,
            format!("cannot be read as PKCS12, and nothing else begins like it; if Java can read it, {CONVERT}"),
        ),
    }
}
