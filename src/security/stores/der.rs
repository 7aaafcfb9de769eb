//! The little DER that no library of ours does: a value by its tag, read and written; and keys of elliptic curves as Java
//! writes them.
//!
//! Not here: certificates, and what is inside PKCS#12.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Tags of values.
pub(super) const INTEGER: u8 = 0x02;
/// Whole bytes, and any number of bits.
pub(super) const OCTET_STRING: u8 = 0x04;
const BIT_STRING: u8 = 0x03;
/// Values in a row.
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, with values in it.
pub(super) const ZEROTH: u8 = 0xa0;
/// `[1]`, with values in it.
const FIRST: u8 = 0xa1;

/// `id-ecPublicKey`, with which a key of an elliptic curve begins; its curve follows.
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// A value with this tag, and what follows it.
pub(super) fn read(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (*first == tag).then(|| rest.split_at_checked(length)).flatten()
}

/// A value with this tag, made of these parts; of more than 4 GB nothing.
pub(super) fn write(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let Ok(length) = u32::try_from(content.len()) else { return Vec::new() };
    let length = length.to_be_bytes();
    let start = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(start..).unwrap_or_default();
    let form = match length {
        [] => vec![tag, 0],
        [short @ 0..=0x7f] => vec![tag, *short],
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or(4)], long].concat(),
    };
    [form, content].concat()
}

/// How often a password is digested to open what is in here, all told: every number that follows a salt. Whatever is no
/// DER has none, and what is nested deeper than any store is not looked for, since nothing opens it.
pub(super) fn rounds(bytes: &[u8], depth: u8) -> u64 {
    let mut sum = 0_u64;
    let mut rest = bytes;
    let mut follows_salt = false;
    while let Some((tag, (value, after))) = rest.first().and_then(|tag| Some((*tag, read(rest, *tag)?))) {
        if tag == INTEGER && follows_salt {
            let number = value.iter().fold(0_u64, |sum, byte| sum.saturating_mul(256).saturating_add(u64::from(*byte)));
            sum = sum.saturating_add(number);
        }
        // What is made of other values, and bytes that may be.
        if (tag & 0x20 != 0 || tag == OCTET_STRING) && depth > 0 {
            sum = sum.saturating_add(rounds(value, depth - 1));
        }
        follows_salt = tag == OCTET_STRING;
        rest = after;
    }
    sum
}

/// Java writes a private key of an elliptic curve without the public one, and ring opens none without: so it is put
/// there, out of whichever of these certificates has one on the same curve. That it belongs there, ring proves.
pub(super) fn completed<'a>(
    key: &'a PrivateKeyDer,
    certificates: &'a [CertificateDer],
) -> impl Iterator<Item = PrivateKeyDer<'static>> + 'a {
    let parts = match key {
        PrivateKeyDer::Pkcs8(key) => elliptic(key.secret_pkcs8_der()),
        _ => None,
    };
    parts.into_iter().flat_map(move |(algorithm, private)| {
        let algorithm = write(SEQUENCE, &[algorithm]);
        certificates.iter().filter_map(move |certificate| {
            let public = public(certificate, &algorithm)?;
            // 0, and 4 for a point that is written out, then its two coordinates.
            let size = public.len().checked_sub(2)? / 2;
            let start = private.iter().take_while(|byte| **byte == 0).count();
            let private = private.get(start..)?;
            let zeros = vec![0; size.checked_sub(private.len())?];
            let private = write(OCTET_STRING, &[&zeros, private]);
            let public = write(FIRST, &[&write(BIT_STRING, &[public])]);
            let key = write(SEQUENCE, &[&write(INTEGER, &[&[1]]), &private, &public]);
            let whole = [write(INTEGER, &[&[0]]), algorithm.clone(), write(OCTET_STRING, &[&key])].concat();
            Some(PrivatePkcs8KeyDer::from(write(SEQUENCE, &[&whole])).into())
        })
    })
}

/// The algorithm, with its curve, and the private number of a key in PKCS#8 (RFC 5958) of RFC 5915.
fn elliptic(pkcs8: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, _) = read(pkcs8, SEQUENCE)?;
    let (_, rest) = read(inside, INTEGER)?;
    let (algorithm, rest) = read(rest, SEQUENCE)?;
    let (key, _) = read(rest, OCTET_STRING)?;
    let (key, _) = read(key, SEQUENCE)?;
    let (_, rest) = read(key, INTEGER)?;
    let (private, _) = read(rest, OCTET_STRING)?;
    algorithm.starts_with(EC_PUBLIC_KEY).then_some((algorithm, private))
}

/// The public key of a certificate with this algorithm: it stands there after the algorithm, byte for byte.
fn public<'a>(certificate: &'a [u8], algorithm: &[u8]) -> Option<&'a [u8]> {
    let at = certificate.windows(algorithm.len()).position(|at| at == algorithm)?;
    let (public, _) = read(certificate.get(at + algorithm.len()..)?, BIT_STRING)?;
    public.starts_with(&[0, 4]).then_some(public)
}
