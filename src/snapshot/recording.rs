//! A snapshot as text and back: the recording's format.
//!
//! JSON with a format version, so that a recording outlives the program that made it, or is refused by name. Where
//! it is kept is not known here.

use serde::{Deserialize, Serialize};

use super::Snapshot;

/// The version that is written. It changes with every change of a recorded type.
const FORMAT_VERSION: u32 = 4;
/// The oldest version that is read: 2 had no content depth, 3 no metadata log, no features and nothing of who told of a node;
/// nothing else is different.
const OLDEST_READ: u32 = 2;

/// More looks than any command takes.
const LOOKS_MAX: usize = 2;

#[derive(Serialize)]
struct Written<'a> {
    kind: &'static str,
    format_version: u32,
    tool_version: &'static str,
    snapshot: &'a Snapshot,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    #[expect(dead_code, reason = "read by `Heading`; here so that no other field is unknown")]
    kind: String,
    #[expect(dead_code, reason = "as above")]
    format_version: u32,
    #[expect(dead_code, reason = "for people")]
    tool_version: String,
    snapshot: Snapshot,
}

/// What is read first: whether the rest can be read at all.
#[derive(Deserialize)]
struct Heading {
    kind: Option<String>,
    format_version: Option<u32>,
}

/// The recording of a snapshot, ending in a line feed.
#[must_use]
pub fn write(snapshot: &Snapshot) -> String {
    let written =
        Written { kind: "snapshot", format_version: FORMAT_VERSION, tool_version: env!("CARGO_PKG_VERSION"), snapshot };
    // These types have string keys and no failing serializer, so this cannot fail; if it ever did, an empty
    // recording would be refused when it is read.
    let mut text = serde_json::to_string(&written).unwrap_or_default();
    text.push('\n');
    text
}

/// The snapshot of a recording.
///
/// # Errors
/// Why the text is no recording that can be read, in words.
pub fn read(text: &str) -> Result<Snapshot, String> {
    let heading: Heading = serde_json::from_str(text).map_err(|error| format!("not a recording: {error}"))?;
    match (heading.kind.as_deref(), heading.format_version) {
        (Some("snapshot"), Some(OLDEST_READ..=FORMAT_VERSION)) => {}
        (Some("snapshot"), Some(version)) => {
            return Err(format!(
                "recorded in format {version}; this kraft-check reads formats {OLDEST_READ} to {FORMAT_VERSION}"
            ));
        }
        _ => {
            return Err("not a recording: it does not begin as one (kind \"snapshot\" and a format_version)".to_owned());
        }
    }
    let mut recording: Recording =
        serde_json::from_str(text).map_err(|error| format!("a damaged recording: {error}"))?;
    for look in &mut recording.snapshot.looks {
        look.share_lists();
    }
    match recording.snapshot.looks.len() {
        1..=LOOKS_MAX => Ok(recording.snapshot),
        looks => Err(format!("a damaged recording: {looks} looks, one or two are taken")),
    }
}

/// An answer's outcome, said or missed, under its own names instead of `Ok` and `Err`.
pub(super) mod outcome {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::snapshot::Missed;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Outcome<T, M> {
        Said(T),
        Missed(M),
    }

    pub(in crate::snapshot) fn serialize<T: Serialize, S: Serializer>(
        said: &Result<T, Missed>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match said {
            Ok(said) => Outcome::Said(said),
            Err(missed) => Outcome::Missed(missed),
        }
        .serialize(serializer)
    }

    pub(in crate::snapshot) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<T, Missed>, D::Error> {
        Ok(match Outcome::deserialize(deserializer)? {
            Outcome::Said(said) => Ok(said),
            Outcome::Missed(missed) => Err(missed),
        })
    }
}
