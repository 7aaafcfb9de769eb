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

/// What kinds of stores `keytool` makes: a modern one that is called JKS, and one as Java 8 made it.
const KINDS: [&str; 3] = ["-storetype PKCS12", "-storetype PKCS12 -J-Dkeystore.pkcs12.legacy", "-storetype JKS"];

/// A folder with stores in it, one program's.
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
        keytool.current_dir(&self.0).args(args.split_whitespace());
        let ran = keytool.args(["-storepass", PASSWORD, "-noprompt"]).output().expect("keytool");
        assert!(ran.status.success(), "keytool {args}: {}", String::from_utf8_lossy(&ran.stdout));
        ran.stdout
    }

    /// Authority, authority below it and node; each with its key in `NAME.store`, the node's with its whole chain, and
    /// the authority's certificate alone in `trust.store`.
    fn fill(&self, kind: &str) -> [CertificateDer<'static>; 3] {
        // Only JKS has passwords of keys.
        let own = if kind.contains("JKS") { format!("-keypass {KEY_PASSWORD}") } else { String::new() };
        let usual = format!("-keyalg EC -groupname secp256r1 -validity 9 {kind}");
        self.keytool(&format!("-genkeypair -alias root -dname CN=Root -ext bc=ca:true -keystore root.store {usual}"));
        self.keytool(&format!(
            "-genkeypair -alias below -dname CN=Below -ext bc=ca:true -keystore below.store {usual}"
        ));
        self.keytool(&format!("-genkeypair -alias node -dname CN=node -keystore node.store {usual} {own}"));
        self.sign("root", "below", "-ext bc=ca:true", "");
        self.sign("below", "node", &format!("-ext san=dns:{HOST}"), &own);
        self.keytool(&format!("-importcert -alias ca -file root.pem -keystore trust.store {kind}"));
        ["node", "below", "root"].map(|name| {
            let store = if name == "node" { "node.store".to_owned() } else { format!("{name}.store") };
            CertificateDer::from(self.keytool(&format!("-exportcert -alias {name} -keystore {store}")))
        })
    }

    /// Has one's certificate made by another, and puts it and those above it where its key is.
    fn sign(&self, by: &str, whose: &str, ext: &str, own: &str) {
        let request = format!("-certreq -alias {whose} -keystore {whose}.store -file {whose}.csr {own}");
        self.keytool(&request);
        let made =
            format!("-gencert -alias {by} -keystore {by}.store -infile {whose}.csr -outfile {whose}.pem -rfc {ext}");
        self.keytool(&made);
        self.keytool("-exportcert -alias root -keystore root.store -file root.pem -rfc");
        let above: &[&str] = if by == "root" { &["root"] } else { &["below", "root"] };
        let reply: String = [whose].iter().chain(above).map(|name| self.text(&format!("{name}.pem"))).collect();
        fs::write(self.0.join("reply.pem"), reply).expect("a file");
        self.keytool(&format!("-importcert -alias {whose} -keystore {whose}.store -file reply.pem {own}"));
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

#[test]
fn what_keytool_makes_is_trusted_and_shown() {
    for (at, kind) in KINDS.iter().enumerate() {
        let folder = Folder::new(&format!("kinds-{at}"));
        let chain = folder.fill(kind);
        let is_jks = kind.contains("JKS");
        let truststore = || folder.store("trust.store", Some(PASSWORD), None);
        let keystore = |key: Option<&str>| folder.store("node.store", Some(PASSWORD), key);
        let key_password = is_jks.then_some(KEY_PASSWORD);
        let config = configured(truststore(), Some(keystore(key_password))).expect("stores");
        assert_eq!(own(&config).cert, chain, "{kind}");
        assert_eq!(shake_hands(config.clone(), own(&config).as_ref().clone()), Ok(()), "{kind}");
        for name in ["trust.store", "node.store"] {
            let wrong = configured(folder.store(name, Some("wrong"), None), None).expect_err("the wrong password");
            assert_eq!(wrong.property, "ssl.truststore.password", "{kind}: {wrong:?}");
        }
        // Without a password Java does not prove a JKS, and sees nothing of a PKCS12 that is encrypted.
        let open = configured(folder.store("trust.store", None, None), None);
        match open {
            Ok(open) => {
                assert!(is_jks, "{kind}");
                assert_eq!(shake_hands(open, own(&config).as_ref().clone()), Ok(()));
            }
            Err(unfit) => assert!(!is_jks && unfit.property == "ssl.truststore.password", "{kind}: {unfit:?}"),
        }
        if is_jks {
            let without = configured(truststore(), Some(keystore(None))).expect_err("another password");
            assert!(without.why.contains("set ssl.key.password"), "{without:?}");
            let wrong = configured(truststore(), Some(keystore(Some("wrong")))).expect_err("the wrong password");
            assert_eq!(wrong.property, "ssl.key.password");
        }
    }
}

#[test]
fn a_truststore_may_have_nothing_encrypted_and_needs_no_password_then() {
    let folder = Folder::new("open");
    let kind = "-storetype PKCS12 -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE";
    let _ = folder.fill(kind);
    assert!(configured(folder.store("trust.store", None, None), None).is_ok());
    assert!(configured(folder.store("trust.store", Some(PASSWORD), None), None).is_ok());
}

#[test]
fn a_jceks_is_refused_with_the_line_that_converts_it() {
    let folder = Folder::new("jceks");
    folder.keytool("-genkeypair -alias a -keyalg EC -dname CN=a -storetype JCEKS -keystore a.store");
    let refused = configured(folder.store("a.store", Some(PASSWORD), None), None).expect_err("no JCEKS");
    assert!(refused.why.contains("keytool -importkeystore"), "{refused:?}");
    let convert =
        "-importkeystore -srckeystore a.store -srcstoretype JCEKS -destkeystore b.store -deststoretype PKCS12";
    folder.keytool(&format!("{convert} -srcstorepass {PASSWORD}"));
    let keystore = folder.store("b.store", Some(PASSWORD), None);
    let converted = client_config(&settings(keystore.clone(), Some(keystore)));
    assert!(converted.is_ok(), "{:?}", converted.err());
}

/// A JKS with a key, and another with a certificate.
static JKS: LazyLock<[Store; 2]> = LazyLock::new(|| {
    let folder = Folder::new("damaged");
    let _ = folder.fill("-storetype JKS");
    let key = folder.store("node.store", Some(PASSWORD), Some(KEY_PASSWORD));
    [key, folder.store("trust.store", Some(PASSWORD), None)]
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_damaged_jks_is_refused(
        which in 0_usize..2, at in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<bool>(), proved in any::<bool>(),
    ) {
        let mut damaged = JKS[which].clone();
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
