//! The plan of a cluster before anything runs: folders, ports, exporters, and who must know of whom.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use super::{Cluster, Shape, Voters};
use crate::distribution::Distribution;
use crate::exporter::Flavour;
use crate::node::{BrokerMode, ControllerMode, Neighbours, Node, Role, ZOOKEEPER};
use crate::ports::Ports;
use crate::security::Doors;
use crate::security::certificates::Certificates;

impl Cluster {
    pub(super) fn laid_out(kafka: &Distribution, shape: Shape) -> Self {
        let folder = new_folder();
        let mut ports = Ports::claim();
        let mut node = |id, role, flavour, name: String| Node {
            id,
            role,
            software: kafka.clone(),
            address: local(ports.take()),
            second_listener: local(ports.take()),
            exporter: local(ports.take()),
            doors: (shape.secured && role != Role::ZooKeeper).then(|| doors(role, &mut ports)),
            flavour,
            jolokia: None,
            folder: folder.join(name),
            jvm: None,
        };
        let zookeeper = node(ZOOKEEPER, Role::ZooKeeper, Flavour::Plain, "zookeeper".into());
        let brokers = (1..=shape.brokers).map(|id| (id, Role::Broker(BrokerMode::Zookeeper)));
        let controllers = (shape.first_controller..).map(|id| (id, Role::Controller(ControllerMode::Flagged)));
        let mut nodes = vec![zookeeper];
        for ((id, role), flavour) in brokers.zip(Flavour::USUAL.iter().cycle()) {
            // One page shows every bean, because there are exporters that do.
            let flavour = if id == shape.brokers { Flavour::Ungated } else { *flavour };
            nodes.push(node(id, role, flavour, format!("broker-{id}")));
        }
        let count = usize::try_from(shape.controllers).expect("a number of controllers");
        let mut agents = shape.jolokia.iter().cycle();
        for ((id, role), flavour) in controllers.zip(shape.pages.iter().cycle()).take(count) {
            let controller = node(id, role, *flavour, format!("controller-{id}"));
            nodes.push(Node { jolokia: agents.next().copied(), ..controller });
        }
        let controllers = nodes.iter().filter(|node| matches!(node.role, Role::Controller(_)));
        let quorum = match shape.voters {
            Voters::Fixed => {
                let voters: Vec<_> = controllers.map(|node| format!("{}@{}", node.id, node.address)).collect();
                format!("controller.quorum.voters={}", voters.join(","))
            }
            Voters::Dynamic => {
                let servers: Vec<_> = controllers.map(|node| node.address.to_string()).collect();
                format!("controller.quorum.bootstrap.servers={}", servers.join(","))
            }
        };
        Self {
            shape,
            neighbours: Neighbours {
                zookeeper: nodes[0].address,
                quorum,
                replication_factor: shape.brokers.min(3),
                protocol_version: kafka.minor().to_owned(),
                authorizer: shape.authorizer,
                snapshot_bytes: shape.snapshot_bytes,
                certificates: shape.secured.then(|| Certificates::make(folder.join("certificates"))),
            },
            nodes: nodes.into_iter().map(|node| (node.id, node)).collect(),
            folder,
            _ports: ports,
        }
    }
}

/// Where a node of a secured cluster listens beside its own address. A controller has but one of them.
fn doors(role: Role, ports: &mut Ports) -> Doors {
    let harness = local(ports.take());
    let mut of_broker = || if matches!(role, Role::Broker(_)) { local(ports.take()) } else { harness };
    Doors { harness, login: of_broker(), expired: of_broker(), elsewhere: of_broker() }
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
