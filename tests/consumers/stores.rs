//! Are stores of Java's own making opened as Java opens them? Made by `keytool`, and held against what it exports.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::{env, fs, process};

use kraft_check::security::Secret;
use kraft_check::security::tls::{Store, TlsSettings, Unfit, client_config};
use proptest::prelude::*;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, SignatureScheme};

use crate::programs::on_path;

const PASSWORD: &str = "hushhush";
const KEY_PASSWORD: &str = "hushhush-of-the-key";
const HOST: &str = "b1.example";

/// What kinds of stores `keytool` makes: one of today, and one as Java 8 made it.
const PKCS12: [&str; 2] = ["", "-J-Dkeystore.pkcs12.legacy"];

/// A folder with stores in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("kraft-check-stores-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    /// What `keytool` says with these arguments, apart by spaces, with the store's password.
    fn keytool(&self, args: &str) -> Vec<u8> {
        let mut keytool = Command::new(on_path("keytool"));
        keytool.current_dir(&self.0).arg("-J-XX:TieredStopAtLevel=1").args(args.split_whitespace());
        let ran = keytool.args(["-storepass", PASSWORD, "-noprompt"]).output().expect("keytool");
        assert!(ran.status.success(), "keytool {args}: {}", String::from_utf8_lossy(&ran.stdout));
        ran.stdout
    }

    /// Authority, authority below it and node, in stores of JKS; the node's with its whole chain, and the authority's
    /// certificate alone in `trust.store`. The chain, the leaf first.
    fn fill(&self) -> [CertificateDer<'static>; 3] {
        let usual = "-keyalg EC -groupname secp256r1 -validity 9 -storetype JKS";
        let own = format!("-keypass {KEY_PASSWORD}");
        self.keytool(&format!("-genkeypair -alias root -dname CN=Root -ext bc=ca:true -keystore root.store {usual}"));
        self.keytool(&format!("-genkeypair -alias below -dname CN=Below -keystore below.store {usual}"));
        self.keytool(&format!("-genkeypair -alias node -dname CN=node -keystore node.store {usual} {own}"));
        self.keytool("-exportcert -alias root -keystore root.store -file root.pem -rfc");
        self.sign("root", "below", "-ext bc=ca:true", "");
        self.sign("below", "node", &format!("-ext san=dns:{HOST}"), &own);
        self.keytool("-importcert -alias ca -file root.pem -keystore trust.store -storetype JKS");
        ["node", "below", "root"].map(|name| {
            CertificateDer::from(self.keytool(&format!("-exportcert -alias {name} -keystore {name}.store")))
        })
    }

    /// Has one's certificate made by another, and puts it and those above it where its key is.
    fn sign(&self, by: &str, whose: &str, ext: &str, own: &str) {
        self.keytool(&format!("-certreq -alias {whose} -keystore {whose}.store -file {whose}.csr {own}"));
        let files = format!("-infile {whose}.csr -outfile {whose}.pem -rfc");
        self.keytool(&format!("-gencert -alias {by} -keystore {by}.store {files} {ext}"));
        let above: &[&str] = if by == "root" { &["root"] } else { &["below", "root"] };
        let reply: String = [whose].iter().chain(above).map(|name| self.text(&format!("{name}.pem"))).collect();
        fs::write(self.0.join("reply.pem"), reply).expect("a file");
        self.keytool(&format!("-importcert -alias {whose} -keystore {whose}.store -file reply.pem {own}"));
    }

    /// The same store as PKCS12, as keytool makes it with these arguments.
    fn convert(&self, from: &str, to: &str, args: &str) {
        let convert = format!("-importkeystore -srckeystore {from} -destkeystore {to} -deststoretype PKCS12 {args}");
        self.keytool(&format!("{convert} -srcstorepass {PASSWORD}"));
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("a file")
    }

    fn store(&self, name: &str, password: Option<&str>, key_password: Option<&str>) -> Store {
        Store {
            bytes: fs::read(Path::new(&self.0).join(name)).expect("a store"),
            declared: Some("JKS".to_owned()),
            password: password.map(Secret::new),
            key_password: key_password.map(Secret::new),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settings(truststore: Store, keystore: Option<Store>) -> TlsSettings {
    TlsSettings {
        truststore: Some(truststore),
        keystore,
        verifies_hostname: true,
        enabled_protocols: None,
        cipher_suites: None,
    }
}

fn configured(truststore: Store, keystore: Option<Store>) -> Result<ClientConfig, Unfit> {
    let (config, warnings) = client_config(&settings(truststore, keystore))?;
    assert_eq!(warnings, Vec::<String>::new());
    Ok(config)
}

fn own(config: &ClientConfig) -> Arc<CertifiedKey> {
    let schemes = [SignatureScheme::ECDSA_NISTP256_SHA256];
    config.client_auth_cert_resolver.resolve(&[], &schemes).expect("a certificate")
}

/// A handshake in memory with a node that shows this certificate.
fn shake_hands(config: ClientConfig, node: CertifiedKey) -> Result<(), rustls::Error> {
    let mut shown = ResolvesServerCertUsingSni::new();
    shown.add(HOST, node).expect("a certificate of this name");
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let server = server.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    let mut server = ServerConnection::new(Arc::new(server.with_cert_resolver(Arc::new(shown))))?;
    let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(HOST).expect("a name"))?;
    while client.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory");
        server.read_tls(&mut bytes.as_slice()).expect("memory");
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).expect("memory");
        client.read_tls(&mut bytes.as_slice()).expect("memory");
        client.process_new_packets()?;
    }
    Ok(())
}

/// Stores of JKS, made once.
static JKS: LazyLock<(Folder, [CertificateDer<'static>; 3])> = LazyLock::new(|| {
    let folder = Folder::new("jks");
    let chain = folder.fill();
    (folder, chain)
});

#[test]
fn a_jks_is_opened_with_a_password_of_its_own_and_one_of_the_keys() {
    let (folder, chain) = &*JKS;
    let truststore = || folder.store("trust.store", Some(PASSWORD), None);
    let keystore = |key: Option<&str>| folder.store("node.store", Some(PASSWORD), key);
    let config = configured(truststore(), Some(keystore(Some(KEY_PASSWORD)))).expect("stores");
    assert_eq!(own(&config).cert, chain);
    assert_eq!(shake_hands(config.clone(), own(&config).as_ref().clone()), Ok(()));
    // Without a password it is not proved to be whole, as in Java.
    let unproved = configured(folder.store("trust.store", None, None), None).expect("a truststore");
    assert_eq!(shake_hands(unproved, own(&config).as_ref().clone()), Ok(()));
    let wrong = configured(folder.store("trust.store", Some("wrong"), None), None).expect_err("the wrong password");
    assert_eq!(wrong.property, "ssl.truststore.password");
    let without = configured(truststore(), Some(keystore(None))).expect_err("another password");
    assert!(without.why.contains("set ssl.key.password"), "{without:?}");
    let wrong = configured(truststore(), Some(keystore(Some("wrong")))).expect_err("the wrong password");
    assert_eq!(wrong.property, "ssl.key.password");
}

#[test]
fn a_pkcs12_of_keytools_is_opened_modern_and_legacy() {
    let (jks, chain) = &*JKS;
    for (at, kind) in PKCS12.iter().enumerate() {
        let folder = Folder::new(&format!("pkcs12-{at}"));
        let from = |name: &str| jks.0.join(name).display().to_string();
        let keys = format!("-srcalias node -srckeypass {KEY_PASSWORD} -destkeypass {PASSWORD}");
        folder.convert(&from("node.store"), "node.store", &format!("{kind} {keys}"));
        folder.convert(&from("trust.store"), "trust.store", kind);
        let truststore = |password| folder.store("trust.store", password, None);
        let keystore = folder.store("node.store", Some(PASSWORD), None);
        let config = configured(truststore(Some(PASSWORD)), Some(keystore)).expect("stores");
        assert_eq!(own(&config).cert, chain, "{kind}");
        assert_eq!(shake_hands(config.clone(), own(&config).as_ref().clone()), Ok(()), "{kind}");
        // Without a password Java sees nothing of what is encrypted.
        for password in [Some("wrong"), None] {
            let refused = configured(truststore(password), None).expect_err("not the password");
            assert_eq!(refused.property, "ssl.truststore.password", "{kind}: {refused:?}");
        }
    }
}

#[test]
fn a_truststore_may_have_nothing_encrypted_and_needs_no_password_then() {
    let folder = Folder::new("open");
    let from = JKS.0.0.join("trust.store").display().to_string();
    folder.convert(&from, "trust.store", "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE");
    for password in [None, Some(PASSWORD)] {
        assert!(configured(folder.store("trust.store", password, None), None).is_ok());
    }
}

#[test]
fn a_jceks_is_refused_with_the_line_that_converts_it() {
    let folder = Folder::new("jceks");
    folder.keytool("-genkeypair -alias a -keyalg EC -dname CN=a -storetype JCEKS -keystore a.store");
    let refused = configured(folder.store("a.store", Some(PASSWORD), None), None).expect_err("no JCEKS");
    assert!(refused.why.contains("keytool -importkeystore"), "{refused:?}");
    folder.convert("a.store", "b.store", "-srcstoretype JCEKS");
    let keystore = folder.store("b.store", Some(PASSWORD), None);
    let converted = client_config(&settings(keystore.clone(), Some(keystore)));
    assert!(converted.is_ok(), "{:?}", converted.err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_damaged_jks_is_refused(
        which in 0_usize..2, at in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<bool>(), proved in any::<bool>(),
    ) {
        let whole = [("node.store", Some(KEY_PASSWORD)), ("trust.store", None)][which];
        let mut damaged = JKS.0.store(whole.0, Some(PASSWORD), whole.1);
        let at = at.index(damaged.bytes.len());
        if cut { damaged.bytes.truncate(at) } else { damaged.bytes[at] ^= flip }
        if !proved {
            damaged.password = None;
        }
        let opened = client_config(&settings(damaged.clone(), Some(damaged)));
        // Without a password nothing proves a store whole, but the key is still proved by its own.
        prop_assert!(opened.is_err() || !proved);
    }
}
