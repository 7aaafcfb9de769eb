//! What is in a truststore or keystore of each kind, and what is said of one that cannot be opened? Those of Java's own
//! making are in `tests/consumers`.

use kraft_check::security::Secret;
use kraft_check::security::tls::{STORE_LIMIT, Store, TlsSettings, Unfit, client_config};
use proptest::prelude::*;
use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;

use crate::authority::{Authority, Leaf, openssl, store};

const PASSWORD: &str = "hushhush";

/// A store with a password.
fn locked(bytes: impl Into<Vec<u8>>, password: &str) -> Store {
    Store { password: Some(Secret::new(password)), ..store(bytes) }
}

/// A store with a password of the key's own.
fn key_locked(bytes: impl Into<Vec<u8>>, password: &str) -> Store {
    Store { key_password: Some(Secret::new(password)), ..store(bytes) }
}

/// The chain that is shown out of this keystore.
fn shown(keystore: Store) -> Result<(Vec<CertificateDer<'static>>, Vec<String>), Unfit> {
    let settings = TlsSettings { keystore: Some(keystore), ..Authority::new("unused").trusted() };
    let (config, warnings) = client_config(&settings)?;
    let schemes =
        [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
    let own = config.client_auth_cert_resolver.resolve(&[], &schemes).expect("a certificate");
    Ok((own.cert.clone(), warnings))
}

fn assert_shown(keystore: Store, chain: &[&CertificateDer<'static>]) {
    let (shown, warnings) = shown(keystore).expect("a keystore");
    assert_eq!((shown.iter().collect::<Vec<_>>().as_slice(), warnings.as_slice()), (chain, [].as_slice()));
}

fn assert_unfit(unfit: Result<impl Sized, Unfit>, property: &str, words: &str) {
    let unfit = unfit.err().expect("no settings of this");
    assert_eq!(unfit.property, property, "{unfit:?}");
    assert!(unfit.why.contains(words), "{unfit:?}");
    assert!(!unfit.why.contains(PASSWORD) && !unfit.why.contains('\n'), "{unfit:?}");
}

fn trusting(truststore: Store) -> Result<Vec<String>, Unfit> {
    let settings = TlsSettings { truststore: Some(truststore), ..Authority::new("unused").trusted() };
    client_config(&settings).map(|(_, warnings)| warnings)
}

/// A leaf of an authority below another one: the chain as text, the leaf first, and its certificates.
fn chained() -> (Leaf, String, [CertificateDer<'static>; 2]) {
    let below = Authority::new("Root").below("Below");
    let leaf = below.issue(&["probe"]);
    let certificates = [leaf.certificate.clone(), below.certificate()];
    let pem = format!("{}{}", leaf.certificate_pem, below.pem());
    (leaf, pem, certificates)
}

#[test]
fn a_truststore_of_pem_may_have_many_certificates_and_words_between_them() {
    let (one, two) = (Authority::new("One").pem(), Authority::new("Two").pem());
    let text = format!("# One\n{one}\nsubject=CN = Two\n{two}{two}");
    assert_eq!(trusting(store(text)), Ok(Vec::new()));
    // As in client.properties, without a line feed.
    assert_eq!(trusting(store(one.replace('\n', " "))), Ok(Vec::new()));
}

#[test]
fn what_cannot_be_read_in_a_truststore_is_passed_over_if_something_is_left() {
    let good = Authority::new("One").pem();
    let nonsense = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let warnings = trusting(store(format!("{nonsense}{good}"))).expect("one is left");
    assert_eq!(warnings, ["ssl.truststore.location: 1 of its certificates cannot be read and are not trusted"]);
    assert_unfit(trusting(store(nonsense)), "ssl.truststore.location", "no certificate that can be read");
    let key = Authority::new("One").issue(&["probe"]).key.serialize_pem();
    assert_unfit(trusting(store(key)), "ssl.truststore.location", "has no certificate");
}

#[test]
fn a_keystore_of_pem_has_its_key_in_any_usual_form() {
    let (leaf, chain, certificates) = chained();
    let certificates = certificates.each_ref();
    let key = leaf.key.serialize_pem();
    assert_shown(store(format!("{chain}{key}")), &certificates);
    assert_shown(store(format!("{key}{chain}").replace('\n', " ")), &certificates);
    let sec1 = String::from_utf8(openssl("ec", key.as_bytes())).expect("text");
    assert!(sec1.contains("BEGIN EC PRIVATE KEY"), "{sec1}");
    assert_shown(store(format!("{chain}{sec1}")), &certificates);
    for cipher in ["-v2 aes-256-cbc", "-v2 aes-128-cbc -v2prf hmacWithSHA1", "-v2 des3", "-scrypt", "-v1 PBE-SHA1-3DES"]
    {
        let encrypted = openssl(&format!("pkcs8 -topk8 {cipher} -passout pass:{PASSWORD}"), key.as_bytes());
        let pem = [chain.as_bytes(), &encrypted].concat();
        assert_shown(key_locked(pem.clone(), PASSWORD), &certificates);
        assert_shown(locked(pem.clone(), PASSWORD), &certificates);
        assert_unfit(shown(key_locked(pem.clone(), "wrong")), "ssl.key.password", "does not open the private key");
        assert_unfit(shown(store(pem)), "ssl.key.password", "is not set");
    }
}

#[test]
fn a_key_of_rsa_is_one_in_the_form_of_before_as_well() {
    let host = crate::host::Host::new();
    let key = host.path("key").display().to_string();
    let certificate = openssl(&format!("req -x509 -newkey rsa:2048 -nodes -keyout {key} -subj /CN=probe"), b"");
    let pkcs1 = openssl(&format!("rsa -traditional -in {key}"), b"");
    assert!(pkcs1.starts_with(b"-----BEGIN RSA PRIVATE KEY"));
    let expected = CertificateDer::from(openssl("x509 -outform DER", &certificate));
    assert_shown(store([pkcs1.as_slice(), &certificate].concat()), &[&expected]);
    let encrypted = openssl(&format!("rsa -traditional -aes128 -in {key} -passout pass:{PASSWORD}"), b"");
    let store = key_locked([encrypted.as_slice(), &certificate].concat(), PASSWORD);
    assert_unfit(shown(store), "ssl.keystore.location", "openssl pkcs8 -topk8");
}

#[test]
fn a_key_that_cannot_be_opened_or_used_is_told_with_what_to_do() {
    let (leaf, chain, _) = chained();
    let key = leaf.key.serialize_pem();
    let legacy = "-v1 PBE-SHA1-RC4-128 -provider legacy -provider default";
    let legacy = openssl(&format!("pkcs8 -topk8 {legacy} -passout pass:{PASSWORD}"), key.as_bytes());
    let legacy = key_locked([chain.as_bytes(), &legacy].concat(), PASSWORD);
    assert_unfit(shown(legacy), "ssl.keystore.location", "openssl pkcs8 -topk8");
    let p521 = openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521", b"");
    let p521 = store([chain.as_bytes(), &p521].concat());
    assert_unfit(shown(p521), "ssl.keystore.location", "of a kind that cannot be used");
    let others = Authority::new("Other").issue(&["probe"]).key.serialize_pem();
    assert_unfit(shown(store(format!("{chain}{others}"))), "ssl.keystore.location", "no certificate that belongs");
    assert_unfit(shown(store(chain)), "ssl.keystore.location", "no private key");
    assert_unfit(shown(store(key)), "ssl.keystore.location", "no certificate that belongs");
}

#[test]
fn a_certificate_of_version_1_can_be_shown() {
    let host = crate::host::Host::new();
    let key = host.path("key").display().to_string();
    let request = openssl(&format!("req -new -newkey rsa:2048 -nodes -keyout {key} -subj /CN=probe"), b"");
    let certificate = openssl(&format!("x509 -req -signkey {key}"), &request);
    let key = std::fs::read(host.path("key")).expect("a key");
    let expected = CertificateDer::from(openssl("x509 -outform DER", &certificate));
    assert_shown(store([key.as_slice(), &certificate].concat()), &[&expected]);
}

#[test]
fn openssls_pkcs12_is_opened_modern_and_legacy() {
    let (leaf, chain, certificates) = chained();
    let certificates = certificates.each_ref();
    let input = format!("{}{chain}", leaf.key.serialize_pem());
    for kind in ["", "-legacy", "-certpbe NONE -keypbe PBE-SHA1-3DES"] {
        let made = openssl(&format!("pkcs12 -export {kind} -passout pass:{PASSWORD}"), input.as_bytes());
        assert_shown(locked(made.clone(), PASSWORD), &certificates);
        assert_unfit(shown(locked(made.clone(), "wrong")), "ssl.keystore.password", "does not open the store");
        assert_unfit(shown(store(made)), "ssl.keystore.password", "is not set");
    }
}

#[test]
fn a_pkcs12_without_marks_of_trust_is_trusted_and_warned_of() {
    let pem = Authority::new("One").pem();
    let made = openssl(&format!("pkcs12 -export -nokeys -passout pass:{PASSWORD}"), pem.as_bytes());
    let warnings = trusting(locked(made.clone(), PASSWORD)).expect("a truststore");
    assert!(matches!(warnings.as_slice(), [one] if one.contains("Java would trust none")), "{warnings:?}");
    assert_unfit(trusting(locked(made.clone(), "wrong")), "ssl.truststore.password", "does not open the store");
    assert_unfit(trusting(store(made)), "ssl.truststore.password", "is not set");
    // What is not encrypted needs no password, as in Java, whatever its proof of integrity is.
    let open = openssl(&format!("pkcs12 -export -nokeys -certpbe NONE -passout pass:{PASSWORD}"), pem.as_bytes());
    assert_eq!(trusting(store(open)).map(|warnings| warnings.len()), Ok(1));
}

#[test]
fn what_is_declared_is_held_against_what_is_there() {
    let pem = Authority::new("One").pem();
    let declared = |kind: &str| Store { declared: Some(kind.to_owned()), ..store(pem.clone()) };
    assert_eq!(trusting(declared("pem")), Ok(Vec::new()));
    assert_eq!(
        trusting(declared("JKS\u{1b}[2J")),
        Ok(vec!["ssl.truststore.location: is PEM, not JKS[2J, and is read as what it is".to_owned()])
    );
    let made = openssl(&format!("pkcs12 -export -nokeys -passout pass:{PASSWORD}"), pem.as_bytes());
    for (kind, count) in [("JKS", 1), ("pkcs12", 1), ("PEM", 2)] {
        let declared = Store { declared: Some(kind.to_owned()), ..locked(made.clone(), PASSWORD) };
        assert_eq!(trusting(declared).map(|warnings| warnings.len()), Ok(count), "{kind}");
    }
}

#[test]
fn what_is_no_store_is_refused() {
    for (bytes, words) in [
        (Vec::new(), "neither JKS, nor PKCS12, nor PEM"),
        (b"hello".to_vec(), "neither JKS, nor PKCS12, nor PEM"),
        (vec![0x30, 0x82, 0xff, 0xff], "cannot be read as PKCS12"),
        // More digests of a password than anybody has time for, and a way to digest it that takes a gigabyte.
        (der_of(&[0x30, 0x0a, 0x04, 0x02, 0x68, 0x68, 0x02, 0x04, 0x7f, 0xff, 0xff, 0xff]), "more rounds"),
        (der_of(&[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b]), "in a way that cannot be read"),
        (vec![0x30, 0x80, 0x02, 0x01, 0x03], "keytool -importkeystore"),
        (vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], "is damaged"),
        ([&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff][..], &[0; 20]].concat(), "entries"),
        (vec![0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2], "keytool -importkeystore"),
        (b"-----BEGIN CERTIFICATE-----\nMII".to_vec(), "is not whole as PEM"),
        (vec![b'-'; usize::try_from(STORE_LIMIT).expect("a size") + 1], "has at most"),
    ] {
        assert_unfit(trusting(store(bytes)), "ssl.truststore.location", words);
    }
}

/// What begins as a PKCS12 does, with this inside: once in the open, and once in bytes.
fn der_of(inside: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("a short one");
    let bytes = [&[0x04, length(inside)], inside].concat();
    let version = [0x02, 0x01, 0x03];
    [&[0x30, length(&bytes) + 3], &version[..], &bytes].concat()
}

#[test]
fn versions_and_ciphers_are_those_that_are_named_and_can_be_had() {
    let named = |names: &str| Some(names.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>());
    let made = |protocols: Option<Vec<String>>, ciphers: Option<Vec<String>>| {
        let trusted = Authority::new("One").trusted();
        let settings = TlsSettings { enabled_protocols: protocols, cipher_suites: ciphers, ..trusted };
        client_config(&settings).map(|(config, warnings)| (config.crypto_provider().cipher_suites.len(), warnings))
    };
    let warnings = made(named("TLSv1 TLSv1.1 TLSv1.2"), None).expect("1.2 is left").1;
    assert_eq!(warnings, ["ssl.enabled.protocols: TLSv1, TLSv1.1 cannot be spoken and is not offered"]);
    assert_unfit(made(named("TLSv1.1"), None), "ssl.enabled.protocols", "only TLSv1.2 and TLSv1.3");
    assert_eq!(made(Some(Vec::new()), Some(Vec::new())).expect("all").0, 9);
    let two = named("TLS_AES_256_GCM_SHA384 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 TLS_RSA_WITH_AES_128_CBC_SHA");
    let (suites, warnings) = made(None, two).expect("two are left");
    assert_eq!(suites, 2);
    assert_eq!(warnings, ["ssl.cipher.suites: TLS_RSA_WITH_AES_128_CBC_SHA cannot be used and is not offered"]);
    assert_unfit(made(None, named("TLS_NONSENSE")), "ssl.cipher.suites", "TLS_NONSENSE cannot be used");
    let new = named("TLS_AES_256_GCM_SHA384");
    assert_unfit(made(named("TLSv1.2"), new), "ssl.cipher.suites", "ssl.enabled.protocols");
}

#[test]
fn nobody_sees_what_is_in_a_store() {
    let (leaf, chain, _) = chained();
    let shown = format!("{:?}", key_locked(format!("{chain}{}", leaf.key.serialize_pem()), PASSWORD));
    assert!(!shown.contains(PASSWORD) && !shown.contains("45, 45"), "{shown}");
}

/// Stores that open, each with what opens it: a truststore and two keystores.
fn good() -> [Store; 3] {
    let (leaf, chain, _) = chained();
    let key = leaf.key.serialize_pem();
    // Few rounds, so that many can be tried.
    let pkcs12 = format!("pkcs12 -export -iter 1 -passout pass:{PASSWORD}");
    let pkcs12 = openssl(&pkcs12, format!("{key}{chain}").as_bytes());
    let encrypted = openssl(&format!("pkcs8 -topk8 -iter 1 -passout pass:{PASSWORD}"), key.as_bytes());
    [store(chain.clone()), key_locked([chain.as_bytes(), &encrypted].concat(), PASSWORD), locked(pkcs12, PASSWORD)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_damaged_store_is_refused_or_says_the_same(
        which in 0_usize..3, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        static GOOD: std::sync::LazyLock<[Store; 3]> = std::sync::LazyLock::new(good);
        let good = &GOOD[which];
        let mut bytes = good.bytes.clone();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let damaged = Store { bytes, ..good.clone() };
        // Certificates alone carry no proof that they are whole; a chain is held against its key, a PKCS12 has a MAC.
        let _ = trusting(damaged.clone());
        if which > 0 && let Ok((chain, _)) = shown(damaged) {
            let (whole, _) = shown(good.clone()).expect("a keystore");
            prop_assert!(which == 1 || whole == chain);
        }
    }

    #[test]
    fn what_only_begins_like_a_store_is_none(
        magic in prop::sample::select(vec![&b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01"[..], b"\x30\x82", b"-----BEGIN "]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [magic, &rest].concat();
        prop_assert!(trusting(store(bytes.clone())).is_err());
        prop_assert!(shown(locked(bytes, PASSWORD)).is_err());
    }
}
