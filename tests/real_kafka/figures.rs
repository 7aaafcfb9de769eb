//! A cluster that others measure: `tests/figures` starts it, asks it, and tells it when it may go.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, thread};

use crate::KAFKA;
use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::BrokerMode;

/// Every broker runs KRaft, no controller has finalized. Where it is stands in the file that `KRAFT_CHECK_FIGURES`
/// names, and it stays for as long as that file does. Without that variable nobody waits for it.
#[test]
#[ignore = "it proves nothing: sh tests/figures/run.sh runs it"]
fn a_cluster_to_be_measured() {
    let Some(file) = env::var_os("KRAFT_CHECK_FIGURES").map(PathBuf::from) else { return };
    let kafka = Distribution::fetch(KAFKA);
    let classes = kafka.class_path_with_tools();
    let mut cluster = Cluster::migrating(&kafka, Shape { brokers: 3, controllers: 3, topics: true, ..SMALLEST });
    cluster.restart_brokers(BrokerMode::Kraft);
    let (brokers, controllers, pages) = (cluster.bootstrap_servers(), cluster.controllers(), cluster.pages());
    let controller = cluster.endpoint(*cluster.controller_ids().start());
    let expected = format!("{}-{}", cluster.broker_ids().start(), cluster.broker_ids().end());
    let told = format!(
        "classes={classes}\nbrokers={brokers}\ncontrollers={controllers}\ncontroller={controller}\npages={pages}\n\
         expected={expected}\n"
    );
    // Renamed when it is whole, for it is read as soon as it is there.
    let partial = file.with_extension("partial");
    fs::write(&partial, told).and_then(|()| fs::rename(&partial, &file)).expect("the file can be written");
    while file.exists() {
        thread::sleep(Duration::from_millis(100));
    }
}
