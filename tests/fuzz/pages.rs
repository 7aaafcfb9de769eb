//! Metrics pages, read as a look reads them: whatever the text is, it is refused, or its samples are numbers and the
//! cluster whose controller has this page is judged.

#![no_main]

mod judged;
mod memory;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::from_utf8;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::dial::{Network, PageAnswer, PageRequest};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Plan, look};
use kraft_check::snapshot::{
    Answer, AskedAs, Depth, Endpoint, Gauge, MetricName, Missed, Owner, PageOf, Snapshot, Why, recording,
};
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::io::Empty;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

/// A cluster in the middle of its migration, with controller 3001 alone.
const CLUSTER: &str = include_str!("../../protocol-fixtures/3.9.2/smallest/04-broker-on-kraft.json");
const LEADER: i32 = 3001;
const IN_TIME: Duration = Duration::from_hours(1);

/// Where a page of Prometheus is; and an agent, which alone answers with an array.
const METRICS: &str = "http://c1.example/metrics";
const AGENT: &str = "http://c1.example/jolokia";

/// A network that has one page and nobody to connect to.
struct OnePage(String);

impl Network for OnePage {
    type Stream = Empty;

    async fn connect(&self, _: AskedAs, _: &Endpoint) -> Result<Empty, Missed> {
        Err(Missed::new(Why::Refused, "connection refused"))
    }

    async fn page(&self, _: &PageRequest) -> Result<PageAnswer, Missed> {
        Ok(PageAnswer::ok(self.0.clone()))
    }
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    static SNAPSHOT: RefCell<Snapshot> = RefCell::new(snapshot());
}

fn snapshot() -> Snapshot {
    let own = MetricName {
        gauge: Gauge::ZkMigrationState,
        name: "migration_phase".to_owned(),
        labels: vec![("what".to_owned(), "state".to_owned())],
    };
    let cluster = recording::read(CLUSTER).expect("a recording");
    Snapshot { metric_names: vec![own], ..cluster }
}

/// The page as one look at it alone sees it.
fn read(text: &str, metric_names: &[MetricName]) -> Vec<PageOf> {
    let url = if text.trim_start().starts_with('[') { AGENT } else { METRICS };
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: Vec::new(),
        controllers: Vec::new(),
        pages: BTreeMap::from([(Owner::Id(LEADER), url.to_owned())]),
        metric_names: metric_names.to_vec(),
        prove_cluster_id: false,
        request_timeout: IN_TIME,
        page_timeout: IN_TIME,
        concurrency: 1,
    };
    let network = Arc::new(Kept::nothing(OnePage(text.to_owned())));
    RUNTIME.with(|runtime| runtime.block_on(async { look(&network, &plan, Instant::now() + IN_TIME).await }).pages)
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // What is not text is refused before it is a page.
    let Ok(text) = from_utf8(bytes) else { return Corpus::Reject };
    SNAPSHOT.with_borrow_mut(|snapshot| {
        let pages = read(text, &snapshot.metric_names);
        let [PageOf { page: Answer { said: Ok(page), .. }, .. }] = pages.as_slice() else { return };
        for sample in &page.samples {
            assert!(sample.value.parse::<f64>().is_ok(), "{sample:?} is no number");
        }
        if let Some(look) = snapshot.looks.last_mut() {
            look.pages = pages;
        }
        judged::judge(snapshot);
    });
    Corpus::Keep
});
