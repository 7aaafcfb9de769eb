//! What the releases of Kafka differ in, as far as a simulated node shows it: the APIs that each listener lists, and the
//! levels of the metadata version. Held to recordings of every release by `tests/suite/likeness`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::snapshot::Role;

/// A release that can migrate and tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 3.5.
    V3_5,
    /// 3.6.
    V3_6,
    /// 3.7.
    V3_7,
    /// 3.8.
    V3_8,
    /// 3.9.
    V3_9,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [Self::V3_5, Self::V3_6, Self::V3_7, Self::V3_8, Self::V3_9];

    /// Kafka's name of the release.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V3_5 => "3.5",
            Self::V3_6 => "3.6",
            Self::V3_7 => "3.7",
            Self::V3_8 => "3.8",
            Self::V3_9 => "3.9",
        }
    }

    /// The release before, and after the first.
    pub(super) fn neighbour(self) -> Self {
        match self {
            Self::V3_6 => Self::V3_5,
            Self::V3_5 | Self::V3_7 => Self::V3_6,
            Self::V3_8 => Self::V3_7,
            Self::V3_9 => Self::V3_8,
        }
    }

    /// The release's highest metadata version (`MetadataVersion.java`), which a new quorum finalizes.
    pub(super) fn metadata_level(self) -> i16 {
        match self {
            Self::V3_5 => 11,
            Self::V3_6 => 14,
            Self::V3_7 => 19,
            Self::V3_8 => 20,
            Self::V3_9 => 21,
        }
    }

    /// The APIs that a listener of this kind lists, with the highest version of each; the lowest is 0.
    pub(super) fn apis(self, role: Role) -> impl Iterator<Item = (i16, i16)> {
        self.keys(role).iter().cloned().flatten().map(move |key| (key, self.highest(key)))
    }

    /// The `listeners` of the release's `*Request.json`.
    fn keys(self, role: Role) -> &'static [RangeInclusive<i16>] {
        match (role, self) {
            (Role::ZookeeperBroker, Self::V3_5 | Self::V3_6) => &[0..=51, 56..=58, 60..=61, 65..=67],
            (Role::ZookeeperBroker, Self::V3_7) => &[0..=51, 56..=58, 60..=61, 65..=68],
            (Role::ZookeeperBroker, Self::V3_8 | Self::V3_9) => &[0..=51, 56..=58, 60..=61, 65..=69],
            (Role::KraftBroker, Self::V3_5) => &[0..=3, 8..=37, 42..=51, 55..=55, 57..=57, 60..=61, 64..=66],
            (Role::KraftBroker, Self::V3_6) => &[0..=3, 8..=51, 55..=55, 57..=57, 60..=61, 64..=66],
            (Role::KraftBroker, Self::V3_7) => &[0..=3, 8..=51, 55..=55, 57..=57, 60..=61, 64..=66, 68..=68, 74..=74],
            (Role::KraftBroker, Self::V3_8) => &[0..=3, 8..=51, 55..=55, 57..=57, 60..=61, 64..=66, 68..=69, 74..=75],
            (Role::KraftBroker, Self::V3_9) => {
                &[0..=3, 8..=51, 55..=55, 57..=57, 60..=61, 64..=66, 68..=69, 74..=75, 80..=81]
            }
            (Role::Controller, Self::V3_5) => {
                &[1..=1, 7..=7, 17..=20, 29..=31, 33..=33, 36..=37, 43..=46, 49..=59, 62..=64, 67..=67]
            }
            (Role::Controller, Self::V3_6) => {
                &[1..=1, 7..=7, 17..=20, 29..=31, 33..=33, 36..=41, 43..=46, 49..=59, 62..=64, 67..=67]
            }
            (Role::Controller, Self::V3_7 | Self::V3_8) => {
                &[1..=1, 7..=7, 17..=20, 29..=33, 36..=41, 43..=46, 49..=60, 62..=64, 67..=67, 70..=70, 73..=73]
            }
            (Role::Controller, Self::V3_9) => &[
                1..=1,
                7..=7,
                17..=20,
                29..=33,
                36..=41,
                43..=46,
                49..=60,
                62..=64,
                67..=67,
                70..=70,
                73..=73,
                80..=82,
            ],
        }
    }

    /// The highest version of an API, 0 for one that is not known here.
    pub(super) fn highest(self, key: i16) -> i16 {
        let release = self as usize;
        match BEFORE_3_9.iter().find(|(lower, _)| *lower == key).and_then(|(_, highest)| highest.get(release)) {
            Some(highest) => *highest,
            None => usize::try_from(key).ok().and_then(|key| IN_3_9.get(key)).copied().unwrap_or(0),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|version| version.name() == text);
        known.ok_or_else(|| format!("not one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// The highest version of every API in 3.9, by key; −1 where a client never meets it.
#[rustfmt::skip]
const IN_3_9: [i16; 83] = [
    11, 17, 9, 12, 7, 4, 8, 3, 9, 9, 6, 9, 4, 5, 5, 5, 5, 1, 4, 7, // 0 to 19
    6, 2, 5, 4, 5, 4, 4, 1, 4, 3, 3, 3, 4, 2, 2, 4, 2, 3, 3, 2, // 20 to 39
    2, 3, 2, 2, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 2, 3, 1, 0, 1, // 40 to 59
    1, 0, 4, 1, 0, 0, 1, 0, 0, 0, 0, -1, -1, 0, 0, 0, -1, -1, -1, -1, // 60 to 79
    0, 0, 0, // 80 to 82
];

/// What was lower in 3.5, 3.6, 3.7 and 3.8.
const BEFORE_3_9: &[(i16, [i16; 4])] = &[
    (0, [9, 9, 10, 11]),
    (1, [15, 15, 16, 16]),
    (2, [8, 8, 8, 8]),
    (8, [8, 8, 9, 9]),
    (9, [8, 8, 9, 9]),
    (10, [4, 4, 4, 5]),
    (16, [4, 4, 4, 5]),
    (18, [3, 3, 3, 3]),
    (22, [4, 4, 4, 5]),
    (24, [3, 4, 4, 5]),
    (25, [3, 3, 3, 4]),
    (26, [3, 3, 3, 4]),
    (28, [3, 3, 3, 4]),
    (52, [0, 0, 0, 0]),
    (53, [0, 0, 0, 0]),
    (54, [0, 0, 0, 0]),
    (55, [1, 1, 1, 1]),
    (59, [0, 0, 0, 0]),
    (60, [0, 0, 1, 1]),
    (62, [1, 1, 3, 3]),
    (63, [0, 0, 1, 1]),
    (66, [0, 0, 0, 1]),
];
