//! Why a connection could not be made, or did not last: errors of sockets and of TLS, put into kinds and words.
//!
//! TLS fails when connecting, and again at the first read: in TLS 1.3 a peer sees our certificate only after the handshake
//! is over for us. Not here: what goes wrong inside answers (`wire`).

use std::error::Error;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::security::Security;
use crate::security::tls::Untrusted;
use crate::snapshot::{Missed, Why};

/// How many names of a certificate are repeated.
const NAMES_MAX: usize = 5;

/// Why a connection could not be made or did not last.
pub(super) fn refused(error: &io::Error) -> Missed {
    if let Some(error) = of_tls(error) {
        return failed(error);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Missed::new(Why::Refused, "connection refused"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Missed::new(Why::Closed, "the connection was closed before the answer was complete")
        }
        _ => Missed::new(Why::Unreachable, error.to_string()),
    }
}

/// Whether this is a refusal that TLS has words for, unlike that of a socket.
pub(super) fn is_of_tls(error: &io::Error) -> bool {
    of_tls(error).is_some()
}

/// Whoever closes the connection on the first words of TLS, without one of its own.
pub(super) fn not_spoken() -> Missed {
    Missed::new(Why::TlsNotSpoken, "the connection was closed on the first words of TLS")
}

/// A refusal of our certificate, with whether there was one: the peer's alert does not always tell.
pub(super) fn with_ours(missed: Missed, security: &Security) -> Missed {
    if missed.why != Why::TlsClientRefused {
        return missed;
    }
    let has_one = security.tls.as_ref().is_some_and(|tls| tls.client_auth_cert_resolver.has_certs());
    let ours = if has_one { "our certificate was shown" } else { "no certificate was shown, for want of a keystore" };
    Missed { words: format!("{}; {ours}", missed.words).into(), ..missed }
}

/// The error of rustls that is inside, however deep: reqwest wraps them several times.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = error.get_ref().map(|inner| inner as _);
    while let Some(inner) = cause {
        if let Some(error) = inner.downcast_ref() {
            return Some(error);
        }
        // An io::Error does not count what it wraps as its source, but that one's.
        cause = match inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    None
}

fn failed(error: &rustls::Error) -> Missed {
    match error {
        rustls::Error::InvalidCertificate(wrong) => unverified(wrong),
        rustls::Error::AlertReceived(alert) => alerted(*alert),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            Missed::new(Why::TlsNotSpoken, "what was answered to the first words of TLS is not TLS")
        }
        rustls::Error::PeerIncompatible(rustls::PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon) => {
            Missed::new(Why::TlsUnsupportedKey, "no kind of signature is known to both sides")
        }
        // Words of rustls's own: none of these has a text of the peer's in it.
        other => Missed::new(Why::TlsFailed, format!("the TLS handshake failed: {other}")),
    }
}

/// The peer's certificate did not stand the proof.
fn unverified(wrong: &CertificateError) -> Missed {
    match wrong {
        CertificateError::ExpiredContext { not_after, .. } => Missed::new(
            Why::TlsExpired,
            format!("its certificate, or one of the chain's, expired at {}", time(*not_after)),
        ),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let words = format!("its certificate, or one of the chain's, is not valid before {}", time(*not_before));
            Missed::new(Why::TlsExpired, words)
        }
        CertificateError::Expired => Missed::new(Why::TlsExpired, "its certificate ends before it begins"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let words = format!("its certificate is not for {}, but for {}", expected.to_str(), names(presented));
            Missed::new(Why::TlsWrongHostname, words)
        }
        // Of the issuer's name and of another key: an authority that was made anew.
        CertificateError::BadSignature => Missed::new(
            Why::TlsUnknownIssuer,
            "its certificate is not signed by the issuer of that name that is trusted, who has another key",
        ),
        CertificateError::UnknownIssuer => {
            Missed::new(Why::TlsUnknownIssuer, "its certificate is of an issuer that is not trusted")
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { signature_algorithm_id: by, .. } => {
            unsupported(by, &[])
        }
        CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: by,
            public_key_algorithm_id: key,
        } => unsupported(by, key),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            Missed::new(Why::TlsFailed, "its certificate is not for servers: extendedKeyUsage has no serverAuth")
        }
        CertificateError::Other(other) => of_another_kind(other),
        other => Missed::new(Why::TlsFailed, format!("its certificate cannot be verified: {other}")),
    }
}

/// What rustls has no name for: our own verifier's, and webpki's, which are told by their words alone.
fn of_another_kind(other: &rustls::OtherError) -> Missed {
    if let Some(Untrusted { issuer, is_self_signed }) = other.0.downcast_ref() {
        let issuer = issuer.as_deref().unwrap_or("an issuer whose name cannot be read");
        let words = if *is_self_signed {
            format!("its certificate is of {issuer}, who signed it himself and is not trusted")
        } else {
            format!("its certificate is of {issuer}, who is not trusted")
        };
        return Missed::new(Why::TlsUnknownIssuer, words);
    }
    match other.0.to_string().as_str() {
        "CaUsedAsEndEntity" => Missed::new(
            Why::TlsCaAsServer,
            "its certificate is a certificate authority's own (CA:TRUE), which no server may show",
        ),
        "UnsupportedCertVersion" => Missed::new(
            Why::TlsFailed,
            "its certificate is of X.509 version 1, without extensions: have one of version 3 made, with subjectAltName",
        ),
        words => {
            let words: String = words.chars().flat_map(char::escape_debug).take(80).collect();
            Missed::new(Why::TlsFailed, format!("its certificate cannot be verified: {words}"))
        }
    }
}

/// Kinds of signatures and keys by the object identifiers of DER that are in them.
fn unsupported(signature: &[u8], key: &[u8]) -> Missed {
    const KINDS: [(&[u8], &str); 5] = [
        (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], "by a key of P-521"),
        (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], "with SHA-1"),
        (&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], "with SHA-1"),
        (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04], "with ECDSA and SHA-512, as P-521 does it"),
        (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], "with MD5"),
    ];
    let has = |oid: &[u8]| [key, signature].iter().any(|id| id.windows(oid.len()).any(|at| at == oid));
    let how = KINDS.iter().find(|(oid, _)| has(oid)).map_or("in a way", |(_, how)| how);
    Missed::new(Why::TlsUnsupportedKey, format!("its certificate is signed {how}, which cannot be verified here"))
}

/// The peer ended it, and says why.
fn alerted(alert: AlertDescription) -> Missed {
    let name = name(alert);
    match alert {
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied
        | AlertDescription::CertificateRequired => {
            Missed::new(Why::TlsClientRefused, format!("TLS was ended with the alert {name}"))
        }
        _ => Missed::new(Why::TlsAlert, format!("TLS was ended with the alert {name}")),
    }
}

/// The name of RFC 8446, section 6: `handshake_failure` for `HandshakeFailure`.
fn name(alert: AlertDescription) -> String {
    let Some(name) = alert.as_str() else { return u8::from(alert).to_string() };
    let mut words = String::new();
    let mut last = 'A';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && last.is_ascii_lowercase() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
        last = letter;
    }
    words
}

/// `DnsName("b1.example")`, as webpki says it, is `b1.example`; what is hostile in it is escaped.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
        inner.trim_matches('"').chars().filter(|c| !c.is_control()).take(100).collect::<String>()
    };
    let names: Vec<String> = presented.iter().take(NAMES_MAX).map(plain).collect();
    match presented.len().checked_sub(NAMES_MAX) {
        _ if presented.is_empty() => "nobody: it has no subjectAltName, and its CN does not count".to_owned(),
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names.join(", ")),
    }
}

fn time(time: UnixTime) -> String {
    UNIX_EPOCH
        .checked_add(Duration::from_secs(time.as_secs()))
        .filter(|time| *time < UNIX_EPOCH + Duration::from_secs(YEAR_10000))
        .map_or_else(|| "a time far away".to_owned(), |time| humantime::format_rfc3339_seconds(time).to_string())
}

/// The first second that has no date of four digits.
const YEAR_10000: u64 = 253_402_300_800;
