//! What a peer's certificate is held against: chain and validity always, the host's name unless that is switched off.
//!
//! The proof itself is rustls's own (webpki). Not here: what is said of a certificate that fails (`observe`).

use std::fmt;
use std::sync::Arc;

use p12_keystore::Certificate;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

/// A certificate's issuer is none of those that are trusted. Which one it is, rustls does not say.
#[derive(Debug)]
pub struct Untrusted {
    /// The issuer's distinguished name, escaped, at most 200 characters; `None` if it cannot be read.
    pub issuer: Option<String>,
    /// Whether the certificate is its own issuer.
    pub is_self_signed: bool,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "issued by {}", self.issuer.as_deref().unwrap_or("an unknown issuer"))
    }
}

impl std::error::Error for Untrusted {}

/// The longest name of an issuer that is repeated, in characters.
const NAME_MAX: usize = 200;

/// Verifies chain, validity and purpose, and the host's name if it is to.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) chain: Arc<WebPkiServerVerifier>,
    pub(super) verifies_hostname: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let Err(Error::InvalidCertificate(wrong)) = verified else { return verified };
        match wrong {
            // The name is looked at last: everything else has been proved by then.
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
                if !self.verifies_hostname =>
            {
                Ok(ServerCertVerified::assertion())
            }
            CertificateError::UnknownIssuer => {
                let untrusted = untrusted(intermediates.last().unwrap_or(end_entity));
                Err(CertificateError::Other(OtherError(Arc::new(untrusted))).into())
            }
            wrong => Err(wrong.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Who issued the last certificate that was shown: whoever is missing.
fn untrusted(last: &CertificateDer<'_>) -> Untrusted {
    match Certificate::from_der(last) {
        Ok(certificate) => Untrusted {
            issuer: Some(certificate.issuer().chars().flat_map(char::escape_debug).take(NAME_MAX).collect()),
            is_self_signed: certificate.issuer() == certificate.subject(),
        },
        Err(_) => Untrusted { issuer: None, is_self_signed: false },
    }
}
