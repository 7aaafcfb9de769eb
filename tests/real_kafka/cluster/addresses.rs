//! Who is in a cluster and where: what a test passes to the tool, what it asks nodes by itself, and what they keep.

use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::Cluster;
use crate::exporter;
use crate::node::{Node, ZOOKEEPER};
use crate::security::Doors;
use crate::security::certificates::Certificates;
use crate::zookeeper::ZooKeeper;

impl Cluster {
    pub(crate) fn broker_ids(&self) -> RangeInclusive<i32> {
        1..=self.shape.brokers
    }

    pub(crate) fn controller_ids(&self) -> RangeInclusive<i32> {
        let first = self.shape.first_controller;
        first..=first + self.shape.controllers - 1
    }

    /// All brokers, in the form of `bootstrap.servers`.
    pub(crate) fn bootstrap_servers(&self) -> String {
        self.list(self.broker_ids(), |node| node.address.to_string())
    }

    /// The last broker that runs, or the last of all if none does.
    pub(crate) fn any_broker(&self) -> SocketAddr {
        let last = self.nodes.values().rfind(|node| node.is_running_broker());
        last.map_or_else(|| self.endpoint(*self.broker_ids().end()), Node::asked_at)
    }

    /// All brokers, each with its id.
    pub(crate) fn brokers_by_id(&self) -> String {
        self.list(self.broker_ids(), |node| format!("{}@{}", node.id, node.address))
    }

    /// All controllers, in the form of `controller.quorum.voters`.
    pub(crate) fn controllers(&self) -> String {
        self.list(self.controller_ids(), |node| format!("{}@{}", node.id, node.address))
    }

    /// Where all brokers of a secured cluster want a certificate, in the form of `bootstrap.servers`.
    pub(crate) fn brokers_by_certificate(&self) -> String {
        self.list(self.broker_ids(), |node| node.second_listener.to_string())
    }

    /// The same of all controllers, each with its id.
    pub(crate) fn controllers_by_certificate(&self) -> String {
        self.list(self.controller_ids(), |node| format!("{}@{}", node.id, node.second_listener))
    }

    /// Where else a node of a secured cluster listens.
    pub(crate) fn doors(&self, id: i32) -> Doors {
        self.nodes[&id].doors.expect("a secured cluster")
    }

    /// The address for which everybody in the cluster takes this node.
    pub(crate) fn own_address(&self, id: i32) -> SocketAddr {
        self.nodes[&id].address
    }

    /// A secured cluster's certificates.
    pub(crate) fn certificates(&self) -> &Certificates {
        self.neighbours.certificates.as_ref().expect("a secured cluster")
    }

    /// The exporter pages of all controllers, as `3001=URL,3002=URL`.
    pub(crate) fn pages(&self) -> String {
        self.list(self.controller_ids(), |node| format!("{}={}", node.id, self.page(node.id)))
    }

    /// Where the harness asks a node; in a cluster that is not secured everybody asks it there.
    pub(crate) fn endpoint(&self, id: i32) -> SocketAddr {
        self.nodes[&id].asked_at()
    }

    /// A broker's listener for those outside, where a combined controller is a broker, and where a node of a secured
    /// cluster wants a certificate.
    pub(crate) fn second_endpoint(&self, id: i32) -> SocketAddr {
        self.nodes[&id].second_listener
    }

    pub(crate) fn page(&self, id: i32) -> String {
        format!("http://{}/metrics", self.nodes[&id].exporter)
    }

    /// A node's page as its exporter gives it now; nothing when there is none.
    pub(crate) fn page_text(&self, id: i32) -> Option<String> {
        exporter::page(self.nodes[&id].exporter).ok()
    }

    /// A gauge of the controller as a node's page has it now; nothing when there is no page or no such gauge.
    pub(crate) fn gauge(&self, id: i32, name: &str) -> Option<f64> {
        exporter::gauge(&self.page_text(id)?, name)
    }

    pub(crate) fn zookeeper(&self) -> ZooKeeper {
        ZooKeeper { server: self.endpoint(ZOOKEEPER), limit: Duration::from_secs(5) }
    }

    /// What a node has of the metadata log: its newest segment, and its newest snapshot if it has written one.
    pub(crate) fn metadata_log(&self, id: i32) -> (PathBuf, Option<PathBuf>) {
        let folder = self.nodes[&id].folder.join("data").join("__cluster_metadata-0");
        let newest = |extension: &str| {
            let files = fs::read_dir(&folder).expect("the log's folder").map(|entry| entry.expect("an entry").path());
            // The offset stands first in a file's name, with zeros before it. At offset 0 no node has written a snapshot.
            let of_nodes =
                |path: &PathBuf| extension == "log" || !path.ends_with("00000000000000000000-0000000000.checkpoint");
            files.filter(|path| path.extension().is_some_and(|found| found == extension)).filter(of_nodes).max()
        };
        (newest("log").expect("a segment"), newest("checkpoint"))
    }

    fn list(&self, ids: RangeInclusive<i32>, entry: impl Fn(&Node) -> String) -> String {
        let entries: Vec<_> = ids.map(|id| entry(&self.nodes[&id])).collect();
        entries.join(",")
    }
}
