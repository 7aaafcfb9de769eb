//! Looks that are taken while something happens to a cluster: one after the other, some at the same time; and one of which
//! less is seen.
//!
//! What holds of every look whatever happens is asserted here; what one may say is up to the test.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::Value;

use crate::record::Snapshot;
use crate::verdicts::{STAGES, V, ask};

/// How many look at the same time: a look that has to be confirmed takes two seconds.
const AT_ONCE: usize = 3;
/// How long each waits before its next look, so that looking does not keep the cluster from what happens.
const PAUSE: Duration = Duration::from_millis(200);

/// One look: its recording, and what it says of every stage.
pub(crate) struct Look {
    pub(crate) snapshot: Snapshot,
    pub(crate) documents: [Value; 4],
}

/// Takes looks while something happens, at least so many, and one more from everybody after it: what came of it is always
/// seen.
pub(crate) fn looks_while(flags: &[String], least: usize, happen: impl FnOnce()) -> Vec<Look> {
    let (over, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    let look_on = || {
        let mut looks = Vec::new();
        loop {
            let after = over.load(Ordering::Relaxed) && taken.load(Ordering::Relaxed) >= least;
            taken.fetch_add(1, Ordering::Relaxed);
            looks.push((std::time::Instant::now(), look(flags)));
            if after {
                return looks;
            }
            sleep(PAUSE);
        }
    };
    thread::scope(|scope| {
        let lookers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(look_on)).collect();
        happen();
        over.store(true, Ordering::Relaxed);
        let mut looks: Vec<_> = lookers.into_iter().flat_map(|looker| looker.join().expect("the looks")).collect();
        looks.sort_by_key(|(began, _)| *began);
        looks.into_iter().map(|(_, look)| look).collect()
    })
}

fn look(flags: &[String]) -> Look {
    let snapshot = Snapshot::new();
    ask(STAGES[0], &[flags, &[snapshot.flag()]].concat());
    let documents = STAGES.map(|stage| snapshot.replay(stage));
    if documents.iter().any(|document| V::of(document) == V::Block) {
        assert_eq!(snapshot.looks(), 2, "nothing is blocked by a single look");
    }
    Look { snapshot, documents }
}

/// What stages say of what is seen with these flags, as if nobody might read the metadata log, which tells the state whatever
/// else does.
pub(crate) fn ask_without_log(flags: &[String]) -> impl Fn(&str) -> Value {
    let snapshot = Snapshot::new();
    ask(STAGES[0], &[flags, &[snapshot.flag()]].concat());
    let seen = snapshot.without_log();
    move |stage| seen.replay(stage)
}
