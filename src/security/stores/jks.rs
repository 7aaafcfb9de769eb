//! JKS, the store of Java before 9 (`feedfeed`): certificates in the open, keys under SHA-1 as Sun did it.
//!
//! The format is that of `sun.security.provider.JavaKeyStore`, the keys' protection that of `KeyProtector` beside it. It
//! protects little, but it is what is there. Not here: JCEKS, which protects keys with other ciphers.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA1_OUTPUT_LEN};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{Blame, CONVERT, Contents, ENTRIES_MAX, Fault, Store, Wanted, der};

/// What Java puts between a password and what is digested with it.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// `1.3.6.1.4.1.42.2.17.1.1`, in DER: the protection of keys by `KeyProtector`.
const KEY_PROTECTOR: &[u8] = &[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];

/// Tags of entries.
const KEY: u32 = 1;
const TRUSTED: u32 = 2;

/// Everything in the store. Without a password its integrity is not proved, as in Java.
pub(super) fn open(store: &Store, wanted: Wanted) -> Result<Contents, Fault> {
    let (body, digest) = store.bytes.split_last_chunk::<SHA1_OUTPUT_LEN>().ok_or_else(cut)?;
    if let Some(password) = &store.password
        && sha1(&[&utf16(password.expose()), WHITENER, body]) != *digest
    {
        // The digest is of both, so one cannot be told from the other.
        let words = "does not open the store, or the store is damaged";
        return Err(Fault(Blame::Password, words.to_owned()));
    }
    let mut rest = Rest(body);
    let mut contents = Contents::default();
    rest.take(4).ok_or_else(cut)?;
    let version = rest.u32().ok_or_else(cut)?;
    if version != 1 && version != 2 {
        return Err(Fault(Blame::Contents, format!("is a JKS store of version {version}, and only 1 and 2 are known")));
    }
    let entries = rest.u32().ok_or_else(cut)?;
    if entries as usize > ENTRIES_MAX {
        return Err(Fault(
            Blame::Contents,
            format!("says that it has {entries} entries, and at most {ENTRIES_MAX} are read"),
        ));
    }
    for _ in 0..entries {
        let tag = rest.u32().ok_or_else(cut)?;
        let _alias = rest.text().ok_or_else(cut)?;
        let _created = rest.take(8).ok_or_else(cut)?;
        match tag {
            TRUSTED => contents.trusted.push(rest.certificate(version).ok_or_else(cut)?),
            KEY => {
                let protected = rest.bytes().ok_or_else(cut)?;
                let count = rest.u32().ok_or_else(cut)?;
                let chain: Option<Vec<_>> = (0..count).map(|_| rest.certificate(version)).collect();
                let chain = chain.ok_or_else(cut)?;
                if wanted == Wanted::Key {
                    contents.keys.push((key(protected, store)?, chain));
                } else {
                    contents.others.extend(chain);
                }
            }
            _ => return Err(cut()),
        }
    }
    if rest.0.is_empty() { Ok(contents) } else { Err(cut()) }
}

fn cut() -> Fault {
    Fault(Blame::Contents, "begins as a JKS store and does not go on as one: it is damaged, or not whole".to_owned())
}

/// Opens a key: after a salt it is combined with a stream of digests, each of the password and the one before, and its
/// own digest follows.
fn key(protected: &[u8], store: &Store) -> Result<PrivateKeyDer<'static>, Fault> {
    let password = store.key_password();
    let Some(password) = password else {
        return Err(Fault(Blame::Password, "is not set, and without it the private key stays closed".to_owned()));
    };
    let protected = sealed(protected).ok_or_else(|| {
        Fault(Blame::Contents, format!("protects its private key in a way that cannot be read: {CONVERT}"))
    })?;
    let opened = protected.split_first_chunk::<SHA1_OUTPUT_LEN>().and_then(|(salt, rest)| {
        let (sealed, proof) = rest.split_last_chunk::<SHA1_OUTPUT_LEN>()?;
        let password = utf16(password.expose());
        let mut digest = *salt;
        let mut plain = Vec::with_capacity(sealed.len());
        for block in sealed.chunks(SHA1_OUTPUT_LEN) {
            digest = sha1(&[&password, &digest]);
            plain.extend(block.iter().zip(digest).map(|(sealed, stream)| sealed ^ stream));
        }
        (sha1(&[&password, &plain]) == *proof).then_some(plain)
    });
    let Some(plain) = opened else {
        let blame = if store.key_password.is_some() { Blame::KeyPassword } else { Blame::Password };
        let words = match blame {
            Blame::KeyPassword => "does not open the private key",
            _ => "opens the store and not the private key, which has a password of its own: set ssl.key.password",
        };
        return Err(Fault(blame, words.to_owned()));
    };
    Ok(PrivatePkcs8KeyDer::from(plain).into())
}

/// What is protected in an `EncryptedPrivateKeyInfo` of this protection: two values of DER in a third.
fn sealed(info: &[u8]) -> Option<&[u8]> {
    let (inside, nothing) = der::read(info, der::SEQUENCE)?;
    let (algorithm, after) = der::read(inside, der::SEQUENCE)?;
    let (sealed, end) = der::read(after, der::OCTET_STRING)?;
    (nothing.is_empty() && end.is_empty() && algorithm.starts_with(KEY_PROTECTOR)).then_some(sealed)
}

/// A password as Java digests it.
fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn sha1(parts: &[&[u8]]) -> [u8; SHA1_OUTPUT_LEN] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; SHA1_OUTPUT_LEN];
    // Both are of one length.
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// What has not been read yet, as `java.io.DataInputStream` reads it.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length.try_into().ok()?)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.take(2)?.try_into().ok().map(u16::from_be_bytes)?;
        self.take(length.into())
    }

    /// In version 2 each says of what kind it is; in version 1 all are X.509.
    fn certificate(&mut self, version: u32) -> Option<CertificateDer<'static>> {
        if version == 2 && self.text()? != b"X.509" {
            return None;
        }
        self.bytes().map(|bytes| CertificateDer::from(bytes.to_vec()))
    }
}
