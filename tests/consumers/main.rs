//! Do the programs that act on kraft-check's answers act as they should, and is what others make read as they mean it? The
//! files of `docs/recipes` are what they run.

#![forbid(unsafe_code)]

/// When does Ansible run the task after the gate?
mod ansible;
/// Is every file of properties read as Java reads it?
mod java;
/// What does Nagios show?
mod nagios;
/// What does the shell loop wait for, and what ends it?
mod shell;
/// Are truststores and keystores of Java's own making opened as Java opens them?
mod stores;

/// Where the consumers are.
mod programs;
/// A `kraft-check` that looks at recordings of real clusters.
mod recorded;
