//! `looks kept|anew LOOKS FILE CONFIG`: so many looks in a row at the nodes of this config file, by the program's own
//! observation, over connections that are kept or made anew. Writes into the file how many were made.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kraft_check::cli::{Cli, Command};
use kraft_check::config::{Observed, Request, resolve, settle};
use kraft_check::observe::dial::{Network, PageAnswer, PageRequest, Sockets};
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Plan, look};
use kraft_check::security::Access;
use kraft_check::snapshot::{AskedAs, Depth, Endpoint, Missed};
use tokio::time::Instant;

/// The real network, and how often it was dialled.
struct Counted {
    sockets: Sockets,
    dialled: Arc<AtomicUsize>,
}

impl Network for Counted {
    type Stream = <Sockets as Network>::Stream;

    async fn connect(&self, asked_as: AskedAs, endpoint: &Endpoint) -> Result<Self::Stream, Missed> {
        self.dialled.fetch_add(1, Ordering::Relaxed);
        self.sockets.connect(asked_as, endpoint).await
    }

    async fn page(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        self.sockets.page(request).await
    }
}

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let [way, count, file, config] = words.as_slice() else { panic!("looks kept|anew LOOKS FILE CONFIG") };
    let (plan, access) = plan(config);
    let dialled = Arc::new(AtomicUsize::new(0));
    let network = Counted { sockets: Sockets::new(access), dialled: Arc::clone(&dialled) };
    let network = Arc::new(if way == "kept" { Kept::new(network) } else { Kept::nothing(network) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    for _look in 0..count.parse().expect("a number of looks") {
        let seen = runtime.block_on(look(&network, &plan, Instant::now() + plan.request_timeout));
        assert!(seen.nodes.iter().all(|node| node.api_versions.said.is_ok()), "every node answers");
    }
    fs::write(file, dialled.load(Ordering::Relaxed).to_string()).expect("a written file");
}

/// Whom to ask and how, as the program reads it.
fn plan(config: &str) -> (Plan, Access) {
    let line = ["kraft-check", "status", "--config", config].map(OsString::from);
    let Ok((Cli { command: Command::Status(args), .. }, settings)) = settle(&line) else { panic!("a command line") };
    match resolve(&args, Depth::Stage, &settings.expect("a config file")) {
        Ok(Request { subject: Observed::Live { plan, access, .. }, .. }) => (plan, access),
        _ => panic!("no nodes in {config}"),
    }
}
