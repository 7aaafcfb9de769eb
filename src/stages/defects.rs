//! Defects of Kafka's that a migration meets, by JIRA: those that stop the driver, and of which releases one is to be warned.
//!
//! The wire tells minor releases only, so a defect that a later patch has cured is one of its minor release.

/// A defect that keeps the state at PRE_MIGRATION although everything is met.
struct Defect {
    jira: &'static str,
    /// The last minor release of 3.x that has it in any patch; `None`: all have.
    up_to: Option<u8>,
    /// What happens, where it is cured, and what helps meanwhile.
    words: &'static str,
}

/// Presence by the history of Kafka's release tags.
const STOP_THE_DRIVER: [Defect; 7] = [
    Defect {
        jira: "KAFKA-16563",
        up_to: Some(7),
        words: "after an error of ZooKeeper's it polls no more; fixed in 3.7.1; restart the leading controller",
    },
    Defect {
        jira: "KAFKA-17506",
        up_to: Some(8),
        words: "it is initialized in a race and stays inactive; fixed in 3.8.1 and 3.9.0; restart the leading controller",
    },
    Defect {
        jira: "KAFKA-16667",
        up_to: Some(8),
        words: "after a failover it reads an old /migration; fixed in 3.9.0; restart the leading controller",
    },
    Defect {
        jira: "KAFKA-16171",
        up_to: Some(6),
        words: "after a failover it cannot write to ZooKeeper; fixed in 3.6.2 and 3.7.0; restart the leading controller",
    },
    Defect {
        jira: "KAFKA-16007, KAFKA-16216",
        up_to: Some(6),
        words: "the copy is slow, or its batches are too large; fixed in 3.6.2 and 3.7.0",
    },
    Defect {
        jira: "KAFKA-17146",
        up_to: None,
        words: "/migration of an earlier attempt: it believes that the copy is done; go back, and delete /migration once nothing \
                uses it",
    },
    Defect {
        jira: "KAFKA-19480",
        up_to: None,
        words: "/migration is empty, as the ZooKeeper Security Migration Tool leaves it; delete it",
    },
];

/// The defects that may stop the driver of a leader of this minor release of 3.x, each in a line.
pub(super) fn that_stop_the_driver(minor: Option<u8>) -> impl Iterator<Item = String> {
    let has = move |defect: &&Defect| match (defect.up_to, minor) {
        (Some(last), Some(minor)) => minor <= last,
        _ => true,
    };
    STOP_THE_DRIVER.iter().filter(has).map(|defect| format!("{}: {}", defect.jira, defect.words))
}

/// What is to be known of a minor release of 3.x before a migration; nothing of 3.9.
#[must_use]
pub fn of_release(minor: u8) -> Option<&'static str> {
    match minor {
        4 => Some(
            "3.4 migrates no ACLs, and tells neither flag nor state; 3.7.1 is the least to migrate with, better 3.9",
        ),
        5 | 6 => Some("it has known defects of the migration; 3.7.1 is the least to migrate with, better 3.9"),
        7 => Some("3.7.0 has known defects of the migration: be sure that it is 3.7.1 or newer, better 3.9"),
        8 => Some(
            "3.8 can lose the dual write at a failover (KAFKA-16667), and 3.8.0 also when the driver starts (KAFKA-17506): \
             better 3.9",
        ),
        _ => None,
    }
}
