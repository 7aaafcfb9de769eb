//! SIGINT and SIGTERM while a cluster is looked at: the look is given up, and there is time for a last document.
//!
//! At all other times they end the process as they do any other. Not here: the document, and the end itself.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{self, Exit};

/// Whether nobody listens for signals. Once somebody has, the system's own action is gone for good, so it is
/// repeated for as long as this holds: a process whose reader stands still must be stoppable.
static UNHEARD: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let unheard = Arc::new(AtomicBool::new(true));
    for signal in [SIGINT, SIGTERM] {
        // Where that is refused, listening is refused too, and the system's own action is still there.
        let _ = if is_init() {
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&unheard))
        } else {
            flag::register_conditional_default(signal, Arc::clone(&unheard))
        };
    }
    unheard
});

/// Whether we are the first process, as in a container: the kernel spares it the deadly action of signals, so whoever
/// tries to die by one is aborted, with another code. It ends by itself instead.
#[must_use]
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// What the work comes to.
///
/// # Errors
/// How to end, if a signal came first.
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, &'static Exit> {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return Ok(work.await);
    };
    UNHEARD.store(false, Ordering::SeqCst);
    let result = tokio::select! {
        done = work => Ok(done),
        _ = interrupt.recv() => Err(&exit::INTERRUPTED),
        _ = terminate.recv() => Err(&exit::TERMINATED),
    };
    UNHEARD.store(true, Ordering::SeqCst);
    result
}
