//! How metrics pages are spoken to: `ssl.*` for https, and credentials over HTTP. Not here: which pages there are.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::sheet::Sheet;
use super::{Notices, Overrides, stores};
use crate::config::Refusal;
use crate::security::{PageSecurity, Secret};

const BASIC: &str = "basic.auth.user.info";
const BEARER: &str = "bearer.auth.token";

/// What the file of --metrics-config sets. It has the form of client properties, and what is of listeners alone is passed
/// over.
pub(super) fn security(file: Option<&Path>, notices: &mut Notices) -> Result<PageSecurity, Refusal> {
    if file.is_none() {
        return Ok(PageSecurity::default());
    }
    let sheet = Sheet::read(file, &Overrides::default(), notices)?;
    let authorization = match (sheet.get(BASIC), sheet.get(BEARER)) {
        (Some(_), Some(_)) => {
            return Err(sheet.refuse(BASIC, "bearer.auth.token is given as well, and a page takes one of them"));
        }
        (Some(user), None) => {
            if !user.contains(':') || user.contains(char::is_control) {
                return Err(sheet.refuse(BASIC, "USER:PASSWORD belongs here"));
            }
            Some(Secret::new(format!("Basic {}", STANDARD.encode(user))))
        }
        (None, Some(token)) => {
            if !token.chars().all(|c| c.is_ascii_graphic()) {
                return Err(sheet.refuse(BEARER, "a token has neither blanks nor other than ASCII's letters and marks"));
            }
            Some(Secret::new(format!("Bearer {token}")))
        }
        (None, None) => None,
    };
    let tls = sheet.has_any("ssl.") || sheet.text("ssl.endpoint.identification.algorithm").is_some();
    Ok(PageSecurity { tls: if tls { Some(stores::tls(&sheet, notices)?) } else { None }, authorization })
}
