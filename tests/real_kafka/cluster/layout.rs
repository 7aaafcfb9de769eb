//! The plan of a cluster before anything runs: folders, ports, exporters, and who must know of whom.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use super::{Cluster, FIRST_CONTROLLER, Shape};
use crate::distribution::Distribution;
use crate::exporter::Flavour;
use crate::node::{BrokerMode, ControllerMode, Neighbours, Node, Role, ZOOKEEPER};
use crate::ports::Ports;

impl Cluster {
    pub(super) fn laid_out(kafka: &Distribution, shape: Shape) -> Self {
        let folder = new_folder();
        let mut ports = Ports::claim();
        let mut node = |id, role, flavour, name: String| Node {
            id,
            role,
            address: local(ports.take()),
            exporter: local(ports.take()),
            flavour,
            folder: folder.join(name),
            jvm: None,
        };
        let zookeeper = node(ZOOKEEPER, Role::ZooKeeper, Flavour::Plain, "zookeeper".into());
        let brokers = (1..=shape.brokers).map(|id| (id, Role::Broker(BrokerMode::Zookeeper)));
        let controllers =
            (0..shape.controllers).map(|n| (FIRST_CONTROLLER + n, Role::Controller(ControllerMode::Flagged)));
        let mut nodes = vec![zookeeper];
        for (id, role) in brokers {
            // One page shows every bean, because there are exporters that do.
            let flavour = if id == shape.brokers { Flavour::Ungated } else { Flavour::nth(id - 1) };
            nodes.push(node(id, role, flavour, format!("broker-{id}")));
        }
        for (id, role) in controllers {
            let flavour = Flavour::nth(id - FIRST_CONTROLLER);
            nodes.push(node(id, role, flavour, format!("controller-{id}")));
        }
        let voters = nodes
            .iter()
            .filter(|node| matches!(node.role, Role::Controller(_)))
            .map(|node| format!("{}@{}", node.id, node.address))
            .collect::<Vec<_>>()
            .join(",");
        Self {
            kafka: kafka.clone(),
            shape,
            neighbours: Neighbours {
                zookeeper: nodes[0].address,
                voters,
                replication_factor: shape.brokers.min(3),
                protocol_version: kafka.minor().to_owned(),
            },
            nodes: nodes.into_iter().map(|node| (node.id, node)).collect(),
            folder,
            _ports: ports,
        }
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn new_folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kraft-check-{}-{number}", process::id());
        let folder = env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return folder,
            // Left behind by a failed test of a process that had the same id.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("cannot create {}: {error}", folder.display()),
        }
    }
}
