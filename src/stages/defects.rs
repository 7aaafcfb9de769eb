//! Defects of Kafka's that a migration meets, by JIRA: those that stop the driver, and of which releases one is to be warned.
//!
//! The wire tells minor releases only, so a defect that a later patch has cured is one of its minor release.

/// A defect that keeps the state at PRE_MIGRATION although everything is met.
struct Defect {
    jira: &'static str,
    /// The last minor release of 3.x that has it in any patch, and where it is cured; `None`: every release has it.
    cured: Option<(u8, &'static str)>,
    /// What happens, and what helps.
    words: &'static str,
}

/// Presence by the history of Kafka's release tags.
const STOP_THE_DRIVER: [Defect; 8] = [
    Defect {
        jira: "KAFKA-17146",
        cured: None,
        words: "/migration is left from an earlier attempt, so that the driver believes in a copy: go back, and delete it once \
                nothing uses it",
    },
    Defect {
        jira: "KAFKA-19480",
        cured: None,
        words: "/migration is empty, as the ZooKeeper Security Migration Tool leaves it: delete it",
    },
    Defect {
        jira: "KAFKA-16563",
        cured: Some((7, "3.7.1")),
        words: "after an error of ZooKeeper's, as where controllers that start together all create /migration, a driver polls \
                no more: stop all controllers, and start them together",
    },
    Defect {
        jira: "KAFKA-15369",
        cured: Some((6, "3.7.0")),
        words: "a controller that comes up after the leader's election is never known to be ready: stop all controllers, and \
                start them together",
    },
    Defect {
        jira: "KAFKA-17506",
        cured: Some((8, "3.8.1")),
        words: "the driver loses a race as it starts, and stays inactive: restart the leading controller",
    },
    Defect {
        jira: "KAFKA-16667",
        cured: Some((8, "3.9.0")),
        words: "after a failover the driver reads an old /migration: restart the leading controller",
    },
    Defect {
        jira: "KAFKA-16171",
        cured: Some((6, "3.6.2")),
        words: "after a failover the driver cannot write to ZooKeeper: restart the leading controller",
    },
    Defect {
        jira: "KAFKA-16216",
        cured: Some((6, "3.6.2")),
        words: "the copy is slow, or its batches are too large (with KAFKA-16007): give it time",
    },
];

/// The defects that may stop the driver of a leader of this minor release of 3.x, by name, and where each is cured.
pub(super) fn that_stop_the_driver(minor: Option<u8>) -> Vec<String> {
    let has = |defect: &&Defect| match (defect.cured, minor) {
        (Some((last, _)), Some(minor)) => minor <= last,
        _ => true,
    };
    let named = |defect: &Defect| match defect.cured {
        Some((_, release)) => format!("{} (fixed in {release})", defect.jira),
        None => defect.jira.to_owned(),
    };
    STOP_THE_DRIVER.iter().filter(has).map(named).collect()
}

/// The defects that may stop the driver, each in a line: what happens, where it is cured, and what helps.
pub fn of_driver() -> impl Iterator<Item = String> {
    STOP_THE_DRIVER.iter().map(|Defect { jira, cured, words }| {
        let cured = cured.map_or_else(String::new, |(_, release)| format!(" (fixed in {release})"));
        format!("{jira}{cured}: {words}")
    })
}

/// What is to be known of a minor release of 3.x before a migration; nothing of 3.9.
#[must_use]
pub fn of_release(minor: u8) -> Option<&'static str> {
    match minor {
        4 => Some(
            "it migrates no ACLs, and tells neither flag nor state; 3.7.1 is the least to migrate with, better 3.9",
        ),
        5 | 6 => Some("it has known defects of the migration; 3.7.1 is the least to migrate with, better 3.9"),
        7 => Some("3.7.0 has known defects of the migration: be sure that it is 3.7.1 or newer, better 3.9"),
        8 => Some(
            "it can lose the dual write at a failover (KAFKA-16667), and 3.8.0 also when the driver starts (KAFKA-17506): \
             better 3.9",
        ),
        _ => None,
    }
}
