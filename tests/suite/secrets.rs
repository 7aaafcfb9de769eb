//! Does a secret ever leave the process? Every secret of every test has one word in it, and whatever the tool emits is
//! searched for that word, however it is written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What every secret of the tests has in it.
const MARK: &str = "hushhush";

/// How the mark may be written: as it is, in base64 at any of three offsets, in hexadecimal, or as a list of bytes.
fn spellings() -> Vec<String> {
    let bytes = MARK.as_bytes();
    let hex = hex(bytes);
    let listed = format!("{bytes:?}");
    let mut spellings = vec![MARK.to_owned(), hex, listed.trim_matches(['[', ']']).to_owned()];
    for offset in 0..3 {
        // The first and last letters depend on the neighbours, so only those between them are the mark's own.
        let padded = [vec![0; offset], bytes.to_vec()].concat();
        let text = STANDARD.encode(&padded);
        let first = (offset * 8).div_ceil(6);
        let last = (padded.len() * 8) / 6;
        spellings.push(text[first..last].to_owned());
    }
    spellings
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Panics if a secret is in what was emitted. It does not repeat it.
pub(crate) fn search(what: &str, emitted: &[u8]) {
    let text = String::from_utf8_lossy(emitted);
    let lower = text.to_lowercase();
    for spelling in spellings() {
        let found = text.contains(&spelling) || lower.contains(&spelling);
        assert!(!found, "{what} holds a secret");
    }
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    let hidden = |text: String| std::panic::catch_unwind(|| search("a text", text.as_bytes())).is_err();
    assert!(!hidden("nothing to be found".to_owned()));
    assert!(hidden("HushHush".to_owned()));
    for secret in ["hushhush", "my-hushhush-1", "xhushhush", "xyhushhushz"] {
        assert!(hidden(format!("password={secret}")));
        assert!(hidden(hex(secret.as_bytes()).to_uppercase()));
        assert!(hidden(format!("{:?}", secret.as_bytes())));
        assert!(hidden(STANDARD.encode(secret)), "{}", STANDARD.encode(secret));
    }
}

#[test]
fn no_recording_and_no_document_holds_a_secret() {
    let mut folders = vec!["protocol-fixtures".to_owned(), "docs".to_owned()];
    while let Some(folder) = folders.pop() {
        let path = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
        for entry in std::fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry")) {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(name);
            } else {
                search(&name, &std::fs::read(entry.path()).expect("a file"));
            }
        }
    }
}
