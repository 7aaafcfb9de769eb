//! Asks whoever is to be asked, so many at the same time: workers, each of which takes the next target when it has asked
//! one. A task for each target would cost more than some exchanges do.
//!
//! Not here: who is to be asked (`observe`), and what (`kafka`, `page`).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::dial::Network;
use super::kept::Kept;
use super::second_round::Answered;
use super::{Address, Limits, Moment, Plan, kafka, page};
use crate::snapshot::{AskedAs, Found, MetricName, Missed, Node, Owner, PageOf, Why};

/// How many nodes that have answered may wait to be taken note of, each with its connection: few beside those that are
/// being asked, for together they are the files that are open.
const UNTAKEN_MAX: usize = 16;

/// Who is to be asked.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Node(AskedAs, Address, Option<Found>),
    Page(Owner, String),
}

/// What came of it.
pub(super) enum Seen<S> {
    Node(Box<Answered<S>>),
    Page(PageOf),
}

/// Everybody who is asked, and by whom.
pub(super) struct Workers<N: Network> {
    work: Arc<Work<N>>,
    most: usize,
    tasks: JoinSet<()>,
    seen: mpsc::Receiver<Seen<N::Stream>>,
    /// How many targets there are of which nothing was seen yet.
    open: usize,
}

/// What all workers have in common.
struct Work<N: Network> {
    network: Arc<Kept<N>>,
    limits: Limits,
    metric_names: Vec<MetricName>,
    queue: Mutex<Queue>,
    seen: mpsc::Sender<Seen<N::Stream>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Whom nobody asks yet: until then nothing is made for it.
    waiting: VecDeque<Target>,
    /// How many workers there are that will look here once more.
    workers: usize,
}

impl<N: Network> Workers<N> {
    pub(super) fn new(network: Arc<Kept<N>>, plan: &Plan, limits: Limits) -> Self {
        let (sender, seen) = mpsc::channel(UNTAKEN_MAX);
        let metric_names = plan.metric_names.clone();
        let work = Work { network, limits, metric_names, queue: Mutex::default(), seen: sender };
        Self { work: Arc::new(work), most: plan.concurrency, tasks: JoinSet::new(), seen, open: 0 }
    }

    /// Asks this one as soon as there is room for it.
    pub(super) fn ask(&mut self, target: Target) {
        self.open += 1;
        let mut queue = self.work.queue();
        queue.waiting.push_back(target);
        if queue.workers < self.most {
            queue.workers += 1;
            drop(queue);
            while self.tasks.try_join_next().is_some() {}
            self.tasks.spawn(Arc::clone(&self.work).until_none_is_left());
        }
    }

    /// What was seen next, as long as anybody is still to be heard.
    pub(super) async fn next(&mut self) -> Option<Seen<N::Stream>> {
        if self.open == 0 {
            return None;
        }
        self.open -= 1;
        self.seen.recv().await
    }
}

impl<N: Network> Work<N> {
    async fn until_none_is_left(self: Arc<Self>) {
        while let Some(target) = self.take() {
            let asked = caught(self.ask(target.clone())).await;
            // One broken probe must not cost the report on the others.
            let seen = asked
                .unwrap_or_else(|| unseen(target, &Missed::new(Why::Internal, "the probe failed: please report this")));
            if self.seen.send(seen).await.is_err() {
                return;
            }
        }
    }

    /// The next target. Whoever gets none is not counted among the workers any more.
    fn take(&self) -> Option<Target> {
        let mut queue = self.queue();
        let target = queue.waiting.pop_front();
        if target.is_none() {
            queue.workers -= 1;
        }
        target
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, target: Target) -> Seen<N::Stream> {
        if Instant::now() >= self.limits.deadline {
            return unseen(target, &Missed::new(Why::TimedOut, "not asked before the deadline"));
        }
        match target {
            Target::Node(asked_as, address, found) => {
                let mut answered = kafka::ask_node(&self.network, asked_as, address, self.limits).await;
                answered.node.found = found;
                Seen::Node(answered)
            }
            Target::Page(owner, url) => {
                let began = Moment::now();
                let deadline = self.limits.deadline.min(began.monotonic + self.limits.page_timeout);
                let page = Box::pin(page::ask(&self.network.network, &url, &self.metric_names));
                let said = match tokio::time::timeout_at(deadline, page).await {
                    Ok(said) => said,
                    Err(_) => Err(Missed::new(Why::TimedOut, "no page in time")),
                };
                Seen::Page(PageOf { owner, url, page: began.answer(0, said) })
            }
        }
    }
}

/// What comes of this, or nothing if it panics: which the panic hook has told by then.
pub(super) async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    // What it left half done is its own, and goes with it.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

fn unseen<S>(target: Target, why: &Missed) -> Seen<S> {
    match target {
        Target::Node(asked_as, address, found) => {
            let node = Node { found, ..kafka::unasked(asked_as, address, why) };
            Seen::Node(Box::new(Answered { node, talk: None }))
        }
        Target::Page(owner, url) => Seen::Page(PageOf { owner, url, page: Moment::now().answer(0, Err(why.clone())) }),
    }
}
