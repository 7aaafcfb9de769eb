//! What each command does: from a request to a report. Looks are taken here, and nowhere else is it decided how
//! many.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::config::{Refusal, Request};
use crate::evaluate::{evaluate, needs_second_look};
use crate::exit;
use crate::observe::dial::Sockets;
use crate::observe::look;
use crate::report::Report;
use crate::snapshot::Snapshot;

/// How long after the first look the second one is taken that confirms a guard.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(2);

/// `stage`: one look; a second one where a guard was met and there is time for it.
///
/// # Errors
/// [`Refusal`] with 70 when the operating system gives us no event loop.
pub fn stage(request: &Request) -> Result<Report, Refusal> {
    let internal = |message: String| Refusal { exit: &exit::INTERNAL, message };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    let runtime = runtime.map_err(|error| internal(format!("no event loop: {error}")))?;
    let network = Sockets::new(None).map_err(|error| internal(format!("no HTTP client: {error}")))?;
    let report = runtime.block_on(async {
        let (network, deadline) = (Arc::new(network), Instant::now() + request.timeout);
        let first = look(Arc::clone(&network), &request.plan, deadline).await;
        let mut snapshot = Snapshot { expected: request.expected.clone(), looks: vec![first] };
        if needs_second_look(&snapshot) && Instant::now() + SECOND_LOOK_AFTER < deadline {
            sleep(SECOND_LOOK_AFTER).await;
            snapshot.looks.push(look(network, &request.plan, deadline).await);
        }
        evaluate(request.stage, &snapshot)
    });
    // A name that is still being resolved must not hold the answer back: `--timeout` bounds the whole command.
    runtime.shutdown_background();
    Ok(report)
}
