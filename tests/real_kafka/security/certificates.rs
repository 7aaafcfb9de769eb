//! The certificates of a secured cluster and the stores that hold them, made by the tools by which operators make them:
//! openssl and keytool. Who uses which is not known here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use crate::distribution;

/// The password of every store.
pub(crate) const STORE: &str = "store-hushhush";
/// The password of the one key that is encrypted by itself.
pub(crate) const KEY: &str = "key-hushhush";

/// In what kind of file keys and certificates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Pkcs12,
    Jks,
    Pem,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::Pkcs12, Self::Jks, Self::Pem];

    /// The word of `ssl.keystore.type` and `ssl.truststore.type`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pkcs12 => "PKCS12",
            Self::Jks => "JKS",
            Self::Pem => "PEM",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Pkcs12 => "p12",
            Self::Jks => "jks",
            Self::Pem => "pem",
        }
    }
}

/// A folder of stores: an authority that everybody trusts, and who has a certificate of it.
pub(crate) struct Certificates(PathBuf);

impl Certificates {
    /// Makes all of them, which takes about three seconds.
    pub(crate) fn make(folder: PathBuf) -> Self {
        distribution::need(&["openssl", "keytool"], "sh tests/install.sh kafka");
        fs::create_dir_all(&folder).expect("a folder for the stores");
        let made = Self(folder);
        for authority in ["ca", "foreign"] {
            made.openssl(&format!(
                "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
            ));
        }
        let here = "-addext subjectAltName=IP:127.0.0.1,DNS:localhost";
        made.issue("node", "ca", &format!("-newkey rsa:2048 {here}"));
        made.issue("elsewhere", "ca", "-newkey rsa:2048 -addext subjectAltName=DNS:elsewhere.example");
        made.issue("probe", "ca", "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1");
        made.issue("stranger", "foreign", "-newkey rsa:2048");
        made.issue_expired();
        for owner in ["node", "elsewhere", "expired"] {
            made.openssl(&format!(
                "pkcs12 -export -in {owner}.crt -inkey {owner}.key -certfile ca.pem -name {owner} -out {owner}.p12 -passout pass:{STORE}"
            ));
            made.join(owner, "key");
        }
        made.join("stranger", "key");
        // As Java 8 wrote them: other ciphers, and a MAC by SHA-1.
        made.openssl(&format!(
            "pkcs12 -export -in probe.crt -inkey probe.key -certfile ca.pem -name probe -out probe.p12 -passout pass:{STORE} \
             -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1"
        ));
        // Java 17 cannot read a key in PEM that is encrypted in a newer way: "PBES2 SecretKeyFactory not available".
        made.openssl(&format!("pkcs8 -topk8 -in probe.key -out probe.locked -v1 PBE-SHA1-3DES -passout pass:{KEY}"));
        made.join("probe", "locked");
        made.convert_by_keytool();
        made
    }

    /// The store with this one's key and certificate: `node`, `probe`, `elsewhere`, `expired`, `stranger`.
    pub(crate) fn keys(&self, owner: &str, form: Form) -> PathBuf {
        self.0.join(format!("{owner}.{}", form.ending()))
    }

    /// The store of the authority whose certificates everybody has.
    pub(crate) fn trust(&self, form: Form) -> PathBuf {
        self.trust_in("ca", form)
    }

    /// The authority of which no node has a certificate, as PEM.
    pub(crate) fn foreign_trust(&self) -> PathBuf {
        self.trust_in("foreign", Form::Pem)
    }

    fn trust_in(&self, authority: &str, form: Form) -> PathBuf {
        self.0.join(format!("{authority}.{}", form.ending()))
    }

    fn issue(&self, owner: &str, authority: &str, words: &str) {
        self.openssl(&format!(
            "req -x509 {words} -nodes -days 30 -subj /CN={owner} -CA {authority}.pem -CAkey {authority}.key \
             -addext basicConstraints=CA:FALSE -keyout {owner}.key -out {owner}.crt"
        ));
    }

    /// Only `openssl ca` can be told in OpenSSL 3.0 from when until when a certificate is valid.
    fn issue_expired(&self) {
        fs::write(self.0.join("ca.cnf"), AUTHORITY).expect("a written file");
        fs::write(self.0.join("index.txt"), "").expect("a written file");
        fs::write(self.0.join("serial"), "01\n").expect("a written file");
        fs::write(self.0.join("expired.ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n").expect("a written file");
        self.openssl("req -newkey rsa:2048 -nodes -subj /CN=expired -keyout expired.key -out expired.csr");
        self.openssl(
            "ca -config ca.cnf -batch -notext -cert ca.pem -keyfile ca.key -in expired.csr -out expired.crt \
             -startdate 20200101000000Z -enddate 20210101000000Z -extfile expired.ext",
        );
    }

    /// Kafka's PEM store: key and certificate in one file.
    fn join(&self, owner: &str, key: &str) {
        let read = |ending| fs::read_to_string(self.0.join(format!("{owner}.{ending}"))).expect("a file of openssl's");
        let text = read(key) + &read("crt");
        fs::write(self.keys(owner, Form::Pem), text).expect("a written file");
    }

    /// What only Java makes: JKS, and PKCS12 that says of a certificate that it is trusted. Side by side, for each is
    /// a JVM.
    fn convert_by_keytool(&self) {
        let import = "-importcert -noprompt -alias ca -file ca.pem -storepass";
        let copy = "-importkeystore -noprompt -deststoretype JKS";
        let from_to = |owner| {
            format!(
                "{copy} -srckeystore {owner}.p12 -srcstorepass {STORE} -destkeystore {owner}.jks -deststorepass {STORE}"
            )
        };
        let words = [
            format!("{import} {STORE} -keystore ca.jks -storetype JKS"),
            format!("{import} {STORE} -keystore ca.p12 -storetype PKCS12"),
            from_to("node"),
            from_to("probe"),
        ];
        thread::scope(|scope| {
            for words in &words {
                scope.spawn(|| run(&self.0, "keytool", words));
            }
        });
    }

    fn openssl(&self, words: &str) {
        run(&self.0, "openssl", words);
    }
}

const AUTHORITY: &str = "\
[ca]
default_ca=here
[here]
database=index.txt
serial=serial
new_certs_dir=.
default_md=sha256
policy=names
[names]
commonName=supplied
";

fn run(folder: &Path, program: &str, words: &str) {
    let mut command = Command::new(program);
    command.current_dir(folder).args(words.split_whitespace()).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {words}: {}", String::from_utf8_lossy(&told));
}
