//! Where a reading was taken from. Not part of a recording: it follows from the answers.

use super::{Endpoint, Timestamp};

/// Where a reading was taken from.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The field or metric.
    pub source: Source,
    /// The endpoint that answered; `None` for pages, which have a URL.
    pub endpoint: Option<Endpoint>,
    /// When it was in or given up.
    pub at: Timestamp,
    /// How long that took, in microseconds.
    pub took_us: u64,
}

/// A field of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A field of a Kafka response.
    Api {
        /// Kafka's name of the API.
        api: &'static str,
        /// The version in which it was asked.
        version: i16,
        /// The field's name in Kafka's schema.
        field: &'static str,
    },
    /// No field says it; it follows from several, in words.
    Derived(&'static str),
    /// A metric of a page.
    Page {
        /// The page.
        url: String,
        /// The metric as the page spells it; the bean's name where it was not found.
        metric: String,
        /// Its labels.
        labels: Vec<(String, String)>,
    },
}
