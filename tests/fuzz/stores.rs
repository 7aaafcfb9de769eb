//! Truststores and keystores, opened as they are for TLS: whatever the bytes are, they make a client of TLS, or are refused
//! in one line that names a property.

#![no_main]

mod memory;

use kraft_check::security::Secret;
use kraft_check::security::tls::{Store, TlsSettings, client_config};
use libfuzzer_sys::fuzz_target;

/// What opens the stores that are begun with.
const PASSWORD: &str = "hushhush";

/// A line that somebody reads.
const LINE_MAX: usize = 400;

fuzz_target!(|bytes: &[u8]| {
    for password in [None, Some(Secret::new(PASSWORD))] {
        let store = Store { bytes: bytes.to_vec(), declared: None, password: password.clone(), key_password: password };
        let settings = TlsSettings {
            truststore: Some(store.clone()),
            keystore: None,
            verifies_hostname: true,
            enabled_protocols: None,
            cipher_suites: None,
        };
        let trusted = client_config(&settings);
        let shown = client_config(&TlsSettings { keystore: Some(store), ..settings });
        for lines in [trusted, shown].map(|made| made.map_or_else(|unfit| vec![unfit.why], |(_, warnings)| warnings)) {
            for line in lines {
                let is_line = !line.is_empty() && line.len() <= LINE_MAX && !line.contains(char::is_control);
                assert!(is_line && !line.contains(PASSWORD), "{line:?}");
            }
        }
    }
});
